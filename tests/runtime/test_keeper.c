/* tests/runtime/test_keeper.c - the keeper of a real runtime: builds ahead, eviction, need, waking.
 *
 * What the keeper does comes from its own thread, so the tests wait for it by looking; they assert
 * what was done, never how long it took.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "os/memory.h"
#include "runtime/capsule.h"
#include "runtime/keeper.h"
#include "runtime/pooled.h"
#include "support/runtime_fixture.h"

static runtime_fixture fixture;

enum { LOOKS_MOST = 20000 }; /* of half a millisecond */

static bh_capsule_stats stats_of(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    return stats;
}

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

static void open_with(const bh_runtime_options *more)
{
    runtime_fixture_open_with(&fixture, more);
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule *load_as(const char *name, const char *guest, const char *manifest,
                           bh_capsule_options options)
{
    guest_setup setup = {.guest = guest, .name = name, .manifest = manifest, .options = options};
    return load_setup(&fixture, &setup);
}

/* ---- builds ahead ---- */

static void a_condemned_instance_is_replaced_before_the_next_caller_comes(void **state)
{
    open_with(NULL);
    bh_capsule *capsule =
        load_as("a", "bad_result_string", "[capsule]\nmin_idle = 0\n",
                (bh_capsule_options){.has_reuse = true, .reuse = BH_REUSE_SHARED});
    assert_int_equal(stats_of(capsule).live, 0); /* nothing is kept warm */
    assert_int_equal(invoke(capsule, "u", "")->outcome, BH_OUTCOME_TRAPPED);
    WAIT_FOR(stats_of(capsule).idle == 1);
    uint64_t builds = stats_of(capsule).builds;
    assert_int_equal(stats_of(capsule).builds_ahead, 1);
    assert_int_equal(invoke(capsule, "good", "")->outcome, BH_OUTCOME_RETURNED);
    assert_int_equal(stats_of(capsule).builds, builds); /* the caller built nothing */
    assert_int_equal(stats_of(capsule).condemned[BH_OUTCOME_TRAPPED], 1);
    bh_capsule_release(capsule);
}

static void a_build_ahead_in_flight_outlives_its_capsules_release(void **state)
{
    open_with(NULL);
    for (int i = 0; i < 200; i++) {
        bh_capsule *capsule = load_as("a", "counter_state", NULL, (bh_capsule_options){0});
        assert_int_equal(invoke(capsule, "x", "")->outcome, BH_OUTCOME_RETURNED);
        bh_capsule_release(capsule); /* pristine: a replacement is being built */
    }
    WAIT_FOR(atomic_load(&fixture.runtime->capsules_count) == 0);
}

/* ---- eviction ---- */

/* `count` instances idle: all leased at once, by guests that wait. */
static void make_idle(bh_capsule *capsule, uint32_t count)
{
    bhi_slot *slots[16];
    bhi_waiter waiter = {.principal = bhi_bytes_of("maker")};
    for (uint32_t i = 0; i < count; i++) {
        bhi_grant grant;
        assert_int_equal(
            bhi_pool_try_checkout(capsule->pool, &waiter, bhi_monotonic_ns(), &grant, NULL), BH_OK);
        slots[i] = grant.slot;
        if (grant.kind != BHI_GRANT_BUILD)
            continue;
        bhi_lease_context lease;
        bhi_pooled *pooled;
        bhi_capsule_fill_init_lease(capsule, &lease);
        assert_int_equal(bhi_pooled_begin_build(capsule, BHI_BUILD_LENT, &lease, &pooled, NULL),
                         BH_OK);
        while (bhi_instance_poll(pooled->instance) == BHI_POLL_YIELDED) {
        }
        bhi_instance_guest(pooled->instance)->lease = NULL;
        bhi_pool_built(capsule->pool, grant.slot, pooled, bhi_monotonic_ns());
    }
    for (uint32_t i = 0; i < count; i++)
        bhi_pool_return(capsule->pool, slots[i], BH_OUTCOME_RETURNED, false, bhi_monotonic_ns());
}

static const bh_capsule_options shared = {
    .live_max = 8, .has_reuse = true, .reuse = BH_REUSE_SHARED};

static void what_stays_idle_for_a_period_is_evicted_down_to_min_idle(void **state)
{
    bh_runtime_options options = {.evict_ms = 20};
    open_with(&options);
    bh_capsule *capsule = load_as("a", "counter_state", "[capsule]\nmin_idle = 2\n", shared);
    make_idle(capsule, 5);
    WAIT_FOR(stats_of(capsule).evicted_idle == 3);
    assert_int_equal(stats_of(capsule).idle, 2);
    assert_int_equal(stats_of(capsule).evicted_by_need, 0);
    bh_capsule_release(capsule);
}

static void warm_instances_that_are_gone_are_built_again_by_the_timer(void **state)
{
    bh_runtime_options options = {.evict_ms = 20};
    open_with(&options);
    bh_capsule *capsule = load_as("a", "counter_state", "[capsule]\nmin_idle = 2\n", shared);
    assert_true(bhi_pool_evict_one(capsule->pool, bhi_monotonic_ns()));
    assert_true(bhi_pool_evict_one(capsule->pool, bhi_monotonic_ns()));
    WAIT_FOR(stats_of(capsule).idle == 2);
    bh_capsule_release(capsule);
}

/* ---- need ---- */

static void a_capsule_gets_the_permit_that_the_least_recently_used_one_holds_idle(void **state)
{
    bh_runtime_options options = {.live_max = 4};
    open_with(&options);
    const char *none = "[capsule]\nmin_idle = 0\n";
    bh_capsule *old = load_as("old", "counter_state", none, shared);
    bh_capsule *recent = load_as("recent", "counter_state", none, shared);
    bh_capsule *late = load_as("late", "counter_state", none, shared);
    make_idle(old, 2);
    make_idle(recent, 2);
    assert_int_equal(invoke(late, "x", "")->outcome, BH_OUTCOME_RETURNED);
    assert_int_equal(stats_of(old).evicted_by_need, 1);
    assert_int_equal(stats_of(recent).evicted_by_need, 0);
    assert_int_equal(stats_of(old).live + stats_of(recent).live + stats_of(late).live, 4);
    bh_capsule_release(old);
    bh_capsule_release(recent);
    bh_capsule_release(late);
}

static void a_caller_that_gets_no_permit_is_told_what_it_waited_for(void **state)
{
    bh_runtime_options options = {.live_max = 1};
    open_with(&options);
    const char *none = "[capsule]\nmin_idle = 0\n";
    bh_capsule *holder = load_as("holder", "counter_state", none, shared);
    bh_capsule *waits = load_as("waits", "counter_state", none, shared);
    bhi_waiter waiter = {.principal = bhi_bytes_of("maker")};
    bhi_grant grant;
    assert_int_equal(bhi_pool_try_checkout(holder->pool, &waiter, bhi_monotonic_ns(), &grant, NULL),
                     BH_OK);
    bh_request request = {.action = "x", .timeout_ms = 50};
    bh_result result = {0};
    bh_error error;
    assert_int_equal(bh_invoke(waits, &request, &result, &error), BH_E_DEADLINE);
    assert_non_null(strstr(error.text, "the ceiling over all pools was reached"));
    request.no_wait = true;
    assert_int_equal(bh_invoke(waits, &request, &result, &error), BH_E_SATURATED);
    bhi_pool_decline(holder->pool, grant.slot, bhi_monotonic_ns());
    assert_int_equal(invoke(waits, "x", "")->outcome, BH_OUTCOME_RETURNED);
    bh_result_deinit(&result);
    bh_capsule_release(holder);
    bh_capsule_release(waits);
}

static void write_meminfo(const char *path, uint64_t available_kb)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "MemTotal:       1000000 kB\nMemFree: 1 kB\nMemAvailable:   %llu kB\n",
            (unsigned long long)available_kb);
    assert_int_equal(fclose(file), 0);
}

static void short_memory_evicts_the_least_recently_used_first_below_min_idle(void **state)
{
    open_with(NULL);
    char meminfo[128];
    snprintf(meminfo, sizeof meminfo, "%s/meminfo", fixture.directory);
    write_meminfo(meminfo, 900000);
    bhi_keeper *keeper;
    bhi_keeper_options options = {.evict_ms = 50, .meminfo_path = meminfo};
    assert_int_equal(bhi_keeper_create(&options, &keeper, NULL), BH_OK);
    bh_capsule *old = load_as("old", "counter_state", "[capsule]\nmin_idle = 3\n", shared);
    bh_capsule *recent = load_as("recent", "counter_state", "[capsule]\nmin_idle = 3\n", shared);
    assert_int_equal(invoke(recent, "x", "")->outcome, BH_OUTCOME_RETURNED);
    bhi_keeper_remove(fixture.runtime->keeper, old);
    bhi_keeper_remove(fixture.runtime->keeper, recent);
    bhi_keeper_add(keeper, recent);
    bhi_keeper_add(keeper, old);
    write_meminfo(meminfo, 10000); /* 1 % */
    WAIT_FOR(stats_of(old).evicted_by_need != 0);
    assert_true(stats_of(recent).evicted_by_need == 0 || stats_of(old).idle == 0);
    WAIT_FOR(stats_of(old).idle + stats_of(recent).idle == 0); /* as long as it is short */
    write_meminfo(meminfo, 900000);
    WAIT_FOR(stats_of(old).idle == 3 && stats_of(recent).idle == 3); /* min_idle counts again */
    assert_int_equal(invoke(old, "x", "")->outcome, BH_OUTCOME_RETURNED);
    bhi_keeper_remove(keeper, old);
    bhi_keeper_remove(keeper, recent);
    bhi_keeper_destroy(keeper);
    bh_capsule_release(old);
    bh_capsule_release(recent);
}

/* A byte out of band polls as pressure does. */
static void what_the_kernel_tells_evicts_once_and_then_memory_is_looked_at(void **state)
{
    open_with(NULL);
    char meminfo[128];
    snprintf(meminfo, sizeof meminfo, "%s/meminfo", fixture.directory);
    write_meminfo(meminfo, 900000);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    bhi_keeper *keeper;
    bhi_keeper_options options = {
        .evict_ms = 50, .meminfo_path = meminfo, .take_pressure_fd = ends[0]};
    assert_int_equal(bhi_keeper_create(&options, &keeper, NULL), BH_OK);
    bh_capsule *capsule = load_as("a", "counter_state", "[capsule]\nmin_idle = 4\n", shared);
    bhi_keeper_remove(fixture.runtime->keeper, capsule);
    bhi_keeper_add(keeper, capsule);
    assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
    WAIT_FOR(stats_of(capsule).evicted_by_need != 0);
    char byte;
    assert_int_equal(recv(ends[0], &byte, 1, MSG_OOB), 1); /* the pressure is over */
    WAIT_FOR(stats_of(capsule).idle == 4);                 /* and min_idle counts again */
    assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
    uint64_t evicted = stats_of(capsule).evicted_by_need;
    WAIT_FOR(stats_of(capsule).evicted_by_need > evicted); /* it still listens */
    assert_int_equal(recv(ends[0], &byte, 1, MSG_OOB), 1);
    close(ends[1]);
    bhi_keeper_remove(keeper, capsule);
    bhi_keeper_destroy(keeper); /* closes the other end */
    bh_capsule_release(capsule);
}

static void above_the_ceiling_of_resident_bytes_no_instance_is_built(void **state)
{
    bh_runtime_options options = {.resident_bytes_max = 1}; /* always above */
    open_with(&options);
    bh_capsule *capsule = load_as("a", "counter_state", "[capsule]\nmin_idle = 0\n", shared);
    WAIT_FOR(atomic_load(&bhi_keeper_ceiling(fixture.runtime->keeper)->is_memory_out));
    bh_request request = {.action = "x", .timeout_ms = 50};
    bh_result result = {0};
    bh_error error;
    assert_int_equal(bh_invoke(capsule, &request, &result, &error), BH_E_DEADLINE);
    assert_non_null(strstr(error.text, "resident memory is above its ceiling"));
    assert_int_equal(stats_of(capsule).live, 0);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
}

static void the_kernel_says_how_much_memory_there_is(void **state)
{
    bhi_memory_room room;
    bh_error error;
    assert_int_equal(bhi_memory_read_room(NULL, &room, &error), BH_OK);
    assert_true(room.available_bytes > 0 && room.available_bytes <= room.total_bytes);
    assert_true(bhi_memory_resident_bytes() > 1 << 20);
    assert_int_equal(bhi_memory_read_room("/nonexistent", &room, &error), BH_E_IO);
    assert_int_equal(bhi_memory_read_room("/proc/self/statm", &room, &error), BH_E_CORRUPT);
}

static int no_fixture(void **state)
{
    (void)state;
    return 0;
}

/* ---- waking ---- */

static void builds_that_were_held_back_go_on_when_their_time_comes(void **state)
{
    open_with(NULL);
    bh_capsule *capsule = load_as("a", "counter_state", "[capsule]\nmin_idle = 0\n", shared);
    bhi_waiter waiter = {.principal = bhi_bytes_of("maker")};
    bh_error cause = {.code = BH_E_BUILD, .text = "as if"};
    for (int i = 0; i < 2; i++) { /* the second failure begins a back-off */
        bhi_grant grant;
        assert_int_equal(
            bhi_pool_try_checkout(capsule->pool, &waiter, bhi_monotonic_ns(), &grant, NULL), BH_OK);
        bhi_pool_build_failed(capsule->pool, grant.slot, bhi_monotonic_ns(), &cause);
    }
    assert_int_equal(invoke(capsule, "x", "")->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_release(capsule);
}

static void condemned_too_fast_a_capsule_refuses_and_says_when_to_ask_again(void **state)
{
    open_with(NULL);
    bh_capsule_options options = {
        .live_max = 8, .has_reuse = true, .reuse = BH_REUSE_SHARED, .breaker_condemned_max = 3};
    bh_capsule *capsule = load_as("a", "bad_result_string", "[capsule]\nmin_idle = 0\n", options);
    bh_request request = {.action = "u"};
    bh_result result = {0};
    bh_error error;
    bh_status status = BH_OK;
    int traps = 0;
    use_engine_signals();
    while ((status = bh_invoke(capsule, &request, &result, &error)) == BH_OK) {
        assert_int_equal(result.outcome, BH_OUTCOME_TRAPPED);
        assert_true(++traps < 8);
    }
    assert_int_equal(status, BH_E_BREAKER);
    assert_true(error.retry_after_ms > 0 && error.retry_after_ms <= 1000);
    assert_true(stats_of(capsule).is_breaker_open);
    assert_int_equal(stats_of(capsule).refusals[BH_E_BREAKER], 1);
    request.action = "good"; /* its time comes, one is tried, and all is well again */
    WAIT_FOR(bh_invoke(capsule, &request, &result, &error) == BH_OK &&
             !stats_of(capsule).is_breaker_open);
    assert_int_equal(result.outcome, BH_OUTCOME_RETURNED);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
}

/* ---- kept state ---- */

static const char *count_as(bh_capsule *capsule, const char *principal)
{
    bh_request request = {.action = "x", .principal = principal};
    return invoke_with(capsule, &request)->data;
}

static void the_reuse_principal_keeps_state_for_one_and_begins_anew_for_another_P4(void **state)
{
    open_with(NULL);
    bh_capsule_options options = {.live_max = 1, .has_reuse = true, .reuse = BH_REUSE_PRINCIPAL};
    bh_capsule *capsule = load_as("a", "counter_state", NULL, options);
    assert_string_equal(count_as(capsule, "alice"), "1 1");
    assert_string_equal(count_as(capsule, "alice"), "2 2");
    assert_string_equal(count_as(capsule, "bob"), "1 1");
    assert_string_equal(count_as(capsule, "bob"), "2 2");
    assert_string_equal(count_as(capsule, "alice"), "1 1");
    bh_capsule_release(capsule);
}

static void a_capsule_with_host_processes_has_one_instance_that_is_never_two_P1_P4(void **state)
{
    open_with(NULL);
    bh_capsule_options options = {.live_max = 8};
    bh_capsule *capsule =
        load_as("a", "counter_state", "[capabilities]\nhost_process = [\"ls\"]\n", options);
    assert_int_equal(stats_of(capsule).live_max, 1);
    assert_int_equal(stats_of(capsule).idle, 1);
    assert_string_equal(count_as(capsule, "alice"), "1 1");
    assert_string_equal(count_as(capsule, "alice"), "2 2");
    assert_string_equal(count_as(capsule, "bob"), "1 1");
    assert_int_equal(stats_of(capsule).live, 1);
    assert_int_equal(stats_of(capsule).evicted_idle, 0);
    bh_capsule_release(capsule);
}

#define CASE(name) cmocka_unit_test_teardown(name, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_condemned_instance_is_replaced_before_the_next_caller_comes),
        CASE(a_build_ahead_in_flight_outlives_its_capsules_release),
        CASE(what_stays_idle_for_a_period_is_evicted_down_to_min_idle),
        CASE(warm_instances_that_are_gone_are_built_again_by_the_timer),
        CASE(a_capsule_gets_the_permit_that_the_least_recently_used_one_holds_idle),
        CASE(a_caller_that_gets_no_permit_is_told_what_it_waited_for),
        CASE(short_memory_evicts_the_least_recently_used_first_below_min_idle),
        CASE(what_the_kernel_tells_evicts_once_and_then_memory_is_looked_at),
        CASE(above_the_ceiling_of_resident_bytes_no_instance_is_built),
        cmocka_unit_test_teardown(the_kernel_says_how_much_memory_there_is, no_fixture),
        CASE(builds_that_were_held_back_go_on_when_their_time_comes),
        CASE(condemned_too_fast_a_capsule_refuses_and_says_when_to_ask_again),
        CASE(the_reuse_principal_keeps_state_for_one_and_begins_anew_for_another_P4),
        CASE(a_capsule_with_host_processes_has_one_instance_that_is_never_two_P1_P4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
