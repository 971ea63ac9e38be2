/* bus/bus.c - an index of subscribers, a queue in each.
 *
 * Publishing holds the index for reading and locks one queue after the other; subscribing and
 * closing hold it for writing, so a closed subscriber is in no publisher's hands (M3). Lock order:
 * index, then queue; ready_cb runs under both and may only post. What is counted is counted apart
 * in each slot of the lock, so publishers on several threads share the sequence only.
 */
#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/brlock.h"
#include "bus/queue.h"
#include "bus/topic_index.h"

typedef struct counts {
    uint64_t delivered, dropped, backpressure;
    char apart[128 - 3 * sizeof(uint64_t)]; /* no cache line holds those of two slots */
} counts;

struct bhi_bus {
    bhi_bus_dispatch_cb dispatch_cb; /* set once, with its argument */
    void *dispatch_arg;
    bhi_brlock lock;
    bhi_topic_index subscribers;     /* guarded by lock */
    counts counts[BHI_BRLOCK_SLOTS]; /* each by its slot of the lock */
    atomic_ullong sequence;          /* relaxed */
    atomic_uint subscribers_count;   /* relaxed */
};

struct bhi_subscriber {
    bhi_topic_entry entry; /* first */
    bhi_bus *bus;          /* set once, with what follows */
    void (*ready_cb)(void *arg);
    void *arg;
    bhi_subscriber_rank rank;
    bool is_scoped; /* to `principal` and the system */
    bhi_bytes principal;
    pthread_mutex_t lock;
    bhi_queue queue; /* guarded by lock */
    uint8_t principal_text[];
};

bh_status bhi_bus_create(bhi_bus **ret_bus, bh_error *reterr)
{
    bhi_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a bus");
    bhi_brlock_init(&bus->lock);
    *ret_bus = bus;
    return BH_OK;
}

void bhi_bus_destroy(bhi_bus *bus)
{
    if (bus == NULL)
        return;
    BHI_ASSERT(atomic_load(&bus->subscribers_count) == 0);
    bhi_topic_index_deinit(&bus->subscribers);
    bhi_brlock_deinit(&bus->lock);
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
    subscriber->rank = options->rank;
    subscriber->is_scoped = options->principal.len > 0;
    if (subscriber->is_scoped)
        memcpy(subscriber->principal_text, options->principal.data, options->principal.len);
    subscriber->principal = (bhi_bytes){subscriber->principal_text, options->principal.len};
    pthread_mutex_init(&subscriber->lock, NULL);
    bhi_queue_init(&subscriber->queue, options->account);
    return subscriber;
}

bh_status bhi_bus_subscribe(bhi_bus *bus, const bhi_subscriber_options *options,
                            bhi_subscriber **ret_subscriber, bh_error *reterr)
{
    bhi_subscriber *subscriber = make_subscriber(bus, options);
    if (subscriber == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a subscription");
    bhi_brlock_write(&bus->lock);
    bh_status status =
        bhi_topic_index_add(&bus->subscribers, options->pattern, &subscriber->entry, reterr);
    bhi_brlock_write_end(&bus->lock);
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
    bhi_brlock_write(&bus->lock);
    bhi_topic_index_remove(&bus->subscribers, &subscriber->entry);
    bhi_brlock_write_end(&bus->lock);
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
    uint32_t reached, wanted[BHI_SUBSCRIBER_RANKS];
    uint64_t dropped;
    bool is_cut; /* more want it than it reaches */
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

/* One principal's subscribers would hide what the host says. */
static bool is_unlimited(const bhi_subscriber *subscriber, const bhi_message *message)
{
    return subscriber->rank == BHI_SUBSCRIBER_HOST ||
           message->spec.attribution == BHI_ATTRIBUTION_SYSTEM;
}

static bool visit_subscriber(void *arg, bhi_topic_entry *entry)
{
    fan_out *fan = arg;
    bhi_subscriber *subscriber = (bhi_subscriber *)entry;
    if (!may_receive(subscriber, fan->message))
        return true;
    if (++fan->wanted[subscriber->rank] > BHI_BUS_FANOUT_MAX &&
        !is_unlimited(subscriber, fan->message)) {
        fan->is_cut = true;
        return true; /* one of another rank may follow */
    }
    fan->reached++;
    deliver(subscriber, fan);
    return true;
}

/* False: more subscribers than one message reaches. */
static bool reach(bhi_bus *bus, bhi_message *message)
{
    fan_out fan = {.message = message};
    unsigned slot = bhi_brlock_read(&bus->lock);
    message->sequence = 1 + atomic_fetch_add_explicit(&bus->sequence, 1, memory_order_relaxed);
    bhi_topic_index_find(&bus->subscribers, message->spec.topic, visit_subscriber, &fan);
    bus->counts[slot].delivered += fan.reached;
    bus->counts[slot].dropped += fan.dropped;
    bhi_brlock_read_end(&bus->lock, slot);
    return !fan.is_cut;
}

static void count_backpressure(bhi_bus *bus)
{
    unsigned slot = bhi_brlock_read(&bus->lock);
    bus->counts[slot].backpressure++;
    bhi_brlock_read_end(&bus->lock, slot);
}

bhi_publish_verdict bhi_bus_publish(bhi_bus *bus, bhi_message *message)
{
    BHI_ASSERT(bhi_message_bytes(message) <= BHI_BUS_QUEUE_BYTES_MAX &&
               message->spec.depth <= BHI_BUS_DEPTH_MAX);
    bool is_whole = reach(bus, message);
    bool is_dispatched = bus->dispatch_cb == NULL || bus->dispatch_cb(bus->dispatch_arg, message);
    if (is_whole && is_dispatched)
        return BHI_PUBLISH_OK;
    count_backpressure(bus);
    return BHI_PUBLISH_BACKPRESSURE;
}

void bhi_bus_read_stats(bhi_bus *bus, bhi_bus_stats *ret_stats)
{
    *ret_stats = (bhi_bus_stats){
        .published = atomic_load_explicit(&bus->sequence, memory_order_relaxed),
        .subscribers = atomic_load_explicit(&bus->subscribers_count, memory_order_relaxed),
    };
    bhi_brlock_write(&bus->lock);
    for (unsigned slot = 0; slot < BHI_BRLOCK_SLOTS; slot++) {
        ret_stats->delivered += bus->counts[slot].delivered;
        ret_stats->dropped += bus->counts[slot].dropped;
        ret_stats->backpressure += bus->counts[slot].backpressure;
    }
    bhi_brlock_write_end(&bus->lock);
}
