/* host/http_errors.h - the errors that a guest sees. Fixed texts: nothing of the host reaches it.
 */
#ifndef BHI_HOST_HTTP_ERRORS_H
#define BHI_HOST_HTTP_ERRORS_H

#include "abi/generated/http.h"
#include "host/http_client.h"

static inline bhi_http_error_code bhi_http_error(bhi_http_error_code_tag tag)
{
    return (bhi_http_error_code){.tag = tag};
}

/* `text` is a literal. */
static inline bhi_http_error_code bhi_http_protocol(const char *text)
{
    return (bhi_http_error_code){.tag = BHI_HTTP_ERROR_CODE_PROTOCOL,
                                 .protocol = bhi_bytes_of(text)};
}

static inline bhi_http_error_code bhi_http_error_no_memory(void)
{
    return (bhi_http_error_code){.tag = BHI_HTTP_ERROR_CODE_UNKNOWN,
                                 .unknown = BHI_BYTES_LITERAL("the host has no memory")};
}

/* Not of BHI_HTTP_DONE. */
bhi_http_error_code bhi_http_error_of(bhi_http_failure failure);

/* What a body stream's reader is told; static. */
const char *bhi_http_error_text(const bhi_http_error_code *error);

#endif
