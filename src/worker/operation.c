/* worker/operation.c - waiting in a host call, and the timer most waits need.
 *
 * complete wakes the guest only when it is suspended in this operation: a wake-up for nobody would
 * have a guest polled that waits for something else.
 *
 * libuv counts whole milliseconds since its last look at the clock. A timer must not fire early, so
 * the due time is rounded up on the real clock, and the loop's notion of now is refreshed before it
 * is subtracted: a worker that ran tasks for long has an old one.
 */
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
    bool is_alive = true;
    operation->is_awaited = true;
    while (is_alive && !operation->is_complete)
        is_alive = bhi_guest_suspend(operation->guest);
    operation->is_awaited = false;
    return is_alive;
}

void bhi_operation_complete(bhi_operation *operation)
{
    BHI_ASSERT(!operation->is_complete);
    operation->is_complete = true;
    if (!operation->is_awaited)
        return;
    operation->guest->is_resumed = true;
    bhi_worker_ready(operation->worker, operation->task);
}

/* ---- yield ---- */

/* A task of its own, which ends the operation at its turn. */
typedef struct next_turn {
    bhi_task task; /* first: the worker gives it back */
    bhi_operation operation;
} next_turn;

static void come_round(bhi_task *task)
{
    bhi_operation_complete(&((next_turn *)task)->operation);
}

bool bhi_operation_yield(bhi_worker *worker, bhi_task *task, bhi_guest *guest)
{
    next_turn turn;
    bhi_task_init(&turn.task, come_round);
    bhi_operation_init(&turn.operation, worker, task, guest);
    bhi_worker_ready(worker, &turn.task);
    bool is_alive = bhi_operation_await(&turn.operation);
    bhi_worker_forget(worker, &turn.task);
    return is_alive;
}

/* ---- timer ---- */

struct bhi_timer {
    uv_timer_t handle; /* first: libuv gives it back */
    void (*fired_cb)(void *arg);
    void *arg;
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

static uint64_t rounded_up_ms(uint64_t ns)
{
    return ns / BHI_NS_PER_MS + (ns % BHI_NS_PER_MS != 0);
}

bh_status bhi_timer_open(bhi_worker *worker, uint64_t delay_ns, void (*fired_cb)(void *arg),
                         void *arg, bhi_timer **ret_timer, bh_error *reterr)
{
    bhi_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a timer");
    timer->fired_cb = fired_cb;
    timer->arg = arg;
    uv_loop_t *loop = bhi_worker_loop(worker);
    uint64_t due_ms = rounded_up_ms(bhi_deadline_after(bhi_worker_now_ns(worker), delay_ns));
    uv_timer_init(loop, &timer->handle);
    uv_update_time(loop);
    uint64_t now_ms = uv_now(loop);
    uv_timer_start(&timer->handle, fired_uv_cb, due_ms > now_ms ? due_ms - now_ms : 0, 0);
    *ret_timer = timer;
    return BH_OK;
}

void bhi_timer_close(bhi_timer *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->handle, closed_uv_cb);
}
