/* host/http_errors.c - see the header. */
#include "host/http_errors.h"

bhi_http_error_code bhi_http_error_of(bhi_http_failure failure)
{
    switch (failure) {
    case BHI_HTTP_DNS_FAILED:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_DNS_ERROR);
    case BHI_HTTP_PEER_REFUSED:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_AIRLOCK_REJECTED);
    case BHI_HTTP_TLS_FAILED:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_TLS_ERROR);
    case BHI_HTTP_TIMED_OUT:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_TIMEOUT);
    case BHI_HTTP_CONNECTION_FAILED:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_CONNECTION_ERROR);
    case BHI_HTTP_MALFORMED:
        return bhi_http_protocol("malformed response");
    case BHI_HTTP_TRUNCATED:
        return bhi_http_protocol("truncated response");
    case BHI_HTTP_CLOSED:
        return bhi_http_error(BHI_HTTP_ERROR_CODE_CLOSED);
    case BHI_HTTP_NO_MEMORY:
    case BHI_HTTP_STOPPED: /* libcurl could not keep what a paused transfer had read */
    case BHI_HTTP_DONE:
        break;
    }
    return bhi_http_error_no_memory();
}

const char *bhi_http_error_text(const bhi_http_error_code *error)
{
    switch (error->tag) {
    case BHI_HTTP_ERROR_CODE_TIMEOUT:
        return "the response took too long";
    case BHI_HTTP_ERROR_CODE_CONNECTION_ERROR:
        return "the connection failed";
    case BHI_HTTP_ERROR_CODE_TLS_ERROR:
        return "TLS failed";
    case BHI_HTTP_ERROR_CODE_PROTOCOL:
        return (const char *)error->protocol.data; /* a literal */
    case BHI_HTTP_ERROR_CODE_CLOSED:
        return "the stream was closed";
    default:
        return "the response failed";
    }
}
