/* mixed.c - ends in many ways, for tests that let them meet.
 *
 *   action   payload   ends
 *   echo     TEXT      TEXT
 *   state              how many calls this instance has served, this one included
 *   count    KEY       adds one to the decimal number at KEY by compare-and-swap; the new number
 *   sleep    NS        "slept"
 *   trap               as a trap
 *   loop               never
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>

static unsigned calls;

/* Try to add one; false when somebody else was faster. */
static bool add_one(capsule_bytes key, uint64_t *ret_number)
{
    capsule_option old = CAPSULE_NONE;
    uint64_t number = 0;
    if (capsule_kv_get(key, &old) != CAPSULE_KV_OK)
        __builtin_trap();
    if (old.is_some && !capsule_parse_u64(old.value, &number))
        __builtin_trap();
    *ret_number = number + 1;
    capsule_kv_status status = capsule_kv_cas(key, old, capsule_format("%" PRIu64, *ret_number));
    if (status != CAPSULE_KV_OK && status != CAPSULE_KV_CAS_MISMATCH)
        __builtin_trap();
    return status == CAPSULE_KV_OK;
}

static capsule_result count(capsule_bytes key)
{
    uint64_t number;
    while (!add_one(key, &number)) {
    }
    return capsule_continue(capsule_format("%" PRIu64, number));
}

static capsule_result sleep(capsule_bytes payload)
{
    uint64_t duration_ns;
    if (!capsule_parse_u64(payload, &duration_ns) ||
        capsule_sleep_ns(duration_ns) != CAPSULE_SYS_OK)
        return capsule_deny("expected nanoseconds");
    return capsule_continue(capsule_text("slept"));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    calls++;
    if (capsule_equal_text(action, "echo"))
        return capsule_continue(payload);
    if (capsule_equal_text(action, "state"))
        return capsule_continue(capsule_format("%u", calls));
    if (capsule_equal_text(action, "count"))
        return count(payload);
    if (capsule_equal_text(action, "sleep"))
        return sleep(payload);
    for (volatile bool is_endless = capsule_equal_text(action, "loop"); is_endless;) {
    }
    __builtin_trap();
}
