/* runtime/tickets.c - a hash table of queues; see the header. */
#include <stdlib.h>

#include "base/assert.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

#include "host/principal.h"
#include "runtime/tickets.h"

enum { CAPSULE_BYTES_MAX = 64 };

struct bhi_ticket_queue {
    UT_hash_handle hh;
    bool is_refused; /* the hash table had no memory */
    bhi_link tickets;
    uint32_t count;
    size_t bytes;
    size_t key_len;
    uint8_t key[]; /* capsule, NUL, principal */
};

static bhi_ticket_queue *add_queue(bhi_tickets *tickets, const uint8_t *key, size_t key_len)
{
    bhi_ticket_queue *queue = calloc(1, sizeof *queue + key_len);
    if (queue == NULL)
        return NULL;
    bhi_link_init(&queue->tickets);
    queue->key_len = key_len;
    memcpy(queue->key, key, key_len);
    HASH_ADD_KEYPTR(hh, tickets->queues, queue->key, queue->key_len, queue);
    if (!queue->is_refused)
        return queue;
    free(queue);
    return NULL;
}

static bhi_ticket_queue *take_queue(bhi_tickets *tickets, const bhi_ticket_wish *wish)
{
    uint8_t key[CAPSULE_BYTES_MAX + 1 + BHI_PRINCIPAL_BYTES_MAX];
    size_t capsule_len = strlen(wish->capsule), key_len = capsule_len + 1 + wish->principal.len;
    BHI_ASSERT(key_len <= sizeof key);
    memcpy(key, wish->capsule, capsule_len + 1);
    if (wish->principal.len > 0)
        memcpy(key + capsule_len + 1, wish->principal.data, wish->principal.len);
    bhi_ticket_queue *queue;
    HASH_FIND(hh, tickets->queues, key, key_len, queue);
    return queue != NULL ? queue : add_queue(tickets, key, key_len);
}

static void drop_empty(bhi_tickets *tickets, bhi_ticket_queue *queue)
{
    if (queue->count > 0)
        return;
    HASH_DEL(tickets->queues, queue);
    free(queue);
}

bool bhi_tickets_take(bhi_tickets *tickets, const bhi_ticket_wish *wish, bhi_ticket *ticket)
{
    BHI_ASSERT(wish->bytes <= wish->bytes_max); /* so an empty queue has room for it */
    bhi_ticket_queue *queue = take_queue(tickets, wish);
    if (queue == NULL)
        return false;
    if (queue->count == wish->count_max || wish->bytes > wish->bytes_max - queue->bytes) {
        drop_empty(tickets, queue);
        return false;
    }
    *ticket = (bhi_ticket){.queue = queue, .bytes = wish->bytes};
    queue->count++;
    queue->bytes += wish->bytes;
    bhi_link_init(&ticket->link);
    bhi_list_push_back(&queue->tickets, &ticket->link);
    return true;
}

bool bhi_ticket_is_first(const bhi_ticket *ticket)
{
    return bhi_list_first(&ticket->queue->tickets) == &ticket->link;
}

bhi_ticket *bhi_tickets_leave(bhi_tickets *tickets, bhi_ticket *ticket)
{
    bhi_ticket_queue *queue = ticket->queue;
    if (queue == NULL)
        return NULL;
    bool was_first = bhi_ticket_is_first(ticket);
    bhi_list_remove(&ticket->link);
    ticket->queue = NULL;
    queue->count--;
    queue->bytes -= ticket->bytes;
    bhi_link *first = bhi_list_first(&queue->tickets);
    drop_empty(tickets, queue);
    return was_first && first != NULL ? BHI_CONTAINER_OF(first, bhi_ticket, link) : NULL;
}
