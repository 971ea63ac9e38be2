/* reuse.c - tells what became of its state, to tests of how instances are used again.
 *
 * The configuration "init" says what initialisation asks the host for: "random", "clock",
 * "monotonic" or "caller".
 *
 *   state      answers "call N, warmed M, began as B", B what initialisation was told
 *   warm       counts M
 *   silent     answers without data
 *   trap       traps
 *   kv         reads a key
 *   random     answers random bytes, drawn now, in hexadecimal
 *   grow       grows memory, answers whether it was "zeros" or "dirty" and where it began, soils it
 */
#include <bulkhead/capsule.h>

enum { RANDOM_BYTES = 16, GROWN_PAGES = 5, PAGE = 65536 };

static char began_as[64] = "nothing";
static unsigned calls, warmed;

static void note(capsule_bytes text)
{
    size_t len = text.len < sizeof began_as - 1 ? text.len : sizeof began_as - 1;
    memcpy(began_as, text.data, len);
    began_as[len] = 0;
}

static capsule_bytes draw(void)
{
    uint8_t bytes[RANDOM_BYTES];
    capsule_bytes text = {capsule_alloc(2 * RANDOM_BYTES), 2 * RANDOM_BYTES};
    if (capsule_random_bytes(bytes, sizeof bytes) != CAPSULE_SYS_OK)
        __builtin_trap();
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = (uint8_t)"0123456789abcdef"[bytes[i / 2] >> (i % 2 * 4) & 15];
    return text;
}

static capsule_bytes ask_caller(void)
{
    capsule_caller caller;
    if (capsule_get_caller(&caller) != CAPSULE_SYS_OK)
        return capsule_text("refused");
    return caller.principal.is_some ? caller.principal.value : capsule_text("nobody");
}

__attribute__((constructor)) static void initialise(void)
{
    capsule_option what = CAPSULE_NONE;
    if (capsule_get_config(capsule_text("init"), &what) != CAPSULE_SYS_OK || !what.is_some)
        return;
    if (capsule_equal_text(what.value, "random"))
        note(draw());
    else if (capsule_equal_text(what.value, "clock"))
        note(capsule_format("%llu", (unsigned long long)capsule_clock_ms()));
    else if (capsule_equal_text(what.value, "monotonic"))
        note(capsule_format("%llu", (unsigned long long)capsule_clock_monotonic_ns()));
    else if (capsule_equal_text(what.value, "caller"))
        note(ask_caller());
}

static capsule_result grow(void)
{
    size_t before = __builtin_wasm_memory_grow(0, GROWN_PAGES);
    if (before == SIZE_MAX)
        return capsule_deny("no memory");
    uint8_t *grown = (uint8_t *)(before * PAGE);
    bool is_dirty = false;
    for (size_t i = 0; i < (size_t)GROWN_PAGES * PAGE; i++)
        is_dirty |= grown[i] != 0;
    memset(grown, 0xa5, (size_t)GROWN_PAGES * PAGE);
    __asm__ volatile("" : : "r"(grown) : "memory");
    return capsule_continue(
        capsule_format("%s %u", is_dirty ? "dirty" : "zeros", (unsigned)before));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_option value;
    calls++;
    if (capsule_equal_text(action, "warm"))
        warmed++;
    else if (capsule_equal_text(action, "silent"))
        return capsule_pass();
    else if (capsule_equal_text(action, "trap"))
        __builtin_trap();
    else if (capsule_equal_text(action, "kv"))
        return capsule_deny("%d", capsule_kv_get(capsule_text("key"), &value));
    else if (capsule_equal_text(action, "random"))
        return capsule_continue(draw());
    else if (capsule_equal_text(action, "grow"))
        return grow();
    return capsule_continue(
        capsule_format("call %u, warmed %u, began as %s", calls, warmed, began_as));
}
