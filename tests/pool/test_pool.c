/* tests/pool/test_pool.c - growth, reuse, condemned items, and options that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pool_fixture.h"
#include "worker/failing_calloc.h"

/* ---- growth ---- */

static void pool_grows_lazily_to_its_maximum_then_callers_wait_P1(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    pool_open_sized(&f, 2, 0, 4);
    assert_int_equal(pool_stats(&f).live, 0);
    bhi_slot *first = pool_lease_new(&f, &callers[0], "caller");
    bhi_slot *second = pool_take(&f, &callers[1], "caller", BHI_GRANT_BUILD);
    assert_ptr_not_equal(first, second);
    assert_int_equal(pool_stats(&f).building, 1);
    assert_int_equal(pool_stats(&f).live, 2); /* one of them under construction */
    pool_queue(&f, &callers[2], "caller", 0);
    bhi_pool_built(f.pool, second, pool_next_item(&f), f.now_ns);
    assert_int_equal(callers[2].answers, 0); /* the item belongs to who built it */
    pool_end(&f, first, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[2], BHI_GRANT_LEASE, first);
    assert_int_equal(pool_letter(first), 'A');
    assert_int_equal(pool_stats(&f).live, 2);
    pool_end(&f, first, BH_OUTCOME_RETURNED);
    pool_end(&f, second, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void pool_does_not_grow_while_an_item_is_idle(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 4, 0, 0);
    bhi_slot *slot = pool_lease_new(&f, &caller, "ada");
    for (int i = 0; i < 10; i++) {
        pool_end(&f, slot, BH_OUTCOME_RETURNED);
        assert_ptr_equal(pool_take(&f, &caller, "grace", BHI_GRANT_LEASE), slot);
    }
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(pool_stats(&f).builds, 1);
    assert_int_equal(pool_stats(&f).leases, 11);
    pool_close_freed(&f);
}

/* Asks for a build until the pool has no more; returns how many. */
static uint32_t take_all(pool_fixture *f, pool_caller *callers, bhi_slot **slots, uint32_t most)
{
    uint32_t taken = 0;
    bhi_grant grant;
    for (; taken < most; taken++) {
        pool_caller_init(&callers[taken], "caller");
        if (bhi_pool_try_checkout(f->pool, &callers[taken].waiter, f->now_ns, &grant, NULL) !=
            BH_OK)
            break;
        slots[taken] = grant.slot;
    }
    return taken;
}

static void live_items_never_exceed_the_maximum_counting_those_under_construction_P1(void **state)
{
    pool_fixture f;
    pool_caller callers[8];
    bhi_slot *slots[8];
    pool_open_sized(&f, 5, 2, 0);
    bhi_slot *warm = bhi_pool_reserve_warm(f.pool, f.now_ns);
    assert_int_equal(take_all(&f, callers, slots, 8), 4);
    assert_int_equal(pool_stats(&f).live, 5);
    pool_fail_build(&f, slots[0]);
    assert_int_equal(take_all(&f, callers, slots, 8), 0); /* one build at a time now */
    for (int i = 1; i < 4; i++)
        bhi_pool_decline(f.pool, slots[i], f.now_ns);
    bhi_pool_built_idle(f.pool, warm, pool_next_item(&f), f.now_ns);
    assert_int_equal(pool_stats(&f).live, 1);
    assert_int_equal(take_all(&f, callers, slots, 8), 5);
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    for (int i = 1; i < 5; i++)
        bhi_pool_decline(f.pool, slots[i], f.now_ns);
    pool_close_freed(&f);
}

static void warm_start_reserves_min_idle_and_no_more(void **state)
{
    pool_fixture f;
    pool_open_sized(&f, 3, 2, 0);
    bhi_slot *first = bhi_pool_reserve_warm(f.pool, f.now_ns);
    bhi_slot *second = bhi_pool_reserve_warm(f.pool, f.now_ns);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(bhi_pool_reserve_warm(f.pool, f.now_ns));
    bhi_pool_built_idle(f.pool, first, pool_next_item(&f), f.now_ns);
    pool_fail_build(&f, second);
    assert_int_equal(pool_stats(&f).idle, 1);
    assert_int_equal(pool_stats(&f).build_failures, 1);
    assert_int_equal(pool_stats(&f).refusals[BH_E_BUILD], 0); /* nobody asked */
    second = bhi_pool_reserve_warm(f.pool, f.now_ns);         /* once at once */
    bhi_pool_built_idle(f.pool, second, pool_next_item(&f), f.now_ns);
    assert_int_equal(pool_stats(&f).idle, 2);
    assert_int_equal(pool_stats(&f).builds_ahead, 2);
    pool_close_freed(&f);
    assert_int_equal(f.destroyed_count, 2);
}

static void warm_item_serves_a_caller_that_queued_meanwhile(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 1, 1, 1);
    bhi_slot *slot = bhi_pool_reserve_warm(f.pool, f.now_ns);
    pool_queue(&f, &caller, "ada", 0);
    bhi_pool_built_idle(f.pool, slot, pool_next_item(&f), f.now_ns);
    pool_expect_answer(&caller, BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- reuse ---- */

static void most_recently_returned_item_is_lent_first(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    bhi_slot *slots[3];
    pool_open_sized(&f, 3, 0, 0);
    for (int i = 0; i < 3; i++)
        slots[i] = pool_lease_new(&f, &callers[i], "caller");
    pool_end(&f, slots[1], BH_OUTCOME_RETURNED);
    pool_end(&f, slots[2], BH_OUTCOME_RETURNED);
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &callers[0], "caller", BHI_GRANT_LEASE), slots[0]);
    assert_ptr_equal(pool_take(&f, &callers[1], "caller", BHI_GRANT_LEASE), slots[2]);
    assert_ptr_equal(pool_take(&f, &callers[2], "caller", BHI_GRANT_LEASE), slots[1]);
    for (int i = 0; i < 3; i++)
        pool_end(&f, slots[i], BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
    assert_string_equal(f.destroyed, "ABC"); /* the coldest first */
}

static void every_exit_of_a_grant_gives_its_slot_back_P7(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 1, 0, 0);
    for (int outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++) {
        bhi_grant grant;
        pool_caller_init(&caller, "ada");
        assert_int_equal(bhi_pool_try_checkout(f.pool, &caller.waiter, f.now_ns, &grant, NULL),
                         BH_OK);
        if (grant.kind == BHI_GRANT_BUILD)
            bhi_pool_built(f.pool, grant.slot, pool_next_item(&f), f.now_ns);
        pool_end(&f, grant.slot, (bh_outcome)outcome);
        assert_int_equal(pool_stats(&f).leased, 0);
    }
    assert_int_equal(pool_stats(&f).live, 0); /* the last outcome condemned it */
    bhi_pool_decline(f.pool, pool_take(&f, &caller, "ada", BHI_GRANT_BUILD), f.now_ns);
    pool_fail_build(&f, pool_take(&f, &caller, "ada", BHI_GRANT_BUILD));
    bhi_slot *slot = pool_take(&f, &caller, "ada", BHI_GRANT_BUILD);
    bhi_pool_built_idle(f.pool, slot, pool_next_item(&f), f.now_ns); /* built, then given up */
    assert_int_equal(pool_stats(&f).idle, 1);
    assert_int_equal(pool_stats(&f).builds_ahead, 0);
    pool_close_freed(&f);
}

/* ---- condemned ---- */

static void condemned_item_is_destroyed_outside_the_lock_and_never_lent_P3_P6(void **state)
{
    pool_fixture f;
    pool_caller callers[2];
    pool_open_sized(&f, 1, 0, 1);
    bhi_slot *slot = pool_lease_new(&f, &callers[0], "caller");
    pool_queue(&f, &callers[1], "caller", 0);
    callers[1].reads = f.pool;
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_string_equal(f.destroyed, "A");
    assert_int_equal(f.at_destroy.live, 1); /* P1: live until destroyed, so nobody builds yet */
    assert_int_equal(f.at_destroy.waiting, 1);
    assert_int_equal(f.at_destroy.leased, 0);
    pool_expect_answer(&callers[1], BHI_GRANT_BUILD, slot);
    assert_int_equal(callers[1].at_answer.building, 1);
    bhi_pool_built(f.pool, slot, pool_next_item(&f), f.now_ns);
    assert_int_equal(pool_letter(slot), 'B');
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
    assert_string_equal(f.destroyed, "AB");
}

static void every_reason_to_condemn_has_a_count_of_its_own(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 1, 0, 1);
    for (int outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++) {
        if (bh_outcome_is_clean((bh_outcome)outcome))
            continue;
        pool_end(&f, pool_lease_new(&f, &caller, "ada"), (bh_outcome)outcome);
        for (int other = 0; other < BH_OUTCOME_COUNT; other++) {
            bool is_counted = other <= outcome && !bh_outcome_is_clean((bh_outcome)other);
            assert_int_equal(pool_stats(&f).condemned[other], is_counted);
        }
    }
    bhi_pool_return(f.pool, pool_lease_new(&f, &caller, "ada"), BH_OUTCOME_RETURNED, true,
                    f.now_ns);
    assert_int_equal(pool_stats(&f).retired, 1); /* spent, not condemned */
    assert_int_equal(pool_stats(&f).live, 0);
    pool_close_freed(&f);
}

/* ---- refused options ---- */

static void destroy_nothing_cb(void *arg, void *item)
{
}

static void refuse_options(bhi_pool_options options, const char *expected)
{
    bhi_pool *pool = NULL;
    bh_error error = {0};
    assert_int_equal(bhi_pool_create(&options, &pool, &error), BH_E_ARG);
    assert_string_equal(error.text, expected);
    assert_null(pool);
}

static void impossible_options_are_refused(void **state)
{
    bhi_pool_options options = {.destroy_cb = destroy_nothing_cb};
    refuse_options(options, "expected live_max from 1 to 65536, found 0");
    options.live_max = BHI_POOL_LIVE_MAX_MOST + 1;
    refuse_options(options, "expected live_max from 1 to 65536, found 65537");
    options.live_max = 2;
    options.min_idle = 3;
    refuse_options(options, "expected min_idle of at most live_max (2), found 3");
    options.min_idle = 0;
    options.waiters_max = BHI_POOL_WAITERS_MAX_MOST + 1;
    refuse_options(options, "expected waiters_max of at most 1048576, found 1048577");
    refuse_options((bhi_pool_options){.live_max = 1}, "expected a destroy_cb, found NULL");
}

static void pool_without_memory_is_refused(void **state)
{
    if (!CAN_FAIL_CALLOC)
        skip();
    bhi_pool_options options = {.live_max = 1, .destroy_cb = destroy_nothing_cb};
    bhi_pool *pool = NULL;
    bh_error error = {0};
    callocs_left = 0;
    bh_status status = bhi_pool_create(&options, &pool, &error);
    callocs_left = -1;
    assert_int_equal(status, BH_E_NOMEM);
    assert_string_equal(error.text, "no memory for a pool of 1 slots");
    assert_null(pool);
}

/* Whatever is asked of it; its fixture must have been opened. */
static void live_a_life(pool_fixture *f)
{
    pool_caller callers[3];
    bhi_slot *slot = pool_lease_new(f, &callers[0], "ada");
    pool_queue(f, &callers[1], "ada", 0);
    pool_end(f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[1], BHI_GRANT_LEASE, slot);
    pool_end(f, slot, BH_OUTCOME_TRAPPED);
    pool_fail_build(f, pool_take(f, &callers[2], "grace", BHI_GRANT_BUILD));
    bhi_grant grant;
    slot = pool_lease_new(f, &callers[0], "ada");
    pool_caller_init(&callers[1], "ada");
    assert_int_equal(bhi_pool_checkout_blocking(f->pool, &callers[1].waiter, 1, 1, &grant, NULL),
                     BH_E_DEADLINE);
    bhi_pool_close(f->pool);
    pool_end(f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(f);
}

/* All memory is taken at creation: a pool in use cannot run out of it. */
static void every_allocation_of_a_pools_life_fails_once_and_only_create_may_notice(void **state)
{
    if (!CAN_FAIL_CALLOC)
        skip();
    bhi_pool_options options = {
        .live_max = 2, .waiters_max = 4, .principal_leases_max = 1, .is_affine = true};
    for (int nth = 0;; nth++) {
        bhi_pool_options bare = options;
        bare.destroy_cb = destroy_nothing_cb;
        bhi_pool *pool = NULL;
        callocs_left = nth;
        bh_status status = bhi_pool_create(&bare, &pool, NULL);
        bool has_failed = callocs_left < 0;
        callocs_left = -1;
        if (!has_failed) {
            assert_int_equal(status, BH_OK);
            bhi_pool_release(pool);
            break;
        }
        assert_int_equal(status, BH_E_NOMEM);
        assert_null(pool);
    }
    pool_fixture f;
    pool_open(&f, options);
    callocs_left = 0;
    live_a_life(&f);
    int left = callocs_left;
    callocs_left = -1;
    assert_int_equal(left, 0); /* none was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_grows_lazily_to_its_maximum_then_callers_wait_P1),
        cmocka_unit_test(pool_does_not_grow_while_an_item_is_idle),
        cmocka_unit_test(live_items_never_exceed_the_maximum_counting_those_under_construction_P1),
        cmocka_unit_test(warm_start_reserves_min_idle_and_no_more),
        cmocka_unit_test(warm_item_serves_a_caller_that_queued_meanwhile),
        cmocka_unit_test(most_recently_returned_item_is_lent_first),
        cmocka_unit_test(every_exit_of_a_grant_gives_its_slot_back_P7),
        cmocka_unit_test(condemned_item_is_destroyed_outside_the_lock_and_never_lent_P3_P6),
        cmocka_unit_test(every_reason_to_condemn_has_a_count_of_its_own),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(pool_without_memory_is_refused),
        cmocka_unit_test(every_allocation_of_a_pools_life_fails_once_and_only_create_may_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
