/* worker/operation.c - waiting in a host call, and the timer most waits need. */
#include "worker/operation.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"

void bhi_operation_init(bhi_operation *operation, bhi_worker *worker, bhi_task *task,
                        bhi_guest *guest)
{
    *operation = (bhi_operation){.worker = worker, .task = task, .guest = guest};
}

bool bhi_operation_await(bhi_operation *operation)
{
    if (operation->is_complete)
        return true;
    return bhi_guest_suspend(operation->guest);
}

void bhi_operation_complete(bhi_operation *operation)
{
    BHI_ASSERT(!operation->is_complete);
    operation->is_complete = true;
    operation->guest->is_resumed = true;
    bhi_worker_ready(operation->worker, operation->task);
}

struct bhi_timer {
    uv_timer_t handle; /* first: libuv gives it back */
    void (*fired_cb)(void *arg);
    void *arg;
};

static void timer_fired(uv_timer_t *handle)
{
    bhi_timer *timer = (bhi_timer *)handle;
    timer->fired_cb(timer->arg);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle);
}

bh_status bhi_timer_open(bhi_worker *worker, uint64_t delay_ns, void (*fired_cb)(void *arg),
                         void *arg, bhi_timer **ret_timer, bh_error *reterr)
{
    bhi_timer *timer = malloc(sizeof *timer);
    if (timer == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a timer");
    uv_loop_t *loop = bhi_worker_loop(worker);
    timer->fired_cb = fired_cb;
    timer->arg = arg;
    uint64_t delay_ms = delay_ns / BHI_NS_PER_MS + (delay_ns % BHI_NS_PER_MS != 0);
    uv_update_time(loop); /* the loop's time is as old as its last turn */
    uv_timer_init(loop, &timer->handle);
    uv_timer_start(&timer->handle, timer_fired, delay_ms, 0);
    *ret_timer = timer;
    return BH_OK;
}

void bhi_timer_close(bhi_timer *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->handle, timer_closed);
}
