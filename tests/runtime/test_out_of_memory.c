/* tests/runtime/test_out_of_memory.c - every allocation of the runtime, the pool and the workers
 * fails once: the call says so or goes on, nothing is lost, and the next one succeeds.
 *
 * The sources of those layers are compiled for this test with an allocator that fails on demand
 * (CMakeLists.txt). The engine's own allocations never fail: it aborts when they do. What a failure
 * leaks is found by the address sanitizer; what it leaves behind, by the runtime's own asserts.
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

#include "runtime/runtime.h"
#include "support/handlers.h"

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *memory, size_t size);

static atomic_int allocations_left = -1; /* until one fails, on any thread; negative: none does */

static bool may_allocate(void)
{
    int left = atomic_load(&allocations_left);
    while (left >= 0 && !atomic_compare_exchange_weak(&allocations_left, &left, left - 1)) {
    }
    return left != 0;
}

void *failing_malloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

void *failing_calloc(size_t count, size_t size)
{
    return may_allocate() ? calloc(count, size) : NULL;
}

void *failing_realloc(void *memory, size_t size)
{
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void expect_out_of_memory(bh_status status, const bh_error *error, int nth)
{
    if (status != BH_E_NOMEM)
        fail_msg("allocation %d: %s: %s", nth, bh_status_name(status), error->text);
    assert_int_equal(error->code, BH_E_NOMEM);
    assert_true(strlen(error->text) > 0);
}

static bh_status load(bh_runtime *runtime, const char *guest, bh_capsule **ret_capsule,
                      bh_error *reterr)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, guest);
    return bh_capsule_load(runtime, path, NULL, ret_capsule, reterr);
}

static bh_status invoke_once(bh_capsule *capsule, bh_result *ret_result, bh_error *reterr)
{
    bh_request request = {.action = "x", .payload = "", .principal = "alice"};
    return bh_invoke(capsule, &request, ret_result, reterr);
}

/* What failed before succeeds now. */
static void expect_recovery(bh_runtime *runtime, bh_capsule *capsule)
{
    bh_error error = {0};
    if (capsule == NULL && load(runtime, "counter_state", &capsule, &error) != BH_OK)
        fail_msg("load: %s", error.text);
    bh_result result = {0};
    if (invoke_once(capsule, &result, &error) != BH_OK)
        fail_msg("invoke: %s", error.text);
    assert_int_equal(result.outcome, BH_OUTCOME_RETURNED);
    bh_result_deinit(&result);
    bh_capsule_close(capsule);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.leased, 0);
    bh_capsule_release(capsule);
}

/* True when the allocation to fail was reached. */
static bool stop_failing(void)
{
    return atomic_exchange(&allocations_left, -1) < 0;
}

static bool use(bh_runtime *runtime, int nth)
{
    bh_capsule *capsule = NULL;
    bh_error error = {0};
    bh_status status = load(runtime, "counter_state", &capsule, &error);
    for (int i = 0; status == BH_OK && i < 3; i++) {
        bh_result result = {0};
        status = invoke_once(capsule, &result, &error);
        if (status == BH_OK)
            bh_result_deinit(&result);
    }
    bool is_reached = stop_failing();
    if (status != BH_OK)
        expect_out_of_memory(status, &error, nth);
    assert_true(is_reached || status == BH_OK);
    expect_recovery(runtime, capsule);
    return is_reached;
}

/* Create, load, invoke, close, destroy; false when there are no so many allocations. */
static bool live_a_life(int nth)
{
    bh_runtime *runtime = NULL;
    bh_error error = {0};
    bh_runtime_options options = {.live_max = 8};
    atomic_store(&allocations_left, nth);
    bh_status status = bh_runtime_create(&options, &runtime, &error);
    if (status != BH_OK) {
        assert_true(stop_failing());
        expect_out_of_memory(status, &error, nth);
        assert_null(runtime);
        return true;
    }
    use_engine_signals();
    bool is_reached = use(runtime, nth);
    while (atomic_load(&runtime->capsules_count) != 0)
        sched_yield(); /* the keeper may hold one until it has built ahead */
    bh_runtime_destroy(runtime);
    return is_reached;
}

static void every_allocation_fails_once_and_the_next_call_succeeds(void **state)
{
    int nth = 0;
    while (live_a_life(nth))
        nth++;
    assert_true(nth > 8);
    print_message("%d allocations\n", nth);
}

static bh_run_state run_state(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    return stats.run_state;
}

/* It runs again whatever the failure did: at once when start said so, else after a back-off; one
 * that was lost for good says so, and starts when it is told to. */
static void expect_running(bh_capsule *capsule)
{
    bh_error error;
    if (bh_capsule_start(capsule, &error) != BH_OK)
        fail_msg("start: %s", error.text);
    while (run_state(capsule) == BH_RUN_WAITING)
        sched_yield();
    if (run_state(capsule) == BH_RUN_FAILED && bh_capsule_start(capsule, &error) != BH_OK)
        fail_msg("start: %s", error.text);
    assert_int_equal(run_state(capsule), BH_RUN_STARTING);
}

/* Start, stop; false when there are no so many allocations. */
static bool run_a_loop(int nth)
{
    bh_runtime *runtime;
    bh_capsule *capsule;
    bh_error error;
    bh_runtime_options options = {.run = {.backoff_ms = 1}};
    assert_int_equal(bh_runtime_create(&options, &runtime, &error), BH_OK);
    use_engine_signals();
    assert_int_equal(load(runtime, "run_sleep", &capsule, &error), BH_OK);
    atomic_store(&allocations_left, nth);
    bh_status status = bh_capsule_start(capsule, &error);
    bool is_reached = stop_failing();
    if (status != BH_OK)
        expect_out_of_memory(status, &error, nth);
    assert_true(is_reached || status == BH_OK);
    expect_running(capsule);
    bh_capsule_release(capsule);
    while (atomic_load(&runtime->capsules_count) != 0)
        sched_yield();
    bh_runtime_destroy(runtime);
    return is_reached;
}

static void every_allocation_of_a_run_loop_fails_once_and_it_runs_all_the_same(void **state)
{
    int nth = 0;
    while (run_a_loop(nth))
        nth++;
    assert_true(nth > 4);
    print_message("%d allocations\n", nth);
}

static bh_status publish(runtime_fixture *fixture, bh_event_result *ret_result)
{
    bh_event event = {.topic = "t.x", .payload = "1", .payload_len = 1, .principal = "alice"};
    return bh_publish(fixture->runtime, &event, ret_result, NULL);
}

/* Replace a started guard, and publish; false when there are no so many allocations. Whatever
 * fails, the message is not let through: one of the two has the topic all the time. */
static bool guard(int nth)
{
    runtime_fixture fixture;
    bh_event_result result = {0};
    runtime_fixture_open(&fixture);
    use_engine_signals();
    bh_capsule *old =
        load_handler(&fixture, &(handler_spec){.name = "guard", .behaviour = "deny:x"});
    bh_capsule *new =
        load_handler(&fixture, &(handler_spec){.name = "guard", .behaviour = "deny:x"});
    bh_capsule *first = nth % 2 == 0 ? old : NULL; /* the lanes open at the first start */
    if (first != NULL)
        assert_int_equal(bh_capsule_start(first, NULL), BH_OK);
    atomic_store(&allocations_left, nth / 2);
    bh_status started = bh_capsule_start(new, NULL);
    bh_status status = publish(&fixture, &result);
    bool is_reached = stop_failing();
    assert_true(started == BH_OK || started == BH_E_NOMEM);
    assert_true(status == BH_OK || status == BH_E_NOMEM || status == BH_E_SATURATED);
    if (status == BH_OK && (started == BH_OK || first != NULL))
        assert_true(result.verdict == BH_VERDICT_DENIED || result.verdict == BH_VERDICT_FAILED);
    assert_int_equal(bh_capsule_start(new, NULL), BH_OK);
    assert_int_equal(publish(&fixture, &result), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_DENIED);
    bh_event_result_deinit(&result);
    bh_capsule_release(old);
    bh_capsule_release(new);
    while (atomic_load(&fixture.runtime->capsules_count) != 0)
        sched_yield();
    runtime_fixture_close(&fixture);
    return is_reached;
}

static void every_allocation_of_a_guard_fails_once_and_nothing_passes_it_D1(void **state)
{
    int nth = 0;
    while (guard(nth) | guard(nth + 1))
        nth += 2;
    assert_true(nth > 16);
    print_message("%d allocations\n", nth / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once_and_the_next_call_succeeds),
        cmocka_unit_test(every_allocation_of_a_run_loop_fails_once_and_it_runs_all_the_same),
        cmocka_unit_test(every_allocation_of_a_guard_fails_once_and_nothing_passes_it_D1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
