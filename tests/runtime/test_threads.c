/* Several threads in one capsule at once, through the public interface. Run it under the thread
 * sanitizer too.
 *
 * Threads must not fail a cmocka test: they keep what went wrong, and the test reads it after the
 * join. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/runtime_fixture.h"

enum { THREADS = 4, ROUNDS = 12, LOOP_TIMEOUT_MS = 5 };

static runtime_fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

typedef struct caller {
    pthread_t thread;
    int number;
    bh_capsule *capsule;
    bh_reuse reuse;
    bh_result result;
    uint64_t ended[BH_OUTCOME_COUNT]; /* what the capsule should have counted for it */
    atomic_uint *calls_count;         /* shared */
    char failure[512];                /* the first; "": none */
} caller;

static void fail_caller(caller *by, const char *format, ...)
{
    if (by->failure[0] != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(by->failure, sizeof by->failure, format, arguments);
    va_end(arguments);
}

static bh_status call(caller *by, const char *action, const char *payload, uint32_t timeout_ms)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = "alice",
                          .timeout_ms = timeout_ms};
    bh_error error;
    bh_status status = bh_invoke(by->capsule, &request, &by->result, &error);
    by->ended[by->result.outcome]++;
    if (status != BH_OK && status != error.code)
        fail_caller(by, "%s: status %d, error %d", action, status, error.code);
    return status;
}

static void expect(caller *by, const char *action, const char *payload, bh_outcome outcome)
{
    bh_status status = call(by, action, payload, 0);
    if (status != BH_OK)
        fail_caller(by, "%s: %s", action, bh_status_name(status));
    else if (by->result.outcome != outcome)
        fail_caller(by, "%s: %s (%s)", action, bh_outcome_name(by->result.outcome),
                    by->result.message);
}

static void expect_data(caller *by, const char *action, const char *payload, const char *data)
{
    expect(by, action, payload, BH_OUTCOME_RETURNED);
    if (strcmp(by->result.data, data) != 0)
        fail_caller(by, "%s: \"%s\", expected \"%s\"", action, by->result.data, data);
}

/* It may also expire in the queue: others loop too. */
static void expect_deadline(caller *by)
{
    bh_status status = call(by, "loop", "", LOOP_TIMEOUT_MS);
    bool is_expected =
        status == BH_OK ? by->result.outcome == BH_OUTCOME_DEADLINE : status == BH_E_DEADLINE;
    if (!is_expected)
        fail_caller(by, "loop: %s, %s", bh_status_name(status),
                    bh_outcome_name(by->result.outcome));
}

static void *mix_outcomes(void *arg)
{
    caller *by = arg;
    for (int round = 0; round < ROUNDS && by->failure[0] == 0; round++) {
        char text[64];
        snprintf(text, sizeof text, "thread %d round %d", by->number, round);
        expect_data(by, "echo", text, text); /* one's own */
        expect(by, "count", "total", BH_OUTCOME_RETURNED);
        expect(by, "trap", "", BH_OUTCOME_TRAPPED);
        expect_data(by, "sleep", "500000", "slept");
        if (by->reuse == BH_REUSE_PRISTINE)
            expect_data(by, "state", "", "1"); /* nobody was here before */
        if (round % 4 == by->number)
            expect_deadline(by);
    }
    bh_result_deinit(&by->result);
    return NULL;
}

static void run_callers(caller *callers, void *(*run)(void *))
{
    use_engine_signals();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run, &callers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(callers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (callers[i].failure[0] != 0)
            fail_msg("thread %d: %s", i, callers[i].failure);
    }
}

static bh_capsule *load_mixed(bh_reuse reuse)
{
    guest_setup setup = {.guest = "mixed",
                         .options = {.live_max = 2, .has_reuse = true, .reuse = reuse}};
    return load_setup(&fixture, &setup);
}

static void check_counts(bh_capsule *capsule, const caller *callers)
{
    bh_capsule_stats stats;
    do
        bh_capsule_read_stats(capsule, &stats);
    while (stats.building != 0); /* ahead, on the keeper's thread */
    assert_int_equal(stats.leased, 0);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.live, stats.idle);
    assert_true(stats.live <= 2);
    for (int outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++) {
        uint64_t ended = 0;
        for (int i = 0; i < THREADS; i++)
            ended += callers[i].ended[outcome];
        assert_int_equal(stats.outcomes[outcome], ended);
    }
}

static void mix_on(bh_reuse reuse)
{
    bh_capsule *capsule = load_mixed(reuse);
    caller callers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        callers[i].number = i;
        callers[i].capsule = capsule;
        callers[i].reuse = reuse;
    }
    run_callers(callers, mix_outcomes);
    check_counts(capsule, callers);
    char total[16];
    snprintf(total, sizeof total, "%d", THREADS * ROUNDS + 1);
    assert_string_equal(invoke(capsule, "count", "total")->data, total);
    bh_capsule_release(capsule);
}

static void threads_share_two_pristine_instances_and_lose_nothing(void **state)
{
    (void)state;
    mix_on(BH_REUSE_PRISTINE);
}

static void threads_share_two_shared_instances_and_lose_nothing(void **state)
{
    (void)state;
    mix_on(BH_REUSE_SHARED);
}

/* ---- the end of a capsule ---- */

static void *call_and_release(void *arg)
{
    caller *by = arg;
    for (int round = 0; round < ROUNDS; round++)
        expect_data(by, "echo", "hello", "hello");
    bh_capsule_release(by->capsule);
    bh_result_deinit(&by->result);
    return NULL;
}

static void any_thread_may_release_the_capsule_last(void **state)
{
    (void)state;
    bh_capsule *capsule = load_mixed(BH_REUSE_SHARED);
    caller callers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        callers[i].capsule = bh_capsule_retain(capsule);
    bh_capsule_release(capsule);
    run_callers(callers, call_and_release);
    /* Closing the fixture destroys the runtime, which insists that all capsules are gone. */
}

/* Until the capsule is closed. */
static void *call_until_closed(void *arg)
{
    caller *by = arg;
    bh_status status;
    while ((status = call(by, "sleep", "100000", 0)) == BH_OK && by->failure[0] == 0) {
        if (by->result.outcome != BH_OUTCOME_RETURNED)
            fail_caller(by, "%s", bh_outcome_name(by->result.outcome));
        atomic_fetch_add(by->calls_count, 1);
    }
    if (status != BH_E_CLOSED)
        fail_caller(by, "ended with %s", bh_status_name(status));
    bh_result_deinit(&by->result);
    return NULL;
}

static void *close_after_some(void *arg)
{
    caller *by = arg;
    while (atomic_load(by->calls_count) < ROUNDS)
        sched_yield();
    bh_capsule_close(by->capsule);
    return NULL;
}

static void close_from_another_thread_lets_calls_finish_and_refuses_the_rest(void **state)
{
    (void)state;
    static const bh_reuse reuses[] = {BH_REUSE_SHARED, BH_REUSE_PRISTINE};
    for (int i = 0; i < 2; i++) {
        bh_capsule *capsule = load_mixed(reuses[i]);
        atomic_uint calls_count = 0;
        caller callers[THREADS] = {0}, closer = {.capsule = capsule, .calls_count = &calls_count};
        for (int j = 0; j < THREADS; j++) {
            callers[j].capsule = capsule;
            callers[j].calls_count = &calls_count;
        }
        assert_int_equal(pthread_create(&closer.thread, NULL, close_after_some, &closer), 0);
        run_callers(callers, call_until_closed);
        pthread_join(closer.thread, NULL);
        check_counts(capsule, callers);
        bh_capsule_stats stats;
        bh_capsule_read_stats(capsule, &stats);
        assert_int_equal(stats.live, 0);
        bh_capsule_release(capsule);
    }
}

/* ---- loading ---- */

static void *load_and_call(void *arg)
{
    static const char *const guests[THREADS] = {"counter_state", "spin", "mixed", "mixed"};
    caller *by = arg;
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, guests[by->number]);
    bh_error error;
    if (bh_capsule_load(fixture.runtime, path, NULL, &by->capsule, &error) != BH_OK) {
        fail_caller(by, "%s: %s", path, error.text);
        return NULL;
    }
    expect_data(by, by->number < 2 ? "x" : "echo", by->number < 2 ? "1" : "hello",
                by->number == 0   ? "1 1"
                : by->number == 1 ? "ok"
                                  : "hello");
    bh_capsule_release(by->capsule);
    bh_result_deinit(&by->result);
    return NULL;
}

static void capsules_load_side_by_side(void **state)
{
    (void)state;
    caller callers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        callers[i].number = i;
    run_callers(callers, load_and_call);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(threads_share_two_pristine_instances_and_lose_nothing),
        CASE(threads_share_two_shared_instances_and_lose_nothing),
        CASE(any_thread_may_release_the_capsule_last),
        CASE(close_from_another_thread_lets_calls_finish_and_refuses_the_rest),
        CASE(capsules_load_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
