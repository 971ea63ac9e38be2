/* worker/operation.h - a host call that must wait.
 *
 * A host function starts its work, then awaits the operation: that suspends the guest's fiber and
 * returns when the work is complete, or returns false when the invocation was abandoned
 * meanwhile (cancelled, past its deadline, worker stopping). Then the host function undoes what it
 * started and returns false itself. The operation lives on the host function's own stack frame,
 * which the fiber keeps.
 *
 * Work that ends on another thread must not hold a pointer to the operation across an abandon:
 * see bhi_remote in worker/remote.h.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_WORKER_OPERATION_H
#define BHI_WORKER_OPERATION_H

#include "abi/guest.h"
#include "worker/worker.h"

typedef struct bhi_operation {
    bhi_worker *worker;
    bhi_task *task; /* the invocation to make ready */
    bhi_guest *guest;
    bool is_awaited; /* the guest is suspended here */
    bool is_complete;
} bhi_operation;

void bhi_operation_init(bhi_operation *operation, bhi_worker *worker, bhi_task *task,
                        bhi_guest *guest);

/* True when complete; false when abandoned. Returns at once if it is already complete. */
BH_MUST_USE bool bhi_operation_await(bhi_operation *operation);

/* The work is done: wake the guest. At most once, on the worker's thread. */
void bhi_operation_complete(bhi_operation *operation);

/* Let other tasks, and the loop, go first: for a host call that works in pieces. False when
 * abandoned. */
BH_MUST_USE bool bhi_operation_yield(bhi_worker *worker, bhi_task *task, bhi_guest *guest);

#endif
