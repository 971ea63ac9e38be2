/* model/ceiling.pml - pools under one ceiling of permits, at the grain of atomic operations.
 *
 * What is modelled. ceiling.h: `live` is taken by compare-and-swap (one step) and given back by
 * subtraction; `starved` counts the pools that announced themselves. Each pool has a lock, held
 * over several such steps: take, announce, take again, queue, behind those that are announced; or
 * give, look for the announced. A build ahead takes a permit only while none is announced. The
 * pools' user is the keeper of runtime/keeper_room.c: woken, it advances every pool, and evicts
 * idle items while a pool is announced; it has one flag, so wakes merge. A starved pool wakes it
 * once for each time that it announces itself (pool.c, `starvings`); a pool with room wakes it when
 * somebody is announced: after a permit came back, or when an item stays idle.
 *
 * What is abstracted. Everything else that holds builds back, the order of waiters, principals; all
 * are in pool.pml. Sequential consistency is assumed, as the operations are.
 *
 * What is checked. No wake-up is lost: a caller that waits without ever giving up, while others
 * end, is an invalid end state. Permits in use equal the slots that are not empty, and are at most
 * PERMITS (P1 over all pools). A pool is announced only while a permit is all that somebody who
 * waits there misses (`unlock`), as the keeper would evict in vain else; at the end none is, and
 * every permit but those of idle items is back.
 *
 * Bounds: POOLS pools of SLOTS slots, CALLERS callers in turns of the pools with one call each,
 * PERMITS, WARMS builds ahead (0 or 1). BUG_... are seeded faults, which model/run shows to be
 * found. The second look is not among them: who announces itself wakes the keeper, and with that
 * looks again in any case; it saves a wake-up.
 */
#ifndef POOLS
#define POOLS 2
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef CALLERS
#define CALLERS 3
#endif
#ifndef WARMS
#define WARMS 0
#endif
#ifndef PERMITS
#define PERMITS 1
#endif
#define POOL_OF(caller) ((caller) % POOLS)

byte live, starved;                /* of the ceiling */
bool is_locked[POOLS];             /* each guards what follows */
bool is_starved[POOLS];
bool is_told[POOLS];               /* this starvation was told to the keeper */
byte used[POOLS], idle[POOLS];     /* slots; the others are empty */
byte waiting[POOLS], grants[POOLS]; /* callers; and answers on their way */
bool is_woken;                     /* the keeper */
byte ended;

inline lock(p) { atomic { !is_locked[p]; is_locked[p] = true } }
inline unlock(p)
{
    assert(!is_starved[p] || (waiting[p] != 0 && idle[p] == 0 && used[p] < SLOTS));
    is_locked[p] = false
}

inline set_starved(p, value)
{
    if
    :: is_starved[p] != value ->
        atomic {
            is_starved[p] = value;
            if
#ifdef BUG_TOLD_FLAG
            :: value -> starved++
#else
            :: value -> starved++; is_told[p] = false
#endif
            :: else -> starved--
            fi
        }
    :: else
    fi
}

inline take_once()
{
    atomic {
        has_permit = live < PERMITS;
        if
        :: has_permit -> live++
        :: else
        fi
    };
    assert(live <= PERMITS)
}

/* take_permit of pool_core.c, for somebody who will wait. */
inline take(p)
{
    has_permit = false;
    is_first = is_starved[p] || starved == 0;
    if
    :: is_first -> take_once()
    :: else
    fi;
    if
    :: !has_permit ->
        set_starved(p, true);
        if
        :: is_first -> take_once()
        :: else
        fi
    :: else
    fi
}

inline end_starving(p)
{
    if
    :: waiting[p] == 0 -> set_starved(p, false)
    :: else
    fi
}

inline wake()
{
    is_woken = true
}

/* take_wake_locked of pool.c. */
inline tell(p, has_room)
{
#ifdef BUG_TOLD_FLAG
    if
    :: is_starved[p] && !is_told[p] -> wake()
    :: else
    fi;
    is_told[p] = is_starved[p];
#else
    if
    :: is_starved[p] && !is_told[p] ->
        is_told[p] = true;
#ifndef BUG_STARVED_IS_SILENT
        wake()
#endif
    :: else
    fi;
#endif
    if
    :: has_room && starved != 0 -> wake()
    :: else
    fi
}

/* Serve the waiting: with what is idle, else with a build. */
inline settle(p)
{
    do
    :: waiting[p] != 0 && idle[p] != 0 ->
        idle[p]--; used[p]++; waiting[p]--; grants[p]++;
        end_starving(p)
    :: waiting[p] != 0 && idle[p] == 0 && used[p] < SLOTS ->
        take(p);
        if
        :: has_permit -> used[p]++; waiting[p]--; grants[p]++; end_starving(p)
        :: else -> break
        fi
    :: waiting[p] != 0 && idle[p] == 0 && used[p] == SLOTS ->
#ifndef BUG_STARVED_BESIDES
        set_starved(p, false);
#endif
        break
    :: waiting[p] == 0 -> break
    od
}

/* A slot is empty again. BUG_GIVE_LATE: it looks before it gives. */
inline give(p)
{
#ifdef BUG_GIVE_LATE
    settle(p);
    tell(p, true);
    atomic { live--; used[p]-- };
    settle(p)
#else
    atomic { live--; used[p]-- };
    settle(p);
#ifdef BUG_GIVE_IS_SILENT
    tell(p, false)
#else
    tell(p, true)
#endif
#endif
}

/* What is idle now stays so, or is for whoever waits. */
inline keep_idle(p)
{
    atomic { used[p]--; idle[p]++ };
    if
    :: waiting[p] == 0 ->
#ifdef BUG_IDLE_IS_SILENT
        tell(p, false)
#else
        tell(p, true)
#endif
    :: else -> settle(p); tell(p, false)
    fi
}

proctype caller(byte me)
{
    bool has_permit, is_first, is_queued, is_patient;
#define MY POOL_OF(me)
    lock(MY);
    if
    :: waiting[MY] == 0 && idle[MY] != 0 -> idle[MY]--; used[MY]++
    :: waiting[MY] == 0 && idle[MY] == 0 && used[MY] < SLOTS ->
        take(MY);
        if
        :: has_permit ->
            used[MY]++;
#ifndef BUG_STAYS_ANNOUNCED
            end_starving(MY)
#endif
        :: else -> is_queued = true
        fi
    :: else -> is_queued = true
    fi;
    if
    :: is_queued ->
        waiting[MY]++;
        tell(MY, false);
        if
        :: is_patient = true
        :: is_patient = false
        fi
    :: else
    fi;
    unlock(MY);
    if
    :: is_queued ->
        if
        :: atomic { grants[MY] != 0 -> grants[MY]-- }
        :: !is_patient ->
            lock(MY);
            if
            :: waiting[MY] != 0 -> waiting[MY]--; end_starving(MY); unlock(MY); goto over
            :: else -> unlock(MY); atomic { grants[MY] != 0 -> grants[MY]-- }
            fi
        fi
    :: else
    fi;
    if
    :: true -> /* ends clean */
        lock(MY);
        keep_idle(MY);
        unlock(MY)
    :: true -> /* condemned and destroyed, or a build that failed */
        lock(MY);
        give(MY);
        unlock(MY)
    fi;
over:
    atomic { is_patient = false; is_queued = false; is_first = false; has_permit = false; ended++ }
}

inline advance_all()
{
    p = 0;
    do
    :: p < POOLS ->
        lock(p);
        settle(p);
        tell(p, false);
        unlock(p);
        p++
    :: else -> break
    od;
    p = 0
}

/* Evict one idle item, of any pool. */
inline evict_one()
{
    p = 0;
    has_evicted = false;
    do
    :: p < POOLS && !has_evicted ->
        lock(p);
        if
        :: idle[p] != 0 ->
            atomic { idle[p]--; used[p]++ }; /* being destroyed */
            unlock(p);
            lock(p);
            give(p);
            has_evicted = true
        :: else
        fi;
        unlock(p);
        p++
    :: else -> break
    od;
    p = 0
}

proctype keeper()
{
    bool has_permit, is_first, has_evicted;
    byte p;
end:
    do
    :: is_woken ->
        is_woken = false;
        advance_all();
        do
        :: starved != 0 ->
            evict_one();
            if
            :: has_evicted -> advance_all()
            :: else -> break
            fi
        :: else -> break
        od;
        has_evicted = false;
        is_first = false;
        has_permit = false
    od
}

/* Builds one ahead, for nobody, in the first pool: take_spare_permit. */
proctype warmer()
{
    bool has_permit, is_first, is_built;
    lock(0);
    if
    :: used[0] + idle[0] < SLOTS && waiting[0] == 0 && starved == 0 -> take_once()
    :: else
    fi;
    if
    :: has_permit -> used[0]++; is_built = true
    :: else
    fi;
    unlock(0);
    if
    :: is_built ->
        lock(0);
        keep_idle(0);
        unlock(0)
    :: else
    fi;
    atomic { has_permit = false; is_first = false; is_built = false; ended++ }
}

proctype all_over()
{
    ended == CALLERS + WARMS && !is_woken;
    assert(waiting[0] + waiting[POOLS - 1] == 0);
    assert(starved == 0);
    (used[0] + used[1] == 0) && live == idle[0] + idle[1] /* an eviction may be under way */
}

init
{
    atomic {
        byte c = 0;
        do
        :: c < CALLERS -> run caller(c); c++
        :: else -> break
        od;
        run keeper();
#if WARMS
        run warmer();
#endif
        run all_over()
    }
}
