/* serve/event_publish.c - a message from a client, and what its handlers made of it.
 *
 * The handlers end on another thread. There the answer's JSON is made; the task `ended` brings it
 * to the worker, which outlives it (it expects the post). Whoever stops waiting, or whose time is
 * over, is told by the task `told`; the rest of the work ends without it.
 */
#include "serve/event_publish.h"

#include <stdlib.h>

#include "base/clock.h"
#include "runtime/event.h"
#include "runtime/runtime.h"
#include "worker/timer.h"

struct bhi_event_publish {
    bhi_dispatch_observer observer;
    bhi_worker *worker;                                 /* outlives the listener */
    void (*done_cb)(void *arg, bhi_answer take_answer); /* NULL: told */
    void *arg;
    bhi_task ended;
    bhi_task told;
    bh_status why;    /* it is told before the end */
    bhi_timer *timer; /* of the waiting, or NULL */
    json_t *report;   /* of the handlers' thread until `ended` is posted */
};

/* ---- the report ---- */

static json_t *steps_json(const bhi_dispatch_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->steps_count; i++) {
        const bh_event_step *step = &result->steps[i];
        json_t *object = json_pack("{s:s, s:o, s:s, s:b}", "capsule", step->capsule, "action",
                                   bhi_json_text(step->action), "outcome",
                                   bh_outcome_name(step->outcome), "failed", step->is_failure);
        if (step->status != BH_OK)
            json_object_set_new(object, "status", json_string(bhi_answer_code(step->status)));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *report_of(const bhi_dispatch_result *result)
{
    json_t *report = json_object();
    json_object_set_new(report, "verdict", json_string(bh_verdict_name(result->verdict)));
    json_object_set_new(report, "by", json_string(result->by));
    bhi_json_put_bytes(report, "reason", "reason_base64", result->reason);
    bhi_json_put_bytes(report, "payload", "payload_base64", result->payload);
    json_object_set_new(report, "steps", steps_json(result));
    return report;
}

/* ---- waiting ---- */

static void tell(bhi_event_publish *publish, bhi_answer take_answer)
{
    void (*done_cb)(void *arg, bhi_answer answer) = publish->done_cb;
    publish->done_cb = NULL;
    bhi_timer_close(publish->timer);
    publish->timer = NULL;
    done_cb(publish->arg, take_answer);
}

static void run_ended(bhi_task *task)
{
    bhi_event_publish *publish = BHI_CONTAINER_OF(task, bhi_event_publish, ended);
    bhi_worker_expected_came(publish->worker);
    bhi_worker_forget(publish->worker, &publish->told);
    if (publish->done_cb != NULL)
        tell(publish, bhi_answer_json(MHD_HTTP_OK, json_incref(publish->report)));
    json_decref(publish->report);
    free(publish);
}

static void run_told(bhi_task *task)
{
    bh_error error = {0};
    bhi_event_publish *publish = BHI_CONTAINER_OF(task, bhi_event_publish, told);
    if (publish->done_cb == NULL)
        return;
    if (publish->why == BH_E_DEADLINE)
        publish->why =
            bhi_fail(&error, BH_E_DEADLINE, "the handlers have not ended in time; they go on");
    tell(publish, bhi_answer_status(publish->why, &error));
}

static void stop_waiting(bhi_event_publish *publish, bh_status why)
{
    publish->why = why;
    bhi_worker_ready(publish->worker, &publish->told);
}

static void time_over(void *arg)
{
    stop_waiting(arg, BH_E_DEADLINE);
}

/* On the handlers' thread. */
static void done_cb(void *arg, const bhi_dispatch_result *result)
{
    bhi_event_publish *publish = arg;
    publish->report = report_of(result);
    bhi_worker_post(publish->worker, &publish->ended);
}

void bhi_event_publish_cancel(bhi_event_publish *publish)
{
    stop_waiting(publish, BH_E_CANCELLED);
}

/* ---- start ---- */

static bhi_event_publish *make_publish(bhi_http *http, const bhi_event_publish_request *request)
{
    bhi_event_publish *publish = calloc(1, sizeof *publish);
    if (publish == NULL)
        return NULL;
    publish->observer = (bhi_dispatch_observer){.done_cb = done_cb, .arg = publish};
    publish->worker = http->options.worker;
    publish->done_cb = request->done_cb;
    publish->arg = request->arg;
    bhi_task_init(&publish->ended, run_ended);
    bhi_task_init(&publish->told, run_told);
    return publish;
}

static bhi_answer answer_accepted(const bhi_message *message)
{
    return bhi_answer_json(MHD_HTTP_ACCEPTED, json_pack("{s:b, s:I}", "accepted", 1, "sequence",
                                                        (json_int_t)message->sequence));
}

static bhi_answer answer_without_handlers(const bhi_message *message)
{
    bhi_dispatch_result none = {.by = "", .payload = message->spec.payload};
    return bhi_answer_json(MHD_HTTP_OK, report_of(&none));
}

/* The end may be on its way already; it runs on this thread, later. */
static void bound_waiting(bhi_event_publish *publish, uint32_t timeout_ms)
{
    if (timeout_ms != 0 && bhi_timer_open(publish->worker, timeout_ms * BHI_NS_PER_MS, time_over,
                                          publish, &publish->timer, NULL) != BH_OK)
        time_over(publish);
}

/* NULL: *ret_answer is the whole of it. */
static bhi_event_publish *send_and_wait(bhi_http *http, const bhi_event_publish_request *request,
                                        bhi_message *message, bhi_answer *ret_answer)
{
    bh_error error;
    bhi_event_publish *publish = make_publish(http, request);
    if (publish == NULL) {
        *ret_answer = bhi_answer_status(BH_E_NOMEM, NULL);
        return NULL;
    }
    bhi_worker_expect_post(http->options.worker); /* before it can come */
    bh_status status =
        bhi_event_send(http->options.catalog->runtime, message, &publish->observer, &error);
    if (publish->observer.is_accepted) {
        bound_waiting(publish, request->event.timeout_ms);
        return publish;
    }
    bhi_worker_expected_came(http->options.worker);
    free(publish);
    *ret_answer =
        status == BH_OK ? answer_without_handlers(message) : bhi_answer_status(status, &error);
    return NULL;
}

bhi_event_publish *bhi_event_publish_start(bhi_http *http, const bhi_event_publish_request *request,
                                           bhi_answer *ret_answer)
{
    bh_error error;
    bhi_message *message;
    bhi_event_publish *publish = NULL;
    bh_status status = bhi_event_message(&request->event, &message, &error);
    if (status != BH_OK) {
        *ret_answer = status == BH_E_LIMIT ? bhi_answer_error(MHD_HTTP_CONTENT_TOO_LARGE,
                                                              "payload-too-large", error.text)
                                           : bhi_answer_status(status, &error);
        return NULL;
    }
    if (request->must_wait) {
        publish = send_and_wait(http, request, message, ret_answer);
    } else {
        status = bhi_event_send(http->options.catalog->runtime, message, NULL, &error);
        *ret_answer =
            status == BH_OK ? answer_accepted(message) : bhi_answer_status(status, &error);
    }
    bhi_message_release(message);
    return publish;
}
