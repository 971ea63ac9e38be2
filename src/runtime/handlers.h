/* runtime/handlers.h - which started capsules handle which topics.
 *
 * Threads: the caller's lock, but for bhi_handlers_are_none.
 */
#ifndef BHI_RUNTIME_HANDLERS_H
#define BHI_RUNTIME_HANDLERS_H

#include "bus/topic_index.h"
#include "runtime/capsule.h"

enum { BHI_HANDLERS_FOUND_MAX = 64 };

typedef struct bhi_started bhi_started;

/* One handler of a started capsule. */
typedef struct bhi_handler {
    bhi_topic_entry entry; /* first */
    const bhi_handler_binding *binding;
    bhi_started *owner;
} bhi_handler;

/* Zeroed: empty. */
typedef struct bhi_handlers {
    bhi_started *by_name; /* hash table; capsules are not held: they are removed before they go */
    bhi_topic_index index;
    atomic_uint count; /* relaxed: whoever publishes looks first */
} bhi_handlers;

void bhi_handlers_deinit(bhi_handlers *handlers);

/* A capsule of the same name goes in the same moment. Fails with BH_E_NOMEM; then it stays. */
BH_MUST_USE bh_status bhi_handlers_add(bhi_handlers *handlers, bh_capsule *capsule,
                                       bh_error *reterr);
/* Nothing when it was not added, or another of its name took its place. */
void bhi_handlers_remove(bhi_handlers *handlers, const bh_capsule *capsule);

/* NULL: none of that name is started. */
bh_capsule *bhi_handlers_capsule(const bhi_handlers *handlers, const char *name);
const bh_capsule *bhi_handler_capsule(const bhi_handler *handler);

/* What a capsule, started or not, has for the topic in place of a handler with that action: one
 * with the same, else its only one. NULL: none, or who knows which. Needs no lock. */
const bhi_handler_binding *bhi_capsule_binding(const bh_capsule *capsule, bhi_bytes topic,
                                               bhi_bytes action);

typedef struct bhi_found_handlers {
    const bhi_handler *items[BHI_HANDLERS_FOUND_MAX];
    size_t count;
} bhi_found_handlers;

/* Those whose pattern covers the topic, by priority and then by the capsule's name. False: there
 * are more than BHI_HANDLERS_FOUND_MAX. */
bool bhi_handlers_find(const bhi_handlers *handlers, bhi_bytes topic,
                       bhi_found_handlers *ret_found);

static inline bool bhi_handlers_are_none(const bhi_handlers *handlers)
{
    return atomic_load_explicit(&handlers->count, memory_order_relaxed) == 0;
}

#endif
