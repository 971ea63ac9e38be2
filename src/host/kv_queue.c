/* host/kv_queue.c - see kv_queue.h. Tickets only grow and are never 0. */
#include "host/kv_queue.h"

#include "base/assert.h"

static bhi_kv_write *write_of(bhi_link *link)
{
    return BHI_CONTAINER_OF(link, bhi_kv_write, link);
}

void bhi_kv_queue_init(bhi_kv_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    pthread_cond_init(&queue->returned, NULL);
    bhi_link_init(&queue->waiting);
    bhi_link_init(&queue->batch);
}

void bhi_kv_queue_deinit(bhi_kv_queue *queue)
{
    BHI_ASSERT(bhi_link_is_alone(&queue->waiting) && bhi_link_is_alone(&queue->batch));
    pthread_cond_destroy(&queue->returned);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

static bool is_full_locked(const bhi_kv_queue *queue, const bhi_kv_write *write)
{
    if (queue->waiting_writes == 0)
        return false;
    return queue->waiting_writes >= queue->writes_max ||
           queue->waiting_bytes + write->bytes > queue->bytes_max;
}

static void enqueue_locked(bhi_kv_queue *queue, bhi_kv_write *write)
{
    write->ticket = ++queue->last_ticket;
    bhi_list_push_back(&queue->waiting, &write->link);
    queue->waiting_writes++;
    queue->waiting_bytes += write->bytes;
    pthread_cond_signal(&queue->filled);
}

static void unqueue_locked(bhi_kv_queue *queue, bhi_kv_write *write)
{
    bhi_list_remove(&write->link);
    queue->waiting_writes--;
    queue->waiting_bytes -= write->bytes;
}

bh_status bhi_kv_queue_push(bhi_kv_queue *queue, bhi_kv_write *take_write, uint64_t *ret_ticket,
                            bh_error *reterr)
{
    pthread_mutex_lock(&queue->lock);
    bool is_closed = queue->is_closed;
    bool is_full = is_full_locked(queue, take_write);
    if (!is_closed && !is_full) {
        enqueue_locked(queue, take_write);
        if (ret_ticket != NULL)
            *ret_ticket = take_write->ticket;
    }
    queue->refused_count += !is_closed && is_full;
    pthread_mutex_unlock(&queue->lock);
    if (!is_closed && !is_full)
        return BH_OK;
    bhi_kv_write_destroy(take_write);
    if (is_closed)
        return bhi_fail(reterr, BH_E_CLOSED, "kv store: closed");
    return bhi_fail(reterr, BH_E_LIMIT,
                    "kv store: the queue of writes is full (%u writes, %llu bytes); the disk does "
                    "not keep up",
                    queue->writes_max, (unsigned long long)queue->bytes_max);
}

bool bhi_kv_queue_take(bhi_kv_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (bhi_link_is_alone(&queue->waiting) && !queue->is_closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    uint32_t writes = 0;
    uint64_t bytes = 0;
    bhi_link *link;
    while (writes < queue->batch_writes_max && (link = bhi_list_first(&queue->waiting)) != NULL) {
        bhi_kv_write *write = write_of(link);
        if (writes > 0 && bytes + write->bytes > queue->batch_bytes_max)
            break;
        unqueue_locked(queue, write);
        bhi_list_push_back(&queue->batch, link);
        writes++;
        bytes += write->bytes;
    }
    pthread_mutex_unlock(&queue->lock);
    return writes > 0;
}

void bhi_kv_queue_answer(bhi_kv_queue *queue)
{
    bhi_link *link;
    pthread_mutex_lock(&queue->lock);
    queue->answerer = pthread_self();
    while ((link = bhi_list_first(&queue->batch)) != NULL) {
        bhi_kv_write *write = write_of(link);
        bhi_list_remove(link);
        bool is_abandoned = write->is_abandoned;
        queue->answering = write->ticket;
        queue->answered_count++;
        pthread_mutex_unlock(&queue->lock);
        if (!is_abandoned)
            write->done_cb(write->arg, &write->answer);
        bhi_kv_write_destroy(write);
        pthread_mutex_lock(&queue->lock);
        queue->answering = 0;
        pthread_cond_broadcast(&queue->returned);
    }
    pthread_mutex_unlock(&queue->lock);
}

static bhi_kv_write *find_locked(bhi_link *list, uint64_t ticket)
{
    for (bhi_link *link = list->next; link != list; link = link->next) {
        if (write_of(link)->ticket == ticket)
            return write_of(link);
    }
    return NULL;
}

static void wait_for_return_locked(bhi_kv_queue *queue, uint64_t ticket)
{
    if (queue->answering == ticket && pthread_equal(queue->answerer, pthread_self()))
        return;
    while (queue->answering == ticket)
        pthread_cond_wait(&queue->returned, &queue->lock);
}

bool bhi_kv_queue_abandon(bhi_kv_queue *queue, uint64_t ticket)
{
    if (ticket == 0)
        return false;
    pthread_mutex_lock(&queue->lock);
    bhi_kv_write *waiting = find_locked(&queue->waiting, ticket);
    bhi_kv_write *running = find_locked(&queue->batch, ticket);
    if (waiting != NULL)
        unqueue_locked(queue, waiting);
    else if (running != NULL)
        running->is_abandoned = true;
    else
        wait_for_return_locked(queue, ticket);
    pthread_mutex_unlock(&queue->lock);
    bhi_kv_write_destroy(waiting);
    return waiting != NULL || running != NULL;
}

void bhi_kv_queue_close(bhi_kv_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}
