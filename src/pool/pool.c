/* pool/pool.c - the lock around the core, and the callbacks outside it.
 *
 * Every function has one shape: take the lock, change the core, `settle`: ask the core what is to
 * be done, let go, do it. Effects are asked for several at a time, so that most calls take the lock
 * once. A destroyed item changes the core again, so `settle` loops (P6: callbacks run between two
 * holds of the lock).
 *
 * No reference is counted per slot: a slot that is not empty is one (P8). The pool is over when no
 * reference is left, nothing is live and nobody settles, and exactly one thread sees the step to
 * that. Who settles is counted apart, so that the last release closes the pool also while another
 * thread performs effects.
 */
#include "pool/pool.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/clock.h"
#include "pool/pool_state.h"

enum { EFFECTS_AT_ONCE = 8 };

/* ---- create, free ---- */

static bh_status check_options(const bhi_pool_options *options, bh_error *reterr)
{
    if (options->live_max == 0 || options->live_max > BHI_POOL_LIVE_MAX_MOST)
        return bhi_fail(reterr, BH_E_ARG, "expected live_max from 1 to %u, found %u",
                        BHI_POOL_LIVE_MAX_MOST, options->live_max);
    if (options->min_idle > options->live_max)
        return bhi_fail(reterr, BH_E_ARG, "expected min_idle of at most live_max (%u), found %u",
                        options->live_max, options->min_idle);
    if (options->waiters_max > BHI_POOL_WAITERS_MAX_MOST)
        return bhi_fail(reterr, BH_E_ARG, "expected waiters_max of at most %u, found %u",
                        BHI_POOL_WAITERS_MAX_MOST, options->waiters_max);
    if (options->destroy_cb == NULL)
        return bhi_fail(reterr, BH_E_ARG, "expected a destroy_cb, found NULL");
    return BH_OK;
}

/* Weak early in boot at worst; the table stays bounded whatever the key is. */
static uint64_t random_key(const bhi_pool *pool)
{
    uint64_t key;
    return getrandom(&key, sizeof key, GRND_NONBLOCK) == sizeof key ? key : (uintptr_t)pool;
}

bh_status bhi_pool_create(const bhi_pool_options *options, bhi_pool **ret_pool, bh_error *reterr)
{
    bh_status status = check_options(options, reterr);
    if (status != BH_OK)
        return status;
    void *allocation =
        calloc(1, BHI_CACHE_LINE - 1 + sizeof(bhi_pool) + bhi_pool_core_memory_bytes(options));
    if (allocation == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a pool of %u slots", options->live_max);
    bhi_pool *pool = bhi_next_cache_line(allocation);
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(allocation);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the lock of a pool");
    }
    pool->options = *options;
    pool->allocation = allocation;
    pool->references = 1;
    bhi_pool_core_init(&pool->core, options, random_key(pool), pool->memory);
    *ret_pool = pool;
    return BH_OK;
}

static bool is_over_locked(const bhi_pool *pool)
{
    return pool->references == 0 && pool->settling == 0 && bhi_pool_core_live(&pool->core) == 0;
}

static void free_pool(bhi_pool *pool)
{
    bhi_pool_options options = pool->options;
    pthread_mutex_destroy(&pool->lock);
    free(pool->allocation);
    if (options.freed_cb != NULL)
        options.freed_cb(options.arg);
}

/* ---- effects ---- */

static uint32_t take_effects_locked(bhi_pool *pool, uint64_t now_ns, bhi_pool_effect *effects)
{
    uint32_t count = 0;
    while (count < EFFECTS_AT_ONCE) {
        effects[count] = bhi_pool_core_next(&pool->core, now_ns);
        if (effects[count].kind == BHI_EFFECT_NONE)
            break;
        count++;
    }
    return count;
}

static void perform(const bhi_pool *pool, const bhi_pool_effect *effect)
{
    switch (effect->kind) {
    case BHI_EFFECT_DESTROY:
        pool->options.destroy_cb(pool->options.arg, effect->slot->item);
        break;
    case BHI_EFFECT_BUILD:
        pool->options.build_ahead_cb(pool->options.arg, effect->slot);
        break;
    case BHI_EFFECT_ANSWER:
        bhi_chain_goes_on(effect->waiter);
        effect->waiter->granted_cb(effect->waiter, effect->status, effect->grant);
        break;
    case BHI_EFFECT_NONE:
        break;
    }
}

static void report_destroyed_locked(bhi_pool *pool, const bhi_pool_effect *effects, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (effects[i].kind == BHI_EFFECT_DESTROY)
            bhi_pool_core_destroyed(&pool->core, effects[i].slot);
}

static bool has_starved(const bhi_pool *pool)
{
    return pool->options.ceiling != NULL && bhi_ceiling_has_starved(pool->options.ceiling);
}

/* When the user is to wake the pools, or UINT64_MAX: for the sake of this one, told once; or for
 * another one that waits for a permit, because one came back or an idle item could give way. */
static uint64_t take_wake_locked(bhi_pool *pool, uint64_t now_ns, bool may_make_room)
{
    const bhi_pool_core *core = &pool->core;
    bool is_newly_starved = core->is_starved && core->starvings != pool->told_starvings;
    pool->told_starvings = core->starvings;
    if (is_newly_starved || (may_make_room && has_starved(pool)))
        return now_ns;
    bool is_told = core->wake_at_ns == pool->told_wake_ns;
    pool->told_wake_ns = core->wake_at_ns;
    return is_told ? UINT64_MAX : core->wake_at_ns;
}

static void wake(const bhi_pool *pool, uint64_t at_ns)
{
    if (at_ns != UINT64_MAX && pool->options.wake_cb != NULL)
        pool->options.wake_cb(pool->options.arg, at_ns);
}

/* Lets go of the lock meanwhile; the caller is counted as settling. */
static void perform_all_locked(bhi_pool *pool, uint64_t now_ns, const bhi_pool_effect *effects,
                               uint32_t count, uint64_t wake_at_ns)
{
    bhi_pool_unlock(pool);
    for (uint32_t i = 0; i < count; i++)
        perform(pool, &effects[i]);
    wake(pool, wake_at_ns);
    bhi_pool_lock(pool);
    report_destroyed_locked(pool, effects, count);
}

/* Do what the core asks for, until it asks for nothing. `may_make_room`: a slot is empty or idle
 * that was not before.
 * Lets go of the lock; the pool may be gone afterwards. */
static void settle_locked(bhi_pool *pool, uint64_t now_ns, bool may_make_room)
{
    bhi_pool_effect effects[EFFECTS_AT_ONCE];
    pool->settling++;
    for (;;) {
        uint32_t count = take_effects_locked(pool, now_ns, effects);
        uint64_t wake_at_ns = take_wake_locked(pool, now_ns, may_make_room);
        if (count == 0 && wake_at_ns == UINT64_MAX)
            break;
        perform_all_locked(pool, now_ns, effects, count, wake_at_ns);
        may_make_room = true; /* what was destroyed */
        if (count == 0)
            break;
    }
    pool->settling--;
    bool is_over = is_over_locked(pool);
    bhi_pool_unlock(pool);
    if (is_over)
        free_pool(pool);
}

/* ---- references ---- */

void bhi_pool_retain(bhi_pool *pool)
{
    bhi_pool_lock(pool);
    BHI_ASSERT(pool->references > 0 && pool->references < UINT32_MAX);
    pool->references++;
    bhi_pool_unlock(pool);
}

/* Idle items would keep it for ever; nobody is left to check one out. */
void bhi_pool_release(bhi_pool *pool)
{
    bhi_pool_lock(pool);
    BHI_ASSERT(pool->references > 0);
    pool->references--;
    if (pool->references == 0)
        bhi_pool_core_close(&pool->core);
    settle_locked(pool, bhi_monotonic_ns(), false);
}

void bhi_pool_close(bhi_pool *pool)
{
    bhi_pool_lock(pool);
    bhi_pool_core_close(&pool->core);
    settle_locked(pool, bhi_monotonic_ns(), false);
}

/* ---- checkout ---- */

static bh_status check_caller(const bhi_waiter *waiter, bh_error *reterr)
{
    if (waiter->principal.len > BHI_PRINCIPAL_BYTES_MAX)
        return bhi_fail(reterr, BH_E_ARG, "expected a principal of at most %u bytes, found %zu",
                        BHI_PRINCIPAL_BYTES_MAX, waiter->principal.len);
    if (waiter->weight > BHI_POOL_WEIGHT_MAX)
        return bhi_fail(reterr, BH_E_ARG, "expected a weight of at most %u, found %u",
                        BHI_POOL_WEIGHT_MAX, waiter->weight);
    return BH_OK;
}

/* Queued or refused: `status` says which. Lets go of the lock. Apart, because it is rare. */
static __attribute__((noinline)) bh_status end_unserved_locked(bhi_pool *pool, bhi_waiter *waiter,
                                                               bh_status status, uint64_t now_ns,
                                                               uint64_t *ret_wake_ns,
                                                               bh_error *reterr)
{
    if (status != BH_OK)
        status = bhi_refusal_locked(pool, waiter, status, now_ns, reterr);
    *ret_wake_ns = take_wake_locked(pool, now_ns, false);
    bhi_pool_unlock(pool);
    return status;
}

static inline bh_status checkout_here(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                      bhi_grant *ret_grant, uint64_t *ret_wake_ns, bh_error *reterr)
{
    *ret_wake_ns = UINT64_MAX;
    bhi_pool_lock(pool);
    bh_status status = bhi_pool_core_checkout(&pool->core, waiter, now_ns, ret_grant);
    if (status != BH_OK || ret_grant->kind == BHI_GRANT_QUEUED)
        return end_unserved_locked(pool, waiter, status, now_ns, ret_wake_ns, reterr);
    bhi_pool_unlock(pool);
    return BH_OK;
}

bh_status bhi_pool_checkout_here(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                 bhi_grant *ret_grant, uint64_t *ret_wake_ns, bh_error *reterr)
{
    return checkout_here(pool, waiter, now_ns, ret_grant, ret_wake_ns, reterr);
}

bh_status bhi_pool_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                            bhi_grant *ret_grant, bh_error *reterr)
{
    bh_status status = check_caller(waiter, reterr);
    if (status != BH_OK)
        return status;
    uint64_t wake_at_ns;
    status = waiter->parent == NULL
                 ? checkout_here(pool, waiter, now_ns, ret_grant, &wake_at_ns, reterr)
                 : bhi_chain_checkout(pool, waiter, now_ns, ret_grant, &wake_at_ns, reterr);
    wake(pool, wake_at_ns); /* the caller's reference keeps the pool */
    return status;
}

bh_status bhi_pool_try_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                bhi_grant *ret_grant, bh_error *reterr)
{
    bh_status status = check_caller(waiter, reterr);
    if (status != BH_OK)
        return status;
    bhi_pool_lock(pool);
    status = bhi_pool_core_try_checkout(&pool->core, waiter, now_ns, ret_grant);
    if (status != BH_OK)
        status = bhi_refusal_locked(pool, waiter, status, now_ns, reterr);
    bhi_pool_unlock(pool);
    return status;
}

bool bhi_pool_cancel_wait(bhi_pool *pool, bhi_waiter *waiter, bh_status why, bh_error *reterr)
{
    BHI_ASSERT(why == BH_E_DEADLINE || why == BH_E_CANCELLED);
    bhi_pool_lock(pool);
    if (waiter->is_queued)
        bhi_refusal_of_wait_locked(pool, waiter, why, reterr);
    bool is_cancelled = bhi_pool_core_cancel_wait(&pool->core, waiter, why);
    bhi_pool_unlock(pool);
    if (is_cancelled)
        bhi_chain_goes_on(waiter);
    return is_cancelled;
}

/* ---- builds ---- */

void bhi_pool_built(bhi_pool *pool, bhi_slot *slot, void *item, uint64_t now_ns)
{
    bhi_pool_lock(pool);
    bhi_pool_core_built(&pool->core, slot, item);
    settle_locked(pool, now_ns, false); /* builds go on after one that did not fail */
}

void bhi_pool_restored(bhi_pool *pool, bhi_slot *slot)
{
    bhi_pool_lock(pool);
    bhi_pool_core_restored(&pool->core, slot);
    bhi_pool_unlock(pool);
}

void bhi_pool_build_failed(bhi_pool *pool, bhi_slot *slot, uint64_t now_ns, const bh_error *error)
{
    bhi_pool_lock(pool);
    pool->last_build_error = *error;
    bhi_pool_core_build_failed(&pool->core, slot, now_ns);
    settle_locked(pool, now_ns, true);
}

void bhi_pool_decline(bhi_pool *pool, bhi_slot *slot, uint64_t now_ns)
{
    bhi_pool_lock(pool);
    bhi_pool_core_decline(&pool->core, slot);
    settle_locked(pool, now_ns, true);
}

bhi_slot *bhi_pool_reserve_warm(bhi_pool *pool, uint64_t now_ns)
{
    bhi_pool_lock(pool);
    bhi_slot *slot = bhi_pool_core_reserve_warm(&pool->core, now_ns);
    bhi_pool_unlock(pool);
    return slot;
}

void bhi_pool_built_idle(bhi_pool *pool, bhi_slot *slot, void *item, uint64_t now_ns)
{
    bhi_pool_lock(pool);
    bhi_pool_core_built_idle(&pool->core, slot, item, now_ns);
    settle_locked(pool, now_ns, true);
}

void *bhi_slot_item(bhi_slot *slot)
{
    return slot->item;
}

/* ---- ends ---- */

/* Its item is destroyed outside the lock; the slot, not empty, keeps the pool meanwhile. */
static __attribute__((noinline)) void destroy_locked(bhi_pool *pool, bhi_slot *slot,
                                                     uint64_t now_ns)
{
    bhi_pool_unlock(pool);
    pool->options.destroy_cb(pool->options.arg, slot->item);
    bhi_pool_lock(pool);
    bhi_pool_core_destroyed(&pool->core, slot);
    settle_locked(pool, now_ns, true);
}

static bool is_settled(const bhi_pool *pool)
{
    const bhi_pool_core *core = &pool->core;
    return core->turns.waiting == 0 && !core->is_closed && !core->owes_ahead && !has_starved(pool);
}

void bhi_pool_return(bhi_pool *pool, bhi_slot *slot, bh_outcome outcome, bool is_spent,
                     uint64_t now_ns)
{
    bhi_pool_lock(pool);
    if (bhi_pool_core_return(&pool->core, slot, outcome, is_spent, now_ns))
        destroy_locked(pool, slot, now_ns);
    else if (is_settled(pool))
        bhi_pool_unlock(pool); /* the usual end */
    else
        settle_locked(pool, now_ns, true);
}

void bhi_pool_advance(bhi_pool *pool, uint64_t now_ns)
{
    bhi_pool_lock(pool);
    pool->told_wake_ns = 0; /* its user may keep only the earliest time of all pools */
    settle_locked(pool, now_ns, false);
}

/* ---- eviction ---- */

/* The caller's reference keeps the pool. */
static bool evict(bhi_pool *pool, uint32_t leave, uint64_t idle_before_ns, uint64_t *counter,
                  uint64_t now_ns)
{
    bhi_pool_lock(pool);
    bhi_slot *slot = bhi_pool_core_evict(&pool->core, leave, idle_before_ns);
    if (slot == NULL) {
        bhi_pool_unlock(pool);
        return false;
    }
    ++*counter;
    destroy_locked(pool, slot, now_ns);
    return true;
}

uint32_t bhi_pool_evict_idle(bhi_pool *pool, uint64_t idle_before_ns, uint64_t now_ns)
{
    uint32_t evicted = 0;
    while (evict(pool, pool->options.min_idle, idle_before_ns, &pool->core.counters.evicted_idle,
                 now_ns))
        evicted++;
    return evicted;
}

bool bhi_pool_evict_one(bhi_pool *pool, uint64_t now_ns)
{
    return evict(pool, 0, UINT64_MAX, &pool->core.counters.evicted_by_need, now_ns);
}

void bhi_pool_read_stats(bhi_pool *pool, bhi_pool_stats *ret_stats)
{
    bhi_pool_lock(pool);
    bhi_pool_core_read_stats(&pool->core, ret_stats);
    bhi_pool_unlock(pool);
}
