/* host/ipc_subscription.c - a bus subscriber in a guest's hands.
 *
 * Whoever finds no messages and may go to wait notes that in `is_wanted`. The publisher whose
 * message comes to an empty queue then posts `arrival` to the guest's worker, where it wakes who
 * waits; without the note it posts nothing, so that a guest that is busy with its messages costs
 * publishers no wake-up. No arrival is missed: the note is made before the queue is found empty
 * (bhi_subscriber_is_empty). Closing the subscriber ends the posts, and forgetting the task takes
 * one off that has come already.
 *
 * A run loop acts for whoever's messages it took last: a batch holds messages of one principal, and
 * taking it makes the lease that principal's. Messages of a principal that is only claimed, and may
 * not be acted for, leave the lease to the owner.
 */
#include "host/ipc_subscription.h"

#include <stdlib.h>

#include "base/clock.h"
#include "host/initialising.h"
#include "host/lease_context.h"
#include "host/waitable.h"
#include "worker/timer.h"

enum { RECV_MS_MAX = 60000, LOOP_PLACES_MAX = 8, TEXTS = 4 /* of a message */ };

/* The source of what the host says. */
#define NOBODY BHI_BYTES_LITERAL("00000000-0000-0000-0000-000000000000")

struct bhi_ipc_subscription {
    bhi_waitable waitable;
    bhi_subscriber *subscriber;
    bhi_worker *worker;
    bhi_task arrival;
    atomic_bool is_wanted; /* the next arrival is to be posted; relaxed: the queue's lock orders */
};

/* ---- open and drop ---- */

/* The note has no effect on what anybody sees, and a stale one costs one post. */
static bool is_ready_or_wanted(bhi_ipc_subscription *self)
{
    atomic_store_explicit(&self->is_wanted, true, memory_order_relaxed);
    return !bhi_subscriber_is_empty(self->subscriber);
}

static bool is_ready(const bhi_waitable *waitable)
{
    return is_ready_or_wanted(BHI_CONTAINER_OF(waitable, bhi_ipc_subscription, waitable));
}

static void run_arrival(bhi_task *task)
{
    bhi_waitable_notify(&BHI_CONTAINER_OF(task, bhi_ipc_subscription, arrival)->waitable);
}

/* On the publisher's thread. */
static void ready_cb(void *arg)
{
    bhi_ipc_subscription *self = arg;
    if (!atomic_load_explicit(&self->is_wanted, memory_order_relaxed))
        return;
    atomic_store_explicit(&self->is_wanted, false, memory_order_relaxed);
    bhi_worker_post(self->worker, &self->arrival);
}

/* A run loop's first few have places of their own; more would take them from other loops. */
static bhi_subscriber_rank rank_of_next(const bhi_guest *guest)
{
    uint32_t open = bhi_handles_count(guest->handles, BHI_RESOURCE_IPC_SUBSCRIPTION);
    if (!guest->lease->is_run_loop)
        return BHI_SUBSCRIBER_LEASE;
    return open < LOOP_PLACES_MAX ? BHI_SUBSCRIBER_LOOP : BHI_SUBSCRIBER_LOOP_MORE;
}

bool bhi_ipc_subscription_open(bhi_guest *guest, bhi_bytes pattern,
                               bhi_ipc_subscription_result *ret)
{
    bhi_lease_context *lease = guest->lease;
    bhi_ipc_subscription *self = calloc(1, sizeof *self);
    if (self == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a subscription");
    bhi_task_init(&self->arrival, run_arrival);
    self->waitable.is_ready = is_ready;
    self->worker = lease->worker;
    bhi_subscriber_rank rank = rank_of_next(guest);
    bhi_subscriber_options options = {
        .pattern = pattern,
        .principal = lease->is_run_loop ? (bhi_bytes){0} : lease->principal,
        .rank = rank,
        /* Messages of everybody would fill the account for each other. */
        .account = rank == BHI_SUBSCRIBER_LOOP ? NULL : &lease->messages_held,
        .ready_cb = ready_cb,
        .arg = self};
    if (bhi_bus_subscribe(lease->bus, &options, &self->subscriber, NULL) != BH_OK) {
        free(self);
        return bhi_guest_trap(guest, "the host has no memory for a subscription");
    }
    ret->is_ok = true;
    ret->ok = self;
    return true;
}

void bhi_ipc_subscription_drop(void *subscription)
{
    bhi_ipc_subscription *self = subscription;
    bhi_subscriber_close(self->subscriber);
    bhi_worker_forget(self->worker, &self->arrival);
    bhi_waitable_deinit(&self->waitable);
    free(self);
}

bool bhi_ipc_subscription_subscribe_readiness(bhi_guest *guest, bhi_ipc_subscription *self,
                                              bhi_poll_pollable **ret)
{
    return bhi_waitable_subscribe(&self->waitable, guest, NULL, ret);
}

/* ---- taking messages ---- */

static bhi_ipc_principal_attribution_tag tag_of(bhi_attribution attribution)
{
    switch (attribution) {
    case BHI_ATTRIBUTION_VERIFIED:
        return BHI_IPC_PRINCIPAL_ATTRIBUTION_VERIFIED;
    case BHI_ATTRIBUTION_CLAIMED:
        return BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED;
    case BHI_ATTRIBUTION_SYSTEM:
        break;
    }
    return BHI_IPC_PRINCIPAL_ATTRIBUTION_SYSTEM;
}

static bhi_bytes keep(char *at, bhi_bytes text)
{
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return (bhi_bytes){(const uint8_t *)at, text.len};
}

/* The run loop goes on in the name of this message. */
static void act_for(bhi_lease_context *lease, const bhi_message_spec *spec)
{
    bool is_theirs = spec->attribution == BHI_ATTRIBUTION_VERIFIED ||
                     (spec->attribution == BHI_ATTRIBUTION_CLAIMED && spec->may_act);
    bhi_rates_unpin(lease->rates, lease->rate_window);
    lease->rate_window = NULL;
    lease->principal =
        keep(lease->batch->principal, is_theirs ? spec->principal : lease->grants->owner);
    lease->source_id = keep(lease->batch->source_id, spec->source_id);
    if (lease->limit_cb != NULL)
        lease->limit_cb(lease);
    lease->attribution = is_theirs ? spec->attribution : BHI_ATTRIBUTION_VERIFIED;
    lease->may_act = is_theirs && spec->may_act;
    lease->publish_depth = spec->depth + 1;
    lease->has_caller = true;
    lease->called_at_ns = bhi_monotonic_ns();
}

/* A lease that reads what others caused goes deeper than they; its own messages cause nothing. */
static void take_depth(bhi_lease_context *lease, const bhi_message_spec *spec)
{
    if (lease->publish_depth <= spec->depth && !bhi_bytes_equal(spec->source_id, lease->session_id))
        lease->publish_depth = spec->depth + 1;
}

/* Points into the message, which lives as long as the batch. */
static void show(const bhi_message *message, bhi_ipc_message *ret)
{
    const bhi_message_spec *spec = &message->spec;
    ret->topic = spec->topic;
    ret->payload = spec->payload;
    ret->source_id = spec->source_id.len > 0 ? spec->source_id : NOBODY;
    ret->principal.tag = tag_of(spec->attribution);
    ret->principal.verified = spec->principal; /* or claimed; the system has none */
}

static void release_batch(void *arg)
{
    const bhi_batch *batch = arg;
    for (size_t i = 0; i < batch->count; i++)
        bhi_message_release(batch->messages[i]);
}

/* In the order in which they are lowered. */
static size_t add_texts(const bhi_ipc_message *message, bhi_bytes *texts)
{
    texts[0] = message->topic;
    texts[1] = message->payload;
    texts[2] = message->source_id;
    if (message->principal.tag == BHI_IPC_PRINCIPAL_ATTRIBUTION_SYSTEM)
        return 3;
    texts[3] = message->principal.verified; /* or claimed */
    return TEXTS;
}

static bool show_batch(bhi_guest *guest, const bhi_batch *batch, bhi_ipc_envelope *ret)
{
    bhi_ipc_message *messages = bhi_arena_alloc(&guest->arena, batch->count * sizeof *messages);
    bhi_bytes *texts = bhi_arena_alloc(&guest->arena, batch->count * TEXTS * sizeof *texts);
    size_t texts_count = 0;
    if (messages == NULL || texts == NULL)
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        show(batch->messages[i], &messages[i]);
        texts_count += add_texts(&messages[i], texts + texts_count);
    }
    bhi_guest_expect_texts(guest, texts, texts_count);
    ret->messages = (bhi_ipc_message_list){messages, batch->count};
    return true;
}

static void enter_context(bhi_lease_context *lease, const bhi_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const bhi_message_spec *spec = &batch->messages[i]->spec;
        if (lease->is_run_loop && i == 0)
            act_for(lease, spec);
        else
            take_depth(lease, spec);
    }
    lease->counters.received += batch->count;
    lease->counters.lost += batch->dropped;
}

/* The messages are released when the call's results have been written, with the arena. */
static bool take(bhi_guest *guest, bhi_ipc_subscription *self, bhi_ipc_envelope *ret)
{
    bhi_arena *arena = &guest->arena;
    bhi_batch *batch = bhi_arena_alloc(arena, sizeof *batch);
    if (batch != NULL)
        batch->count = 0;
    if (batch == NULL || !bhi_arena_defer(arena, release_batch, batch))
        return bhi_guest_trap(guest, "the host has no memory for messages");
    bhi_subscriber_take(self->subscriber, BHI_BUS_QUEUE_BYTES_MAX, guest->lease->is_run_loop,
                        batch);
    ret->dropped = batch->dropped;
    ret->lagged = batch->lagged;
    if (batch->count > 0 && !show_batch(guest, batch, ret))
        return bhi_guest_trap(guest, "the host has no memory for messages");
    enter_context(guest->lease, batch);
    return true;
}

bool bhi_ipc_subscription_poll(bhi_guest *guest, bhi_ipc_subscription *self,
                               bhi_ipc_envelope_result *ret)
{
    ret->is_ok = true;
    return take(guest, self, &ret->ok);
}

/* ---- waiting for them ---- */

typedef struct timeout {
    bhi_operation *operation; /* while it is awaited */
    bool is_over;
} timeout;

static void timed_out_cb(void *arg)
{
    timeout *self = arg;
    self->is_over = true;
    if (self->operation != NULL && !self->operation->is_complete)
        bhi_operation_complete(self->operation);
}

/* One suspension, ended by a message or the timeout. False: abandoned. */
static bool suspend_once(bhi_guest *guest, bhi_waitable *waitable, timeout *until)
{
    bhi_operation operation;
    bhi_operation_init(&operation, guest->lease->worker, guest->lease->task, guest);
    waitable->operation = until->operation = &operation;
    bool is_alive = bhi_operation_await(&operation);
    waitable->operation = until->operation = NULL;
    return is_alive;
}

/* Until there are messages or the time is over. False: abandoned, or no memory. */
static bool wait_for_messages(bhi_guest *guest, bhi_ipc_subscription *self, uint64_t timeout_ms)
{
    timeout until = {0};
    bhi_timer *timer;
    if (bhi_timer_open(guest->lease->worker, timeout_ms * BHI_NS_PER_MS, timed_out_cb, &until,
                       &timer, NULL) != BH_OK)
        return bhi_guest_trap(guest, "the host has no memory for a timer");
    bool is_alive = true;
    while (is_alive && !until.is_over && !is_ready_or_wanted(self))
        is_alive = suspend_once(guest, &self->waitable, &until);
    bhi_timer_close(timer);
    return is_alive;
}

bool bhi_ipc_subscription_recv(bhi_guest *guest, bhi_ipc_subscription *self, uint64_t timeout_ms,
                               bhi_ipc_envelope_result *ret)
{
    guest->lease->has_waited = true;
    if (timeout_ms > RECV_MS_MAX)
        timeout_ms = RECV_MS_MAX;
    if (timeout_ms > 0 && bhi_subscriber_is_empty(self->subscriber) &&
        !wait_for_messages(guest, self, timeout_ms))
        return false;
    if (timeout_ms > 0 && bhi_subscriber_is_empty(self->subscriber)) {
        ret->error.tag = BHI_IPC_ERROR_CODE_TIMEOUT;
        return true;
    }
    ret->is_ok = true;
    return take(guest, self, &ret->ok);
}
