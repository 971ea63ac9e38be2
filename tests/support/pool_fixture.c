/* tests/support/pool_fixture.c - see pool_fixture.h. */
#include "support/pool_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void destroy_item_cb(void *arg, void *item)
{
    pool_fixture *f = arg;
    f->destroyed[f->destroyed_count++] = *(char *)item;
    bhi_pool_read_stats(f->pool, &f->at_destroy); /* P6 */
}

static void freed_cb(void *arg)
{
    ((pool_fixture *)arg)->freed_count++;
}

static void wake_cb(void *arg, uint64_t at_ns)
{
    pool_fixture *f = arg;
    bhi_pool_stats stats;
    bhi_pool_read_stats(f->pool, &stats); /* P6 */
    f->wakes++;
    f->woken_for_ns = at_ns;
}

void pool_build_ahead_cb(void *arg, bhi_slot *slot)
{
    pool_fixture *f = arg;
    bhi_pool_stats stats;
    bhi_pool_read_stats(f->pool, &stats); /* P6 */
    f->ahead[f->ahead_count++] = slot;
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    pool_caller *caller = (pool_caller *)waiter;
    caller->answers++;
    caller->status = status;
    caller->grant = grant;
    if (caller->reads != NULL)
        bhi_pool_read_stats(caller->reads, &caller->at_answer); /* P6 */
}

void pool_open(pool_fixture *f, bhi_pool_options options)
{
    *f = (pool_fixture){.now_ns = 1};
    for (int i = 0; i < POOL_ITEMS; i++)
        f->items[i] = (char)('A' + i);
    options.destroy_cb = destroy_item_cb;
    options.wake_cb = wake_cb;
    options.freed_cb = freed_cb;
    options.arg = f;
    assert_int_equal(bhi_pool_create(&options, &f->pool, NULL), BH_OK);
}

void pool_open_sized(pool_fixture *f, uint32_t live_max, uint32_t min_idle, uint32_t waiters_max)
{
    pool_open(f, (bhi_pool_options){
                     .live_max = live_max, .min_idle = min_idle, .waiters_max = waiters_max});
}

void pool_close_freed(pool_fixture *f)
{
    bhi_pool_release(f->pool);
    assert_int_equal(f->freed_count, 1);
}

bhi_pool_stats pool_stats(pool_fixture *f)
{
    bhi_pool_stats stats;
    bhi_pool_read_stats(f->pool, &stats);
    return stats;
}

void *pool_next_item(pool_fixture *f)
{
    assert_true(f->built < POOL_ITEMS);
    return &f->items[f->built++];
}

char pool_letter(bhi_slot *slot)
{
    return *(char *)bhi_slot_item(slot);
}

void pool_caller_init(pool_caller *caller, const char *principal)
{
    *caller = (pool_caller){.waiter.granted_cb = granted_cb,
                            .waiter.principal = bhi_bytes_of(principal),
                            .status = BH_STATUS_COUNT};
    bhi_link_init(&caller->waiter.link);
}

bhi_slot *pool_take(pool_fixture *f, pool_caller *caller, const char *principal,
                    bhi_grant_kind kind)
{
    bhi_grant grant;
    bh_error error = {0};
    pool_caller_init(caller, principal);
    if (bhi_pool_try_checkout(f->pool, &caller->waiter, f->now_ns, &grant, &error) != BH_OK)
        fail_msg("refused: %s", error.text);
    assert_int_equal(grant.kind, kind);
    assert_non_null(grant.slot);
    return grant.slot;
}

bhi_slot *pool_lease_new(pool_fixture *f, pool_caller *caller, const char *principal)
{
    bhi_slot *slot = pool_take(f, caller, principal, BHI_GRANT_BUILD);
    bhi_pool_built(f->pool, slot, pool_next_item(f), f->now_ns);
    return slot;
}

void pool_end(pool_fixture *f, bhi_slot *slot, bh_outcome outcome)
{
    bhi_pool_return(f->pool, slot, outcome, false, f->now_ns);
}

void pool_fail_build(pool_fixture *f, bhi_slot *slot)
{
    bh_error error;
    bh_status status = bhi_fail(&error, BH_E_MODULE, "no start");
    assert_int_equal(status, BH_E_MODULE);
    bhi_pool_build_failed(f->pool, slot, f->now_ns, &error);
}

void pool_queue(pool_fixture *f, pool_caller *caller, const char *principal, uint32_t weight)
{
    bhi_grant grant;
    pool_caller_init(caller, principal);
    caller->waiter.weight = weight;
    assert_int_equal(bhi_pool_checkout(f->pool, &caller->waiter, f->now_ns, &grant, NULL), BH_OK);
    assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
    assert_null(grant.slot);
}

static void expect_error(const bh_error *error, bh_status status, bh_status expected,
                         const char *text)
{
    assert_int_equal(status, expected);
    assert_int_equal(error->code, expected);
    if (text != NULL)
        assert_string_equal(error->text, text);
}

void pool_expect_refusal(pool_fixture *f, pool_caller *caller, const char *principal,
                         bh_status status, const char *text)
{
    bhi_grant grant = {BHI_GRANT_LEASE, NULL};
    bh_error error = {0};
    pool_caller_init(caller, principal);
    bh_status found = bhi_pool_checkout(f->pool, &caller->waiter, f->now_ns, &grant, &error);
    expect_error(&error, found, status, text);
    assert_int_equal(grant.kind, BHI_GRANT_LEASE); /* untouched */
}

void pool_expect_refusal_of_try(pool_fixture *f, pool_caller *caller, const char *principal,
                                bh_status status, const char *text)
{
    bhi_grant grant = {BHI_GRANT_QUEUED, NULL};
    bh_error error = {0};
    pool_caller_init(caller, principal);
    bh_status found = bhi_pool_try_checkout(f->pool, &caller->waiter, f->now_ns, &grant, &error);
    expect_error(&error, found, status, text);
    assert_int_equal(grant.kind, BHI_GRANT_QUEUED); /* untouched */
}

void pool_expect_answer(const pool_caller *caller, bhi_grant_kind kind, const bhi_slot *slot)
{
    assert_int_equal(caller->answers, 1);
    assert_int_equal(caller->status, BH_OK);
    assert_int_equal(caller->grant.kind, kind);
    assert_ptr_equal(caller->grant.slot, slot);
}
