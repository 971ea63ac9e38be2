/* pool/pool_core.h - the pool's decisions: no lock, no clock, no allocation, no callback.
 *
 * A function changes the slots and the queue. What then has to be done outside the lock is asked
 * for with bhi_pool_core_next, until it says NONE. pool.c is the caller of both.
 *
 * Threads: one at a time (under the pool's lock); only the ceiling is shared.
 */
#ifndef BHI_POOL_POOL_CORE_H
#define BHI_POOL_POOL_CORE_H

#include "pool/breaker.h"
#include "pool/pool.h"
#include "pool/principals.h"
#include "pool/turns.h"

/* After the second failure in a row builds wait so long, and twice as long after each more. */
#define BHI_BACKOFF_FIRST_NS UINT64_C(10000000)
#define BHI_BACKOFF_MOST_NS  UINT64_C(10000000000)

/* Two threads on one pool pay for each line that both write. */
enum { BHI_CACHE_LINE = 64 };

static inline void *bhi_next_cache_line(void *memory)
{
    return (char *)memory + (-(uintptr_t)memory & (BHI_CACHE_LINE - 1));
}

typedef enum bhi_slot_state {
    BHI_SLOT_EMPTY,
    BHI_SLOT_BUILDING,
    BHI_SLOT_IDLE,
    BHI_SLOT_LEASED,
    BHI_SLOT_RESTORING, /* as LEASED, but its item has another principal's state */
    BHI_SLOT_CONDEMNED, /* its item is being destroyed; it counts as live until that is done */
    BHI_SLOT_STATE_COUNT
} bhi_slot_state;

/* What each lease writes is in the first cache line, which no other slot shares. */
struct bhi_slot {
    _Alignas(BHI_CACHE_LINE) bhi_link link; /* on the list of its state */
    bhi_slot_state state;
    void *item;              /* not NULL when idle, leased, restoring or condemned */
    const bhi_waiter *chain; /* the top of the chain that has it; NULL when none does */
    bhi_principal *holder;   /* who was granted it, in a pool that `has_records`; else NULL */
    uint64_t idle_since_ns;  /* when idle */
    bhi_principal *keeper;   /* whose state its item has, when idle in an affine pool; else NULL */
    bhi_link kept_link;      /* when idle in an affine pool: on the list of its keeper, or unkept */
};

typedef struct bhi_pool_core {
    /* What each lease writes: up to counters.leases two cache lines, and what it only reads is not
     * among them (pool_state.h). */
    uint64_t used_at_ns;
    bhi_link lists[BHI_SLOT_STATE_COUNT]; /* P2: one list per state; newest first */
    uint32_t counts[BHI_SLOT_STATE_COUNT];
    bhi_pool_stats counters; /* only the counts of events */

    /* Set once. */
    bhi_slot *slots; /* live_max of them */
    uint32_t live_max, min_idle, waiters_max, principal_leases_max;
    bool is_affine, builds_ahead;
    bool has_records;     /* holders are known: principals have a cap, or state of their own */
    bhi_ceiling *ceiling; /* NULL: none */

    bool is_closed;
    bool is_starved;        /* announced to the ceiling: only a permit is missing */
    bool owes_ahead;        /* an item was destroyed; build another one if nothing else is idle */
    bhi_slot *probe;        /* the one item tried while the breaker is half open */
    uint32_t starvings;     /* how often it was announced */
    uint32_t ahead;         /* slots that are built into for nobody */
    uint32_t failures;      /* of builds, in a row */
    uint64_t build_from_ns; /* no build begins before (back-off) */
    uint64_t wake_at_ns;    /* when what is held back may go on; UINT64_MAX: nothing is */
    bhi_breaker breaker;

    bhi_link unkept; /* affine: idle slots whose items have nobody's state, newest first */
    bhi_turns turns;
    bhi_principals principals;
} bhi_pool_core;

typedef enum bhi_pool_effect_kind {
    BHI_EFFECT_NONE,
    BHI_EFFECT_ANSWER,  /* call the waiter's granted_cb; the core has forgotten the waiter */
    BHI_EFFECT_DESTROY, /* destroy the slot's item, then bhi_pool_core_destroyed */
    BHI_EFFECT_BUILD    /* build into the slot for nobody */
} bhi_pool_effect_kind;

typedef struct bhi_pool_effect {
    bhi_pool_effect_kind kind;
    bhi_waiter *waiter; /* ANSWER */
    bh_status status;   /* ANSWER */
    bhi_grant grant;    /* ANSWER */
    bhi_slot *slot;     /* DESTROY, BUILD */
} bhi_pool_effect;

size_t bhi_pool_core_memory_bytes(const bhi_pool_options *options);
/* Borrows `memory`, so many bytes, zeroed and aligned for a pointer, for as long as the core is
 * used. `key` makes the chains of the table of principals unpredictable. */
void bhi_pool_core_init(bhi_pool_core *core, const bhi_pool_options *options, uint64_t key,
                        void *memory);

/* Any grant, or the status of a refusal: BH_E_CLOSED, BH_E_BREAKER, BH_E_NESTED, BH_E_SATURATED.
 * Principal and weight are within their bounds. */
BH_MUST_USE bh_status bhi_pool_core_checkout(bhi_pool_core *core, bhi_waiter *waiter,
                                             uint64_t now_ns, bhi_grant *ret_grant);
/* Any grant but QUEUED, or BH_E_CLOSED, BH_E_BREAKER, BH_E_NESTED, BH_E_OVER_CAP, BH_E_BUILD,
 * BH_E_SATURATED. */
BH_MUST_USE bh_status bhi_pool_core_try_checkout(bhi_pool_core *core, bhi_waiter *waiter,
                                                 uint64_t now_ns, bhi_grant *ret_grant);
/* `why` is what is counted. */
BH_MUST_USE bool bhi_pool_core_cancel_wait(bhi_pool_core *core, bhi_waiter *waiter, bh_status why);

bhi_slot *bhi_pool_core_reserve_warm(bhi_pool_core *core, uint64_t now_ns);
void bhi_pool_core_built(bhi_pool_core *core, bhi_slot *slot, void *item);
void bhi_pool_core_restored(bhi_pool_core *core, bhi_slot *slot);
void bhi_pool_core_built_idle(bhi_pool_core *core, bhi_slot *slot, void *item, uint64_t now_ns);
void bhi_pool_core_build_failed(bhi_pool_core *core, bhi_slot *slot, uint64_t now_ns);
void bhi_pool_core_decline(bhi_pool_core *core, bhi_slot *slot);

/* True when the item is to be destroyed, and the slot then reported as destroyed. */
BH_MUST_USE bool bhi_pool_core_return(bhi_pool_core *core, bhi_slot *slot, bh_outcome outcome,
                                      bool is_spent, uint64_t now_ns);
void bhi_pool_core_destroyed(bhi_pool_core *core, bhi_slot *slot);

/* The coldest idle slot, condemned for its caller to destroy, or NULL: when no more than `leave`
 * are idle, or all have been used after `idle_before_ns`. */
bhi_slot *bhi_pool_core_evict(bhi_pool_core *core, uint32_t leave, uint64_t idle_before_ns);

void bhi_pool_core_close(bhi_pool_core *core);

/* What is to be done next; its kind is NONE when nothing is. */
bhi_pool_effect bhi_pool_core_next(bhi_pool_core *core, uint64_t now_ns);

/* Slots that are not empty. */
static inline uint32_t bhi_pool_core_live(const bhi_pool_core *core)
{
    return core->live_max - core->counts[BHI_SLOT_EMPTY];
}

/* When builds that are held back may go on, or UINT64_MAX when they are not, or not for a time. */
uint64_t bhi_pool_core_builds_from_ns(bhi_pool_core *core, uint64_t now_ns);

void bhi_pool_core_read_stats(const bhi_pool_core *core, bhi_pool_stats *ret_stats);

/* pool_check.c: walk everything and abort when P1, P2, P4, P5 or the caps of P9 do not hold, as
 * they must once bhi_pool_core_next has said NONE at `now_ns`. For tests: O(live_max x principals +
 * waiting). */
void bhi_pool_core_check(bhi_pool_core *core, uint64_t now_ns);

#endif
