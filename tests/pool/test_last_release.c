/* The last reference goes while the pool's user is being called (P8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"

typedef struct user {
    bhi_pool *pool;
    bhi_slot *slot; /* to build into ahead */
    int destroyed, freed;
} user;

static void destroy_cb(void *arg, void *item)
{
    (void)item;
    ((user *)arg)->destroyed++;
}

static void build_ahead_cb(void *arg, bhi_slot *slot)
{
    user *u = arg;
    u->slot = slot;
    bhi_pool_release(u->pool);
}

static void freed_cb(void *arg)
{
    ((user *)arg)->freed++;
}

static void released_inside_a_callback_the_pool_is_closed_and_freed(void **state)
{
    (void)state;
    char items[2];
    user u = {0};
    bhi_pool_options options = {.live_max = 1,
                                .waiters_max = 1,
                                .destroy_cb = destroy_cb,
                                .build_ahead_cb = build_ahead_cb,
                                .freed_cb = freed_cb,
                                .arg = &u};
    assert_int_equal(bhi_pool_create(&options, &u.pool, NULL), BH_OK);
    bhi_waiter waiter = {0};
    bhi_grant grant;
    assert_int_equal(bhi_pool_checkout(u.pool, &waiter, 1, &grant, NULL), BH_OK);
    bhi_pool_built(u.pool, grant.slot, &items[0], 1);
    bhi_pool_return(u.pool, grant.slot, BH_OUTCOME_TRAPPED, false, 1);
    assert_int_equal(u.destroyed, 1);
    assert_non_null(u.slot);
    assert_int_equal(u.freed, 0);
    bhi_pool_built_idle(u.pool, u.slot, &items[1], 1);
    assert_int_equal(u.destroyed, 2);
    assert_int_equal(u.freed, 1);
}

/* The answered caller is done, and lets go of the pool, before it is told that it was answered. */
static void end_all_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    user *u = waiter->arg;
    assert_int_equal(status, BH_OK);
    bhi_pool_return(u->pool, grant.slot, BH_OUTCOME_TRAPPED, false, 1);
    bhi_pool_release(u->pool);
    assert_int_equal(u->freed, 0); /* the return that answered goes on */
}

static void who_answers_keeps_the_pool_until_the_callback_has_returned(void **state)
{
    (void)state;
    char item;
    user u = {0};
    bhi_pool_options options = {
        .live_max = 1, .waiters_max = 1, .destroy_cb = destroy_cb, .freed_cb = freed_cb, .arg = &u};
    assert_int_equal(bhi_pool_create(&options, &u.pool, NULL), BH_OK);
    bhi_waiter first = {0}, second = {.granted_cb = end_all_cb, .arg = &u};
    bhi_grant grant, queued;
    assert_int_equal(bhi_pool_checkout(u.pool, &first, 1, &grant, NULL), BH_OK);
    bhi_pool_built(u.pool, grant.slot, &item, 1);
    assert_int_equal(bhi_pool_checkout(u.pool, &second, 1, &queued, NULL), BH_OK);
    assert_int_equal(queued.kind, BHI_GRANT_QUEUED);
    bhi_pool_return(u.pool, grant.slot, BH_OUTCOME_RETURNED, false, 1);
    assert_int_equal(u.destroyed, 1);
    assert_int_equal(u.freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_answers_keeps_the_pool_until_the_callback_has_returned),
        cmocka_unit_test(released_inside_a_callback_the_pool_is_closed_and_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
