/* runtime/dispatcher.c - the order in which chains may run, and who is held meanwhile.
 *
 * One lock guards the handlers, the tickets, the lists of chains, and how many hooks of a capsule
 * run. It is held for a few lookups per message and never across a call. What runs, runs on lanes
 * without it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/log_bucket.h"
#include "host/log_line.h"
#include "runtime/chain.h"
#include "runtime/handlers.h"

_Static_assert((int)BHI_HANDLERS_FOUND_MAX == (int)BHI_DISPATCH_STEPS_MAX,
               "a chain has room for all");

struct bhi_dispatcher {
    bh_runtime *runtime;
    pthread_mutex_t lock;
    pthread_cond_t ended;  /* the last chain, or the last hook of a capsule */
    bhi_handlers handlers; /* guarded by lock, as what follows */
    bhi_tickets tickets;
    atomic_bool is_closing; /* written under the lock */
    bhi_log_bucket log_bucket;
    uint32_t chains_count;
    bhi_dispatch_stats stats;
    uint32_t lanes_count; /* set once */
    bool has_lanes;       /* guarded by lock; then the lanes are set once */
    bhi_chain_lane lanes[];
};

/* ---- open and close ---- */

/* It is held for less time than it takes to sleep and be woken; and who sleeps is overtaken again
 * and again by a publisher that does not stop. */
static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

bh_status bhi_dispatcher_create(bh_runtime *runtime, uint32_t lanes_count,
                                bhi_dispatcher **ret_dispatcher, bh_error *reterr)
{
    BHI_ASSERT(lanes_count >= 1 && lanes_count <= BHI_DISPATCH_LANES_MAX);
    bhi_dispatcher *dispatcher =
        calloc(1, sizeof *dispatcher + lanes_count * sizeof(bhi_chain_lane));
    if (dispatcher == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a dispatcher");
    dispatcher->runtime = runtime;
    dispatcher->lanes_count = lanes_count;
    init_lock(&dispatcher->lock);
    pthread_cond_init(&dispatcher->ended, NULL);
    bhi_log_bucket_init(&dispatcher->log_bucket, bhi_monotonic_ns());
    *ret_dispatcher = dispatcher;
    return BH_OK;
}

/* A chain's capsule is its lane's, which is this thread. */
static void cancel_lane(bhi_task *task)
{
    bhi_chain_lane *lane = BHI_CONTAINER_OF(task, bhi_chain_lane, cancel);
    bhi_dispatcher *dispatcher = lane->dispatcher;
    pthread_mutex_lock(&dispatcher->lock);
    for (bhi_link *link = lane->chains.next; link != &lane->chains; link = link->next) {
        bhi_chain *chain = BHI_CONTAINER_OF(link, bhi_chain, link);
        if (dispatcher->is_closing || (chain->capsule != NULL && chain->capsule->hooks.must_end))
            bhi_chain_cancel_locked(chain);
    }
    pthread_mutex_unlock(&dispatcher->lock);
}

static void post_cancels_locked(bhi_dispatcher *dispatcher)
{
    for (uint32_t i = 0; i < dispatcher->lanes_count && dispatcher->has_lanes; i++)
        bhi_worker_post(dispatcher->lanes[i].worker, &dispatcher->lanes[i].cancel);
}

void bhi_dispatcher_close(bhi_dispatcher *dispatcher)
{
    if (dispatcher == NULL)
        return;
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->is_closing = true;
    post_cancels_locked(dispatcher);
    while (dispatcher->chains_count > 0)
        pthread_cond_wait(&dispatcher->ended, &dispatcher->lock);
    pthread_mutex_unlock(&dispatcher->lock);
}

void bhi_dispatcher_destroy(bhi_dispatcher *dispatcher)
{
    if (dispatcher == NULL)
        return;
    bhi_dispatcher_close(dispatcher);
    for (uint32_t i = 0; i < dispatcher->lanes_count; i++)
        bhi_worker_destroy(dispatcher->lanes[i].worker); /* stops and joins it */
    BHI_ASSERT(dispatcher->tickets.queues == NULL);
    bhi_handlers_deinit(&dispatcher->handlers);
    bhi_log_bucket_deinit(&dispatcher->log_bucket);
    pthread_cond_destroy(&dispatcher->ended);
    pthread_mutex_destroy(&dispatcher->lock);
    free(dispatcher);
}

static bh_status open_lane(bhi_dispatcher *dispatcher, uint32_t index, bh_error *reterr)
{
    bhi_chain_lane *lane = &dispatcher->lanes[index];
    char name[24];
    bhi_link_init(&lane->chains);
    bhi_task_init(&lane->cancel, cancel_lane);
    lane->dispatcher = dispatcher;
    snprintf(name, sizeof name, "bh-events-%u", (unsigned)index);
    bh_status status = bhi_worker_create(&lane->worker, reterr);
    return status == BH_OK ? bhi_worker_start(lane->worker, name, reterr) : status;
}

/* Under the lock. Lanes that could not be opened are tried again at the next start. */
static bh_status open_lanes(bhi_dispatcher *dispatcher, bh_error *reterr)
{
    bh_status status = BH_OK;
    for (uint32_t i = 0; i < dispatcher->lanes_count && !dispatcher->has_lanes; i++) {
        if (dispatcher->lanes[i].worker != NULL)
            continue;
        status = open_lane(dispatcher, i, reterr);
        if (status != BH_OK) {
            bhi_worker_destroy(dispatcher->lanes[i].worker);
            dispatcher->lanes[i].worker = NULL;
            return status;
        }
    }
    dispatcher->has_lanes = true;
    return status;
}

/* ---- start and stop ---- */

bh_status bhi_dispatcher_start(bhi_dispatcher *dispatcher, bh_capsule *capsule, bh_error *reterr)
{
    pthread_mutex_lock(&dispatcher->lock);
    bh_status status = BH_OK;
    if (capsule->hooks.must_not_start) /* closed since, and another version may have its name */
        status = bhi_fail(reterr, BH_E_CLOSED, "capsule %s is closed", capsule->manifest.name);
    else if (capsule->grants.handlers_count > 0)
        status = open_lanes(dispatcher, reterr);
    if (status == BH_OK)
        status = bhi_handlers_add(&dispatcher->handlers, capsule, reterr);
    if (status == BH_OK)
        capsule->hooks.must_end = false;
    pthread_mutex_unlock(&dispatcher->lock);
    return status;
}

void bhi_dispatcher_unbind(bhi_dispatcher *dispatcher, bh_capsule *capsule)
{
    pthread_mutex_lock(&dispatcher->lock);
    capsule->hooks.must_not_start = true;
    bhi_handlers_remove(&dispatcher->handlers, capsule);
    pthread_mutex_unlock(&dispatcher->lock);
}

static uint32_t cancel_locked(bhi_dispatcher *dispatcher, bh_capsule *capsule)
{
    capsule->hooks.must_end = true;
    if (capsule->hooks.running > 0)
        post_cancels_locked(dispatcher);
    return capsule->hooks.running;
}

uint32_t bhi_dispatcher_cancel(bhi_dispatcher *dispatcher, bh_capsule *capsule)
{
    pthread_mutex_lock(&dispatcher->lock);
    uint32_t running = cancel_locked(dispatcher, capsule);
    pthread_mutex_unlock(&dispatcher->lock);
    return running;
}

void bhi_dispatcher_when_idle(bhi_dispatcher *dispatcher, bh_capsule *capsule, bhi_worker *worker,
                              bhi_task *task)
{
    pthread_mutex_lock(&dispatcher->lock);
    BHI_ASSERT(capsule->hooks.idle_task == NULL);
    if (capsule->hooks.running == 0) {
        bhi_worker_post(worker, task);
    } else {
        capsule->hooks.idle_worker = worker;
        capsule->hooks.idle_task = task;
    }
    pthread_mutex_unlock(&dispatcher->lock);
}

void bhi_dispatcher_stop(bhi_dispatcher *dispatcher, bh_capsule *capsule)
{
    pthread_mutex_lock(&dispatcher->lock);
    bhi_handlers_remove(&dispatcher->handlers, capsule);
    cancel_locked(dispatcher, capsule);
    while (capsule->hooks.running > 0)
        pthread_cond_wait(&dispatcher->ended, &dispatcher->lock);
    pthread_mutex_unlock(&dispatcher->lock);
}

/* ---- hooks that run ---- */

bh_capsule *bhi_dispatcher_hold(bhi_dispatcher *dispatcher, const char *name, const bh_capsule *but)
{
    pthread_mutex_lock(&dispatcher->lock);
    bh_capsule *found = bhi_handlers_capsule(&dispatcher->handlers, name);
    if (found == but ||
        (found != NULL && !bhi_capsule_retain_if_held_beside(found, found->hooks.running)))
        found = NULL; /* D5: when only hooks hold it, it is released */
    if (found != NULL) {
        found->hooks.running++;
        dispatcher->stats.running++;
    }
    pthread_mutex_unlock(&dispatcher->lock);
    return found;
}

void bhi_dispatcher_let_go(bhi_dispatcher *dispatcher, bh_capsule *take_capsule)
{
    if (take_capsule == NULL)
        return;
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->stats.running--;
    if (--take_capsule->hooks.running == 0) {
        pthread_cond_broadcast(&dispatcher->ended);
        if (take_capsule->hooks.idle_task != NULL)
            bhi_worker_post(take_capsule->hooks.idle_worker, take_capsule->hooks.idle_task);
        take_capsule->hooks.idle_task = NULL;
    }
    bool is_released = bhi_capsule_release_unless_last(take_capsule); /* with `running`: see hold */
    pthread_mutex_unlock(&dispatcher->lock);
    if (!is_released)
        bh_capsule_release(take_capsule);
}

/* ---- tickets ---- */

/* Who is first now may run, if its chain has come to that step. Chains that want the same are of
 * one principal, so of this lane, whose thread alone moves `at`. */
static void leave_locked(bhi_dispatcher *dispatcher, bhi_chain_step *step)
{
    bhi_ticket *first = bhi_tickets_leave(&dispatcher->tickets, &step->ticket);
    if (first == NULL)
        return;
    const bhi_chain_step *next = BHI_CONTAINER_OF(first, bhi_chain_step, ticket);
    bhi_chain *chain = next->chain;
    if (chain != step->chain && next == &chain->steps[chain->at])
        bhi_worker_ready(chain->lane->worker, &chain->task);
}

static void leave_all_locked(bhi_dispatcher *dispatcher, bhi_chain *chain, size_t count)
{
    while (count-- > 0) /* the last one first: nobody else is behind them yet */
        bhi_tickets_leave(&dispatcher->tickets, &chain->steps[count].ticket);
    bhi_tickets_leave(&dispatcher->tickets, &chain->place);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* On the principal's account: no more than the lane has left, so that principals which flood leave
 * as much for the next one as each of them has (dynamic thresholds; Choudhury and Hahne, 1998). */
static bhi_ticket_wish account_wish(const bhi_chain_lane *lane, const bhi_message *message)
{
    return (bhi_ticket_wish){
        .capsule = "",
        .principal = message->spec.principal,
        .bytes = bhi_message_bytes(message),
        .count_max =
            (uint32_t)least(BHI_DISPATCH_PRINCIPAL_MAX, BHI_DISPATCH_LANE_MAX - lane->count),
        .bytes_max =
            least(BHI_DISPATCH_PRINCIPAL_BYTES_MAX, BHI_DISPATCH_LANE_BYTES_MAX - lane->bytes),
    };
}

static bhi_ticket_wish step_wish(const bhi_message *message, const char *capsule)
{
    return (bhi_ticket_wish){
        .capsule = capsule,
        .principal = message->spec.principal,
        .bytes = bhi_message_bytes(message),
        .count_max = BHI_DISPATCH_KEY_MAX,
        .bytes_max = BHI_DISPATCH_PRINCIPAL_BYTES_MAX,
    };
}

/* D3: a place on the principal's account and a ticket for each step, or none. */
static bool take_tickets_locked(bhi_dispatcher *dispatcher, bhi_chain *chain)
{
    bhi_ticket_wish wish = account_wish(chain->lane, chain->message);
    if (!bhi_tickets_take(&dispatcher->tickets, &wish, &chain->place))
        return false;
    for (size_t i = 0; i < chain->steps_count; i++) {
        wish = step_wish(chain->message, chain->steps[i].told.capsule);
        if (bhi_tickets_take(&dispatcher->tickets, &wish, &chain->steps[i].ticket))
            continue;
        leave_all_locked(dispatcher, chain, i);
        return false;
    }
    return true;
}

/* D3: what it grows by is like a message that comes. */
bool bhi_dispatcher_charge(bhi_chain *chain, size_t payload_bytes)
{
    bhi_dispatcher *dispatcher = chain->dispatcher;
    bhi_chain_lane *lane = chain->lane;
    pthread_mutex_lock(&dispatcher->lock);
    bhi_ticket_wish wish = account_wish(lane, chain->message);
    size_t of_others = lane->bytes - chain->place.bytes;
    bool is_charged = bhi_tickets_resize(&chain->place, wish.bytes + payload_bytes, wish.bytes_max);
    lane->bytes = of_others + chain->place.bytes;
    pthread_mutex_unlock(&dispatcher->lock);
    return is_charged;
}

bool bhi_dispatcher_is_first(const bhi_chain_step *step)
{
    bhi_dispatcher *dispatcher = step->chain->dispatcher;
    pthread_mutex_lock(&dispatcher->lock);
    bool is_first = bhi_ticket_is_first(&step->ticket);
    pthread_mutex_unlock(&dispatcher->lock);
    return is_first;
}

void bhi_dispatcher_leave(bhi_chain_step *step)
{
    bhi_dispatcher *dispatcher = step->chain->dispatcher;
    pthread_mutex_lock(&dispatcher->lock);
    leave_locked(dispatcher, step);
    pthread_mutex_unlock(&dispatcher->lock);
}

/* ---- chains ---- */

static bool fill_step(bhi_chain *chain, bhi_chain_step *step, const bhi_handler *from)
{
    const char *name = bhi_handler_capsule(from)->manifest.name;
    step->told = (bh_event_step){
        .capsule = bhi_arena_text(&chain->arena, bhi_bytes_of(name)),
        .action = bhi_arena_text(&chain->arena, from->binding->action),
        .outcome = BH_OUTCOME_REFUSED,
    };
    step->continues_on_failure = from->binding->continues_on_failure;
    step->chain = chain;
    return step->told.capsule != NULL && step->told.action != NULL;
}

static void free_chain(bhi_chain *chain)
{
    bhi_message_release(chain->message);
    bhi_buffer_deinit(&chain->changed);
    bhi_buffer_deinit(&chain->answer);
    bhi_arena_deinit(&chain->arena);
    free(chain);
}

/* FNV-1a: a principal's messages are all on one lane. */
static bhi_chain_lane *lane_of(bhi_dispatcher *dispatcher, bhi_bytes principal)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < principal.len; i++)
        hash = (hash ^ principal.data[i]) * 16777619u;
    return &dispatcher->lanes[hash % dispatcher->lanes_count];
}

static bhi_chain *make_chain(bhi_dispatcher *dispatcher, bhi_message *message,
                             const bhi_found_handlers *found)
{
    bhi_chain *chain = calloc(1, sizeof *chain);
    if (chain == NULL)
        return NULL;
    bhi_task_init(&chain->task, bhi_chain_run);
    chain->dispatcher = dispatcher;
    chain->lane = lane_of(dispatcher, message->spec.principal);
    chain->message = bhi_message_retain(message);
    chain->payload = message->spec.payload;
    chain->steps = bhi_arena_calloc(&chain->arena, found->count, sizeof *chain->steps);
    bool is_filled = chain->steps != NULL;
    for (size_t i = 0; i < found->count && is_filled; i++)
        is_filled = fill_step(chain, &chain->steps[i], found->items[i]);
    chain->steps_count = found->count;
    if (is_filled)
        return chain;
    free_chain(chain);
    return NULL;
}

/* Looked at before anything is made: a refusal is cheap, because who is refused tries again. */
static bool has_room(const bhi_dispatcher *dispatcher, const bhi_chain_lane *lane,
                     const bhi_message *message, const bhi_found_handlers *found)
{
    if (lane->count == BHI_DISPATCH_LANE_MAX ||
        bhi_message_bytes(message) > BHI_DISPATCH_LANE_BYTES_MAX - lane->bytes)
        return false;
    bhi_ticket_wish wish = account_wish(lane, message);
    bool has_room = bhi_tickets_have_room(&dispatcher->tickets, &wish);
    for (size_t i = 0; i < found->count && has_room; i++) {
        wish = step_wish(message, bhi_handler_capsule(found->items[i])->manifest.name);
        has_room = bhi_tickets_have_room(&dispatcher->tickets, &wish);
    }
    return has_room;
}

static bool accept_message(bhi_dispatcher *dispatcher, bhi_message *message,
                           const bhi_found_handlers *found)
{
    bhi_chain_lane *lane = lane_of(dispatcher, message->spec.principal);
    if (dispatcher->is_closing || !has_room(dispatcher, lane, message, found))
        return false;
    bhi_chain *chain = make_chain(dispatcher, message, found);
    if (chain == NULL)
        return false;
    if (!take_tickets_locked(dispatcher, chain)) {
        free_chain(chain);
        return false;
    }
    chain->observer = message->observer;
    if (chain->observer != NULL)
        chain->observer->is_accepted = true;
    bhi_list_push_back(&lane->chains, &chain->link);
    lane->count++;
    lane->bytes += bhi_message_bytes(message);
    dispatcher->chains_count++;
    bhi_worker_post(lane->worker, &chain->task); /* under the lock: it cannot end before */
    return true;
}

/* False: too much to do. */
bool bhi_dispatcher_dispatch(void *arg, bhi_message *message)
{
    bhi_dispatcher *dispatcher = arg;
    bhi_found_handlers found;
    if (bhi_handlers_are_none(&dispatcher->handlers))
        return true;
    found.count = 0; /* and no more: it is large, and most messages have no handler */
    pthread_mutex_lock(&dispatcher->lock);
    bool is_whole = bhi_handlers_find(&dispatcher->handlers, message->spec.topic, &found);
    bool is_done = found.count == 0 || (is_whole && accept_message(dispatcher, message, &found));
    if (is_done && found.count > 0)
        dispatcher->stats.accepted++;
    if (!is_done)
        dispatcher->stats.refused++;
    pthread_mutex_unlock(&dispatcher->lock);
    return is_done;
}

static void tell(const bhi_chain *chain, bh_verdict verdict, const char *by)
{
    if (chain->observer == NULL)
        return;
    bh_event_step steps[BHI_DISPATCH_STEPS_MAX];
    for (size_t i = 0; i < chain->at; i++)
        steps[i] = chain->steps[i].told;
    bhi_dispatch_result result = {.verdict = verdict,
                                  .by = by,
                                  .reason = chain->reason,
                                  .payload = chain->payload,
                                  .steps = steps,
                                  .steps_count = chain->at};
    chain->observer->done_cb(chain->observer->arg, &result);
}

/* What was denied leaves a trace, whether or not somebody waits for it. */
static void log_end(bhi_chain *chain, bh_verdict verdict, const char *by)
{
    const bhi_message_spec *spec = &chain->message->spec;
    uint64_t suppressed = 0;
    if ((verdict != BH_VERDICT_DENIED && verdict != BH_VERDICT_FAILED) ||
        !bhi_log_bucket_take(&chain->dispatcher->log_bucket, bhi_monotonic_ns(), &suppressed))
        return;
    bhi_bytes of = spec->principal.len > 0 ? spec->principal : BHI_BYTES_LITERAL("the host");
    bhi_bytes reason = bhi_log_line(&chain->arena, chain->reason);
    if (suppressed > 0)
        bhi_log(BHI_LOG_WARN, "%llu lines on denied messages were suppressed: there are too many",
                (unsigned long long)suppressed);
    bhi_log(verdict == BH_VERDICT_FAILED ? BHI_LOG_WARN : BHI_LOG_INFO,
            "message %llu on %.*s of %.*s: %s%s%s: %.*s",
            (unsigned long long)chain->message->sequence, (int)spec->topic.len,
            (const char *)spec->topic.data, (int)of.len, (const char *)of.data,
            bh_verdict_name(verdict), by[0] == 0 ? "" : " by ", by, (int)reason.len,
            (const char *)reason.data);
}

void bhi_dispatcher_end(bhi_chain *take_chain, bh_verdict verdict, const char *by)
{
    bhi_dispatcher *dispatcher = take_chain->dispatcher;
    log_end(take_chain, verdict, by);
    tell(take_chain, verdict, by);
    bhi_worker_forget(take_chain->lane->worker, &take_chain->task);
    pthread_mutex_lock(&dispatcher->lock);
    bhi_list_remove(&take_chain->link);
    bhi_tickets_leave(&dispatcher->tickets, &take_chain->place);
    take_chain->lane->count--;
    take_chain->lane->bytes -= take_chain->place.bytes;
    dispatcher->stats.verdicts[verdict]++;
    bool is_last = --dispatcher->chains_count == 0;
    if (is_last)
        pthread_cond_broadcast(&dispatcher->ended);
    pthread_mutex_unlock(&dispatcher->lock);
    free_chain(take_chain);
}

bool bhi_dispatcher_is_closing(const bhi_dispatcher *dispatcher)
{
    return atomic_load_explicit(&dispatcher->is_closing, memory_order_acquire);
}

void bhi_dispatcher_read_stats(bhi_dispatcher *dispatcher, bhi_dispatch_stats *ret_stats)
{
    pthread_mutex_lock(&dispatcher->lock);
    *ret_stats = dispatcher->stats;
    ret_stats->waiting = dispatcher->chains_count;
    pthread_mutex_unlock(&dispatcher->lock);
}
