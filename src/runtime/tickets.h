/* runtime/tickets.h - who is next, and how many may wait.
 *
 * A queue is named by a capsule and a principal; a ticket is a place on one. Tickets of one chain
 * are taken together, so the chain that took its tickets first is before all others on every queue
 * (dispatcher.h, D2). A queue without a capsule is the principal's account of everything it has
 * waiting.
 *
 * Threads: the caller's lock.
 */
#ifndef BHI_RUNTIME_TICKETS_H
#define BHI_RUNTIME_TICKETS_H

#include "base/bytes.h"
#include "base/list.h"

typedef struct bhi_ticket_queue bhi_ticket_queue;

typedef struct bhi_tickets {
    bhi_ticket_queue *queues; /* hash table; only those with tickets */
} bhi_tickets;

/* Zeroed: of no queue. */
typedef struct bhi_ticket {
    bhi_link link;
    bhi_ticket_queue *queue;
    size_t bytes;
} bhi_ticket;

typedef struct bhi_ticket_wish {
    const char *capsule; /* at most 64 bytes; "": the principal's account */
    bhi_bytes principal; /* at most BHI_PRINCIPAL_BYTES_MAX */
    size_t bytes;        /* of the message */
    uint32_t count_max;
    size_t bytes_max;
} bhi_ticket_wish;

/* False: count_max or bytes_max would be exceeded. */
bool bhi_tickets_have_room(const bhi_tickets *tickets, const bhi_ticket_wish *wish);
/* False: the same, or there is no memory. */
bool bhi_tickets_take(bhi_tickets *tickets, const bhi_ticket_wish *wish, bhi_ticket *ticket);

/* Give the ticket back, if it is of a queue. The ticket that is first now and was not before;
 * NULL: there is none. */
bhi_ticket *bhi_tickets_leave(bhi_tickets *tickets, bhi_ticket *ticket);

/* The ticket counts so many bytes from now on. False: bytes_max would be exceeded by what it counts
 * more than before. */
bool bhi_tickets_resize(bhi_ticket *ticket, size_t bytes, size_t bytes_max);

bool bhi_ticket_is_first(const bhi_ticket *ticket);

#endif
