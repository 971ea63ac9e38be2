/* pool/ceiling.h - one ceiling of live instances over many pools.
 *
 * A pool takes a permit before it builds and gives it back once its slot is empty. A pool whose
 * callers wait for nothing but a permit says so (`starved`), and whoever then gives one back, or
 * keeps an idle instance that could go, is asked to make room by the pools' user.
 *
 * No wake-up is lost: a starved pool announces itself before it tries once more, and a giver
 * returns its permit before it looks for announcements; both orders are sequentially consistent.
 *
 * Threads: any, for every function.
 */
#ifndef BHI_POOL_CEILING_H
#define BHI_POOL_CEILING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bhi_ceiling {
    uint32_t live_max; /* set once; UINT32_MAX: none */
    atomic_uint live;
    atomic_uint starved;       /* pools that wait for a permit */
    uint32_t stalled;          /* permits of chains that wait; guarded by the lock of chains.c */
    atomic_bool is_memory_out; /* more bytes are resident than allowed: no permit is given */
} bhi_ceiling;

/* 0 is no ceiling. */
static inline void bhi_ceiling_init(bhi_ceiling *ceiling, uint32_t live_max)
{
    ceiling->live_max = live_max == 0 ? UINT32_MAX : live_max;
    ceiling->stalled = 0;
    atomic_init(&ceiling->live, 0);
    atomic_init(&ceiling->starved, 0);
    atomic_init(&ceiling->is_memory_out, false);
}

static inline bool bhi_ceiling_take(bhi_ceiling *ceiling)
{
    if (atomic_load(&ceiling->is_memory_out))
        return false;
    unsigned live = atomic_load(&ceiling->live);
    do
        if (live >= ceiling->live_max)
            return false;
    while (!atomic_compare_exchange_weak(&ceiling->live, &live, live + 1));
    return true;
}

static inline void bhi_ceiling_give(bhi_ceiling *ceiling)
{
    atomic_fetch_sub(&ceiling->live, 1);
}

static inline bool bhi_ceiling_has_starved(bhi_ceiling *ceiling)
{
    return atomic_load(&ceiling->starved) != 0;
}

#endif
