/* runtime/event.c - publishing from outside of guests, and waiting for the handlers. */
#include <bulkhead/event.h>

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "abi/json.h"
#include "abi/utf8.h"
#include "base/error.h"
#include "bus/topic.h"
#include "host/principal.h"
#include "runtime/dispatcher.h"
#include "runtime/event.h"

_Static_assert(BH_EVENT_BYTES_MAX == BHI_BUS_QUEUE_BYTES_MAX, "what is accepted fits a queue");

static const char *const verdict_names[] = {
#define VERDICT_NAME(name, printed, text) [BH_VERDICT_##name] = printed,
    BH_VERDICT_MAP(VERDICT_NAME)
#undef VERDICT_NAME
};

const char *bh_verdict_name(bh_verdict verdict)
{
    return (unsigned)verdict < BH_VERDICT_COUNT ? verdict_names[verdict] : "unknown";
}

/* ---- making a message ---- */

static bh_status check_event(const bh_event *event, bh_error *reterr)
{
    if (event == NULL || event->topic == NULL || !bhi_topic_is_valid(bhi_bytes_of(event->topic)))
        return bhi_fail(reterr, BH_E_ARG,
                        "the topic must be 1 to %d segments of a-z, 0-9, '_' and '-' between dots, "
                        "at most %d bytes",
                        BHI_TOPIC_SEGMENTS_MAX, BHI_TOPIC_BYTES_MAX);
    if (event->principal != NULL && !bhi_is_principal(bhi_bytes_of(event->principal)))
        return bhi_fail(reterr, BH_E_ARG,
                        "the principal must be 1 to %d characters of "
                        "[A-Za-z0-9_-]",
                        BHI_PRINCIPAL_BYTES_MAX);
    if (event->payload_len > BH_EVENT_BYTES_MAX - strlen(event->topic))
        return bhi_fail(reterr, BH_E_LIMIT,
                        "topic and payload have %zu bytes, at most %u are "
                        "allowed",
                        strlen(event->topic) + event->payload_len, BH_EVENT_BYTES_MAX);
    bhi_bytes payload = {event->payload, event->payload_len};
    if (event->payload == NULL || !bhi_utf8_is_valid(payload) || !bhi_json_is_valid(payload))
        return bhi_fail(reterr, BH_E_ARG, "the payload is no JSON text");
    return BH_OK;
}

bh_status bhi_event_message(const bh_event *event, bhi_message **ret_message, bh_error *reterr)
{
    bh_status status = check_event(event, reterr);
    if (status != BH_OK)
        return status;
    bhi_message_spec spec = {.topic = bhi_bytes_of(event->topic),
                             .payload = {event->payload, event->payload_len},
                             .attribution = event->principal != NULL ? BHI_ATTRIBUTION_VERIFIED
                                                                     : BHI_ATTRIBUTION_SYSTEM};
    if (event->principal != NULL)
        spec.principal = bhi_bytes_of(event->principal);
    return bhi_message_create(&spec, ret_message, reterr);
}

bh_status bhi_event_send(bh_runtime *runtime, bhi_message *message, bhi_dispatch_observer *observer,
                         bh_error *reterr)
{
    message->observer = observer;
    bhi_publish_verdict verdict = bhi_bus_publish(runtime->bus, message);
    if (verdict == BHI_PUBLISH_OK || (observer != NULL && observer->is_accepted))
        return BH_OK;
    return bhi_fail(reterr, BH_E_SATURATED,
                    "the handlers of %.*s have too much to do, or more than %d subscribers want it",
                    (int)message->spec.topic.len, (const char *)message->spec.topic.data,
                    BHI_BUS_FANOUT_MAX);
}

/* ---- results ---- */

static const char *append(char **at, const char *text, size_t len)
{
    char *copy = *at;
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = 0;
    *at += len + 1;
    return copy;
}

static size_t texts_bytes(const bhi_dispatch_result *from)
{
    size_t bytes = strlen(from->by) + from->reason.len + from->payload.len + 3;
    for (size_t i = 0; i < from->steps_count; i++)
        bytes += strlen(from->steps[i].capsule) + strlen(from->steps[i].action) + 2;
    return bytes;
}

/* Into one allocation: the steps, then all texts. */
static bool keep_result(bh_event_result *result, const bhi_dispatch_result *from)
{
    bh_event_step *steps = malloc(from->steps_count * sizeof(bh_event_step) + texts_bytes(from));
    if (steps == NULL)
        return false;
    char *at = (char *)(steps + from->steps_count);
    for (size_t i = 0; i < from->steps_count; i++) {
        steps[i] = from->steps[i];
        steps[i].capsule = append(&at, steps[i].capsule, strlen(steps[i].capsule));
        steps[i].action = append(&at, steps[i].action, strlen(steps[i].action));
    }
    *result = (bh_event_result){.verdict = from->verdict,
                                .steps = steps,
                                .steps_count = from->steps_count,
                                .storage = steps};
    result->by = append(&at, from->by, strlen(from->by));
    result->reason = append(&at, (const char *)from->reason.data, from->reason.len);
    result->payload = append(&at, (const char *)from->payload.data, from->payload.len);
    result->payload_len = from->payload.len;
    return true;
}

/* ---- waiting ---- */

/* Of the thread that waits and of the handlers; whoever leaves last frees it. */
typedef struct waiting {
    bhi_dispatch_observer observer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done, has_left; /* guarded by lock, with the result */
    bool has_memory;
    bh_event_result result;
} waiting;

static waiting *make_waiting(void)
{
    waiting *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void free_waiting(waiting *self)
{
    bh_event_result_deinit(&self->result);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* On a lane's thread. */
static void done_cb(void *arg, const bhi_dispatch_result *result)
{
    waiting *self = arg;
    pthread_mutex_lock(&self->lock);
    bool has_left = self->has_left;
    if (!has_left)
        self->has_memory = keep_result(&self->result, result);
    self->is_done = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (has_left)
        free_waiting(self);
}

static struct timespec time_after(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* False: the time is over, and it is not ours any more. */
static bool await(waiting *self, uint32_t timeout_ms)
{
    struct timespec end = time_after(timeout_ms);
    int failed = 0;
    pthread_mutex_lock(&self->lock);
    while (!self->is_done && failed == 0)
        failed = timeout_ms == 0 ? pthread_cond_wait(&self->changed, &self->lock)
                                 : pthread_cond_timedwait(&self->changed, &self->lock, &end);
    bool is_done = self->is_done;
    self->has_left = !is_done;
    pthread_mutex_unlock(&self->lock);
    return is_done;
}

/* What came of it moves to the caller. */
static bh_status take_result(waiting *self, bh_event_result *ret_result, bh_error *reterr)
{
    if (!self->has_memory)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the result of a message");
    *ret_result = self->result;
    self->result = (bh_event_result){0};
    return BH_OK;
}

static bh_status publish_and_wait(bh_runtime *runtime, bhi_message *message, uint32_t timeout_ms,
                                  bh_event_result *ret_result, bh_error *reterr)
{
    waiting *self = make_waiting();
    if (self == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to wait for handlers");
    self->observer = (bhi_dispatch_observer){.done_cb = done_cb, .arg = self};
    bh_status status = bhi_event_send(runtime, message, &self->observer, reterr);
    if (self->observer.is_accepted) {
        if (!await(self, timeout_ms))
            return bhi_fail(reterr, BH_E_DEADLINE,
                            "the handlers have not ended within %u ms; they go on",
                            (unsigned)timeout_ms);
    } else if (status == BH_OK) {
        bhi_dispatch_result none = {.by = "", .payload = message->spec.payload};
        self->has_memory = keep_result(&self->result, &none);
    }
    if (status == BH_OK)
        status = take_result(self, ret_result, reterr);
    free_waiting(self);
    return status;
}

bh_status bh_publish(bh_runtime *runtime, const bh_event *event, bh_event_result *result,
                     bh_error *reterr)
{
    bhi_message *message;
    if (runtime == NULL)
        return bhi_fail(reterr, BH_E_ARG, "runtime must not be NULL");
    bh_status status = bhi_event_message(event, &message, reterr);
    if (status != BH_OK)
        return status;
    if (result != NULL) {
        bh_event_result_deinit(result);
        status = publish_and_wait(runtime, message, event->timeout_ms, result, reterr);
    } else {
        status = bhi_event_send(runtime, message, NULL, reterr);
    }
    bhi_message_release(message);
    return status;
}

void bh_event_result_deinit(bh_event_result *result)
{
    free(result->storage);
    *result = (bh_event_result){0};
}
