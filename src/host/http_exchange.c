/* host/http_exchange.c - see the header.
 *
 * A redirect's own body is read and dropped, up to a bound, so that its connection can be used
 * again; the next hop begins when its transfer has ended, outside libcurl.
 */
#include "host/http_exchange.h"

#include <string.h>

#include "abi/guest.h"
#include "base/clock.h"
#include "host/http_errors.h"
#include "host/lease_context.h"

static const bhi_http_transfer_ops transfer_ops;

/* ---- ends ---- */

/* A guest that waits for the end is not woken by the head. */
static void notify(bhi_http_exchange *exchange)
{
    if (exchange->waitable.is_ready(&exchange->waitable))
        bhi_waitable_notify(&exchange->waitable);
}

static void settle(bhi_http_exchange *exchange, bhi_http_state state)
{
    exchange->state = state;
    bhi_http_exchange_stop_timer(exchange);
    if (exchange->ops->ended != NULL)
        exchange->ops->ended(exchange);
    notify(exchange);
}

static void fail(bhi_http_exchange *exchange, bhi_http_error_code error)
{
    exchange->error = error;
    exchange->counters->http_failed++;
    settle(exchange, BHI_HTTP_FAILED);
}

static void stop_transfer(bhi_http_exchange *exchange)
{
    if (exchange->transfer != NULL)
        bhi_http_transfer_cancel(exchange->transfer);
    exchange->transfer = NULL;
}

void bhi_http_exchange_refuse(bhi_http_exchange *exchange, bhi_http_error_code error)
{
    exchange->error = error;
    exchange->has_reason = true;
}

/* ---- a hop ---- */

/* Of the present URL. */
static bool is_granted(const bhi_http_exchange *exchange)
{
    return bhi_http_host_is_granted(&exchange->grants->net, bhi_http_url_host(&exchange->url),
                                    exchange->url.is_address);
}

static bool start_hop(bhi_http_exchange *exchange, bhi_http_error_code *ret_error)
{
    const bhi_http_seams *seams = bhi_http_client_seams(exchange->client);
    bhi_http_transfer_spec spec = {
        .owner = exchange->owner,
        .url = exchange->url.parsed,
        .method = exchange->method,
        .headers = exchange->headers,
        .body = exchange->body,
        .has_body = exchange->has_body,
        .connect_ms_max = bhi_http_limit_ms(seams->connect_ms_max, BHI_HTTP_CONNECT_MS_MAX),
        .ops = &transfer_ops,
        .arg = exchange,
    };
    if (!is_granted(exchange)) { /* X1 */
        *ret_error = bhi_http_error(BHI_HTTP_ERROR_CODE_CAPABILITY_DENIED);
        return false;
    }
    if (exchange->is_over_quota) {
        *ret_error = bhi_http_error(BHI_HTTP_ERROR_CODE_QUOTA);
        return false;
    }
    exchange->may_be_private = bhi_http_host_may_be_private(
        &exchange->grants->private_hosts, bhi_http_url_host(&exchange->url), exchange->url.port);
    exchange->is_redirect = false;
    exchange->redirect_body_bytes = 0;
    bhi_http_head_begin(&exchange->head, exchange->arena);
    bh_status status = bhi_http_transfer_start(exchange->client, &spec, &exchange->transfer, NULL);
    if (status != BH_OK) {
        *ret_error = status == BH_E_LIMIT ? bhi_http_error(BHI_HTTP_ERROR_CODE_QUOTA)
                                          : bhi_http_error_no_memory();
        return false;
    }
    exchange->counters->http_requests++;
    exchange->counters->http_sent_bytes += exchange->body.len;
    return true;
}

/* ---- redirects ---- */

static bhi_bytes name_in(const struct curl_slist *line)
{
    return (bhi_bytes){(const uint8_t *)line->data, strcspn(line->data, ":;")};
}

static void drop_headers(bhi_http_exchange *exchange, bool (*must_go)(bhi_bytes name))
{
    struct curl_slist **link = &exchange->headers;
    while (*link != NULL) {
        if (must_go(name_in(*link)))
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
}

static bool keeps_method(const bhi_http_exchange *exchange)
{
    return exchange->head.status == 307 || exchange->head.status == 308 ||
           strcmp(exchange->method, "HEAD") == 0;
}

static void become_get(bhi_http_exchange *exchange)
{
    strcpy(exchange->method, "GET");
    exchange->body = (bhi_bytes){0};
    exchange->has_body = false;
    drop_headers(exchange, bhi_http_describes_body);
}

/* libcurl reads raw bytes of a location; our head has decoded them, which is the same for ASCII. */
static bool move_to(bhi_http_exchange *exchange, bhi_bytes location, bhi_http_error_code *ret_error)
{
    bhi_http_url next;
    bhi_http_url_verdict verdict = bhi_http_url_follow(&exchange->url, location, &next);
    if (verdict != BHI_HTTP_URL_OK) {
        *ret_error = verdict == BHI_HTTP_URL_NO_MEMORY ? bhi_http_error_no_memory()
                                                       : bhi_http_protocol("malformed redirect");
        return false;
    }
    if (exchange->url.is_https && !next.is_https) {
        bhi_http_url_deinit(&next);
        *ret_error = bhi_http_protocol("redirect from https to http");
        return false;
    }
    if (!bhi_http_url_is_same_origin(&exchange->url, &next))
        drop_headers(exchange, bhi_http_is_credential); /* X2 */
    bhi_http_url_deinit(&exchange->url);
    exchange->url = next;
    return true;
}

static bool follow(bhi_http_exchange *exchange, bhi_http_error_code *ret_error)
{
    if (exchange->redirects++ == BHI_HTTP_REDIRECTS_MAX) {
        *ret_error = bhi_http_protocol("too many redirects");
        return false;
    }
    if (!keeps_method(exchange))
        become_get(exchange);
    return move_to(exchange, *bhi_http_head_find(&exchange->head, "location"), ret_error) &&
           start_hop(exchange, ret_error);
}

static bool is_redirect(const bhi_http_head *head)
{
    switch (head->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return bhi_http_head_find(head, "location") != NULL;
    default:
        return false;
    }
}

/* ---- the transfer's callbacks ---- */

static bool may_connect(void *arg, const struct sockaddr *peer)
{
    bhi_http_exchange *exchange = arg;
    return exchange->may_be_private || bhi_http_client_seams(exchange->client)->is_public(peer);
}

static bool refuse_line(bhi_http_exchange *exchange, bhi_http_error_code error)
{
    bhi_http_exchange_refuse(exchange, error);
    return false;
}

static bool line(void *arg, bhi_bytes bytes)
{
    bhi_http_exchange *exchange = arg;
    switch (bhi_http_head_add(&exchange->head, bytes)) {
    case BHI_HTTP_LINE_TAKEN:
        return true;
    case BHI_HTTP_LINE_LAST:
        exchange->is_redirect = is_redirect(&exchange->head);
        if (exchange->is_redirect)
            return true;
        exchange->state = BHI_HTTP_ANSWERED;
        notify(exchange);
        return true;
    case BHI_HTTP_LINE_MALFORMED:
        return refuse_line(exchange, bhi_http_protocol("malformed response"));
    case BHI_HTTP_LINE_TOO_LARGE:
        return refuse_line(exchange, bhi_http_protocol("response headers too large"));
    case BHI_HTTP_LINE_NO_MEMORY:
        break;
    }
    return refuse_line(exchange, bhi_http_error_no_memory());
}

static bhi_http_taken body(void *arg, bhi_bytes bytes)
{
    bhi_http_exchange *exchange = arg;
    if (!exchange->is_redirect)
        return exchange->ops->body(exchange, bytes);
    exchange->redirect_body_bytes += (uint32_t)bytes.len;
    return exchange->redirect_body_bytes <= BHI_HTTP_REDIRECT_BODY_BYTES_MAX ? BHI_HTTP_TAKE_MORE
                                                                             : BHI_HTTP_TAKE_NONE;
}

static void done(void *arg, bhi_http_failure failure)
{
    bhi_http_exchange *exchange = arg;
    bhi_http_error_code error;
    exchange->transfer = NULL;
    if (exchange->is_redirect && failure != BHI_HTTP_CLOSED) {
        if (!follow(exchange, &error))
            fail(exchange, error);
    } else if (failure != BHI_HTTP_DONE) {
        fail(exchange, exchange->has_reason ? exchange->error : bhi_http_error_of(failure));
    } else if (exchange->state != BHI_HTTP_ANSWERED) {
        fail(exchange, bhi_http_protocol("malformed response"));
    } else {
        settle(exchange, BHI_HTTP_ENDED);
    }
}

static const bhi_http_transfer_ops transfer_ops = {
    .may_connect = may_connect, .line = line, .body = body, .done = done};

/* ---- begin ---- */

/* libcurl sends "NAME;" as a header without a value and takes "NAME:" as its removal. */
static struct curl_slist *make_line(bhi_arena *arena, bhi_bytes name, bhi_bytes value)
{
    struct curl_slist *made = bhi_arena_alloc(arena, sizeof *made);
    char *text = bhi_arena_alloc(arena, name.len + value.len + 3);
    if (made == NULL || text == NULL)
        return NULL;
    *made = (struct curl_slist){.data = text};
    memcpy(text, name.data, name.len);
    text += name.len;
    if (value.len == 0) {
        memcpy(text, ";", 2);
        return made;
    }
    *text++ = ':';
    *text++ = ' ';
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    return made;
}

static bool is_blank(bhi_bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] != ' ' && value.data[i] != '\t')
            return false;
    return true;
}

/* What libcurl would add to a body by itself. */
static bool has_header(bhi_http_key_value_pair_list headers, const char *name)
{
    for (size_t i = 0; i < headers.len; i++)
        if (bhi_http_equal(headers.data[i].key, bhi_bytes_of(name)))
            return true;
    return false;
}

static bool add_removal(bhi_http_exchange *exchange, struct curl_slist ***last, const char *text)
{
    struct curl_slist *made = bhi_arena_alloc(exchange->arena, sizeof *made);
    if (made == NULL)
        return false;
    *made = (struct curl_slist){.data = (char *)text}; /* libcurl only reads it */
    **last = made;
    *last = &made->next;
    return true;
}

static bool copy_headers(bhi_http_exchange *exchange, bhi_http_key_value_pair_list headers)
{
    struct curl_slist **last = &exchange->headers;
    for (size_t i = 0; i < headers.len; i++) {
        bhi_bytes value = headers.data[i].value;
        *last = make_line(exchange->arena, headers.data[i].key,
                          is_blank(value) ? (bhi_bytes){0} : value);
        if (*last == NULL)
            return false;
        last = &(*last)->next;
    }
    if (!exchange->has_body)
        return true;
    return add_removal(exchange, &last, "Expect:") &&
           (has_header(headers, "content-type") || add_removal(exchange, &last, "Content-Type:"));
}

static bool copy_body(bhi_http_exchange *exchange, const bhi_http_request_data *request)
{
    static const char *const with_length[] = {"POST", "PUT", "PATCH"};
    exchange->has_body = request->has_body;
    for (size_t i = 0; i < sizeof with_length / sizeof with_length[0]; i++)
        exchange->has_body |= strcmp(exchange->method, with_length[i]) == 0;
    if (request->body.len == 0 || !request->has_body)
        return true;
    exchange->body = bhi_arena_copy(exchange->arena, request->body);
    return exchange->body.data != NULL;
}

/* Of a method that has none a body is refused; an empty one is not sent. */
static bool may_have_body(bhi_bytes method)
{
    return !bhi_bytes_equal_text(method, "HEAD") && !bhi_bytes_equal_text(method, "TRACE");
}

static bool is_allowed(const bhi_http_request_data *request, bhi_bytes *ret_method)
{
    size_t body_len = request->has_body ? request->body.len : 0;
    return bhi_http_method_text(&request->method, ret_method) &&
           bhi_http_headers_are_allowed(request->headers) &&
           body_len <= BHI_HTTP_REQUEST_BODY_BYTES_MAX &&
           (body_len == 0 || may_have_body(*ret_method));
}

static bool name_owner(bhi_http_exchange *exchange, const bhi_lease_context *lease)
{
    size_t len = lease->capsule.len + 1 + lease->principal.len;
    uint8_t *name = bhi_arena_alloc(exchange->arena, len);
    if (name == NULL)
        return false;
    memcpy(name, lease->capsule.data, lease->capsule.len);
    name[lease->capsule.len] = '\0';
    if (lease->principal.len > 0)
        memcpy(name + lease->capsule.len + 1, lease->principal.data, lease->principal.len);
    exchange->owner = (bhi_bytes){name, len};
    return true;
}

static bool copy_request(bhi_http_exchange *exchange, const bhi_http_request_data *request,
                         bhi_bytes method)
{
    memcpy(exchange->method, method.data, method.len);
    bool is_copied = copy_body(exchange, request);
    exchange->has_body &= may_have_body(method);
    return is_copied && copy_headers(exchange, request->headers);
}

/* Arguments first, then what is granted. */
static bool take_request(bhi_http_exchange *exchange, const bhi_http_request_data *request,
                         bhi_http_error_code *ret_error)
{
    bhi_bytes method;
    bhi_http_url_verdict verdict = BHI_HTTP_URL_MALFORMED;
    if (is_allowed(request, &method))
        verdict = bhi_http_client_parse_url(exchange->client, request->url, &exchange->url);
    if (verdict == BHI_HTTP_URL_OK && !copy_request(exchange, request, method))
        verdict = BHI_HTTP_URL_NO_MEMORY;
    if (verdict == BHI_HTTP_URL_OK)
        return true;
    *ret_error = verdict == BHI_HTTP_URL_NO_MEMORY
                     ? bhi_http_error_no_memory()
                     : bhi_http_error(BHI_HTTP_ERROR_CODE_INVALID_REQUEST);
    return false;
}

bool bhi_http_exchange_begin(bhi_http_exchange *exchange, bhi_guest *guest,
                             const bhi_http_request_data *request, bhi_http_error_code *ret_error)
{
    void *service;
    bhi_lease_context *lease = guest->lease;
    exchange->grants = lease->grants;
    exchange->counters = &lease->counters;
    bool is_begun = false;
    if (bhi_worker_service(lease->worker, &bhi_http_client_kind, &service, NULL) != BH_OK) {
        *ret_error = bhi_http_error_no_memory();
    } else if (!name_owner(exchange, lease)) {
        *ret_error = bhi_http_error_no_memory();
    } else {
        exchange->client = service;
        is_begun = take_request(exchange, request, ret_error) && start_hop(exchange, ret_error);
    }
    if (!is_begun) {
        bhi_http_url_deinit(&exchange->url);
        lease->counters.http_refused++;
    }
    return is_begun;
}

/* ---- timer, cancel ---- */

static void timed_out_cb(void *arg)
{
    bhi_http_exchange *exchange = arg;
    stop_transfer(exchange);
    fail(exchange, bhi_http_error(BHI_HTTP_ERROR_CODE_TIMEOUT));
}

bool bhi_http_exchange_start_timer(bhi_http_exchange *exchange, bhi_worker *worker, uint32_t ms_max)
{
    return bhi_timer_open(worker, ms_max * BHI_NS_PER_MS, timed_out_cb, exchange, &exchange->timer,
                          NULL) == BH_OK;
}

void bhi_http_exchange_stop_timer(bhi_http_exchange *exchange)
{
    bhi_timer_close(exchange->timer);
    exchange->timer = NULL;
}

void bhi_http_exchange_resume(bhi_http_exchange *exchange)
{
    if (exchange->transfer != NULL)
        bhi_http_transfer_resume(exchange->transfer);
}

void bhi_http_exchange_cancel(bhi_http_exchange *exchange)
{
    stop_transfer(exchange);
    bhi_http_exchange_stop_timer(exchange);
    bhi_http_url_deinit(&exchange->url);
}
