/* visits.c - counts the calls of each principal in kv.
 *
 * Two calls of one principal may run at the same time, so the counter is written with
 * compare-and-swap: whoever finds it changed meanwhile reads it again. Of calls that collide one
 * always gets through, so a call fails only when many others got through before it.
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>

enum { ATTEMPTS_MAX = 100 };

/* false: the stored text is not a number that can be counted on from. */
static bool next_count(capsule_option stored, uint64_t *ret_count)
{
    uint64_t count = 0;
    if (stored.is_some && !capsule_parse_u64(stored.value, &count))
        return false;
    return !__builtin_add_overflow(count, 1, ret_count);
}

static capsule_result answer(capsule_option principal, uint64_t count)
{
    capsule_bytes name = capsule_text("null");
    if (principal.is_some) {
        name.data = capsule_alloc(6 * principal.value.len + 2);
        name.len = capsule_json_quote(principal.value, name.data);
    }
    return capsule_continue(capsule_format("{\"principal\":%.*s,\"visits\":%" PRIu64 "}",
                                           (int)name.len, (const char *)name.data, count));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_caller caller;
    if (capsule_get_caller(&caller) != CAPSULE_SYS_OK)
        return capsule_deny("cannot tell who is calling");
    capsule_bytes key = capsule_text("visits");
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        capsule_option stored = CAPSULE_NONE;
        capsule_kv_status status = capsule_kv_get(key, &stored);
        if (status != CAPSULE_KV_OK)
            return capsule_deny("cannot read the counter: %s", capsule_kv_status_name(status));
        uint64_t count;
        if (!next_count(stored, &count))
            return capsule_deny("the stored counter is not a number");
        status = capsule_kv_cas(key, stored, capsule_format("%" PRIu64, count));
        if (status == CAPSULE_KV_OK)
            return answer(caller.principal, count);
        if (status != CAPSULE_KV_CAS_MISMATCH)
            return capsule_deny("cannot write the counter: %s", capsule_kv_status_name(status));
    }
    return capsule_deny("the counter changed %d times in a row; try again", ATTEMPTS_MAX);
}
