/* runtime/event.c - publishing from outside of guests, and waiting for the handlers. */
#include <bulkhead/event.h>

#include <bulkhead_rust.h>
#include <pthread.h>
#include <stdlib.h>

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
    if (event->payload == NULL || !bhi_utf8_is_valid(payload) ||
        !bhr_json_is_valid(payload.data, payload.len))
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

/* ---- waiting ---- */

typedef struct waiting {
    bhi_dispatch_observer observer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done; /* guarded by lock */
    bh_event_result *result;
    bool has_memory;
} waiting;

static const char *append(char **at, const char *text, size_t len)
{
    char *copy = *at;
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = 0;
    *at += len + 1;
    return copy;
}

static bool keep_result(bh_event_result *result, const bhi_dispatch_result *from)
{
    size_t by_len = strlen(from->by);
    char *at = malloc(by_len + from->reason.len + from->payload.len + 3);
    if (at == NULL)
        return false;
    *result = (bh_event_result){.verdict = from->verdict, .storage = at};
    result->by = append(&at, from->by, by_len);
    result->reason = append(&at, (const char *)from->reason.data, from->reason.len);
    result->payload = append(&at, (const char *)from->payload.data, from->payload.len);
    result->payload_len = from->payload.len;
    return true;
}

/* On a lane's thread. */
static void done_cb(void *arg, const bhi_dispatch_result *result)
{
    waiting *self = arg;
    pthread_mutex_lock(&self->lock);
    self->has_memory = keep_result(self->result, result);
    self->is_done = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void await(waiting *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->is_done)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static bh_status publish_and_wait(bh_runtime *runtime, bhi_message *message,
                                  bh_event_result *result, bh_error *reterr)
{
    waiting self = {.lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER,
                    .result = result,
                    .has_memory = true};
    self.observer = (bhi_dispatch_observer){.done_cb = done_cb, .arg = &self};
    bh_status status = bhi_event_send(runtime, message, &self.observer, reterr);
    if (self.observer.is_accepted) {
        await(&self);
    } else if (status == BH_OK) {
        bhi_dispatch_result none = {.by = "", .payload = message->spec.payload};
        self.has_memory = keep_result(result, &none);
    }
    pthread_cond_destroy(&self.changed);
    pthread_mutex_destroy(&self.lock);
    if (status == BH_OK && !self.has_memory)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the result of a message");
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
        status = publish_and_wait(runtime, message, result, reterr);
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
