/* tests/pool/test_pool_affine.c - items that keep their state for one principal (P4), and the
 * carve-out for capsules that hold host processes: one such item, never grown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_state.h"
#include "support/pool_fixture.h"

static void open_carve_out(pool_fixture *f)
{
    pool_open(
        f, (bhi_pool_options){.live_max = 1, .min_idle = 1, .waiters_max = 4, .is_affine = true});
}

static void carve_out_never_grows_and_is_never_evicted_P1(void **state)
{
    pool_fixture f;
    pool_caller callers[4];
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &callers[0], "a");
    for (int i = 1; i < 4; i++)
        pool_queue(&f, &callers[i], i == 2 ? "b" : "a", 0);
    pool_expect_refusal_of_try(&f, &callers[0], "c", BH_E_SATURATED,
                               "all instances are in use (of at most 1)");
    assert_int_equal(pool_stats(&f).live, 1);
    bhi_pool_close(f.pool);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);

    open_carve_out(&f);
    pool_end(&f, pool_lease_new(&f, &callers[0], "a"), BH_OUTCOME_RETURNED);
    assert_int_equal(bhi_pool_evict_idle(f.pool, UINT64_MAX - 1, f.now_ns), 0);
    assert_int_equal(pool_stats(&f).idle, 1);
    pool_close_freed(&f);
}

static void same_principal_gets_its_own_state_back_P4(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    for (int i = 0; i < 3; i++) {
        pool_end(&f, slot, BH_OUTCOME_RETURNED);
        assert_ptr_equal(pool_take(&f, &caller, "a", BHI_GRANT_LEASE), slot);
        assert_int_equal(pool_letter(slot), 'A');
    }
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void another_principal_restores_the_item_first_P4(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &caller, "b", BHI_GRANT_RESTORE), slot);
    assert_int_equal(pool_letter(slot), 'A'); /* to restore */
    assert_int_equal(pool_stats(&f).restoring, 1);
    assert_int_equal(pool_stats(&f).leased, 0);
    bhi_pool_restored(f.pool, slot);
    assert_int_equal(pool_stats(&f).leased, 1);
    assert_int_equal(pool_stats(&f).leases, 2);
    assert_int_equal(pool_stats(&f).builds, 1); /* a restored item is not a built one */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &caller, "b", BHI_GRANT_LEASE), slot); /* its state is b's */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &caller, "a", BHI_GRANT_RESTORE), slot); /* a's is gone */
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_close_freed(&f);
}

static void waiter_of_another_principal_is_granted_a_restore_P4(void **state)
{
    pool_fixture f;
    pool_caller first, same, other;
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    pool_queue(&f, &same, "a", 0);
    pool_queue(&f, &other, "b", 0);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&same, BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&other, BHI_GRANT_RESTORE, slot);
    bhi_pool_built(f.pool, slot, pool_next_item(&f), f.now_ns); /* it built another one */
    assert_int_equal(pool_letter(slot), 'B');
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void failed_restore_leaves_the_slot_empty_and_lends_nothing_P3_P4(void **state)
{
    pool_fixture f;
    pool_caller caller, waiting;
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &caller, "b", BHI_GRANT_RESTORE), slot);
    pool_queue(&f, &waiting, "a", 0); /* whose state it was */
    pool_fail_build(&f, slot);
    pool_expect_answer(&waiting, BHI_GRANT_BUILD, slot);
    assert_null(bhi_slot_item(slot));
    assert_int_equal(pool_stats(&f).build_failures, 1);
    assert_int_equal(pool_stats(&f).refusals[BH_E_BUILD], 1);
    bhi_pool_decline(f.pool, slot, f.now_ns);
    assert_int_equal(pool_stats(&f).live, 0);
    assert_string_equal(f.destroyed, ""); /* the restorer had it */
    pool_close_freed(&f);
}

static void condemned_item_of_a_principal_is_not_kept_for_it_P3_P4(void **state)
{
    pool_fixture f;
    pool_caller caller;
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &caller, "a");
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    assert_ptr_equal(pool_take(&f, &caller, "a", BHI_GRANT_BUILD), slot);
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_close_freed(&f);
}

static void pristine_item_is_preferred_to_restoring_another_principals_P4(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    pool_open(&f, (bhi_pool_options){.live_max = 3, .min_idle = 1, .is_affine = true});
    bhi_slot *kept = pool_lease_new(&f, &callers[0], "a");
    bhi_slot *pristine = pool_take(&f, &callers[1], "x", BHI_GRANT_BUILD);
    bhi_pool_built_idle(f.pool, pristine, pool_next_item(&f), f.now_ns);
    pool_end(&f, kept, BH_OUTCOME_RETURNED); /* the warmest, and a's */
    assert_ptr_equal(pool_take(&f, &callers[1], "b", BHI_GRANT_LEASE), pristine);
    assert_ptr_equal(pool_take(&f, &callers[2], "c", BHI_GRANT_RESTORE), kept);
    bhi_pool_decline(f.pool, kept, f.now_ns);
    pool_end(&f, pristine, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void state_left_alone_longest_is_restored_first_P4(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    bhi_slot *slots[2];
    pool_open(&f, (bhi_pool_options){.live_max = 2, .is_affine = true});
    slots[0] = pool_lease_new(&f, &callers[0], "a");
    slots[1] = pool_lease_new(&f, &callers[1], "b");
    pool_end(&f, slots[1], BH_OUTCOME_RETURNED);
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    assert_ptr_equal(pool_take(&f, &callers[2], "c", BHI_GRANT_RESTORE), slots[1]);
    bhi_pool_decline(f.pool, slots[1], f.now_ns);
    assert_ptr_equal(pool_take(&f, &callers[0], "a", BHI_GRANT_LEASE), slots[0]);
    pool_end(&f, slots[0], BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* b's record is the last one let go when b takes over a's item, and then a's is let go, too. */
static void principal_taking_over_an_item_keeps_its_own_record_P4(void **state)
{
    pool_fixture f;
    pool_caller callers[3];
    open_carve_out(&f);
    bhi_slot *slot = pool_lease_new(&f, &callers[0], "a");
    pool_expect_refusal_of_try(&f, &callers[1], "b", BH_E_SATURATED, NULL);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_take(&f, &callers[1], "b", BHI_GRANT_RESTORE);
    bhi_pool_core_check(&f.pool->core, f.now_ns);
    bhi_pool_built(f.pool, slot, bhi_slot_item(slot), f.now_ns);
    pool_queue(&f, &callers[2], "c", 0); /* another new record */
    bhi_pool_core_check(&f.pool->core, f.now_ns);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[2], BHI_GRANT_RESTORE, slot);
    bhi_pool_decline(f.pool, slot, f.now_ns);
    pool_close_freed(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carve_out_never_grows_and_is_never_evicted_P1),
        cmocka_unit_test(same_principal_gets_its_own_state_back_P4),
        cmocka_unit_test(another_principal_restores_the_item_first_P4),
        cmocka_unit_test(waiter_of_another_principal_is_granted_a_restore_P4),
        cmocka_unit_test(failed_restore_leaves_the_slot_empty_and_lends_nothing_P3_P4),
        cmocka_unit_test(condemned_item_of_a_principal_is_not_kept_for_it_P3_P4),
        cmocka_unit_test(pristine_item_is_preferred_to_restoring_another_principals_P4),
        cmocka_unit_test(state_left_alone_longest_is_restored_first_P4),
        cmocka_unit_test(principal_taking_over_an_item_keeps_its_own_record_P4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
