/* tests/pool/test_pool_sim.c - many worlds (support/pool_world.h), each from its seed alone.
 *
 *   test_pool_sim --seeds N    run so many instead of 10,000
 *   test_pool_sim --seed N     replay one
 *
 * The seeds of tests/pool/sim_replay.txt are run first. A failing one is printed as the line that
 * replays it, and joins that file when it can be written.
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

#include "support/pool_world.h"

static const char replay_path[] = TEST_SOURCE_DIR "/tests/pool/sim_replay.txt";
static uint64_t first_seed = 1, last_seed = 10000;

/* ---- seeds that failed ---- */

static bool is_listed(uint64_t seed)
{
    char line[128];
    bool is_found = false;
    FILE *file = fopen(replay_path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        is_found = is_found || (line[0] != '#' && strtoull(line, NULL, 10) == seed);
    if (file != NULL)
        fclose(file);
    return is_found;
}

static void tell_seed(void)
{
    printf("replay: pool_test_pool_sim --seed %llu\n", (unsigned long long)pool_world_seed);
    fflush(stdout);
    FILE *file = is_listed(pool_world_seed) ? NULL : fopen(replay_path, "a");
    if (file == NULL)
        return;
    fprintf(file, "%llu\n", (unsigned long long)pool_world_seed);
    fclose(file);
}

/* Of an invariant of the core, which aborts: from there, not from inside stdio. */
static void abort_cb(int signal_number)
{
    tell_seed();
}

static void run_listed(void)
{
    char line[128];
    FILE *file = fopen(replay_path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        uint64_t seed = line[0] == '#' ? 0 : strtoull(line, NULL, 10);
        if (seed != 0)
            pool_world_run(seed);
    }
    if (file != NULL)
        fclose(file);
}

/* ---- the tests ---- */

static void expect_seen(const char *what, int which, uint64_t times, uint64_t least)
{
    if (times < least)
        fail_msg("%s %d was reached %llu times", what, which, (unsigned long long)times);
}

static void expect_reached(uint64_t seeds)
{
    const world_seen *seen = &pool_world_seen;
    for (int i = 0; i < WORLD_NESTING; i++)
        expect_seen("stage", i, seen->stages[i], seeds);
    for (int i = 0; i < BHI_GRANT_QUEUED; i++)
        expect_seen("grant", i, seen->grants[i], seeds);
    for (int i = BHI_EFFECT_ANSWER; i <= BHI_EFFECT_BUILD; i++)
        expect_seen("effect", i, seen->effects[i], seeds / 10);
    for (int i = 0; i < BHI_SLOT_STATE_COUNT; i++)
        expect_seen("slot state", i, seen->slot_states[i], seeds);
    for (int i = 0; i <= BHI_BREAKER_HALF_OPEN; i++)
        expect_seen("breaker state", i, seen->breaker_states[i], seeds / 4);
    for (int i = 0; i < BH_OUTCOME_COUNT; i++)
        expect_seen("outcome", i, seen->outcomes[i], seeds / 4);
    static const bh_status causes[] = {BH_E_BUILD,    BH_E_SATURATED, BH_E_OVER_CAP, BH_E_BREAKER,
                                       BH_E_DEADLINE, BH_E_CANCELLED, BH_E_CLOSED};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        expect_seen("cause", (int)causes[i], seen->refusals[causes[i]], seeds / 4);
    expect_seen("cause", BH_E_NESTED, seen->refusals[BH_E_NESTED], seeds / 50);
    const uint64_t others[] = {seen->capped, seen->lingering, seen->back_offs,     seen->starved,
                               seen->closed, seen->evictions, seen->nested_grants, seen->own_state};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_seen("other", (int)i, others[i], seeds / 4);
}

static void invariants_hold_after_every_step_and_all_is_answered_P1_to_P9(void **state)
{
    pool_world_failed_cb = tell_seed;
    signal(SIGABRT, abort_cb);
    bool is_one = first_seed == last_seed;
    if (!is_one)
        run_listed();
    for (uint64_t seed = first_seed; seed <= last_seed; seed++)
        pool_world_run(seed);
    signal(SIGABRT, SIG_DFL);
    if (last_seed - first_seed >= 1000)
        expect_reached(last_seed - first_seed + 1);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        first_seed = last_seed = strtoull(argv[2], NULL, 10);
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        last_seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invariants_hold_after_every_step_and_all_is_answered_P1_to_P9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
