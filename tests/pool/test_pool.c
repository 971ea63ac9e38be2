/* tests/pool/test_pool.c - the pool as its callers see it: grants, queue, close, threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"
#include "worker/failing_calloc.h"

enum { ITEMS = 8 };

typedef struct fixture {
    bhi_pool *pool;
    char items[ITEMS]; /* an item is the address of one */
    char destroyed[ITEMS + 1];
    int destroyed_count;
    int freed_count;
    bhi_pool_stats at_destroy;
} fixture;

typedef struct test_waiter {
    bhi_waiter waiter; /* first */
    int answers;
    bh_status status;
    bhi_grant grant;
    bhi_pool *reads; /* the callback reads its stats when not NULL */
    uint32_t waiting;
} test_waiter;

static void destroy_item_cb(void *arg, void *item)
{
    fixture *f = arg;
    f->destroyed[f->destroyed_count++] = (char)('0' + ((char *)item - f->items));
    bhi_pool_read_stats(f->pool, &f->at_destroy); /* would deadlock if the lock were held: P6 */
}

static void freed_cb(void *arg)
{
    ((fixture *)arg)->freed_count++;
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    test_waiter *self = (test_waiter *)waiter;
    self->answers++;
    self->status = status;
    self->grant = grant;
    if (self->reads != NULL) {
        bhi_pool_stats stats;
        bhi_pool_read_stats(self->reads, &stats); /* no lock is held here either */
        self->waiting = stats.waiting;
    }
}

static test_waiter new_waiter(void)
{
    return (test_waiter){.waiter.granted_cb = granted_cb, .status = BH_STATUS_COUNT};
}

static void open_pool_of(fixture *f, bhi_pool_options options)
{
    *f = (fixture){0};
    options.destroy_cb = destroy_item_cb;
    options.freed_cb = freed_cb;
    options.arg = f;
    assert_int_equal(bhi_pool_create(&options, &f->pool, NULL), BH_OK);
}

static void open_pool(fixture *f, uint32_t live_max, uint32_t min_idle, uint32_t waiters_max)
{
    open_pool_of(f, (bhi_pool_options){
                        .live_max = live_max, .min_idle = min_idle, .waiters_max = waiters_max});
}

static bhi_pool_stats stats_of(fixture *f)
{
    bhi_pool_stats stats;
    bhi_pool_read_stats(f->pool, &stats);
    return stats;
}

static void close_pool(fixture *f)
{
    bhi_pool_release(f->pool);
    assert_int_equal(f->freed_count, 1);
}

static bhi_slot *check_out(fixture *f, bhi_grant_kind kind)
{
    bhi_grant grant;
    bh_error error = {0};
    if (bhi_pool_try_checkout(f->pool, bhi_bytes_of("caller"), &grant, &error) != BH_OK)
        fail_msg("refused: %s", error.text);
    assert_int_equal(grant.kind, kind);
    assert_non_null(grant.slot);
    return grant.slot;
}

/* A lease of a new item. */
static bhi_slot *lease_new(fixture *f, int item)
{
    bhi_slot *slot = check_out(f, BHI_GRANT_BUILD);
    bhi_pool_built(f->pool, slot, &f->items[item]);
    return slot;
}

static void queue_up_as(fixture *f, const char *principal, uint32_t weight, test_waiter *waiter)
{
    bhi_grant grant;
    *waiter = new_waiter();
    waiter->waiter.principal = bhi_bytes_of(principal);
    waiter->waiter.weight = weight;
    bhi_link_init(&waiter->waiter.link);
    assert_int_equal(bhi_pool_checkout(f->pool, &waiter->waiter, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
    assert_null(grant.slot);
}

static void queue_up(fixture *f, test_waiter *waiter)
{
    queue_up_as(f, "caller", 0, waiter);
}

static void assert_answer(const test_waiter *waiter, bhi_grant_kind kind, const bhi_slot *slot)
{
    assert_int_equal(waiter->answers, 1);
    assert_int_equal(waiter->status, BH_OK);
    assert_int_equal(waiter->grant.kind, kind);
    assert_ptr_equal(waiter->grant.slot, slot);
}

/* ---- growth and reuse ---- */

static void pool_grows_on_demand_to_its_maximum_P1(void **state)
{
    fixture f;
    open_pool(&f, 2, 0, 4);
    assert_int_equal(stats_of(&f).live, 0);
    bhi_slot *first = lease_new(&f, 0);
    bhi_slot *second = check_out(&f, BHI_GRANT_BUILD);
    assert_ptr_not_equal(first, second);
    assert_int_equal(stats_of(&f).building, 1);
    test_waiter third;
    queue_up(&f, &third);
    assert_int_equal(stats_of(&f).live, 2);
    assert_int_equal(stats_of(&f).waiting, 1);
    bhi_pool_built(f.pool, second, &f.items[1]);
    assert_int_equal(third.answers, 0); /* the item belongs to who built it */
    bhi_pool_return(f.pool, first, false);
    assert_answer(&third, BHI_GRANT_LEASE, first);
    assert_ptr_equal(bhi_slot_item(first), &f.items[0]);
    bhi_pool_return(f.pool, first, false);
    bhi_pool_return(f.pool, second, false);
    close_pool(&f);
}

static void most_recently_returned_item_is_lent_first(void **state)
{
    fixture f;
    open_pool(&f, 3, 0, 0);
    bhi_slot *slots[3];
    for (int i = 0; i < 3; i++)
        slots[i] = lease_new(&f, i);
    bhi_pool_return(f.pool, slots[1], false);
    bhi_pool_return(f.pool, slots[2], false);
    bhi_pool_return(f.pool, slots[0], false);
    assert_ptr_equal(check_out(&f, BHI_GRANT_LEASE), slots[0]);
    assert_ptr_equal(check_out(&f, BHI_GRANT_LEASE), slots[2]);
    assert_ptr_equal(check_out(&f, BHI_GRANT_LEASE), slots[1]);
    assert_int_equal(stats_of(&f).checkouts, 6);
    assert_int_equal(stats_of(&f).builds, 3);
    for (int i = 0; i < 3; i++)
        bhi_pool_return(f.pool, slots[i], false);
    close_pool(&f);
}

static void idle_item_is_preferred_to_a_build(void **state)
{
    fixture f;
    open_pool(&f, 4, 0, 0);
    bhi_slot *slot = lease_new(&f, 0);
    bhi_pool_return(f.pool, slot, false);
    assert_ptr_equal(check_out(&f, BHI_GRANT_LEASE), slot);
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void warm_start_reserves_min_idle_and_no_more(void **state)
{
    fixture f;
    open_pool(&f, 3, 2, 0);
    bhi_slot *first = bhi_pool_reserve_warm(f.pool);
    bhi_slot *second = bhi_pool_reserve_warm(f.pool);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(bhi_pool_reserve_warm(f.pool));
    bhi_pool_built_idle(f.pool, first, &f.items[0]);
    bhi_pool_build_failed(f.pool, second);
    assert_int_equal(stats_of(&f).idle, 1);
    assert_int_equal(stats_of(&f).build_failures, 1);
    second = bhi_pool_reserve_warm(f.pool); /* the failed one may be tried again */
    bhi_pool_built_idle(f.pool, second, &f.items[1]);
    assert_int_equal(stats_of(&f).idle, 2);
    close_pool(&f);
    assert_int_equal(f.destroyed_count, 2);
}

static void warm_item_serves_a_caller_that_queued_meanwhile(void **state)
{
    fixture f;
    open_pool(&f, 1, 1, 1);
    bhi_slot *slot = bhi_pool_reserve_warm(f.pool);
    test_waiter waiter;
    queue_up(&f, &waiter);
    bhi_pool_built_idle(f.pool, slot, &f.items[0]);
    assert_answer(&waiter, BHI_GRANT_LEASE, slot);
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

/* ---- the queue ---- */

static void ended_lease_goes_to_the_oldest_waiter_of_a_principal(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 3);
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter waiters[3];
    for (int i = 0; i < 3; i++)
        queue_up(&f, &waiters[i]);
    waiters[0].reads = f.pool;
    for (int i = 0; i < 3; i++) {
        bhi_pool_return(f.pool, slot, false);
        assert_answer(&waiters[i], BHI_GRANT_LEASE, slot);
        assert_int_equal(stats_of(&f).waiting, 2 - i);
        assert_int_equal(stats_of(&f).idle, 0); /* P5 */
    }
    assert_int_equal(waiters[0].waiting, 2);
    bhi_pool_return(f.pool, slot, false);
    assert_int_equal(f.destroyed_count, 0);
    close_pool(&f);
}

static void queue_is_refused_one_past_its_maximum(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 2);
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter waiters[2], refused = new_waiter();
    queue_up(&f, &waiters[0]);
    queue_up(&f, &waiters[1]); /* at the maximum */
    bhi_grant grant = {BHI_GRANT_LEASE, slot};
    bh_error error = {0};
    assert_int_equal(bhi_pool_checkout(f.pool, &refused.waiter, &grant, &error), BH_E_SATURATED);
    assert_string_equal(error.text, "all 1 instances are in use and the queue of 2 is full");
    assert_ptr_equal(grant.slot, slot); /* untouched */
    assert_int_equal(stats_of(&f).saturated, 1);
    assert_true(bhi_pool_cancel_wait(f.pool, &waiters[0].waiter, BH_E_CANCELLED));
    queue_up(&f, &refused); /* there is room again */
    bhi_pool_return(f.pool, slot, false);
    assert_answer(&waiters[1], BHI_GRANT_LEASE, slot);
    bhi_pool_return(f.pool, slot, false);
    assert_answer(&refused, BHI_GRANT_LEASE, slot);
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void caller_who_will_not_wait_is_refused_at_once(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 2);
    bhi_slot *slot = check_out(&f, BHI_GRANT_BUILD);
    bhi_grant grant;
    bh_error error = {0};
    bh_status status = bhi_pool_try_checkout(f.pool, bhi_bytes_of("ada"), &grant, &error);
    assert_int_equal(status, BH_E_SATURATED);
    assert_string_equal(error.text, "all 1 instances are in use");
    bhi_pool_build_failed(f.pool, slot);
    close_pool(&f);
}

static void cancelled_waiter_is_never_answered(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 2);
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter gone, stays;
    queue_up(&f, &gone);
    queue_up(&f, &stays);
    assert_true(bhi_pool_cancel_wait(f.pool, &gone.waiter, BH_E_CANCELLED));
    assert_false(bhi_pool_cancel_wait(f.pool, &gone.waiter, BH_E_CANCELLED));
    bhi_pool_return(f.pool, slot, false);
    assert_int_equal(gone.answers, 0);
    assert_answer(&stays, BHI_GRANT_LEASE, slot);
    assert_false(bhi_pool_cancel_wait(f.pool, &stays.waiter, BH_E_CANCELLED)); /* too late */
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void failed_build_lets_the_next_waiter_build(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 2);
    bhi_slot *slot = check_out(&f, BHI_GRANT_BUILD);
    test_waiter first, second;
    queue_up(&f, &first);
    queue_up(&f, &second);
    bhi_pool_build_failed(f.pool, slot);
    assert_answer(&first, BHI_GRANT_BUILD, slot);
    assert_int_equal(second.answers, 0);
    bhi_pool_decline(f.pool, slot); /* gives up instead of building */
    assert_answer(&second, BHI_GRANT_BUILD, slot);
    bhi_pool_built(f.pool, slot, &f.items[0]);
    bhi_pool_return(f.pool, slot, false);
    assert_int_equal(stats_of(&f).build_failures, 1);
    assert_int_equal(stats_of(&f).builds, 1);
    close_pool(&f);
}

static void causes_of_failure_are_told_and_counted_apart(void **state)
{
    fixture f;
    open_pool_of(&f,
                 (bhi_pool_options){.live_max = 2, .waiters_max = 3, .principal_leases_max = 1});
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter late, bored, closed;
    queue_up(&f, &late);
    queue_up(&f, &bored);
    queue_up(&f, &closed);
    bhi_waiter refused = {.principal = bhi_bytes_of("caller"), .granted_cb = granted_cb};
    bhi_grant grant;
    bh_error error = {0};
    assert_int_equal(bhi_pool_checkout(f.pool, &refused, &grant, &error), BH_E_SATURATED);
    assert_string_equal(error.text, "principal caller holds all 1 instances that it may, and the "
                                    "queue of 3 is full");
    assert_int_equal(bhi_pool_try_checkout(f.pool, refused.principal, &grant, NULL), BH_E_LIMIT);
    assert_true(bhi_pool_cancel_wait(f.pool, &late.waiter, BH_E_DEADLINE));
    assert_false(bhi_pool_cancel_wait(f.pool, &late.waiter, BH_E_DEADLINE)); /* counted once */
    assert_true(bhi_pool_cancel_wait(f.pool, &bored.waiter, BH_E_CANCELLED));
    assert_int_equal(bhi_pool_try_checkout(f.pool, bhi_bytes_of("b"), &grant, NULL), BH_OK);
    bhi_pool_build_failed(f.pool, grant.slot);
    bhi_pool_close(f.pool); /* answers one */
    assert_int_equal(bhi_pool_try_checkout(f.pool, refused.principal, &grant, NULL), BH_E_CLOSED);
    bhi_pool_stats stats = stats_of(&f);
    assert_int_equal(stats.saturated, 1);
    assert_int_equal(stats.over_cap, 1);
    assert_int_equal(stats.deadline, 1);
    assert_int_equal(stats.cancelled, 1);
    assert_int_equal(stats.build_failures, 1);
    assert_int_equal(stats.closed, 2);
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

/* ---- principals ---- */

/* Ends the lease until nobody waits; writes the first letter of each principal served. */
static void serve_all(fixture *f, bhi_slot *slot, test_waiter *waiters, int count, char *order)
{
    bool was_served[16] = {false};
    for (int served = 0; served < count; served++) {
        bhi_pool_return(f->pool, slot, false);
        for (int i = 0; i < count; i++) {
            if (was_served[i] || waiters[i].answers == 0)
                continue;
            was_served[i] = true;
            *order++ = (char)waiters[i].waiter.principal.data[0];
        }
    }
    *order = '\0';
}

static void waiters_are_served_in_turns_of_their_principals_P9(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 16);
    bhi_slot *slot = lease_new(&f, 0);
    static const char *const asked[] = {"a", "a", "a", "a", "b", "a", "b", "c"};
    test_waiter waiters[8];
    for (int i = 0; i < 8; i++)
        queue_up_as(&f, asked[i], 1, &waiters[i]);
    char order[9];
    serve_all(&f, slot, waiters, 8, order);
    assert_string_equal(order, "abcabaaa");
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void turn_is_as_many_grants_as_the_principal_weighs_P9(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 16);
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter waiters[10];
    for (int i = 0; i < 10; i++)
        queue_up_as(&f, i < 5 ? "light" : "heavy", i < 5 ? 1 : 3, &waiters[i]);
    char order[11];
    serve_all(&f, slot, waiters, 10, order);
    assert_string_equal(order, "lhhhlhhlll");
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void principal_at_its_cap_waits_beside_a_free_slot_P5_P9(void **state)
{
    fixture f;
    open_pool_of(&f,
                 (bhi_pool_options){.live_max = 3, .waiters_max = 4, .principal_leases_max = 1});
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter second;
    queue_up(&f, &second); /* although two slots are empty */
    bhi_grant grant;
    bh_error error = {0};
    bh_status status = bhi_pool_try_checkout(f.pool, bhi_bytes_of("caller"), &grant, &error);
    assert_int_equal(status, BH_E_LIMIT);
    assert_string_equal(error.text, "principal caller holds all 1 instances that it may");
    assert_int_equal(bhi_pool_try_checkout(f.pool, bhi_bytes_of("b"), &grant, NULL), BH_OK);
    bhi_pool_decline(f.pool, grant.slot);
    assert_int_equal(second.answers, 0); /* skipped, and still there */
    bhi_pool_return(f.pool, slot, true);
    assert_answer(&second, BHI_GRANT_BUILD, slot); /* condemned items count until destroyed */
    assert_int_equal(f.at_destroy.waiting, 1);
    bhi_pool_build_failed(f.pool, slot);
    close_pool(&f);
}

static void close_answers_who_waits_at_its_cap_P8(void **state)
{
    fixture f;
    open_pool_of(&f,
                 (bhi_pool_options){.live_max = 2, .waiters_max = 4, .principal_leases_max = 1});
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter waiter;
    queue_up(&f, &waiter);
    bhi_pool_close(f.pool);
    assert_int_equal(waiter.answers, 1);
    assert_int_equal(waiter.status, BH_E_CLOSED);
    bhi_pool_return(f.pool, slot, false);
    close_pool(&f);
}

static void principal_past_its_longest_and_weight_past_its_most_are_refused(void **state)
{
    fixture f;
    open_pool(&f, 2, 0, 1);
    char text[66];
    memset(text, 'p', 65);
    text[65] = '\0';
    bhi_grant grant;
    bh_error error = {0};
    bh_status status = bhi_pool_try_checkout(f.pool, bhi_bytes_of(text), &grant, &error);
    assert_int_equal(status, BH_E_ARG);
    assert_string_equal(error.text, "expected a principal of at most 64 bytes, found 65");
    test_waiter waiter = new_waiter();
    waiter.waiter.principal = bhi_bytes_of(text + 1); /* at the maximum */
    waiter.waiter.weight = BHI_POOL_WEIGHT_MAX + 1;
    status = bhi_pool_checkout(f.pool, &waiter.waiter, &grant, &error);
    assert_int_equal(status, BH_E_ARG);
    assert_string_equal(error.text, "expected a weight of at most 1000, found 1001");
    waiter.waiter.weight = BHI_POOL_WEIGHT_MAX;
    assert_int_equal(bhi_pool_checkout(f.pool, &waiter.waiter, &grant, &error), BH_OK);
    bhi_pool_decline(f.pool, grant.slot);
    close_pool(&f);
}

/* ---- condemned ---- */

static void condemned_item_is_destroyed_outside_the_lock_and_never_lent_P3_P6(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 1);
    bhi_slot *slot = lease_new(&f, 0);
    test_waiter waiter;
    queue_up(&f, &waiter);
    bhi_pool_return(f.pool, slot, true);
    assert_string_equal(f.destroyed, "0");
    assert_int_equal(f.at_destroy.live, 1); /* P1: live until destroyed, so nobody builds yet */
    assert_int_equal(f.at_destroy.waiting, 1);
    assert_int_equal(f.at_destroy.leased, 0);
    assert_answer(&waiter, BHI_GRANT_BUILD, slot);
    bhi_pool_built(f.pool, slot, &f.items[1]);
    assert_ptr_equal(bhi_slot_item(slot), &f.items[1]);
    bhi_pool_return(f.pool, slot, false);
    assert_int_equal(stats_of(&f).condemned, 1);
    close_pool(&f);
    assert_string_equal(f.destroyed, "01");
}

static void condemned_item_without_waiters_leaves_an_empty_slot(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 1);
    bhi_pool_return(f.pool, lease_new(&f, 0), true);
    assert_int_equal(stats_of(&f).live, 0);
    bhi_pool_return(f.pool, lease_new(&f, 1), true);
    assert_string_equal(f.destroyed, "01");
    close_pool(&f);
}

/* ---- the end ---- */

static void close_answers_waiters_and_destroys_idle_items_P8(void **state)
{
    fixture f;
    open_pool(&f, 3, 0, 2);
    bhi_slot *leased = lease_new(&f, 0), *idle = lease_new(&f, 1);
    bhi_slot *building = check_out(&f, BHI_GRANT_BUILD);
    test_waiter waiters[2];
    queue_up(&f, &waiters[0]);
    queue_up(&f, &waiters[1]);
    waiters[1].reads = f.pool;
    assert_true(bhi_pool_cancel_wait(f.pool, &waiters[0].waiter, BH_E_CANCELLED));
    bhi_pool_close(f.pool);
    assert_int_equal(waiters[0].answers, 0);
    assert_int_equal(waiters[1].answers, 1);
    assert_int_equal(waiters[1].status, BH_E_CLOSED);
    assert_null(waiters[1].grant.slot);
    bhi_grant grant;
    bh_error error = {0};
    assert_int_equal(bhi_pool_checkout(f.pool, &waiters[0].waiter, &grant, &error), BH_E_CLOSED);
    assert_string_equal(error.text, "the pool is closed");
    assert_null(bhi_pool_reserve_warm(f.pool));
    bhi_pool_close(f.pool); /* idempotent */
    assert_int_equal(waiters[1].answers, 1);
    bhi_pool_return(f.pool, idle, false);
    assert_string_equal(f.destroyed, "1"); /* nothing becomes idle any more */
    bhi_pool_built_idle(f.pool, building, &f.items[2]);
    bhi_pool_return(f.pool, leased, true);
    assert_string_equal(f.destroyed, "120");
    assert_int_equal(stats_of(&f).live, 0);
    assert_int_equal(f.freed_count, 0);
    close_pool(&f);
}

static void close_destroys_every_idle_item(void **state)
{
    fixture f;
    open_pool(&f, 4, 4, 0);
    bhi_slot *slots[4];
    for (int i = 0; i < 4; i++)
        slots[i] = bhi_pool_reserve_warm(f.pool);
    for (int i = 0; i < 4; i++)
        bhi_pool_built_idle(f.pool, slots[i], &f.items[i]);
    bhi_pool_close(f.pool);
    assert_string_equal(f.destroyed, "3210");
    close_pool(&f);
}

static void last_lease_to_end_frees_the_pool_P8(void **state)
{
    fixture f;
    open_pool(&f, 3, 0, 0);
    bhi_slot *first = lease_new(&f, 0), *second = lease_new(&f, 1);
    bhi_slot *building = check_out(&f, BHI_GRANT_BUILD);
    bhi_pool_retain(f.pool);
    bhi_pool_release(f.pool);
    bhi_pool_return(f.pool, first, false);
    assert_int_equal(f.destroyed_count, 0); /* a reference is left: not closed */
    bhi_pool_release(f.pool);
    assert_string_equal(f.destroyed, "0"); /* the last release closed it */
    bhi_pool_built(f.pool, building, &f.items[2]);
    bhi_pool_return(f.pool, building, false);
    assert_int_equal(f.freed_count, 0);
    bhi_pool_return(f.pool, second, false);
    assert_int_equal(f.freed_count, 1);
    assert_string_equal(f.destroyed, "021");
}

static void failed_build_may_be_what_frees_the_pool(void **state)
{
    fixture f;
    open_pool(&f, 1, 0, 0);
    bhi_slot *slot = check_out(&f, BHI_GRANT_BUILD);
    bhi_pool_release(f.pool);
    assert_int_equal(f.freed_count, 0);
    bhi_pool_build_failed(f.pool, slot);
    assert_int_equal(f.freed_count, 1);
}

/* ---- refused options ---- */

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
    refuse_options((bhi_pool_options){.destroy_cb = destroy_item_cb},
                   "expected live_max from 1 to 65536, found 0");
    refuse_options((bhi_pool_options){.live_max = 65537, .destroy_cb = destroy_item_cb},
                   "expected live_max from 1 to 65536, found 65537");
    refuse_options((bhi_pool_options){.live_max = 2, .min_idle = 3, .destroy_cb = destroy_item_cb},
                   "expected min_idle of at most live_max (2), found 3");
    refuse_options((bhi_pool_options){.live_max = 1,
                                      .waiters_max = (1 << 20) + 1,
                                      .destroy_cb = destroy_item_cb},
                   "expected waiters_max of at most 1048576, found 1048577");
    refuse_options((bhi_pool_options){.live_max = 1}, "expected a destroy_cb, found NULL");
}

static void pool_without_memory_is_refused(void **state)
{
    if (!CAN_FAIL_CALLOC)
        skip();
    bhi_pool_options options = {.live_max = 1, .destroy_cb = destroy_item_cb};
    bhi_pool *pool = NULL;
    bh_error error = {0};
    callocs_left = 0;
    bh_status status = bhi_pool_create(&options, &pool, &error);
    callocs_left = -1;
    assert_int_equal(status, BH_E_NOMEM);
    assert_int_equal(error.code, BH_E_NOMEM);
    assert_null(pool);
}

/* ---- threads ---- */

enum { THREADS = 8, LEASES_EACH = 25000, STRESS_LIVE_MAX = 3 };

typedef struct stress_item {
    atomic_int users; /* P2, P3: exclusive, and not destroyed meanwhile */
} stress_item;

typedef struct stress {
    bhi_pool *pool;
    atomic_int live;
    atomic_int freed;
    atomic_int wrong; /* threads may not assert: cmocka fails the main thread only */
    atomic_int leases, waits, cancels;
    atomic_int started;
} stress;

typedef struct stress_waiter {
    bhi_waiter waiter; /* first */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    bh_status status;
    bhi_grant grant;
} stress_waiter;

static void expect(stress *s, bool is_right)
{
    if (!is_right)
        atomic_fetch_add(&s->wrong, 1);
}

static void stress_destroy_cb(void *arg, void *item)
{
    stress *s = arg;
    stress_item *destroyed = item;
    expect(s, atomic_load(&destroyed->users) == 0);
    atomic_fetch_sub(&s->live, 1);
    free(destroyed);
}

static void stress_freed_cb(void *arg)
{
    atomic_fetch_add(&((stress *)arg)->freed, 1);
}

static void stress_granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    stress_waiter *self = (stress_waiter *)waiter;
    pthread_mutex_lock(&self->lock);
    self->is_answered = true;
    self->status = status;
    self->grant = grant;
    pthread_cond_signal(&self->answered);
    pthread_mutex_unlock(&self->lock);
}

static void wait_for_answer(stress_waiter *self, bhi_grant *ret_grant)
{
    pthread_mutex_lock(&self->lock);
    while (!self->is_answered)
        pthread_cond_wait(&self->answered, &self->lock);
    self->is_answered = false;
    *ret_grant = self->grant;
    pthread_mutex_unlock(&self->lock);
}

/* False when the wait was cancelled. */
static bool get_grant(stress *s, stress_waiter *self, bool will_cancel, bhi_grant *ret_grant)
{
    if (bhi_pool_checkout(s->pool, &self->waiter, ret_grant, NULL) != BH_OK) {
        expect(s, false);
        return false;
    }
    if (ret_grant->kind != BHI_GRANT_QUEUED)
        return true;
    atomic_fetch_add(&s->waits, 1);
    if (will_cancel && bhi_pool_cancel_wait(s->pool, &self->waiter, BH_E_CANCELLED)) {
        atomic_fetch_add(&s->cancels, 1);
        return false;
    }
    wait_for_answer(self, ret_grant);
    expect(s, self->status == BH_OK);
    return true;
}

/* False when the build "failed". */
static bool build(stress *s, bhi_slot *slot, bool will_fail)
{
    if (will_fail) {
        bhi_pool_build_failed(s->pool, slot);
        return false;
    }
    expect(s, atomic_fetch_add(&s->live, 1) < STRESS_LIVE_MAX); /* P1 */
    bhi_pool_built(s->pool, slot, calloc(1, sizeof(stress_item)));
    return true;
}

static void *lease_many(void *arg)
{
    stress *s = arg;
    stress_waiter self = {.waiter.granted_cb = stress_granted_cb,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .answered = PTHREAD_COND_INITIALIZER};
    bhi_link_init(&self.waiter.link);
    self.waiter.principal = bhi_bytes_of(atomic_fetch_add(&s->started, 1) % 2 ? "odd" : "even");
    for (int i = 0; i < LEASES_EACH; i++) {
        bhi_grant grant;
        if (!get_grant(s, &self, i % 13 == 0, &grant))
            continue;
        if (grant.kind == BHI_GRANT_BUILD && !build(s, grant.slot, i % 7 == 0))
            continue;
        stress_item *item = bhi_slot_item(grant.slot);
        expect(s, atomic_fetch_add(&item->users, 1) == 0);
        atomic_fetch_add(&s->leases, 1);
        expect(s, atomic_fetch_sub(&item->users, 1) == 1);
        bhi_pool_return(s->pool, grant.slot, i % 5 == 0);
    }
    bhi_pool_release(s->pool);
    return NULL;
}

static void leases_of_many_threads_are_exclusive_and_all_end(void **state)
{
    stress s = {0};
    bhi_pool_options options = {.live_max = STRESS_LIVE_MAX,
                                .waiters_max = THREADS,
                                .principal_leases_max = STRESS_LIVE_MAX - 1,
                                .destroy_cb = stress_destroy_cb,
                                .freed_cb = stress_freed_cb,
                                .arg = &s};
    assert_int_equal(bhi_pool_create(&options, &s.pool, NULL), BH_OK);
    pthread_t threads[THREADS];
    for (int i = 1; i < THREADS; i++)
        bhi_pool_retain(s.pool); /* each thread releases one */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lease_many, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&s.wrong), 0);
    assert_int_equal(atomic_load(&s.freed), 1);
    assert_int_equal(atomic_load(&s.live), 0);
    assert_true(atomic_load(&s.leases) > THREADS * LEASES_EACH / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_grows_on_demand_to_its_maximum_P1),
        cmocka_unit_test(most_recently_returned_item_is_lent_first),
        cmocka_unit_test(idle_item_is_preferred_to_a_build),
        cmocka_unit_test(warm_start_reserves_min_idle_and_no_more),
        cmocka_unit_test(warm_item_serves_a_caller_that_queued_meanwhile),
        cmocka_unit_test(ended_lease_goes_to_the_oldest_waiter_of_a_principal),
        cmocka_unit_test(queue_is_refused_one_past_its_maximum),
        cmocka_unit_test(caller_who_will_not_wait_is_refused_at_once),
        cmocka_unit_test(cancelled_waiter_is_never_answered),
        cmocka_unit_test(failed_build_lets_the_next_waiter_build),
        cmocka_unit_test(causes_of_failure_are_told_and_counted_apart),
        cmocka_unit_test(waiters_are_served_in_turns_of_their_principals_P9),
        cmocka_unit_test(turn_is_as_many_grants_as_the_principal_weighs_P9),
        cmocka_unit_test(principal_at_its_cap_waits_beside_a_free_slot_P5_P9),
        cmocka_unit_test(close_answers_who_waits_at_its_cap_P8),
        cmocka_unit_test(principal_past_its_longest_and_weight_past_its_most_are_refused),
        cmocka_unit_test(condemned_item_is_destroyed_outside_the_lock_and_never_lent_P3_P6),
        cmocka_unit_test(condemned_item_without_waiters_leaves_an_empty_slot),
        cmocka_unit_test(close_answers_waiters_and_destroys_idle_items_P8),
        cmocka_unit_test(close_destroys_every_idle_item),
        cmocka_unit_test(last_lease_to_end_frees_the_pool_P8),
        cmocka_unit_test(failed_build_may_be_what_frees_the_pool),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(pool_without_memory_is_refused),
        cmocka_unit_test(leases_of_many_threads_are_exclusive_and_all_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
