/* waits.c - the guest of `bulkhead bench wait`: a call waits as its action says.
 *
 *   action   payload   waits
 *   ping               not at all
 *   sleep    NS        for so long
 *   recv     TOPIC     for a message, at most a minute
 *   http     URL       for the answer
 *
 * Answers "done", or denies with the name of the status.
 */
#include <bulkhead/capsule.h>

static uint64_t number(capsule_bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    return value;
}

static capsule_result sleep_for(capsule_bytes payload)
{
    capsule_sys_status status = capsule_sleep_ns(number(payload));
    return status == CAPSULE_SYS_OK ? capsule_continue(capsule_text("done"))
                                    : capsule_deny("%s", capsule_sys_status_name(status));
}

static capsule_result receive(capsule_bytes topic)
{
    capsule_subscription subscription;
    capsule_batch batch;
    capsule_ipc_status status = capsule_subscribe(topic, &subscription);
    if (status == CAPSULE_IPC_OK)
        status = capsule_subscription_recv(subscription, 60000, &batch);
    return status == CAPSULE_IPC_OK && batch.count == 1
               ? capsule_continue(capsule_text("done"))
               : capsule_deny("%s", capsule_ipc_status_name(status));
}

static capsule_result fetch(capsule_bytes url)
{
    capsule_http_request request = capsule_http_get(url);
    capsule_http_response response;
    capsule_http_status status = capsule_http_send(&request, &response);
    return status == CAPSULE_HTTP_OK ? capsule_continue(capsule_text("done"))
                                     : capsule_deny("%s", capsule_http_status_name(status));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    if (capsule_equal_text(action, "sleep"))
        return sleep_for(payload);
    if (capsule_equal_text(action, "recv"))
        return receive(payload);
    if (capsule_equal_text(action, "http"))
        return fetch(payload);
    return capsule_continue(capsule_text("done"));
}
