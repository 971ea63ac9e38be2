/* tests/runtime/test_run_loop.c - run loops of real guests in a real runtime.
 *
 * What a loop does comes from its own thread, so the tests wait for it by looking; they assert what
 * was done, never how long it took. What a loop leaves in kv is read through another capsule of the
 * same name, which is never started.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/capsule.h"
#include "support/runtime_fixture.h"

static runtime_fixture fixture;

enum { LOOKS_MOST = 20000 }; /* of half a millisecond */

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        int looks = 0;                                                                             \
        while (!(condition)) {                                                                     \
            struct timespec moment = {0, 500000};                                                  \
            if (++looks > LOOKS_MOST)                                                              \
                fail_msg("never came: %s", #condition);                                            \
            nanosleep(&moment, NULL);                                                              \
        }                                                                                          \
    } while (0)

static int open_fixture(void **state)
{
    (void)state;
    bh_runtime_options options = {.run = {.backoff_ms = 1, .backoff_ms_max = 4}};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule_stats stats_of(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    return stats;
}

typedef struct loop_setup {
    const char *behaviour, *tag, *after; /* configuration values; NULL: none */
    const char *run;                     /* of the manifest; NULL: it is found out */
} loop_setup;

static bh_capsule *load_loop(loop_setup setup)
{
    char manifest[1024];
    snprintf(manifest, sizeof manifest,
             "[capsule]\nmin_idle = 1\n%s%s%s\n"
             "[publish]\n\"loop.v1.*\" = \"x\"\n[subscribe]\n\"loop.v1.ask.*\" = \"x\"\n"
             "\"loop.v1.hook\" = { wit = \"x\", handler = \"hooked\" }\n"
             "[env]\ndo = { type = \"string\", default = \"%s\" }\n"
             "tag = { type = \"string\", default = \"%s\" }\n%s%s%s",
             setup.run != NULL ? "run = \"" : "", setup.run != NULL ? setup.run : "",
             setup.run != NULL ? "\"" : "", setup.behaviour,
             setup.tag != NULL ? setup.tag : "rounds",
             setup.after != NULL ? "after = { type = \"string\", default = \"" : "",
             setup.after != NULL ? setup.after : "", setup.after != NULL ? "\" }\n" : "");
    guest_setup guest = {.guest = "run_loop", .name = "looper", .manifest = manifest};
    return load_setup(&fixture, &guest);
}

static void start(bh_capsule *capsule)
{
    bh_error error = {0};
    use_engine_signals();
    if (bh_capsule_start(capsule, &error) != BH_OK)
        fail_msg("start: %s", error.text);
}

static bh_capsule *start_loop(const char *behaviour)
{
    bh_capsule *capsule = load_loop((loop_setup){.behaviour = behaviour});
    start(capsule);
    return capsule;
}

/* A capsule of the same name, to look into its kv. */
static bh_capsule *load_reader(void)
{
    guest_setup setup = {.guest = "probe", .name = "looper"};
    return load_setup(&fixture, &setup);
}

/* "" for none. Valid until the next invocation. */
static const char *kept(bh_capsule *reader, const char *key)
{
    bh_request request = {.action = "get", .payload = key, .payload_len = strlen(key)};
    const bh_result *result = invoke_with(reader, &request);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    return result->has_data ? result->data : "";
}

static uint64_t counted(bh_capsule *reader, const char *key)
{
    return strtoull(kept(reader, key), NULL, 10);
}

/* ---- a loop ---- */

static void a_loop_starts_works_in_rounds_and_is_stopped(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    bh_capsule *capsule = start_loop("count");
    WAIT_FOR(counted(reader, "rounds") >= 5);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_READY);
    assert_true(stats_of(capsule).fuel_used > 0);
    bh_capsule_stop(capsule);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STOPPED);
    uint64_t rounds = counted(reader, "rounds");
    struct timespec moment = {0, 10000000};
    nanosleep(&moment, NULL);
    assert_int_equal(counted(reader, "rounds"), rounds);
    bh_capsule_release(capsule);
    bh_capsule_release(reader);
}

static void a_loop_that_waits_for_long_is_stopped_at_once(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    bh_capsule *capsule = start_loop("sleep");
    WAIT_FOR(strcmp(kept(reader, "began"), "yes") == 0);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STARTING); /* it never said ready */
    bh_capsule_stop(capsule);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STOPPED);
    bh_capsule_release(capsule);
    bh_capsule_release(reader);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_loop_starts_works_in_rounds_and_is_stopped),
        CASE(a_loop_that_waits_for_long_is_stopped_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
