/* init_call.c - calls, during initialisation, the host function that its configuration names under
 * "call": get, set, delete, cas, list, page or clear of kv, sleep or ready; else only what is
 * always allowed, and the hook answers the random bytes it drew then, in hexadecimal. */
#include <bulkhead/capsule.h>

static char drawn[33];

static void call_kv(capsule_bytes name)
{
    capsule_bytes key = capsule_text("k");
    capsule_option value = CAPSULE_NONE;
    capsule_list keys;
    capsule_key_page page;
    uint64_t count;
    int status = 0;
    if (capsule_equal_text(name, "get"))
        status = capsule_kv_get(key, &value);
    else if (capsule_equal_text(name, "set"))
        status = capsule_kv_set(key, key);
    else if (capsule_equal_text(name, "delete"))
        status = capsule_kv_delete(key);
    else if (capsule_equal_text(name, "cas"))
        status = capsule_kv_cas(key, CAPSULE_NONE, key);
    else if (capsule_equal_text(name, "list"))
        status = capsule_kv_list_keys(key, &keys);
    else if (capsule_equal_text(name, "page"))
        status = capsule_kv_list_keys_page(key, CAPSULE_NONE, 1, &page);
    else if (capsule_equal_text(name, "clear"))
        status = capsule_kv_clear_prefix(key, &count);
    (void)status;
}

static void call_sys(capsule_bytes name)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    if (capsule_equal_text(name, "sleep"))
        (void)(capsule_sleep_ns(0) == CAPSULE_SYS_OK);
    else if (capsule_equal_text(name, "ready"))
        capsule_signal_ready();
    if (capsule_random_bytes(bytes, sizeof bytes) != CAPSULE_SYS_OK)
        return;
    for (size_t i = 0; i < sizeof bytes; i++) {
        drawn[2 * i] = digits[bytes[i] >> 4];
        drawn[2 * i + 1] = digits[bytes[i] & 15];
    }
    capsule_log(CAPSULE_LOG_INFO, "initialised at %llu ms", (unsigned long long)capsule_clock_ms());
}

__attribute__((constructor)) static void initialise(void)
{
    capsule_option name = CAPSULE_NONE;
    if (capsule_get_config(capsule_text("call"), &name) != CAPSULE_SYS_OK || !name.is_some)
        return;
    call_kv(name.value);
    call_sys(name.value);
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    return capsule_continue(capsule_text(drawn));
}
