/* probe_ipc.c - one action per function of ipc, through the SDK.
 *
 * The payload is split at '='. A failure is denied with the name of its status.
 *
 *   action     payload                    answer
 *   publish    TOPIC=JSON                 "ok"
 *   as         TOPIC=PRINCIPAL=JSON       "ok"
 *   subscribe  PATTERN                    "ok"; dropped at once
 *   many       PATTERN=COUNT              "ok": so many subscriptions at once
 *   self       TOPIC=COUNT=JSON           a batch: subscribes, publishes COUNT times, drains
 *   recv       PATTERN=MS                 a batch: waits for one
 *   ready      PATTERN=TOPIC=JSON         "01": readiness before and after publishing
 *   loop       PATTERN=TOPIC              takes a batch, then publishes its first payload on TOPIC
 *   bindings                              one "INDEX ACTION TOPIC" per line
 *   keep       PATTERN                    subscribes, and returns without dropping
 *
 * Batches are answered as lines "TOPIC PAYLOAD MARK:PRINCIPAL", then "dropped D lagged L".
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>
#include <stdio.h>

static capsule_bytes cut(capsule_bytes *rest)
{
    uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '=', rest->len);
    capsule_bytes part = *rest;
    if (end != NULL)
        part.len = (size_t)(end - rest->data);
    size_t taken = part.len + (end != NULL);
    *rest = (capsule_bytes){rest->data + taken, rest->len - taken};
    return part;
}

static uint64_t number(capsule_bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    return value;
}

static capsule_result answer(capsule_ipc_status status)
{
    if (status != CAPSULE_IPC_OK)
        return capsule_deny("%s", capsule_ipc_status_name(status));
    return capsule_continue(capsule_text("ok"));
}

static capsule_bytes join(capsule_bytes a, capsule_bytes b)
{
    capsule_bytes text = {capsule_alloc(a.len + b.len), a.len + b.len};
    memcpy(text.data, a.data, a.len);
    memcpy(text.data + a.len, b.data, b.len);
    return text;
}

static capsule_bytes show(capsule_bytes before, const capsule_batch *batch)
{
    static const char *const marks[] = {"verified", "claimed", "system"};
    for (size_t i = 0; i < batch->count; i++) {
        const capsule_message *m = &batch->messages[i];
        before =
            join(before, capsule_format("%.*s %.*s %s:%.*s\n", (int)m->topic.len,
                                        (const char *)m->topic.data, (int)m->payload.len,
                                        (const char *)m->payload.data, marks[m->attribution],
                                        (int)m->principal.len, (const char *)m->principal.data));
    }
    return before;
}

static capsule_result show_batch(const capsule_batch *batch)
{
    capsule_bytes end =
        capsule_format("dropped %" PRIu64 " lagged %" PRIu64, batch->dropped, batch->lagged);
    return capsule_continue(join(show(capsule_text(""), batch), end));
}

static capsule_result do_publish(capsule_bytes rest)
{
    capsule_bytes topic = cut(&rest);
    return answer(capsule_publish(topic, rest));
}

static capsule_result do_as(capsule_bytes rest)
{
    capsule_bytes topic = cut(&rest);
    capsule_bytes principal = cut(&rest);
    return answer(capsule_publish_as(topic, rest, principal));
}

static capsule_result do_subscribe(capsule_bytes rest)
{
    capsule_subscription subscription = 0;
    capsule_ipc_status status = capsule_subscribe(rest, &subscription);
    if (status == CAPSULE_IPC_OK)
        capsule_unsubscribe(subscription);
    return answer(status);
}

static capsule_result do_keep(capsule_bytes rest)
{
    capsule_subscription subscription = 0;
    return answer(capsule_subscribe(rest, &subscription));
}

static capsule_result do_many(capsule_bytes rest)
{
    capsule_bytes pattern = cut(&rest);
    capsule_ipc_status status = CAPSULE_IPC_OK;
    for (uint64_t left = number(rest); left > 0 && status == CAPSULE_IPC_OK; left--) {
        capsule_subscription subscription;
        status = capsule_subscribe(pattern, &subscription);
    }
    return answer(status);
}

/* How many came in how many batches: a burst must not lose any. */
static capsule_result drain(capsule_subscription subscription, uint64_t count)
{
    uint64_t received = 0, batches = 0, dropped = 0;
    capsule_batch batch;
    while (received + dropped < count) {
        capsule_ipc_status status = capsule_subscription_recv(subscription, 1000, &batch);
        if (status != CAPSULE_IPC_OK)
            return answer(status);
        received += batch.count;
        dropped += batch.dropped;
        batches++;
    }
    return capsule_continue(
        capsule_format("%" PRIu64 " in %" PRIu64 " dropped %" PRIu64, received, batches, dropped));
}

static capsule_result do_self(capsule_bytes rest)
{
    capsule_bytes topic = cut(&rest);
    uint64_t count = number(cut(&rest));
    capsule_subscription subscription;
    capsule_ipc_status status = capsule_subscribe(topic, &subscription);
    for (uint64_t i = 0; i < count && status == CAPSULE_IPC_OK; i++)
        status = capsule_publish(topic, rest);
    return status == CAPSULE_IPC_OK ? drain(subscription, count) : answer(status);
}

static capsule_result do_recv(capsule_bytes rest)
{
    capsule_bytes pattern = cut(&rest);
    capsule_subscription subscription;
    capsule_batch batch;
    capsule_ipc_status status = capsule_subscribe(pattern, &subscription);
    capsule_log(CAPSULE_LOG_INFO, "subscribed");
    if (status == CAPSULE_IPC_OK)
        status = capsule_subscription_recv(subscription, number(rest), &batch);
    return status == CAPSULE_IPC_OK ? show_batch(&batch) : answer(status);
}

__attribute__((import_module("astrid:io/poll@1.0.0"),
               import_name("[method]pollable.ready"))) uint32_t
pollable_ready(capsule_pollable self);

static capsule_result do_ready(capsule_bytes rest)
{
    capsule_bytes pattern = cut(&rest);
    capsule_bytes topic = cut(&rest);
    capsule_subscription subscription;
    if (capsule_subscribe(pattern, &subscription) != CAPSULE_IPC_OK)
        return capsule_deny("subscribe");
    capsule_pollable pollable = capsule_subscription_readiness(subscription);
    uint32_t before = pollable_ready(pollable);
    if (capsule_publish(topic, rest) != CAPSULE_IPC_OK)
        return capsule_deny("publish");
    uint32_t after = pollable_ready(pollable);
    capsule_unsubscribe(subscription);
    return capsule_continue(capsule_format("%u%u%u", (unsigned)before, (unsigned)after,
                                           (unsigned)pollable_ready(pollable)));
}

static capsule_result do_loop(capsule_bytes rest)
{
    capsule_bytes pattern = cut(&rest);
    capsule_subscription subscription;
    capsule_batch batch;
    capsule_ipc_status status = capsule_subscribe(pattern, &subscription);
    capsule_log(CAPSULE_LOG_INFO, "subscribed");
    if (status == CAPSULE_IPC_OK)
        status = capsule_subscription_recv(subscription, 30000, &batch);
    if (status == CAPSULE_IPC_OK)
        status = capsule_publish(rest, batch.messages[0].payload);
    return answer(status);
}

static capsule_result do_bindings(capsule_bytes rest)
{
    const capsule_binding *items;
    size_t count;
    capsule_ipc_status status = capsule_interceptor_bindings(&items, &count);
    if (status != CAPSULE_IPC_OK)
        return answer(status);
    capsule_bytes text = capsule_text("");
    for (size_t i = 0; i < count; i++)
        text =
            join(text, capsule_format("%" PRIu64 " %.*s %.*s\n", items[i].handle_id,
                                      (int)items[i].action.len, (const char *)items[i].action.data,
                                      (int)items[i].topic.len, (const char *)items[i].topic.data));
    return capsule_continue(text);
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    static const struct {
        const char *action;
        capsule_result (*run)(capsule_bytes rest);
    } actions[] = {{"publish", do_publish}, {"as", do_as},     {"subscribe", do_subscribe},
                   {"many", do_many},       {"self", do_self}, {"recv", do_recv},
                   {"ready", do_ready},     {"loop", do_loop}, {"bindings", do_bindings},
                   {"keep", do_keep}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (capsule_equal_text(action, actions[i].action))
            return actions[i].run(payload);
    return capsule_deny("no such action");
}
