/* pool/turns.h - whose turn it is among the principals that wait.
 *
 * Deficit round robin (Shreedhar and Varghese, 1995) with a lease as the unit of cost: a turn is
 * `weight` grants, and waiters queue first in, first out within their principal. Plain round robin
 * lets a flood into every round, so that whoever asks little waits behind it once per round. So
 * principals are told apart as in FQ-CoDel (RFC 8290, sections 4.1 and 4.2):
 *
 *              first waiter          turn used up, or nobody waits any more
 *   NOWHERE ───────────────► FRESH ─────────────────────────────────────────► OLD
 *      ▲                                                                      │ ▲
 *      └──────────────── its turn comes and nobody waits ─────────────────────┘ │
 *                        CAPPED: holds all it may ── a slot of its own is free ─┘
 *
 * FRESH is served before OLD. A principal whose turn is used up, or for whom nobody waits any more,
 * goes to the end of OLD at once, with the credit of its next turn, and stays there for a round
 * even when nobody of it waits ("lingering"). So asking again and again makes nobody fresh: all get
 * equal shares as by plain round robin, and only who asks for less than a share goes first. OLD
 * cannot starve: after BHI_TURNS_FRESH_MOST grants in a row from FRESH one goes to OLD.
 *
 * FQ-CoDel gives credit only when a flow with none comes to the head, and sends it to the end once
 * more. Then who asks again within a round waits for two turns of a flood rather than for what is
 * left of one: at 97 % of capacity tests/pool/test_pool_fairness.c measured tens of service
 * times instead of two.
 *
 * Every step is O(1) amortised over the waiters.
 *
 * Threads: one at a time (under the pool's lock).
 */
#ifndef BHI_POOL_TURNS_H
#define BHI_POOL_TURNS_H

#include "pool/pool.h"
#include "pool/principals.h"

enum {
    BHI_TURNS_FRESH_MOST = 256,
    BHI_TURNS_LINGERING_MOST = 1024 /* beyond it the longest lingering is forgotten */
};

typedef struct bhi_turns {
    bhi_link fresh, old, capped; /* of principals, by `link` */
    bhi_link lingering;          /* those of `old` for which nobody waits, by `lingering_link` */
    uint32_t lingering_count;
    uint32_t fresh_in_a_row; /* grants, while somebody on `old` waited */
    uint32_t waiting;        /* waiters in all */
    uint32_t capped_waiting; /* of them, those of principals on `capped` */
    bhi_principals *principals;
} bhi_turns;

void bhi_turns_init(bhi_turns *turns, bhi_principals *principals);

/* The waiter queues as the last of `principal`, of which it is recorded whether it is at its cap.
 */
void bhi_turns_add(bhi_turns *turns, bhi_principal *principal, bhi_waiter *waiter, bool is_capped);
/* The waiter leaves without being served. */
void bhi_turns_remove(bhi_turns *turns, bhi_waiter *waiter);

/* Whose turn it is, with somebody waiting; NULL when nobody does, or all of them are capped. */
bhi_principal *bhi_turns_next(bhi_turns *turns);
/* Serve the oldest waiter of `principal`, which bhi_turns_next returned. */
bhi_waiter *bhi_turns_serve(bhi_turns *turns, bhi_principal *principal);

/* The principal holds all it may; or no longer does. */
void bhi_turns_cap(bhi_turns *turns, bhi_principal *principal);
void bhi_turns_uncap(bhi_turns *turns, bhi_principal *principal);

/* Any waiter, taken off, or NULL. For closing. */
bhi_waiter *bhi_turns_take_any(bhi_turns *turns);

static inline bool bhi_turns_may_serve(const bhi_turns *turns)
{
    return turns->waiting > turns->capped_waiting;
}

#endif
