/* pool/pool_state.h - the pool as pool.c, chains.c and refusal.c share it. */
#ifndef BHI_POOL_POOL_STATE_H
#define BHI_POOL_POOL_STATE_H

#include <pthread.h>

#include "base/assert.h"
#include "pool/pool_core.h"

struct bhi_pool {
    bhi_pool_options options; /* set once */
    void *allocation;         /* set once: what to free; the pool begins at a cache line of it */
    _Alignas(BHI_CACHE_LINE) pthread_mutex_t lock;
    uint32_t references;       /* guarded by lock */
    uint32_t settling;         /* guarded by lock: threads that will touch the pool again */
    uint64_t told_wake_ns;     /* guarded by lock: what wake_cb was told last */
    bhi_pool_core core;        /* guarded by lock */
    uint32_t told_starvings;   /* guarded by lock: what wake_cb was told last, of core.starvings */
    bh_error last_build_error; /* guarded by lock */
    void *memory[];            /* the core's: guarded by lock, but for the item of a leased slot */
};

/* One line for the lock and used_at_ns, two for the lists, their counts and counters.leases. */
_Static_assert(offsetof(struct bhi_pool, core.lists) == offsetof(struct bhi_pool, lock) + 64 &&
                   offsetof(struct bhi_pool, core.counters.leases) + 8 ==
                       offsetof(struct bhi_pool, lock) + 192,
               "a lease writes three cache lines of its pool");

static inline void bhi_pool_lock(bhi_pool *pool)
{
    int failed = pthread_mutex_lock(&pool->lock);
    BHI_ASSERT(failed == 0);
}

static inline void bhi_pool_unlock(bhi_pool *pool)
{
    int failed = pthread_mutex_unlock(&pool->lock);
    BHI_ASSERT(failed == 0);
}

/* pool.c: bhi_pool_checkout of a caller that was checked, but for waking at *ret_wake_ns. */
BH_MUST_USE bh_status bhi_pool_checkout_here(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                             bhi_grant *ret_grant, uint64_t *ret_wake_ns,
                                             bh_error *reterr);
/* chains.c: the same for one that has a parent. */
BH_MUST_USE bh_status bhi_chain_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                         bhi_grant *ret_grant, uint64_t *ret_wake_ns,
                                         bh_error *reterr);
/* chains.c: it no longer waits. Without a parent this does nothing. No lock of a pool is held. */
void bhi_chain_goes_on(bhi_waiter *waiter);

/* refusal.c: fill *reterr, of a checkout that was refused, and of a wait that its caller ends. */
BH_MUST_USE bh_status bhi_refusal_locked(bhi_pool *pool, const bhi_waiter *waiter, bh_status why,
                                         uint64_t now_ns, bh_error *reterr);
void bhi_refusal_of_wait_locked(bhi_pool *pool, const bhi_waiter *waiter, bh_status why,
                                bh_error *reterr);

#endif
