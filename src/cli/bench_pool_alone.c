/* cli/bench_pool_alone.c - what the pool costs one thread: free slots, and long queues. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench_pool.h"

enum {
    PAIRS = 20000,  /* in one sample */
    QUEUED = 10000, /* waiters in one sample */
    NAME_BYTES = 12
};

/* Time is passed in, so the clock is no part of what is measured. */
#define NOW_NS UINT64_C(1000000000)

static void destroy_cb(void *arg, void *item)
{
}

bhi_pool *bhi_bench_pool_create(bhi_pool_options options)
{
    static char item;
    bhi_pool *pool;
    options.min_idle = options.live_max;
    options.destroy_cb = destroy_cb;
    BHI_ASSERT(bhi_pool_create(&options, &pool, NULL) == BH_OK);
    for (bhi_slot *slot; (slot = bhi_pool_reserve_warm(pool, NOW_NS)) != NULL;)
        bhi_pool_built_idle(pool, slot, &item, NOW_NS);
    return pool;
}

double bhi_bench_checkout_return_ns(bhi_pool *pool)
{
    bhi_waiter waiter = {.principal = BHI_BYTES_LITERAL("bench")};
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < PAIRS; i++) {
        bhi_grant grant;
        bh_status status = bhi_pool_checkout(pool, &waiter, NOW_NS, &grant, NULL);
        BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_LEASE);
        bhi_pool_return(pool, grant.slot, BH_OUTCOME_RETURNED, false, NOW_NS);
    }
    return (double)(bhi_monotonic_ns() - began_ns) / PAIRS;
}

double bhi_bench_mutex_pair_ns(bhi_pool *pool)
{
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < PAIRS; i++) {
        pthread_mutex_lock(&pool->lock);
        pthread_mutex_unlock(&pool->lock);
    }
    return (double)(bhi_monotonic_ns() - began_ns) / PAIRS;
}

/* ---- queues ---- */

typedef struct queue {
    bhi_pool *pool;
    uint32_t waiters, principals;
    bhi_waiter *callers;
    char (*names)[NAME_BYTES];
    bhi_slot *slot; /* the pool's one; whose turn it is has it */
} queue;

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_LEASE);
    ((queue *)waiter->arg)->slot = grant.slot;
}

/* Both queues in the same pool, with room for the longest: what its table of principals costs is
 * then no difference between them. */
static void open_queue(queue *q)
{
    q->pool = bhi_bench_pool_create(
        (bhi_pool_options){.live_max = 1, .waiters_max = BHI_POOL_WAITERS_MAX_MOST});
    q->callers = calloc(q->waiters, sizeof *q->callers);
    q->names = calloc(q->principals, sizeof *q->names);
    BHI_ASSERT(q->callers != NULL && q->names != NULL);
    for (uint32_t i = 0; i < q->principals; i++)
        snprintf(q->names[i], sizeof q->names[i], "p%u", i);
    for (uint32_t i = 0; i < q->waiters; i++) {
        q->callers[i].principal = bhi_bytes_of(q->names[i % q->principals]);
        q->callers[i].granted_cb = granted_cb;
        q->callers[i].arg = q;
    }
}

static void close_queue(queue *q)
{
    bhi_pool_release(q->pool);
    free(q->callers);
    free(q->names);
}

static void run_queue(queue *q)
{
    bhi_waiter first = {.principal = BHI_BYTES_LITERAL("first")};
    bhi_grant grant;
    bh_status status = bhi_pool_checkout(q->pool, &first, NOW_NS, &grant, NULL);
    BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_LEASE);
    q->slot = grant.slot;
    for (uint32_t i = 0; i < q->waiters; i++) {
        status = bhi_pool_checkout(q->pool, &q->callers[i], NOW_NS, &grant, NULL);
        BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_QUEUED);
    }
    for (uint32_t i = 0; i <= q->waiters; i++) /* each return is the next one's turn */
        bhi_pool_return(q->pool, q->slot, BH_OUTCOME_RETURNED, false, NOW_NS);
}

/* Steps are those of the first run: later ones begin with a record that was kept. */
bhi_bench_queue bhi_bench_waiters(uint32_t waiters, uint32_t principals)
{
    queue q = {.waiters = waiters, .principals = principals};
    open_queue(&q);
    run_queue(&q); /* touches the memory, too */
    uint64_t steps = q.pool->core.principals.steps;
    uint32_t runs = QUEUED / waiters;
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t run = 0; run < runs; run++)
        run_queue(&q);
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    close_queue(&q);
    return (bhi_bench_queue){.ns = (double)took_ns / ((double)runs * waiters),
                             .steps = (double)steps / waiters};
}
