/* base/error.h - how the layers fill a bh_error. */
#ifndef BHI_BASE_ERROR_H
#define BHI_BASE_ERROR_H

#include <bulkhead/error.h>

/* Fill *reterr (when given) and return `code`, so that a failure is one return statement.
 * The text says what was expected, what was found, and where. */
BH_MUST_USE bh_status bhi_fail(bh_error *reterr, bh_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As bhi_fail with E_IO and the current errno, whose text is appended after ": ". */
BH_MUST_USE bh_status bhi_fail_os(bh_error *reterr, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the text of an error that a callee filled. */
BH_MUST_USE bh_status bhi_fail_within(bh_error *reterr, bh_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
