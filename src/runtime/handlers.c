/* runtime/handlers.c - a table of capsules by name, an index of their handlers by topic. */
#include <stdlib.h>

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

#include "bus/topic.h"
#include "runtime/handlers.h"

struct bhi_started {
    UT_hash_handle hh;
    bool is_refused; /* the hash table had no memory */
    bh_capsule *capsule;
    size_t handlers_count;
    bhi_handler handlers[];
};

/* A run loop subscribes to the topics of its handlers itself. */
static size_t count_bound(const bh_capsule *capsule)
{
    return bhi_capsule_is_run_loop(capsule) ? 0 : capsule->grants.handlers_count;
}

static bhi_started *make_started(bh_capsule *capsule)
{
    const bhi_grants *grants = &capsule->grants;
    size_t count = count_bound(capsule);
    bhi_started *made = calloc(1, sizeof *made + count * sizeof(bhi_handler));
    if (made == NULL)
        return NULL;
    made->capsule = capsule;
    made->handlers_count = count;
    for (size_t i = 0; i < count; i++) {
        made->handlers[i].binding = &grants->handlers[i];
        made->handlers[i].owner = made;
    }
    return made;
}

static void unbind_all(bhi_handlers *handlers, bhi_started *old)
{
    for (size_t i = 0; i < old->handlers_count; i++) {
        if (old->handlers[i].entry.node == NULL)
            continue;
        bhi_topic_index_remove(&handlers->index, &old->handlers[i].entry);
        atomic_fetch_sub_explicit(&handlers->count, 1, memory_order_relaxed);
    }
}

static bh_status bind_all(bhi_handlers *handlers, bhi_started *made, bh_error *reterr)
{
    for (size_t i = 0; i < made->handlers_count; i++) {
        bhi_handler *one = &made->handlers[i];
        bh_status status =
            bhi_topic_index_add(&handlers->index, one->binding->pattern, &one->entry, reterr);
        if (status != BH_OK) {
            unbind_all(handlers, made);
            return status;
        }
        atomic_fetch_add_explicit(&handlers->count, 1, memory_order_relaxed);
    }
    return BH_OK;
}

static bhi_started *find_started(const bhi_handlers *handlers, const char *name)
{
    bhi_started *found;
    HASH_FIND(hh, handlers->by_name, name, strlen(name), found);
    return found;
}

static void forget(bhi_handlers *handlers, bhi_started *old)
{
    unbind_all(handlers, old);
    HASH_DEL(handlers->by_name, old);
    free(old);
}

void bhi_handlers_deinit(bhi_handlers *handlers)
{
    while (handlers->by_name != NULL)
        forget(handlers, handlers->by_name);
    bhi_topic_index_deinit(&handlers->index);
}

/* The old one goes when all of the new one is there: a guard is never missing. */
static bh_status add_to_table(bhi_handlers *handlers, bhi_started *made, bh_error *reterr)
{
    const char *name = made->capsule->manifest.name;
    bhi_started *old = find_started(handlers, name);
    HASH_ADD_KEYPTR(hh, handlers->by_name, name, strlen(name), made);
    if (made->is_refused)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to start a capsule");
    if (old != NULL)
        forget(handlers, old);
    return BH_OK;
}

bh_status bhi_handlers_add(bhi_handlers *handlers, bh_capsule *capsule, bh_error *reterr)
{
    bhi_started *made = make_started(capsule);
    if (made == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to start a capsule");
    bh_status status = bind_all(handlers, made, reterr);
    if (status == BH_OK) {
        status = add_to_table(handlers, made, reterr);
        if (status == BH_OK)
            return BH_OK;
        unbind_all(handlers, made);
    }
    free(made);
    return status;
}

void bhi_handlers_remove(bhi_handlers *handlers, const bh_capsule *capsule)
{
    if (capsule->manifest.name == NULL)
        return; /* its manifest was refused */
    bhi_started *found = find_started(handlers, capsule->manifest.name);
    if (found != NULL && found->capsule == capsule)
        forget(handlers, found);
}

bh_capsule *bhi_handlers_capsule(const bhi_handlers *handlers, const char *name)
{
    const bhi_started *found = find_started(handlers, name);
    return found != NULL ? found->capsule : NULL;
}

const bh_capsule *bhi_handler_capsule(const bhi_handler *handler)
{
    return handler->owner->capsule;
}

/* ---- finding ---- */

const bhi_handler_binding *bhi_capsule_binding(const bh_capsule *capsule, bhi_bytes topic,
                                               bhi_bytes action)
{
    const bhi_handler_binding *last = NULL;
    size_t covering = 0;
    for (size_t i = 0; i < count_bound(capsule); i++) {
        const bhi_handler_binding *one = &capsule->grants.handlers[i];
        if (!bhi_pattern_covers(one->pattern, topic))
            continue;
        if (bhi_bytes_equal(one->action, action))
            return one;
        last = one;
        covering++;
    }
    return covering == 1 ? last : NULL;
}

static bool collect(void *arg, bhi_topic_entry *entry)
{
    bhi_found_handlers *found = arg;
    if (found->count == BHI_HANDLERS_FOUND_MAX)
        return false;
    found->items[found->count++] = (const bhi_handler *)entry;
    return true;
}

static int compare(const void *left, const void *right)
{
    const bhi_handler *a = *(const bhi_handler *const *)left;
    const bhi_handler *b = *(const bhi_handler *const *)right;
    if (a->binding->priority != b->binding->priority)
        return a->binding->priority < b->binding->priority ? -1 : 1;
    int order = strcmp(a->owner->capsule->manifest.name, b->owner->capsule->manifest.name);
    if (order != 0)
        return order;
    return (a->binding > b->binding) - (a->binding < b->binding); /* as the manifest has them */
}

bool bhi_handlers_find(const bhi_handlers *handlers, bhi_bytes topic, bhi_found_handlers *ret_found)
{
    ret_found->count = 0;
    bool is_whole = bhi_topic_index_find(&handlers->index, topic, collect, ret_found);
    qsort(ret_found->items, ret_found->count, sizeof ret_found->items[0], compare);
    return is_whole;
}
