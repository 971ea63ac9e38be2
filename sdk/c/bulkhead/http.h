/* bulkhead/http.h - HTTP requests. Included by capsule.h.
 *
 *     capsule_http_request request = capsule_http_get(capsule_text("https://example.org/"));
 *     capsule_http_add_header(&request, capsule_text("accept"), capsule_text("text/plain"));
 *     capsule_http_response response;
 *     if (capsule_http_send(&request, &response) == CAPSULE_HTTP_OK && response.status == 200)
 *         ... response.body ...
 *
 * The manifest's `capabilities.net` names the hosts. An error status (404, 500) is a success here.
 * Header names of responses are in lower case. Redirects are followed, 10 at most; bodies are not
 * decompressed.
 */
#ifndef BULKHEAD_SDK_HTTP_H
#define BULKHEAD_SDK_HTTP_H

#include "capsule.h"
#include "io.h"

typedef enum capsule_http_status {
    CAPSULE_HTTP_OK,
    CAPSULE_HTTP_CAPABILITY_DENIED, /* the host is not among those of the manifest */
    CAPSULE_HTTP_INVALID_REQUEST,   /* URL, method, a header, or more than 10 MiB of body */
    CAPSULE_HTTP_DNS_ERROR,
    CAPSULE_HTTP_AIRLOCK_REJECTED, /* the host has private addresses only */
    CAPSULE_HTTP_TLS_ERROR,
    CAPSULE_HTTP_TIMEOUT,
    CAPSULE_HTTP_CONNECTION_ERROR,
    CAPSULE_HTTP_BODY_TOO_LARGE, /* of a response: more than 10 MiB */
    CAPSULE_HTTP_CLOSED,
    CAPSULE_HTTP_QUOTA,    /* 4 streams are open */
    CAPSULE_HTTP_PROTOCOL, /* capsule_error_text says what the peer did */
    CAPSULE_HTTP_UNKNOWN   /* capsule_error_text says more */
} capsule_http_status;

typedef enum capsule_http_method {
    CAPSULE_HTTP_GET,
    CAPSULE_HTTP_HEAD,
    CAPSULE_HTTP_POST,
    CAPSULE_HTTP_PUT,
    CAPSULE_HTTP_DELETE,
    CAPSULE_HTTP_CONNECT, /* always refused */
    CAPSULE_HTTP_OPTIONS,
    CAPSULE_HTTP_TRACE,
    CAPSULE_HTTP_PATCH,
    CAPSULE_HTTP_OTHER /* other_method names it */
} capsule_http_method;

typedef struct capsule_http_header {
    capsule_bytes name;
    capsule_bytes value;
} capsule_http_header;

typedef struct capsule_http_headers {
    capsule_http_header *items;
    size_t count;
} capsule_http_headers;

typedef struct capsule_http_request {
    capsule_bytes url;
    capsule_http_method method;
    capsule_bytes other_method;
    capsule_http_headers headers;
    capsule_option body;
} capsule_http_request;

typedef struct capsule_http_response {
    uint16_t status;
    capsule_http_headers headers;
    capsule_bytes body;
} capsule_http_response;

/* A request without headers and body, to change as needed. */
capsule_http_request capsule_http_get(capsule_bytes url);
capsule_http_request capsule_http_post(capsule_bytes url, capsule_bytes body);
/* Names may repeat. */
void capsule_http_add_header(capsule_http_request *request, capsule_bytes name,
                             capsule_bytes value);
/* The first of that name, in any case of its letters. */
capsule_option capsule_http_find_header(capsule_http_headers headers, const char *name);

/* The whole response, within 30 seconds and 10 MiB. */
CAPSULE_MUST_USE capsule_http_status capsule_http_send(const capsule_http_request *request,
                                                       capsule_http_response *ret_response);

/* A response whose body is read piece by piece; a handle of this call. */
typedef struct capsule_http_stream {
    uint32_t handle;
} capsule_http_stream;

/* Returns when the response's headers are there. */
CAPSULE_MUST_USE capsule_http_status capsule_http_open(const capsule_http_request *request,
                                                       capsule_http_stream *ret_stream);
/* 0 and none after close. */
uint16_t capsule_http_stream_status(capsule_http_stream stream);
capsule_http_headers capsule_http_stream_headers(capsule_http_stream stream);
/* At most 64 KiB; empty is the end. CAPSULE_HTTP_TIMEOUT after 120 seconds: try again, or not. */
CAPSULE_MUST_USE capsule_http_status capsule_http_read(capsule_http_stream stream,
                                                       capsule_bytes *ret_chunk);
/* Stop the transfer; may be repeated. */
void capsule_http_close(capsule_http_stream stream);
/* Ready when capsule_http_read would return at once. */
capsule_pollable capsule_http_readiness(capsule_http_stream stream);
/* The body as a stream, of which capsule_http_read takes too. Once: later ones are closed. */
capsule_input_stream capsule_http_body_stream(capsule_http_stream stream);
/* Closes, and ends the handle: exactly once. */
void capsule_http_drop(capsule_http_stream stream);

/* "dns-error"; static. */
const char *capsule_http_status_name(capsule_http_status status);

#endif
