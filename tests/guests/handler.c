/* handler.c - a hook of messages that does what its [env] says, or its payload.
 *
 * `behaviour` of the configuration, else the payload as a JSON string:
 *
 *   continue    lets the message go on as it is
 *   append:X    lets it go on with ",X" added inside the payload's quotes
 *   modify:X    replaces the payload with X, which may be empty
 *   final:X     ends the chain
 *   deny:X      denies with the reason X
 *   odd         answers an action that is none
 *   nul         answers "continue", a NUL and more
 *   size:N      lets it go on as N bytes
 *   trap, spin  as they say
 *   sleep:MS    waits, logs "slept MS" and goes on; what follows the number is logged too
 *   forward:T   publishes the payload on the topic T
 *   caller      logs "PRINCIPAL SOURCE-ID" and goes on
 *
 * Logs "ACTION PAYLOAD" first.
 */
#include <bulkhead/capsule.h>

static bool cut_prefix(capsule_bytes *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = (capsule_bytes){text->data + len, text->len - len};
    return true;
}

static capsule_result answer(const char *action, capsule_bytes data)
{
    return (capsule_result){capsule_text(action), capsule_some(data)};
}

static capsule_result append(capsule_bytes payload, capsule_bytes what)
{
    return capsule_continue(capsule_format("%.*s,%.*s\"", (int)payload.len - 1,
                                           (const char *)payload.data, (int)what.len,
                                           (const char *)what.data));
}

/* Of the digits in front. */
static uint64_t number_of(capsule_bytes text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    return number;
}

static capsule_result sleep_for(capsule_bytes text)
{
    if (capsule_sleep_ns(number_of(text) * 1000000) != CAPSULE_SYS_OK)
        return capsule_deny("sleep");
    capsule_log(CAPSULE_LOG_INFO, "slept %.*s", (int)text.len, (const char *)text.data);
    return capsule_pass();
}

static capsule_result answer_bytes(uint64_t count)
{
    uint8_t *data = capsule_alloc(count);
    memset(data, '1', count);
    return answer("continue", (capsule_bytes){data, count});
}

static capsule_result forward(capsule_bytes topic, capsule_bytes payload)
{
    capsule_ipc_status status = capsule_publish(topic, payload);
    capsule_log(CAPSULE_LOG_INFO, "forward: %s", capsule_ipc_status_name(status));
    return status == CAPSULE_IPC_OK ? capsule_pass()
                                    : capsule_deny("%s", capsule_ipc_status_name(status));
}

static capsule_result log_caller(void)
{
    capsule_caller caller;
    if (capsule_get_caller(&caller) != CAPSULE_SYS_OK)
        return capsule_deny("get-caller");
    capsule_log(CAPSULE_LOG_INFO, "caller %.*s %.*s", (int)caller.principal.value.len,
                (const char *)caller.principal.value.data, (int)caller.source_id.len,
                (const char *)caller.source_id.data);
    return capsule_pass();
}

static capsule_result behave(capsule_bytes what, capsule_bytes payload)
{
    if (cut_prefix(&what, "append:"))
        return append(payload, what);
    if (cut_prefix(&what, "modify:"))
        return answer("modify", what);
    if (cut_prefix(&what, "final:"))
        return capsule_final(what);
    if (cut_prefix(&what, "deny:"))
        return capsule_deny("%.*s", (int)what.len, (const char *)what.data);
    if (cut_prefix(&what, "odd"))
        return answer("Continue", payload);
    if (cut_prefix(&what, "nul"))
        return (capsule_result){{(uint8_t *)"continue\0x", 10}, capsule_some(payload)};
    if (cut_prefix(&what, "size:"))
        return answer_bytes(number_of(what));
    if (cut_prefix(&what, "trap"))
        __builtin_trap();
    if (cut_prefix(&what, "spin"))
        for (volatile int i = 0;; i++)
            ;
    if (cut_prefix(&what, "sleep:"))
        return sleep_for(what);
    if (cut_prefix(&what, "forward:"))
        return forward(what, payload);
    if (cut_prefix(&what, "caller"))
        return log_caller();
    return capsule_pass();
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_option behaviour = CAPSULE_NONE;
    capsule_log(CAPSULE_LOG_INFO, "%.*s %.*s", (int)action.len, (const char *)action.data,
                (int)payload.len, (const char *)payload.data);
    if (capsule_get_config(capsule_text("behaviour"), &behaviour) != CAPSULE_SYS_OK)
        return capsule_deny("get-config");
    if (behaviour.is_some)
        return behave(behaviour.value, payload);
    if (payload.len < 2)
        return capsule_pass();
    return behave((capsule_bytes){payload.data + 1, payload.len - 2}, payload);
}
