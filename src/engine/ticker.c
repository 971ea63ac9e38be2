/* engine/ticker.c - tick, and fall asleep after some ticks in which nothing ran. */
#include "engine/ticker.h"

#include <errno.h>

#include "base/clock.h"

enum { IDLE_TICKS_BEFORE_SLEEP = 20 };

static bool is_stopping(bhi_ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    bool must_stop = ticker->must_stop;
    pthread_mutex_unlock(&ticker->lock);
    return must_stop;
}

/* Whoever wakes us clears is_asleep, so that only one of many enterers pays for the signal. */
static void sleep_until_needed(bhi_ticker *ticker, unsigned seen_entered)
{
    pthread_mutex_lock(&ticker->lock);
    atomic_store(&ticker->is_asleep, true);
    while (!ticker->must_stop && atomic_load(&ticker->is_asleep) &&
           atomic_load(&ticker->entered) == seen_entered)
        pthread_cond_wait(&ticker->woken, &ticker->lock);
    atomic_store(&ticker->is_asleep, false);
    pthread_mutex_unlock(&ticker->lock);
}

static void wait_one_tick(const bhi_ticker *ticker)
{
    struct timespec tick = {.tv_sec = ticker->tick_us / 1000000,
                            .tv_nsec = (long)(ticker->tick_us % 1000000) * 1000};
    nanosleep(&tick, NULL);
}

static void *ticker_main(void *arg)
{
    bhi_ticker *ticker = arg;
    pthread_setname_np(pthread_self(), "bh-ticker");
    unsigned idle_ticks = 0, seen_entered = 0;
    while (!is_stopping(ticker)) {
        wait_one_tick(ticker);
        ticker->tick_cb(ticker->arg);
        atomic_fetch_add_explicit(&ticker->ticks, 1, memory_order_relaxed);
        /* `left` first: a stretch that begins in between counts as running. */
        unsigned left = atomic_load_explicit(&ticker->left, memory_order_acquire);
        unsigned entered = atomic_load(&ticker->entered);
        bool is_idle = entered == left && entered == seen_entered;
        seen_entered = entered;
        idle_ticks = is_idle ? idle_ticks + 1 : 0;
        if (idle_ticks >= IDLE_TICKS_BEFORE_SLEEP)
            sleep_until_needed(ticker, seen_entered);
    }
    return NULL;
}

void bhi_ticker_wake(bhi_ticker *ticker)
{
    if (!atomic_exchange(&ticker->is_asleep, false))
        return;
    pthread_mutex_lock(&ticker->lock);
    pthread_cond_signal(&ticker->woken);
    pthread_mutex_unlock(&ticker->lock);
}

bh_status bhi_ticker_init(bhi_ticker *ticker, uint32_t tick_us, void (*tick_cb)(void *arg),
                          void *arg, bh_error *reterr)
{
    *ticker = (bhi_ticker){.tick_us = tick_us, .tick_cb = tick_cb, .arg = arg};
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_cond_init(&ticker->woken, NULL);
    int failure = pthread_create(&ticker->thread, NULL, ticker_main, ticker);
    if (failure == 0)
        return BH_OK;
    pthread_cond_destroy(&ticker->woken);
    pthread_mutex_destroy(&ticker->lock);
    errno = failure;
    return bhi_fail_os(reterr, "cannot start the ticker thread");
}

void bhi_ticker_deinit(bhi_ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    ticker->must_stop = true;
    pthread_cond_signal(&ticker->woken);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    pthread_cond_destroy(&ticker->woken);
    pthread_mutex_destroy(&ticker->lock);
}
