/* The one instance that is tried while the breaker is half open: when its try is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/breaker.h"
#include "support/pool_fixture.h"

/* Opens the breaker, and lets its cooldown pass. */
static void make_half_open(pool_fixture *f)
{
    pool_caller caller;
    for (int i = 0; i < 2; i++)
        pool_end(f, pool_lease_new(f, &caller, "x"), BH_OUTCOME_TRAPPED);
    assert_true(pool_stats(f).is_breaker_open);
    f->now_ns += BHI_BREAKER_COOLDOWN_NS;
}

/* Nothing was learned about the instance; it is idle, and another one may be tried. */
static void probe_whose_guest_was_not_entered_gives_way_to_another(void **state)
{
    (void)state;
    pool_fixture f;
    pool_open(&f, (bhi_pool_options){.live_max = 3, .waiters_max = 2, .breaker_condemned_max = 1});
    make_half_open(&f);
    pool_caller callers[3];
    pool_end(&f, pool_lease_new(&f, &callers[0], "x"), BH_OUTCOME_REFUSED);
    assert_true(pool_stats(&f).is_breaker_open);
    bhi_slot *lent = pool_take(&f, &callers[1], "x", BHI_GRANT_LEASE);
    bhi_slot *second = pool_take(&f, &callers[2], "x", BHI_GRANT_BUILD);
    bhi_pool_decline(f.pool, second, f.now_ns);
    pool_end(&f, lent, BH_OUTCOME_RETURNED);
    assert_false(pool_stats(&f).is_breaker_open);
    pool_close_freed(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probe_whose_guest_was_not_entered_gives_way_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
