/* pool/pool.h - a bounded set of slots, each with at most one instance, lent exclusively.
 *
 * The pool knows no wasm and no event loop. It holds opaque items; its callers build, restore and
 * destroy them, outside the pool's lock. A checkout is answered in one of four ways: a leased item,
 * a slot to build into (the caller builds, then reports), an item that has another principal's
 * state (the caller restores it, then reports), or a place in the queue.
 *
 *                        ┌───────────── built ──────────────┐
 *   EMPTY ── reserve ─► BUILDING ─ built idle ─► IDLE ─ checkout ─► LEASED
 *     ▲                    │                     │ │ └► RESTORING ─► │ │
 *     │                    │ failed, declined    │ └────── returned ─┘ │ condemned, retired
 *     └────────────────────┴───── CONDEMNED ◄────┴─────────────────────┘
 *
 * P1  live (built + building) <= live_max. A condemned item is live until it is destroyed.
 * P2  A slot is on exactly one list.
 * P3  A condemned item is never lent.
 * P4  An item that was not returned to its first state is lent only to the principal that it
 *     served before (`is_affine`); anybody else is granted RESTORE.
 * P5  A waiter exists only while nothing idle may serve it and: live = live_max, or a build is held
 *     back (back-off after failures, breaker, ceiling), or its principal is at its cap.
 * P6  The lock is never held across a build, a call, a restore or a destroy.
 * P7  Every granted lease ends exactly once.
 * P8  After close no lease is granted, every waiter is answered, and the last user frees the pool.
 *     (A build granted before close may still become its builder's lease.)
 * P9  Waiters are served in turns of their principals, `weight` grants a turn, oldest first within
 *     one (turns.h); and no principal holds more slots than its cap. A slot is held from its grant
 *     until it is free again, so a condemned item is its last lease's until it is destroyed.
 *
 * Threads: any, for every function. Callbacks run with no lock of ours held.
 * Time: monotonic nanoseconds, read by the caller, so that one reading serves many purposes.
 * Lifetime: create returns one reference; each slot that is not empty holds another, so that a
 * lease may end after the last release. Whoever waits holds a reference of its own.
 */
#ifndef BHI_POOL_POOL_H
#define BHI_POOL_POOL_H

#include <bulkhead/outcome.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "pool/ceiling.h"

typedef struct bhi_pool bhi_pool;
typedef struct bhi_slot bhi_slot;
typedef struct bhi_waiter bhi_waiter;

enum {
    BHI_POOL_LIVE_MAX_MOST = 65536,      /* slots are allocated at creation, */
    BHI_POOL_WAITERS_MAX_MOST = 1 << 20, /* and so are the records of principals */
    BHI_POOL_WEIGHT_MAX = 1000,
    BHI_POOL_CHAIN_DEPTH_MAX = 16 /* leases of one chain, the first one included */
};

typedef struct bhi_pool_options {
    uint32_t live_max;              /* ceiling of live instances; 0 is BH_E_ARG   */
    uint32_t min_idle;              /* kept warm; at most live_max                */
    uint32_t waiters_max;           /* callers that may queue; 0 = nobody waits   */
    uint32_t principal_leases_max;  /* slots one principal may hold; 0 = no cap   */
    bool is_affine;                 /* an item keeps its state for one principal (P4)         */
    uint32_t breaker_condemned_max; /* breaker.h; 0: its default                              */
    bhi_ceiling *ceiling;           /* shared with other pools; NULL: none; outlives the pool */
    void (*destroy_cb)(void *arg, void *item); /* outside the lock; not NULL */
    /* Build into the slot for nobody, soon, and report it with bhi_pool_built_idle,
     * bhi_pool_build_failed or bhi_pool_decline. NULL: nothing is built ahead. */
    void (*build_ahead_cb)(void *arg, bhi_slot *slot);
    /* Call bhi_pool_advance at that time or later; at once when it has passed. Of several times
     * only the earliest need be kept: each advance tells anew what is still to come. Room for a
     * pool that is starved of a permit wakes, too: all pools of the ceiling are to be advanced. May
     * be NULL. */
    void (*wake_cb)(void *arg, uint64_t at_ns);
    void (*freed_cb)(void *arg); /* after the last reference is gone; may be NULL */
    void *arg;
} bhi_pool_options;

typedef enum bhi_grant_kind {
    BHI_GRANT_LEASE,   /* slot holds an item, leased to the caller */
    BHI_GRANT_BUILD,   /* slot is empty: build, then bhi_pool_built or bhi_pool_build_failed */
    BHI_GRANT_RESTORE, /* slot holds an item in another principal's state, which is the caller's:
                          restore it, then bhi_pool_restored; or destroy it and build */
    BHI_GRANT_QUEUED   /* the waiter's granted_cb will be called, exactly once */
} bhi_grant_kind;

typedef struct bhi_grant {
    bhi_grant_kind kind;
    bhi_slot *slot; /* NULL when queued */
} bhi_grant;

/* A caller, in its own memory: until a refusal or a successful cancel, or until its lease and
 * those of its chain that name it as their parent have ended (the search of chains.c reads it). */
struct bhi_waiter {
    bhi_bytes principal; /* at most BHI_PRINCIPAL_BYTES_MAX bytes, borrowed until answered */
    uint32_t weight;    /* of the principal, up to BHI_POOL_WEIGHT_MAX; 0 is 1; the latest counts */
    bhi_waiter *parent; /* whose lease makes this call and waits for it; NULL at the top. A lease
                           makes one such call at a time. */

    bhi_link link;                /* guarded by the pool's lock */
    bool is_queued;               /* guarded by the pool's lock */
    struct bhi_principal *record; /* guarded by the pool's lock; while queued */

    bhi_waiter *chain_waits;   /* of the top of a chain: which of it waits; guarded by chains.c */
    bhi_pool *chain_waits_for; /* the pool it waits in; likewise */
    bhi_link chain_wait_link;  /* on the list of all chains that wait; likewise */
    uint64_t chain_mark;       /* the last search that came by; likewise */
    bhi_link chain_link;       /* on the list of that search; likewise */

    /* status BH_OK with a LEASE, BUILD or RESTORE grant, or BH_E_CLOSED. Any thread, no lock held,
     * never inside bhi_pool_checkout of this waiter. */
    void (*granted_cb)(bhi_waiter *waiter, bh_status status, bhi_grant grant);
    void *arg; /* for granted_cb */
};

/* Copies `options`. Fails with BH_E_ARG, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_pool_create(const bhi_pool_options *options, bhi_pool **ret_pool,
                                      bh_error *reterr);
void bhi_pool_retain(bhi_pool *pool);
/* The last release closes the pool. */
void bhi_pool_release(bhi_pool *pool);

/* Refuse new leases, answer every waiter with BH_E_CLOSED, destroy idle items. Leases in flight
 * finish. Idempotent. */
void bhi_pool_close(bhi_pool *pool);

/* The grant is for the caller; a queued waiter may be granted on another thread before this
 * returns. Most recently returned item first; else a slot to build into; else wait.
 * Fails with BH_E_ARG, BH_E_CLOSED, BH_E_BREAKER (with retry_after_ms), BH_E_NESTED (the chain is
 * too deep, or could only wait for itself, in this pool or through others), BH_E_SATURATED (the
 * queue is full). */
BH_MUST_USE bh_status bhi_pool_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                        bhi_grant *ret_grant, bh_error *reterr);
/* The same, but never waits: any grant but QUEUED, at once. Fails with BH_E_ARG, BH_E_CLOSED,
 * BH_E_BREAKER, BH_E_NESTED (too deep), BH_E_OVER_CAP (the principal is at its cap), BH_E_BUILD
 * (builds failed and are held back: the last one's error, with retry_after_ms), BH_E_SATURATED. */
BH_MUST_USE bh_status bhi_pool_try_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                            bhi_grant *ret_grant, bh_error *reterr);
/* The same, but blocks the calling thread until the grant, at most until `deadline_ns` of the
 * monotonic clock. Sets granted_cb and arg. Fails like bhi_pool_checkout, and with BH_E_DEADLINE
 * (the text says what it waited for). */
BH_MUST_USE bh_status bhi_pool_checkout_blocking(bhi_pool *pool, bhi_waiter *waiter,
                                                 uint64_t now_ns, uint64_t deadline_ns,
                                                 bhi_grant *ret_grant, bh_error *reterr);

/* True when the waiter was taken off the queue: granted_cb will not be called, and *reterr (when
 * given) says what was waited for, as an error of the kind `why`: BH_E_DEADLINE or BH_E_CANCELLED.
 * False when it was or is being granted. */
BH_MUST_USE bool bhi_pool_cancel_wait(bhi_pool *pool, bhi_waiter *waiter, bh_status why,
                                      bh_error *reterr);

/* The report on a BUILDING or RESTORING slot: the new item becomes this caller's lease, ... */
void bhi_pool_built(bhi_pool *pool, bhi_slot *slot, void *item, uint64_t now_ns);
/* ... or, of a RESTORING slot, its own item does, which is no build: nobody else is concerned; ...
 */
void bhi_pool_restored(bhi_pool *pool, bhi_slot *slot);
/* ... or there is none: the slot is empty again, and the next waiter may build, at once or, when
 * builds keep failing, later. Copies `error`. ... */
void bhi_pool_build_failed(bhi_pool *pool, bhi_slot *slot, uint64_t now_ns, const bh_error *error);
/* ... or it was not tried, because the caller gave up: the same, but not counted as a failure. */
void bhi_pool_decline(bhi_pool *pool, bhi_slot *slot, uint64_t now_ns);

/* Warm start: a slot to build into while fewer than min_idle are live, or NULL; report it with
 * bhi_pool_built_idle, bhi_pool_build_failed or bhi_pool_decline. */
bhi_slot *bhi_pool_reserve_warm(bhi_pool *pool, uint64_t now_ns);
void bhi_pool_built_idle(bhi_pool *pool, bhi_slot *slot, void *item, uint64_t now_ns);

/* The item of a slot that the caller has leased or restores. */
void *bhi_slot_item(bhi_slot *slot);

/* End a lease. An outcome that is not clean condemns the item, and one that `is_spent` may not
 * serve again by its capsule's policy: both are destroyed, and a replacement may be built ahead.
 * Else the item is handed to the next waiter, or idle. */
void bhi_pool_return(bhi_pool *pool, bhi_slot *slot, bh_outcome outcome, bool is_spent,
                     uint64_t now_ns);

/* Serve whom the passing of time lets serve: what was held back may be due. */
void bhi_pool_advance(bhi_pool *pool, uint64_t now_ns);

/* Destroy items that have been idle since `idle_before_ns` or longer, the coldest first, and leave
 * min_idle. Returns how many. */
uint32_t bhi_pool_evict_idle(bhi_pool *pool, uint64_t idle_before_ns, uint64_t now_ns);
/* Destroy the coldest idle item, whatever min_idle says. False when none is idle. */
bool bhi_pool_evict_one(bhi_pool *pool, uint64_t now_ns);

typedef struct bhi_pool_stats {
    uint64_t leases;                                  /* begun */
    uint32_t live, idle, building, restoring, leased; /* the rest of live is condemned */
    uint32_t live_max, min_idle, waiting;
    bool is_breaker_open;
    bool is_starved;                               /* callers wait for a permit of the ceiling */
    uint64_t used_at_ns;                           /* when a lease last began or ended */
    uint64_t builds, builds_ahead, build_failures; /* ended; of the builds, those for nobody */
    uint64_t condemned[BH_OUTCOME_COUNT];          /* by the outcome of their last lease */
    uint64_t retired;                              /* clean and spent */
    uint64_t evicted_idle, evicted_by_need;
    uint64_t refusals[BH_STATUS_COUNT]; /* callers that got nothing; a failed build is one more */
} bhi_pool_stats;

void bhi_pool_read_stats(bhi_pool *pool, bhi_pool_stats *ret_stats);

#endif
