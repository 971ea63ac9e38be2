/* When a pool asks its user to advance it, or to make room for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool.h"

#define MS UINT64_C(1000000)

static char items[8];

typedef struct user {
    bhi_ceiling ceiling;
    uint32_t wakes;  /* told of so far */
    uint64_t at_ns;  /* the last of them */
    bhi_grant grant; /* of the last waiter that was answered */
    uint32_t answers;
} user;

static void destroy_cb(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

static void wake_cb(void *arg, uint64_t at_ns)
{
    user *u = arg;
    u->wakes++;
    u->at_ns = at_ns;
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    user *u = waiter->arg;
    assert_int_equal(status, BH_OK);
    u->grant = grant;
    u->answers++;
}

static bhi_pool *create_pool(user *u, uint32_t live_max, uint32_t permits)
{
    bhi_ceiling_init(&u->ceiling, permits);
    bhi_pool_options options = {.live_max = live_max,
                                .waiters_max = 4,
                                .ceiling = &u->ceiling,
                                .destroy_cb = destroy_cb,
                                .wake_cb = wake_cb,
                                .arg = u};
    bhi_pool *pool;
    assert_int_equal(bhi_pool_create(&options, &pool, NULL), BH_OK);
    return pool;
}

static bhi_grant check_out(user *u, bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns)
{
    *waiter = (bhi_waiter){.granted_cb = granted_cb, .arg = u};
    bhi_grant grant;
    assert_int_equal(bhi_pool_checkout(pool, waiter, now_ns, &grant, NULL), BH_OK);
    return grant;
}

static void fail_build(bhi_pool *pool, bhi_slot *slot, uint64_t now_ns)
{
    bh_error error = {.code = BH_E_BUILD};
    bhi_pool_build_failed(pool, slot, now_ns, &error);
}

/* Whoever advances several pools may keep one timer, for the earliest of the times told. */
static void advanced_too_early_the_time_is_told_again(void **state)
{
    (void)state;
    user u = {0};
    bhi_pool *pool = create_pool(&u, 1, 0);
    bhi_waiter waiters[3];
    bhi_grant first = check_out(&u, pool, &waiters[0], MS);
    check_out(&u, pool, &waiters[1], MS);
    check_out(&u, pool, &waiters[2], MS);
    fail_build(pool, first.slot, MS); /* once: the next may try */
    assert_int_equal(u.answers, 1);
    fail_build(pool, u.grant.slot, 2 * MS); /* twice: held back */
    assert_int_equal(u.answers, 1);
    assert_int_equal(u.wakes, 1);
    uint64_t due_ns = u.at_ns;
    assert_true(due_ns > 3 * MS);

    bhi_pool_advance(pool, 3 * MS);
    assert_int_equal(u.wakes, 2);
    assert_true(u.at_ns == due_ns);
    bhi_pool_advance(pool, due_ns);
    assert_int_equal(u.answers, 2);
    bhi_pool_decline(pool, u.grant.slot, due_ns);
    bhi_pool_release(pool);
}

/* It was told already; the keeper has a timer for it. */
static void the_same_time_is_told_once(void **state)
{
    (void)state;
    user u = {0};
    bhi_pool *pool = create_pool(&u, 1, 0);
    bhi_waiter waiters[4];
    bhi_grant first = check_out(&u, pool, &waiters[0], MS);
    for (int i = 1; i < 3; i++)
        check_out(&u, pool, &waiters[i], MS);
    fail_build(pool, first.slot, MS);
    fail_build(pool, u.grant.slot, 2 * MS);
    assert_int_equal(u.wakes, 1);
    check_out(&u, pool, &waiters[3], 3 * MS);
    assert_int_equal(u.wakes, 1);
    bhi_pool_advance(pool, u.at_ns);
    bhi_pool_decline(pool, u.grant.slot, u.at_ns);
    bhi_pool_decline(pool, u.grant.slot, u.at_ns);
    assert_int_equal(u.answers, 3);
    bhi_pool_release(pool);
}

static void starved_again_it_tells_again(void **state)
{
    (void)state;
    user of_a = {0}, of_b = {0};
    bhi_pool *a = create_pool(&of_a, 1, 1);
    bhi_pool_options options = {.live_max = 1,
                                .waiters_max = 4,
                                .ceiling = &of_a.ceiling,
                                .destroy_cb = destroy_cb,
                                .wake_cb = wake_cb,
                                .arg = &of_b};
    bhi_pool *b;
    assert_int_equal(bhi_pool_create(&options, &b, NULL), BH_OK);
    bhi_waiter waiters[2];
    bhi_grant of_first = check_out(&of_a, a, &waiters[0], 1);
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(check_out(&of_b, b, &waiters[1], 1).kind, BHI_GRANT_QUEUED);
        assert_int_equal(of_b.wakes, i);
        assert_true(bhi_pool_cancel_wait(b, &waiters[1], BH_E_CANCELLED, NULL));
    }
    bhi_pool_decline(a, of_first.slot, 1);
    bhi_pool_release(a);
    bhi_pool_release(b);
}

/* A permit that came back is for who waited first, also when somebody asks before that one looks.
 */
static void who_comes_later_lines_up_behind_a_starved_pool(void **state)
{
    (void)state;
    user of_a = {0}, of_b = {0};
    bhi_pool *a = create_pool(&of_a, 1, 1);
    bhi_pool_options options = {.live_max = 1,
                                .waiters_max = 4,
                                .ceiling = &of_a.ceiling,
                                .destroy_cb = destroy_cb,
                                .wake_cb = wake_cb,
                                .arg = &of_b};
    bhi_pool *b;
    assert_int_equal(bhi_pool_create(&options, &b, NULL), BH_OK);
    assert_true(bhi_ceiling_take(&of_a.ceiling)); /* as another pool */
    bhi_waiter waiters[2];
    assert_int_equal(check_out(&of_a, a, &waiters[0], 1).kind, BHI_GRANT_QUEUED);
    bhi_ceiling_give(&of_a.ceiling);
    assert_int_equal(check_out(&of_b, b, &waiters[1], 1).kind, BHI_GRANT_QUEUED);
    assert_int_equal(of_b.wakes, 1);
    bhi_pool_advance(a, 1);
    assert_int_equal(of_a.answers, 1);
    bhi_pool_advance(b, 1);
    assert_int_equal(of_b.answers, 0);
    bhi_pool_decline(a, of_a.grant.slot, 1);
    bhi_pool_advance(b, 1);
    assert_int_equal(of_b.answers, 1);
    bhi_pool_decline(b, of_b.grant.slot, 1);
    bhi_pool_release(a);
    bhi_pool_release(b);
}

/* Else others would give way in vain. */
static void who_waits_for_more_than_a_permit_is_not_starved(void **state)
{
    (void)state;
    user u = {0};
    bhi_pool *pool = create_pool(&u, 1, 1);
    bhi_waiter waiters[2];
    assert_true(bhi_ceiling_take(&u.ceiling)); /* as another pool */
    check_out(&u, pool, &waiters[0], 1);
    check_out(&u, pool, &waiters[1], 1);
    assert_true(bhi_ceiling_has_starved(&u.ceiling));

    bhi_ceiling_give(&u.ceiling);
    bhi_pool_advance(pool, 1);
    assert_int_equal(u.answers, 1);
    assert_false(bhi_ceiling_has_starved(&u.ceiling)); /* the other one waits for the only slot */
    bhi_pool_decline(pool, u.grant.slot, 1);
    assert_int_equal(u.answers, 2);
    bhi_pool_decline(pool, u.grant.slot, 1);
    bhi_pool_release(pool);
}

/* Of the same builds, side by side, two fail and one does not: builds go on, and the next failure
 * is a first one. */
static void a_build_that_succeeds_ends_the_back_off(void **state)
{
    (void)state;
    user u = {0};
    bhi_pool *pool = create_pool(&u, 4, 0);
    bhi_waiter waiters[5];
    bhi_grant grants[4];
    for (int i = 0; i < 3; i++)
        grants[i] = check_out(&u, pool, &waiters[i], MS);
    fail_build(pool, grants[0].slot, MS);
    fail_build(pool, grants[1].slot, MS);
    bhi_pool_built(pool, grants[2].slot, &items[0], MS);
    bhi_grant next = check_out(&u, pool, &waiters[3], MS);
    assert_int_equal(next.kind, BHI_GRANT_BUILD);
    fail_build(pool, next.slot, MS);
    next = check_out(&u, pool, &waiters[3], MS);
    assert_int_equal(next.kind, BHI_GRANT_BUILD);
    bhi_pool_decline(pool, next.slot, MS);
    bhi_pool_return(pool, grants[2].slot, BH_OUTCOME_RETURNED, false, MS);
    bhi_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advanced_too_early_the_time_is_told_again),
        cmocka_unit_test(the_same_time_is_told_once),
        cmocka_unit_test(starved_again_it_tells_again),
        cmocka_unit_test(who_comes_later_lines_up_behind_a_starved_pool),
        cmocka_unit_test(who_waits_for_more_than_a_permit_is_not_starved),
        cmocka_unit_test(a_build_that_succeeds_ends_the_back_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
