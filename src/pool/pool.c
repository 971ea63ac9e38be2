/* pool/pool.c - the lock around the core, and the callbacks outside it.
 *
 * Every function has one shape: take the lock, let the core decide, let go, do what it decided. A
 * destroyed item leads to one more decision, so `finish` loops (P6: destroy_cb and granted_cb run
 * between two holds of the lock).
 *
 * No reference is counted per slot: a slot that is not empty is one (P8). The pool is over when no
 * reference is left and nothing is live, and exactly one thread sees the step to that. After an
 * answer the pool belongs to whoever got the slot and is not touched again here.
 */
#include "pool/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "pool/pool_core.h"

struct bhi_pool {
    bhi_pool_options options; /* set once */
    pthread_mutex_t lock;
    uint32_t references; /* guarded by lock */
    bhi_pool_core core;  /* guarded by lock */
    void *memory[];      /* the core's: guarded by lock, but for the item of a leased slot */
};

static void lock_pool(bhi_pool *pool)
{
    int failed = pthread_mutex_lock(&pool->lock);
    BHI_ASSERT(failed == 0);
}

static void unlock_pool(bhi_pool *pool)
{
    int failed = pthread_mutex_unlock(&pool->lock);
    BHI_ASSERT(failed == 0);
}

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
    bhi_pool *pool = calloc(1, sizeof *pool + bhi_pool_core_memory_bytes(options));
    if (pool == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a pool of %u slots", options->live_max);
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the lock of a pool");
    }
    pool->options = *options;
    pool->references = 1;
    bhi_pool_core_init(&pool->core, options, random_key(pool), pool->memory);
    *ret_pool = pool;
    return BH_OK;
}

static bool is_over_locked(const bhi_pool *pool)
{
    return pool->references == 0 && bhi_pool_core_live(&pool->core) == 0;
}

static void free_pool(bhi_pool *pool)
{
    bhi_pool_options options = pool->options;
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    if (options.freed_cb != NULL)
        options.freed_cb(options.arg);
}

/* Lets go of the lock. */
static void finish_locked(bhi_pool *pool, bhi_pool_effect effect)
{
    while (effect.kind == BHI_EFFECT_DESTROY) {
        void *item = effect.slot->item;
        unlock_pool(pool);
        pool->options.destroy_cb(pool->options.arg, item);
        lock_pool(pool);
        effect = bhi_pool_core_destroyed(&pool->core, effect.slot);
    }
    bool is_over = is_over_locked(pool);
    unlock_pool(pool);
    if (effect.kind == BHI_EFFECT_ANSWER)
        effect.waiter->granted_cb(effect.waiter, effect.status, effect.grant);
    else if (is_over)
        free_pool(pool);
}

void bhi_pool_retain(bhi_pool *pool)
{
    lock_pool(pool);
    BHI_ASSERT(pool->references > 0 && pool->references < UINT32_MAX);
    pool->references++;
    unlock_pool(pool);
}

void bhi_pool_release(bhi_pool *pool)
{
    lock_pool(pool);
    BHI_ASSERT(pool->references > 0);
    bool is_last = pool->references == 1;
    if (!is_last)
        pool->references--;
    unlock_pool(pool);
    if (!is_last)
        return;
    bhi_pool_close(pool); /* idle items would keep it for ever; nobody is left to check one out */
    lock_pool(pool);
    pool->references--;
    finish_locked(pool, (bhi_pool_effect){0});
}

/* The caller's reference keeps the pool from one answer to the next. */
void bhi_pool_close(bhi_pool *pool)
{
    lock_pool(pool);
    bhi_pool_effect effect = bhi_pool_core_close(&pool->core);
    while (effect.kind == BHI_EFFECT_ANSWER) {
        unlock_pool(pool);
        effect.waiter->granted_cb(effect.waiter, effect.status, effect.grant);
        lock_pool(pool);
        effect = bhi_pool_core_close(&pool->core);
    }
    finish_locked(pool, effect);
}

static bh_status refuse_checkout(const bhi_pool *pool, bh_status status, bh_error *reterr)
{
    if (status == BH_E_CLOSED)
        return bhi_fail(reterr, status, "the pool is closed");
    return bhi_fail(reterr, status, "all %u instances are in use and the queue of %u is full",
                    pool->options.live_max, pool->options.waiters_max);
}

/* The queue is full, and a slot is free, but not for this one. */
static bh_status refuse_capped(const bhi_pool *pool, bhi_bytes principal, bh_error *reterr)
{
    return bhi_fail(
        reterr, BH_E_SATURATED,
        "principal %.*s holds all %u instances that it may, and the queue of %u is full",
        (int)principal.len, (const char *)principal.data, pool->options.principal_leases_max,
        pool->options.waiters_max);
}

static bh_status check_caller(bhi_bytes principal, uint32_t weight, bh_error *reterr)
{
    if (principal.len > BHI_PRINCIPAL_BYTES_MAX)
        return bhi_fail(reterr, BH_E_ARG, "expected a principal of at most %u bytes, found %zu",
                        BHI_PRINCIPAL_BYTES_MAX, principal.len);
    if (weight > BHI_POOL_WEIGHT_MAX)
        return bhi_fail(reterr, BH_E_ARG, "expected a weight of at most %u, found %u",
                        BHI_POOL_WEIGHT_MAX, weight);
    return BH_OK;
}

bh_status bhi_pool_checkout(bhi_pool *pool, bhi_waiter *waiter, bhi_grant *ret_grant,
                            bh_error *reterr)
{
    bh_status status = check_caller(waiter->principal, waiter->weight, reterr);
    if (status != BH_OK)
        return status;
    lock_pool(pool);
    status = bhi_pool_core_checkout(&pool->core, waiter, ret_grant);
    bool is_free = bhi_pool_core_is_free(&pool->core);
    unlock_pool(pool);
    if (status == BH_OK)
        return BH_OK;
    if (status == BH_E_SATURATED && is_free)
        return refuse_capped(pool, waiter->principal, reterr);
    return refuse_checkout(pool, status, reterr);
}

static bh_status refuse_try(const bhi_pool *pool, bhi_bytes principal, bh_status status,
                            bh_error *reterr)
{
    if (status == BH_E_LIMIT)
        return bhi_fail(reterr, status, "principal %.*s holds all %u instances that it may",
                        (int)principal.len, (const char *)principal.data,
                        pool->options.principal_leases_max);
    if (status == BH_E_SATURATED)
        return bhi_fail(reterr, status, "all %u instances are in use", pool->options.live_max);
    return refuse_checkout(pool, status, reterr);
}

bh_status bhi_pool_try_checkout(bhi_pool *pool, bhi_bytes principal, bhi_grant *ret_grant,
                                bh_error *reterr)
{
    bh_status status = check_caller(principal, 1, reterr);
    if (status != BH_OK)
        return status;
    lock_pool(pool);
    status = bhi_pool_core_try_checkout(&pool->core, principal, ret_grant);
    unlock_pool(pool);
    return status == BH_OK ? BH_OK : refuse_try(pool, principal, status, reterr);
}

bool bhi_pool_cancel_wait(bhi_pool *pool, bhi_waiter *waiter, bh_status why)
{
    lock_pool(pool);
    bool is_cancelled = bhi_pool_core_cancel_wait(&pool->core, waiter, why);
    unlock_pool(pool);
    return is_cancelled;
}

void bhi_pool_built(bhi_pool *pool, bhi_slot *slot, void *item)
{
    lock_pool(pool);
    bhi_pool_core_built(&pool->core, slot, item);
    unlock_pool(pool);
}

void bhi_pool_build_failed(bhi_pool *pool, bhi_slot *slot)
{
    lock_pool(pool);
    finish_locked(pool, bhi_pool_core_build_failed(&pool->core, slot));
}

void bhi_pool_decline(bhi_pool *pool, bhi_slot *slot)
{
    lock_pool(pool);
    finish_locked(pool, bhi_pool_core_decline(&pool->core, slot));
}

bhi_slot *bhi_pool_reserve_warm(bhi_pool *pool)
{
    lock_pool(pool);
    bhi_slot *slot = bhi_pool_core_reserve_warm(&pool->core);
    unlock_pool(pool);
    return slot;
}

void bhi_pool_built_idle(bhi_pool *pool, bhi_slot *slot, void *item)
{
    lock_pool(pool);
    finish_locked(pool, bhi_pool_core_built_idle(&pool->core, slot, item));
}

void *bhi_slot_item(bhi_slot *slot)
{
    return slot->item;
}

void bhi_pool_return(bhi_pool *pool, bhi_slot *slot, bool is_condemned)
{
    lock_pool(pool);
    finish_locked(pool, bhi_pool_core_return(&pool->core, slot, is_condemned));
}

void bhi_pool_read_stats(bhi_pool *pool, bhi_pool_stats *ret_stats)
{
    lock_pool(pool);
    bhi_pool_core_read_stats(&pool->core, ret_stats);
    unlock_pool(pool);
}
