/* tests/pool/test_pool_end.c - closing: who waits is answered, who leases finishes, the last frees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pool_fixture.h"

static void close_answers_waiters_at_once_and_destroys_idle_items_P6_P8(void **state)
{
    pool_fixture f;
    pool_caller callers[5];
    pool_open_sized(&f, 3, 0, 2);
    bhi_slot *leased = pool_lease_new(&f, &callers[0], "a");
    bhi_slot *other = pool_lease_new(&f, &callers[1], "a");
    bhi_slot *building = pool_take(&f, &callers[2], "a", BHI_GRANT_BUILD);
    pool_queue(&f, &callers[3], "a", 0);
    pool_queue(&f, &callers[4], "a", 0);
    callers[4].reads = f.pool;
    assert_true(bhi_pool_cancel_wait(f.pool, &callers[3].waiter, BH_E_CANCELLED, NULL));
    bhi_pool_close(f.pool);
    assert_int_equal(callers[3].answers, 0);
    assert_int_equal(callers[4].answers, 1);
    assert_int_equal(callers[4].status, BH_E_CLOSED);
    assert_null(callers[4].grant.slot);
    assert_null(bhi_pool_reserve_warm(f.pool, f.now_ns));
    bhi_pool_close(f.pool); /* idempotent */
    assert_int_equal(callers[4].answers, 1);
    pool_end(&f, other, BH_OUTCOME_RETURNED);
    assert_string_equal(f.destroyed, "B"); /* nothing becomes idle any more */
    bhi_pool_built_idle(f.pool, building, pool_next_item(&f), f.now_ns);
    pool_end(&f, leased, BH_OUTCOME_TRAPPED);
    assert_string_equal(f.destroyed, "BCA");
    assert_int_equal(pool_stats(&f).live, 0);
    assert_int_equal(f.freed_count, 0); /* a reference is left */
    pool_close_freed(&f);
}

static void close_grants_nothing_more_P8(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 3, 1, 2);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    bhi_pool_close(f.pool);
    pool_caller late;
    pool_expect_refusal(&f, &late, "b", BH_E_CLOSED, "the pool is closed");
    pool_expect_refusal_of_try(&f, &late, "b", BH_E_CLOSED, "the pool is closed");
    bhi_grant grant;
    bh_error error = {0};
    pool_caller_init(&late, "b");
    assert_int_equal(bhi_pool_checkout_blocking(f.pool, &late.waiter, 1, 1000, &grant, &error),
                     BH_E_CLOSED);
    assert_null(bhi_pool_reserve_warm(f.pool, f.now_ns));
    bhi_pool_advance(f.pool, f.now_ns);
    assert_int_equal(pool_stats(&f).refusals[BH_E_CLOSED], 3);
    assert_int_equal(pool_stats(&f).leased, 1); /* it finishes */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void build_granted_before_close_may_become_its_builders_lease_P8(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 1, 0, 0);
    bhi_slot *slot = pool_take(&f, &caller, "a", BHI_GRANT_BUILD);
    bhi_pool_release(f.pool);
    bhi_pool_built(f.pool, slot, pool_next_item(&f), f.now_ns);
    assert_int_equal(pool_stats(&f).leased, 1);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(f.freed_count, 1);
    assert_string_equal(f.destroyed, "A");
}

static void close_answers_who_waits_at_its_cap_or_for_a_build_held_back_P8(void **state)
{
    pool_fixture f;
    pool_caller first, callers[3];
    pool_open(&f, (bhi_pool_options){.live_max = 3, .waiters_max = 4, .principal_leases_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    pool_queue(&f, &callers[0], "a", 0); /* at its cap */
    for (int i = 0; i < 2; i++)
        pool_fail_build(&f, pool_take(&f, &callers[1], "b", BHI_GRANT_BUILD));
    pool_queue(&f, &callers[1], "b", 0); /* builds are held back */
    pool_queue(&f, &callers[2], "c", 0);
    bhi_pool_close(f.pool);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(callers[i].answers, 1);
        assert_int_equal(callers[i].status, BH_E_CLOSED);
    }
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void close_answers_more_waiters_than_fit_one_batch_P8(void **state)
{
    enum { MANY = 100 };
    pool_fixture f;
    pool_caller first, *callers = calloc(MANY, sizeof *callers);
    assert_non_null(callers);
    pool_open_sized(&f, 1, 0, MANY);
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    for (int i = 0; i < MANY; i++)
        pool_queue(&f, &callers[i], i % 2 == 0 ? "even" : "odd", 0);
    bhi_pool_close(f.pool);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(callers[i].answers, 1);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
    free(callers);
}

static void close_destroys_every_idle_item_the_coldest_first(void **state)
{
    pool_fixture f;
    bhi_slot *slots[12];
    pool_open_sized(&f, 12, 12, 0);
    for (int i = 0; i < 12; i++)
        slots[i] = bhi_pool_reserve_warm(f.pool, f.now_ns);
    for (int i = 0; i < 12; i++)
        bhi_pool_built_idle(f.pool, slots[i], pool_next_item(&f), f.now_ns);
    bhi_pool_close(f.pool);
    assert_string_equal(f.destroyed, "ABCDEFGHIJKL");
    pool_close_freed(&f);
}

static void last_lease_to_end_frees_the_pool_P8(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    pool_open_sized(&f, 3, 0, 0);
    bhi_slot *first = pool_lease_new(&f, &callers[0], "a");
    bhi_slot *second = pool_lease_new(&f, &callers[1], "a");
    bhi_slot *building = pool_take(&f, &callers[2], "a", BHI_GRANT_BUILD);
    bhi_pool_retain(f.pool);
    bhi_pool_release(f.pool);
    pool_end(&f, first, BH_OUTCOME_RETURNED);
    assert_int_equal(f.destroyed_count, 0); /* a reference is left: not closed */
    bhi_pool_release(f.pool);
    assert_string_equal(f.destroyed, "A"); /* the last release closed it */
    bhi_pool_built(f.pool, building, pool_next_item(&f), f.now_ns);
    pool_end(&f, building, BH_OUTCOME_RETURNED);
    assert_int_equal(f.freed_count, 0);
    pool_end(&f, second, BH_OUTCOME_RETURNED);
    assert_int_equal(f.freed_count, 1);
    assert_string_equal(f.destroyed, "ACB");
}

static void failed_build_may_be_what_frees_the_pool_P8(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 1, 0, 0);
    bhi_slot *slot = pool_take(&f, &caller, "a", BHI_GRANT_BUILD);
    bhi_pool_release(f.pool);
    assert_int_equal(f.freed_count, 0);
    pool_fail_build(&f, slot);
    assert_int_equal(f.freed_count, 1);
}

static void build_for_nobody_may_be_what_frees_the_pool_P8(void **state)
{
    pool_fixture f;
    pool_open_sized(&f, 1, 1, 0);
    bhi_slot *slot = bhi_pool_reserve_warm(f.pool, f.now_ns);
    bhi_pool_release(f.pool);
    bhi_pool_built_idle(f.pool, slot, pool_next_item(&f), f.now_ns);
    assert_int_equal(f.freed_count, 1);
    assert_string_equal(f.destroyed, "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_answers_waiters_at_once_and_destroys_idle_items_P6_P8),
        cmocka_unit_test(close_grants_nothing_more_P8),
        cmocka_unit_test(build_granted_before_close_may_become_its_builders_lease_P8),
        cmocka_unit_test(close_answers_who_waits_at_its_cap_or_for_a_build_held_back_P8),
        cmocka_unit_test(close_answers_more_waiters_than_fit_one_batch_P8),
        cmocka_unit_test(close_destroys_every_idle_item_the_coldest_first),
        cmocka_unit_test(last_lease_to_end_frees_the_pool_P8),
        cmocka_unit_test(failed_build_may_be_what_frees_the_pool_P8),
        cmocka_unit_test(build_for_nobody_may_be_what_frees_the_pool_P8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
