/* What the end of a lease, or of a wait, means to the chain that had it, and to those behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"

static char items[2];

typedef struct chain {
    bhi_pool *pool;
    bhi_waiter top, second, third;
    bh_status asked;
    bhi_grant grant, answer;
} chain;

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    chain *c = waiter->arg;
    assert_int_equal(status, BH_OK);
    c->answer = grant;
}

/* The chain goes on while the instance of its ended lease is being destroyed. */
static void ask_again_cb(void *arg, void *item)
{
    (void)item;
    chain *c = arg;
    c->third = (bhi_waiter){.parent = &c->top, .granted_cb = granted_cb, .arg = c};
    c->asked = bhi_pool_checkout(c->pool, &c->third, 1, &c->grant, NULL);
}

static void its_own_instance_that_is_destroyed_is_waited_for(void **state)
{
    (void)state;
    chain c = {.asked = BH_E_ARG};
    bhi_pool_options options = {
        .live_max = 1, .waiters_max = 4, .destroy_cb = ask_again_cb, .arg = &c};
    assert_int_equal(bhi_pool_create(&options, &c.pool, NULL), BH_OK);
    bhi_grant grant;
    c.second = (bhi_waiter){.parent = &c.top};
    assert_int_equal(bhi_pool_checkout(c.pool, &c.second, 1, &grant, NULL), BH_OK);
    bhi_pool_built(c.pool, grant.slot, &items[0], 1);
    bhi_pool_return(c.pool, grant.slot, BH_OUTCOME_TRAPPED, false, 1);
    assert_int_equal(c.asked, BH_OK);
    assert_int_equal(c.grant.kind, BHI_GRANT_QUEUED);
    assert_int_equal(c.answer.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(c.pool, c.answer.slot, 1);
    bhi_pool_release(c.pool);
}

static void destroy_cb(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

static bhi_pool *open_pool(void)
{
    bhi_pool_options options = {.live_max = 1, .waiters_max = 4, .destroy_cb = destroy_cb};
    bhi_pool *pool;
    assert_int_equal(bhi_pool_create(&options, &pool, NULL), BH_OK);
    return pool;
}

/* The lease of the pool's only instance; `parent` may be NULL. */
static bhi_slot *lease(bhi_pool *pool, bhi_waiter *waiter, bhi_waiter *parent)
{
    *waiter = (bhi_waiter){.parent = parent};
    bhi_grant grant;
    assert_int_equal(bhi_pool_checkout(pool, waiter, 1, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_BUILD);
    bhi_pool_built(pool, grant.slot, &items[0], 1);
    return grant.slot;
}

static bh_status ask(bhi_pool *pool, bhi_waiter *waiter, bhi_waiter *parent,
                     void (*answered_cb)(bhi_waiter *, bh_status, bhi_grant), void *arg)
{
    *waiter = (bhi_waiter){.parent = parent, .granted_cb = answered_cb, .arg = arg};
    bhi_grant grant;
    bh_status status = bhi_pool_checkout(pool, waiter, 1, &grant, NULL);
    assert_true(status != BH_OK || grant.kind == BHI_GRANT_QUEUED);
    return status;
}

static void end(bhi_pool *pool, bhi_slot *slot)
{
    bhi_pool_return(pool, slot, BH_OUTCOME_RETURNED, false, 1);
}

/* One waits for two, two for three, and three runs. */
static void a_chain_that_waits_for_one_that_runs_may_be_waited_for(void **state)
{
    (void)state;
    bhi_pool *pools[3] = {open_pool(), open_pool(), open_pool()};
    bhi_waiter tops[3], one, two;
    bhi_slot *slots[3];
    for (int i = 0; i < 3; i++)
        slots[i] = lease(pools[i], &tops[i], NULL);
    assert_int_equal(ask(pools[2], &two, &tops[1], NULL, NULL), BH_OK);
    assert_int_equal(ask(pools[1], &one, &tops[0], NULL, NULL), BH_OK);
    assert_true(bhi_pool_cancel_wait(pools[1], &one, BH_E_CANCELLED, NULL));
    assert_true(bhi_pool_cancel_wait(pools[2], &two, BH_E_CANCELLED, NULL));
    for (int i = 0; i < 3; i++) {
        end(pools[i], slots[i]);
        bhi_pool_release(pools[i]);
    }
}

typedef struct closing {
    bhi_pool *other; /* whose only instance the second chain has */
    bhi_waiter third_top, third;
    bh_status asked;
    int answers;
} closing;

static void closed_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    (void)grant;
    assert_int_equal(status, BH_E_CLOSED);
    ((closing *)waiter->arg)->answers++;
}

/* Answered first: the second chain has been answered, too, and not been told yet. */
static void closed_first_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    closing *c = waiter->arg;
    closed_cb(waiter, status, grant);
    c->asked = ask(c->other, &c->third, &c->third_top, closed_cb, c);
}

static void a_chain_that_was_answered_goes_on_before_it_is_told(void **state)
{
    (void)state;
    closing c = {.other = open_pool(), .asked = BH_E_ARG};
    bhi_pool *closed = open_pool(), *thirds = open_pool();
    bhi_waiter holder, first, second_top, second;
    bhi_slot *held = lease(closed, &holder, NULL);
    bhi_slot *of_second = lease(c.other, &second_top, NULL);
    bhi_slot *of_third = lease(thirds, &c.third_top, NULL);
    assert_int_equal(ask(closed, &first, NULL, closed_first_cb, &c), BH_OK);
    assert_int_equal(ask(closed, &second, &second_top, closed_cb, &c), BH_OK);
    bhi_pool_close(closed);
    assert_int_equal(c.answers, 2);
    assert_int_equal(c.asked, BH_OK);
    assert_true(bhi_pool_cancel_wait(c.other, &c.third, BH_E_CANCELLED, NULL));
    end(closed, held);
    end(c.other, of_second);
    end(thirds, of_third);
    bhi_pool_release(closed);
    bhi_pool_release(c.other);
    bhi_pool_release(thirds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_that_waits_for_one_that_runs_may_be_waited_for),
        cmocka_unit_test(a_chain_that_was_answered_goes_on_before_it_is_told),
        cmocka_unit_test(its_own_instance_that_is_destroyed_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
