/* bus/bus.h - messages by topic, to subscribers with bounded queues.
 *
 * Publishing puts a message on the queue of every subscriber whose pattern covers its topic; it
 * never runs them. A queue holds one FIFO per principal, taken from in turns (deficit round robin),
 * so that one principal's messages do not hold up another's. When a queue is full it drops the
 * oldest message of the principal that holds the most, and counts it.
 *
 * M1  A message is on a subscriber's queue at most once; what was taken or dropped was counted.
 * M2  A queue never exceeds its bytes and, for each principal, its messages. A small message counts
 *     as BHI_BUS_MESSAGE_BYTES_MIN, about what its bookkeeping takes: so many principals with a
 *     byte each cannot make a queue large or slow.
 * M3  ready_cb is called exactly when a queue turns from empty to not empty, before publish
 *     returns, and never after bhi_subscriber_close returned.
 * M4  Per principal and subscriber, messages come in the order of publishing.
 * M5  Leases and run loops that subscribe take no place from each other, and nobody takes one from
 *     the host's listeners: how many a message reaches is limited for each rank apart.
 * M6  Queues with one account hold BHI_BUS_ACCOUNT_BYTES_MAX together, and 64 KiB each besides.
 *
 * Threads: every function may be called from any thread.
 */
#ifndef BHI_BUS_BUS_H
#define BHI_BUS_BUS_H

#include "bus/message.h"

#define BHI_BUS_QUEUE_BYTES_MAX   (1u << 20)
#define BHI_BUS_ACCOUNT_BYTES_MAX (8u << 20)
enum {
    BHI_BUS_PRINCIPAL_MESSAGES_MAX = 256, /* on one queue */
    BHI_BUS_MESSAGE_BYTES_MIN = 512,
    BHI_BUS_FANOUT_MAX = 256, /* of a rank that one message reaches, unless it is the host's */
    BHI_BUS_DEPTH_MAX = 8,    /* messages that cause each other */
    BHI_BUS_TAKE_MAX = 256    /* messages taken at once */
};

typedef struct bhi_bus bhi_bus;
typedef struct bhi_subscriber bhi_subscriber;

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_bus_create(bhi_bus **ret_bus, bh_error *reterr);
/* Takes NULL. Every subscriber is closed by now. */
void bhi_bus_destroy(bhi_bus *bus);

typedef enum bhi_subscriber_rank {
    BHI_SUBSCRIBER_LEASE,     /* of which one principal may have many */
    BHI_SUBSCRIBER_LOOP,      /* of a capsule that takes everybody's messages */
    BHI_SUBSCRIBER_LOOP_MORE, /* a further one of those */
    BHI_SUBSCRIBER_HOST,      /* a listener of the host's: always served */
    BHI_SUBSCRIBER_RANKS
} bhi_subscriber_rank;

/* What several queues hold together, in steps. Zeroed: nothing. It outlives them. */
typedef struct bhi_bus_account {
    atomic_size_t bytes;
} bhi_bus_account;

typedef struct bhi_subscriber_options {
    bhi_bytes pattern;   /* valid; copied                                                   */
    bhi_bytes principal; /* only this one's messages and the system's; empty: everybody's   */
    bhi_subscriber_rank rank;
    bhi_bus_account *account;    /* may be NULL */
    void (*ready_cb)(void *arg); /* on the publisher's thread, with the queue locked: post a task */
    void *arg;
} bhi_subscriber_options;

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_bus_subscribe(bhi_bus *bus, const bhi_subscriber_options *options,
                                        bhi_subscriber **ret_subscriber, bh_error *reterr);
/* Drops what is queued. Takes NULL. */
void bhi_subscriber_close(bhi_subscriber *subscriber);

/* Orders as a lock does: a publisher that finds the queue empty after this found it so sees what
 * the caller wrote before. So whoever notes that it wants a call, and then finds nothing, gets it.
 */
bool bhi_subscriber_is_empty(bhi_subscriber *subscriber);

typedef struct bhi_batch {
    bhi_message *messages[BHI_BUS_TAKE_MAX]; /* retained: release each */
    size_t count;
    uint64_t dropped; /* lost since the last batch */
    uint64_t lagged;  /* lost ever                 */
} bhi_batch;

/* Take what is queued, up to `bytes_max` (but one message in any case), in turns between
 * principals; with `one_principal`, of a single principal, equally trusted (attribution, may_act),
 * and the rest stays. */
void bhi_subscriber_take(bhi_subscriber *subscriber, size_t bytes_max, bool one_principal,
                         bhi_batch *ret_batch);

typedef enum bhi_publish_verdict {
    BHI_PUBLISH_OK,
    BHI_PUBLISH_BACKPRESSURE, /* more than BHI_BUS_FANOUT_MAX of a rank: the first got it; or
                                 the handlers of the topic have too much to do: subscribers got it
                               */
    BHI_PUBLISH_FAILED        /* no memory: nobody got it */
} bhi_publish_verdict;

/* Borrows the message. Its size is at most BHI_BUS_QUEUE_BYTES_MAX, its depth at most
 * BHI_BUS_DEPTH_MAX: the caller has checked. */
bhi_publish_verdict bhi_bus_publish(bhi_bus *bus, bhi_message *message);

/* Who runs the handlers of messages (runtime/dispatcher.h). Called by publish after the
 * subscribers got the message, with no lock held; borrows it. False: too much to do. Set once,
 * before the first publish. */
typedef bool (*bhi_bus_dispatch_cb)(void *arg, bhi_message *message);
void bhi_bus_set_dispatch(bhi_bus *bus, bhi_bus_dispatch_cb dispatch_cb, void *arg);

typedef struct bhi_bus_stats {
    uint64_t published, delivered, dropped, backpressure;
    uint32_t subscribers;
} bhi_bus_stats;

void bhi_bus_read_stats(bhi_bus *bus, bhi_bus_stats *ret_stats);

#endif
