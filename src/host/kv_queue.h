/* host/kv_queue.h - the writes that wait for the writer thread, and the batch it works on.
 *
 *     push ─► waiting ─► take ─► batch ─► answer ─► the callback, then the write is destroyed
 *
 * A write is on exactly one of the two lists. The links of the batch change only under the lock;
 * between take and answer they do not change, and the writer thread may read them without it.
 */
#ifndef BHI_HOST_KV_QUEUE_H
#define BHI_HOST_KV_QUEUE_H

#include <pthread.h>

#include "host/kv_write.h"

typedef struct bhi_kv_queue {
    uint32_t writes_max; /* waiting */
    uint64_t bytes_max;  /* waiting; one write is always accepted by an empty queue */
    uint32_t batch_writes_max;
    uint64_t batch_bytes_max;
    pthread_mutex_t lock;    /* guards all that follows */
    pthread_cond_t filled;   /* something waits, or the queue was closed */
    pthread_cond_t returned; /* a callback has returned */
    bool is_closed;
    bhi_link waiting;
    bhi_link batch;
    uint32_t waiting_writes;
    uint64_t waiting_bytes;
    uint64_t last_ticket;
    uint64_t answering; /* the ticket whose callback runs, 0: none */
    pthread_t answerer; /* the thread that runs it */
    uint64_t answered_count;
    uint64_t refused_count;
} bhi_kv_queue;

/* The four maxima are set by the caller; everything else is zeroed. */
void bhi_kv_queue_init(bhi_kv_queue *queue);
void bhi_kv_queue_deinit(bhi_kv_queue *queue); /* both lists are empty */

BH_MUST_USE bh_status bhi_kv_queue_push(bhi_kv_queue *queue, bhi_kv_write *take_write,
                                        uint64_t *ret_ticket, bh_error *reterr);

/* Wait for writes and move as many as a batch may have. False: closed and empty. */
BH_MUST_USE bool bhi_kv_queue_take(bhi_kv_queue *queue);

/* Call the callbacks of the batch in order and destroy its writes. */
void bhi_kv_queue_answer(bhi_kv_queue *queue);

bool bhi_kv_queue_abandon(bhi_kv_queue *queue, uint64_t ticket);

/* Refuse further writes and let take drain the rest. */
void bhi_kv_queue_close(bhi_kv_queue *queue);

#endif
