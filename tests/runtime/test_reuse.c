/* What each reuse policy promises: who sees which state, and what is built, restored and verified
 * for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/runtime_fixture.h"

enum { LEASES = 200 };

static runtime_fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    bh_runtime_options options = {.verify_every = 1, .verify_whole = true};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

/* One instance at most, so that it is known which serves. */
static guest_setup setup_of(const char *guest, const char *manifest)
{
    return (guest_setup){.guest = guest, .manifest = manifest, .options = {.live_max = 1}};
}

static bh_capsule *load(const char *guest, const char *manifest)
{
    guest_setup setup = setup_of(guest, manifest);
    return load_setup(&fixture, &setup);
}

static void expect_refused(const char *manifest, const char *part)
{
    guest_setup setup = setup_of("reuse", manifest);
    bh_capsule *capsule = NULL;
    bh_error error;
    assert_int_equal(try_load_setup(&fixture, &setup, &capsule, &error), BH_E_BUILD);
    if (strstr(error.text, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
}

static bh_capsule_stats stats_of(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    return stats;
}

static const char *ask(bh_capsule *capsule, const char *principal, const char *action)
{
    bh_request request = {.action = action, .payload = "", .principal = principal};
    const bh_result *result = invoke_with(capsule, &request);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
    return result->data;
}

static void expect_served(bh_capsule *capsule, bh_reuse served_as, const char *part_of_why)
{
    assert_int_equal(bh_capsule_served_as(capsule), served_as);
    const char *why = bh_capsule_served_why(capsule);
    if (part_of_why == NULL)
        assert_string_equal(why, "");
    else if (strstr(why, part_of_why) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", why, part_of_why);
}

/* ---- the policies ---- */

static void pristine_serves_every_lease_with_one_instance_in_its_first_state(void **state)
{
    (void)state;
    bh_capsule *capsule = load("counter_state", NULL);
    for (int i = 0; i < LEASES; i++)
        assert_string_equal(ask(capsule, i % 3 == 0 ? "alice" : "bob", "x"), "1 1");
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.leases, LEASES);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.verified, LEASES);
    assert_int_equal(stats.mismatches, 0);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    bh_capsule_release(capsule);
}

static void principal_keeps_state_for_one_and_restores_it_for_another(void **state)
{
    (void)state;
    bh_capsule *capsule = load("counter_state", "[capsule]\nreuse = \"principal\"\n");
    assert_string_equal(ask(capsule, "alice", "x"), "1 1");
    assert_string_equal(ask(capsule, "alice", "x"), "2 2");
    assert_int_equal(stats_of(capsule).verified, 0);
    assert_string_equal(ask(capsule, "bob", "x"), "1 1");
    assert_int_equal(stats_of(capsule).verified, 1);
    assert_string_equal(ask(capsule, "bob", "x"), "2 2");
    assert_string_equal(ask(capsule, "alice", "x"), "1 1");
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.verified, 2);
    assert_int_equal(stats.mismatches, 0);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.builds, 1);
    bh_capsule_release(capsule);
}

static void shared_keeps_state_for_all_and_restores_nothing(void **state)
{
    (void)state;
    bh_capsule *capsule = load("counter_state", "[capsule]\nreuse = \"shared\"\n");
    char expected[32];
    for (int i = 1; i <= LEASES; i++) {
        snprintf(expected, sizeof expected, "%d %d", i, i);
        assert_string_equal(ask(capsule, i % 2 == 0 ? "alice" : "bob", "x"), expected);
    }
    assert_int_equal(stats_of(capsule).builds, 1);
    assert_int_equal(stats_of(capsule).verified, 0);
    bh_capsule_release(capsule);
}

static void never_initialises_anew_for_every_lease(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", "[capsule]\nreuse = \"never\"\n[env]\ninit = { type = "
                                        "\"string\", default = \"random\" }\n");
    char answers[4][128];
    for (int i = 0; i < 4; i++) {
        snprintf(answers[i], sizeof answers[i], "%s", ask(capsule, "alice", "state"));
        assert_non_null(strstr(answers[i], "call 1, warmed 0, began as "));
        for (int earlier = 0; earlier < i; earlier++)
            assert_string_not_equal(answers[i], answers[earlier]);
    }
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.retired, 4);
    assert_int_equal(stats.memory_bytes_snapshot, 0);
    expect_served(capsule, BH_REUSE_NEVER, NULL);
    bh_capsule_release(capsule);
}

static void an_instance_that_nobody_keeps_warm_is_built_once(void **state)
{
    (void)state;
    bh_capsule *capsule = load("counter_state", "[capsule]\nmin_idle = 0\n");
    assert_int_equal(stats_of(capsule).live, 0);
    assert_int_equal(stats_of(capsule).builds, 0);
    for (int i = 0; i < LEASES; i++)
        assert_string_equal(ask(capsule, "alice", "x"), "1 1");
    assert_int_equal(stats_of(capsule).builds, 1);
    assert_int_equal(stats_of(capsule).idle, 1);
    bh_capsule_release(capsule);
}

/* ---- warm-up ---- */

static void the_warm_up_runs_once_and_every_lease_sees_its_effect(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", "[capsule]\nwarmup = \"warm\"\n");
    for (int i = 0; i < 20; i++)
        assert_string_equal(ask(capsule, "alice", "state"), "call 2, warmed 1, began as nothing");
    assert_int_equal(stats_of(capsule).builds, 1);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    bh_capsule_release(capsule);
}

static void every_instance_starts_warm(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "reuse",
                         .manifest = "[capsule]\nwarmup = \"warm\"\nmin_idle = 3\n"
                                     "reuse = \"shared\"\n",
                         .options = {.live_max = 3}};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    assert_int_equal(stats_of(capsule).builds, 3);
    assert_string_equal(ask(capsule, "alice", "state"), "call 2, warmed 1, began as nothing");
    assert_string_equal(ask(capsule, "bob", "warm"), "call 3, warmed 2, began as nothing");
    bh_capsule_release(capsule);
}

static void a_warm_up_without_an_answer_is_a_warm_up(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", "[capsule]\nwarmup = \"silent\"\n");
    assert_string_equal(ask(capsule, "alice", "state"), "call 2, warmed 0, began as nothing");
    bh_capsule_release(capsule);
}

static void a_warm_up_that_fails_refuses_the_load(void **state)
{
    (void)state;
    expect_refused("[capsule]\nwarmup = \"trap\"\n",
                   "the warm-up action \"trap\" ended as trapped: ");
    expect_refused("[capsule]\nwarmup = \"kv\"\n", "is not available during initialisation");
    expect_refused("[capsule]\nwarmup = \"kv\"\n", "kv-get");
}

static void a_warm_up_that_draws_randomness_counts_as_initialisation(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", "[capsule]\nwarmup = \"random\"\n");
    expect_served(capsule, BH_REUSE_NEVER, "initialisation reads randomness");
    bh_capsule_release(capsule);
}

/* ---- what initialisation asks for ---- */

static void initialisation_that_reads_what_varies_is_served_as_never(void **state)
{
    (void)state;
    static const char *const asks[][2] = {
        {"random", "randomness"}, {"clock", "a clock"}, {"monotonic", "a clock"}};
    for (int i = 0; i < 3; i++) {
        char manifest[128], reads[64];
        snprintf(manifest, sizeof manifest,
                 "[env]\ninit = { type = \"string\", default = \"%s\" }\n", asks[i][0]);
        snprintf(reads, sizeof reads, "initialisation reads %s", asks[i][1]);
        bh_capsule *capsule = load("reuse", manifest);
        assert_int_equal(bh_capsule_reuse(capsule), BH_REUSE_PRISTINE);
        expect_served(capsule, BH_REUSE_NEVER, reads);
        char first[128];
        snprintf(first, sizeof first, "%s", ask(capsule, "alice", "state"));
        const char *second = ask(capsule, "alice", "state");
        if (strcmp(asks[i][0], "clock") != 0) /* it counts milliseconds */
            assert_string_not_equal(second, first);
        assert_int_equal(stats_of(capsule).retired, 2);
        bh_capsule_release(capsule);
    }
}

static void accepted_randomness_of_initialisation_is_the_same_in_every_lease(void **state)
{
    (void)state;
    bh_capsule *capsule =
        load("reuse", "[capsule]\ninit-randomness = \"accept\"\n"
                      "[env]\ninit = { type = \"string\", default = \"random\" }\n");
    char first[128];
    snprintf(first, sizeof first, "%s", ask(capsule, "alice", "state"));
    for (int i = 0; i < 20; i++)
        assert_string_equal(ask(capsule, "bob", "state"), first);
    assert_int_equal(stats_of(capsule).builds, 1);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    bh_capsule_release(capsule);
}

/* Without a snapshot the state of one principal is not restored for another, but built anew. */
static void principal_without_a_snapshot_rebuilds_for_another(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", "[capsule]\nreuse = \"principal\"\n[env]\ninit = { type = "
                                        "\"string\", default = \"random\" }\n");
    expect_served(capsule, BH_REUSE_PRINCIPAL, "randomness");
    char first[128];
    snprintf(first, sizeof first, "%s", ask(capsule, "alice", "state"));
    assert_non_null(strstr(first, "call 1,"));
    assert_non_null(strstr(ask(capsule, "alice", "state"), "call 2,"));
    const char *of_bob = ask(capsule, "bob", "state");
    assert_non_null(strstr(of_bob, "call 1,"));
    assert_string_not_equal(of_bob, first);
    assert_int_equal(stats_of(capsule).builds, 2);
    bh_capsule_release(capsule);
}

static void initialisation_sees_no_principal(void **state)
{
    (void)state;
    bh_capsule *capsule =
        load("reuse", "[env]\ninit = { type = \"string\", default = \"caller\" }\n");
    assert_string_equal(ask(capsule, "alice", "state"), "call 1, warmed 0, began as nobody");
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    bh_capsule_release(capsule);
}

static void two_leases_of_one_instance_draw_different_random_bytes(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", NULL);
    char first[128];
    snprintf(first, sizeof first, "%s", ask(capsule, "alice", "random"));
    assert_int_equal(strlen(first), 32);
    assert_string_not_equal(ask(capsule, "alice", "random"), first);
    assert_int_equal(stats_of(capsule).builds, 1);
    bh_capsule_release(capsule);
}

/* ---- modules that are hard to restore ---- */

static void a_module_that_drops_segments_is_served_as_never(void **state)
{
    (void)state;
    bh_capsule *capsule = load("leak_segments", NULL);
    expect_served(capsule, BH_REUSE_NEVER, "its code has elem.drop");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ask(capsule, "alice", "hide-d"), "nothing");
        assert_string_equal(ask(capsule, "alice", "seek-d"), "nothing");
    }
    assert_int_equal(stats_of(capsule).retired, 6);
    bh_capsule_release(capsule);
}

static void a_table_that_initialisation_changes_is_restored(void **state)
{
    (void)state;
    bh_capsule *capsule = load("init_table", NULL);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    for (int i = 0; i < 20; i++)
        assert_string_equal(ask(capsule, "alice", i % 2 == 0 ? "t" : "x"), "2 1");
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.verified, 20);
    assert_int_equal(stats.mismatches, 0);
    bh_capsule_release(capsule);
}

static void a_table_is_restored_also_where_the_snapshot_has_no_memory(void **state)
{
    (void)state;
    bh_capsule *capsule = load("init_table_no_memory", NULL);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    for (int i = 0; i < 20; i++)
        assert_string_equal(ask(capsule, "alice", "xx"), "cont");
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.verified, 20);
    assert_int_equal(stats.mismatches, 0);
    bh_capsule_release(capsule);
}

static void a_table_that_initialisation_made_huge_is_never_restored(void **state)
{
    (void)state;
    bh_capsule *capsule = load("init_table_huge", NULL);
    expect_served(capsule, BH_REUSE_NEVER, "table entries");
    assert_string_equal(ask(capsule, "alice", "x"), "cont");
    bh_capsule_release(capsule);
}

static void a_table_that_grew_costs_its_instance(void **state)
{
    (void)state;
    bh_capsule *capsule = load("init_table", NULL);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(ask(capsule, "alice", "g"), "2 1");
        assert_string_equal(ask(capsule, "bob", "x"), "2 1");
    }
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.restores_dearer, 5);
    assert_int_equal(stats.retired, 5);
    assert_int_equal(stats.condemned[BH_OUTCOME_RESTORE_FAILED], 0);
    bh_capsule_release(capsule);
}

static void a_table_that_cannot_be_initialised_alike_twice_is_never_restored(void **state)
{
    (void)state;
    bh_capsule *capsule = load("init_table_random", "[capsule]\ninit-randomness = \"accept\"\n");
    expect_served(capsule, BH_REUSE_NEVER, "initialisation changes a table and reads randomness");
    assert_string_equal(ask(capsule, "alice", "x"), "ok");
    bh_capsule_release(capsule);
    capsule = load("init_table", "[capsule]\nwarmup = \"x\"\n");
    expect_served(capsule, BH_REUSE_NEVER, "changes a table");
    bh_capsule_release(capsule);
}

static void a_guest_whose_allocator_traps_loads_unprimed(void **state)
{
    (void)state;
    bh_capsule *capsule = load("realloc_trap", NULL);
    expect_served(capsule, BH_REUSE_PRISTINE, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(invoke(capsule, "x", "")->outcome, BH_OUTCOME_TRAPPED);
    bh_capsule_release(capsule);
}

static void grown_memory_is_zeros_in_every_lease(void **state)
{
    (void)state;
    bh_capsule *capsule = load("reuse", NULL);
    char first[64];
    snprintf(first, sizeof first, "%s", ask(capsule, "alice", "grow"));
    assert_memory_equal(first, "zeros ", 6);
    for (int i = 0; i < LEASES; i++)
        assert_string_equal(ask(capsule, i % 2 == 0 ? "bob" : "alice", "grow"), first);
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.mismatches, 0);
    bh_capsule_release(capsule);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pristine_serves_every_lease_with_one_instance_in_its_first_state),
        CASE(principal_keeps_state_for_one_and_restores_it_for_another),
        CASE(shared_keeps_state_for_all_and_restores_nothing),
        CASE(never_initialises_anew_for_every_lease),
        CASE(an_instance_that_nobody_keeps_warm_is_built_once),
        CASE(the_warm_up_runs_once_and_every_lease_sees_its_effect),
        CASE(every_instance_starts_warm),
        CASE(a_warm_up_without_an_answer_is_a_warm_up),
        CASE(a_warm_up_that_fails_refuses_the_load),
        CASE(a_warm_up_that_draws_randomness_counts_as_initialisation),
        CASE(initialisation_that_reads_what_varies_is_served_as_never),
        CASE(accepted_randomness_of_initialisation_is_the_same_in_every_lease),
        CASE(principal_without_a_snapshot_rebuilds_for_another),
        CASE(initialisation_sees_no_principal),
        CASE(two_leases_of_one_instance_draw_different_random_bytes),
        CASE(a_module_that_drops_segments_is_served_as_never),
        CASE(a_table_that_initialisation_changes_is_restored),
        CASE(a_table_is_restored_also_where_the_snapshot_has_no_memory),
        CASE(a_table_that_initialisation_made_huge_is_never_restored),
        CASE(a_table_that_grew_costs_its_instance),
        CASE(a_table_that_cannot_be_initialised_alike_twice_is_never_restored),
        CASE(a_guest_whose_allocator_traps_loads_unprimed),
        CASE(grown_memory_is_zeros_in_every_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
