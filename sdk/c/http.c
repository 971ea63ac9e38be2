/* http.c - the wrappers of astrid:http/host. */
#include "call.h"

typedef struct core_response {
    uint16_t status;
    capsule_http_headers headers;
    capsule_bytes body;
} core_response;
AT(core_response, headers, 4);
AT(core_response, body, 12);

/* Every result<_, error-code>. */
typedef struct http_result {
    uint8_t is_error;
    union {
        core_error error;
        core_response response;
        capsule_bytes bytes;
        uint32_t handle;
    } as;
} http_result;
AT(http_result, as, 4);
AT(http_result, as.error.text, 8);
_Static_assert(sizeof(http_result) == 24, "the largest is result<http-response-data, error-code>");
_Static_assert(sizeof(capsule_http_header) == 16, "a key-value-pair is two strings");

#define HTTP(function) IMPORT("http/host", function)

/* http-request-data, flattened. */
#define REQUEST_PARAMETERS                                                                         \
    const uint8_t *url, size_t url_len, uint32_t method, const uint8_t *other_method,              \
        size_t other_method_len, const capsule_http_header *headers, size_t headers_count,         \
        uint32_t has_body, const uint8_t *body, size_t body_len
#define REQUEST_ARGUMENTS(request)                                                                 \
    (request)->url.data, (request)->url.len, (request)->method, (request)->other_method.data,      \
        (request)->other_method.len, (request)->headers.items, (request)->headers.count,           \
        (request)->body.is_some, (request)->body.value.data, (request)->body.value.len

HTTP("http-request") void http_request(REQUEST_PARAMETERS, http_result *ret);
HTTP("http-stream-start") void http_stream_start(REQUEST_PARAMETERS, http_result *ret);
HTTP("[method]http-stream.status") uint32_t http_stream_status(uint32_t stream);
HTTP("[method]http-stream.headers")
void http_stream_headers(uint32_t stream, capsule_http_headers *ret);
HTTP("[method]http-stream.read-chunk")
void http_stream_read_chunk(uint32_t stream, http_result *ret);
HTTP("[method]http-stream.close") void http_stream_close(uint32_t stream, http_result *ret);
HTTP("[method]http-stream.subscribe-readable")
uint32_t http_stream_subscribe_readable(uint32_t stream);
HTTP("[method]http-stream.body-stream")
capsule_input_stream http_stream_body_stream(uint32_t stream);
HTTP("[resource-drop]http-stream") void http_stream_drop(uint32_t stream);

/* Of the two cases with a text, `protocol` comes before `unknown`. */
static capsule_http_status http_status(const http_result *result)
{
    if (!result->is_error)
        return CAPSULE_HTTP_OK;
    int text_case = result->as.error.code + 1 == CAPSULE_HTTP_PROTOCOL ? CAPSULE_HTTP_PROTOCOL
                                                                       : CAPSULE_HTTP_UNKNOWN;
    return (capsule_http_status)capsule_call_failure(&result->as.error, text_case);
}

/* ---- requests ---- */

capsule_http_request capsule_http_get(capsule_bytes url)
{
    return (capsule_http_request){.url = url, .method = CAPSULE_HTTP_GET};
}

capsule_http_request capsule_http_post(capsule_bytes url, capsule_bytes body)
{
    return (capsule_http_request){
        .url = url, .method = CAPSULE_HTTP_POST, .body = capsule_some(body)};
}

/* The array has room for the next power of two. */
void capsule_http_add_header(capsule_http_request *request, capsule_bytes name, capsule_bytes value)
{
    capsule_http_headers *headers = &request->headers;
    size_t count = headers->count;
    if ((count & (count - 1)) == 0) {
        capsule_http_header *items = capsule_alloc((count == 0 ? 1 : 2 * count) * sizeof(*items));
        if (count > 0)
            memcpy(items, headers->items, count * sizeof(*items));
        headers->items = items;
    }
    headers->items[headers->count++] = (capsule_http_header){name, value};
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_named(capsule_bytes name, const char *text)
{
    if (name.len != strlen(text))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (lower(name.data[i]) != lower((uint8_t)text[i]))
            return false;
    return true;
}

capsule_option capsule_http_find_header(capsule_http_headers headers, const char *name)
{
    for (size_t i = 0; i < headers.count; i++)
        if (is_named(headers.items[i].name, name))
            return capsule_some(headers.items[i].value);
    return CAPSULE_NONE;
}

capsule_http_status capsule_http_send(const capsule_http_request *request,
                                      capsule_http_response *ret_response)
{
    http_result result;
    http_request(REQUEST_ARGUMENTS(request), &result);
    const core_response *response = &result.as.response;
    if (!result.is_error)
        *ret_response =
            (capsule_http_response){response->status, response->headers, response->body};
    return http_status(&result);
}

/* ---- streams ---- */

capsule_http_status capsule_http_open(const capsule_http_request *request,
                                      capsule_http_stream *ret_stream)
{
    http_result result;
    http_stream_start(REQUEST_ARGUMENTS(request), &result);
    if (!result.is_error)
        ret_stream->handle = result.as.handle;
    return http_status(&result);
}

uint16_t capsule_http_stream_status(capsule_http_stream stream)
{
    return (uint16_t)http_stream_status(stream.handle);
}

capsule_http_headers capsule_http_stream_headers(capsule_http_stream stream)
{
    capsule_http_headers headers;
    http_stream_headers(stream.handle, &headers);
    return headers;
}

capsule_http_status capsule_http_read(capsule_http_stream stream, capsule_bytes *ret_chunk)
{
    http_result result;
    http_stream_read_chunk(stream.handle, &result);
    if (!result.is_error)
        *ret_chunk = result.as.bytes;
    return http_status(&result);
}

void capsule_http_close(capsule_http_stream stream)
{
    http_result result;
    http_stream_close(stream.handle, &result);
}

capsule_pollable capsule_http_readiness(capsule_http_stream stream)
{
    return http_stream_subscribe_readable(stream.handle);
}

capsule_input_stream capsule_http_body_stream(capsule_http_stream stream)
{
    return http_stream_body_stream(stream.handle);
}

void capsule_http_drop(capsule_http_stream stream)
{
    http_stream_drop(stream.handle);
}

const char *capsule_http_status_name(capsule_http_status status)
{
    static const char *const names[] = {
        "ok",        "capability-denied", "invalid-request",  "dns-error",      "airlock-rejected",
        "tls-error", "timeout",           "connection-error", "body-too-large", "closed",
        "quota",     "protocol",          "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
