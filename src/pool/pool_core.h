/* pool/pool_core.h - the pool's decisions: no lock, no clock, no allocation, no callback.
 *
 * Every function here changes the slots and the queue, and says in a bhi_pool_effect what its
 * caller has to do once it has let go of the lock. pool.c is that caller.
 *
 * Threads: one at a time (under the pool's lock).
 */
#ifndef BHI_POOL_POOL_CORE_H
#define BHI_POOL_POOL_CORE_H

#include "pool/pool.h"
#include "pool/principals.h"

typedef enum bhi_slot_state {
    BHI_SLOT_EMPTY,
    BHI_SLOT_BUILDING,
    BHI_SLOT_IDLE,
    BHI_SLOT_LEASED,
    BHI_SLOT_CONDEMNED, /* its item is being destroyed; it counts as live until that is done */
    BHI_SLOT_STATE_COUNT
} bhi_slot_state;

struct bhi_slot {
    bhi_link link; /* on the list of its state */
    bhi_slot_state state;
    void *item;            /* not NULL when idle, leased or condemned */
    bhi_principal *holder; /* who was granted it; NULL when empty, idle or building for nobody */
};

typedef struct bhi_pool_core {
    uint32_t live_max, min_idle, waiters_max, principal_leases_max; /* set once */
    bhi_slot *slots;                                                /* set once: live_max of them */

    bhi_link lists[BHI_SLOT_STATE_COUNT]; /* P2: one list per state; newest first */
    uint32_t counts[BHI_SLOT_STATE_COUNT];
    bhi_principals principals;
    bhi_link turns;  /* principals that wait and may be served; the first one's turn it is */
    bhi_link capped; /* principals that wait for a slot of their own */
    uint32_t waiting;
    bool is_closed;
    uint64_t checkouts, builds, build_failures, condemned;
    uint64_t closed, saturated, over_cap, deadline, cancelled;
} bhi_pool_core;

typedef enum bhi_pool_effect_kind {
    BHI_EFFECT_NONE,
    BHI_EFFECT_ANSWER, /* call the waiter's granted_cb; the core has forgotten the waiter */
    BHI_EFFECT_DESTROY /* destroy the slot's item, then bhi_pool_core_destroyed */
} bhi_pool_effect_kind;

typedef struct bhi_pool_effect {
    bhi_pool_effect_kind kind;
    bhi_waiter *waiter; /* ANSWER */
    bh_status status;
    bhi_grant grant;
    bhi_slot *slot; /* DESTROY */
} bhi_pool_effect;

size_t bhi_pool_core_memory_bytes(const bhi_pool_options *options);
/* Borrows `memory`, so many bytes, zeroed and aligned for a pointer, for as long as the core is
 * used. `key` makes the chains of the table of principals unpredictable. */
void bhi_pool_core_init(bhi_pool_core *core, const bhi_pool_options *options, uint64_t key,
                        void *memory);

/* BH_OK, BH_E_CLOSED or BH_E_SATURATED. Principal and weight are within their bounds. */
BH_MUST_USE bh_status bhi_pool_core_checkout(bhi_pool_core *core, bhi_waiter *waiter,
                                             bhi_grant *ret_grant);
/* BH_OK, BH_E_CLOSED, BH_E_LIMIT or BH_E_SATURATED. */
BH_MUST_USE bh_status bhi_pool_core_try_checkout(bhi_pool_core *core, bhi_bytes principal,
                                                 bhi_grant *ret_grant);
BH_MUST_USE bool bhi_pool_core_cancel_wait(bhi_pool_core *core, bhi_waiter *waiter, bh_status why);

bhi_slot *bhi_pool_core_reserve_warm(bhi_pool_core *core);
void bhi_pool_core_built(bhi_pool_core *core, bhi_slot *slot, void *item);
BH_MUST_USE bhi_pool_effect bhi_pool_core_built_idle(bhi_pool_core *core, bhi_slot *slot,
                                                     void *item);
BH_MUST_USE bhi_pool_effect bhi_pool_core_build_failed(bhi_pool_core *core, bhi_slot *slot);
BH_MUST_USE bhi_pool_effect bhi_pool_core_decline(bhi_pool_core *core, bhi_slot *slot);

BH_MUST_USE bhi_pool_effect bhi_pool_core_return(bhi_pool_core *core, bhi_slot *slot,
                                                 bool is_condemned);
BH_MUST_USE bhi_pool_effect bhi_pool_core_destroyed(bhi_pool_core *core, bhi_slot *slot);

/* Close, and the next thing that closing asks for: call until NONE. */
BH_MUST_USE bhi_pool_effect bhi_pool_core_close(bhi_pool_core *core);

/* Something is idle or empty. */
bool bhi_pool_core_is_free(const bhi_pool_core *core);
/* Slots that are not empty. */
uint32_t bhi_pool_core_live(const bhi_pool_core *core);

void bhi_pool_core_read_stats(const bhi_pool_core *core, bhi_pool_stats *ret_stats);

/* Walk everything and abort when P1, P2, P5 or the caps of P9 do not hold. For tests:
 * O(live_max x principals + waiting). */
void bhi_pool_core_check(const bhi_pool_core *core);

#endif
