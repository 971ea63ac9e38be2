/* serve/exchange_work.c - the invocation, reload, unload or message that a request asks for, to its
 * answer.
 *
 * S4: BH_E_CLOSED means that the guest was not entered, so an invocation that hears it because its
 * capsule was replaced begins again on the version that took its place. Each time costs a reload,
 * and all of them together the request's one deadline.
 */
#include <string.h>

#include "base/clock.h"
#include "serve/change.h"
#include "serve/event_stream.h"
#include "serve/exchange_state.h"

bool bhi_exchange_is_working(const bhi_exchange *exchange)
{
    return exchange->invocation != NULL || exchange->is_changing || exchange->publish != NULL;
}

/* ---- done ---- */

/* The answer is there, unless the connection is gone. */
static void end_work(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    http->running--;
    if (exchange->connection == NULL) {
        bhi_exchange_recycle(exchange);
        bhi_http_schedule(http);
        return;
    }
    if (exchange->phase == EXCHANGE_SUSPENDED) {
        bhi_hangup_close(exchange->hangup);
        exchange->hangup = NULL;
        MHD_resume_connection(exchange->connection);
        bhi_http_schedule(http);
    } /* else the daemon has it in its ready list and runs again anyway */
    exchange->phase = EXCHANGE_DONE;
}

/* ---- invoking ---- */

static void count_invocation(bhi_exchange *exchange, bh_outcome outcome)
{
    bhi_http *http = exchange->http;
    bhi_metrics_count_invocation(http->options.metrics, http->options.worker_index,
                                 exchange->entry->index, exchange->path.action, outcome);
    bool is_cancelled = outcome == BH_OUTCOME_CANCELLED || outcome == BH_OUTCOME_REFUSED;
    if (exchange->is_swept && is_cancelled)
        atomic_fetch_add_explicit(&exchange->version->ended, 1, memory_order_relaxed);
}

static void invocation_done(void *arg, bh_status status, const bh_result *result,
                            const bh_error *error);

/* On exchange->version, with what is left of the time. */
static bh_status begin_invocation(bhi_exchange *exchange, bh_error *reterr)
{
    uint64_t now_ns = bhi_monotonic_ns();
    uint64_t left_ms =
        exchange->deadline_ns > now_ns ? (exchange->deadline_ns - now_ns) / BHI_NS_PER_MS : 0;
    if (left_ms == 0)
        return bhi_fail(reterr, BH_E_DEADLINE,
                        "the deadline passed while the capsule was reloaded");
    bh_request request = {
        .entry = BH_ENTRY_HOOK,
        .action = exchange->path.action,
        .payload = exchange->body,
        .payload_len = exchange->body_len,
        .principal = exchange->has_principal ? exchange->principal : NULL,
        .timeout_ms = (uint32_t)left_ms,
        .no_wait = exchange->no_wait,
    };
    return bhi_invocation_start(exchange->version->capsule, exchange->http->options.worker,
                                &request, invocation_done, exchange, &exchange->invocation, reterr);
}

/* False: there is no other version, or nobody who wants the answer. */
static bool change_version(bhi_exchange *exchange)
{
    bhi_version *version = NULL;
    if (!exchange->is_cancelled)
        bhi_catalog_take(exchange->entry, &version, NULL);
    if (version == NULL || version == exchange->version) {
        bhi_version_release(version);
        return false;
    }
    bhi_version_release(exchange->version);
    exchange->version = version;
    return true;
}

static void invocation_done(void *arg, bh_status status, const bh_result *result,
                            const bh_error *error)
{
    bhi_exchange *exchange = arg;
    bh_error failure;
    exchange->invocation = NULL;
    if (status == BH_E_CLOSED && change_version(exchange)) { /* S4 */
        status = begin_invocation(exchange, &failure);
        if (status == BH_OK)
            return;
        error = &failure;
    }
    /* Failing before there was an outcome means that the guest was never entered. */
    count_invocation(exchange, status == BH_OK ? result->outcome : BH_OUTCOME_REFUSED);
    if (exchange->connection != NULL)
        exchange->answer = status == BH_OK ? bhi_answer_result(result, exchange->wants_octets)
                                           : bhi_answer_status(status, error);
    bhi_version_release(exchange->version);
    exchange->version = NULL;
    end_work(exchange);
}

static enum MHD_Result refuse_not_ready(bhi_exchange *exchange, bhi_entry_state state,
                                        const bh_error *why)
{
    exchange->answer = state == BHI_ENTRY_FAILED ? bhi_answer_error(MHD_HTTP_SERVICE_UNAVAILABLE,
                                                                    "capsule-failed", why->text)
                                                 : bhi_answer_status(BH_E_NOT_FOUND, why);
    return bhi_exchange_queue_answer(exchange);
}

static enum MHD_Result start_invocation(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    bh_error error = {0};
    bhi_entry_state state = bhi_catalog_take(exchange->entry, &exchange->version, &error);
    if (state != BHI_ENTRY_READY)
        return refuse_not_ready(exchange, state, &error);
    uint64_t timeout_ms = exchange->timeout_ms != 0 ? exchange->timeout_ms : BH_TIMEOUT_MS_DEFAULT;
    exchange->phase = EXCHANGE_STARTED;
    exchange->started_turn = http->turn;
    exchange->deadline_ns = bhi_monotonic_ns() + (timeout_ms + 1) * BHI_NS_PER_MS - 1;
    http->running++;
    bh_status status = begin_invocation(exchange, &error);
    if (status == BH_OK)
        return MHD_YES; /* without an answer the daemon asks again at its next run */
    http->running--;
    count_invocation(exchange, BH_OUTCOME_REFUSED);
    bhi_version_release(exchange->version);
    exchange->version = NULL;
    exchange->answer = bhi_answer_status(status, &error);
    return bhi_exchange_queue_answer(exchange);
}

/* ---- changing ---- */

static void change_done(void *arg, bhi_answer take_answer)
{
    bhi_exchange *exchange = arg;
    exchange->is_changing = false;
    if (exchange->connection != NULL)
        exchange->answer = take_answer;
    else
        bhi_answer_deinit(&take_answer);
    end_work(exchange);
}

static enum MHD_Result start_change(bhi_exchange *exchange)
{
    bhi_http *http = exchange->http;
    bhi_change_request request = {
        .entry = exchange->entry,
        .is_unload = exchange->path.resource == BHI_RESOURCE_UNLOAD,
        .drain_ms = exchange->drain_ms,
        .done_cb = change_done,
        .arg = exchange,
    };
    if (!bhi_change_start(http, &request, &exchange->answer))
        return bhi_exchange_queue_answer(exchange);
    exchange->phase = EXCHANGE_STARTED;
    exchange->started_turn = http->turn;
    exchange->is_changing = true;
    http->running++;
    return MHD_YES;
}

/* ---- messages ---- */

/* "1" or "0"; without the field it is false. */
static bh_status read_flag(const bhi_exchange *exchange, const char *name, bool *ret_flag,
                           bh_error *reterr)
{
    const char *value =
        MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
    *ret_flag = value != NULL && strcmp(value, "1") == 0;
    if (value == NULL || *ret_flag || strcmp(value, "0") == 0)
        return BH_OK;
    return bhi_fail(reterr, BH_E_ARG, "%s: expected 0 or 1, found \"%.32s\"", name, value);
}

/* The daemon decodes nothing; "*" may come encoded. "", which is no pattern, when there is none. */
static void read_topic(const bhi_exchange *exchange, char *ret_topic, size_t size)
{
    const char *value =
        MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "topic");
    if (value == NULL || bhi_path_decode(bhi_bytes_of(value), ret_topic, size, NULL) != BH_OK)
        ret_topic[0] = '\0';
}

static enum MHD_Result refuse(bhi_exchange *exchange, bh_status status, const bh_error *error)
{
    exchange->answer = bhi_answer_status(status, error);
    return bhi_exchange_queue_answer(exchange);
}

static const char *principal_of(const bhi_exchange *exchange)
{
    return exchange->has_principal ? exchange->principal : "default";
}

static void publish_done(void *arg, bhi_answer take_answer)
{
    bhi_exchange *exchange = arg;
    exchange->publish = NULL;
    if (exchange->connection != NULL)
        exchange->answer = take_answer;
    else
        bhi_answer_deinit(&take_answer);
    end_work(exchange);
}

static enum MHD_Result start_publish(bhi_exchange *exchange)
{
    bh_error error;
    bhi_http *http = exchange->http;
    bhi_event_publish_request request = {
        .event = {.topic = exchange->path.topic,
                  .payload = exchange->body,
                  .payload_len = exchange->body_len,
                  .principal = principal_of(exchange),
                  .timeout_ms = exchange->timeout_ms},
        .done_cb = publish_done,
        .arg = exchange,
    };
    bh_status status = read_flag(exchange, "wait", &request.must_wait, &error);
    if (status != BH_OK)
        return refuse(exchange, status, &error);
    exchange->publish = bhi_event_publish_start(http, &request, &exchange->answer);
    if (exchange->publish == NULL)
        return bhi_exchange_queue_answer(exchange);
    exchange->phase = EXCHANGE_STARTED;
    exchange->started_turn = http->turn;
    http->running++;
    return MHD_YES;
}

static enum MHD_Result start_stream(bhi_exchange *exchange)
{
    bh_error error;
    bool is_of_all;
    char topic[BHI_PATH_SEGMENT_MAX + 1];
    bh_status status = read_flag(exchange, "all", &is_of_all, &error);
    if (status != BH_OK)
        return refuse(exchange, status, &error);
    read_topic(exchange, topic, sizeof topic);
    bhi_event_stream_request request = {
        .topic = topic,
        .principal = is_of_all ? NULL : principal_of(exchange),
        .connection = exchange->connection,
    };
    exchange->answer = bhi_event_stream_open(exchange->http, &request);
    return bhi_exchange_queue_answer(exchange);
}

enum MHD_Result bhi_exchange_start(bhi_exchange *exchange)
{
    switch (exchange->path.resource) {
    case BHI_RESOURCE_ACTION:
        return start_invocation(exchange);
    case BHI_RESOURCE_EVENT:
        return start_publish(exchange);
    case BHI_RESOURCE_EVENTS:
        return start_stream(exchange);
    default:
        return start_change(exchange);
    }
}

/* ---- waiting, cancelling ---- */

static void client_gone(void *arg)
{
    bhi_exchange *exchange = arg;
    bhi_http *http = exchange->http;
    if (exchange->invocation != NULL)
        bhi_metrics_count_disconnect(http->options.metrics, http->options.worker_index);
    bhi_exchange_cancel(exchange);
}

/* Not in the turn that started it: the invocation has not had a chance to run yet. */
enum MHD_Result bhi_exchange_suspend(bhi_exchange *exchange)
{
    if (exchange->started_turn == exchange->http->turn)
        return MHD_YES;
    exchange->phase = EXCHANGE_SUSPENDED;
    MHD_suspend_connection(exchange->connection);
    exchange->hangup = bhi_hangup_open(exchange->http, exchange->connection, client_gone, exchange);
    return MHD_YES;
}

void bhi_exchange_cancel(bhi_exchange *exchange)
{
    if (exchange->publish != NULL)
        bhi_event_publish_cancel(exchange->publish);
    if (exchange->invocation == NULL)
        return;
    exchange->is_cancelled = true;
    bhi_invocation_cancel(exchange->invocation);
}

void bhi_exchange_cancel_all(bhi_http *http)
{
    for (bhi_link *link = http->exchanges.next; link != &http->exchanges; link = link->next)
        bhi_exchange_cancel(BHI_CONTAINER_OF(link, bhi_exchange, link));
}

void bhi_exchange_sweep(bhi_http *http)
{
    for (bhi_link *link = http->exchanges.next; link != &http->exchanges; link = link->next) {
        bhi_exchange *exchange = BHI_CONTAINER_OF(link, bhi_exchange, link);
        if (exchange->invocation == NULL || exchange->is_cancelled ||
            !atomic_load_explicit(&exchange->version->must_end, memory_order_relaxed))
            continue;
        exchange->is_swept = true;
        bhi_exchange_cancel(exchange);
    }
}
