/* host/http.c - astrid:http/host@1.0.0: the table.
 *
 *   http_request, http_stream   what a guest calls
 *   http_exchange               a request and its redirects, checked hop by hop
 *   http_rules, http_url, http_address, http_head   what is allowed; pure
 *   http_client, http_transfer, http_sockets        libcurl on a worker's loop
 */
#include "host/http_host.h"

#include "host/host.h"

const bhi_http_host bhi_host_http = {
    .http_stream_drop = bhi_http_stream_drop,
    .http_stream_status = bhi_http_stream_status,
    .http_stream_headers = bhi_http_stream_headers,
    .http_stream_read_chunk = bhi_http_stream_read_chunk,
    .http_stream_close = bhi_http_stream_close,
    .http_stream_subscribe_readable = bhi_http_stream_subscribe_readable,
    .http_stream_body_stream = bhi_http_stream_body_stream,
    .http_request = bhi_http_request,
    .http_stream_start = bhi_http_stream_start,
};
