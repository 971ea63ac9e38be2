/* model/chains.pml - the search of src/pool/chains.c for circles of waiting chains.
 *
 * What is modelled. Each chain leases from any pool, then from inside that lease asks any pool
 * again, up to DEPTH leases deep and ASKS times in all, and ends them in the opposite order. Who
 * asks inside a chain takes the lock of all chains, asks, and searches if it was queued: pools one
 * after the other, each in one hold of that pool's lock (an `atomic` step), while slots of other
 * pools are freed, granted and waited for, and waiters give up. Whoever frees a slot grants it to
 * any waiter in the same hold, then tells the chain that it goes on, then lets it run. A condemned
 * item is destroyed by somebody else, while its chain goes on.
 *
 * With PERMITS, as many slots may be used over all pools, and a keeper advances the pools when one
 * came back or somebody began to wait; the search then asks whether all of them are stalled.
 *
 * What is abstracted. Builds, idle items (each slot is used or not), what else holds builds back,
 * the order of waiters.
 *
 * What is checked.
 *   No circle is missed: chains wait without giving up unless they chose to before, so a circle is
 *   an invalid end state. So is a deadlock between the lock of chains and those of pools.
 *   Nobody is refused in vain: `look_for_stuck` computes in one step which chains really cannot go
 *   on but by each other's going on. Who is refused was among them when it began to wait, or is.
 *   (Both, but for chains that give up between the search and the refusal.)
 *
 * Bounds: CHAINS (2 or 3), POOLS, SLOTS of each, PERMITS (0: no ceiling), DEPTH, ASKS, GIVES_UP
 * (waiters may), CONDEMNS (leases may end so); with -DCAPPED a principal (chain % 2) may hold one
 * slot of each pool, for SLOTS 2. BUG_... are seeded faults, which model/run shows to be found.
 */
#ifndef CHAINS
#define CHAINS 2
#endif
#ifndef POOLS
#define POOLS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef ASKS
#define ASKS 3
#endif
#ifndef PERMITS
#define PERMITS 0
#endif
#ifndef GIVES_UP
#define GIVES_UP 1
#endif
#ifndef CONDEMNS
#define CONDEMNS 1
#endif
#define NONE 15 /* no pool, no slot */
#define FREE 15
#define CONDEMNED 14
#define SLOT(pool, i) ((pool) * SLOTS + (i))
#define POOL_OF(slot) ((slot) / SLOTS)
#define PRINCIPAL_OF(chain) ((chain) % 2)


byte has[POOLS * SLOTS] = FREE; /* the chain that has the slot, or FREE or CONDEMNED */
byte queued_in[CHAINS] = NONE;  /* waiter.is_queued, and where; of the chain's last waiter */
byte answer[CHAINS] = NONE;     /* the slot granted, once its callback has run */
bool is_inside[CHAINS];         /* the waiter has a parent */

bool is_chains_locked;
byte waits_for[CHAINS] = NONE; /* chain_waits: the pool; guarded by the lock of chains */
byte held[CHAINS]; /* leases: permits_of the chain's waiter */
bool is_woken;     /* the keeper */
byte ended;
bool is_dying[POOLS * SLOTS]; /* ghost: condemned */

/* The arrays of slots have at most four elements; with fewer the last one stands for the rest. */
#define LAST (POOLS * SLOTS - 1)
#define THIRD (LAST > 2 -> 2 : LAST)
#define USED                                                                                       \
    ((has[0] != FREE) + (has[1] != FREE) + (LAST > 1 && has[THIRD] != FREE) +                      \
     (LAST > 2 && has[LAST] != FREE))
#define IS_PERMITTED (PERMITS == 0 || USED < PERMITS)

#ifdef CAPPED
#define IS_AT_CAP(pool, c)                                                                         \
    ((has[SLOT(pool, 0)] < CONDEMNED && PRINCIPAL_OF(has[SLOT(pool, 0)]) == PRINCIPAL_OF(c)) ||    \
     (has[SLOT(pool, 1)] < CONDEMNED && PRINCIPAL_OF(has[SLOT(pool, 1)]) == PRINCIPAL_OF(c)))
#else
#define IS_AT_CAP(pool, c) false
#endif
#define HELPS(slot, pool, c)                                                                       \
    (!IS_AT_CAP(pool, c) || (has[slot] < CONDEMNED && PRINCIPAL_OF(has[slot]) == PRINCIPAL_OF(c)))

inline lock_chains() { atomic { !is_chains_locked; is_chains_locked = true } }
inline unlock_chains() { is_chains_locked = false }

inline find_free(pool, c)
{
    found = NONE;
    if
    :: IS_AT_CAP(pool, c)
    :: !IS_AT_CAP(pool, c) && IS_PERMITTED && has[SLOT(pool, 0)] == FREE -> found = SLOT(pool, 0)
#if SLOTS == 2
    :: !IS_AT_CAP(pool, c) && IS_PERMITTED && has[SLOT(pool, 1)] == FREE -> found = SLOT(pool, 1)
#endif
    :: else
    fi
}

#define MAY_HAVE(c, pool) (queued_in[c] == (pool) && !IS_AT_CAP(pool, c))

/* In the hold that freed `slot`: `served` is who has it now. */
inline grant_to_any(slot)
{
    served = NONE;
    if
    :: MAY_HAVE(0, POOL_OF(slot)) -> served = 0
    :: MAY_HAVE(1, POOL_OF(slot)) -> served = 1
#if CHAINS == 3
    :: MAY_HAVE(2, POOL_OF(slot)) -> served = 2
#endif
    :: else
    fi;
    if
    :: served != NONE -> has[slot] = served; queued_in[served] = NONE
    :: else
    fi
}

/* bhi_chain_goes_on */
inline goes_on(c)
{
    if
    :: is_inside[c] ->
#ifdef BUG_GOES_ON_UNLOCKED
        waits_for[c] = NONE
#else
        lock_chains();
        waits_for[c] = NONE;
        unlock_chains()
#endif
    :: else
    fi
}

inline tell_served(slot)
{
    if
    :: served != NONE -> goes_on(served); answer[served] = slot
    :: else
    fi
}

inline free_slot(slot)
{
    atomic {
        has[slot] = FREE;
        is_dying[slot] = false;
        grant_to_any(slot);
        is_woken = PERMITS != 0
    };
    tell_served(slot)
}

#define GOES_ON_ALONE(slot, pool, c)                                                               \
    (HELPS(slot, pool, c) && (has[slot] >= CONDEMNED || waits_for[has[slot]] == NONE))
#define FOLLOW(slot, pool, c)                                                                      \
    if                                                                                             \
    :: HELPS(slot, pool, c) && !(marked & (1 << has[slot])) ->                                     \
        marked = marked | (1 << has[slot]);                                                        \
        to_look_at = to_look_at | (1 << has[slot])                                                 \
    :: else                                                                                        \
    fi

/* One hold of the lock of the pool that `c` waits in. */
inline look_at(c)
{
    atomic {
        if
#ifndef BUG_IGNORE_IS_QUEUED
        :: queued_in[c] == NONE -> is_circle = false
#endif
        :: else ->
            pool = waits_for[c];
            if
            :: GOES_ON_ALONE(SLOT(pool, 0), pool, c) -> is_circle = false
#if SLOTS == 2
            :: GOES_ON_ALONE(SLOT(pool, 1), pool, c) -> is_circle = false
#endif
            :: else ->
#ifdef BUG_STOP_EARLY
                if
                :: c != me -> is_circle = false
                :: else
                fi;
#endif
                FOLLOW(SLOT(pool, 0), pool, c);
#if SLOTS == 2
                FOLLOW(SLOT(pool, 1), pool, c)
#endif
            fi
        fi;
        pool = 0
    }
}

/* are_permits_stalled: each waiting chain is looked at in a hold of its pool's lock. */
#define STALLED_OF(c) (waits_for[c] != NONE -> held[c] : 0)
#if CHAINS == 3
#define STALLED (STALLED_OF(0) + STALLED_OF(1) + STALLED_OF(2))
#else
#define STALLED (STALLED_OF(0) + STALLED_OF(1))
#endif

inline look_at_permits()
{
    if
    :: PERMITS != 0 && !is_circle && STALLED >= PERMITS ->
        is_circle = true;
#ifndef BUG_STALLED_WERE_SERVED
        if
        :: waits_for[0] != NONE && queued_in[0] == NONE -> is_circle = false
        :: else
        fi;
        if
        :: waits_for[1] != NONE && queued_in[1] == NONE -> is_circle = false
        :: else
        fi;
#if CHAINS == 3
        if
        :: waits_for[2] != NONE && queued_in[2] == NONE -> is_circle = false
        :: else
        fi
#endif
#endif
    :: else
    fi
}

inline search()
{
    marked = 1 << me;
    to_look_at = 1 << me;
    is_circle = true;
    do
    :: is_circle && to_look_at & 1 -> to_look_at = to_look_at & ~1; look_at(0)
    :: is_circle && to_look_at & 2 -> to_look_at = to_look_at & ~2; look_at(1)
#if CHAINS == 3
    :: is_circle && to_look_at & 4 -> to_look_at = to_look_at & ~4; look_at(2)
#endif
    :: !is_circle || to_look_at == 0 -> break
    od;
    marked = 0;
    to_look_at = 0;
#ifndef BUG_IGNORE_PERMITS
    look_at_permits()
#endif
}

/* Ghost: the chains that are queued, less those for whom a slot is or comes free otherwise. */
#define IS_OVER_SOON(slot)                                                                         \
    (has[slot] == CONDEMNED || is_dying[slot] ||                                                   \
     (has[slot] < CONDEMNED && !(stuck & (1 << has[slot]))))
#define PERMIT_COMES                                                                               \
    (IS_PERMITTED || IS_OVER_SOON(0) || IS_OVER_SOON(1) || IS_OVER_SOON(THIRD) ||                  \
     IS_OVER_SOON(LAST))
#define COMES_FREE(slot, c)                                                                        \
    (HELPS(slot, queued_in[c], c) && ((has[slot] == FREE && PERMIT_COMES) || IS_OVER_SOON(slot)))
#if SLOTS == 2
#define GETS_ON(c)                                                                                 \
    (queued_in[c] == NONE || COMES_FREE(SLOT(queued_in[c], 0), c) ||                              \
     COMES_FREE(SLOT(queued_in[c], 1), c))
#else
#define GETS_ON(c) (queued_in[c] == NONE || COMES_FREE(SLOT(queued_in[c], 0), c))
#endif

inline look_for_stuck()
{
    stuck = (1 << CHAINS) - 1;
    do
    :: stuck & 1 && GETS_ON(0) -> stuck = stuck & ~1
    :: stuck & 2 && GETS_ON(1) -> stuck = stuck & ~2
#if CHAINS == 3
    :: stuck & 4 && GETS_ON(2) -> stuck = stuck & ~4
#endif
    :: else -> break
    od;
    was_stuck = was_stuck || stuck & (1 << me);
    stuck = 0
}

/* `slot`: what it got, or NONE: refused, or given up. */
inline ask(to)
{
    if
    :: is_inside[me] -> lock_chains()
    :: else
    fi;
    atomic {
        find_free(to, me);
        slot = found;
        if
        :: found != NONE -> has[found] = me
        :: else ->
            queued_in[me] = to;
            is_woken = PERMITS != 0;
            if
            :: is_patient = true
            :: GIVES_UP -> is_patient = false
            fi
        fi;
        is_queued = found == NONE;
        found = NONE;
        if
        :: is_queued && is_inside[me] -> look_for_stuck()
        :: else
        fi
    };
    if
    :: is_inside[me] ->
        if
        :: is_queued ->
            waits_for[me] = to;
#ifdef BUG_SEARCH_UNLOCKED
            unlock_chains();
#endif
            search();
            if
            :: is_circle ->
                atomic {
                    if
                    :: queued_in[me] != NONE ->
                        look_for_stuck();
                        assert(was_stuck);
                        queued_in[me] = NONE;
                        waits_for[me] = NONE;
                        is_queued = false
                    :: else
                    fi
                };
                is_circle = false
            :: else
            fi
        :: else
        fi;
#ifdef BUG_SEARCH_UNLOCKED
        if
        :: is_queued
        :: else -> is_chains_locked = false
        fi
#else
        unlock_chains()
#endif
    :: else
    fi;
    if
    :: is_queued ->
        if
        :: atomic { answer[me] != NONE -> slot = answer[me]; answer[me] = NONE }
        :: !is_patient ->
            atomic {
                is_queued = queued_in[me] != NONE;
                queued_in[me] = NONE
            };
            if
            :: is_queued -> goes_on(me)
            :: else -> atomic { answer[me] != NONE -> slot = answer[me]; answer[me] = NONE }
            fi
        fi
    :: else
    fi;
    is_queued = false;
    is_patient = false;
    was_stuck = false
}

proctype chain(byte me)
{
    byte leases[DEPTH], depth, asks, slot, found = NONE, pool, marked, to_look_at, stuck;
    byte served = NONE, to;
    bool is_queued, is_patient, is_circle, was_stuck;
    do
    :: depth < DEPTH && asks < ASKS ->
        atomic {
            asks++;
            is_inside[me] = depth != 0;
            if
            :: to = 0
            :: to = 1
#if POOLS == 3
            :: to = 2
#endif
            fi
        };
        ask(to);
        atomic {
            to = 0;
            if
            :: slot != NONE -> leases[depth] = slot; depth++; held[me] = depth
            :: else
            fi;
            slot = 0
        }
    :: depth != 0 ->
        atomic { depth--; held[me] = depth; slot = leases[depth]; leases[depth] = 0 };
        if
        :: free_slot(slot)
#ifdef BUG_CONDEMNED_IS_CHAINS
        :: CONDEMNS -> atomic { is_dying[slot] = true; run destroyer(slot) }
#else
        :: CONDEMNS -> atomic { is_dying[slot] = true; has[slot] = CONDEMNED; run destroyer(slot) }
#endif
        fi;
        atomic { slot = 0; served = NONE }
    :: depth == 0 -> break
    od;
    asks = 0;
    ended++
}

proctype destroyer(byte slot)
{
    byte served = NONE;
    free_slot(slot)
}

/* Advances every pool when a permit came back, or somebody began to wait for one. */
proctype keeper()
{
    byte served = NONE, found = NONE, p;
end:
    do
    :: is_woken ->
        is_woken = false;
        do
        :: p < POOLS ->
            atomic {
                found = NONE;
                if
                :: IS_PERMITTED && has[SLOT(p, 0)] == FREE -> found = SLOT(p, 0)
#if SLOTS == 2
                :: IS_PERMITTED && has[SLOT(p, 1)] == FREE -> found = SLOT(p, 1)
#endif
                :: else
                fi;
                if
                :: found != NONE -> grant_to_any(found)
                :: else
                fi
            };
            if
            :: served != NONE -> tell_served(found)
            :: else -> p++
            fi;
            atomic { served = NONE; found = NONE }
        :: else -> break
        od;
        p = 0
    od
}

init
{
    atomic {
        run chain(0);
        run chain(1);
#if CHAINS == 3
        run chain(2);
#endif
#if PERMITS != 0
        run keeper()
#endif
    }
}
