/* tests/pool/test_pool_nested.c - leases that ask for leases: chains that could only wait for
 * themselves are refused, and no others. */
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

enum { POOLS = 3 };

/* A call that may make further ones; its lease, once it has one. */
typedef struct call {
    pool_caller caller; /* first */
    pool_fixture *f;
    bhi_slot *slot;
} call;

static void open_pools(pool_fixture *pools, uint32_t live_max)
{
    for (int i = 0; i < POOLS; i++)
        pool_open_sized(&pools[i], live_max, 0, 8);
}

static void close_pools(pool_fixture *pools)
{
    for (int i = 0; i < POOLS; i++)
        pool_close_freed(&pools[i]);
}

static bh_status ask(call *c, pool_fixture *f, const char *principal, call *parent,
                     bhi_grant *ret_grant, bh_error *reterr)
{
    *c = (call){.f = f};
    pool_caller_init(&c->caller, principal);
    c->caller.waiter.parent = parent == NULL ? NULL : &parent->caller.waiter;
    return bhi_pool_checkout(f->pool, &c->caller.waiter, f->now_ns, ret_grant, reterr);
}

static void lease_as(call *c, pool_fixture *f, const char *principal, call *parent)
{
    bhi_grant grant;
    assert_int_equal(ask(c, f, principal, parent, &grant, NULL), BH_OK);
    assert_int_not_equal(grant.kind, BHI_GRANT_QUEUED);
    c->slot = grant.slot;
    if (grant.kind == BHI_GRANT_BUILD)
        bhi_pool_built(f->pool, grant.slot, pool_next_item(f), f->now_ns);
}

static void lease(call *c, pool_fixture *f, call *parent)
{
    lease_as(c, f, "x", parent);
}

static void queue_as(call *c, pool_fixture *f, const char *principal, call *parent)
{
    bhi_grant grant;
    assert_int_equal(ask(c, f, principal, parent, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
}

static void queue(call *c, pool_fixture *f, call *parent)
{
    queue_as(c, f, "x", parent);
}

static const char closed_circle[] = "the leases that this one would wait for (all 1 instances are "
                                    "in use) wait for it themselves";

/* Refused, counted once, and nothing is left of it. */
static void expect_nested(call *c, pool_fixture *f, const char *principal, call *parent,
                          const char *text)
{
    bhi_pool_stats before = pool_stats(f);
    bhi_grant grant;
    bh_error error = {0};
    assert_int_equal(ask(c, f, principal, parent, &grant, &error), BH_E_NESTED);
    assert_int_equal(error.code, BH_E_NESTED);
    if (text != NULL)
        assert_string_equal(error.text, text);
    bhi_pool_stats after = pool_stats(f);
    assert_int_equal(after.refusals[BH_E_NESTED], before.refusals[BH_E_NESTED] + 1);
    assert_int_equal(after.refusals[BH_E_CANCELLED], before.refusals[BH_E_CANCELLED]);
    assert_int_equal(after.waiting, before.waiting);
    assert_false(c->caller.waiter.is_queued);
    assert_int_equal(c->caller.answers, 0);
    for (bhi_waiter *at = &c->caller.waiter; at != NULL; at = at->parent)
        assert_null(at->chain_waits);
    bhi_pool_core_check(&f->pool->core, f->now_ns);
}

static void end(call *c)
{
    if (c->slot == NULL) {
        assert_int_equal(c->caller.answers, 1);
        assert_int_equal(c->caller.status, BH_OK);
        c->slot = c->caller.grant.slot;
        if (c->caller.grant.kind == BHI_GRANT_BUILD)
            bhi_pool_built(c->f->pool, c->slot, pool_next_item(c->f), c->f->now_ns);
    }
    pool_end(c->f, c->slot, BH_OUTCOME_RETURNED);
}

/* ---- depth ---- */

static void chain_is_refused_one_past_its_deepest(void **state)
{
    static pool_fixture f;
    call calls[BHI_POOL_CHAIN_DEPTH_MAX + 1];
    pool_open_sized(&f, BHI_POOL_CHAIN_DEPTH_MAX + 1, 0, 4);
    for (int i = 0; i < BHI_POOL_CHAIN_DEPTH_MAX; i++) /* at the maximum */
        lease(&calls[i], &f, i == 0 ? NULL : &calls[i - 1]);
    expect_nested(&calls[BHI_POOL_CHAIN_DEPTH_MAX], &f, "x", &calls[BHI_POOL_CHAIN_DEPTH_MAX - 1],
                  "a chain has at most 16 leases");
    bhi_grant grant;
    bh_error error = {0};
    assert_int_equal(bhi_pool_try_checkout(f.pool, &calls[BHI_POOL_CHAIN_DEPTH_MAX].caller.waiter,
                                           1, &grant, &error),
                     BH_E_NESTED);
    for (int i = BHI_POOL_CHAIN_DEPTH_MAX - 1; i >= 0; i--)
        end(&calls[i]);
    pool_close_freed(&f);
}

/* ---- one pool ---- */

static void chain_that_holds_a_whole_pool_is_refused_more_of_it(void **state)
{
    pool_fixture f;
    call first, second, third;
    pool_open_sized(&f, 2, 0, 4);
    lease(&first, &f, NULL);
    lease(&second, &f, &first);
    expect_nested(&third, &f, "x", &second, NULL);
    end(&second);
    lease(&third, &f, &first); /* there is room now */
    end(&third);
    end(&first);
    pool_close_freed(&f);
}

static void chain_may_wait_for_a_lease_that_waits_for_nobody(void **state)
{
    pool_fixture f;
    call chain, other, nested;
    pool_open_sized(&f, 2, 0, 4);
    lease(&chain, &f, NULL);
    lease(&other, &f, NULL);
    queue(&nested, &f, &chain);
    end(&other);
    end(&nested);
    end(&chain);
    pool_close_freed(&f);
}

static void chains_that_hold_a_pool_together_are_refused_when_the_last_would_wait(void **state)
{
    pool_fixture f;
    call chains[2], nested[2];
    pool_open_sized(&f, 2, 0, 4);
    lease(&chains[0], &f, NULL);
    lease(&chains[1], &f, NULL);
    queue(&nested[0], &f, &chains[0]);
    expect_nested(&nested[1], &f, "x", &chains[1], NULL);
    end(&chains[1]);
    end(&nested[0]);
    end(&chains[0]);
    pool_close_freed(&f);
}

static void chain_may_wait_for_a_build_of_nobody(void **state)
{
    pool_fixture f;
    call chain, nested;
    pool_open_sized(&f, 2, 1, 4);
    bhi_slot *warm = bhi_pool_reserve_warm(f.pool, f.now_ns);
    lease(&chain, &f, NULL);
    queue(&nested, &f, &chain);
    bhi_pool_built_idle(f.pool, warm, pool_next_item(&f), f.now_ns);
    end(&nested);
    end(&chain);
    pool_close_freed(&f);
}

/* ---- caps ---- */

static void chain_at_its_principals_cap_is_refused_beside_free_slots(void **state)
{
    pool_fixture f;
    call chain, nested, other;
    pool_open(&f, (bhi_pool_options){.live_max = 4, .waiters_max = 4, .principal_leases_max = 1});
    lease_as(&chain, &f, "ada", NULL);
    expect_nested(&nested, &f, "ada", &chain, NULL);
    lease_as(&other, &f, "grace", &chain); /* another principal's slots may be had */
    end(&other);
    end(&chain);
    pool_close_freed(&f);
}

static void chains_of_one_principal_at_its_cap_are_refused_together(void **state)
{
    pool_fixture f;
    call chains[2], nested[2];
    pool_open(&f, (bhi_pool_options){.live_max = 5, .waiters_max = 4, .principal_leases_max = 2});
    lease_as(&chains[0], &f, "ada", NULL);
    lease_as(&chains[1], &f, "ada", NULL);
    queue_as(&nested[0], &f, "ada", &chains[0]);
    expect_nested(&nested[1], &f, "ada", &chains[1], NULL);
    end(&chains[1]);
    end(&nested[0]);
    end(&chains[0]);
    pool_close_freed(&f);
}

/* ---- several pools ---- */

static void chain_through_another_pool_back_to_the_first_is_refused(void **state)
{
    pool_fixture pools[POOLS];
    call a, b, again;
    open_pools(pools, 1);
    lease(&a, &pools[0], NULL);
    lease(&b, &pools[1], &a);
    expect_nested(&again, &pools[0], "x", &b, closed_circle);
    lease(&again, &pools[2], &b); /* elsewhere it goes on */
    end(&again);
    end(&b);
    end(&a);
    close_pools(pools);
}

static void chains_that_cross_are_refused_when_the_second_would_wait(void **state)
{
    pool_fixture pools[POOLS];
    call a, b, a_to_b, b_to_a;
    open_pools(pools, 1);
    lease(&a, &pools[0], NULL);
    lease(&b, &pools[1], NULL);
    queue(&a_to_b, &pools[1], &a);
    expect_nested(&b_to_a, &pools[0], "x", &b, closed_circle);
    end(&b); /* the refused one gives up, and the other goes on */
    end(&a_to_b);
    end(&a);
    close_pools(pools);
}

static void chains_in_a_circle_of_three_pools_are_refused_at_the_last(void **state)
{
    pool_fixture pools[POOLS];
    call chains[POOLS], nested[POOLS];
    open_pools(pools, 1);
    for (int i = 0; i < POOLS; i++)
        lease(&chains[i], &pools[i], NULL);
    queue(&nested[0], &pools[1], &chains[0]);
    queue(&nested[1], &pools[2], &chains[1]);
    expect_nested(&nested[2], &pools[0], "x", &chains[2], closed_circle);
    end(&chains[2]);
    end(&nested[1]);
    end(&chains[1]);
    end(&nested[0]);
    end(&chains[0]);
    close_pools(pools);
}

static void crossing_chains_may_wait_while_any_holder_they_reach_goes_on(void **state)
{
    pool_fixture pools[POOLS];
    call a, b, free_one, a_to_b, b_to_a;
    open_pools(pools, 2);
    call a_other;
    lease(&a, &pools[0], NULL);
    lease(&a_other, &pools[0], &a); /* a's chain has all of pool 0 */
    lease(&b, &pools[1], NULL);
    lease(&free_one, &pools[1], NULL); /* waits for nobody */
    queue(&b_to_a, &pools[0], &b);
    queue(&a_to_b, &pools[1], &a_other);
    end(&free_one);
    end(&a_to_b);
    end(&a_other);
    end(&b_to_a);
    end(&b);
    end(&a);
    close_pools(pools);
}

static void chain_that_gave_up_waiting_holds_nobody_up(void **state)
{
    pool_fixture pools[POOLS];
    call a, b, a_to_b, b_to_a;
    open_pools(pools, 1);
    lease(&a, &pools[0], NULL);
    lease(&b, &pools[1], NULL);
    queue(&a_to_b, &pools[1], &a);
    assert_true(bhi_pool_cancel_wait(pools[1].pool, &a_to_b.caller.waiter, BH_E_DEADLINE, NULL));
    queue(&b_to_a, &pools[0], &b); /* a goes on now */
    end(&a);
    end(&b_to_a);
    end(&b);
    close_pools(pools);
}

static void closing_a_pool_lets_the_chains_in_it_go_on_P8(void **state)
{
    pool_fixture pools[POOLS];
    call a, b, a_to_b, b_to_a;
    open_pools(pools, 1);
    lease(&a, &pools[0], NULL);
    lease(&b, &pools[1], NULL);
    queue(&a_to_b, &pools[1], &a);
    bhi_pool_close(pools[1].pool);
    assert_int_equal(a_to_b.caller.status, BH_E_CLOSED);
    queue(&b_to_a, &pools[0], &b); /* a no longer waits */
    end(&a);
    end(&b_to_a);
    end(&b);
    close_pools(pools);
}

/* ---- threads ---- */

/* Each thread makes calls at random that make calls at random, in three pools of one or two slots,
 * and blocks for each without a deadline: a circle that was not refused would never end. */
enum { THREADS = 6, CALLS = 3000, DEPTH = 5 };

typedef struct race {
    bhi_pool *pools[POOLS];
    atomic_int live[POOLS], wrong;
    atomic_uint started, leases, refused;
    uint32_t live_max;
} race;

typedef struct racer {
    race *race;
    uint64_t random;
} racer;

static uint32_t below(racer *r, uint32_t bound)
{
    r->random ^= r->random << 13; /* xorshift64, Marsaglia 2003 */
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (uint32_t)(r->random >> 33) % bound;
}

static void race_destroy_cb(void *arg, void *item)
{
}

static void call_at_random(racer *r, bhi_waiter *parent, int depth)
{
    race *shared = r->race;
    uint32_t in = below(r, POOLS);
    bhi_pool *pool = shared->pools[in];
    bhi_waiter waiter = {.parent = parent, .principal = bhi_bytes_of(below(r, 2) == 0 ? "a" : "b")};
    bhi_link_init(&waiter.link);
    bhi_grant grant;
    bh_status status = bhi_pool_checkout_blocking(pool, &waiter, 1, UINT64_MAX, &grant, NULL);
    if (status != BH_OK) {
        atomic_fetch_add(&shared->refused, 1);
        if (status != BH_E_NESTED || parent == NULL || waiter.is_queued)
            atomic_fetch_add(&shared->wrong, 1);
        return;
    }
    atomic_fetch_add(&shared->leases, 1);
    if (grant.kind == BHI_GRANT_BUILD)
        bhi_pool_built(pool, grant.slot, shared, 1);
    if ((uint32_t)atomic_fetch_add(&shared->live[in], 1) >= shared->live_max)
        atomic_fetch_add(&shared->wrong, 1); /* P1 */
    for (uint32_t calls = depth == 0 ? 0 : below(r, 3); calls > 0; calls--)
        call_at_random(r, &waiter, depth - 1);
    atomic_fetch_sub(&shared->live[in], 1);
    bhi_pool_return(pool, grant.slot, below(r, 8) == 0 ? BH_OUTCOME_CANCELLED : BH_OUTCOME_RETURNED,
                    false, 1);
}

static void *race_on(void *arg)
{
    race *shared = arg;
    racer r = {.race = shared};
    r.random = (atomic_fetch_add(&shared->started, 1) + 1) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < CALLS; i++)
        call_at_random(&r, NULL, DEPTH);
    return NULL;
}

static void expect_at_rest(race *shared)
{
    for (int i = 0; i < POOLS; i++) {
        bhi_pool_stats stats;
        bhi_pool_read_stats(shared->pools[i], &stats);
        assert_int_equal(stats.waiting + stats.leased + stats.building, 0);
        bhi_pool_core_check(&shared->pools[i]->core, 1);
        bhi_pool_release(shared->pools[i]);
    }
    assert_int_equal(atomic_load(&shared->wrong), 0);
    assert_true(atomic_load(&shared->leases) > 0 && atomic_load(&shared->refused) > 0);
}

static void race_in_pools_of(uint32_t live_max, uint32_t cap)
{
    race shared = {.live_max = live_max};
    bhi_pool_options options = {.live_max = live_max,
                                .waiters_max = THREADS,
                                .principal_leases_max = cap,
                                .breaker_condemned_max = BHI_BREAKER_OFF,
                                .destroy_cb = race_destroy_cb};
    for (int i = 0; i < POOLS; i++)
        assert_int_equal(bhi_pool_create(&options, &shared.pools[i], NULL), BH_OK);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_on, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_at_rest(&shared);
}

static void racing_chains_never_wait_for_each_other_for_ever(void **state)
{
    race_in_pools_of(1, 0);
    race_in_pools_of(2, 0);
    race_in_pools_of(2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_is_refused_one_past_its_deepest),
        cmocka_unit_test(chain_that_holds_a_whole_pool_is_refused_more_of_it),
        cmocka_unit_test(chain_may_wait_for_a_lease_that_waits_for_nobody),
        cmocka_unit_test(chains_that_hold_a_pool_together_are_refused_when_the_last_would_wait),
        cmocka_unit_test(chain_may_wait_for_a_build_of_nobody),
        cmocka_unit_test(chain_at_its_principals_cap_is_refused_beside_free_slots),
        cmocka_unit_test(chains_of_one_principal_at_its_cap_are_refused_together),
        cmocka_unit_test(chain_through_another_pool_back_to_the_first_is_refused),
        cmocka_unit_test(chains_that_cross_are_refused_when_the_second_would_wait),
        cmocka_unit_test(chains_in_a_circle_of_three_pools_are_refused_at_the_last),
        cmocka_unit_test(crossing_chains_may_wait_while_any_holder_they_reach_goes_on),
        cmocka_unit_test(chain_that_gave_up_waiting_holds_nobody_up),
        cmocka_unit_test(closing_a_pool_lets_the_chains_in_it_go_on_P8),
        cmocka_unit_test(racing_chains_never_wait_for_each_other_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
