/* Who is known to an affine pool, when records come and go (P4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"

static char items[8];

static void destroy_cb(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

static bhi_grant check_out(bhi_pool *pool, bhi_waiter *waiter, const char *principal)
{
    *waiter = (bhi_waiter){.principal = {(const uint8_t *)principal, strlen(principal)}};
    bhi_grant grant;
    assert_int_equal(bhi_pool_checkout(pool, waiter, 1, &grant, NULL), BH_OK);
    return grant;
}

/* B is the record let go last when A's instance, the only one with A's state, is restored for it:
 * A's record is let go then, and B's must not be forgotten for it. */
static void whose_instance_is_restored_is_still_known(void **state)
{
    (void)state;
    bhi_pool_options options = {
        .live_max = 2, .waiters_max = 4, .is_affine = true, .destroy_cb = destroy_cb};
    bhi_pool *pool;
    assert_int_equal(bhi_pool_create(&options, &pool, NULL), BH_OK);
    bhi_waiter waiters[5];
    bhi_grant of_a = check_out(pool, &waiters[0], "a");
    bhi_pool_built(pool, of_a.slot, &items[0], 1);
    bhi_grant of_b = check_out(pool, &waiters[1], "b");
    bhi_pool_decline(pool, of_b.slot, 1);
    bhi_pool_return(pool, of_a.slot, BH_OUTCOME_RETURNED, false, 1);

    of_b = check_out(pool, &waiters[2], "b");
    assert_int_equal(of_b.kind, BHI_GRANT_RESTORE);
    bhi_pool_built(pool, of_b.slot, &items[0], 1);
    bhi_grant of_c = check_out(pool, &waiters[3], "c");
    bhi_pool_built(pool, of_c.slot, &items[1], 1);
    bhi_pool_return(pool, of_b.slot, BH_OUTCOME_RETURNED, false, 1);

    bhi_grant second = check_out(pool, &waiters[4], "c");
    assert_int_equal(second.kind, BHI_GRANT_RESTORE); /* it has the state of b */
    bhi_pool_built(pool, second.slot, &items[0], 1);
    bhi_pool_return(pool, second.slot, BH_OUTCOME_RETURNED, false, 1);
    bhi_pool_return(pool, of_c.slot, BH_OUTCOME_RETURNED, false, 1);
    bhi_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_instance_is_restored_is_still_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
