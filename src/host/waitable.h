/* host/waitable.h - something that a guest can wait for: a queue, a stream, a transfer.
 *
 * A guest waits in one host call at a time, so a waitable has at most one operation to wake. The
 * host call arms every waitable that it waits for, awaits its operation, and disarms them; whoever
 * changes the object calls notify, on the worker's thread. A pollable (host/poll.c) is a name that
 * the guest has for a waitable; it is weak: it lives on when its object goes, and is ready then.
 *
 * V1  While no host call of the guest waits, no waitable has an operation.
 * V2  The waitable's object outlives every bhi_waitable_await on it; a pollable needs no such care.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_WAITABLE_H
#define BHI_HOST_WAITABLE_H

#include "abi/generated/resources.h"
#include "worker/operation.h"

/* Live pollables of one lease. */
enum { BHI_POLLABLES_MAX = 1024 };

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

/* Suspend the guest until the waitable is ready; returns at once if it is. False: the call was
 * abandoned. */
BH_MUST_USE bool bhi_waitable_await(bhi_waitable *waitable, bhi_guest *guest);

/* host/poll.c: a pollable of this waitable, for a subscribe function to hand out. NULL: no memory.
 * Host functions use bhi_waitable_subscribe. */
bhi_poll_pollable *bhi_pollable_create(bhi_waitable *waitable);
/* The same with the guest's limit: creating calls have no error arm, so beyond BHI_POLLABLES_MAX
 * and without memory the guest traps (false). `children`, if given, counts the live pollables made
 * with it; it outlives them. */
BH_MUST_USE bool bhi_waitable_subscribe(bhi_waitable *waitable, bhi_guest *guest,
                                        uint32_t *children, bhi_poll_pollable **ret);
/* host/poll.c: the object goes; its pollables live on and are ready. Wakes who waits. */
void bhi_waitable_deinit(bhi_waitable *waitable);

#endif
