/* host/http_request.c - http-request: the whole answer at once.
 *
 * Everything lives on the guest's own stack and in the arena of its call, both of which stay while
 * it waits; only the body grows elsewhere until it is complete.
 */
#include <stdlib.h>

#include "host/http_errors.h"
#include "host/http_exchange.h"
#include "host/http_host.h"
#include "host/initialising.h"
#include "host/lease_context.h"

enum { RESPONSE_BODY_BYTES_MAX = 10 << 20 };

typedef struct whole_request {
    bhi_http_exchange exchange; /* first */
    uint8_t *body;
    size_t body_len, body_capacity;
} whole_request;

static bool is_over(const bhi_waitable *waitable)
{
    const bhi_http_exchange *exchange = BHI_CONTAINER_OF(waitable, bhi_http_exchange, waitable);
    return exchange->state == BHI_HTTP_ENDED || exchange->state == BHI_HTTP_FAILED;
}

static bool reserve(whole_request *request, size_t len)
{
    if (len <= request->body_capacity)
        return true;
    size_t capacity = len > 2 * request->body_capacity ? len : 2 * request->body_capacity;
    uint8_t *body = realloc(request->body, capacity);
    if (body == NULL)
        return false;
    request->body = body;
    request->body_capacity = capacity;
    return true;
}

static bhi_http_taken body(bhi_http_exchange *exchange, bhi_bytes bytes)
{
    whole_request *request = (whole_request *)exchange;
    size_t len = request->body_len + bytes.len;
    exchange->counters->http_received_bytes += bytes.len;
    if (len > RESPONSE_BODY_BYTES_MAX) {
        bhi_http_exchange_refuse(exchange, bhi_http_error(BHI_HTTP_ERROR_CODE_BODY_TOO_LARGE));
        return BHI_HTTP_TAKE_NONE;
    }
    if (!reserve(request, len)) {
        bhi_http_exchange_refuse(exchange, bhi_http_error_no_memory());
        return BHI_HTTP_TAKE_NONE;
    }
    memcpy(request->body + request->body_len, bytes.data, bytes.len);
    request->body_len = len;
    return BHI_HTTP_TAKE_MORE;
}

static const bhi_http_exchange_ops exchange_ops = {.body = body};

static bool give_response(whole_request *request, bhi_guest *guest,
                          bhi_http_response_data_result *ret)
{
    const bhi_http_exchange *exchange = &request->exchange;
    if (exchange->state == BHI_HTTP_FAILED) {
        ret->error = exchange->error;
        return true;
    }
    ret->is_ok = request->body == NULL || bhi_arena_defer(&guest->arena, free, request->body);
    if (!ret->is_ok) {
        ret->error = bhi_http_error_no_memory();
        return true;
    }
    ret->ok = (bhi_http_response_data){
        .status = exchange->head.status,
        .headers = {exchange->head.headers, exchange->head.count},
        .body = {request->body, request->body_len},
    };
    request->body = NULL;
    return true;
}

/* False: the call was abandoned. */
static bool wait_for_response(whole_request *request, bhi_guest *guest,
                              bhi_http_response_data_result *ret)
{
    bhi_http_exchange *exchange = &request->exchange;
    const bhi_http_seams *seams = bhi_http_client_seams(exchange->client);
    if (!bhi_http_exchange_start_timer(
            exchange, guest->lease->worker,
            bhi_http_limit_ms(seams->request_ms_max, BHI_HTTP_REQUEST_MS_MAX))) {
        ret->error = bhi_http_error_no_memory();
        return true;
    }
    return bhi_waitable_await(&exchange->waitable, guest) && give_response(request, guest, ret);
}

bool bhi_http_request(bhi_guest *guest, const bhi_http_request_data *data,
                      bhi_http_response_data_result *ret)
{
    whole_request request = {
        .exchange = {.ops = &exchange_ops, .waitable.is_ready = is_over, .arena = &guest->arena}};
    if (!bhi_check_not_initialising(guest, "astrid:http/host@1.0.0#http-request"))
        return false;
    if (!bhi_http_exchange_begin(&request.exchange, guest, data, &ret->error))
        return true;
    bool is_alive = wait_for_response(&request, guest, ret);
    bhi_http_exchange_cancel(&request.exchange);
    free(request.body);
    return is_alive;
}
