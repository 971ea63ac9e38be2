/* worker/timer.h - the timer that most waits need, on a worker's loop.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_WORKER_TIMER_H
#define BHI_WORKER_TIMER_H

#include "worker/worker.h"

typedef struct bhi_timer bhi_timer;

/* Call fired_cb once, from the loop, not before `delay_ns` have passed: rounded up to the loop's
 * milliseconds. A delay past the end of the clock never fires. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_timer_open(bhi_worker *worker, uint64_t delay_ns,
                                     void (*fired_cb)(void *arg), void *arg, bhi_timer **ret_timer,
                                     bh_error *reterr);
/* Exactly once for each opened timer, also after it fired or from its fired_cb; takes NULL. Stops
 * it: fired_cb is not called any more. */
void bhi_timer_close(bhi_timer *timer);

/* Closed ones that serve again, of one worker: a handle of the loop that comes and goes with every
 * wait costs as much as the wait. Zeroed to begin with. */
typedef struct bhi_timers {
    bhi_timer *spares;
    uint32_t spares_count;
} bhi_timers;

/* Every timer is closed; the loop has yet to let go of them. */
void bhi_timers_deinit(bhi_timers *timers);

#endif
