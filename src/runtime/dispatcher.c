/* runtime/dispatcher.c - who handles what, and the order in which chains may run.
 *
 * One lock guards the handlers, the keys with their tickets, and the lists of chains. It is held
 * for a few lookups per message and never across a call. What runs, runs on lanes without it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include "runtime/chain.h"

#include "bus/topic_index.h"
#include "host/principal.h"

/* One handler of a started capsule, in the index. */
typedef struct handler {
    bhi_topic_entry entry; /* first */
    const bhi_handler_binding *binding;
    struct started *owner;
} handler;

typedef struct started {
    UT_hash_handle hh;
    bool is_refused;
    bh_capsule *capsule; /* not held (D5): stopped before it goes */
    size_t handlers_count;
    handler handlers[];
} started;

struct bhi_dispatcher {
    bh_runtime *runtime;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* the last chain */
    started *by_name;     /* guarded by lock, as what follows */
    bhi_topic_index handlers;
    bhi_chain_key *keys;
    bool is_closing;
    uint32_t chains_count;
    bhi_dispatch_stats stats;
    atomic_uint handlers_count; /* relaxed: whoever publishes looks first */
    uint32_t lanes_count;       /* set once */
    bool has_lanes;             /* guarded by lock; then the lanes are set once */
    bhi_chain_lane lanes[];
};

/* ---- open and close ---- */

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
    pthread_mutex_init(&dispatcher->lock, NULL);
    pthread_cond_init(&dispatcher->ended, NULL);
    *ret_dispatcher = dispatcher;
    return BH_OK;
}

static void cancel_lane(bhi_task *task)
{
    bhi_chain_lane *lane = BHI_CONTAINER_OF(task, bhi_chain_lane, cancel);
    bhi_link *link = lane->chains.next;
    while (link != &lane->chains) { /* only this thread takes chains off, and cancel does not */
        bhi_chain_cancel(BHI_CONTAINER_OF(link, bhi_chain, link));
        link = link->next;
    }
}

void bhi_dispatcher_close(bhi_dispatcher *dispatcher)
{
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->is_closing = true;
    for (uint32_t i = 0; i < dispatcher->lanes_count && dispatcher->has_lanes; i++)
        bhi_worker_post(dispatcher->lanes[i].worker, &dispatcher->lanes[i].cancel);
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
    while (dispatcher->by_name != NULL)
        bhi_dispatcher_stop(dispatcher, dispatcher->by_name->capsule);
    BHI_ASSERT(dispatcher->keys == NULL);
    bhi_topic_index_deinit(&dispatcher->handlers);
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

/* ---- who handles what ---- */

static started *make_started(bh_capsule *capsule)
{
    const bhi_grants *grants = &capsule->grants;
    /* A run loop subscribes to the topics of its handlers itself. */
    size_t count = bhi_capsule_is_run_loop(capsule) ? 0 : grants->handlers_count;
    started *made = calloc(1, sizeof *made + count * sizeof(handler));
    if (made == NULL)
        return NULL;
    made->capsule = capsule;
    made->handlers_count = count;
    for (size_t i = 0; i < made->handlers_count; i++) {
        made->handlers[i].binding = &grants->handlers[i];
        made->handlers[i].owner = made;
    }
    return made;
}

static void unbind_handlers(bhi_dispatcher *dispatcher, started *old)
{
    for (size_t i = 0; i < old->handlers_count; i++) {
        if (old->handlers[i].entry.node == NULL)
            continue;
        bhi_topic_index_remove(&dispatcher->handlers, &old->handlers[i].entry);
        atomic_fetch_sub_explicit(&dispatcher->handlers_count, 1, memory_order_relaxed);
    }
}

static bh_status bind_handlers(bhi_dispatcher *dispatcher, started *made, bh_error *reterr)
{
    for (size_t i = 0; i < made->handlers_count; i++) {
        handler *one = &made->handlers[i];
        bh_status status =
            bhi_topic_index_add(&dispatcher->handlers, one->binding->pattern, &one->entry, reterr);
        if (status != BH_OK) {
            unbind_handlers(dispatcher, made);
            return status;
        }
        atomic_fetch_add_explicit(&dispatcher->handlers_count, 1, memory_order_relaxed);
    }
    return BH_OK;
}

static started *find_started(const bhi_dispatcher *dispatcher, const char *name)
{
    started *found;
    HASH_FIND(hh, dispatcher->by_name, name, strlen(name), found);
    return found;
}

static void forget(bhi_dispatcher *dispatcher, started *old)
{
    unbind_handlers(dispatcher, old);
    HASH_DEL(dispatcher->by_name, old);
    free(old);
}

/* The old one goes when the new one is bound: no message finds neither. */
static bh_status hand_over(bhi_dispatcher *dispatcher, started *made, bh_error *reterr)
{
    const char *name = made->capsule->manifest.name;
    started *old = find_started(dispatcher, name);
    bh_status status = bind_handlers(dispatcher, made, reterr);
    if (status != BH_OK)
        return status;
    if (old != NULL)
        forget(dispatcher, old);
    HASH_ADD_KEYPTR(hh, dispatcher->by_name, name, strlen(name), made);
    if (!made->is_refused)
        return BH_OK;
    unbind_handlers(dispatcher, made);
    return bhi_fail(reterr, BH_E_NOMEM, "no memory to start a capsule");
}

bh_status bhi_dispatcher_start(bhi_dispatcher *dispatcher, bh_capsule *capsule, bh_error *reterr)
{
    started *made = make_started(capsule);
    if (made == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to start a capsule");
    pthread_mutex_lock(&dispatcher->lock);
    bh_status status = made->handlers_count > 0 ? open_lanes(dispatcher, reterr) : BH_OK;
    if (status == BH_OK)
        status = hand_over(dispatcher, made, reterr);
    pthread_mutex_unlock(&dispatcher->lock);
    if (status != BH_OK)
        free(made);
    return status;
}

void bhi_dispatcher_stop(bhi_dispatcher *dispatcher, bh_capsule *capsule)
{
    if (capsule->manifest.name == NULL)
        return; /* its manifest was refused */
    pthread_mutex_lock(&dispatcher->lock);
    started *found = find_started(dispatcher, capsule->manifest.name);
    if (found != NULL && found->capsule == capsule)
        forget(dispatcher, found);
    pthread_mutex_unlock(&dispatcher->lock);
}

bh_capsule *bhi_dispatcher_hold(bhi_dispatcher *dispatcher, const char *name)
{
    pthread_mutex_lock(&dispatcher->lock);
    const started *found = find_started(dispatcher, name);
    bh_capsule *held =
        found != NULL && bhi_capsule_retain_if_held(found->capsule) ? found->capsule : NULL;
    pthread_mutex_unlock(&dispatcher->lock);
    return held;
}

/* ---- tickets ---- */

static bhi_chain_key *take_key(bhi_dispatcher *dispatcher, const char *capsule, bhi_bytes principal)
{
    uint8_t text[64 + 1 + BHI_PRINCIPAL_BYTES_MAX];
    size_t name_len = strlen(capsule), len = name_len + 1 + principal.len;
    BHI_ASSERT(len <= sizeof text);
    memcpy(text, capsule, name_len + 1);
    if (principal.len > 0)
        memcpy(text + name_len + 1, principal.data, principal.len);
    bhi_chain_key *key;
    HASH_FIND(hh, dispatcher->keys, text, len, key);
    if (key != NULL)
        return key;
    key = calloc(1, sizeof *key + len);
    if (key == NULL)
        return NULL;
    bhi_link_init(&key->tickets);
    key->len = len;
    memcpy(key->text, text, len);
    HASH_ADD_KEYPTR(hh, dispatcher->keys, key->text, key->len, key);
    if (!key->is_refused)
        return key;
    free(key);
    return NULL;
}

static void leave_locked(bhi_dispatcher *dispatcher, bhi_chain_step *step)
{
    bhi_chain_key *key = step->key;
    if (key == NULL)
        return;
    bool was_first = bhi_list_first(&key->tickets) == &step->link;
    bhi_list_remove(&step->link);
    step->key = NULL;
    if (--key->count == 0) {
        HASH_DEL(dispatcher->keys, key);
        free(key);
        return;
    }
    bhi_chain_step *next = BHI_CONTAINER_OF(bhi_list_first(&key->tickets), bhi_chain_step, link);
    if (was_first && next == &next->chain->steps[next->chain->at] && next->chain != step->chain)
        bhi_worker_post(next->chain->lane->worker, &next->chain->task);
}

/* D3: a ticket for each step, or none. */
static bool take_tickets(bhi_dispatcher *dispatcher, bhi_chain *chain)
{
    for (size_t i = 0; i < chain->steps_count; i++) {
        bhi_chain_step *step = &chain->steps[i];
        bhi_chain_key *key =
            take_key(dispatcher, step->told.capsule, chain->message->spec.principal);
        if (key == NULL || key->count == BHI_DISPATCH_KEY_MAX) {
            while (i-- > 0)
                leave_locked(dispatcher, &chain->steps[i]);
            return false;
        }
        step->key = key;
        key->count++;
        bhi_list_push_back(&key->tickets, &step->link);
    }
    return true;
}

bool bhi_dispatcher_is_first(const bhi_chain_step *step)
{
    bhi_dispatcher *dispatcher = step->chain->dispatcher;
    pthread_mutex_lock(&dispatcher->lock);
    bool is_first = bhi_list_first(&step->key->tickets) == &step->link;
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

typedef struct found_handlers {
    handler *items[BHI_DISPATCH_STEPS_MAX];
    size_t count;
} found_handlers;

static bool collect(void *arg, bhi_topic_entry *entry)
{
    found_handlers *found = arg;
    if (found->count == BHI_DISPATCH_STEPS_MAX)
        return false;
    found->items[found->count++] = (handler *)entry;
    return true;
}

static int compare_handlers(const void *left, const void *right)
{
    const handler *a = *(handler *const *)left, *b = *(handler *const *)right;
    if (a->binding->priority != b->binding->priority)
        return a->binding->priority < b->binding->priority ? -1 : 1;
    int order = strcmp(a->owner->capsule->manifest.name, b->owner->capsule->manifest.name);
    if (order != 0)
        return order;
    return (a->binding > b->binding) - (a->binding < b->binding);
}

static bool fill_step(bhi_chain *chain, bhi_chain_step *step, const handler *from)
{
    const bhi_handler_binding *binding = from->binding;
    step->told.capsule =
        bhi_arena_text(&chain->arena, bhi_bytes_of(from->owner->capsule->manifest.name));
    step->told.action = bhi_arena_copy(&chain->arena, binding->action);
    step->continues_on_failure = binding->continues_on_failure;
    step->priority = binding->priority;
    step->chain = chain;
    bhi_link_init(&step->link);
    return step->told.capsule != NULL && step->told.action.data != NULL;
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
                             found_handlers *found)
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
    qsort(found->items, found->count, sizeof found->items[0], compare_handlers);
    bool is_filled = chain->steps != NULL;
    for (size_t i = 0; i < found->count && is_filled; i++)
        is_filled = fill_step(chain, &chain->steps[i], found->items[i]);
    chain->steps_count = found->count;
    if (is_filled)
        return chain;
    free_chain(chain);
    return NULL;
}

static bool accept_message(bhi_dispatcher *dispatcher, bhi_message *message, found_handlers *found)
{
    bhi_chain *chain = make_chain(dispatcher, message, found);
    if (chain == NULL)
        return false;
    if (dispatcher->is_closing || chain->lane->count == BHI_DISPATCH_LANE_MAX ||
        !take_tickets(dispatcher, chain)) {
        free_chain(chain);
        return false;
    }
    chain->observer = message->observer;
    if (chain->observer != NULL)
        chain->observer->is_accepted = true;
    bhi_list_push_back(&chain->lane->chains, &chain->link);
    chain->lane->count++;
    dispatcher->chains_count++;
    bhi_worker_post(chain->lane->worker, &chain->task); /* under the lock: it cannot end before */
    return true;
}

/* False: too much to do. */
bool bhi_dispatcher_dispatch(void *arg, bhi_message *message)
{
    bhi_dispatcher *dispatcher = arg;
    found_handlers found = {.count = 0};
    if (atomic_load_explicit(&dispatcher->handlers_count, memory_order_relaxed) == 0)
        return true;
    pthread_mutex_lock(&dispatcher->lock);
    bool is_whole =
        bhi_topic_index_find(&dispatcher->handlers, message->spec.topic, collect, &found);
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
    bhi_dispatch_step steps[BHI_DISPATCH_STEPS_MAX];
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

void bhi_dispatcher_end(bhi_chain *take_chain, bh_verdict verdict, const char *by)
{
    bhi_dispatcher *dispatcher = take_chain->dispatcher;
    tell(take_chain, verdict, by);
    bhi_worker_forget(take_chain->lane->worker, &take_chain->task);
    pthread_mutex_lock(&dispatcher->lock);
    bhi_list_remove(&take_chain->link);
    take_chain->lane->count--;
    dispatcher->stats.verdicts[verdict]++;
    bool is_last = --dispatcher->chains_count == 0;
    if (is_last)
        pthread_cond_broadcast(&dispatcher->ended);
    pthread_mutex_unlock(&dispatcher->lock);
    free_chain(take_chain);
}

bool bhi_dispatcher_is_closing(const bhi_dispatcher *dispatcher)
{
    bhi_dispatcher *locked = (bhi_dispatcher *)dispatcher;
    pthread_mutex_lock(&locked->lock);
    bool is_closing = locked->is_closing;
    pthread_mutex_unlock(&locked->lock);
    return is_closing;
}

void bhi_dispatcher_read_stats(bhi_dispatcher *dispatcher, bhi_dispatch_stats *ret_stats)
{
    pthread_mutex_lock(&dispatcher->lock);
    *ret_stats = dispatcher->stats;
    ret_stats->waiting = dispatcher->chains_count;
    pthread_mutex_unlock(&dispatcher->lock);
}
