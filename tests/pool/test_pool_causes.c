/* tests/pool/test_pool_causes.c - why a caller got nothing, and how builds are held back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_core.h"
#include "support/pool_fixture.h"

/* ---- causes ---- */

static void causes_of_failure_are_told_and_counted_apart(void **state)
{
    pool_fixture f;
    pool_caller first, late, bored, waiting, refused;
    pool_open(&f, (bhi_pool_options){.live_max = 2, .waiters_max = 3, .principal_leases_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "ada");
    pool_queue(&f, &late, "ada", 0);
    pool_queue(&f, &bored, "ada", 0);
    pool_queue(&f, &waiting, "ada", 0);
    pool_expect_refusal(&f, &refused, "ada", BH_E_SATURATED,
                        "no instance is idle, and none may be built now (of at most 2), and the "
                        "queue of 3 is full");
    pool_expect_refusal_of_try(&f, &refused, "ada", BH_E_OVER_CAP,
                               "principal ada holds all 1 instances that it may");
    assert_true(bhi_pool_cancel_wait(f.pool, &late.waiter, BH_E_DEADLINE, NULL));
    assert_false(bhi_pool_cancel_wait(f.pool, &late.waiter, BH_E_DEADLINE, NULL));
    assert_true(bhi_pool_cancel_wait(f.pool, &bored.waiter, BH_E_CANCELLED, NULL));
    pool_fail_build(&f, pool_take(&f, &refused, "b", BHI_GRANT_BUILD));
    bhi_pool_close(f.pool); /* answers one */
    pool_expect_refusal_of_try(&f, &refused, "ada", BH_E_CLOSED, "the pool is closed");
    bhi_pool_stats stats = pool_stats(&f);
    static const struct {
        bh_status cause;
        uint64_t count;
    } expected[] = {{BH_E_SATURATED, 1}, {BH_E_OVER_CAP, 1}, {BH_E_DEADLINE, 1},
                    {BH_E_CANCELLED, 1}, {BH_E_BUILD, 1},    {BH_E_CLOSED, 2},
                    {BH_E_BREAKER, 0},   {BH_E_NESTED, 0}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(stats.refusals[expected[i].cause], expected[i].count);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- failed builds ---- */

static void first_failed_build_lets_the_next_waiter_build_at_once(void **state)
{
    pool_fixture f;
    pool_caller first, second, third;
    pool_open_sized(&f, 1, 0, 2);
    bhi_slot *slot = pool_take(&f, &first, "a", BHI_GRANT_BUILD);
    pool_queue(&f, &second, "a", 0);
    pool_queue(&f, &third, "a", 0);
    pool_fail_build(&f, slot);
    pool_expect_answer(&second, BHI_GRANT_BUILD, slot);
    assert_int_equal(third.answers, 0);
    bhi_pool_decline(f.pool, slot, f.now_ns); /* gives up instead: not a failure */
    pool_expect_answer(&third, BHI_GRANT_BUILD, slot);
    bhi_pool_built(f.pool, slot, pool_next_item(&f), f.now_ns);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(pool_stats(&f).build_failures, 1);
    assert_int_equal(pool_stats(&f).builds, 1);
    pool_close_freed(&f);
}

/* Fails the build of the caller that was answered; the next one queues already. */
static void builds_that_keep_failing_wait_twice_as_long_each_time_up_to_the_most(void **state)
{
    pool_fixture f;
    pool_caller callers[2];
    pool_open_sized(&f, 1, 0, 2);
    bhi_slot *slot = pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD);
    pool_fail_build(&f, slot);
    pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD);
    uint64_t delay_ns = BHI_BACKOFF_FIRST_NS;
    for (int failures = 2; failures < 16; failures++) {
        pool_caller *next = &callers[failures % 2];
        pool_queue(&f, next, "a", 0);
        pool_fail_build(&f, slot);
        assert_int_equal(f.woken_for_ns, f.now_ns + delay_ns); /* wake_cb is told when */
        f.now_ns += delay_ns - 1;
        bhi_pool_advance(f.pool, f.now_ns);
        assert_int_equal(next->answers, 0);
        f.now_ns++;
        bhi_pool_advance(f.pool, f.now_ns);
        pool_expect_answer(next, BHI_GRANT_BUILD, slot);
        delay_ns = delay_ns * 2 < BHI_BACKOFF_MOST_NS ? delay_ns * 2 : BHI_BACKOFF_MOST_NS;
    }
    assert_int_equal(delay_ns, BHI_BACKOFF_MOST_NS);
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_close_freed(&f);
}

static void caller_who_will_not_wait_is_told_the_last_builds_error_and_when_to_retry(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 2, 0, 2);
    for (int i = 0; i < 2; i++)
        pool_fail_build(&f, pool_take(&f, &caller, "a", BHI_GRANT_BUILD));
    f.now_ns += BHI_BACKOFF_FIRST_NS / 2 + 1;
    bhi_grant grant;
    bh_error error = {0};
    pool_caller_init(&caller, "a");
    assert_int_equal(bhi_pool_try_checkout(f.pool, &caller.waiter, f.now_ns, &grant, &error),
                     BH_E_BUILD);
    assert_string_equal(error.text, "2 builds failed in a row, the next one begins in 5 ms; the "
                                    "last one: no start");
    assert_int_equal(error.retry_after_ms, 5);
    f.now_ns += BHI_BACKOFF_FIRST_NS / 2;
    bhi_pool_decline(f.pool, pool_take(&f, &caller, "a", BHI_GRANT_BUILD), f.now_ns);
    pool_close_freed(&f);
}

static void builds_are_tried_one_at_a_time_while_they_fail(void **state)
{
    pool_fixture f;
    pool_caller callers[4];
    pool_open_sized(&f, 3, 0, 4);
    pool_fail_build(&f, pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD));
    bhi_slot *tried = pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD);
    pool_queue(&f, &callers[1], "a", 0); /* although two slots are empty */
    pool_queue(&f, &callers[2], "a", 0);
    pool_expect_refusal_of_try(&f, &callers[3], "a", BH_E_SATURATED,
                               "no instance is idle, and none may be built now (of at most 3)");
    bhi_pool_built(f.pool, tried, pool_next_item(&f), f.now_ns);
    for (int i = 1; i < 3; i++) { /* and all at once after one that did not */
        assert_int_equal(callers[i].answers, 1);
        assert_int_equal(callers[i].grant.kind, BHI_GRANT_BUILD);
        bhi_pool_decline(f.pool, callers[i].grant.slot, f.now_ns);
    }
    pool_end(&f, tried, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void builds_that_fail_side_by_side_count_once(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    bhi_slot *slots[3];
    pool_open_sized(&f, 3, 0, 1);
    for (int i = 0; i < 3; i++)
        slots[i] = pool_take(&f, &callers[i], "a", BHI_GRANT_BUILD);
    for (int i = 0; i < 3; i++)
        pool_fail_build(&f, slots[i]);
    pool_queue(&f, &callers[0], "a", 0);
    assert_int_equal(f.woken_for_ns, f.now_ns + BHI_BACKOFF_FIRST_NS);
    assert_int_equal(pool_stats(&f).build_failures, 3);
    bhi_pool_close(f.pool);
    pool_close_freed(&f);
}

static void build_that_succeeds_ends_the_holding_back_for_good(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    bhi_slot *slots[3];
    pool_open_sized(&f, 3, 0, 1);
    for (int i = 0; i < 3; i++)
        slots[i] = pool_take(&f, &callers[i], "a", BHI_GRANT_BUILD);
    pool_fail_build(&f, slots[0]);
    pool_fail_build(&f, slots[1]); /* the next one begins in 10 ms */
    bhi_pool_built(f.pool, slots[2], pool_next_item(&f), f.now_ns);
    pool_fail_build(&f, pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD));
    bhi_slot *slot = pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD); /* the first of a new row */
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_end(&f, slots[2], BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void idle_items_are_lent_while_builds_are_held_back(void **state)
{
    pool_fixture f;
    pool_caller first, second;
    pool_open_sized(&f, 3, 0, 1);
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    for (int i = 0; i < 2; i++)
        pool_fail_build(&f, pool_take(&f, &second, "b", BHI_GRANT_BUILD));
    pool_queue(&f, &second, "b", 0);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&second, BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- the breaker ---- */

static void open_condemned(pool_fixture *f, uint32_t live_max)
{
    pool_caller caller;
    pool_open(
        f, (bhi_pool_options){.live_max = live_max, .waiters_max = 4, .breaker_condemned_max = 2});
    for (int i = 0; i < 3; i++)
        pool_end(f, pool_lease_new(f, &caller, "a"), BH_OUTCOME_TRAPPED);
    assert_true(pool_stats(f).is_breaker_open);
}

static void open_breaker_refuses_and_says_when_to_retry(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_condemned(&f, 2);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS / 4;
    const char *text = "more than 2 instances were condemned in 10 s; no other one is built for "
                       "750 ms";
    pool_expect_refusal(&f, &caller, "b", BH_E_BREAKER, text);
    pool_expect_refusal_of_try(&f, &caller, "b", BH_E_BREAKER, text);
    bhi_grant grant;
    bh_error error = {0};
    assert_int_equal(bhi_pool_try_checkout(f.pool, &caller.waiter, f.now_ns, &grant, &error),
                     BH_E_BREAKER);
    assert_int_equal(error.retry_after_ms, 750);
    assert_int_equal(pool_stats(&f).refusals[BH_E_BREAKER], 3);
    pool_close_freed(&f);
}

static void half_open_breaker_tries_one_instance_and_closes_when_it_ends_cleanly(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    open_condemned(&f, 3);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS;
    bhi_slot *probe = pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD);
    pool_queue(&f, &callers[1], "a", 0); /* one probe */
    pool_queue(&f, &callers[2], "a", 0);
    bhi_pool_built(f.pool, probe, pool_next_item(&f), f.now_ns);
    assert_int_equal(callers[1].answers, 0); /* its end counts, not its build */
    pool_end(&f, probe, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[1], BHI_GRANT_LEASE, probe);
    assert_int_equal(callers[2].answers, 1);
    assert_int_equal(callers[2].grant.kind, BHI_GRANT_BUILD); /* closed */
    assert_false(pool_stats(&f).is_breaker_open);
    bhi_pool_decline(f.pool, callers[2].grant.slot, f.now_ns);
    pool_end(&f, probe, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void half_open_breaker_opens_for_twice_as_long_when_its_instance_fails(void **state)
{
    pool_fixture f;
    pool_caller callers[2];
    open_condemned(&f, 2);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS;
    bhi_slot *probe = pool_lease_new(&f, &callers[0], "a");
    pool_queue(&f, &callers[1], "a", 0);
    pool_end(&f, probe, BH_OUTCOME_OUT_OF_FUEL);
    assert_int_equal(f.woken_for_ns, f.now_ns + 2 * BHI_BREAKER_COOLDOWN_NS);
    f.now_ns += 2 * BHI_BREAKER_COOLDOWN_NS - 1;
    bhi_pool_advance(f.pool, f.now_ns);
    assert_int_equal(callers[1].answers, 0);
    f.now_ns++;
    bhi_pool_advance(f.pool, f.now_ns);
    assert_int_equal(callers[1].answers, 1);
    bhi_pool_decline(f.pool, callers[1].grant.slot, f.now_ns);
    pool_close_freed(&f);
}

static void probe_that_comes_to_nothing_lets_the_next_one_be_tried(void **state)
{
    pool_fixture f;
    pool_caller callers[4];
    open_condemned(&f, 2);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS;
    bhi_slot *probe = pool_take(&f, &callers[0], "a", BHI_GRANT_BUILD);
    pool_queue(&f, &callers[1], "a", 0);
    pool_queue(&f, &callers[2], "a", 0);
    pool_queue(&f, &callers[3], "a", 0);
    pool_fail_build(&f, probe); /* not built */
    assert_int_equal(callers[1].answers, 1);
    bhi_pool_decline(f.pool, callers[1].grant.slot, f.now_ns); /* not tried */
    assert_int_equal(callers[2].answers, 1);
    probe = callers[2].grant.slot;
    bhi_pool_built(f.pool, probe, pool_next_item(&f), f.now_ns);
    pool_end(&f, probe, BH_OUTCOME_CANCELLED); /* says nothing about the instance */
    assert_int_equal(callers[3].answers, 1);
    assert_true(pool_stats(&f).is_breaker_open);
    bhi_pool_decline(f.pool, callers[3].grant.slot, f.now_ns);
    pool_close_freed(&f);
}

static void lease_that_never_entered_the_guest_does_not_close_the_breaker(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_condemned(&f, 2);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS;
    bhi_slot *probe = pool_lease_new(&f, &caller, "a");
    pool_end(&f, probe, BH_OUTCOME_REFUSED);
    assert_true(pool_stats(&f).is_breaker_open);
    assert_ptr_equal(pool_take(&f, &caller, "a", BHI_GRANT_LEASE), probe);
    pool_end(&f, probe, BH_OUTCOME_RETURNED);
    assert_false(pool_stats(&f).is_breaker_open);
    pool_close_freed(&f);
}

static void cancelled_leases_do_not_count_for_the_breaker(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open(&f, (bhi_pool_options){.live_max = 1, .breaker_condemned_max = 1});
    for (int i = 0; i < 8; i++)
        pool_end(&f, pool_lease_new(&f, &caller, "a"), BH_OUTCOME_CANCELLED);
    assert_false(pool_stats(&f).is_breaker_open);
    assert_int_equal(pool_stats(&f).condemned[BH_OUTCOME_CANCELLED], 8);
    pool_close_freed(&f);
}

static void open_breaker_lends_idle_items_and_lets_callers_wait_beside_them(void **state)
{
    pool_fixture f;
    pool_caller first, others[3];
    pool_open(&f, (bhi_pool_options){.live_max = 2, .waiters_max = 2, .breaker_condemned_max = 1});
    bhi_slot *healthy = pool_lease_new(&f, &first, "a");
    for (int i = 0; i < 2; i++)
        pool_end(&f, pool_lease_new(&f, &others[0], "b"), BH_OUTCOME_TRAPPED);
    pool_expect_refusal(&f, &others[0], "b", BH_E_BREAKER, NULL); /* none is idle */
    pool_end(&f, healthy, BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &others[0], "b", BHI_GRANT_LEASE), healthy);
    pool_end(&f, healthy, BH_OUTCOME_RETURNED);
    assert_true(pool_stats(&f).is_breaker_open); /* while open, an end changes nothing */
    pool_close_freed(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(causes_of_failure_are_told_and_counted_apart),
        cmocka_unit_test(first_failed_build_lets_the_next_waiter_build_at_once),
        cmocka_unit_test(builds_that_keep_failing_wait_twice_as_long_each_time_up_to_the_most),
        cmocka_unit_test(caller_who_will_not_wait_is_told_the_last_builds_error_and_when_to_retry),
        cmocka_unit_test(builds_are_tried_one_at_a_time_while_they_fail),
        cmocka_unit_test(builds_that_fail_side_by_side_count_once),
        cmocka_unit_test(build_that_succeeds_ends_the_holding_back_for_good),
        cmocka_unit_test(idle_items_are_lent_while_builds_are_held_back),
        cmocka_unit_test(open_breaker_refuses_and_says_when_to_retry),
        cmocka_unit_test(half_open_breaker_tries_one_instance_and_closes_when_it_ends_cleanly),
        cmocka_unit_test(half_open_breaker_opens_for_twice_as_long_when_its_instance_fails),
        cmocka_unit_test(probe_that_comes_to_nothing_lets_the_next_one_be_tried),
        cmocka_unit_test(lease_that_never_entered_the_guest_does_not_close_the_breaker),
        cmocka_unit_test(cancelled_leases_do_not_count_for_the_breaker),
        cmocka_unit_test(open_breaker_lends_idle_items_and_lets_callers_wait_beside_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
