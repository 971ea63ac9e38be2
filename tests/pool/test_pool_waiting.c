/* tests/pool/test_pool_waiting.c - the queue: whose turn it is, its bounds, and how a wait ends. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pool/pool_state.h"
#include "support/pool_fixture.h"

enum { WAITERS = 16 };

/* ---- turns ---- */

static void ended_lease_goes_straight_to_the_oldest_waiter_of_a_principal_P5_P9(void **state)
{
    pool_fixture f;
    pool_caller first, callers[3];
    pool_open_sized(&f, 1, 0, 3);
    bhi_slot *slot = pool_lease_new(&f, &first, "caller");
    for (int i = 0; i < 3; i++) {
        pool_queue(&f, &callers[i], "caller", 0);
        callers[i].reads = f.pool;
    }
    for (uint32_t i = 0; i < 3; i++) {
        pool_end(&f, slot, BH_OUTCOME_RETURNED);
        pool_expect_answer(&callers[i], BHI_GRANT_LEASE, slot);
        assert_int_equal(callers[i].at_answer.waiting, 2 - i);
        assert_int_equal(callers[i].at_answer.idle, 0);   /* P5 */
        assert_int_equal(callers[i].at_answer.leased, 1); /* it is this caller's already */
    }
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* Ends the lease until nobody waits; writes the first letter of each principal served. */
static void serve_all(pool_fixture *f, bhi_slot *slot, pool_caller *callers, int count, char *order)
{
    bool was_served[WAITERS] = {false};
    for (int served = 0; served < count; served++) {
        pool_end(f, slot, BH_OUTCOME_RETURNED);
        for (int i = 0; i < count; i++) {
            if (was_served[i] || callers[i].answers == 0)
                continue;
            was_served[i] = true;
            *order++ = (char)callers[i].waiter.principal.data[0];
        }
    }
    *order = '\0';
}

static void waiters_are_served_in_turns_of_their_principals_P9(void **state)
{
    pool_fixture f;
    pool_caller first, callers[8];
    static const char *const asked[] = {"a", "a", "a", "a", "b", "a", "b", "c"};
    pool_open_sized(&f, 1, 0, WAITERS);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    for (int i = 0; i < 8; i++)
        pool_queue(&f, &callers[i], asked[i], 1);
    char order[9];
    serve_all(&f, slot, callers, 8, order);
    assert_string_equal(order, "abcabaaa");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void turn_is_as_many_grants_as_the_principal_weighs_P9(void **state)
{
    pool_fixture f;
    pool_caller first, callers[10];
    pool_open_sized(&f, 1, 0, WAITERS);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    for (int i = 0; i < 10; i++)
        pool_queue(&f, &callers[i], i < 5 ? "light" : "heavy", i < 5 ? 1 : 3);
    char order[11];
    serve_all(&f, slot, callers, 10, order);
    assert_string_equal(order, "lhhhlhhlll");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- caps ---- */

static void principal_at_its_cap_waits_beside_a_free_slot_P5_P9(void **state)
{
    pool_fixture f;
    pool_caller first, second, other;
    pool_open(&f, (bhi_pool_options){.live_max = 3, .waiters_max = 4, .principal_leases_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "caller");
    pool_queue(&f, &second, "caller", 0); /* although two slots are empty */
    bhi_slot *free_slot = pool_take(&f, &other, "b", BHI_GRANT_BUILD);
    bhi_pool_decline(f.pool, free_slot, f.now_ns);
    assert_int_equal(second.answers, 0); /* skipped, and still there */
    pool_end(&f, slot, BH_OUTCOME_TRAPPED);
    pool_expect_answer(&second, BHI_GRANT_BUILD, slot); /* condemned items count until destroyed */
    assert_int_equal(f.at_destroy.waiting, 1);
    pool_fail_build(&f, slot);
    pool_close_freed(&f);
}

static void slots_of_a_principal_never_exceed_its_cap_P9(void **state)
{
    pool_fixture f;
    pool_caller callers[6];
    pool_open(&f, (bhi_pool_options){.live_max = 6, .waiters_max = 8, .principal_leases_max = 2});
    bhi_slot *first = pool_lease_new(&f, &callers[0], "ada");
    bhi_slot *second = pool_take(&f, &callers[1], "ada", BHI_GRANT_BUILD); /* at the maximum */
    pool_queue(&f, &callers[2], "ada", 0);                                 /* one past it */
    pool_queue(&f, &callers[3], "ada", 0);
    bhi_pool_built_idle(f.pool, second, pool_next_item(&f), f.now_ns); /* gives it up */
    pool_expect_answer(&callers[2], BHI_GRANT_LEASE, second);
    assert_int_equal(callers[3].answers, 0);
    pool_end(&f, first, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[3], BHI_GRANT_LEASE, first);
    pool_end(&f, first, BH_OUTCOME_RETURNED);
    pool_end(&f, second, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- bounds ---- */

static void queue_is_refused_one_past_its_maximum(void **state)
{
    pool_fixture f;
    pool_caller first, callers[2], late;
    pool_open_sized(&f, 1, 0, 2);
    bhi_slot *slot = pool_lease_new(&f, &first, "caller");
    pool_queue(&f, &callers[0], "a", 0);
    pool_queue(&f, &callers[1], "b", 0); /* at the maximum */
    pool_expect_refusal(&f, &late, "c", BH_E_SATURATED,
                        "all instances are in use (of at most 1), and the queue of 2 is full");
    assert_int_equal(pool_stats(&f).refusals[BH_E_SATURATED], 1);
    assert_true(bhi_pool_cancel_wait(f.pool, &callers[0].waiter, BH_E_CANCELLED, NULL));
    pool_queue(&f, &late, "c", 0); /* there is room again */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[1], BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&late, BHI_GRANT_LEASE, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void queue_of_none_lets_nobody_wait(void **state)
{
    pool_fixture f;
    pool_caller first, late;
    pool_open_sized(&f, 1, 0, 0);
    bhi_slot *slot = pool_lease_new(&f, &first, "caller");
    pool_expect_refusal(&f, &late, "c", BH_E_SATURATED,
                        "all instances are in use (of at most 1), and the queue of 0 is full");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void principal_past_its_longest_and_weight_past_its_most_are_refused(void **state)
{
    pool_fixture f;
    pool_caller caller;
    char text[66];
    memset(text, 'p', 65);
    text[65] = '\0';
    pool_open_sized(&f, 2, 0, 1);
    pool_expect_refusal_of_try(&f, &caller, text, BH_E_ARG,
                               "expected a principal of at most 64 bytes, found 65");
    pool_expect_refusal(&f, &caller, text, BH_E_ARG, NULL);
    bhi_grant grant;
    bh_error error = {0};
    pool_caller_init(&caller, text + 1); /* at the maximum */
    caller.waiter.weight = BHI_POOL_WEIGHT_MAX + 1;
    assert_int_equal(bhi_pool_checkout(f.pool, &caller.waiter, 1, &grant, &error), BH_E_ARG);
    assert_string_equal(error.text, "expected a weight of at most 1000, found 1001");
    caller.waiter.weight = BHI_POOL_WEIGHT_MAX;
    assert_int_equal(bhi_pool_checkout(f.pool, &caller.waiter, 1, &grant, &error), BH_OK);
    bhi_pool_decline(f.pool, grant.slot, f.now_ns);
    pool_close_freed(&f);
}

/* ---- ends of a wait ---- */

static void cancelled_waiter_is_never_answered(void **state)
{
    pool_fixture f;
    pool_caller first, gone, stays;
    pool_open_sized(&f, 1, 0, 2);
    bhi_slot *slot = pool_lease_new(&f, &first, "caller");
    pool_queue(&f, &gone, "caller", 0);
    pool_queue(&f, &stays, "caller", 0);
    assert_true(bhi_pool_cancel_wait(f.pool, &gone.waiter, BH_E_CANCELLED, NULL));
    assert_false(bhi_pool_cancel_wait(f.pool, &gone.waiter, BH_E_CANCELLED, NULL));
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(gone.answers, 0);
    pool_expect_answer(&stays, BHI_GRANT_LEASE, slot);
    assert_false(bhi_pool_cancel_wait(f.pool, &stays.waiter, BH_E_CANCELLED, NULL)); /* too late */
    assert_int_equal(pool_stats(&f).refusals[BH_E_CANCELLED], 1); /* counted once */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* Beyond who holds or waits, the last one let go is remembered, and nobody else. */
static void waits_that_end_by_deadline_or_cancelling_leave_no_trace(void **state)
{
    pool_fixture f;
    pool_caller first, callers[WAITERS];
    static const char *const asked[] = {"a", "b", "c", "d"};
    pool_open_sized(&f, 1, 0, WAITERS);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    for (int i = 0; i < WAITERS; i++)
        pool_queue(&f, &callers[i], asked[i % 4], 0);
    assert_int_equal(f.pool->core.principals.count, 4);
    for (int i = 0; i < WAITERS; i++)
        assert_true(bhi_pool_cancel_wait(f.pool, &callers[i].waiter,
                                         i % 2 == 0 ? BH_E_DEADLINE : BH_E_CANCELLED, NULL));
    assert_true(f.pool->core.principals.count <= 1);
    assert_int_equal(pool_stats(&f).waiting, 0);
    assert_int_equal(pool_stats(&f).refusals[BH_E_DEADLINE], WAITERS / 2);
    assert_int_equal(pool_stats(&f).refusals[BH_E_CANCELLED], WAITERS / 2);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(pool_stats(&f).idle, 1); /* it was handed to nobody */
    pool_close_freed(&f);
}

static void principal_that_was_served_is_remembered_for_one_round_of_those_who_wait(void **state)
{
    pool_fixture f;
    pool_caller first, served, others[3];
    pool_open_sized(&f, 1, 0, WAITERS);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    for (int i = 0; i < 3; i++)
        pool_queue(&f, &others[i], "other", 0);
    pool_queue(&f, &served, "served", 0);
    for (int i = 0; i < 2; i++)
        pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(served.answers, 1);
    assert_int_equal(f.pool->core.turns.lingering_count, 1);
    assert_int_equal(f.pool->core.principals.count, 2);
    pool_end(&f, slot, BH_OUTCOME_RETURNED); /* the other one had its turn since */
    assert_int_equal(others[1].answers, 1);
    assert_int_equal(f.pool->core.turns.lingering_count, 0);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_true(f.pool->core.principals.count <= 1); /* nobody waits */
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void expect_end_of_wait(pool_fixture *f, pool_caller *caller, const char *text)
{
    bh_error error = {0};
    assert_true(bhi_pool_cancel_wait(f->pool, &caller->waiter, BH_E_DEADLINE, &error));
    assert_int_equal(error.code, BH_E_DEADLINE);
    assert_string_equal(error.text, text);
}

static void end_of_a_wait_says_what_was_waited_for(void **state)
{
    pool_fixture f;
    pool_caller first, caller;
    bhi_ceiling ceiling;
    bhi_ceiling_init(&ceiling, 1);
    pool_open(&f,
              (bhi_pool_options){
                  .live_max = 2, .waiters_max = 2, .ceiling = &ceiling, .principal_leases_max = 1});
    bhi_slot *slot = pool_lease_new(&f, &first, "a");
    pool_queue(&f, &caller, "a", 0);
    expect_end_of_wait(&f, &caller,
                       "the deadline passed while waiting for an instance: the "
                       "principal held all 1 that it may");
    pool_queue(&f, &caller, "b", 0);
    expect_end_of_wait(&f, &caller,
                       "the deadline passed while waiting for an instance: the "
                       "ceiling over all pools was reached");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
    pool_open_sized(&f, 1, 0, 2);
    slot = pool_lease_new(&f, &first, "a");
    pool_queue(&f, &caller, "b", 0);
    expect_end_of_wait(&f, &caller,
                       "the deadline passed while waiting for an instance: all 1 were "
                       "in use");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

/* ---- blocking ---- */

typedef struct blocked {
    pool_fixture *f;
    pthread_t thread;
    pool_caller caller;
    uint64_t deadline_ns;
    bh_status status;
    bhi_grant grant;
    bh_error error;
} blocked;

static void *block(void *arg)
{
    blocked *b = arg;
    pool_caller_init(&b->caller, "blocked");
    b->status = bhi_pool_checkout_blocking(b->f->pool, &b->caller.waiter, bhi_monotonic_ns(),
                                           b->deadline_ns, &b->grant, &b->error);
    return NULL;
}

/* Returns once it waits. */
static void start_blocked(blocked *b, pool_fixture *f, uint64_t deadline_ns)
{
    *b = (blocked){.f = f, .deadline_ns = deadline_ns};
    assert_int_equal(pthread_create(&b->thread, NULL, block, b), 0);
    while (pool_stats(f).waiting == 0)
        sched_yield();
}

static void blocked_caller_is_granted_what_another_thread_returns(void **state)
{
    pool_fixture f;
    pool_caller first;
    blocked b;
    pool_open_sized(&f, 1, 0, 1);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    start_blocked(&b, &f, BHI_DEADLINE_NEVER);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pthread_join(b.thread, NULL);
    assert_int_equal(b.status, BH_OK);
    assert_int_equal(b.grant.kind, BHI_GRANT_LEASE);
    assert_ptr_equal(b.grant.slot, slot);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

static void blocked_caller_gets_what_is_free_without_waiting(void **state)
{
    pool_fixture f;
    pool_open_sized(&f, 1, 0, 0);
    blocked b = {.f = &f, .deadline_ns = 0};
    block(&b);
    assert_int_equal(b.status, BH_OK);
    assert_int_equal(b.grant.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(f.pool, b.grant.slot, f.now_ns);
    pool_close_freed(&f);
}

static void blocked_caller_ends_at_its_deadline_and_leaves_no_trace(void **state)
{
    pool_fixture f;
    pool_caller first;
    pool_open_sized(&f, 1, 0, 1);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    blocked b = {.f = &f, .deadline_ns = bhi_monotonic_ns() + 2 * POOL_MS};
    block(&b);
    assert_true(bhi_monotonic_ns() >= b.deadline_ns);
    assert_int_equal(b.status, BH_E_DEADLINE);
    assert_string_equal(b.error.text, "the deadline passed while waiting for an instance: all 1 "
                                      "were in use");
    assert_int_equal(pool_stats(&f).waiting, 0);
    assert_int_equal(pool_stats(&f).refusals[BH_E_DEADLINE], 1);
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(pool_stats(&f).idle, 1);
    pool_close_freed(&f);
}

static void blocked_caller_is_told_that_the_pool_closed_P8(void **state)
{
    pool_fixture f;
    pool_caller first;
    blocked b;
    pool_open_sized(&f, 1, 0, 1);
    bhi_slot *slot = pool_lease_new(&f, &first, "first");
    start_blocked(&b, &f, BHI_DEADLINE_NEVER);
    bhi_pool_close(f.pool);
    pthread_join(b.thread, NULL);
    assert_int_equal(b.status, BH_E_CLOSED);
    assert_string_equal(b.error.text, "the pool was closed while the caller waited");
    pool_end(&f, slot, BH_OUTCOME_RETURNED);
    pool_close_freed(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ended_lease_goes_straight_to_the_oldest_waiter_of_a_principal_P5_P9),
        cmocka_unit_test(waiters_are_served_in_turns_of_their_principals_P9),
        cmocka_unit_test(turn_is_as_many_grants_as_the_principal_weighs_P9),
        cmocka_unit_test(principal_at_its_cap_waits_beside_a_free_slot_P5_P9),
        cmocka_unit_test(slots_of_a_principal_never_exceed_its_cap_P9),
        cmocka_unit_test(queue_is_refused_one_past_its_maximum),
        cmocka_unit_test(queue_of_none_lets_nobody_wait),
        cmocka_unit_test(principal_past_its_longest_and_weight_past_its_most_are_refused),
        cmocka_unit_test(cancelled_waiter_is_never_answered),
        cmocka_unit_test(waits_that_end_by_deadline_or_cancelling_leave_no_trace),
        cmocka_unit_test(principal_that_was_served_is_remembered_for_one_round_of_those_who_wait),
        cmocka_unit_test(end_of_a_wait_says_what_was_waited_for),
        cmocka_unit_test(blocked_caller_is_granted_what_another_thread_returns),
        cmocka_unit_test(blocked_caller_gets_what_is_free_without_waiting),
        cmocka_unit_test(blocked_caller_ends_at_its_deadline_and_leaves_no_trace),
        cmocka_unit_test(blocked_caller_is_told_that_the_pool_closed_P8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
