/* bulkhead/error.h - statuses, and what went wrong.
 *
 * Every fallible function returns a bh_status and takes an optional bh_error as its last argument.
 * A status other than BH_OK means that the host failed or refused; what a guest did is data
 * (bulkhead/outcome.h). Outputs named ret_* are written only on BH_OK.
 */
#ifndef BULKHEAD_ERROR_H
#define BULKHEAD_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/export.h>

typedef enum bh_blame { BH_BLAME_NONE, BH_BLAME_CALLER, BH_BLAME_GUEST, BH_BLAME_HOST } bh_blame;

#define BH_STATUS_MAP(X) /* name, who is to blame, a retry may help, one line */                   \
    X(OK, NONE, 0, "success")                                                                      \
    X(E_ARG, CALLER, 0, "an argument breaks the documented contract")                              \
    X(E_NOT_FOUND, CALLER, 0, "no such thing")                                                     \
    X(E_MANIFEST, CALLER, 0, "the manifest is malformed or asks for what is not allowed")          \
    X(E_MODULE, GUEST, 0, "the module is malformed or does not link")                              \
    X(E_BUILD, GUEST, 1, "an instance could not be built")                                         \
    X(E_LIMIT, HOST, 1, "a configured limit is reached")                                           \
    X(E_SATURATED, HOST, 1, "the queue of callers is full")                                        \
    X(E_OVER_CAP, CALLER, 1, "the principal holds all the instances that it may")                  \
    X(E_BREAKER, GUEST, 1, "too many instances failed lately; none is built for now")              \
    X(E_NESTED, CALLER, 0, "a chain of invocations could only wait for itself")                    \
    X(E_DEADLINE, HOST, 1, "the deadline passed")                                                  \
    X(E_CANCELLED, CALLER, 0, "the caller gave up")                                                \
    X(E_CLOSED, HOST, 1, "the object is closed")                                                   \
    X(E_NOMEM, HOST, 1, "out of memory")                                                           \
    X(E_IO, HOST, 1, "an operating system call failed")                                            \
    X(E_CORRUPT, HOST, 0, "stored bytes are not what was written")                                 \
    X(E_UNSUPPORTED, HOST, 0, "not provided by this build, machine or capsule")

typedef enum bh_status {
#define BH_STATUS_ENUM(name, blame, retry, text) BH_##name,
    BH_STATUS_MAP(BH_STATUS_ENUM)
#undef BH_STATUS_ENUM
        BH_STATUS_COUNT
} bh_status;

typedef struct bh_error {
    bh_status code;          /* equals the returned status               */
    int32_t os_code;         /* errno at the failure, or 0               */
    uint32_t retry_after_ms; /* when a retry may help, 0 when not known  */
    char text[500];          /* NUL-terminated, cut with "..."           */
} bh_error;                  /* lives on stacks, copied between threads, never allocates */

/* Static strings; "unknown" for a value outside the enum. Any thread. */
BH_API const char *bh_status_name(bh_status status); /* "E_LIMIT" */
BH_API const char *bh_status_text(bh_status status); /* "a configured limit is reached" */
BH_API bh_blame bh_status_blame(bh_status status);
BH_API bool bh_status_may_retry(bh_status status);

#endif
