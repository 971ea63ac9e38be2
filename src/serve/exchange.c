/* serve/exchange.c - from the first header to the whole request, and the queued answer.
 *
 * A refusal that is known early (a bad header, an unknown capsule) waits as the exchange's answer
 * while the body is read and thrown away, so that the connection can be used again. Only a
 * body announced too large is answered before it is read.
 *
 * Two sides hold an exchange: libmicrohttpd until `completed`, its work until `done`. Whoever lets
 * go last recycles it. What the invocation borrows (action, principal, body) is owned by the
 * exchange for that reason.
 */
#include "serve/exchange_state.h"

#include <stdlib.h>
#include <string.h>

#include "serve/address.h"
#include "serve/head.h"
#include "serve/linger.h"
#include "serve/resource.h"

enum {
    BODY_BYTES_FIRST = 4096,    /* most payloads fit */
    BODY_BYTES_KEPT = 64 << 10, /* a spare keeps a buffer up to this size */
    SPARES_MAX = 256
};

/* Beyond the limit this much of a body is read and thrown away to answer it politely. */
#define DISCARD_BYTES_MAX (8u << 20)

/* ---- life ---- */

static bhi_exchange *take_exchange(bhi_http *http)
{
    bhi_link *link = bhi_list_first(&http->spares);
    if (link != NULL) {
        bhi_list_remove(link);
        http->spare_count--;
        return BHI_CONTAINER_OF(link, bhi_exchange, link);
    }
    bhi_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange != NULL)
        bhi_link_init(&exchange->link);
    return exchange;
}

static void free_body(bhi_exchange *exchange)
{
    exchange->http->body_bytes -= exchange->body_capacity;
    free(exchange->body);
    exchange->body = NULL;
    exchange->body_len = exchange->body_capacity = 0;
}

static void free_exchange(bhi_exchange *exchange)
{
    free_body(exchange);
    free(exchange);
}

/* Both sides have let go. */
void bhi_exchange_recycle(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    bhi_list_remove(&exchange->link);
    bhi_answer_deinit(&exchange->answer);
    if (exchange->body_capacity > BODY_BYTES_KEPT)
        free_body(exchange);
    if (http->spare_count < SPARES_MAX && http->phase == HTTP_SERVING) {
        bhi_list_push_front(&http->spares, &exchange->link);
        http->spare_count++;
    } else {
        free_exchange(exchange);
    }
}

void bhi_exchange_free_spares(bhi_http *http)
{
    bhi_link *link;
    while ((link = bhi_list_first(&http->spares)) != NULL) {
        bhi_list_remove(link);
        free_exchange(BHI_CONTAINER_OF(link, bhi_exchange, link));
    }
    http->spare_count = 0;
}

/* ---- answers ---- */

enum MHD_Result bhi_exchange_queue_answer(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    bhi_answer *answer = &exchange->answer;
    exchange->phase = EXCHANGE_ANSWERED;
    if (answer->response == NULL)
        return MHD_NO; /* out of memory: all that is left is to close the connection */
    if (http->phase != HTTP_SERVING || exchange->must_linger)
        bhi_answer_add_header(answer, MHD_HTTP_HEADER_CONNECTION, "close");
    bhi_metrics_count_response(http->options.metrics, http->options.worker_index,
                               answer->http_status);
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, answer->http_status, answer->response);
    bhi_answer_deinit(answer);
    return result;
}

static void refuse(bhi_exchange *exchange, bhi_answer answer)
{
    if (exchange->is_refused)
        bhi_answer_deinit(&answer);
    else
        exchange->answer = answer;
    exchange->is_refused = true;
}

static void refuse_too_large(bhi_exchange *exchange)
{
    char text[96];
    snprintf(text, sizeof text, "a payload has at most %zu bytes",
             exchange->http->options.limits.payload_bytes_max);
    refuse(exchange, bhi_answer_error(MHD_HTTP_CONTENT_TOO_LARGE, "payload-too-large", text));
}

/* ---- receiving ---- */

static bool may_talk_to_us(const bhi_head *head)
{
    return (head->host == NULL || bhi_host_is_loopback(head->host)) &&
           (head->origin == NULL || bhi_origin_is_loopback(head->origin));
}

static void check_action_head(bhi_exchange *exchange, const bhi_head *head)
{
    bh_error error;
    exchange->wants_octets = bhi_head_wants_octets(head);
    exchange->has_principal = head->principal != NULL;
    if (exchange->has_principal)
        snprintf(exchange->principal, sizeof exchange->principal, "%s", head->principal);
    bh_status status = bhi_head_timeout_ms(head, &exchange->timeout_ms, &error);
    if (status == BH_OK)
        status = bhi_head_no_wait(head, &exchange->no_wait, &error);
    if (status != BH_OK)
        refuse(exchange, bhi_answer_status(status, &error));
}

static void check_change_head(bhi_exchange *exchange, const bhi_head *head)
{
    bh_error error;
    bh_status status = bhi_head_drain_ms(head, exchange->http->options.limits.drain_ms,
                                         &exchange->drain_ms, &error);
    if (status != BH_OK)
        refuse(exchange, bhi_answer_status(status, &error));
}

/* Whether it can be called is asked when it is called: that may change while a body comes. */
static void find_capsule(bhi_exchange *exchange)
{
    bh_error error;
    exchange->entry = bhi_catalog_find(exchange->http->options.catalog, exchange->path.capsule);
    if (exchange->entry != NULL)
        return;
    bh_status status =
        bhi_fail(&error, BH_E_NOT_FOUND, "no capsule is named \"%s\"", exchange->path.capsule);
    refuse(exchange, bhi_answer_status(status, &error));
}

/* Everything that can be said from the header; the first refusal counts. */
static void check_request(bhi_exchange *exchange, const char *url, const char *method,
                          const bhi_head *head)
{
    bh_error error;
    if (!may_talk_to_us(head)) {
        refuse(exchange, bhi_answer_error(MHD_HTTP_FORBIDDEN, "not-loopback",
                                          "the Host and Origin of a request must be loopback"));
        return;
    }
    if (head->repeated != NULL) {
        bh_status repeated =
            bhi_fail(&error, BH_E_ARG, "the header field %s may come once", head->repeated);
        refuse(exchange, bhi_answer_status(repeated, &error));
    }
    bh_status status = bhi_path_parse(url, &exchange->path, &error);
    if (status != BH_OK) {
        refuse(exchange, bhi_answer_status(status, &error));
        return;
    }
    const char *allowed = bhi_resource_methods(exchange->path.resource);
    if (!bhi_resource_allows(exchange->path.resource, method)) {
        bhi_answer answer = bhi_answer_error(MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                                             "this path does not take this method");
        bhi_answer_add_header(&answer, MHD_HTTP_HEADER_ALLOW, allowed);
        refuse(exchange, answer);
    } else if (bhi_resource_is_of_capsule(exchange->path.resource)) {
        find_capsule(exchange);
        if (exchange->path.resource == BHI_RESOURCE_ACTION)
            check_action_head(exchange, head);
        else
            check_change_head(exchange, head);
    } else if (bhi_resource_is_work(exchange->path.resource)) {
        check_action_head(exchange, head);
    }
}

static enum MHD_Result begin(bhi_http *http, struct MHD_Connection *connection, const char *url,
                             const char *method, void **request_cls)
{
    bhi_exchange *exchange = take_exchange(http);
    if (exchange == NULL)
        return MHD_NO;
    exchange->http = http;
    exchange->connection = connection;
    exchange->phase = EXCHANGE_RECEIVING;
    exchange->wants_octets = exchange->is_refused = exchange->must_linger = false;
    exchange->is_cancelled = exchange->is_swept = false;
    exchange->entry = NULL;
    exchange->body_len = 0;
    exchange->received_bytes = 0;
    bhi_list_push_back(&http->exchanges, &exchange->link);
    *request_cls = exchange;
    bhi_head head;
    bhi_head_read(connection, &head);
    check_request(exchange, url, method, &head);
    if (bhi_head_content_length(&head) <= http->options.limits.payload_bytes_max)
        return MHD_YES;
    refuse_too_large(exchange);
    exchange->must_linger = true;
    return bhi_exchange_queue_answer(exchange);
}

/* Room for `more` bytes. false: refused. */
static bool reserve_body(bhi_exchange *exchange, size_t more)
{
    bhi_http *http = exchange->http;
    if (more > http->options.limits.payload_bytes_max - exchange->body_len) {
        refuse_too_large(exchange);
        return false;
    }
    size_t capacity = exchange->body_capacity > 0 ? exchange->body_capacity : BODY_BYTES_FIRST;
    while (capacity < exchange->body_len + more)
        capacity *= 2;
    if (capacity == exchange->body_capacity)
        return true;
    size_t grown = capacity - exchange->body_capacity;
    uint8_t *body = grown > http->options.limits.body_bytes_max - http->body_bytes
                        ? NULL
                        : realloc(exchange->body, capacity);
    if (body == NULL) {
        refuse(exchange, bhi_answer_status(BH_E_SATURATED, NULL));
        return false;
    }
    http->body_bytes += grown;
    exchange->body = body;
    exchange->body_capacity = capacity;
    return true;
}

static enum MHD_Result receive(bhi_exchange *exchange, const char *data, size_t len)
{
    exchange->received_bytes += len;
    if (!exchange->is_refused && reserve_body(exchange, len)) {
        memcpy(exchange->body + exchange->body_len, data, len);
        exchange->body_len += len;
        return MHD_YES;
    }
    uint64_t bytes_max = exchange->http->options.limits.payload_bytes_max;
    if (exchange->body_capacity > BODY_BYTES_KEPT)
        free_body(exchange);
    return exchange->received_bytes > bytes_max + DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result answer_whole_request(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    if (exchange->is_refused)
        return bhi_exchange_queue_answer(exchange);
    bool is_draining = http->phase != HTTP_SERVING;
    if (!bhi_resource_is_work(exchange->path.resource))
        exchange->answer = bhi_resource_read(http, &exchange->path, is_draining);
    else if (is_draining)
        exchange->answer = bhi_answer_draining();
    else
        return bhi_exchange_start(exchange);
    return bhi_exchange_queue_answer(exchange);
}

/* ---- the daemon's callbacks ---- */

enum MHD_Result bhi_exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version,
                                    const char *upload_data, size_t *upload_data_size,
                                    void **request_cls)
{
    bhi_exchange *exchange = *request_cls;
    if (exchange == NULL)
        return begin(cls, connection, url, method, request_cls);
    if (*upload_data_size > 0) {
        size_t len = *upload_data_size;
        *upload_data_size = 0;
        return receive(exchange, upload_data, len);
    }
    switch (exchange->phase) {
    case EXCHANGE_RECEIVING:
        return answer_whole_request(exchange);
    case EXCHANGE_STARTED:
        return bhi_exchange_suspend(exchange);
    case EXCHANGE_DONE:
        exchange->http->has_queued_late = true;
        return bhi_exchange_queue_answer(exchange);
    default: /* suspended or answered: the daemon has no reason to ask */
        return MHD_YES;
    }
}

void bhi_exchange_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                            enum MHD_RequestTerminationCode how)
{
    bhi_http *http = cls;
    bhi_exchange *exchange = *request_cls;
    if (exchange == NULL)
        return;
    *request_cls = NULL;
    if (exchange->must_linger)
        bhi_linger_open(http, connection);
    exchange->connection = NULL;
    if (!bhi_exchange_is_working(exchange)) {
        bhi_exchange_recycle(exchange);
        return;
    }
    bhi_hangup_close(exchange->hangup);
    exchange->hangup = NULL;
    if (exchange->invocation != NULL)
        bhi_metrics_count_disconnect(http->options.metrics, http->options.worker_index);
    bhi_exchange_cancel(exchange);
}
