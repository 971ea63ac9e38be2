/* The capsule of the HTTP tests: each action is another way to answer, or not to. */
#include <bulkhead/capsule.h>

#include <stdlib.h>
#include <string.h>

static bool is_action(capsule_bytes action, const char *name)
{
    return action.len == strlen(name) && memcmp(action.data, name, action.len) == 0;
}

static volatile uint32_t spins;
static char *volatile last_block; /* keeps the allocations below from being optimised away */

static capsule_result loop_for_ever(void)
{
    for (;;)
        spins++;
}

static capsule_result sleep_for_ever(void)
{
    for (;;)
        if (capsule_sleep_ns(60000000000ull) != CAPSULE_SYS_OK)
            return capsule_deny("woken");
}

static capsule_result sleep_a_little(void)
{
    if (capsule_sleep_ns(300000000ull) != CAPSULE_SYS_OK)
        return capsule_deny("woken");
    return capsule_continue(capsule_text("rested"));
}

/* What the manifest says that this version is. */
static capsule_result tell_version(void)
{
    capsule_option version;
    if (capsule_get_config(capsule_text("version"), &version) != CAPSULE_SYS_OK || !version.is_some)
        return capsule_deny("no version");
    return capsule_continue(version.value);
}

static uint32_t __attribute__((noinline)) recurse(volatile uint32_t depth)
{
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + depth;
}

static capsule_result take_all_memory(void)
{
    for (;;) {
        char *block = malloc(1 << 20);
        if (block == NULL)
            __builtin_trap();
        last_block = memset(block, 1, 1 << 20);
    }
}

/* Bytes that no memory has. */
static capsule_result point_outside(void)
{
    capsule_bytes outside = {(uint8_t *)0xfffffff0u, 64};
    return capsule_continue(outside);
}

static capsule_result not_utf8(void)
{
    static uint8_t bytes[] = {0xff, 0xfe, 0x80};
    return capsule_continue((capsule_bytes){bytes, sizeof bytes});
}

/* Tries to smuggle a header field into the raw answer. */
static capsule_result split_header(void)
{
    capsule_result result = capsule_continue(capsule_text("x"));
    result.action = capsule_text("a\r\nInjected: yes");
    return result;
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    if (is_action(action, "deny"))
        return capsule_deny("not today");
    if (is_action(action, "pass"))
        return capsule_pass();
    if (is_action(action, "loop"))
        return loop_for_ever();
    if (is_action(action, "sleep"))
        return sleep_for_ever();
    if (is_action(action, "rest"))
        return sleep_a_little();
    if (is_action(action, "version"))
        return tell_version();
    if (is_action(action, "trap"))
        __builtin_trap();
    if (is_action(action, "recurse"))
        spins = recurse(spins);
    if (is_action(action, "memory"))
        return take_all_memory();
    if (is_action(action, "pointer"))
        return point_outside();
    if (is_action(action, "bytes"))
        return not_utf8();
    if (is_action(action, "header"))
        return split_header();
    if (is_action(action, "who")) {
        capsule_caller caller;
        if (capsule_get_caller(&caller) == CAPSULE_SYS_OK && caller.principal.is_some)
            return capsule_continue(caller.principal.value);
        return capsule_deny("nobody");
    }
    return capsule_continue(payload);
}
