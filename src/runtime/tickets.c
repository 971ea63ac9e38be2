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

typedef struct queue_key {
    size_t len;
    uint8_t bytes[CAPSULE_BYTES_MAX + 1 + BHI_PRINCIPAL_BYTES_MAX];
} queue_key;

static void make_key(const bhi_ticket_wish *wish, queue_key *ret_key)
{
    size_t capsule_len = strlen(wish->capsule);
    ret_key->len = capsule_len + 1 + wish->principal.len;
    BHI_ASSERT(ret_key->len <= sizeof ret_key->bytes);
    memcpy(ret_key->bytes, wish->capsule, capsule_len + 1);
    if (wish->principal.len > 0)
        memcpy(ret_key->bytes + capsule_len + 1, wish->principal.data, wish->principal.len);
}

static bhi_ticket_queue *find_queue(const bhi_tickets *tickets, const queue_key *key)
{
    bhi_ticket_queue *queue;
    HASH_FIND(hh, tickets->queues, key->bytes, key->len, queue);
    return queue;
}

static bhi_ticket_queue *take_queue(bhi_tickets *tickets, const bhi_ticket_wish *wish)
{
    queue_key key;
    make_key(wish, &key);
    bhi_ticket_queue *queue = find_queue(tickets, &key);
    return queue != NULL ? queue : add_queue(tickets, key.bytes, key.len);
}

/* The limits may have shrunk below what the queue holds. */
static bool has_room(const bhi_ticket_queue *queue, const bhi_ticket_wish *wish)
{
    return queue->count < wish->count_max && queue->bytes <= wish->bytes_max &&
           wish->bytes <= wish->bytes_max - queue->bytes;
}

bool bhi_tickets_have_room(const bhi_tickets *tickets, const bhi_ticket_wish *wish)
{
    queue_key key;
    make_key(wish, &key);
    const bhi_ticket_queue *queue = find_queue(tickets, &key);
    return queue == NULL || has_room(queue, wish);
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
    if (!has_room(queue, wish)) {
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

bool bhi_tickets_resize(bhi_ticket *ticket, size_t bytes, size_t bytes_max)
{
    size_t of_others = ticket->queue->bytes - ticket->bytes;
    if (bytes > ticket->bytes && (of_others > bytes_max || bytes > bytes_max - of_others))
        return false;
    ticket->queue->bytes = of_others + bytes;
    ticket->bytes = bytes;
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
