/* tests/runtime/test_run_loop.c - run loops of real guests in a real runtime.
 *
 * What a loop does comes from its own thread, so the tests wait for it by looking; they assert what
 * was done, never how long it took. What a loop leaves in kv is read through another capsule of the
 * same name, which is never started.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/capsule.h"
#include "runtime/supervisor.h"
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
             "[capabilities]\nfs_read = [\"home://\"]\nfs_write = [\"home://\"]\n"
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

static void start_and_stop_are_idempotent_and_a_stopped_loop_starts_anew(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    bh_capsule *capsule = load_loop((loop_setup){.behaviour = "count"});
    bh_capsule_stop(capsule); /* never started */
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_NONE);
    for (int i = 0; i < 3; i++) {
        start(capsule);
        start(capsule);
        uint64_t rounds = counted(reader, "rounds");
        WAIT_FOR(counted(reader, "rounds") > rounds);
        bh_capsule_stop(capsule);
        bh_capsule_stop(capsule);
        assert_int_equal(stats_of(capsule).run_state, BH_RUN_STOPPED);
    }
    assert_int_equal(stats_of(capsule).run_restarts, 0); /* those are for runs that end */
    bh_capsule_release(capsule);
    bh_capsule_release(reader);
}

static void a_release_ends_a_loop_that_waits_and_one_that_computes(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    bh_capsule *capsule = start_loop("sleep");
    WAIT_FOR(strcmp(kept(reader, "began"), "yes") == 0);
    bh_capsule_release(capsule);
    capsule = load_loop((loop_setup){.behaviour = "spins", .run = "loop"});
    start(capsule);
    WAIT_FOR(stats_of(capsule).fuel_used > 0);
    bh_capsule_release(capsule);
    bh_capsule_release(reader);
    WAIT_FOR(atomic_load(&fixture.runtime->capsules_count) == 0); /* the keeper may hold one yet */
}

static void close_begins_to_stop_and_lets_nothing_start(void **state)
{
    (void)state;
    bh_error error;
    bh_capsule *capsule = start_loop("sleep");
    bh_capsule_close(capsule);
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_STOPPED);
    assert_int_equal(bh_capsule_start(capsule, &error), BH_E_CLOSED);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STOPPED);
    bh_capsule_release(capsule);
}

static void loops_of_several_capsules_share_one_thread_fairly(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    guest_setup spinner = {
        .guest = "run_loop",
        .name = "spinner",
        .manifest =
            "[capsule]\nrun = \"loop\"\n[env]\ndo = {type = \"string\", default = \"busy\"}\n"};
    bh_capsule *busy = load_setup(&fixture, &spinner);
    start(busy);
    bh_capsule *capsule = start_loop("count");
    WAIT_FOR(counted(reader, "rounds") >= 5);
    uint64_t fuel = stats_of(busy).fuel_used;
    WAIT_FOR(stats_of(busy).fuel_used > fuel);
    bh_capsule_release(capsule);
    bh_capsule_release(busy);
    bh_capsule_release(reader);
}

/* ---- stub or loop ---- */

static void expect_pooled(bh_capsule *capsule)
{
    start(capsule);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_NONE);
    assert_false(bhi_capsule_is_run_loop(capsule));
    assert_int_equal(invoke(capsule, "x", "text")->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_release(capsule);
}

static void a_run_that_returns_without_having_waited_is_a_stub(void **state)
{
    (void)state;
    expect_pooled(load_loop((loop_setup){.behaviour = "nothing"}));
    expect_pooled(load_loop((loop_setup){.behaviour = "computes"})); /* more than one slice */
    expect_pooled(load_guest(&fixture, "stubs", BH_REUSE_PRISTINE)); /* shares its function */
    expect_pooled(load_guest(&fixture, "probe", BH_REUSE_PRISTINE)); /* exports none */
}

static void a_stub_by_the_manifest_is_never_run(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    expect_pooled(load_loop((loop_setup){.behaviour = "sleep", .run = "stub"}));
    assert_string_equal(kept(reader, "began"), "");
    bh_capsule_release(reader);
}

static void expect_loop(const char *behaviour)
{
    bh_capsule *capsule = start_loop(behaviour);
    assert_true(bhi_capsule_is_run_loop(capsule));
    assert_int_not_equal(stats_of(capsule).run_state, BH_RUN_NONE);
    bh_capsule_release(capsule);
}

static void whatever_waited_or_said_that_it_is_ready_is_a_loop(void **state)
{
    (void)state;
    expect_loop("sleep");
    expect_loop("waits-once");
    expect_loop("zero"); /* did not wait, but called what may */
    expect_loop("ready");
    expect_loop("traps-at-once"); /* a stub does nothing */
}

static void a_loop_by_the_manifest_is_one_from_its_load_on(void **state)
{
    (void)state;
    bh_capsule *capsule = load_loop((loop_setup){.behaviour = "nothing", .run = "loop"});
    assert_true(bhi_capsule_is_run_loop(capsule));
    assert_int_equal(stats_of(capsule).live, 0);
    start(capsule);
    WAIT_FOR(stats_of(capsule).run_restarts > 0);
    assert_string_equal(stats_of(capsule).run_failure, "returned");
    bh_capsule_release(capsule);
}

static void a_loop_by_the_manifest_without_the_export_does_not_load(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "probe", .manifest = "[capsule]\nrun = \"loop\"\n"};
    bh_capsule *capsule;
    bh_error error;
    assert_int_equal(try_load_setup(&fixture, &setup, &capsule, &error), BH_E_MANIFEST);
    assert_non_null(strstr(error.text, "Capsule.toml: expected an export named run"));
}

static int open_deciding_late(void **state)
{
    (void)state;
    bh_runtime_options options = {.run = {.cpu_window_ms = 60000, .decision_ms_max = 20}};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static void a_run_that_computes_for_long_is_a_loop_without_waiting_for_its_end(void **state)
{
    (void)state;
    expect_loop("spins");
}

/* ---- while it is a loop ---- */

static void a_loop_takes_no_invocation_and_keeps_no_instance_idle(void **state)
{
    (void)state;
    bh_capsule *capsule = load_loop((loop_setup){.behaviour = "sleep"});
    assert_int_equal(stats_of(capsule).idle, 1); /* it might have been a stub */
    start(capsule);
    assert_int_equal(stats_of(capsule).idle, 0);
    bh_request request = {.action = "x", .payload = ""};
    bh_result result = {0};
    bh_error error;
    assert_int_equal(bh_invoke(capsule, &request, &result, &error), BH_E_UNSUPPORTED);
    assert_string_equal(error.text, "capsule looper is a run loop: it takes messages that it "
                                    "subscribes to, no invocations");
    request.entry = BH_ENTRY_INSTALL;
    assert_int_equal(bh_invoke(capsule, &request, &result, &error), BH_E_UNSUPPORTED);
    bh_capsule_stop(capsule); /* what it is does not change */
    assert_int_equal(bh_invoke(capsule, &request, &result, &error), BH_E_UNSUPPORTED);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
}

/* ---- messages ---- */

static void ready_cb(void *arg)
{
    (void)arg;
}

static bhi_subscriber *listen_for(const char *topic)
{
    bhi_subscriber_options options = {.pattern = bhi_bytes_of(topic), .ready_cb = ready_cb};
    bhi_subscriber *subscriber;
    assert_int_equal(bhi_bus_subscribe(fixture.runtime->bus, &options, &subscriber, NULL), BH_OK);
    return subscriber;
}

static void publish(const char *topic, const char *payload, const char *principal)
{
    bhi_message_spec spec = {.topic = bhi_bytes_of(topic),
                             .payload = bhi_bytes_of(payload),
                             .principal = bhi_bytes_of(principal),
                             .attribution = BHI_ATTRIBUTION_VERIFIED};
    bhi_message *message;
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    assert_int_equal(bhi_bus_publish(fixture.runtime->bus, message), BHI_PUBLISH_OK);
    bhi_message_release(message);
}

/* The one message that comes, as "PAYLOAD PRINCIPAL". */
static void expect_message(bhi_subscriber *subscriber, const char *expected)
{
    WAIT_FOR(!bhi_subscriber_is_empty(subscriber));
    bhi_batch batch;
    char found[512];
    bhi_subscriber_take(subscriber, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    assert_int_equal(batch.count, 1);
    const bhi_message_spec *spec = &batch.messages[0]->spec;
    snprintf(found, sizeof found, "%.*s %.*s", (int)spec->payload.len,
             (const char *)spec->payload.data, (int)spec->principal.len,
             (const char *)spec->principal.data);
    bhi_message_release(batch.messages[0]);
    assert_string_equal(found, expected);
}

static void a_loop_takes_messages_and_answers_for_whose_they_are(void **state)
{
    (void)state;
    bhi_subscriber *answers = listen_for("loop.v1.answer");
    bh_capsule *capsule = start_loop("echo");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_READY);
    publish("loop.v1.ask.a", "1", "alice");
    expect_message(answers, "1 alice");
    publish("loop.v1.ask.b", "2", "bob");
    expect_message(answers, "2 bob");
    bh_capsule_release(capsule);
    bhi_subscriber_close(answers);
}

static void a_loop_is_told_its_handlers_and_speaks_for_its_owner(void **state)
{
    (void)state;
    bhi_subscriber *answers = listen_for("loop.v1.answer");
    bh_capsule *capsule = start_loop("bindings");
    expect_message(answers, "1 default");
    bh_capsule_release(capsule);
    bhi_subscriber_close(answers);
}

/* A handle is used for whom it was opened, on that one's account, whoever came in between. */
static void a_loop_keeps_files_open_for_one_principal_beside_others(void **state)
{
    (void)state;
    static const struct {
        const char *principal, *ask, *answer;
    } steps[] = {{"ada", "0", "\"ok ok\" ada"},
                 {"ada", "1000", "\"ok ok\" ada"},
                 {"bob", "1", "\"ok ok\" bob"},
                 {"bob", "2000", "\"capability-denied capability-denied\" bob"},
                 {"ada", "67108864", "\"ok ok\" ada"},
                 {"bob", "1", "\"ok ok\" bob"},
                 {"ada", "67108865", "\"ok quota\" ada"}, /* of its own 64 MiB */
                 {"ada", "1", "\"ok ok\" ada"},
                 {"ada", "67108866", "\"ok quota\" ada"}};
    bhi_subscriber *answers = listen_for("loop.v1.answer");
    bh_capsule *capsule = start_loop("files");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_READY);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        publish("loop.v1.ask.a", steps[i].ask, steps[i].principal);
        expect_message(answers, steps[i].answer);
    }
    assert_int_equal(stats_of(capsule).run_restarts, 0);
    bh_capsule_release(capsule);
    bhi_subscriber_close(answers);
}

static void what_a_loop_does_is_counted_while_it_runs(void **state)
{
    (void)state;
    bhi_host_counters counters;
    bhi_subscriber *answers = listen_for("loop.v1.answer");
    bh_capsule *capsule = start_loop("echo");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_READY);
    for (uint64_t i = 1; i <= 2; i++) {
        publish("loop.v1.ask.a", "1", "alice");
        expect_message(answers, "1 alice");
        WAIT_FOR((bhi_host_totals_read(&capsule->host_totals, &counters), counters.published == i));
        assert_int_equal(counters.received, i);
    }
    bh_capsule_stop(capsule);
    bhi_host_totals_read(&capsule->host_totals, &counters);
    assert_int_equal(counters.published, 2); /* and once */
    bh_capsule_release(capsule);
    bhi_subscriber_close(answers);
}

typedef struct told {
    bhi_task task;
    bh_capsule *capsule;
    bh_run_state state; /* when it ran */
    atomic_int times;
} told;

static void tell(bhi_task *task)
{
    told *self = (told *)task;
    self->state = stats_of(self->capsule).run_state;
    self->times++;
}

static void await_told(bhi_worker *worker, bh_capsule *capsule, bh_run_state state)
{
    told once = {.capsule = capsule};
    bhi_task_init(&once.task, tell);
    bh_capsule_close(capsule);
    bhi_supervisor_when_stopped(fixture.runtime->supervisor, capsule, worker, &once.task);
    WAIT_FOR(atomic_load(&once.times) == 1);
    assert_int_equal(once.state, state);
}

static void who_waits_for_a_loop_to_stop_is_told_on_its_own_thread(void **state)
{
    (void)state;
    bhi_worker *worker;
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    assert_int_equal(bhi_worker_start(worker, "told", NULL), BH_OK);
    bh_capsule *capsule = start_loop("echo");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_READY);
    await_told(worker, capsule, BH_RUN_STOPPED);
    await_told(worker, capsule, BH_RUN_STOPPED); /* at once */
    bh_capsule_release(capsule);
    capsule = load_loop((loop_setup){.behaviour = "echo"}); /* never started */
    await_told(worker, capsule, BH_RUN_NONE);
    bh_capsule_release(capsule);
    bhi_worker_destroy(worker);
}

static void a_stopped_loop_has_no_subscription_left(void **state)
{
    (void)state;
    bhi_bus_stats bus;
    bh_capsule *capsule = start_loop("echo");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_READY);
    bhi_bus_read_stats(fixture.runtime->bus, &bus);
    assert_int_equal(bus.subscribers, 1);
    bh_capsule_stop(capsule);
    bhi_bus_read_stats(fixture.runtime->bus, &bus);
    assert_int_equal(bus.subscribers, 0);
    bh_capsule_release(capsule);
}

/* ---- restarts ---- */

static void expect_failed(const char *behaviour, const char *cause)
{
    bh_capsule *capsule = start_loop(behaviour);
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_FAILED);
    assert_int_equal(stats_of(capsule).run_restarts, 5);
    if (strncmp(stats_of(capsule).run_failure, cause, strlen(cause)) != 0)
        fail_msg("expected \"%s\", found \"%s\"", cause, stats_of(capsule).run_failure);
    bh_capsule_release(capsule);
}

static void a_loop_that_keeps_ending_fails_with_its_cause(void **state)
{
    (void)state;
    expect_failed("waits-once", "returned");
    expect_failed("traps", "trapped: wasm `unreachable`");
    expect_failed("traps-at-once", "trapped: wasm `unreachable`");
    expect_failed("hog", "memory-limit: ");
}

static void a_loop_that_failed_is_told_of_on_the_bus_once(void **state)
{
    (void)state;
    bhi_subscriber *failures = listen_for("bulkhead.v1.run.failed");
    bh_capsule *capsule = start_loop("waits-once");
    expect_message(failures, "{\"capsule\":\"looper\",\"cause\":\"returned\"} ");
    bh_capsule_stop(capsule); /* nothing is left to stop */
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_FAILED);
    bh_capsule_release(capsule);
    bhi_subscriber_close(failures);
}

static void a_loop_that_failed_may_be_started_anew(void **state)
{
    (void)state;
    bh_capsule *capsule = start_loop("waits-once");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_FAILED);
    start(capsule);
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_FAILED);
    assert_int_equal(stats_of(capsule).run_restarts, 10);
    bh_capsule_release(capsule);
}

static int open_slow_to_restart(void **state)
{
    (void)state;
    bh_runtime_options options = {.run = {.backoff_ms = 60000}};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static void a_loop_is_stopped_while_it_waits_for_its_restart(void **state)
{
    (void)state;
    bh_capsule *capsule = start_loop("waits-once");
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_WAITING);
    assert_string_equal(stats_of(capsule).run_failure, "returned");
    bh_capsule_stop(capsule);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STOPPED);
    assert_int_equal(stats_of(capsule).run_restarts, 0);
    bh_capsule_release(capsule);
}

/* ---- CPU windows ---- */

static int open_short_windows(void **state)
{
    (void)state;
    bh_runtime_options options = {
        .run = {.cpu_window_ms = 10, .backoff_ms = 1, .backoff_ms_max = 1, .restarts_max = 1}};
    runtime_fixture_open_with(&fixture, &options);
    return 0;
}

static void expect_silent(const char *behaviour)
{
    bh_capsule *capsule = start_loop(behaviour);
    WAIT_FOR(stats_of(capsule).run_state == BH_RUN_FAILED);
    assert_string_equal(stats_of(capsule).run_failure,
                        "deadline: it computed for 3 windows of 10 ms and neither waited nor "
                        "received a message");
    bh_capsule_release(capsule);
}

static void a_loop_that_only_computes_is_ended_after_three_windows(void **state)
{
    (void)state;
    expect_silent("spins");
    expect_silent("spins-late");
}

static void asking_an_empty_queue_without_waiting_is_no_progress(void **state)
{
    (void)state;
    expect_silent("recv-zero");
}

static void a_loop_that_computes_and_waits_by_turns_goes_on(void **state)
{
    (void)state;
    bh_capsule *capsule = start_loop("busy");
    WAIT_FOR(stats_of(capsule).fuel_used > 400000000); /* many windows */
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STARTING);
    assert_int_equal(stats_of(capsule).run_restarts, 0);
    bh_capsule_release(capsule);
}

/* ---- versions ---- */

static void a_new_version_begins_when_the_old_one_is_gone(void **state)
{
    (void)state;
    bh_capsule *reader = load_reader();
    bh_capsule *old = load_loop((loop_setup){.behaviour = "count", .tag = "old"});
    start(old);
    WAIT_FOR(counted(reader, "old") >= 5);
    bh_capsule *new = load_loop((loop_setup){.behaviour = "count", .tag = "new", .after = "old"});
    start(new);
    WAIT_FOR(counted(reader, "new") >= 5);
    assert_string_equal(kept(reader, "overlap"), "");
    assert_int_equal(stats_of(old).run_state, BH_RUN_STOPPED);
    assert_int_equal(stats_of(new).run_state, BH_RUN_READY);
    bh_capsule_release(old);
    bh_capsule_release(new);
    bh_capsule_release(reader);
}

static void a_new_version_without_a_loop_stops_the_old_ones(void **state)
{
    (void)state;
    bh_capsule *old = start_loop("sleep");
    bh_capsule *new = load_loop((loop_setup){.behaviour = "sleep", .run = "stub"});
    start(new);
    assert_int_equal(stats_of(old).run_state, BH_RUN_STOPPED);
    bh_capsule_release(old);
    bh_capsule_release(new);
}

static void another_capsules_loop_is_left_alone(void **state)
{
    (void)state;
    bh_capsule *capsule = start_loop("sleep");
    bh_capsule *other = load_guest(&fixture, "stubs", BH_REUSE_PRISTINE);
    start(other);
    assert_int_equal(stats_of(capsule).run_state, BH_RUN_STARTING);
    bh_capsule_release(other);
    bh_capsule_release(capsule);
}

typedef struct handover {
    bh_capsule *capsule;
    pthread_t thread;
} handover;

static void *start_and_stop(void *arg)
{
    handover *self = arg;
    for (int i = 0; i < 30; i++) {
        bh_error error;
        assert_int_equal(bh_capsule_start(self->capsule, &error), BH_OK);
        if (i % 3 == 0)
            bh_capsule_stop(self->capsule);
    }
    bh_capsule_release(self->capsule);
    return NULL;
}

static void versions_that_start_and_stop_at_once_from_many_threads_come_to_an_end(void **state)
{
    (void)state;
    handover handovers[4];
    for (int i = 0; i < 4; i++)
        handovers[i].capsule = load_loop((loop_setup){.behaviour = "sleep"});
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&handovers[i].thread, NULL, start_and_stop, &handovers[i]),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(handovers[i].thread, NULL);
    WAIT_FOR(atomic_load(&fixture.runtime->capsules_count) == 0);
}

#define CASE_WITH(open, test) cmocka_unit_test_setup_teardown(test, open, close_fixture)
#define CASE(test)            CASE_WITH(open_fixture, test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_loop_starts_works_in_rounds_and_is_stopped),
        CASE(a_loop_that_waits_for_long_is_stopped_at_once),
        CASE(start_and_stop_are_idempotent_and_a_stopped_loop_starts_anew),
        CASE(a_release_ends_a_loop_that_waits_and_one_that_computes),
        CASE(close_begins_to_stop_and_lets_nothing_start),
        CASE(loops_of_several_capsules_share_one_thread_fairly),
        CASE(a_run_that_returns_without_having_waited_is_a_stub),
        CASE(a_stub_by_the_manifest_is_never_run),
        CASE(whatever_waited_or_said_that_it_is_ready_is_a_loop),
        CASE(a_loop_by_the_manifest_is_one_from_its_load_on),
        CASE(a_loop_by_the_manifest_without_the_export_does_not_load),
        CASE_WITH(open_deciding_late,
                  a_run_that_computes_for_long_is_a_loop_without_waiting_for_its_end),
        CASE(a_loop_takes_no_invocation_and_keeps_no_instance_idle),
        CASE(a_loop_takes_messages_and_answers_for_whose_they_are),
        CASE(a_loop_is_told_its_handlers_and_speaks_for_its_owner),
        CASE(a_loop_keeps_files_open_for_one_principal_beside_others),
        CASE(what_a_loop_does_is_counted_while_it_runs),
        CASE(who_waits_for_a_loop_to_stop_is_told_on_its_own_thread),
        CASE(a_stopped_loop_has_no_subscription_left),
        CASE(a_loop_that_keeps_ending_fails_with_its_cause),
        CASE(a_loop_that_failed_is_told_of_on_the_bus_once),
        CASE(a_loop_that_failed_may_be_started_anew),
        CASE_WITH(open_slow_to_restart, a_loop_is_stopped_while_it_waits_for_its_restart),
        CASE_WITH(open_short_windows, a_loop_that_only_computes_is_ended_after_three_windows),
        CASE_WITH(open_short_windows, asking_an_empty_queue_without_waiting_is_no_progress),
        CASE_WITH(open_short_windows, a_loop_that_computes_and_waits_by_turns_goes_on),
        CASE(a_new_version_begins_when_the_old_one_is_gone),
        CASE(a_new_version_without_a_loop_stops_the_old_ones),
        CASE(another_capsules_loop_is_left_alone),
        CASE(versions_that_start_and_stop_at_once_from_many_threads_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
