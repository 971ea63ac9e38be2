/* tests/pool/test_pool_fairness.c - who gets what of a pool that is asked for more than it has, in
 * virtual time (P9).
 *
 * Ninety-nine principals ask at a steady rate and one floods: it keeps a long queue. What a flood
 * costs the others is how much later their slowest percentile is served than in the same run
 * without it. A call takes half to one and a half of SERVICE: were all exactly as long, calls begun
 * together would end together for ever.
 *
 * Up to 90 % of the capacity that is one service time at most in every run. Nearer to all of it
 * some rounds hold calls so long that the others ask for more than the flood leaves them, and the
 * flood has a right to its turn; so at 95 % it is one service time on average, and at 97 % three.
 * At 99 % the others ask for exactly their share of every round, and nothing can be promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_core.h"

enum {
    STEADY = 99,
    SLOTS_MOST = 8,
    FLOOD_WAITERS = 1000,
    SERVICE = 1000,
    ASKS_EACH = 60,
    SEEDS = 20,
    CLOSED_LOOPS = 10
};

typedef struct fair_waiter {
    bhi_waiter waiter; /* first */
    uint64_t asked_at, served;
    uint64_t takes; /* its call; 0: another length each time */
    int owner;      /* of its results */
    bool asks_anew; /* a moment after it is served, or (a closed loop) once its call ends */
    bool is_loop;
} fair_waiter;

typedef struct fair_world {
    bhi_pool_core core;
    void *memory;
    uint32_t live_max;
    uint64_t busy_until[SLOTS_MOST]; /* 0: not leased */
    fair_waiter *served_by[SLOTS_MOST];
    uint64_t random, now;
    uint64_t waits[STEADY * ASKS_EACH];
    uint32_t waits_count;
    fair_waiter steady[STEADY][ASKS_EACH], flood[FLOOD_WAITERS];
    char texts[STEADY][16];
} fair_world;

static uint32_t below(fair_world *w, uint32_t bound)
{
    w->random ^= w->random << 13; /* xorshift64, Marsaglia 2003 */
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random >> 33) % bound;
}

static fair_world *create_world(uint32_t live_max, uint32_t cap, uint64_t seed)
{
    fair_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    bhi_pool_options options = {.live_max = live_max,
                                .waiters_max = FLOOD_WAITERS + STEADY * ASKS_EACH,
                                .principal_leases_max = cap};
    w->memory = calloc(1, bhi_pool_core_memory_bytes(&options));
    assert_non_null(w->memory);
    bhi_pool_core_init(&w->core, &options, 7, w->memory);
    w->live_max = live_max;
    w->random = seed * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < STEADY; i++)
        snprintf(w->texts[i], sizeof w->texts[i], "p%d", i);
    return w;
}

static void destroy_world(fair_world *w)
{
    free(w->memory);
    free(w);
}

/* ---- asking, serving ---- */

static void ask(fair_world *w, fair_waiter *waiter);

static void set_up(fair_waiter *waiter, const char *principal, uint32_t weight)
{
    bhi_link_init(&waiter->waiter.link);
    waiter->waiter.principal = bhi_bytes_of(principal);
    waiter->waiter.weight = weight;
}

static uint64_t any_length(fair_world *w)
{
    return SERVICE / 2 + below(w, SERVICE + 1);
}

static void begin_call(fair_world *w, fair_waiter *waiter, bhi_grant grant)
{
    if (grant.kind == BHI_GRANT_BUILD)
        bhi_pool_core_built(&w->core, grant.slot, w);
    long slot = grant.slot - w->core.slots;
    w->busy_until[slot] = w->now + (waiter->takes != 0 ? waiter->takes : any_length(w));
    w->served_by[slot] = waiter;
    waiter->served++;
    if (waiter->owner >= 0)
        w->waits[w->waits_count++] = w->now - waiter->asked_at;
    else if (waiter->asks_anew)
        ask(w, waiter);
}

static void ask(fair_world *w, fair_waiter *waiter)
{
    bhi_grant grant;
    waiter->asked_at = w->now;
    assert_int_equal(bhi_pool_core_checkout(&w->core, &waiter->waiter, w->now, &grant), BH_OK);
    if (grant.kind != BHI_GRANT_QUEUED)
        begin_call(w, waiter, grant);
}

static void end_call(fair_world *w, uint32_t slot)
{
    fair_waiter *ended = w->served_by[slot];
    w->busy_until[slot] = 0;
    bool is_lost =
        bhi_pool_core_return(&w->core, &w->core.slots[slot], BH_OUTCOME_RETURNED, false, w->now);
    assert_false(is_lost);
    for (;;) {
        bhi_pool_effect effect = bhi_pool_core_next(&w->core, w->now);
        if (effect.kind == BHI_EFFECT_NONE)
            break;
        begin_call(w, (fair_waiter *)effect.waiter, effect.grant);
    }
    if (ended->is_loop)
        ask(w, ended);
}

static uint64_t next_end(const fair_world *w)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < w->live_max; i++)
        if (w->busy_until[i] != 0 && w->busy_until[i] < next)
            next = w->busy_until[i];
    return next;
}

static void end_due_calls(fair_world *w)
{
    for (uint32_t i = 0; i < w->live_max; i++)
        if (w->busy_until[i] != 0 && w->busy_until[i] <= w->now)
            end_call(w, i);
}

static void flood(fair_world *w, const char *principal, uint32_t weight, int waiters, int from)
{
    for (int i = from; i < from + waiters; i++) {
        set_up(&w->flood[i], principal, weight);
        w->flood[i].owner = -1;
        w->flood[i].asks_anew = true;
        ask(w, &w->flood[i]);
    }
}

static uint64_t served_of(const fair_world *w, int waiters, int from)
{
    uint64_t served = 0;
    for (int i = from; i < from + waiters; i++)
        served += w->flood[i].served;
    return served;
}

/* ---- a flood beside those who keep to their share ---- */

typedef struct arrival {
    uint64_t at;
    fair_waiter *waiter;
} arrival;

static int compare_arrivals(const void *a, const void *b)
{
    uint64_t left = ((const arrival *)a)->at, right = ((const arrival *)b)->at;
    return left < right ? -1 : left > right;
}

static int compare_waits(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Each principal asks every `period`, from a moment of its own; sorted by time. */
static arrival *plan_arrivals(fair_world *w, uint64_t period)
{
    arrival *arrivals = calloc(STEADY * ASKS_EACH, sizeof *arrivals);
    assert_non_null(arrivals);
    for (int i = 0; i < STEADY; i++) {
        uint64_t phase = below(w, (uint32_t)period);
        for (int n = 0; n < ASKS_EACH; n++) {
            fair_waiter *waiter = &w->steady[i][n];
            set_up(waiter, w->texts[i], 1);
            waiter->owner = i;
            waiter->takes = any_length(w); /* with and without a flood the same */
            arrivals[i * ASKS_EACH + n] = (arrival){phase + (uint64_t)n * period, waiter};
        }
    }
    qsort(arrivals, STEADY * ASKS_EACH, sizeof *arrivals, compare_arrivals);
    return arrivals;
}

/* The 99th percentile of the steady callers' waits, at `percent` of what the pool can serve. */
static uint64_t p99_wait(uint32_t live_max, uint32_t percent, bool has_flood, uint64_t seed)
{
    fair_world *w = create_world(live_max, 0, seed);
    uint64_t period = (uint64_t)SERVICE * STEADY * 100 / live_max / percent;
    arrival *arrivals = plan_arrivals(w, period);
    if (has_flood)
        flood(w, "flood", 1, FLOOD_WAITERS, 0);
    for (uint32_t next = 0; w->waits_count < STEADY * ASKS_EACH;) {
        uint64_t asks_at = next < STEADY * ASKS_EACH ? arrivals[next].at : UINT64_MAX;
        uint64_t ends_at = next_end(w);
        w->now = asks_at < ends_at ? asks_at : ends_at;
        assert_true(w->now < period * (ASKS_EACH + 50)); /* else somebody starves */
        if (ends_at <= asks_at)
            end_due_calls(w);
        else
            ask(w, arrivals[next++].waiter);
    }
    qsort(w->waits, w->waits_count, sizeof w->waits[0], compare_waits);
    uint64_t p99 = w->waits[w->waits_count * 99 / 100];
    free(arrivals);
    destroy_world(w);
    return p99;
}

typedef struct growth {
    double mean, most; /* in service times */
} growth;

static growth growth_at(uint32_t live_max, uint32_t percent)
{
    growth found = {0, -1e9};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t alone = p99_wait(live_max, percent, false, seed);
        uint64_t flooded = p99_wait(live_max, percent, true, seed);
        double grown = ((double)flooded - (double)alone) / SERVICE;
        found.mean += grown / SEEDS;
        found.most = grown > found.most ? grown : found.most;
    }
    print_message("%u slots at %u %%: p99 wait grows by %.2f service times, at most %.2f\n",
                  live_max, percent, found.mean, found.most);
    return found;
}

static void flood_costs_who_keeps_to_their_share_one_service_time_at_most_P9(void **state)
{
    static const uint32_t percents[] = {50, 80, 90};
    for (uint32_t live_max = 1; live_max <= SLOTS_MOST; live_max *= 2)
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++)
            assert_true(growth_at(live_max, percents[i]).most <= 1);
}

static void flood_costs_little_near_all_of_the_capacity_P9(void **state)
{
    for (uint32_t live_max = 1; live_max <= SLOTS_MOST; live_max *= 2) {
        assert_true(growth_at(live_max, 95).mean <= 1);
        assert_true(growth_at(live_max, 97).mean <= 3);
    }
}

/* ---- shares of those who always wait ---- */

static void run_until(fair_world *w, uint64_t end)
{
    while (w->now < end) {
        w->now = next_end(w);
        end_due_calls(w);
    }
}

static void expect_ratio(uint64_t a, uint64_t b, double expected, double tolerated)
{
    double found = (double)a / (double)b;
    if (found < expected * (1 - tolerated) || found > expected * (1 + tolerated))
        fail_msg("served %llu to %llu, expected 1 to %g", (unsigned long long)b,
                 (unsigned long long)a, expected);
}

static void principals_that_always_wait_get_shares_by_weight_P9(void **state)
{
    for (uint32_t live_max = 1; live_max <= SLOTS_MOST; live_max *= 2) {
        fair_world *w = create_world(live_max, 0, live_max);
        flood(w, "light", 1, 100, 0);
        flood(w, "heavy", 3, 100, 100);
        run_until(w, 4000 * SERVICE);
        expect_ratio(served_of(w, 100, 100), served_of(w, 100, 0), 3, 0.01);
        destroy_world(w);
    }
}

/* Asking the moment one's call ends makes nobody fresh: it is a share like the flood's. */
static void closed_loops_get_equal_shares_beside_a_flood_P9(void **state)
{
    fair_world *w = create_world(1, 0, 5);
    flood(w, "flood", 1, 100, 0);
    for (int i = 0; i < CLOSED_LOOPS; i++) {
        fair_waiter *loop = &w->steady[i][0];
        set_up(loop, w->texts[i], 1);
        loop->owner = -1;
        loop->is_loop = true;
        ask(w, loop);
    }
    run_until(w, 10000 * SERVICE);
    uint64_t flooded = served_of(w, 100, 0);
    for (int i = 0; i < CLOSED_LOOPS; i++) {
        expect_ratio(w->steady[i][0].served, flooded, 1, 0.05);
    }
    destroy_world(w);
}

/* With a cap everybody's turns end early; none is passed over for that. */
static void principals_at_their_cap_get_equal_shares_P9(void **state)
{
    fair_world *w = create_world(4, 1, 6);
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < 6; i++)
        flood(w, names[i], 1, 20, i * 20);
    run_until(w, 4000 * SERVICE);
    for (int i = 1; i < 6; i++)
        expect_ratio(served_of(w, 20, i * 20), served_of(w, 20, 0), 1, 0.02);
    destroy_world(w);
}

/* ---- nobody starves ---- */

/* Names that never asked before, one after the other: each of them is fresh. */
static void old_principal_is_served_although_somebody_is_always_fresh_P9(void **state)
{
    enum { NAMES = BHI_TURNS_FRESH_MOST * 4 };
    fair_world *w = create_world(1, 0, 8);
    static fair_waiter comers[NAMES + 2];
    static char texts[NAMES + 2][16];
    memset(comers, 0, sizeof comers);
    flood(w, "old", 1, 3, 0);
    run_until(w, 8 * SERVICE); /* its turn was used up: it is old */
    uint64_t before = served_of(w, 3, 0);
    for (int i = 0; i < NAMES + 2; i++) {
        snprintf(texts[i], sizeof texts[i], "new%d", i);
        set_up(&comers[i], texts[i], 1);
        comers[i].owner = -1;
    }
    ask(w, &comers[0]);
    for (int i = 1; i < NAMES + 2; i++) { /* one always waits already when a call ends */
        ask(w, &comers[i]);
        w->now = next_end(w);
        end_due_calls(w);
    }
    uint64_t served = served_of(w, 3, 0) - before;
    assert_in_range(served, NAMES / BHI_TURNS_FRESH_MOST - 1, NAMES / BHI_TURNS_FRESH_MOST + 1);
    destroy_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_costs_who_keeps_to_their_share_one_service_time_at_most_P9),
        cmocka_unit_test(flood_costs_little_near_all_of_the_capacity_P9),
        cmocka_unit_test(principals_that_always_wait_get_shares_by_weight_P9),
        cmocka_unit_test(closed_loops_get_equal_shares_beside_a_flood_P9),
        cmocka_unit_test(principals_at_their_cap_get_equal_shares_P9),
        cmocka_unit_test(old_principal_is_served_although_somebody_is_always_fresh_P9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
