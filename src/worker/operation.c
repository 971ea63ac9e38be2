/* worker/operation.c - waiting in a host call.
 *
 * complete wakes the guest only when it is suspended in this operation: a wake-up for nobody would
 * have a guest polled that waits for something else.
 */
#include "worker/operation.h"

#include "base/assert.h"

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
