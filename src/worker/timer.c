/* worker/timer.c - libuv's timers, kept when they are closed.
 *
 * libuv counts whole milliseconds since its last look at the clock. A timer must not fire early, so
 * the due time is rounded up on the real clock, and the loop's notion of now is refreshed before it
 * is subtracted: a worker that ran tasks for long has an old one.
 */
#include "worker/timer.h"

#include <stdlib.h>

#include "base/clock.h"

#ifdef __SANITIZE_ADDRESS__
static const uint32_t spares_max = 0; /* what is used after it was closed shall be seen */
#else
static const uint32_t spares_max = 256;
#endif

struct bhi_timer {
    uv_timer_t handle; /* first: libuv gives it back */
    void (*fired_cb)(void *arg);
    void *arg;
    bhi_timers *timers; /* the worker's */
    bhi_timer *next;    /* among the spares */
};

static void fired_uv_cb(uv_timer_t *handle)
{
    bhi_timer *timer = (bhi_timer *)handle;
    timer->fired_cb(timer->arg);
}

static void closed_uv_cb(uv_handle_t *handle)
{
    free(handle);
}

static void let_go(bhi_timer *timer)
{
    uv_close((uv_handle_t *)&timer->handle, closed_uv_cb);
}

static bhi_timer *take_timer(bhi_worker *worker)
{
    bhi_timers *timers = bhi_worker_timers(worker);
    bhi_timer *timer = timers->spares;
    if (timer != NULL) {
        timers->spares = timer->next;
        timers->spares_count--;
        return timer;
    }
    timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return NULL;
    timer->timers = timers;
    uv_timer_init(bhi_worker_loop(worker), &timer->handle);
    return timer;
}

static uint64_t rounded_up_ms(uint64_t ns)
{
    return ns / BHI_NS_PER_MS + (ns % BHI_NS_PER_MS != 0);
}

bh_status bhi_timer_open(bhi_worker *worker, uint64_t delay_ns, void (*fired_cb)(void *arg),
                         void *arg, bhi_timer **ret_timer, bh_error *reterr)
{
    bhi_timer *timer = take_timer(worker);
    if (timer == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a timer");
    timer->fired_cb = fired_cb;
    timer->arg = arg;
    uv_loop_t *loop = bhi_worker_loop(worker);
    uint64_t due_ms = rounded_up_ms(bhi_deadline_after(bhi_worker_now_ns(worker), delay_ns));
    uv_update_time(loop);
    uint64_t now_ms = uv_now(loop);
    uv_timer_start(&timer->handle, fired_uv_cb, due_ms > now_ms ? due_ms - now_ms : 0, 0);
    *ret_timer = timer;
    return BH_OK;
}

void bhi_timer_close(bhi_timer *timer)
{
    if (timer == NULL)
        return;
    bhi_timers *timers = timer->timers;
    if (timers->spares_count >= spares_max) {
        let_go(timer);
        return;
    }
    uv_timer_stop(&timer->handle);
    timer->next = timers->spares;
    timers->spares = timer;
    timers->spares_count++;
}

void bhi_timers_deinit(bhi_timers *timers)
{
    while (timers->spares != NULL) {
        bhi_timer *timer = timers->spares;
        timers->spares = timer->next;
        let_go(timer);
    }
    *timers = (bhi_timers){0};
}
