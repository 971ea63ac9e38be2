/* bus/queue.h - messages that wait for one subscriber, fairly between principals.
 *
 * Each principal has a FIFO of its own; taking goes round them (deficit round robin: Shreedhar and
 * Varghese, 1995), so that many or large messages of one do not hold up another's. A message that
 * does not fit pushes out the oldest ones of whoever holds the most bytes.
 *
 * M2, M4 and M6 of bus.h are kept here. Pure: no lock, no clock.
 *
 * Threads: the caller's lock.
 */
#ifndef BHI_BUS_QUEUE_H
#define BHI_BUS_QUEUE_H

#include "base/list.h"
#include "bus/bus.h"

typedef struct bhi_lane bhi_lane;

typedef struct bhi_queue {
    bhi_lane *lanes;  /* hash table by trust and principal */
    bhi_lane *latest; /* the lane used last, or NULL */
    bhi_link turns;   /* lanes with messages, in the order of their turns */
    bhi_link idle;    /* lanes without, kept for their principal's next message, oldest first */
    uint32_t idle_count, active_count;
    size_t bytes; /* as M2 counts them */
    bhi_bus_account *account;
    size_t reserved; /* of its own, and of the account: no less than `bytes` */
    size_t count;
    uint64_t dropped; /* since the last take */
    uint64_t lagged;  /* ever */
} bhi_queue;

/* `account` may be NULL. */
void bhi_queue_init(bhi_queue *queue, bhi_bus_account *account);
/* Releases what is queued. */
void bhi_queue_deinit(bhi_queue *queue);

/* Retains the message. False: no memory, or no room on the account, and it counts as dropped. */
bool bhi_queue_push(bhi_queue *queue, bhi_message *message);

/* See bhi_subscriber_take. */
void bhi_queue_take(bhi_queue *queue, size_t bytes_max, bool one_principal, bhi_batch *ret_batch);

#endif
