/* tests/pool/test_pool_evict.c - idle items are destroyed from the cold end; what was condemned is
 * built anew ahead of the next caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_core.h"
#include "support/pool_fixture.h"

/* Items A, B, ... in slots[0], slots[1], ... returned at 1, 2, ... ms. */
static void open_idle(pool_fixture *f, uint32_t live_max, uint32_t min_idle, bhi_slot **slots)
{
    pool_caller callers[POOL_ITEMS];
    pool_open_sized(f, live_max, min_idle, 4);
    for (uint32_t i = 0; i < live_max; i++)
        slots[i] = pool_lease_new(f, &callers[i], "caller");
    for (uint32_t i = 0; i < live_max; i++) {
        f->now_ns = (i + 1) * (uint64_t)POOL_MS;
        pool_end(f, slots[i], BH_OUTCOME_RETURNED);
    }
}

static void eviction_takes_the_coldest_first_and_leaves_min_idle_P6(void **state)
{
    pool_fixture f;
    bhi_slot *slots[5];
    pool_caller caller;
    open_idle(&f, 5, 2, slots);
    assert_int_equal(bhi_pool_evict_idle(f.pool, f.now_ns, f.now_ns), 3);
    assert_string_equal(f.destroyed, "ABC");
    assert_int_equal(f.at_destroy.idle, 2); /* the lock was not held: P6 */
    assert_int_equal(f.at_destroy.live, 3);
    assert_int_equal(pool_stats(&f).live, 2);
    assert_int_equal(pool_stats(&f).evicted_idle, 3);
    assert_int_equal(bhi_pool_evict_idle(f.pool, f.now_ns, f.now_ns), 0);
    assert_ptr_equal(pool_take(&f, &caller, "caller", BHI_GRANT_LEASE), slots[4]);
    pool_end(&f, slots[4], BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void only_what_was_idle_for_the_whole_period_is_evicted(void **state)
{
    pool_fixture f;
    bhi_slot *slots[4];
    pool_caller caller;
    open_idle(&f, 4, 0, slots);
    assert_int_equal(bhi_pool_evict_idle(f.pool, 1 * POOL_MS - 1, f.now_ns), 0);
    assert_int_equal(bhi_pool_evict_idle(f.pool, 1 * POOL_MS, f.now_ns), 1);
    assert_int_equal(bhi_pool_evict_idle(f.pool, 3 * POOL_MS - 1, f.now_ns), 1);
    assert_string_equal(f.destroyed, "AB");
    f.now_ns = 9 * POOL_MS;
    assert_ptr_equal(pool_take(&f, &caller, "caller", BHI_GRANT_LEASE), slots[3]);
    pool_end(&f, slots[3], BH_OUTCOME_RETURNED); /* used a moment ago */
    assert_int_equal(bhi_pool_evict_idle(f.pool, 8 * POOL_MS, f.now_ns), 1);
    assert_string_equal(f.destroyed, "ABC");
    pool_close_freed(&f);
}

static void nothing_is_evicted_when_all_may_stay_idle(void **state)
{
    pool_fixture f;
    bhi_slot *slots[3];
    open_idle(&f, 3, 3, slots);
    assert_int_equal(bhi_pool_evict_idle(f.pool, UINT64_MAX - 1, f.now_ns), 0);
    assert_int_equal(pool_stats(&f).idle, 3);
    pool_close_freed(&f);
}

static void need_evicts_below_min_idle_one_at_a_time(void **state)
{
    pool_fixture f;
    bhi_slot *slots[2];
    open_idle(&f, 2, 2, slots);
    assert_true(bhi_pool_evict_one(f.pool, f.now_ns));
    assert_string_equal(f.destroyed, "A");
    assert_true(bhi_pool_evict_one(f.pool, f.now_ns));
    assert_false(bhi_pool_evict_one(f.pool, f.now_ns));
    assert_int_equal(pool_stats(&f).evicted_by_need, 2);
    assert_int_equal(pool_stats(&f).evicted_idle, 0);
    pool_close_freed(&f);
}

static void leased_items_are_not_evicted(void **state)
{
    pool_fixture f;
    pool_caller caller;
    pool_open_sized(&f, 2, 0, 0);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    assert_false(bhi_pool_evict_one(f.pool, f.now_ns));
    assert_int_equal(bhi_pool_evict_idle(f.pool, UINT64_MAX - 1, f.now_ns), 0);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- replacements ---- */

static void open_ahead(pool_fixture *f, bhi_pool_options options)
{
    options.build_ahead_cb = pool_build_ahead_cb;
    pool_open(f, options);
}

static void condemned_item_is_replaced_ahead_of_the_next_caller_P6(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_ahead(&f, (bhi_pool_options){.live_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 1);
    assert_ptr_equal(f.ahead[0], slot);
    assert_int_equal(pool_stats(&f).building, 1);
    bhi_pool_built_idle(f.pool, slot, pool_next_item(&f), f.now_ns);
    assert_int_equal(pool_stats(&f).builds_ahead, 1);
    assert_ptr_equal(pool_take(&f, &caller, "a", BHI_GRANT_LEASE), slot);
    bhi_pool_return(f.pool, slot, BH_OUTCOME_RETURNED, true, f.now_ns); /* spent: the same */
    assert_int_equal(f.ahead_count, 2);
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_close_freed(&f);
}

static void nothing_is_replaced_while_an_item_is_idle_or_coming(void **state)
{
    pool_fixture f;
    pool_caller callers[4];
    bhi_slot *slots[4];
    open_ahead(&f, (bhi_pool_options){.live_max = 4});
    for (int i = 0; i < 4; i++)
        slots[i] = pool_lease_new(&f, &callers[i], "a");
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    pool_end(&f, slots[1], BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 0); /* slots[0] is idle */
    assert_ptr_equal(pool_take(&f, &callers[0], "a", BHI_GRANT_LEASE), slots[0]);
    pool_end(&f, slots[2], BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 1);
    pool_end(&f, slots[3], BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 1); /* that one is coming */
    bhi_pool_built_idle(f.pool, f.ahead[0], pool_next_item(&f), f.now_ns);
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void replacement_serves_a_caller_that_came_meanwhile(void **state)
{
    pool_fixture f;
    pool_caller first, waiting;
    open_ahead(&f, (bhi_pool_options){.live_max = 1, .waiters_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    pool_queue(&f, &waiting, "b", 0);
    bhi_pool_built_idle(f.pool, slot, pool_next_item(&f), f.now_ns);
    pool_expect_answer(&waiting, BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void replacement_is_not_owed_once_another_item_came_instead(void **state)
{
    pool_fixture f;
    pool_caller first, waiting;
    open_ahead(&f, (bhi_pool_options){.live_max = 1, .waiters_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    pool_queue(&f, &waiting, "b", 0);
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    pool_expect_answer(&waiting, BHI_GRANT_BUILD, slot);
    bhi_pool_built(f.pool, slot, pool_next_item(&f), f.now_ns);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_true(bhi_pool_evict_one(f.pool, f.now_ns));
    assert_int_equal(f.ahead_count, 0); /* what is evicted is not wanted */
    assert_int_equal(pool_stats(&f).live, 0);
    pool_close_freed(&f);
}

static void nothing_is_replaced_once_closed(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_ahead(&f, (bhi_pool_options){.live_max = 2});
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    bhi_pool_close(f.pool);
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 0);
    pool_close_freed(&f);
}

static void nothing_is_replaced_while_builds_back_off(void **state)
{
    pool_fixture f;
    pool_caller caller, other;
    open_ahead(&f, (bhi_pool_options){.live_max = 3});
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    for (int i = 0; i < 2; i++)
        pool_fail_build(&f, pool_take(&f, &other, "b", BHI_GRANT_BUILD));
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 0);
    pool_close_freed(&f);
}

static void nothing_is_replaced_while_the_breaker_is_open_or_half_open(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_ahead(&f, (bhi_pool_options){.live_max = 1, .breaker_condemned_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    bhi_pool_built_idle(f.pool, f.ahead[0], pool_next_item(&f), f.now_ns);
    pool_take(&f, &caller, "a", BHI_GRANT_LEASE);
    pool_end(&f, slot, BH_OUTCOME_TRAPPED); /* opens it */
    assert_int_equal(f.ahead_count, 1);
    f.now_ns += BHI_BREAKER_COOLDOWN_NS;
    bhi_pool_return(f.pool, pool_lease_new(&f, &caller, "a"), BH_OUTCOME_CANCELLED, false,
                    f.now_ns); /* half open */
    assert_int_equal(f.ahead_count, 1);
    pool_close_freed(&f);
}

static void nothing_is_replaced_without_a_permit(void **state)
{
    pool_fixture f;
    pool_caller caller;
    bhi_ceiling ceiling;
    bhi_ceiling_init(&ceiling, 1);
    open_ahead(&f, (bhi_pool_options){.live_max = 2, .ceiling = &ceiling});
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    atomic_store(&ceiling.is_memory_out, true);
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_int_equal(f.ahead_count, 0);
    assert_int_equal(atomic_load(&ceiling.live), 0);
    pool_close_freed(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eviction_takes_the_coldest_first_and_leaves_min_idle_P6),
        cmocka_unit_test(only_what_was_idle_for_the_whole_period_is_evicted),
        cmocka_unit_test(nothing_is_evicted_when_all_may_stay_idle),
        cmocka_unit_test(need_evicts_below_min_idle_one_at_a_time),
        cmocka_unit_test(leased_items_are_not_evicted),
        cmocka_unit_test(condemned_item_is_replaced_ahead_of_the_next_caller_P6),
        cmocka_unit_test(nothing_is_replaced_while_an_item_is_idle_or_coming),
        cmocka_unit_test(replacement_serves_a_caller_that_came_meanwhile),
        cmocka_unit_test(replacement_is_not_owed_once_another_item_came_instead),
        cmocka_unit_test(nothing_is_replaced_once_closed),
        cmocka_unit_test(nothing_is_replaced_while_builds_back_off),
        cmocka_unit_test(nothing_is_replaced_while_the_breaker_is_open_or_half_open),
        cmocka_unit_test(nothing_is_replaced_without_a_permit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
