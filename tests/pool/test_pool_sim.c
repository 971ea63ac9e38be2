/* tests/pool/test_pool_sim.c - the pool in virtual time, under seeded schedules of faults.
 *
 * A world is a core, callers and a clock that jumps from event to event. Everything that happens
 * outside the lock (a build, a call, a destruction, a patience that ends) is an event with a time,
 * so the seed decides every interleaving. Callers are scripted by the seed: they return, trap (the
 * item is condemned), fail to build, give up while they wait, or never wait; the pool may close in
 * the middle. P1 to P9 are checked after every step: P1, P2, P5, P9 by the core's own walk, P3, P7
 * and P8 by what each caller was told; P6 needs a lock and is pool.c's. Then the faults stop, and
 * everything pending has to be answered.
 *
 * test_pool_sim --seed N replays one schedule.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_core.h"

enum { SEEDS = 10000, CALLERS = 24, PRINCIPALS = 5, SLOTS_MOST = 6, FAULTY_NS = 400 };

typedef enum stage { AWAY, QUEUED, BUILDING, CALLING, STAGES } stage;

typedef struct caller {
    bhi_waiter waiter; /* first */
    stage stage;
    uint32_t principal;
    uint64_t next_ns; /* asks, gives up, ends its build or its call then */
    uint64_t asked_at;
    bhi_slot *slot;
} caller;

typedef struct world {
    bhi_pool_core core;
    void *memory;
    uint64_t seed, random, now_ns;
    bool is_faulty; /* traps, failed builds, lost patience and closing may happen */
    caller callers[CALLERS];
    uint64_t destroyed_at_ns[SLOTS_MOST]; /* of the condemned slots */
    uint64_t warm_at_ns[SLOTS_MOST];      /* when its build for nobody ends; 0: none */
    int lent_to[SLOTS_MOST];              /* P7: who has the slot; -1 */
    bool is_lendable[SLOTS_MOST];         /* P3: it was built, and not condemned since */
    uint64_t granted, ended;              /* slots */
    uint64_t waits, answers, cancels;
} world;

static const char *const names[PRINCIPALS] = {"ada", "grace", "edsger", "barbara", ""};
static uint64_t seen[STAGES], seen_traps, seen_failures, seen_capped, seen_closed;

/* A broken invariant says how to see it again, be it one of ours or one of the core, which aborts.
 */
static uint64_t running_seed;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            report(#condition, __LINE__);                                                          \
    } while (0)

static void say_seed(void)
{
    printf("replay: pool_test_pool_sim --seed %llu\n", (unsigned long long)running_seed);
    fflush(stdout);
}

static void abort_cb(int signal_number)
{
    (void)signal_number;
    say_seed(); /* abort() was called from here, not from inside stdio */
}

static void report(const char *condition, int line)
{
    say_seed();
    fail_msg("line %d: %s", line, condition);
}

static uint32_t random_below(uint64_t *random, uint32_t bound)
{
    *random ^= *random << 13; /* xorshift64, Marsaglia 2003 */
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint32_t)(*random >> 33) % bound;
}

static uint32_t below(world *w, uint32_t bound)
{
    return random_below(&w->random, bound);
}

static bool chance(world *w, uint32_t percent)
{
    return below(w, 100) < percent;
}

static int index_of(const world *w, const bhi_slot *slot)
{
    EXPECT(slot >= w->core.slots && slot < w->core.slots + w->core.live_max);
    return (int)(slot - w->core.slots);
}

/* ---- what the core tells its callers ---- */

static void begin_call(world *w, caller *c)
{
    EXPECT(w->is_lendable[index_of(w, c->slot)]); /* P3 */
    EXPECT(c->slot->item != NULL && c->slot->state == BHI_SLOT_LEASED);
    c->stage = CALLING;
    c->next_ns = w->now_ns + 1 + below(w, 20);
}

static void take_grant(world *w, caller *c, bhi_grant grant)
{
    int slot = index_of(w, grant.slot);
    EXPECT(!w->core.is_closed);   /* P8 */
    EXPECT(w->lent_to[slot] < 0); /* P7 */
    w->lent_to[slot] = (int)(c - w->callers);
    w->granted++;
    c->slot = grant.slot;
    if (grant.kind == BHI_GRANT_LEASE) {
        begin_call(w, c);
        return;
    }
    EXPECT(grant.kind == BHI_GRANT_BUILD && !w->is_lendable[slot]);
    c->stage = BUILDING;
    c->next_ns = w->now_ns + 1 + below(w, 10);
}

static void go_away(world *w, caller *c)
{
    c->stage = AWAY;
    c->next_ns = w->now_ns + 1 + below(w, 60);
}

static void end_hold(world *w, caller *c)
{
    w->lent_to[index_of(w, c->slot)] = -1;
    w->ended++;
    c->slot = NULL;
    go_away(w, c);
}

/* Nobody of the same principal asked before and still waits: first in, first out (P9). */
static void expect_oldest(const world *w, const caller *served)
{
    for (int i = 0; i < CALLERS; i++) {
        const caller *c = &w->callers[i];
        EXPECT(c == served || c->stage != QUEUED || c->principal != served->principal ||
               c->asked_at > served->asked_at);
    }
}

static void apply(world *w, bhi_pool_effect effect)
{
    if (effect.kind == BHI_EFFECT_DESTROY) {
        int slot = index_of(w, effect.slot);
        EXPECT(effect.slot->state == BHI_SLOT_CONDEMNED && w->lent_to[slot] < 0);
        w->is_lendable[slot] = false;
        w->destroyed_at_ns[slot] = w->now_ns + 1 + below(w, 8);
    } else if (effect.kind == BHI_EFFECT_ANSWER) {
        caller *c = (caller *)effect.waiter;
        EXPECT(c->stage == QUEUED && !c->waiter.is_queued);
        w->answers++;
        if (effect.status == BH_OK) {
            expect_oldest(w, c);
            take_grant(w, c, effect.grant);
        } else {
            EXPECT(effect.status == BH_E_CLOSED && w->core.is_closed);
            go_away(w, c);
        }
    }
}

/* ---- what callers do ---- */

static void ask(world *w, caller *c)
{
    bhi_grant grant;
    bool will_wait = !chance(w, 10);
    c->asked_at = ++w->waits;
    bh_status status = will_wait
                           ? bhi_pool_core_checkout(&w->core, &c->waiter, &grant)
                           : bhi_pool_core_try_checkout(&w->core, c->waiter.principal, &grant);
    if (status != BH_OK) {
        w->waits--;
        EXPECT((status == BH_E_CLOSED) == w->core.is_closed);
        EXPECT(status != BH_E_LIMIT || !will_wait);
        EXPECT(status != BH_E_SATURATED || !will_wait || w->core.waiting == w->core.waiters_max);
        go_away(w, c);
    } else if (grant.kind == BHI_GRANT_QUEUED) {
        EXPECT(will_wait);
        c->stage = QUEUED;
        c->next_ns = w->is_faulty && chance(w, 30) ? w->now_ns + 1 + below(w, 40) : UINT64_MAX;
    } else {
        w->waits--;
        take_grant(w, c, grant);
    }
}

static void give_up(world *w, caller *c)
{
    bh_status why = chance(w, 50) ? BH_E_DEADLINE : BH_E_CANCELLED;
    EXPECT(bhi_pool_core_cancel_wait(&w->core, &c->waiter, why));
    EXPECT(!bhi_pool_core_cancel_wait(&w->core, &c->waiter, why));
    w->cancels++;
    go_away(w, c);
}

static void end_build(world *w, caller *c)
{
    bhi_slot *slot = c->slot;
    if (w->is_faulty && chance(w, 25)) {
        seen_failures++;
        end_hold(w, c);
        apply(w, chance(w, 50) ? bhi_pool_core_build_failed(&w->core, slot)
                               : bhi_pool_core_decline(&w->core, slot));
        return;
    }
    w->is_lendable[index_of(w, slot)] = true;
    bhi_pool_core_built(&w->core, slot, w);
    begin_call(w, c);
}

static void end_call(world *w, caller *c)
{
    bhi_slot *slot = c->slot;
    bool is_condemned = w->is_faulty && chance(w, 20);
    seen_traps += is_condemned;
    end_hold(w, c);
    if (is_condemned)
        w->is_lendable[index_of(w, slot)] = false;
    apply(w, bhi_pool_core_return(&w->core, slot, is_condemned));
}

static void run_caller(world *w, caller *c)
{
    static void (*const turns[STAGES])(world *, caller *) = {ask, give_up, end_build, end_call};
    seen[c->stage]++;
    turns[c->stage](w, c);
}

/* ---- what nobody in particular does ---- */

static void run_slot(world *w, int i)
{
    bhi_slot *slot = &w->core.slots[i];
    if (w->warm_at_ns[i] != 0 && w->warm_at_ns[i] <= w->now_ns) {
        w->warm_at_ns[i] = 0;
        bool has_failed = w->is_faulty && chance(w, 25);
        w->is_lendable[i] = !has_failed;
        apply(w, has_failed ? bhi_pool_core_build_failed(&w->core, slot)
                            : bhi_pool_core_built_idle(&w->core, slot, w));
    } else if (slot->state == BHI_SLOT_CONDEMNED && w->destroyed_at_ns[i] <= w->now_ns) {
        apply(w, bhi_pool_core_destroyed(&w->core, slot));
    }
}

static void warm(world *w)
{
    bhi_slot *slot = bhi_pool_core_reserve_warm(&w->core);
    if (slot != NULL)
        w->warm_at_ns[index_of(w, slot)] = w->now_ns + 1 + below(w, 10);
}

static void close_world(world *w)
{
    bhi_pool_effect effect;
    seen_closed++;
    do {
        effect = bhi_pool_core_close(&w->core);
        apply(w, effect);
    } while (effect.kind != BHI_EFFECT_NONE);
    for (int i = 0; i < CALLERS; i++)
        EXPECT(w->callers[i].stage != QUEUED); /* P8 */
}

static uint32_t count_stage(const world *w, stage wanted)
{
    uint32_t count = 0;
    for (int i = 0; i < CALLERS; i++)
        count += w->callers[i].stage == wanted;
    return count;
}

static void check(const world *w)
{
    bhi_pool_core_check(&w->core); /* P1, P2, P5, P9 */
    seen_capped += !bhi_link_is_alone(&w->core.capped);
    EXPECT(w->core.waiting == count_stage(w, QUEUED));
    EXPECT(w->core.counts[BHI_SLOT_LEASED] == count_stage(w, CALLING));
    EXPECT(w->granted - w->ended == count_stage(w, CALLING) + count_stage(w, BUILDING)); /* P7 */
    EXPECT(w->waits == w->answers + w->cancels + w->core.waiting);
}

/* ---- a run ---- */

static void init_world(world *w, uint64_t seed)
{
    *w = (world){.seed = seed, .random = seed * 0x9e3779b97f4a7c15u | 1, .is_faulty = true};
    bhi_pool_options options = {.live_max = 1 + below(w, SLOTS_MOST),
                                .waiters_max = below(w, CALLERS + 1),
                                .principal_leases_max = below(w, 4)};
    options.min_idle = below(w, options.live_max + 1);
    w->memory = calloc(1, bhi_pool_core_memory_bytes(&options));
    assert_non_null(w->memory);
    bhi_pool_core_init(&w->core, &options, seed, w->memory);
    for (int i = 0; i < SLOTS_MOST; i++)
        w->lent_to[i] = -1;
    for (int i = 0; i < CALLERS; i++) {
        caller *c = &w->callers[i];
        bhi_link_init(&c->waiter.link);
        c->principal = below(w, PRINCIPALS);
        c->waiter.principal = bhi_bytes_of(names[c->principal]);
        c->waiter.weight = below(w, 4);
        c->next_ns = 1 + below(w, 60);
    }
}

/* Everything that is due now, each followed by the check. */
static void run_due(world *w, bool may_ask)
{
    for (int i = 0; i < CALLERS; i++) {
        caller *c = &w->callers[i];
        if (c->next_ns > w->now_ns || (c->stage == AWAY && !may_ask))
            continue;
        run_caller(w, c);
        check(w);
    }
    for (int i = 0; i < (int)w->core.live_max; i++) {
        run_slot(w, i);
        check(w);
    }
}

static void run_faulty(world *w)
{
    uint64_t close_at_ns = chance(w, 30) ? 1 + below(w, FAULTY_NS) : UINT64_MAX;
    for (w->now_ns = 1; w->now_ns < FAULTY_NS; w->now_ns++) {
        if (w->now_ns == close_at_ns)
            close_world(w);
        if (chance(w, 10))
            warm(w);
        run_due(w, true);
    }
}

static bool is_at_rest(const world *w)
{
    return count_stage(w, AWAY) == CALLERS && w->core.counts[BHI_SLOT_CONDEMNED] == 0 &&
           w->core.counts[BHI_SLOT_BUILDING] == 0;
}

/* Faults stop and nobody asks anew: all that is pending is answered, in bounded time. Whoever
 * waits is served by then: each of at most CALLERS waits takes at most a build and a call. */
static void run_to_rest(world *w)
{
    w->is_faulty = false;
    uint64_t limit_ns = w->now_ns + 40u * CALLERS;
    for (; !is_at_rest(w); w->now_ns++) {
        EXPECT(w->now_ns < limit_ns);
        run_due(w, false);
    }
    EXPECT(w->core.waiting == 0 && w->granted == w->ended);
    EXPECT(w->core.principals.count <= 1); /* the last one is kept */
}

static void run_seed(uint64_t seed)
{
    static world w;
    running_seed = seed;
    init_world(&w, seed);
    run_faulty(&w);
    run_to_rest(&w);
    close_world(&w);
    while (bhi_pool_core_live(&w.core) > 0) {
        w.now_ns++;
        run_due(&w, false);
    }
    free(w.memory);
}

static uint64_t first_seed = 1, last_seed = SEEDS;

static void invariants_hold_after_every_step_and_all_is_answered_P1_to_P9(void **state)
{
    signal(SIGABRT, abort_cb);
    for (uint64_t seed = first_seed; seed <= last_seed; seed++)
        run_seed(seed);
    signal(SIGABRT, SIG_DFL);
    if (first_seed == last_seed)
        return;
    for (int i = 0; i < STAGES; i++) /* the schedules reach what they are for */
        assert_true(seen[i] > SEEDS);
    assert_true(seen_traps > SEEDS && seen_failures > SEEDS && seen_capped > SEEDS);
    assert_true(seen_closed > SEEDS);
}

/* ---- fairness ---- */

/* Ninety-nine principals ask at a steady rate, one keeps a long queue. A call takes half to one and
 * a half of SERVICE: were all exactly as long, eight calls of the flood begun together would end
 * together for ever, and a caller would wait for the next such moment, not for a fair turn. At half
 * their share: nearer to it the others' own bursts add to what the flood's turns cost. */
enum {
    STEADY = 99,
    FLOOD_WAITERS = 1000,
    FAIR_SLOTS = 8,
    SERVICE = 100,
    ASKS_EACH = 40,
    FLOOD_SEEDS = 10,
    PERIOD = SERVICE * (STEADY + 1) / FAIR_SLOTS * 2 /* half of its share */
};

typedef struct fair_waiter {
    bhi_waiter waiter; /* first */
    uint64_t asked_at;
    bool is_steady;
} fair_waiter;

typedef struct fair_world {
    bhi_pool_core core;
    uint64_t busy_until[FAIR_SLOTS]; /* 0: not leased */
    uint64_t random, now;
    uint64_t waits[STEADY * ASKS_EACH];
    uint32_t waits_count;
    fair_waiter steady[STEADY][ASKS_EACH], flood[FLOOD_WAITERS];
} fair_world;

static void fair_ask(fair_world *w, fair_waiter *waiter);

static void fair_grant(fair_world *w, fair_waiter *waiter, bhi_grant grant)
{
    if (grant.kind == BHI_GRANT_BUILD)
        bhi_pool_core_built(&w->core, grant.slot, w);
    w->busy_until[grant.slot - w->core.slots] =
        w->now + SERVICE / 2 + random_below(&w->random, SERVICE + 1);
    if (waiter->is_steady)
        w->waits[w->waits_count++] = w->now - waiter->asked_at;
    else
        fair_ask(w, waiter); /* the flood never ebbs */
}

static void fair_ask(fair_world *w, fair_waiter *waiter)
{
    bhi_grant grant;
    waiter->asked_at = w->now;
    assert_int_equal(bhi_pool_core_checkout(&w->core, &waiter->waiter, &grant), BH_OK);
    if (grant.kind != BHI_GRANT_QUEUED)
        fair_grant(w, waiter, grant);
}

static void fair_return(fair_world *w, int slot)
{
    w->busy_until[slot] = 0;
    bhi_pool_effect effect = bhi_pool_core_return(&w->core, &w->core.slots[slot], false);
    if (effect.kind == BHI_EFFECT_ANSWER)
        fair_grant(w, (fair_waiter *)effect.waiter, effect.grant);
}

static int compare_waits(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void init_fair(fair_world *w, void **ret_memory, char (*texts)[8])
{
    bhi_pool_options options = {.live_max = FAIR_SLOTS, .waiters_max = 8192};
    *ret_memory = calloc(1, bhi_pool_core_memory_bytes(&options));
    assert_non_null(*ret_memory);
    bhi_pool_core_init(&w->core, &options, 7, *ret_memory);
    for (int i = 0; i < FLOOD_WAITERS; i++) {
        bhi_link_init(&w->flood[i].waiter.link);
        w->flood[i].waiter.principal = bhi_bytes_of("flood");
    }
    for (int i = 0; i < STEADY; i++) {
        snprintf(texts[i], sizeof texts[i], "p%d", i);
        for (int ask = 0; ask < ASKS_EACH; ask++) {
            w->steady[i][ask].is_steady = true;
            bhi_link_init(&w->steady[i][ask].waiter.link);
            w->steady[i][ask].waiter.principal = bhi_bytes_of(texts[i]);
        }
    }
}

static void fair_tick(fair_world *w, const uint32_t *phases)
{
    for (int slot = 0; slot < FAIR_SLOTS; slot++)
        if (w->busy_until[slot] != 0 && w->busy_until[slot] <= w->now)
            fair_return(w, slot);
    for (int i = 0; i < STEADY; i++) {
        uint64_t since = w->now - phases[i];
        if (w->now >= phases[i] && since % PERIOD == 0 && since / PERIOD < ASKS_EACH)
            fair_ask(w, &w->steady[i][since / PERIOD]);
    }
}

/* The 99th percentile of the steady callers' waits. */
static uint64_t p99_wait(bool has_flood, uint64_t seed)
{
    fair_world *w = calloc(1, sizeof *w);
    char(*texts)[8] = calloc(STEADY, sizeof *texts);
    assert_true(w != NULL && texts != NULL);
    void *memory;
    init_fair(w, &memory, texts);
    w->random = seed * 0x9e3779b97f4a7c15u | 1;
    uint32_t phases[STEADY];
    for (int i = 0; i < STEADY; i++)
        phases[i] = random_below(&w->random, PERIOD);
    for (int i = 0; has_flood && i < FLOOD_WAITERS; i++)
        fair_ask(w, &w->flood[i]);
    for (; w->waits_count < STEADY * ASKS_EACH; w->now++) {
        assert_true(w->now < PERIOD * (ASKS_EACH + 10)); /* else somebody starves */
        fair_tick(w, phases);
    }
    qsort(w->waits, w->waits_count, sizeof w->waits[0], compare_waits);
    uint64_t p99 = w->waits[w->waits_count * 99 / 100];
    free(memory);
    free(texts);
    free(w);
    return p99;
}

static void flood_costs_who_keeps_to_their_share_one_service_time_at_most_P9(void **state)
{
    for (uint64_t seed = 1; seed <= FLOOD_SEEDS; seed++) {
        uint64_t alone = p99_wait(false, seed), flooded = p99_wait(true, seed);
        print_message("p99 wait in hundredths of a service time: %llu alone, %llu flooded\n",
                      (unsigned long long)alone, (unsigned long long)flooded);
        assert_true(flooded <= alone + SERVICE);
    }
}

/* ---- main ---- */

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        first_seed = last_seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invariants_hold_after_every_step_and_all_is_answered_P1_to_P9),
        cmocka_unit_test(flood_costs_who_keeps_to_their_share_one_service_time_at_most_P9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
