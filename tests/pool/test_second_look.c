/* A permit that comes back just after a pool found none, and before it said that it waits: who gave
 * it saw nobody waiting, so only the pool's second look can find it (ceiling.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/ceiling.h"

/* The core under test is compiled here, with something done after each try to take a permit. */
static void (*after_take_cb)(bhi_ceiling *ceiling);

static bool take_and_tell(bhi_ceiling *ceiling)
{
    bool is_taken = bhi_ceiling_take(ceiling);
    if (after_take_cb != NULL)
        after_take_cb(ceiling);
    return is_taken;
}

#define bhi_ceiling_take take_and_tell
#include "pool/pool_core.c"
#undef bhi_ceiling_take

static void give_once(bhi_ceiling *ceiling)
{
    after_take_cb = NULL;
    bhi_ceiling_give(ceiling);
    assert_false(bhi_ceiling_has_starved(ceiling)); /* so nobody would be woken */
}

static void permit_given_between_the_two_looks_is_taken(void **state)
{
    (void)state;
    static _Alignas(64) char memory[1 << 20];
    bhi_ceiling ceiling;
    bhi_ceiling_init(&ceiling, 1);
    bhi_pool_options options = {.live_max = 1, .waiters_max = 1, .ceiling = &ceiling};
    assert_true(bhi_pool_core_memory_bytes(&options) <= sizeof memory);
    bhi_pool_core core;
    bhi_pool_core_init(&core, &options, 1, memory);
    assert_true(bhi_ceiling_take(&ceiling)); /* as another pool */
    after_take_cb = give_once;
    bhi_waiter waiter = {0};
    bhi_grant grant;
    assert_int_equal(bhi_pool_core_checkout(&core, &waiter, 1, &grant), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_BUILD);
    assert_int_equal(atomic_load(&ceiling.live), 1);
    assert_false(bhi_ceiling_has_starved(&ceiling)); /* nobody waits after all */
    bhi_pool_core_check(&core, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permit_given_between_the_two_looks_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
