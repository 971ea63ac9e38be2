/* trap_names.c - traps in functions whose names a reader of backtraces must not trust: one has more
 * bytes than are shown, of which the limit splits a character, the other holds control characters.
 */
#include <bulkhead/capsule.h>

#define E10 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

__attribute__((noinline)) static void steering(void) __asm__("steer\x1b[2J\xc2\x9b\x32J\xc2\x85");
__attribute__((noinline)) static void
lengthy(void) __asm__("x" E10 E10 E10 E10 E10 E10 E10 E10 E10 E10);
__attribute__((noinline)) static void
lengthier(void) __asm__("xy" E10 E10 E10 E10 E10 E10 E10 E10 E10 E10);

static volatile int depth;

static void steering(void)
{
    depth++;
    __builtin_trap();
}

static void lengthy(void)
{
    depth++;
    steering();
    depth--;
}

static void lengthier(void)
{
    depth++;
    lengthy();
    depth--;
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    lengthier();
    return capsule_pass();
}
