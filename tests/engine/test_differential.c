/* The core safety test: a restored instance and a fresh one cannot be told apart.
 *
 *   test_differential                     seeds 1 to SEEDS_DEFAULT, and what must be noticed
 *   test_differential --seeds N           seeds 1 to N
 *   test_differential --seed S            one seed, each lease printed
 *   test_differential --seconds N         seeds by the clock, for so long
 *
 * A seed that fails is printed, and fails again with --seed, unless it depended on when a slice
 * ended or how long a copy took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "support/differential.h"
#include "support/runtime_fixture.h"

enum { SEEDS_DEFAULT = 300, SPOILED_SEEDS = 40 };

static uint64_t seeds = SEEDS_DEFAULT, one_seed, seconds;
static differential the;

static void ignore_log(void *arg, bhi_log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

static int open_differential(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_WARN, ignore_log, NULL);
    the = (differential){.is_verbose = one_seed != 0};
    if (!differential_open(&the))
        fail_msg("%s", the.failure);
    use_engine_signals();
    return 0;
}

static int close_differential(void **state)
{
    (void)state;
    differential_close(&the);
    return 0;
}

/* ---- they agree ---- */

static void expect_agreement(uint64_t seed)
{
    if (!differential_run(&the, seed))
        fail_msg("%s (run it alone with --seed %llu)", the.failure, (unsigned long long)seed);
}

static void run_for_seconds(void)
{
    uint64_t end_ns = bhi_monotonic_ns() + seconds * BHI_NS_PER_SECOND;
    random_numbers random = {bhi_clock_read(CLOCK_REALTIME)};
    while (bhi_monotonic_ns() < end_ns)
        expect_agreement(random_u64(&random) | 1);
}

static void a_restored_instance_cannot_be_told_from_a_fresh_one(void **state)
{
    (void)state;
    use_engine_signals();
    if (one_seed != 0)
        expect_agreement(one_seed);
    else if (seconds != 0)
        run_for_seconds();
    else
        for (uint64_t seed = 1; seed <= seeds; seed++)
            expect_agreement(seed);
    int missing = differential_print(&the);
    if (one_seed == 0 && the.seeds >= SEEDS_DEFAULT)
        assert_int_equal(missing, 0);
}

/* ---- and would be told if they did not ---- */

/* Every seed that could be spoiled, by at least one spoilt restore, is found. */
static void expect_noticed(spoil how, const char *text, uint64_t least)
{
    uint64_t noticed = 0;
    use_engine_signals();
    the.spoil = how;
    for (uint64_t seed = 1; seed <= SPOILED_SEEDS; seed++) {
        the.spoiled = the.restores = 0;
        bool agrees = differential_run(&the, seed);
        if (!agrees && strstr(the.failure, text) == NULL)
            fail_msg("expected \"%s\": %s", text, the.failure);
        if (agrees && the.spoiled > 0 && how != SPOIL_GROWN)
            fail_msg("seed %llu was spoiled unnoticed", (unsigned long long)seed);
        noticed += !agrees;
    }
    printf("spoiled in way %d: %llu of %d seeds fail\n", (int)how, (unsigned long long)noticed,
           SPOILED_SEEDS);
    if (noticed < least)
        fail_msg("only %llu seeds failed", (unsigned long long)noticed);
}

static void a_byte_of_a_closed_page_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_CLOSED_PAGE, "memory at ", 20);
}

static void a_byte_of_an_open_page_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_OPEN_PAGE, "memory at ", 20);
}

/* Only when memory grows again, so by the answer too. */
static void a_byte_above_the_image_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_GROWN, "", 10);
}

static void a_global_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_GLOBAL, "global ", 30);
}

static void the_size_of_memory_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_SIZE, "memory size", 20);
}

static void an_entry_of_a_table_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_TABLE, "table 0 entry 2", 10);
}

static void a_missing_restore_is_noticed(void **state)
{
    (void)state;
    expect_noticed(SPOIL_RESTORE, "after a restore", 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_differential, close_differential)

static bool read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t *option = strcmp(argv[i], "--seeds") == 0     ? &seeds
                           : strcmp(argv[i], "--seed") == 0    ? &one_seed
                           : strcmp(argv[i], "--seconds") == 0 ? &seconds
                                                               : NULL;
        if (option == NULL)
            return false;
        *option = strtoull(argv[i + 1], NULL, 10);
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: %s [--seeds N | --seed S | --seconds N]\n", argv[0]);
        return 2;
    }
    const struct CMUnitTest agree[] = {CASE(a_restored_instance_cannot_be_told_from_a_fresh_one)};
    const struct CMUnitTest notice[] = {
        CASE(a_byte_of_a_closed_page_is_noticed), CASE(a_byte_of_an_open_page_is_noticed),
        CASE(a_byte_above_the_image_is_noticed),  CASE(a_global_is_noticed),
        CASE(the_size_of_memory_is_noticed),      CASE(an_entry_of_a_table_is_noticed),
        CASE(a_missing_restore_is_noticed),
    };
    int failed = argc > 1 ? 0 : cmocka_run_group_tests(notice, NULL, NULL);
    return failed + cmocka_run_group_tests(agree, NULL, NULL);
}
