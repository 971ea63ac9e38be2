/* cli/bench_pool.h - what "bench pool" measures, one sample at a time. */
#ifndef BHI_CLI_BENCH_POOL_H
#define BHI_CLI_BENCH_POOL_H

#include "pool/pool_state.h"

enum { BHI_BENCH_SLOTS = 8 };

/* A pool with `options` in which every slot is idle; its items are no instances. Ends the process
 * when there is no memory. Released with bhi_pool_release. */
bhi_pool *bhi_bench_pool_create(bhi_pool_options options);

/* Mean ns of a checkout and the return of what it got, with nobody else there. */
double bhi_bench_checkout_return_ns(bhi_pool *pool);
/* Mean ns of locking and unlocking the pool's own mutex, with nothing in between. */
double bhi_bench_mutex_pair_ns(bhi_pool *pool);

/* What stands around the work of one lease. */
typedef enum bhi_bench_guard {
    BHI_BENCH_GUARD_POOL,  /* checkout and return */
    BHI_BENCH_GUARD_BARE,  /* the core's checkout and return, each under a bare mutex */
    BHI_BENCH_GUARD_EMPTY, /* that mutex alone, twice */
    BHI_BENCH_GUARD_COUNT
} bhi_bench_guard;

/* Turns of the work loop that take about 1 us. */
uint32_t bhi_bench_calibrate_spins(void);
/* Leases per second of two threads on cores of their own, if there are two. */
double bhi_bench_two_threads(bhi_pool *pool, bhi_bench_guard guard, uint32_t spins);

/* Mean per waiter of `waiters` that queue up and are handed the one slot in turn. */
typedef struct bhi_bench_queue {
    double ns;
    double steps; /* list steps, counted */
} bhi_bench_queue;

bhi_bench_queue bhi_bench_waiters(uint32_t waiters, uint32_t principals);

#endif
