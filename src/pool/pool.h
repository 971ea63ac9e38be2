/* pool/pool.h - a bounded set of slots, each with at most one instance, lent exclusively.
 *
 * The pool knows no wasm and no event loop. It holds opaque items; its callers build and destroy
 * them, outside the pool's lock. A checkout is answered in one of three ways: a leased item, a slot
 * to build into (the caller builds, then reports), or a place in the queue.
 *
 *                        ┌────────── built ──────────┐
 *   EMPTY ── reserve ─► BUILDING ── built idle ─► IDLE ─ checkout ─► LEASED
 *     ▲                    │ failed, declined      │ ▲ ── returned ────┘ │ condemned
 *     └────────────────────┴───── CONDEMNED ◄──────┴─┴───────────────────┘
 *
 * P1  live (built + building) <= live_max. A condemned item is live until it is destroyed.
 * P2  A slot is on exactly one list.
 * P3  A condemned item is never lent.
 * P5  A waiter exists only while no slot is idle and live = live_max, or while its principal is at
 *     its cap.
 * P6  The lock is never held across a build, a call, a restore or a destroy.
 * P7  Every granted lease ends exactly once.
 * P8  After close no lease is granted, every waiter is answered, and the last user frees the pool.
 *     (A build granted before close may still become its builder's lease.)
 * P9  Waiters are served in turns of their principals, `weight` grants a turn, oldest first within
 *     one; and no principal holds more slots than its cap. A slot is held from its grant until it
 *     is free again, so a condemned item is its last lease's until it is destroyed.
 *
 * Threads: any, for every function. Callbacks run with no lock of ours held.
 * Lifetime: create returns one reference; each slot that is not empty holds another, so that a
 * lease may end after the last release. Whoever waits holds a reference of its own.
 */
#ifndef BHI_POOL_POOL_H
#define BHI_POOL_POOL_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"

typedef struct bhi_pool bhi_pool;
typedef struct bhi_slot bhi_slot;
typedef struct bhi_waiter bhi_waiter;

enum {
    BHI_POOL_LIVE_MAX_MOST = 65536,      /* slots are allocated at creation, */
    BHI_POOL_WAITERS_MAX_MOST = 1 << 20, /* and so are the records of principals */
    BHI_POOL_WEIGHT_MAX = 1000
};

typedef struct bhi_pool_options {
    uint32_t live_max;                         /* ceiling of live instances; 0 is BH_E_ARG   */
    uint32_t min_idle;                         /* kept warm; at most live_max                */
    uint32_t waiters_max;                      /* callers that may queue; 0 = nobody waits   */
    uint32_t principal_leases_max;             /* slots one principal may hold; 0 = no cap   */
    void (*destroy_cb)(void *arg, void *item); /* outside the lock; not NULL */
    void (*freed_cb)(void *arg);               /* after the last reference is gone; may be NULL */
    void *arg;
} bhi_pool_options;

typedef enum bhi_grant_kind {
    BHI_GRANT_LEASE, /* slot holds an item, leased to the caller */
    BHI_GRANT_BUILD, /* slot is empty: build, then bhi_pool_built or bhi_pool_build_failed */
    BHI_GRANT_QUEUED /* the waiter's granted_cb will be called, exactly once */
} bhi_grant_kind;

typedef struct bhi_grant {
    bhi_grant_kind kind;
    bhi_slot *slot; /* NULL when queued */
} bhi_grant;

/* In the caller's memory, until granted_cb or a successful cancel. */
struct bhi_waiter {
    bhi_bytes principal; /* at most BHI_PRINCIPAL_BYTES_MAX bytes, borrowed until answered */
    uint32_t weight; /* of the principal, up to BHI_POOL_WEIGHT_MAX; 0 is 1; the latest counts */

    bhi_link link;                /* guarded by the pool's lock */
    bool is_queued;               /* guarded by the pool's lock */
    struct bhi_principal *record; /* guarded by the pool's lock; while queued */

    /* status BH_OK with a LEASE or BUILD grant, or BH_E_CLOSED. Any thread, no lock held. */
    void (*granted_cb)(bhi_waiter *waiter, bh_status status, bhi_grant grant);
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
 * Fails with BH_E_ARG, BH_E_CLOSED, BH_E_SATURATED (the queue is full). */
BH_MUST_USE bh_status bhi_pool_checkout(bhi_pool *pool, bhi_waiter *waiter, bhi_grant *ret_grant,
                                        bh_error *reterr);
/* The same, but never waits: a LEASE or BUILD grant at once.
 * Fails with BH_E_ARG, BH_E_CLOSED, BH_E_LIMIT (the principal is at its cap), BH_E_SATURATED. */
BH_MUST_USE bh_status bhi_pool_try_checkout(bhi_pool *pool, bhi_bytes principal,
                                            bhi_grant *ret_grant, bh_error *reterr);

/* True when the waiter was taken off the queue: granted_cb will not be called. False when it was
 * or is being granted. `why` is what is counted: BH_E_DEADLINE, or BH_E_CANCELLED. */
BH_MUST_USE bool bhi_pool_cancel_wait(bhi_pool *pool, bhi_waiter *waiter, bh_status why);

/* The builder's report on a BUILDING slot: the item becomes this caller's lease, ... */
void bhi_pool_built(bhi_pool *pool, bhi_slot *slot, void *item);
/* ... or there is none: the slot is empty again and goes to the next waiter as BUILD. */
void bhi_pool_build_failed(bhi_pool *pool, bhi_slot *slot);
/* ... or it was not tried, because the caller gave up: the same, but not counted as a failure. */
void bhi_pool_decline(bhi_pool *pool, bhi_slot *slot);

/* Warm start: a slot to build into while fewer than min_idle are live, or NULL; report it with
 * bhi_pool_built_idle or bhi_pool_build_failed. */
bhi_slot *bhi_pool_reserve_warm(bhi_pool *pool);
void bhi_pool_built_idle(bhi_pool *pool, bhi_slot *slot, void *item);

/* The item of a slot that the caller has leased. */
void *bhi_slot_item(bhi_slot *slot);

/* End a lease: the item is idle (or handed to the next waiter), or destroyed when condemned; the
 * emptied slot goes to the next waiter as BUILD. */
void bhi_pool_return(bhi_pool *pool, bhi_slot *slot, bool is_condemned);

typedef struct bhi_pool_stats {
    uint32_t live, idle, building, leased, waiting, live_max; /* the rest of live is condemned */
    uint64_t checkouts;                                       /* leases begun */
    uint64_t builds, build_failures;
    uint64_t condemned; /* leases ended as condemned */
    /* Why callers got nothing; a failed build is one more cause. */
    uint64_t closed; /* checkouts refused, and waiters answered, because the pool was closed */
    uint64_t
        saturated; /* checkouts refused because the queue was full, or, with no wait, all busy */
    uint64_t over_cap;  /* checkouts with no wait refused because the principal was at its cap */
    uint64_t deadline;  /* waits that ended with their deadline */
    uint64_t cancelled; /* waits that their caller gave up */
} bhi_pool_stats;

void bhi_pool_read_stats(bhi_pool *pool, bhi_pool_stats *ret_stats);

#endif
