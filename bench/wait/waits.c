/* waits.c - the guest of `bulkhead bench wait`: a call waits as its action says.
 *
 *   action   payload   waits
 *   ping               not at all
 *   sleep    NS        for so long
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

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    if (capsule_equal_text(action, "sleep"))
        return sleep_for(payload);
    return capsule_continue(capsule_text("done"));
}
