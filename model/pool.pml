/* model/pool.pml - the decisions of src/pool/pool_core.c and the effects of pool.c, interleaved.
 *
 * What is modelled. Every hold of the pool's lock is one `atomic` step: checkout, built, failed,
 * declined, returned, destroyed, cancelled, evicted, advanced, built idle, closed, released. Where
 * pool.c settles, so does `settle`, within the same hold: the core is asked what is next until it
 * says nothing. What it asks for is done outside: an answer is on its way until its caller runs, an
 * item is condemned until the process that destroys it reports, and building ahead is a process of
 * its own. Builds are held back by `is_held` (until the time told to the keeper, which has one
 * timer), by `has_failed` (one build at a time) and by the breaker's probe.
 *
 * What is abstracted. Times: a hold ends at any moment, and nothing else measures. The order of
 * waiters (P9): any waiter whose principal is below its cap may be served next; turns.c has tests
 * of its own. Permits: ceiling.pml. Chains: chains.pml. Which idle item is lent, and which is
 * evicted: any, but for affinity's preference (P4). Counters and errors: nothing depends on them.
 *
 * What is checked, where:
 *   P1, P2  `move`: a slot has one state, and moves as the table in pool_core.c says. A condemned
 *       one is live, and only an empty one is built into.
 *   P3  `move`: of a condemned slot there is no way but to an empty one.
 *   P4  `hand_over`: what is lent has the data of nobody or of its own principal (ghost `data`).
 *   P5  `check_hold`, at the end of every hold. Who waits for something that never comes is an
 *       invalid end state: nothing but an answer ends a patient caller.
 *   P6  destroys and builds are between two atomic steps.
 *   P7  ghost `owner`: one caller at a time, asserted at the grant and at the end.
 *   P8  `hand_over` asserts not closed; every process ends; `all_over` asserts that the pool was
 *       freed; `enter` asserts that it was not freed before.
 *   P9  only the caps: `begin_hold`, and the place of a principal in `check_hold`.
 *
 * Bounds: SLOTS, CALLERS with one call each, of PRINCIPALS in turns, WAITERS_MAX; CAP slots of one
 * principal (0: none), MIN_IDLE, FAILURES of builds in all; BREAKS: the breaker may open once, and
 * again while it is half open; AHEADS: what was condemned is replaced ahead; EVICTS: one eviction;
 * CLOSES: the pool is closed before its last reference goes; -DAFFINE. BUG_... are seeded faults,
 * which model/run shows to be found.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef CALLERS
#define CALLERS 3
#endif
#ifndef PRINCIPALS
#define PRINCIPALS 2
#endif
#ifndef CAP
#define CAP 0
#endif
#ifndef MIN_IDLE
#define MIN_IDLE 0
#endif
#ifndef WAITERS_MAX
#define WAITERS_MAX 2
#endif
#ifndef FAILURES
#define FAILURES 0
#endif
#ifndef BREAKS
#define BREAKS 0
#endif
#ifndef AHEADS
#define AHEADS 0
#endif
#ifndef EVICTS
#define EVICTS 0
#endif
#ifndef CLOSES
#define CLOSES 0
#endif

#define NONE 15 /* no slot, no caller */
#define NOBODY 15
#define PRINCIPAL_OF(caller) ((caller) % PRINCIPALS)

/* States of a slot. */
#define EMPTY 0
#define BUILDING 1
#define IDLE 2
#define LEASED 3
#define RESTORING 4
#define CONDEMNED 5

/* Of a caller: what its waiter is. */
#define AWAY 0
#define QUEUED 1
#define GRANTED 2
#define TOLD_CLOSED 3

byte state[SLOTS];
byte holder[SLOTS] = NOBODY; /* its principal */
byte keeper[SLOTS] = NOBODY; /* affine and idle: whose state the item has */
bool is_ahead[SLOTS];        /* building, for nobody */
bool is_job[SLOTS];          /* the build ahead was asked for and not begun */

byte waiter[CALLERS];           /* AWAY ... TOLD_CLOSED */
byte granted_slot[CALLERS] = NONE;
byte held[PRINCIPALS];
bool is_in_capped[PRINCIPALS]; /* its place in the line */

bool is_closed, owes_ahead;
bool is_held, has_failed; /* builds: until a time; after a failure, one at a time */
bool is_half_open, may_open = BREAKS;
byte probe = NONE;
byte failures_left = FAILURES;

bool is_told;       /* pool.c: the end of this hold was told to the keeper */
bool is_timer_set;  /* the keeper's one timer */
byte references = CALLERS + 1; /* of the callers and the operator */
byte settling;      /* processes that will touch the pool again */
byte ended;         /* processes that are over */

/* Ghosts. */
bool is_freed;
byte data[SLOTS] = NOBODY; /* whose bytes the item has */
byte owner[SLOTS] = NONE;  /* the caller that has the slot */

#if SLOTS == 2
#define COUNT(s) ((state[0] == (s)) + (state[1] == (s)))
#else
#define COUNT(s) ((state[0] == (s)) + (state[1] == (s)) + (state[2] == (s)))
#endif
#define IS_AT_CAP(p) (CAP != 0 && held[p] >= CAP)
#define IS_SERVABLE(c) (waiter[c] == QUEUED && !is_in_capped[PRINCIPAL_OF(c)])
#if CALLERS == 3
#define WAITING ((waiter[0] == QUEUED) + (waiter[1] == QUEUED) + (waiter[2] == QUEUED))
#define MAY_SERVE (IS_SERVABLE(0) || IS_SERVABLE(1) || IS_SERVABLE(2))
#define WAITS(p) ((PRINCIPAL_OF(0) == (p) && waiter[0] == QUEUED) ||                              \
                  (PRINCIPAL_OF(1) == (p) && waiter[1] == QUEUED) ||                              \
                  (PRINCIPAL_OF(2) == (p) && waiter[2] == QUEUED))
#else
#define WAITING ((waiter[0] == QUEUED) + (waiter[1] == QUEUED) + (waiter[2] == QUEUED) +          \
                 (waiter[3] == QUEUED))
#define MAY_SERVE (IS_SERVABLE(0) || IS_SERVABLE(1) || IS_SERVABLE(2) || IS_SERVABLE(3))
#define WAITS(p) ((PRINCIPAL_OF(0) == (p) && waiter[0] == QUEUED) ||                              \
                  (PRINCIPAL_OF(1) == (p) && waiter[1] == QUEUED) ||                              \
                  (PRINCIPAL_OF(2) == (p) && waiter[2] == QUEUED) ||                              \
                  (PRINCIPAL_OF(3) == (p) && waiter[3] == QUEUED))
#endif
#define MAY_BUILD                                                                                  \
    (!is_held && !(has_failed && COUNT(BUILDING) != 0) && !(is_half_open && probe != NONE))
#define AHEAD (is_ahead[0] || is_ahead[1] || is_ahead[SLOTS - 1])

/* ---- slots ---- */

inline move(s, to)
{
    assert((state[s] == EMPTY && to == BUILDING) ||
           (state[s] == BUILDING && (to == LEASED || to == IDLE || to == EMPTY)) ||
           (state[s] == IDLE && (to == LEASED || to == RESTORING || to == CONDEMNED)) ||
           (state[s] == LEASED && (to == IDLE || to == CONDEMNED)) ||
           (state[s] == RESTORING && (to == LEASED || to == EMPTY)) ||
           (state[s] == CONDEMNED && to == EMPTY));
    state[s] = to
}

inline begin_hold(s, p)
{
    assert(!IS_AT_CAP(p)); /* P9 */
    holder[s] = p;
    held[p]++
}

inline end_hold(s)
{
    if
    :: holder[s] != NOBODY ->
#ifndef BUG_FORGET_UNCAP
        if
        :: IS_AT_CAP(holder[s]) -> is_in_capped[holder[s]] = false
        :: else
        fi;
#endif
        held[holder[s]]--;
        holder[s] = NOBODY
    :: else
    fi
}

inline empty_slot(s)
{
    if
    :: probe == s -> probe = NONE
    :: else
    fi;
    data[s] = NOBODY;
    is_ahead[s] = false;
    move(s, EMPTY);
    end_hold(s)
}

/* ---- granting ---- */

/* `chosen`: an idle slot that affinity prefers for the principal; see BUG_LEND_CONDEMNED. */
inline choose_idle(p)
{
    s = 0;
    chosen = NONE;
#ifdef AFFINE
    do /* its own state, */
    :: s < SLOTS ->
        if
        :: state[s] == IDLE && keeper[s] == p -> chosen = s
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0;
    do /* else nobody's, */
    :: s < SLOTS && chosen == NONE ->
        if
        :: state[s] == IDLE && keeper[s] == NOBODY -> chosen = s
        :: else
        fi;
        s++
    :: else -> break
    od;
#endif
    if /* else any */
    :: chosen == NONE ->
        if
        :: state[0] == IDLE -> chosen = 0
        :: state[1] == IDLE -> chosen = 1
#if SLOTS == 3
        :: state[2] == IDLE -> chosen = 2
#endif
#ifdef BUG_LEND_CONDEMNED
        :: state[0] == CONDEMNED -> chosen = 0
#endif
        fi
    :: else
    fi;
    s = 0
}

/* P3, P4, P7, P8 */
inline hand_over(slot, c)
{
    assert(!is_closed);
    assert(owner[slot] == NONE);
    assert(state[slot] != LEASED || data[slot] == NOBODY || data[slot] == PRINCIPAL_OF(c));
    if
    :: state[slot] == LEASED -> data[slot] = PRINCIPAL_OF(c) /* the guest runs */
    :: else
    fi;
    owner[slot] = c;
    granted_slot[c] = slot;
    waiter[c] = GRANTED
}

inline grant_idle(c)
{
    choose_idle(PRINCIPAL_OF(c));
#ifdef AFFINE
    if
#ifdef BUG_NO_RESTORE
    :: true -> move(chosen, LEASED)
#else
    :: keeper[chosen] == NOBODY || keeper[chosen] == PRINCIPAL_OF(c) -> move(chosen, LEASED)
    :: else -> move(chosen, RESTORING)
#endif
    fi;
    keeper[chosen] = NOBODY;
#else
    move(chosen, LEASED);
#endif
    begin_hold(chosen, PRINCIPAL_OF(c));
    hand_over(chosen, c)
}

inline reserve()
{
    if
    :: state[0] == EMPTY -> chosen = 0
    :: else ->
        if
        :: state[1] == EMPTY -> chosen = 1
        :: else -> chosen = SLOTS - 1
        fi
    fi;
    assert(state[chosen] == EMPTY); /* P1 */
    move(chosen, BUILDING);
    if
    :: is_half_open -> assert(probe == NONE); probe = chosen
    :: else
    fi
}

inline grant_build(c)
{
    reserve();
    begin_hold(chosen, PRINCIPAL_OF(c));
    hand_over(chosen, c)
}

/* ---- what is next: bhi_pool_core_next, until it says nothing ---- */

inline pick_servable()
{
    if
    :: IS_SERVABLE(0) -> w = 0
    :: IS_SERVABLE(1) -> w = 1
    :: IS_SERVABLE(2) -> w = 2
#if CALLERS == 4
    :: IS_SERVABLE(3) -> w = 3
#endif
    fi
}

inline serve(c, is_build)
{
    if
    :: is_build -> grant_build(c)
    :: else -> grant_idle(c)
    fi;
    if
    :: IS_AT_CAP(PRINCIPAL_OF(c)) && WAITS(PRINCIPAL_OF(c)) ->
        is_in_capped[PRINCIPAL_OF(c)] = true
    :: else
    fi
}

inline answer_all_closed()
{
    w = 0;
    do
    :: w < CALLERS ->
        if
        :: waiter[w] == QUEUED -> waiter[w] = TOLD_CLOSED; has_effects = true
        :: else
        fi;
        w++
    :: else -> break
    od;
    w = 0;
    do
    :: w < PRINCIPALS -> is_in_capped[w] = false; w++
    :: else -> break
    od;
    w = 0
}

inline condemn(slot)
{
    keeper[slot] = NOBODY;
    move(slot, CONDEMNED)
}

inline destroy_idle()
{
    s = 0;
    do
    :: s < SLOTS ->
        if
        :: state[s] == IDLE -> condemn(s); mine[s] = true; has_effects = true
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0
}

inline replace()
{
    owes_ahead = COUNT(IDLE) == 0 && !AHEAD && COUNT(EMPTY) == 0;
    if
    :: COUNT(IDLE) == 0 && !AHEAD && COUNT(EMPTY) != 0 && MAY_BUILD && !is_half_open ->
        reserve();
        is_ahead[chosen] = true;
        is_job[chosen] = true;
        has_effects = true
    :: else
    fi
}

/* The time that a hold ends is told once, until it was told in vain. */
inline tell()
{
    if
    :: !is_closed && MAY_SERVE && COUNT(IDLE) == 0 && is_held ->
#ifndef BUG_SKIP_WAKE
        if
        :: !is_told -> is_timer_set = true
        :: else
        fi;
#endif
        is_told = true
    :: else -> is_told = false
    fi
}

/* P5, P8, P9. Who may be served and is not is owed a step: by the keeper, or by a destroy. */
inline check_hold()
{
    assert(!MAY_SERVE || (!is_closed && COUNT(IDLE) == 0));
    assert(!MAY_SERVE || COUNT(EMPTY) == 0 || !MAY_BUILD || is_timer_set ||
           COUNT(CONDEMNED) != 0);
    assert(is_closed || !WAITS(0) || is_in_capped[0] == IS_AT_CAP(0));
    assert(is_closed || !WAITS(1) || is_in_capped[1] == IS_AT_CAP(1))
}

inline take_effects()
{
    has_effects = false;
    do
#ifdef BUG_GRANT_AFTER_CLOSE
    :: false
#else
    :: is_closed ->
#ifndef BUG_FORGET_WAITERS
        answer_all_closed();
#endif
        destroy_idle();
        break
#endif
#ifdef BUG_GRANT_AFTER_CLOSE
    :: MAY_SERVE && COUNT(IDLE) != 0 ->
#elif defined(BUG_LEND_CONDEMNED)
    :: !is_closed && MAY_SERVE && (COUNT(IDLE) != 0 || state[0] == CONDEMNED) ->
#else
    :: !is_closed && MAY_SERVE && COUNT(IDLE) != 0 ->
#endif
        pick_servable();
        serve(w, false);
        has_effects = true
    :: !is_closed && MAY_SERVE && COUNT(IDLE) == 0 && COUNT(EMPTY) != 0 && MAY_BUILD ->
        pick_servable();
        serve(w, true);
        has_effects = true
    :: !is_closed && !MAY_SERVE && owes_ahead -> replace(); break
    :: else -> break
    od;
    w = 0;
    chosen = NONE
}

/* ---- holds of the lock ---- */

inline enter()
{
    assert(!is_freed)
}

inline leave()
{
#ifdef BUG_SETTLING_IS_A_REFERENCE
    references--;
#else
    settling--;
#endif
    if
#ifdef BUG_FREE_EARLY
    :: references == 0 && COUNT(EMPTY) == SLOTS -> assert(!is_freed); is_freed = true
#else
    :: references == 0 && settling == 0 && COUNT(EMPTY) == SLOTS ->
        assert(!is_freed);
        is_freed = true
#endif
    :: else
    fi
}

inline report_destroyed()
{
    s = 0;
    do
    :: s < SLOTS ->
        if
        :: mine[s] -> mine[s] = false; empty_slot(s)
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0
}

/* The end of a hold that changed something. Without effects it is all; else these are done outside
 * (P6), and the process comes back to report them and to settle again. */
inline settle()
{
    if
    :: !is_settling ->
        is_settling = true;
#ifdef BUG_SETTLING_IS_A_REFERENCE
        references++
#else
        settling++
#endif
    :: else
    fi;
    take_effects();
    tell();
    if
    :: !has_effects -> is_settling = false; leave()
    :: else -> has_effects = false
    fi
}

inline settle_if_needed()
{
    chosen = NONE;
    if
    :: must_settle -> must_settle = false; settle()
    :: else
    fi;
    check_hold()
}

/* Who is not the last has nothing to settle. */
inline release()
{
    references--;
    if
    :: references == 0 -> is_closed = true; owes_ahead = false; must_settle = true
    :: else
    fi
}

inline fail(slot)
{
    failures_left--;
    has_failed = true;
    if /* the first failure holds nothing back, later ones do */
    :: true
    :: !is_held -> is_held = true; is_told = false
    fi;
    empty_slot(slot)
}

inline fill()
{
    has_failed = false;
    if
    :: !is_half_open -> is_held = false
    :: else
    fi
}

#define LOCALS                                                                                     \
    byte s, w, chosen = NONE;                                                                      \
    bool has_effects, is_settling, must_settle;                                                    \
    bool mine[SLOTS] /* what this process is to destroy */

/* ---- processes: each round is one hold of the lock ---- */

/* Phases of a caller. */
#define ASKS 0
#define WAITS_FOR_ANSWER 1
#define BUILDS 2
#define CALLS 3
#define DESTROYS 4
#define IS_OVER 5

inline ask()
{
    if
    :: is_closed -> waiter[me] = TOLD_CLOSED
    :: else ->
        if
        :: !MAY_SERVE && !IS_AT_CAP(PRINCIPAL_OF(me)) && COUNT(IDLE) != 0 -> grant_idle(me)
        :: !MAY_SERVE && !IS_AT_CAP(PRINCIPAL_OF(me)) && COUNT(IDLE) == 0 && COUNT(EMPTY) != 0 &&
           MAY_BUILD -> grant_build(me)
        :: else ->
            if
            :: WAITING >= WAITERS_MAX -> waiter[me] = TOLD_CLOSED /* saturated */
            :: else ->
                waiter[me] = QUEUED;
                is_in_capped[PRINCIPAL_OF(me)] = IS_AT_CAP(PRINCIPAL_OF(me));
                tell();
                if
                :: is_patient = true
                :: is_patient = false
                fi
            fi
        fi
    fi;
    if
    :: waiter[me] == QUEUED -> phase = WAITS_FOR_ANSWER
    :: else -> take_answer()
    fi
}

/* From here on the slot keeps the pool. */
inline take_answer()
{
    slot = granted_slot[me];
    granted_slot[me] = NONE;
    waiter[me] = AWAY;
    is_patient = false;
    if
    :: slot == NONE -> phase = IS_OVER
    :: slot != NONE && state[slot] == LEASED -> phase = CALLS
    :: slot != NONE && state[slot] != LEASED -> phase = BUILDS
    fi;
    release()
}

/* bhi_pool_cancel_wait */
inline give_up()
{
    if
#ifdef BUG_CANCEL_ANSWERED
    :: true ->
#else
    :: waiter[me] == QUEUED ->
#endif
        waiter[me] = AWAY;
        if
        :: !WAITS(PRINCIPAL_OF(me)) -> is_in_capped[PRINCIPAL_OF(me)] = false
        :: else
        fi;
        phase = IS_OVER;
        release()
#ifndef BUG_CANCEL_ANSWERED
    :: else
#endif
    fi
}

inline report_built()
{
    assert(owner[slot] == me);
    move(slot, LEASED);
    data[slot] = PRINCIPAL_OF(me); /* the guest runs */
    fill();
    phase = CALLS;
#ifndef BUG_NO_SETTLE_AFTER_BUILT
    must_settle = true
#endif
}

inline report_not_built(has_tried)
{
    assert(owner[slot] == me);
    owner[slot] = NONE;
    if
    :: has_tried -> fail(slot)
    :: else -> empty_slot(slot)
    fi;
    slot = NONE;
    phase = IS_OVER;
    must_settle = true
}

inline end_lease()
{
    assert(owner[slot] == me && state[slot] == LEASED); /* P7 */
    owner[slot] = NONE;
    if
    :: probe == slot -> probe = NONE
    :: else
    fi
}

inline return_clean()
{
    end_lease();
    if
    :: is_half_open && !is_held -> is_half_open = false
    :: else
    fi;
#ifdef AFFINE
#ifdef BUG_KEEP_FOR_OTHER
    keeper[slot] = (PRINCIPAL_OF(me) + 1) % PRINCIPALS;
#else
    keeper[slot] = PRINCIPAL_OF(me);
#endif
#else
    data[slot] = NOBODY; /* restored to its snapshot */
#endif
    move(slot, IDLE);
    end_hold(slot);
    slot = NONE;
    phase = IS_OVER;
    must_settle = true
}

/* Or spent. The breaker may open. */
inline return_condemned()
{
    end_lease();
    if
    :: may_open || is_half_open ->
        may_open = false;
        is_half_open = true;
        is_held = true;
        is_told = false
    :: !is_half_open
    fi;
    owes_ahead = AHEADS;
    condemn(slot);
    phase = DESTROYS
}

inline report_own_destroyed()
{
    empty_slot(slot);
    slot = NONE;
#ifndef BUG_NO_SETTLE_AFTER_DESTROY
    must_settle = true
#endif
}

proctype caller(byte me)
{
    LOCALS;
    byte slot = NONE, phase = ASKS;
    bool is_patient;
    do
    :: atomic {
            if
            :: is_settling -> enter(); report_destroyed(); must_settle = true
            :: !is_settling && phase == ASKS -> enter(); ask()
            :: !is_settling && phase == WAITS_FOR_ANSWER && waiter[me] != QUEUED ->
                enter();
                take_answer()
            :: !is_settling && phase == WAITS_FOR_ANSWER && !is_patient -> enter(); give_up()
            :: !is_settling && phase == BUILDS -> enter(); report_built()
            :: !is_settling && phase == BUILDS -> enter(); report_not_built(false)
            :: !is_settling && phase == BUILDS && failures_left != 0 ->
                enter();
                report_not_built(true)
            :: !is_settling && phase == CALLS -> enter(); return_clean()
            :: !is_settling && phase == CALLS -> enter(); return_condemned()
            :: !is_settling && phase == DESTROYS ->
                enter();
                report_own_destroyed();
                phase = IS_OVER
            fi;
            settle_if_needed()
        }
    :: phase == IS_OVER && !is_settling -> break
    od;
    atomic { phase = ASKS; ended++ }
}

/* Time passes; a hold of the breaker leaves it half open. */
proctype clock()
{
end:
    do
    :: is_held -> is_held = false
    od
}

/* The keeper: it has one timer, and forgets it when it goes off, or looks after another pool. It
 * holds a reference while it works, of a pool that somebody else holds. */
proctype advancer()
{
    LOCALS;
    bool is_holding;
end:
    do
    :: atomic {
            if
            :: is_settling -> enter(); report_destroyed(); must_settle = true
            :: !is_settling && is_holding -> enter(); is_holding = false; release()
            :: !is_settling && !is_holding && is_timer_set && references != 0 ->
                enter();
                references++;
                is_holding = true;
                is_timer_set = false;
#ifndef BUG_TELL_ONCE
                is_told = false;
#endif
                must_settle = true
            :: !is_settling && !is_holding && is_timer_set && references == 0 ->
                is_timer_set = false
            fi;
            settle_if_needed()
        }
    od
}

inline report_ahead()
{
    if
    :: is_job[0] -> slot = 0
    :: is_job[1] -> slot = 1
    :: is_job[SLOTS - 1] -> slot = SLOTS - 1
    fi;
    is_job[slot] = false;
    is_ahead[slot] = false;
    if
    :: true -> fill(); move(slot, IDLE)
    :: failures_left != 0 -> fail(slot)
    :: true -> empty_slot(slot)
    fi;
    slot = 0;
    must_settle = true
}

proctype builder_ahead()
{
    LOCALS;
    byte slot;
end:
    do
    :: atomic {
            if
            :: is_settling -> enter(); report_destroyed(); must_settle = true
            :: !is_settling && (is_job[0] || is_job[1] || is_job[SLOTS - 1]) ->
                enter();
                report_ahead()
            fi;
            settle_if_needed()
        }
    od
}

inline reserve_warm()
{
    if
    :: SLOTS - COUNT(EMPTY) < MIN_IDLE && MAY_BUILD && !is_half_open ->
        reserve();
        is_ahead[chosen] = true;
        is_job[chosen] = true
    :: else
    fi
}

inline evict()
{
    if
    :: state[0] == IDLE -> slot = 0
    :: state[1] == IDLE -> slot = 1
    :: state[SLOTS - 1] == IDLE -> slot = SLOTS - 1
    fi;
    condemn(slot)
}

/* Warm start, an eviction, closing: each or none, in this order; then the first reference goes. */
proctype operator()
{
    LOCALS;
    byte slot = NONE, done;
    do
    :: atomic {
            if
            :: is_settling -> enter(); report_destroyed(); must_settle = true
            :: !is_settling && slot != NONE -> enter(); report_own_destroyed()
            :: !is_settling && slot == NONE && MIN_IDLE > 0 && done < 1 ->
                enter();
                done = 1;
                reserve_warm()
            :: !is_settling && slot == NONE && EVICTS && done < 2 && COUNT(IDLE) != 0 ->
                enter();
                done = 2;
                evict()
            :: !is_settling && slot == NONE && CLOSES && done < 3 ->
                enter();
                done = 3;
                is_closed = true;
                owes_ahead = false;
                must_settle = true
            :: !is_settling && slot == NONE && done < 4 -> enter(); done = 4; release()
            fi;
            settle_if_needed()
        }
    :: done == 4 && !is_settling -> break
    od;
    atomic { done = 0; ended++ }
}

/* P8 */
proctype all_over()
{
    ended == CALLERS + 1 && COUNT(EMPTY) == SLOTS;
    is_freed
}

init
{
    atomic {
        byte c = 0;
        do
        :: c < CALLERS -> run caller(c); c++
        :: else -> break
        od;
        run clock();
        run advancer();
        run builder_ahead();
        run operator();
        run all_over()
    }
}
