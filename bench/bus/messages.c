/* messages.c - the guest of `bulkhead bench bus`: publishes to itself and drains in batches.
 *
 *   action    payload           does
 *   publish   ROUNDS JSON       ROUNDS times: publishes JSON BATCH times on TOPIC, then takes all
 *   carry     ROUNDS JSON       ROUNDS * BATCH times: a host call that takes topic and JSON in one
 * text
 */
#include <bulkhead/capsule.h>

enum { BATCH = 64, JSON_BYTES_MAX = 4096 };

/* The payload: scratch memory is given back after every round. */
static uint8_t kept[JSON_BYTES_MAX];

#define TOPIC "bench.v1.message"

static uint64_t cut_number(capsule_bytes *rest)
{
    uint64_t value = 0;
    while (rest->len > 0 && rest->data[0] != ' ') {
        value = value * 10 + (uint64_t)(rest->data[0] - '0');
        *rest = (capsule_bytes){rest->data + 1, rest->len - 1};
    }
    if (rest->len > 0)
        *rest = (capsule_bytes){rest->data + 1, rest->len - 1};
    return value;
}

static capsule_result failed(const char *what)
{
    return capsule_deny("%s failed", what);
}

static capsule_result publish(uint64_t rounds, capsule_bytes json)
{
    capsule_subscription subscription;
    capsule_ipc_status status;
    if (capsule_subscribe(capsule_text(TOPIC), &subscription) != CAPSULE_IPC_OK)
        return failed("subscribe");
    size_t received = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        capsule_batch batch;
        for (int i = 0; i < BATCH; i++)
            if ((status = capsule_publish(capsule_text(TOPIC), json)) != CAPSULE_IPC_OK)
                return failed(capsule_ipc_status_name(status));
        if (capsule_subscription_poll(subscription, &batch) != CAPSULE_IPC_OK)
            return failed("poll");
        received += batch.count;
        capsule_scratch_reset();
    }
    return received == rounds * BATCH ? capsule_continue(capsule_text("done")) : failed("count");
}

static capsule_result carry(uint64_t rounds, capsule_bytes json)
{
    static uint8_t text_bytes[sizeof TOPIC + JSON_BYTES_MAX];
    capsule_bytes text = {text_bytes, sizeof TOPIC - 1 + json.len};
    capsule_option value;
    memcpy(text_bytes, TOPIC, sizeof TOPIC - 1);
    memcpy(text_bytes + sizeof TOPIC - 1, json.data, json.len);
    for (uint64_t i = 0; i < rounds * BATCH; i++)
        if (capsule_get_config(text, &value) != CAPSULE_SYS_OK)
            return failed("get-config");
    return capsule_continue(capsule_text("done"));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    uint64_t rounds = cut_number(&payload);
    if (payload.len > sizeof kept)
        return failed("size");
    memcpy(kept, payload.data, payload.len);
    payload.data = kept;
    return capsule_equal_text(action, "publish") ? publish(rounds, payload)
                                                 : carry(rounds, payload);
}
