/* ipc.c - the wrappers of astrid:ipc/host. */
#include "call.h"

/* ipc-message, but for the attribution: of that the host writes the first byte only. */
AT(capsule_message, attribution, 24);
AT(capsule_message, principal, 28);
_Static_assert(sizeof(capsule_message) == 36, "canonical ABI size of ipc-message");

/* result<ipc-envelope, error-code> */
typedef struct ipc_envelope_result {
    uint8_t is_error;
    union {
        core_error error;
        struct {
            capsule_message *messages;
            size_t count;
            uint64_t dropped, lagged;
        } envelope;
    } as;
} ipc_envelope_result;
AT(ipc_envelope_result, as, 8);
AT(ipc_envelope_result, as.envelope.dropped, 16);
_Static_assert(sizeof(ipc_envelope_result) == 32, "canonical ABI size of an envelope result");

/* Every other result<_, error-code>. */
typedef struct ipc_result {
    uint8_t is_error;
    union {
        core_error error;
        capsule_subscription subscription;
        struct {
            const capsule_binding *items;
            size_t count;
        } bindings;
    } as;
} ipc_result;
AT(ipc_result, as, 4);
AT(ipc_result, as.error.text, 8);
AT(capsule_binding, action, 8);
AT(capsule_binding, topic, 16);
_Static_assert(sizeof(capsule_binding) == 24, "canonical ABI size of interceptor-binding");

#define IPC(function) IMPORT("ipc/host", function)

IPC("publish")
void ipc_publish(const uint8_t *topic, size_t topic_len, const uint8_t *payload, size_t payload_len,
                 ipc_result *ret);
IPC("publish-as")
void ipc_publish_as(const uint8_t *topic, size_t topic_len, const uint8_t *payload,
                    size_t payload_len, const uint8_t *principal, size_t principal_len,
                    ipc_result *ret);
IPC("subscribe") void ipc_subscribe(const uint8_t *pattern, size_t pattern_len, ipc_result *ret);
IPC("get-interceptor-bindings") void ipc_get_interceptor_bindings(ipc_result *ret);
IPC("[method]subscription.poll")
void ipc_poll(capsule_subscription self, ipc_envelope_result *ret);
IPC("[method]subscription.recv")
void ipc_recv(capsule_subscription self, uint64_t timeout_ms, ipc_envelope_result *ret);
IPC("[method]subscription.subscribe-readiness")
capsule_pollable ipc_readiness(capsule_subscription self);
IPC("[resource-drop]subscription") void ipc_drop(capsule_subscription self);

static capsule_ipc_status ipc_status(const ipc_result *result)
{
    return result->is_error
               ? (capsule_ipc_status)capsule_call_failure(&result->as.error, CAPSULE_IPC_UNKNOWN)
               : CAPSULE_IPC_OK;
}

capsule_ipc_status capsule_publish(capsule_bytes topic, capsule_bytes payload)
{
    ipc_result result;
    ipc_publish(topic.data, topic.len, payload.data, payload.len, &result);
    return ipc_status(&result);
}

capsule_ipc_status capsule_publish_as(capsule_bytes topic, capsule_bytes payload,
                                      capsule_bytes principal)
{
    ipc_result result;
    ipc_publish_as(topic.data, topic.len, payload.data, payload.len, principal.data, principal.len,
                   &result);
    return ipc_status(&result);
}

capsule_ipc_status capsule_subscribe(capsule_bytes pattern, capsule_subscription *ret_subscription)
{
    ipc_result result;
    ipc_subscribe(pattern.data, pattern.len, &result);
    if (!result.is_error)
        *ret_subscription = result.as.subscription;
    return ipc_status(&result);
}

static capsule_ipc_status take_envelope(const ipc_envelope_result *result, capsule_batch *ret_batch)
{
    if (result->is_error)
        return (capsule_ipc_status)capsule_call_failure(&result->as.error, CAPSULE_IPC_UNKNOWN);
    capsule_message *messages = result->as.envelope.messages;
    size_t count = result->as.envelope.count;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *attribution = (const uint8_t *)&messages[i].attribution;
        messages[i].attribution = (capsule_attribution)*attribution;
        if (messages[i].attribution == CAPSULE_SYSTEM)
            messages[i].principal = capsule_text("");
    }
    *ret_batch =
        (capsule_batch){messages, count, result->as.envelope.dropped, result->as.envelope.lagged};
    return CAPSULE_IPC_OK;
}

capsule_ipc_status capsule_subscription_poll(capsule_subscription subscription,
                                             capsule_batch *ret_batch)
{
    ipc_envelope_result result;
    ipc_poll(subscription, &result);
    return take_envelope(&result, ret_batch);
}

capsule_ipc_status capsule_subscription_recv(capsule_subscription subscription, uint64_t timeout_ms,
                                             capsule_batch *ret_batch)
{
    ipc_envelope_result result;
    ipc_recv(subscription, timeout_ms, &result);
    return take_envelope(&result, ret_batch);
}

capsule_pollable capsule_subscription_readiness(capsule_subscription subscription)
{
    return ipc_readiness(subscription);
}

void capsule_unsubscribe(capsule_subscription subscription)
{
    ipc_drop(subscription);
}

capsule_ipc_status capsule_interceptor_bindings(const capsule_binding **ret_items,
                                                size_t *ret_count)
{
    ipc_result result;
    ipc_get_interceptor_bindings(&result);
    if (!result.is_error) {
        *ret_items = result.as.bindings.items;
        *ret_count = result.as.bindings.count;
    }
    return ipc_status(&result);
}

const char *capsule_ipc_status_name(capsule_ipc_status status)
{
    static const char *const names[] = {"ok",     "capability-denied", "invalid-input",
                                        "closed", "rate-limited",      "backpressure",
                                        "quota",  "timeout",           "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
