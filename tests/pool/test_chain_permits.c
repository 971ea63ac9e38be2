/* tests/pool/test_chain_permits.c - chains that hold the permits of a ceiling and wait for more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"

enum { PERMITS = 2 };

typedef struct fixture {
    bhi_ceiling ceiling;
    bhi_pool *pools[PERMITS + 1];
    char item;
} fixture;

static void destroy_cb(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    (void)status;
    *(bhi_grant *)waiter->arg = grant;
}

static void open_pools(fixture *f)
{
    *f = (fixture){0};
    bhi_ceiling_init(&f->ceiling, PERMITS);
    bhi_pool_options options = {
        .live_max = 4, .waiters_max = 4, .ceiling = &f->ceiling, .destroy_cb = destroy_cb};
    for (int i = 0; i <= PERMITS; i++)
        assert_int_equal(bhi_pool_create(&options, &f->pools[i], NULL), BH_OK);
}

static void close_pools(fixture *f)
{
    for (int i = 0; i <= PERMITS; i++)
        bhi_pool_release(f->pools[i]);
    assert_int_equal(atomic_load(&f->ceiling.live), 0);
    assert_int_equal(atomic_load(&f->ceiling.starved), 0);
    assert_int_equal(f->ceiling.stalled, 0);
}

static bhi_slot *lease(fixture *f, int pool, bhi_waiter *waiter)
{
    bhi_grant grant;
    bhi_link_init(&waiter->link);
    waiter->principal = bhi_bytes_of("ada");
    assert_int_equal(bhi_pool_try_checkout(f->pools[pool], waiter, 1, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_BUILD);
    bhi_pool_built(f->pools[pool], grant.slot, &f->item, 1);
    return grant.slot;
}

static bh_status nest(fixture *f, int pool, bhi_waiter *inner, bhi_waiter *parent,
                      bhi_grant *ret_grant, bh_error *reterr)
{
    bhi_link_init(&inner->link);
    inner->principal = bhi_bytes_of("ada");
    inner->parent = parent;
    inner->granted_cb = granted_cb;
    inner->arg = ret_grant;
    return bhi_pool_checkout(f->pools[pool], inner, 1, ret_grant, reterr);
}

static void the_last_chain_that_would_wait_for_a_permit_of_the_others_is_refused(void **state)
{
    (void)state;
    fixture f;
    open_pools(&f);
    bhi_waiter first = {0}, second = {0}, in_first = {0}, in_second = {0};
    bhi_slot *of_first = lease(&f, 0, &first), *of_second = lease(&f, 1, &second);
    bhi_grant grant_first, grant_second;
    assert_int_equal(nest(&f, 2, &in_first, &first, &grant_first, NULL), BH_OK);
    assert_int_equal(grant_first.kind, BHI_GRANT_QUEUED); /* the second may still go on */
    bh_error error = {0};
    assert_int_equal(nest(&f, 2, &in_second, &second, &grant_second, &error), BH_E_NESTED);
    assert_non_null(strstr(error.text, "wait for it themselves"));
    /* So the second goes on, and ends; its permit serves the first. */
    bhi_pool_return(f.pools[1], of_second, BH_OUTCOME_RETURNED, true, 2);
    bhi_pool_advance(f.pools[2], 3);
    assert_int_equal(grant_first.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(f.pools[2], grant_first.slot, 4);
    bhi_pool_return(f.pools[0], of_first, BH_OUTCOME_RETURNED, false, 5);
    close_pools(&f);
}

static void a_chain_waits_for_a_permit_while_an_idle_instance_could_give_way(void **state)
{
    (void)state;
    fixture f;
    open_pools(&f);
    bhi_waiter first = {0}, other = {0}, in_first = {0};
    bhi_slot *of_first = lease(&f, 0, &first), *idle = lease(&f, 1, &other);
    bhi_pool_return(f.pools[1], idle, BH_OUTCOME_RETURNED, false, 2);
    bhi_grant grant;
    assert_int_equal(nest(&f, 2, &in_first, &first, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
    assert_true(bhi_pool_evict_one(f.pools[1], 3));
    bhi_pool_advance(f.pools[2], 3);
    assert_int_equal(grant.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(f.pools[2], grant.slot, 4);
    bhi_pool_return(f.pools[0], of_first, BH_OUTCOME_RETURNED, false, 5);
    close_pools(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_chain_that_would_wait_for_a_permit_of_the_others_is_refused),
        cmocka_unit_test(a_chain_waits_for_a_permit_while_an_idle_instance_could_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
