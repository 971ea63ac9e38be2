/* abi/generated/http.h - the types and host functions of astrid:http/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_HTTP_H
#define BHI_ABI_GENERATED_HTTP_H

#include "abi/generated/types.h"

/* One header. */
typedef struct bhi_http_key_value_pair {
    bhi_bytes key;
    bhi_bytes value;
} bhi_http_key_value_pair;

/* Why a request failed. An HTTP error status is not a failure. */
typedef enum bhi_http_error_code_tag {
    BHI_HTTP_ERROR_CODE_CAPABILITY_DENIED,
    BHI_HTTP_ERROR_CODE_INVALID_REQUEST,
    BHI_HTTP_ERROR_CODE_DNS_ERROR,
    BHI_HTTP_ERROR_CODE_AIRLOCK_REJECTED,
    BHI_HTTP_ERROR_CODE_TLS_ERROR,
    BHI_HTTP_ERROR_CODE_TIMEOUT,
    BHI_HTTP_ERROR_CODE_CONNECTION_ERROR,
    BHI_HTTP_ERROR_CODE_BODY_TOO_LARGE,
    BHI_HTTP_ERROR_CODE_CLOSED,
    BHI_HTTP_ERROR_CODE_QUOTA,
    BHI_HTTP_ERROR_CODE_PROTOCOL,
    BHI_HTTP_ERROR_CODE_UNKNOWN,
} bhi_http_error_code_tag;

typedef struct bhi_http_error_code {
    bhi_http_error_code_tag tag;
    union {
        bhi_bytes protocol;
        bhi_bytes unknown;
    };
} bhi_http_error_code;

/* The request method. */
typedef enum bhi_http_method_tag {
    BHI_HTTP_METHOD_GET,
    BHI_HTTP_METHOD_HEAD,
    BHI_HTTP_METHOD_POST,
    BHI_HTTP_METHOD_PUT,
    BHI_HTTP_METHOD_DELETE,
    BHI_HTTP_METHOD_CONNECT,
    BHI_HTTP_METHOD_OPTIONS,
    BHI_HTTP_METHOD_TRACE,
    BHI_HTTP_METHOD_PATCH,
    BHI_HTTP_METHOD_OTHER,
} bhi_http_method_tag;

typedef struct bhi_http_method {
    bhi_http_method_tag tag;
    bhi_bytes other;
} bhi_http_method;

typedef struct bhi_http_key_value_pair_list {
    const bhi_http_key_value_pair *data;
    size_t len;
} bhi_http_key_value_pair_list;

/* A request. */
typedef struct bhi_http_request_data {
    bhi_bytes url;
    bhi_http_method method;
    bhi_http_key_value_pair_list headers;
    bool has_body;
    bhi_bytes body;
} bhi_http_request_data;

/* A response with its whole body. */
typedef struct bhi_http_response_data {
    uint16_t status;
    bhi_http_key_value_pair_list headers;
    bhi_bytes body;
} bhi_http_response_data;

typedef struct bhi_http_bytes_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_http_error_code error;
    };
} bhi_http_bytes_result;

typedef struct bhi_http_unit_result {
    bool is_ok;
    bhi_http_error_code error;
} bhi_http_unit_result;

typedef struct bhi_http_response_data_result {
    bool is_ok;
    union {
        bhi_http_response_data ok;
        bhi_http_error_code error;
    };
} bhi_http_response_data_result;

typedef struct bhi_http_stream_result {
    bool is_ok;
    union {
        bhi_http_stream *ok;
        bhi_http_error_code error;
    };
} bhi_http_stream_result;

/* Outgoing HTTP requests. */
typedef struct bhi_http_host {
    void (*http_stream_drop)(void *http_stream);
    /* The status code; 0 after close. */
    bool (*http_stream_status)(bhi_guest *guest, bhi_http_stream *self, uint16_t *ret);
    /* The response headers; none after close. */
    bool (*http_stream_headers)(bhi_guest *guest, bhi_http_stream *self,
                                bhi_http_key_value_pair_list *ret);
    /* Wait for the next piece of the body; empty is the end. */
    bool (*http_stream_read_chunk)(bhi_guest *guest, bhi_http_stream *self,
                                   bhi_http_bytes_result *ret);
    /* Abort the transfer; may be called again. */
    bool (*http_stream_close)(bhi_guest *guest, bhi_http_stream *self, bhi_http_unit_result *ret);
    /* Ready when read-chunk would return at once. */
    bool (*http_stream_subscribe_readable)(bhi_guest *guest, bhi_http_stream *self,
                                           bhi_poll_pollable **ret);
    /* The body as a stream, sharing the cursor of read-chunk; once. */
    bool (*http_stream_body_stream)(bhi_guest *guest, bhi_http_stream *self,
                                    bhi_streams_input_stream **ret);
    /* Make a request within 30 seconds; the body has at most 10 MiB. */
    bool (*http_request)(bhi_guest *guest, const bhi_http_request_data *request,
                         bhi_http_response_data_result *ret);
    /* Make a request and return after the response headers. At most 4 at a time. */
    bool (*http_stream_start)(bhi_guest *guest, const bhi_http_request_data *request,
                              bhi_http_stream_result *ret);
} bhi_http_host;

#endif
