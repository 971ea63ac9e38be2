/* engine/ticker.h - the one thread per process that advances the epoch while guests run.
 *
 * It sleeps while nothing runs: entering and leaving cost one atomic operation each.
 */
#ifndef BHI_ENGINE_TICKER_H
#define BHI_ENGINE_TICKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"

typedef struct bhi_ticker {
    uint32_t tick_us;           /* set once */
    void (*tick_cb)(void *arg); /* set once; called by the ticker's thread */
    void *arg;                  /* set once */
    pthread_t thread;           /* set once */
    pthread_mutex_t lock;
    pthread_cond_t woken; /* with lock */
    bool must_stop;       /* guarded by lock */
    atomic_uint entered;  /* stretches begun; seq_cst against is_asleep: see bhi_ticker_enter */
    atomic_uint left;     /* stretches ended; nothing runs when it equals `entered` */
    atomic_bool is_asleep;
    atomic_uint ticks; /* relaxed: only that it changes matters */
} bhi_ticker;

BH_MUST_USE bh_status bhi_ticker_init(bhi_ticker *ticker, uint32_t tick_us,
                                      void (*tick_cb)(void *arg), void *arg, bh_error *reterr);
void bhi_ticker_deinit(bhi_ticker *ticker);

void bhi_ticker_wake(bhi_ticker *ticker);

/* Around each stretch of guest code. The count is raised before is_asleep is read, and the ticker
 * sets is_asleep before it reads the count, both sequentially consistent: one of them sees the
 * other, so no running guest goes without ticks. */
static inline void bhi_ticker_enter(bhi_ticker *ticker)
{
    atomic_fetch_add(&ticker->entered, 1);
    if (atomic_load(&ticker->is_asleep))
        bhi_ticker_wake(ticker);
}

static inline void bhi_ticker_leave(bhi_ticker *ticker)
{
    atomic_fetch_add_explicit(&ticker->left, 1, memory_order_release);
}

/* Changes with every tick. */
static inline unsigned bhi_ticker_read(const bhi_ticker *ticker)
{
    return atomic_load_explicit(&ticker->ticks, memory_order_relaxed);
}

#endif
