/* pool/refusal.c - why a caller got nothing, in words, with the time after which to ask again. */
#include "base/assert.h"
#include "base/clock.h"
#include "pool/pool_state.h"

static uint32_t ms_until(uint64_t at_ns, uint64_t now_ns)
{
    if (at_ns == UINT64_MAX || at_ns <= now_ns)
        return 0;
    return (uint32_t)((at_ns - now_ns + BHI_NS_PER_MS - 1) / BHI_NS_PER_MS);
}

static bh_status refuse_build(const bhi_pool *pool, uint32_t retry_ms, bh_error *reterr)
{
    if (reterr == NULL)
        return BH_E_BUILD;
    bh_status status = bhi_fail(reterr, BH_E_BUILD,
                                "%u builds failed in a row, the next one begins in %u ms; the "
                                "last one: %s",
                                pool->core.failures, retry_ms, pool->last_build_error.text);
    reterr->retry_after_ms = retry_ms;
    return status;
}

static bh_status refuse_breaker(const bhi_pool *pool, uint32_t retry_ms, bh_error *reterr)
{
    bh_status status =
        bhi_fail(reterr, BH_E_BREAKER,
                 "more than %u instances were condemned in %u s; no other one is built for %u ms",
                 pool->core.breaker.condemned_max,
                 (unsigned)(BHI_BREAKER_WINDOW_NS / BHI_NS_PER_SECOND), retry_ms);
    if (reterr != NULL)
        reterr->retry_after_ms = retry_ms;
    return status;
}

static bh_status refuse_nested(const bhi_pool *pool, const bhi_waiter *waiter, bh_error *reterr)
{
    uint32_t depth = 1;
    for (; waiter->parent != NULL && depth <= BHI_POOL_CHAIN_DEPTH_MAX; waiter = waiter->parent)
        depth++;
    if (depth > BHI_POOL_CHAIN_DEPTH_MAX)
        return bhi_fail(reterr, BH_E_NESTED, "a chain has at most %u leases",
                        BHI_POOL_CHAIN_DEPTH_MAX);
    return bhi_fail(reterr, BH_E_NESTED,
                    "the leases that this one would wait for (all %u instances are in use) wait "
                    "for it themselves",
                    pool->options.live_max);
}

static bh_status refuse_saturated(const bhi_pool *pool, bool could_wait, bh_error *reterr)
{
    uint32_t live_max = pool->options.live_max;
    const char *what = bhi_pool_core_live(&pool->core) < live_max
                           ? "no instance is idle, and none may be built now"
                           : "all instances are in use";
    if (!could_wait)
        return bhi_fail(reterr, BH_E_SATURATED, "%s (of at most %u)", what, live_max);
    return bhi_fail(reterr, BH_E_SATURATED, "%s (of at most %u), and the queue of %u is full", what,
                    live_max, pool->options.waiters_max);
}

static bh_status refuse_over_cap(const bhi_pool *pool, bhi_bytes principal, bh_error *reterr)
{
    return bhi_fail(reterr, BH_E_OVER_CAP, "principal %.*s holds all %u instances that it may",
                    (int)principal.len, (const char *)principal.data,
                    pool->options.principal_leases_max);
}

bh_status bhi_refusal_locked(bhi_pool *pool, const bhi_waiter *waiter, bh_status why,
                             uint64_t now_ns, bh_error *reterr)
{
    uint32_t retry_ms = ms_until(bhi_pool_core_builds_from_ns(&pool->core, now_ns), now_ns);
    switch (why) {
    case BH_E_CLOSED:
        return bhi_fail(reterr, why, "the pool is closed");
    case BH_E_BUILD:
        return refuse_build(pool, retry_ms, reterr);
    case BH_E_BREAKER:
        return refuse_breaker(pool, retry_ms, reterr);
    case BH_E_NESTED:
        return refuse_nested(pool, waiter, reterr);
    case BH_E_OVER_CAP:
        return refuse_over_cap(pool, waiter->principal, reterr);
    default:
        BHI_ASSERT(why == BH_E_SATURATED);
        return refuse_saturated(pool, pool->core.turns.waiting >= pool->options.waiters_max,
                                reterr);
    }
}

void bhi_refusal_of_wait_locked(bhi_pool *pool, const bhi_waiter *waiter, bh_status why,
                                bh_error *reterr)
{
    const char *how = why == BH_E_DEADLINE ? "the deadline passed" : "cancelled";
    bh_status status = why;
    if (waiter->record->place == BHI_PLACE_CAPPED)
        status = bhi_fail(reterr, why,
                          "%s while waiting for an instance: the principal held all %u that it may",
                          how, pool->options.principal_leases_max);
    else if (bhi_pool_core_live(&pool->core) == pool->options.live_max)
        status = bhi_fail(reterr, why, "%s while waiting for an instance: all %u were in use", how,
                          pool->options.live_max);
    else if (pool->core.failures != 0)
        status =
            bhi_fail(reterr, why,
                     "%s while waiting for an instance: %u builds failed in a row, the last: %s",
                     how, pool->core.failures, pool->last_build_error.text);
    else if (pool->core.breaker.state != BHI_BREAKER_CLOSED)
        status = bhi_fail(reterr, why,
                          "%s while waiting for an instance: too many were condemned lately, and "
                          "none is built for now",
                          how);
    else if (pool->core.is_starved && atomic_load(&pool->options.ceiling->is_memory_out))
        status = bhi_fail(reterr, why,
                          "%s while waiting for an instance: the process's resident memory is "
                          "above its ceiling",
                          how);
    else if (pool->core.is_starved)
        status = bhi_fail(
            reterr, why, "%s while waiting for an instance: the ceiling over all pools was reached",
            how);
    else
        status = bhi_fail(reterr, why, "%s while waiting for an instance", how);
    (void)status; /* in the error */
}
