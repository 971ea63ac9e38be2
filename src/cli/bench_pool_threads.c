/* cli/bench_pool_threads.c - two threads that lease and return the same pool's items.
 *
 * Each thread counts its leases and takes its own time, so that neither a late start nor whoever
 * ends first distorts the sum of their rates. The guards differ in nothing but what they call.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench_pool.h"

enum { THREADS = 2, SAMPLE_US = 20000, CALIBRATION_SPINS = 200000, CALIBRATIONS = 5 };

#define NOW_NS UINT64_C(1000000000)

typedef struct contest {
    bhi_pool *pool;
    bhi_bench_guard guard;
    uint32_t spins;
    pthread_barrier_t start;
    _Alignas(128) atomic_bool is_over; /* apart from what is written to */
} contest;

typedef struct contestant {
    _Alignas(128) contest *contest;
    int core; /* to run on, or -1 */
    double per_second;
} contestant;

/* A chain of dependent multiplications: no memory, nothing to overlap. Returns a random number. */
static inline uint64_t spin(uint64_t seed, uint32_t spins)
{
    for (uint32_t i = 0; i < spins; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        __asm__ volatile("" : "+r"(seed)); /* each turn takes its time */
    }
    return seed;
}

/* From half of `spins` to half as much again: leases of one length would run in step, and two
 * threads then meet always or never. */
static inline void work(uint64_t *seed, uint32_t spins)
{
    uint64_t extra = ((*seed >> 32) * spins) >> 32;
    *seed = spin(*seed, spins / 2 + (uint32_t)extra + 1);
}

uint32_t bhi_bench_calibrate_spins(void)
{
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t began_ns = bhi_monotonic_ns();
        spin(1, CALIBRATION_SPINS);
        uint64_t took_ns = bhi_monotonic_ns() - began_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    return (uint32_t)(UINT64_C(1000) * CALIBRATION_SPINS / (least_ns + 1)) + 1;
}

static bool is_over(contest *c)
{
    return atomic_load_explicit(&c->is_over, memory_order_relaxed);
}

static uint64_t lease_pool(contest *c, uint64_t seed)
{
    bhi_waiter waiter = {.principal = BHI_BYTES_LITERAL("bench")};
    uint64_t leases = 0;
    for (; !is_over(c); leases++) {
        bhi_grant grant;
        bh_status status = bhi_pool_checkout(c->pool, &waiter, NOW_NS, &grant, NULL);
        BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_LEASE);
        work(&seed, c->spins);
        bhi_pool_return(c->pool, grant.slot, BH_OUTCOME_RETURNED, false, NOW_NS);
    }
    return leases;
}

static uint64_t lease_bare(contest *c, uint64_t seed)
{
    bhi_waiter waiter = {.principal = BHI_BYTES_LITERAL("bench")};
    uint64_t leases = 0;
    for (; !is_over(c); leases++) {
        bhi_grant grant;
        pthread_mutex_lock(&c->pool->lock);
        bh_status status = bhi_pool_core_checkout(&c->pool->core, &waiter, NOW_NS, &grant);
        pthread_mutex_unlock(&c->pool->lock);
        BHI_ASSERT(status == BH_OK && grant.kind == BHI_GRANT_LEASE);
        work(&seed, c->spins);
        pthread_mutex_lock(&c->pool->lock);
        bool is_condemned =
            bhi_pool_core_return(&c->pool->core, grant.slot, BH_OUTCOME_RETURNED, false, NOW_NS);
        pthread_mutex_unlock(&c->pool->lock);
        BHI_ASSERT(!is_condemned);
    }
    return leases;
}

static uint64_t lease_nothing(contest *c, uint64_t seed)
{
    uint64_t leases = 0;
    for (; !is_over(c); leases++) {
        pthread_mutex_lock(&c->pool->lock);
        pthread_mutex_unlock(&c->pool->lock);
        work(&seed, c->spins);
        pthread_mutex_lock(&c->pool->lock);
        pthread_mutex_unlock(&c->pool->lock);
    }
    return leases;
}

/* Without a second core this does nothing, and the ratio still holds. */
static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *compete(void *arg)
{
    static uint64_t (*const loops[BHI_BENCH_GUARD_COUNT])(contest *, uint64_t) = {
        [BHI_BENCH_GUARD_POOL] = lease_pool,
        [BHI_BENCH_GUARD_BARE] = lease_bare,
        [BHI_BENCH_GUARD_EMPTY] = lease_nothing,
    };
    contestant *self = arg;
    contest *c = self->contest;
    if (self->core >= 0)
        pin(self->core);
    pthread_barrier_wait(&c->start);
    uint64_t began_ns = bhi_monotonic_ns();
    uint64_t leases = loops[c->guard](c, (uint64_t)(self->core + 2));
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    self->per_second = (double)leases * BHI_NS_PER_SECOND / (double)took_ns;
    return NULL;
}

/* The `nth` core that this process may run on, or -1. */
static int find_core(int nth)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return -1;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &set) && nth-- == 0)
            return core;
    return -1;
}

double bhi_bench_two_threads(bhi_pool *pool, bhi_bench_guard guard, uint32_t spins)
{
    contest c = {.pool = pool, .guard = guard, .spins = spins};
    contestant contestants[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_init(&c.start, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        contestants[i] = (contestant){.contest = &c, .core = find_core(i)};
        BHI_ASSERT(pthread_create(&threads[i], NULL, compete, &contestants[i]) == 0);
    }
    pthread_barrier_wait(&c.start);
    usleep(SAMPLE_US);
    atomic_store(&c.is_over, true);
    double per_second = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        per_second += contestants[i].per_second;
    }
    pthread_barrier_destroy(&c.start);
    return per_second;
}
