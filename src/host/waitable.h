/* host/waitable.h - something that a guest can wait for: a queue, a stream, a transfer.
 *
 * A guest waits in one host call at a time, so a waitable has at most one operation to wake. The
 * host call arms every waitable that it waits for, awaits its operation, and disarms them; whoever
 * changes the object calls notify, on the worker's thread. A pollable (host/poll.c) is a name that
 * the guest has for a waitable.
 *
 *   while (!is_ready(object)) {
 *       bhi_operation_init(&operation, ...);
 *       object->waitable.operation = &operation;
 *       is_alive = bhi_operation_await(&operation);
 *       object->waitable.operation = NULL;
 *       if (!is_alive)
 *           return false;
 *   }
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_WAITABLE_H
#define BHI_HOST_WAITABLE_H

#include "abi/generated/resources.h"
#include "worker/operation.h"

typedef struct bhi_waitable {
    bhi_operation *operation; /* to complete; NULL: nobody waits           */
    bool (*is_ready)(
        const struct bhi_waitable *self); /* waiting would return at once; no effects */
    bhi_poll_pollable *pollables;         /* list, kept by host/poll.c */
} bhi_waitable;

static inline void bhi_waitable_notify(bhi_waitable *waitable)
{
    if (waitable->operation != NULL && !waitable->operation->is_complete)
        bhi_operation_complete(waitable->operation);
}

/* host/poll.c: a pollable of this waitable, for a subscribe function to hand out. NULL: no memory.
 */
bhi_poll_pollable *bhi_pollable_create(bhi_waitable *waitable);
/* host/poll.c: the object goes; its pollables live on and are ready. Wakes who waits. */
void bhi_waitable_deinit(bhi_waitable *waitable);

#endif
