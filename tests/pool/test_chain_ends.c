/* What an ended lease means to the chain that had it. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_own_instance_that_is_destroyed_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
