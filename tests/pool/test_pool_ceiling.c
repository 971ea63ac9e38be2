/* tests/pool/test_pool_ceiling.c - pools that share one ceiling: permits, who is starved of them,
 * and that no wake-up is lost. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_state.h"
#include "support/pool_fixture.h"

typedef struct pair {
    bhi_ceiling ceiling;
    pool_fixture a, b;
} pair;

static void open_pair(pair *p, uint32_t permits, uint32_t live_max)
{
    bhi_ceiling_init(&p->ceiling, permits);
    bhi_pool_options options = {
        .live_max = live_max, .min_idle = 1, .waiters_max = 8, .ceiling = &p->ceiling};
    pool_open(&p->a, options);
    pool_open(&p->b, options);
}

static void close_pair(pair *p)
{
    pool_close_freed(&p->a);
    pool_close_freed(&p->b);
    assert_int_equal(atomic_load(&p->ceiling.live), 0);
    assert_int_equal(atomic_load(&p->ceiling.starved), 0);
}

static void ceiling_bounds_the_live_items_of_all_pools_P1(void **state)
{
    pair p;
    pool_caller callers[4];
    open_pair(&p, 3, 4);
    bhi_slot *a = pool_lease_new(&p.a, &callers[0], "x");
    bhi_slot *b = pool_lease_new(&p.b, &callers[1], "x");
    bhi_slot *building = pool_take(&p.b, &callers[2], "x", BHI_GRANT_BUILD); /* at the maximum */
    pool_expect_refusal_of_try(&p.a, &callers[3], "x", BH_E_SATURATED,
                               "no instance is idle, and none may be built now (of at most 4)");
    assert_null(bhi_pool_reserve_warm(p.a.pool, 1));
    assert_int_equal(atomic_load(&p.ceiling.live), 3);
    assert_int_equal(atomic_load(&p.ceiling.starved), 0); /* nobody waits */
    bhi_pool_decline(p.b.pool, building, 1);
    bhi_pool_decline(p.a.pool, pool_take(&p.a, &callers[3], "x", BHI_GRANT_BUILD), 1);
    pool_end(&p.a, a, BH_OUTCOME_TRAPPED);
    assert_int_equal(atomic_load(&p.ceiling.live), 1);
    pool_end(&p.b, b, BH_OUTCOME_RETURNED);
    assert_int_equal(atomic_load(&p.ceiling.live), 1); /* idle items keep theirs */
    close_pair(&p);
}

static void
pool_that_waits_only_for_a_permit_is_starved_and_served_after_an_eviction_P5(void **state)
{
    pair p;
    pool_caller first, waiting;
    open_pair(&p, 1, 2);
    pool_end(&p.b, pool_lease_new(&p.b, &first, "x"), BH_OUTCOME_RETURNED); /* idle in b */
    pool_queue(&p.a, &waiting, "x", 0);
    assert_true(pool_stats(&p.a).is_starved);
    assert_int_equal(p.a.wakes, 1); /* the user may make room */
    assert_int_equal(atomic_load(&p.ceiling.starved), 1);
    bhi_pool_advance(p.a.pool, 2);
    assert_int_equal(waiting.answers, 0);
    assert_true(bhi_pool_evict_one(p.b.pool, 3));
    assert_int_equal(p.b.wakes, 1); /* a permit came back that somebody waits for */
    bhi_pool_advance(p.a.pool, 4);
    assert_int_equal(waiting.answers, 1);
    assert_int_equal(waiting.grant.kind, BHI_GRANT_BUILD);
    assert_false(pool_stats(&p.a).is_starved);
    assert_int_equal(atomic_load(&p.ceiling.starved), 0);
    bhi_pool_decline(p.a.pool, waiting.grant.slot, 5);
    close_pair(&p);
}

static void permit_that_comes_back_wakes_for_the_sake_of_other_pools(void **state)
{
    pair p;
    pool_caller first, waiting;
    open_pair(&p, 1, 2);
    bhi_slot *slot = pool_lease_new(&p.b, &first, "x");
    pool_queue(&p.a, &waiting, "x", 0);
    assert_int_equal(p.b.wakes, 0);
    pool_end(&p.b, slot, BH_OUTCOME_RETURNED);
    assert_int_equal(p.b.wakes, 1); /* an idle item could give way */
    slot = pool_take(&p.b, &first, "x", BHI_GRANT_LEASE);
    pool_end(&p.b, slot, BH_OUTCOME_TRAPPED);
    assert_true(p.b.wakes > 1); /* and so did this one */
    bhi_pool_advance(p.a.pool, 2);
    assert_int_equal(waiting.answers, 1);
    pool_fail_build(&p.a, waiting.grant.slot);
    close_pair(&p);
}

static void nothing_is_kept_warm_with_a_permit_that_somebody_waits_for(void **state)
{
    pair p;
    pool_caller first, waiting;
    open_pair(&p, 1, 2);
    bhi_slot *slot = pool_lease_new(&p.b, &first, "x");
    pool_queue(&p.a, &waiting, "x", 0);
    pool_end(&p.b, slot, BH_OUTCOME_TRAPPED); /* the permit is free, a has not been told yet */
    assert_null(bhi_pool_reserve_warm(p.b.pool, 1));
    bhi_pool_advance(p.a.pool, 2);
    assert_int_equal(waiting.answers, 1);
    pool_fail_build(&p.a, waiting.grant.slot);
    bhi_slot *warm = bhi_pool_reserve_warm(p.b.pool, 3); /* nobody waits any more */
    assert_non_null(warm);
    bhi_pool_decline(p.b.pool, warm, 3);
    close_pair(&p);
}

static void wait_that_ends_ends_the_starving(void **state)
{
    pair p;
    pool_caller first, waiting;
    open_pair(&p, 1, 2);
    bhi_slot *slot = pool_lease_new(&p.b, &first, "x");
    pool_queue(&p.a, &waiting, "x", 0);
    assert_true(bhi_pool_cancel_wait(p.a.pool, &waiting.waiter, BH_E_DEADLINE, NULL));
    assert_false(pool_stats(&p.a).is_starved);
    pool_queue(&p.a, &waiting, "x", 0);
    assert_int_equal(atomic_load(&p.ceiling.starved), 1);
    bhi_pool_close(p.a.pool);
    assert_int_equal(waiting.status, BH_E_CLOSED);
    assert_int_equal(atomic_load(&p.ceiling.starved), 0);
    pool_end(&p.b, slot, BH_OUTCOME_RETURNED);
    close_pair(&p);
}

/* All its slots are in use: a permit would not help, and other pools may have it. */
static void pool_with_every_slot_in_use_is_not_starved(void **state)
{
    pair p;
    pool_caller first, waiting[2], other;
    open_pair(&p, 2, 1);
    bhi_slot *slots[2] = {pool_lease_new(&p.b, &first, "x"), NULL};
    atomic_fetch_add(&p.ceiling.live, 1); /* another tenant */
    pool_queue(&p.a, &waiting[0], "x", 0);
    pool_queue(&p.a, &waiting[1], "x", 0);
    pool_end(&p.b, slots[0], BH_OUTCOME_TRAPPED);
    bhi_pool_advance(p.a.pool, 2);
    assert_int_equal(waiting[0].answers, 1);
    assert_int_equal(waiting[1].answers, 0);
    assert_false(pool_stats(&p.a).is_starved);
    bhi_ceiling_give(&p.ceiling);
    bhi_pool_decline(p.b.pool, pool_take(&p.b, &other, "x", BHI_GRANT_BUILD), 3);
    bhi_pool_decline(p.a.pool, waiting[0].grant.slot, 4);
    assert_int_equal(waiting[1].answers, 1);
    bhi_pool_decline(p.a.pool, waiting[1].grant.slot, 5);
    close_pair(&p);
}

static void memory_that_is_out_holds_builds_back_and_lends_what_is_idle(void **state)
{
    pair p;
    pool_caller callers[3];
    open_pair(&p, 0, 3);
    bhi_slot *slot = pool_lease_new(&p.a, &callers[0], "x");
    atomic_store(&p.ceiling.is_memory_out, true);
    pool_queue(&p.a, &callers[1], "x", 0);
    assert_true(pool_stats(&p.a).is_starved);
    pool_end(&p.a, slot, BH_OUTCOME_RETURNED);
    pool_expect_answer(&callers[1], BHI_GRANT_LEASE, slot);
    pool_queue(&p.a, &callers[2], "x", 0);
    atomic_store(&p.ceiling.is_memory_out, false);
    bhi_pool_advance(p.a.pool, 2);
    assert_int_equal(callers[2].answers, 1);
    assert_int_equal(callers[2].grant.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(p.a.pool, callers[2].grant.slot, 2);
    pool_end(&p.a, slot, BH_OUTCOME_RETURNED);
    close_pair(&p);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 3000 };

/* Two pools of one permit. Whoever is woken advances both, as a runtime does; so every blocked
 * caller is granted in the end, or a wake-up was lost. */
typedef struct shared {
    bhi_ceiling ceiling;
    bhi_pool *pools[2];
    atomic_bool is_over;
    atomic_uint wakes, wrong, highest, started;
} shared;

static void shared_wake_cb(void *arg, uint64_t at_ns)
{
    atomic_fetch_add(&((shared *)arg)->wakes, 1);
}

static void shared_destroy_cb(void *arg, void *item)
{
}

static void *make_room(void *arg)
{
    shared *s = arg;
    unsigned seen = 0;
    while (!atomic_load(&s->is_over)) {
        unsigned wakes = atomic_load(&s->wakes);
        if (wakes == seen) {
            sched_yield();
            continue;
        }
        seen = wakes;
        for (int i = 0; i < 2; i++)
            bhi_pool_advance(s->pools[i], 1);
        for (int i = 0; i < 2; i++)
            if (bhi_ceiling_has_starved(&s->ceiling))
                bhi_pool_evict_one(s->pools[i], 1);
    }
    return NULL;
}

static void use(shared *s, bhi_pool *pool, bhi_grant grant, int round)
{
    if (atomic_load(&s->ceiling.live) > 1)
        atomic_fetch_add(&s->wrong, 1); /* P1 */
    if (grant.kind == BHI_GRANT_BUILD)
        bhi_pool_built(pool, grant.slot, s, 1);
    bhi_pool_return(pool, grant.slot, round % 3 == 0 ? BH_OUTCOME_CANCELLED : BH_OUTCOME_RETURNED,
                    false, 1);
}

static void *use_both(void *arg)
{
    shared *s = arg;
    unsigned self = atomic_fetch_add(&s->started, 1);
    for (int round = 0; round < ROUNDS; round++) {
        bhi_pool *pool = s->pools[(self + (unsigned)round / 7) % 2];
        bhi_waiter waiter = {.principal = bhi_bytes_of("x")};
        bhi_link_init(&waiter.link);
        bhi_grant grant;
        if (bhi_pool_checkout_blocking(pool, &waiter, 1, UINT64_MAX, &grant, NULL) == BH_OK)
            use(s, pool, grant, round);
        else
            atomic_fetch_add(&s->wrong, 1);
    }
    return NULL;
}

static void no_wake_up_is_lost_between_pools_of_one_permit_P1_P5(void **state)
{
    shared s = {0};
    bhi_ceiling_init(&s.ceiling, 1);
    bhi_pool_options options = {.live_max = 2,
                                .waiters_max = THREADS,
                                .ceiling = &s.ceiling,
                                .destroy_cb = shared_destroy_cb,
                                .wake_cb = shared_wake_cb,
                                .arg = &s};
    for (int i = 0; i < 2; i++)
        assert_int_equal(bhi_pool_create(&options, &s.pools[i], NULL), BH_OK);
    pthread_t keeper, threads[THREADS];
    assert_int_equal(pthread_create(&keeper, NULL, make_room, &s), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_both, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&s.is_over, true);
    pthread_join(keeper, NULL);
    for (int i = 0; i < 2; i++) {
        bhi_pool_core_check(&s.pools[i]->core, 1);
        bhi_pool_release(s.pools[i]);
    }
    assert_int_equal(atomic_load(&s.wrong), 0);
    assert_int_equal(atomic_load(&s.ceiling.live), 0);
    assert_int_equal(atomic_load(&s.ceiling.starved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceiling_bounds_the_live_items_of_all_pools_P1),
        cmocka_unit_test(
            pool_that_waits_only_for_a_permit_is_starved_and_served_after_an_eviction_P5),
        cmocka_unit_test(permit_that_comes_back_wakes_for_the_sake_of_other_pools),
        cmocka_unit_test(nothing_is_kept_warm_with_a_permit_that_somebody_waits_for),
        cmocka_unit_test(wait_that_ends_ends_the_starving),
        cmocka_unit_test(pool_with_every_slot_in_use_is_not_starved),
        cmocka_unit_test(memory_that_is_out_holds_builds_back_and_lends_what_is_idle),
        cmocka_unit_test(no_wake_up_is_lost_between_pools_of_one_permit_P1_P5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
