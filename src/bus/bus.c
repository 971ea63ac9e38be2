/* bus/bus.c - an index of subscribers, a queue in each.
 *
 * Publishing holds the index for reading and locks one queue after the other; subscribing and
 * closing hold it for writing, so a closed subscriber is in no publisher's hands (M3). Lock order:
 * index, then queue; ready_cb runs under both and may only post.
 */
#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "bus/queue.h"
#include "bus/topic_index.h"

struct bhi_bus {
    bhi_bus_dispatch_cb dispatch_cb; /* set once, with its argument */
    void *dispatch_arg;
    pthread_rwlock_t lock;
    bhi_topic_index subscribers;                              /* guarded by lock */
    atomic_ullong sequence, delivered, dropped, backpressure; /* relaxed */
    atomic_uint subscribers_count;                            /* relaxed */
};

struct bhi_subscriber {
    bhi_topic_entry entry; /* first */
    bhi_bus *bus;          /* set once, with what follows */
    void (*ready_cb)(void *arg);
    void *arg;
    bool is_scoped; /* to `principal` and the system */
    bhi_bytes principal;
    pthread_mutex_t lock;
    bhi_queue queue; /* guarded by lock */
    uint8_t principal_text[];
};

/* Whoever subscribes or closes waits for the publishers that are there, not for those to come: else
 * a storm of messages would keep every lease from ending. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

bh_status bhi_bus_create(bhi_bus **ret_bus, bh_error *reterr)
{
    bhi_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a bus");
    init_lock(&bus->lock);
    *ret_bus = bus;
    return BH_OK;
}

void bhi_bus_destroy(bhi_bus *bus)
{
    if (bus == NULL)
        return;
    BHI_ASSERT(atomic_load(&bus->subscribers_count) == 0);
    bhi_topic_index_deinit(&bus->subscribers);
    pthread_rwlock_destroy(&bus->lock);
    free(bus);
}

void bhi_bus_set_dispatch(bhi_bus *bus, bhi_bus_dispatch_cb dispatch_cb, void *arg)
{
    bus->dispatch_cb = dispatch_cb;
    bus->dispatch_arg = arg;
}

/* ---- subscribers ---- */

static void free_subscriber(bhi_subscriber *subscriber)
{
    bhi_queue_deinit(&subscriber->queue);
    pthread_mutex_destroy(&subscriber->lock);
    free(subscriber);
}

static bhi_subscriber *make_subscriber(bhi_bus *bus, const bhi_subscriber_options *options)
{
    bhi_subscriber *subscriber = calloc(1, sizeof *subscriber + options->principal.len);
    if (subscriber == NULL)
        return NULL;
    subscriber->bus = bus;
    subscriber->ready_cb = options->ready_cb;
    subscriber->arg = options->arg;
    subscriber->is_scoped = options->principal.len > 0;
    if (subscriber->is_scoped)
        memcpy(subscriber->principal_text, options->principal.data, options->principal.len);
    subscriber->principal = (bhi_bytes){subscriber->principal_text, options->principal.len};
    pthread_mutex_init(&subscriber->lock, NULL);
    bhi_queue_init(&subscriber->queue);
    return subscriber;
}

bh_status bhi_bus_subscribe(bhi_bus *bus, const bhi_subscriber_options *options,
                            bhi_subscriber **ret_subscriber, bh_error *reterr)
{
    bhi_subscriber *subscriber = make_subscriber(bus, options);
    if (subscriber == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a subscription");
    pthread_rwlock_wrlock(&bus->lock);
    bh_status status =
        bhi_topic_index_add(&bus->subscribers, options->pattern, &subscriber->entry, reterr);
    pthread_rwlock_unlock(&bus->lock);
    if (status != BH_OK) {
        free_subscriber(subscriber);
        return status;
    }
    atomic_fetch_add_explicit(&bus->subscribers_count, 1, memory_order_relaxed);
    *ret_subscriber = subscriber;
    return BH_OK;
}

void bhi_subscriber_close(bhi_subscriber *subscriber)
{
    if (subscriber == NULL)
        return;
    bhi_bus *bus = subscriber->bus;
    pthread_rwlock_wrlock(&bus->lock);
    bhi_topic_index_remove(&bus->subscribers, &subscriber->entry);
    pthread_rwlock_unlock(&bus->lock);
    free_subscriber(subscriber);
    atomic_fetch_sub_explicit(&bus->subscribers_count, 1, memory_order_relaxed);
}

bool bhi_subscriber_is_empty(bhi_subscriber *subscriber)
{
    pthread_mutex_lock(&subscriber->lock);
    bool is_empty = subscriber->queue.count == 0;
    pthread_mutex_unlock(&subscriber->lock);
    return is_empty;
}

void bhi_subscriber_take(bhi_subscriber *subscriber, size_t bytes_max, bool one_principal,
                         bhi_batch *ret_batch)
{
    pthread_mutex_lock(&subscriber->lock);
    bhi_queue_take(&subscriber->queue, bytes_max, one_principal, ret_batch);
    pthread_mutex_unlock(&subscriber->lock);
}

/* ---- publishing ---- */

typedef struct fan_out {
    bhi_message *message;
    uint32_t reached;
    uint64_t dropped;
} fan_out;

static bool may_receive(const bhi_subscriber *subscriber, const bhi_message *message)
{
    return !subscriber->is_scoped || message->spec.attribution == BHI_ATTRIBUTION_SYSTEM ||
           bhi_bytes_equal(subscriber->principal, message->spec.principal);
}

static void deliver(bhi_subscriber *subscriber, fan_out *fan)
{
    bhi_queue *queue = &subscriber->queue;
    pthread_mutex_lock(&subscriber->lock);
    bool was_empty = queue->count == 0;
    uint64_t lagged = queue->lagged;
    bhi_queue_push(queue, fan->message);
    fan->dropped += queue->lagged - lagged;
    if (was_empty && queue->count > 0)
        subscriber->ready_cb(subscriber->arg);
    pthread_mutex_unlock(&subscriber->lock);
}

static bool visit_subscriber(void *arg, bhi_topic_entry *entry)
{
    fan_out *fan = arg;
    bhi_subscriber *subscriber = (bhi_subscriber *)entry;
    if (!may_receive(subscriber, fan->message))
        return true;
    bool is_ours = fan->message->spec.attribution == BHI_ATTRIBUTION_SYSTEM;
    if (fan->reached == BHI_BUS_FANOUT_MAX && !is_ours) /* one principal's would hide ours */
        return false;
    fan->reached++;
    deliver(subscriber, fan);
    return true;
}

bhi_publish_verdict bhi_bus_publish(bhi_bus *bus, bhi_message *message)
{
    BHI_ASSERT(bhi_message_bytes(message) <= BHI_BUS_QUEUE_BYTES_MAX &&
               message->spec.depth <= BHI_BUS_DEPTH_MAX);
    fan_out fan = {.message = message};
    pthread_rwlock_rdlock(&bus->lock);
    message->sequence = 1 + atomic_fetch_add_explicit(&bus->sequence, 1, memory_order_relaxed);
    bool is_whole =
        bhi_topic_index_find(&bus->subscribers, message->spec.topic, visit_subscriber, &fan);
    pthread_rwlock_unlock(&bus->lock);
    atomic_fetch_add_explicit(&bus->delivered, fan.reached, memory_order_relaxed);
    if (fan.dropped > 0)
        atomic_fetch_add_explicit(&bus->dropped, fan.dropped, memory_order_relaxed);
    bool is_dispatched = bus->dispatch_cb == NULL || bus->dispatch_cb(bus->dispatch_arg, message);
    if (is_whole && is_dispatched)
        return BHI_PUBLISH_OK;
    atomic_fetch_add_explicit(&bus->backpressure, 1, memory_order_relaxed);
    return BHI_PUBLISH_BACKPRESSURE;
}

void bhi_bus_read_stats(bhi_bus *bus, bhi_bus_stats *ret_stats)
{
    *ret_stats = (bhi_bus_stats){
        .published = atomic_load_explicit(&bus->sequence, memory_order_relaxed),
        .delivered = atomic_load_explicit(&bus->delivered, memory_order_relaxed),
        .dropped = atomic_load_explicit(&bus->dropped, memory_order_relaxed),
        .backpressure = atomic_load_explicit(&bus->backpressure, memory_order_relaxed),
        .subscribers = atomic_load_explicit(&bus->subscribers_count, memory_order_relaxed),
    };
}
