/* tests/runtime/test_dispatcher_ends.c - handlers that go, stop, fail to start or wait for too
 * much: what is bounded, what is cancelled, and that nothing is lost or left behind.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "runtime/capsule.h"
#include "support/handlers.h"

static runtime_fixture fixture;
static kept_result kept;

static int open_fixture(void **state)
{
    bh_runtime_options options = {.event_workers = 3};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static int close_fixture(void **state)
{
    runtime_fixture_close(&fixture);
    return 0;
}

typedef handler_spec spec;

static bh_capsule *start(spec about)
{
    return start_handler(&fixture, &about);
}

static bh_status keep_on(const char *topic, const char *payload, const char *principal)
{
    bh_event event = {
        .topic = topic, .payload = payload, .payload_len = strlen(payload), .principal = principal};
    use_engine_signals();
    return publish_and_keep(&fixture, &event, &kept);
}

static bh_status say_on(const char *topic, const char *payload, const char *principal)
{
    bh_event event = {
        .topic = topic, .payload = payload, .payload_len = strlen(payload), .principal = principal};
    use_engine_signals();
    return bh_publish(fixture.runtime, &event, NULL, NULL);
}

static void expect_failed(const char *by, bh_status status, bh_outcome outcome)
{
    wait_until_kept(&kept);
    if (kept.verdict != BH_VERDICT_FAILED || strcmp(kept.by, by) != 0)
        fail_msg("%s by %s: %s", bh_verdict_name(kept.verdict), kept.by, kept.reason);
    const bh_event_step *last = &kept.steps[kept.steps_count - 1];
    assert_true(last->is_failure);
    assert_int_equal(last->status, status);
    assert_int_equal(last->outcome, outcome);
}

/* ---- guards that cannot answer ---- */

static void a_guard_that_never_ends_denies_D1(void **state)
{
    bh_capsule *guard = start((spec){.name = "guard", .behaviour = "spin"});
    bh_capsule *behind = start((spec){.name = "z"});
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    expect_failed("guard", BH_OK, BH_OUTCOME_OUT_OF_FUEL);
    assert_int_equal(fixture.logs_count, 1); /* z was not called */
    bh_capsule_release(guard);
    bh_capsule_release(behind);
}

static void a_guard_that_is_unloaded_while_its_message_waits_denies_D1(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:1000", .priority = 1});
    bh_capsule *guard = start((spec){.name = "guard"});
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    wait_until_running(&fixture, 1);
    assert_int_equal(atomic_load(&guard->references), 1); /* D5 */
    bh_capsule_release(guard);
    expect_failed("guard", BH_E_CLOSED, BH_OUTCOME_REFUSED);
    bh_capsule_release(slow);
}

static void an_optional_handler_that_is_unloaded_is_passed_over(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:1000", .priority = 1});
    bh_capsule *optional = start((spec){.name = "optional", .continues = true});
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    wait_until_running(&fixture, 1);
    bh_capsule_release(optional);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    assert_true(kept.steps[1].is_failure);
    bh_capsule_release(slow);
}

static void a_guard_without_an_instance_to_be_had_denies_D1(void **state)
{
    bh_capsule *guard = start((spec){
        .name = "guard", .behaviour = "sleep:60000", .options = {.live_max = 1, .waiters_max = 1}});
    assert_int_equal(say_on("t.x", "1", "alice"), BH_OK);
    assert_int_equal(say_on("t.x", "1", "bob"), BH_OK);
    bh_capsule_stats stats;
    do {
        bh_capsule_read_stats(guard, &stats);
    } while (stats.waiting != 1 || stats.leased != 1);
    assert_int_equal(keep_on("t.x", "1", "carol"), BH_OK);
    expect_failed("guard", BH_E_SATURATED, BH_OUTCOME_REFUSED);
    bh_capsule_stop(guard);
    bh_capsule_release(guard);
}

/* A version may be closed between its start and its binding. */
static void a_closed_version_that_is_still_bound_fails_once(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    bhi_pool_close(one->pool);
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    expect_failed("one", BH_E_CLOSED, BH_OUTCOME_REFUSED);
    bh_capsule_release(one);
}

/* ---- stopping ---- */

static void stopping_a_capsule_ends_its_hooks_and_lets_it_go_D5(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    assert_int_equal(say_on("t.x", "1", "bob"), BH_OK);
    wait_until_running(&fixture, 2);
    bh_capsule_stop(slow);
    bhi_dispatch_stats stats;
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.running, 0);
    expect_failed("slow", BH_OK, BH_OUTCOME_CANCELLED);
    wait_until_handled(&fixture);
    while (atomic_load(&slow->references) > 1) /* a build ahead may hold it for a moment */
        sched_yield();
    bh_capsule_release(slow);
}

/* Else hooks that overlap would keep it alive for as long as there are messages. */
static void a_released_capsule_gets_no_hook_while_another_runs_D5(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow"});
    assert_int_equal(say_on("t.x", "\"sleep:4000\"", "bob"), BH_OK);
    assert_int_equal(say_on("t.x", "\"sleep:3000\"", "alice"), BH_OK);
    wait_until_running(&fixture, 2);
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    while (atomic_load(&slow->references) > 1 + 2) /* a build ahead may hold it for a moment */
        sched_yield();
    bh_capsule_release(slow);
    expect_failed("slow", BH_E_CLOSED, BH_OUTCOME_REFUSED);
    bhi_dispatch_stats stats;
    wait_until_handled(&fixture);
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.verdicts[BH_VERDICT_CONTINUED], 2); /* those that ran */
}

static void a_stopped_capsule_can_be_started_again(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    bh_capsule_stop(one);
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    assert_false(kept.observer.is_accepted);
    assert_int_equal(bh_capsule_start(one, NULL), BH_OK);
    assert_int_equal(keep_on("t.x", "\"sleep:1\"", "alice"), BH_OK);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    bh_capsule_release(one);
}

/* A start that another thread's close overtook does not take the name from the next version. */
static void a_closed_capsule_does_not_start_D1(void **state)
{
    bh_capsule *old = start((spec){.name = "one"});
    bh_capsule_close(old);
    bh_capsule *new = start((spec){.name = "one"});
    assert_int_equal(bhi_dispatcher_start(fixture.runtime->dispatcher, old, NULL), BH_E_CLOSED);
    bh_capsule_release(old);
    assert_int_equal(keep_on("t.x", "\"sleep:1\"", "alice"), BH_OK);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    bh_capsule_release(new);
}

static void what_runs_on_a_replaced_version_may_finish_there(void **state)
{
    bh_capsule *old = start((spec){.name = "one", .behaviour = "sleep:1000"});
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    wait_until_running(&fixture, 1);
    bh_capsule *new = start((spec){.name = "one"});
    bh_capsule_close(old);
    bh_capsule_release(old);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    bh_capsule_release(new);
}

/* The chain has come to "slow", and goes on to what "one" is when "slow" has been let go on. */
static void replace_one_while_its_message_waits(bh_capsule *old, spec about)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:3000", .priority = 1});
    bh_capsule *new = load_handler(&fixture, &about); /* takes a while */
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    wait_until_running(&fixture, 1);
    assert_int_equal(bh_capsule_start(new, NULL), BH_OK);
    bh_capsule_close(old);
    bh_capsule_release(old);
    assert_false(atomic_load(&kept.is_done));
    wait_until_kept(&kept);
    bh_capsule_release(new);
    bh_capsule_release(slow);
}

static void a_new_version_is_called_with_its_own_action_D4(void **state)
{
    bh_capsule *old = start((spec){.name = "one"});
    replace_one_while_its_message_waits(old, (spec){.name = "one", .action = "renamed"});
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    assert_string_equal(fixture.last_log.text, "renamed 1");
}

static void a_new_version_without_a_handler_for_the_topic_is_a_failure_D4(void **state)
{
    bh_capsule *old = start((spec){.name = "one"});
    replace_one_while_its_message_waits(old, (spec){.name = "one", .topic = "u.*"});
    expect_failed("one", BH_E_NOT_FOUND, BH_OUTCOME_REFUSED);
}

/* What fails is judged as the version has it that failed. */
static void a_new_version_says_what_its_failure_means_D4(void **state)
{
    bh_capsule *old = start((spec){.name = "one", .continues = true});
    replace_one_while_its_message_waits(old, (spec){.name = "one", .behaviour = "trap"});
    expect_failed("one", BH_OK, BH_OUTCOME_TRAPPED);
}

/* Two handlers for the topic, of which the old one had one of that name: one of the new ones would
 * be called twice and the other, perhaps a guard, not at all. */
static void no_handler_is_called_in_place_of_two_D4(void **state)
{
    bh_capsule *old =
        start((spec){.name = "one", .more = "\"t.x\" = {wit = \"-\", handler = \"b\"}\n"});
    replace_one_while_its_message_waits(
        old, (spec){.name = "one", .more = "\"t.x\" = {wit = \"-\", handler = \"guard\"}\n"});
    expect_failed("one", BH_E_NOT_FOUND, BH_OUTCOME_REFUSED);
    assert_int_equal(kept.steps_count, 3); /* slow, what both have, and what only the old one has */
}

/* D4: it has no instance of the old version yet, and begins again on the new one. */
static void what_waits_for_an_instance_of_a_replaced_version_is_not_lost_D4(void **state)
{
    bh_capsule *old = start((spec){.name = "one", .options = {.live_max = 1}});
    assert_int_equal(say_on("t.x", "\"sleep:60000\"", "bob"), BH_OK);
    wait_until_running(&fixture, 1);
    assert_int_equal(keep_on("t.x", "1", "alice"), BH_OK);
    bh_capsule_stats stats;
    do {
        bh_capsule_read_stats(old, &stats);
    } while (stats.waiting != 1);
    bh_capsule *new = start((spec){.name = "one"});
    bh_capsule_close(old);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    assert_int_equal(kept.steps_count, 1);
    bh_capsule_stop(old);
    bh_capsule_release(old);
    wait_until_handled(&fixture);
    bh_capsule_release(new);
}

/* ---- bounds ---- */

enum { CAPSULES = BHI_DISPATCH_PRINCIPAL_MAX / BHI_DISPATCH_KEY_MAX };

/* D3: 16 capsules with 64 messages each; no key is full when the account is. */
static void a_principal_has_1024_messages_waiting_and_not_one_more_D3(void **state)
{
    static bh_capsule *all[CAPSULES + 1];
    char name[16], topic[24];
    for (int i = 0; i <= CAPSULES; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(topic, sizeof topic, "n%d", i);
        all[i] = start((spec){.name = name, .topic = topic, .behaviour = "sleep:60000"});
    }
    for (int i = 0; i < BHI_DISPATCH_PRINCIPAL_MAX; i++) {
        snprintf(topic, sizeof topic, "n%d", i % CAPSULES);
        assert_int_equal(say_on(topic, "1", "mallory"), BH_OK);
    }
    snprintf(topic, sizeof topic, "n%d", CAPSULES);
    assert_int_equal(say_on(topic, "1", "mallory"), BH_E_SATURATED);
    assert_int_equal(say_on(topic, "1", "alice"), BH_OK);
    for (int i = 0; i <= CAPSULES; i++)
        bh_capsule_stop(all[i]);
    wait_until_handled(&fixture);
    for (int i = 0; i <= CAPSULES; i++)
        bh_capsule_release(all[i]);
}

static void a_principal_has_16_mib_waiting_and_not_one_byte_more_D3(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    size_t len = BH_EVENT_BYTES_MAX - strlen("t.x");
    char *payload = malloc(len + 1);
    assert_non_null(payload);
    memset(payload, '1', len);
    payload[len] = 0;
    for (size_t i = 0; i < BHI_DISPATCH_PRINCIPAL_BYTES_MAX / BH_EVENT_BYTES_MAX; i++)
        assert_int_equal(say_on("t.x", payload, "mallory"), BH_OK);
    assert_int_equal(say_on("t.x", "1", "mallory"), BH_E_SATURATED);
    assert_int_equal(say_on("t.x", "1", "alice"), BH_OK);
    free(payload);
    bh_capsule_stop(slow);
    wait_until_handled(&fixture);
    bh_capsule_release(slow);
}

/* Patterns that cover one topic of 8 segments: one for each subset of them, made a "*". */
static bh_capsule *start_with_patterns(int count)
{
    static char manifest[16384];
    size_t len = (size_t)snprintf(manifest, sizeof manifest, "[subscribe]\n");
    for (int i = 0; i < count; i++) {
        len += (size_t)snprintf(manifest + len, sizeof manifest - len, "\"");
        for (int segment = 0; segment < 8; segment++)
            len += (size_t)snprintf(manifest + len, sizeof manifest - len, "%s%s",
                                    segment == 0 ? "" : ".", i >> segment & 1 ? "*" : "x");
        len += (size_t)snprintf(manifest + len, sizeof manifest - len,
                                "\" = {wit = \"-\", handler = \"on\"}\n");
    }
    guest_setup setup = {.guest = "handler", .name = "many", .manifest = manifest};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    assert_int_equal(bh_capsule_start(capsule, NULL), BH_OK);
    return capsule;
}

static void a_message_has_64_handlers_and_not_one_more_D3(void **state)
{
    bh_capsule *many = start_with_patterns(BHI_DISPATCH_STEPS_MAX);
    assert_int_equal(keep_on("x.x.x.x.x.x.x.x", "1", "alice"), BH_OK);
    wait_until_kept(&kept);
    assert_int_equal(kept.verdict, BH_VERDICT_CONTINUED);
    assert_int_equal(kept.steps_count, BHI_DISPATCH_STEPS_MAX);
    bh_capsule_release(many);
    int before = fixture.logs_count;
    many = start_with_patterns(BHI_DISPATCH_STEPS_MAX + 1);
    assert_int_equal(keep_on("x.x.x.x.x.x.x.x", "1", "alice"), BH_E_SATURATED);
    wait_until_handled(&fixture);
    assert_int_equal(fixture.logs_count, before);
    bh_capsule_release(many);
}

/* ---- several lanes ---- */

static bh_capsule *start_crossing(const char *name, unsigned up, unsigned down)
{
    char manifest[200];
    snprintf(manifest, sizeof manifest,
             "[subscribe]\nup = {wit = \"-\", handler = \"on\", priority = %u}\n"
             "down = {wit = \"-\", handler = \"on\", priority = %u}\n",
             up, down);
    guest_setup setup = {.guest = "handler", .name = name, .manifest = manifest};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    assert_int_equal(bh_capsule_start(capsule, NULL), BH_OK);
    return capsule;
}

/* D2: chains go over two capsules in opposite orders, for many principals, on three lanes. */
static void chains_that_cross_all_end_D2(void **state)
{
    enum { ROUNDS = 40, PRINCIPALS = 8 };
    bh_capsule *a = start_crossing("a", 1, 2), *b = start_crossing("b", 2, 1);
    char principal[16];
    for (int i = 0; i < ROUNDS; i++)
        for (int p = 0; p < PRINCIPALS; p++) {
            snprintf(principal, sizeof principal, "p%d", p);
            assert_int_equal(
                say_on(i % 2 == 0 ? "up" : "down", i % 3 == 0 ? "\"sleep:1\"" : "1", principal),
                BH_OK);
        }
    wait_until_handled(&fixture);
    bhi_dispatch_stats stats;
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.verdicts[BH_VERDICT_CONTINUED], ROUNDS * PRINCIPALS);
    bh_capsule_release(a);
    bh_capsule_release(b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    bhi_log_configure(BHI_LOG_ERROR, NULL, NULL); /* a thousand denials have a line each */
    const struct CMUnitTest tests[] = {
        CASE(a_guard_that_never_ends_denies_D1),
        CASE(a_guard_that_is_unloaded_while_its_message_waits_denies_D1),
        CASE(an_optional_handler_that_is_unloaded_is_passed_over),
        CASE(a_guard_without_an_instance_to_be_had_denies_D1),
        CASE(a_closed_version_that_is_still_bound_fails_once),
        CASE(stopping_a_capsule_ends_its_hooks_and_lets_it_go_D5),
        CASE(a_released_capsule_gets_no_hook_while_another_runs_D5),
        CASE(a_stopped_capsule_can_be_started_again),
        CASE(a_closed_capsule_does_not_start_D1),
        CASE(what_runs_on_a_replaced_version_may_finish_there),
        CASE(a_new_version_is_called_with_its_own_action_D4),
        CASE(a_new_version_without_a_handler_for_the_topic_is_a_failure_D4),
        CASE(a_new_version_says_what_its_failure_means_D4),
        CASE(no_handler_is_called_in_place_of_two_D4),
        CASE(what_waits_for_an_instance_of_a_replaced_version_is_not_lost_D4),
        CASE(a_principal_has_1024_messages_waiting_and_not_one_more_D3),
        CASE(a_principal_has_16_mib_waiting_and_not_one_byte_more_D3),
        CASE(a_message_has_64_handlers_and_not_one_more_D3),
        CASE(chains_that_cross_all_end_D2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
