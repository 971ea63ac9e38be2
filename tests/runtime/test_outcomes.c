/* Every way a guest can misbehave, through the public interface: the outcome is the right one, its
 * message says why, and the next invocation of the same capsule succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/runtime_fixture.h"

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

typedef struct fault_case {
    const char *guest;
    const char *action;
    const char *payload;
    bh_outcome outcome;
    const char *message;     /* part of it; NULL: any */
    const char *good_action; /* a call of the same guest that returns; NULL: it has none */
    const char *good_payload;
} fault_case;

#define SMALL_TIMEOUT_MS 60

static const fault_case faults[] = {
    {"trap", "x", "", BH_OUTCOME_TRAPPED, "unreachable", NULL, NULL},
    {"trap_kinds", "d", "", BH_OUTCOME_TRAPPED, "divide by zero", NULL, NULL},
    {"trap_kinds", "l", "", BH_OUTCOME_TRAPPED, "out of bounds memory access", NULL, NULL},
    {"trap_kinds", "n", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"trap_kinds", "w", "", BH_OUTCOME_TRAPPED, "indirect call type mismatch", NULL, NULL},
    {"recurse", "x", "", BH_OUTCOME_TRAPPED, "call stack exhausted", NULL, NULL},
    {"loop", "x", "", BH_OUTCOME_DEADLINE, "deadline", NULL, NULL},
    {"spin", "x", "4000000000", BH_OUTCOME_DEADLINE, "deadline", "x", "10"},
    {"sleep", "x", "50000000000", BH_OUTCOME_DEADLINE, "deadline", "x", "1000"},
    {"sleep_forever", "x", "", BH_OUTCOME_DEADLINE, "deadline", NULL, NULL},
    {"realloc_loop", "x", "", BH_OUTCOME_DEADLINE, "deadline", NULL, NULL},
    {"post_return_loop", "x", "", BH_OUTCOME_DEADLINE, "deadline", NULL, NULL},
    {"straight_calls", "x", "", BH_OUTCOME_DEADLINE, "deadline", NULL, NULL},
    {"mangled_name", "x", "", BH_OUTCOME_TRAPPED, "unreachable", NULL, NULL},
    {"grow", "x", "", BH_OUTCOME_MEMORY_LIMIT, NULL, NULL, NULL},
    {"grow_table", "x", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"bad_result_pointer", "x", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"bad_result_pointer", "m", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"bad_result_pointer", "e", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"bad_result_string", "u", "", BH_OUTCOME_TRAPPED, "UTF-8", "good", ""},
    {"bad_result_string", "a", "", BH_OUTCOME_TRAPPED, "UTF-8", "good", ""},
    {"bad_result_string", "r", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_result_string", "l", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_result_string", "w", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_result_string", "d", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "k", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "l", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "w", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "u", "", BH_OUTCOME_TRAPPED, "UTF-8", "good", ""},
    {"bad_kv_pointers", "v", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "r", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"bad_kv_pointers", "m", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"realloc_trap", "x", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"realloc_hostile", "h", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"realloc_hostile", "e", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"realloc_hostile", "m", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"realloc_hostile", "t", "", BH_OUTCOME_TRAPPED, NULL, "good", ""},
    {"realloc_hostile", "l", "", BH_OUTCOME_DEADLINE, "deadline", "good", ""},
    {"realloc_hostile_args", "x", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"realloc_calls_import", "l", "", BH_OUTCOME_TRAPPED, "astrid:sys/host@1.0.0#log", "good", ""},
    {"realloc_calls_import", "s", "", BH_OUTCOME_TRAPPED, "sleep-ns", "good", ""},
    {"realloc_calls_import_args", "x", "", BH_OUTCOME_TRAPPED, "sleep-ns", NULL, NULL},
    {"post_return_calls_import", "x", "", BH_OUTCOME_TRAPPED, "log", NULL, NULL},
    {"post_return_trap", "x", "", BH_OUTCOME_TRAPPED, NULL, NULL, NULL},
    {"not_yet_provided", "x", "", BH_OUTCOME_TRAPPED,
     "astrid:uplink/host@1.0.0#uplink-register is not provided", NULL, NULL},
};

static const bh_result *run(bh_capsule *capsule, const char *action, const char *payload)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = "alice",
                          .timeout_ms = SMALL_TIMEOUT_MS};
    return invoke_with(capsule, &request);
}

static void check_fault(const fault_case *fault, bh_reuse reuse)
{
    bh_capsule *capsule = load_guest(&fixture, fault->guest, reuse);
    const bh_result *result = run(capsule, fault->action, fault->payload);
    if (result->outcome != fault->outcome)
        fail_msg("%s %s: %s (%s), expected %s", fault->guest, fault->action,
                 bh_outcome_name(result->outcome), result->message,
                 bh_outcome_name(fault->outcome));
    if (fault->message != NULL && strstr(result->message, fault->message) == NULL)
        fail_msg("%s %s: message \"%s\" lacks \"%s\"", fault->guest, fault->action, result->message,
                 fault->message);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.leased, 0);
    assert_int_equal(stats.outcomes[fault->outcome], 1);
    if (fault->good_action != NULL) {
        result = invoke(capsule, fault->good_action, fault->good_payload);
        if (result->outcome != BH_OUTCOME_RETURNED)
            fail_msg("%s after the fault: %s", fault->guest, result->message);
    }
    bh_capsule_release(capsule);
}

static void a_fault_of_a_guest_has_its_outcome_and_the_next_call_succeeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        /* Post-return runs only when the instance is kept. */
        check_fault(&faults[i], BH_REUSE_SHARED);
    }
    bh_capsule *echo = load_example(&fixture, "echo");
    assert_string_equal(invoke(echo, "x", "still here")->data, "still here");
    bh_capsule_release(echo);
}

static void the_same_faults_end_alike_when_the_instance_is_not_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (strncmp(faults[i].guest, "post_return", 11) != 0)
            check_fault(&faults[i], BH_REUSE_NEVER);
    }
}

static void post_return_is_skipped_when_the_instance_is_destroyed(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "post_return_trap", BH_REUSE_NEVER);
    assert_int_equal(invoke(capsule, "x", "")->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_release(capsule);
}

static void a_trap_names_the_functions_it_passed_through(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "trap", BH_REUSE_NEVER);
    const bh_result *result = invoke(capsule, "x", "");
    const char *inner = strstr(result->backtrace, "inner_fault");
    const char *outer = strstr(result->backtrace, "outer_work");
    assert_non_null(inner);
    assert_non_null(outer);
    assert_true(inner < outer);
    bh_capsule_release(capsule);
}

/* A host call's result runs realloc on top of the guest's own stack, wherever that is. */
static void no_depth_of_the_guest_overflows_the_fiber(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "deep_realloc", BH_REUSE_NEVER);
    for (int depth = 0; depth < 40000; depth += 500) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", depth);
        const bh_result *result = invoke(capsule, "x", payload);
        assert_int_equal(result->outcome, BH_OUTCOME_TRAPPED);
        assert_non_null(strstr(result->message, "call stack exhausted"));
    }
    bh_capsule_release(capsule);
}

static void fuel_bounds_a_call_and_is_charged_exactly(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "spin", BH_REUSE_NEVER);
    bh_request request = {.action = "x", .payload = "1000", .payload_len = 4, .fuel_max = 100000};
    uint64_t fuel_used = invoke_with(capsule, &request)->fuel_used;
    assert_int_equal(invoke_with(capsule, &request)->fuel_used, fuel_used);
    request.fuel_max = fuel_used;
    assert_int_equal(invoke_with(capsule, &request)->outcome, BH_OUTCOME_RETURNED);
    request.fuel_max = fuel_used / 2;
    const bh_result *result = invoke_with(capsule, &request);
    assert_int_equal(result->outcome, BH_OUTCOME_OUT_OF_FUEL);
    assert_true(result->fuel_used >= request.fuel_max);
    request.fuel_max = 0;
    assert_int_equal(invoke_with(capsule, &request)->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_release(capsule);
}

static void memory_growth_beyond_the_limit_is_refused_to_the_guest(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "grow_politely", BH_REUSE_NEVER);
    bh_request request = {.action = "x", .memory_bytes_max = 8 << 20};
    const bh_result *result = invoke_with(capsule, &request);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_release(capsule);
}

static void an_instance_larger_than_the_request_allows_is_not_entered(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "straight_calls", BH_REUSE_SHARED); /* 62.5 MiB */
    bh_request request = {.action = "x", .memory_bytes_max = 1 << 20};
    bh_result result = {0};
    bh_error error;
    assert_int_equal(bh_invoke(capsule, &request, &result, &error), BH_E_LIMIT);
    assert_non_null(strstr(error.text, "1048576"));
    bh_result_deinit(&result);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.condemned[BH_OUTCOME_REFUSED], 0);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.idle, 1);
    bh_capsule_release(capsule);
}

static void a_refused_call_leaves_nothing_of_an_earlier_answer(void **state)
{
    (void)state;
    bh_capsule *capsule = load_example(&fixture, "echo");
    bh_result result = {0};
    bh_error error;
    bh_request good = {.action = "x", .payload = "secret", .payload_len = 6};
    bh_request bad = {.action = "x", .principal = "not allowed"};
    use_engine_signals();
    assert_int_equal(bh_invoke(capsule, &good, &result, &error), BH_OK);
    assert_string_equal(result.data, "secret");
    assert_int_equal(bh_invoke(capsule, &bad, &result, &error), BH_E_ARG);
    assert_int_equal(result.outcome, BH_OUTCOME_REFUSED);
    assert_string_equal(result.data, "");
    assert_string_equal(result.action, "");
    assert_int_equal(result.data_len, 0);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
}

static void state_is_kept_for_all_only_by_shared(void **state)
{
    (void)state;
    bh_capsule *shared = load_guest(&fixture, "counter_state", BH_REUSE_SHARED);
    assert_string_equal(invoke(shared, "x", "")->data, "1 1");
    assert_string_equal(invoke(shared, "x", "")->data, "2 2");
    bh_capsule_release(shared);
    static const bh_reuse others[] = {BH_REUSE_PRISTINE, BH_REUSE_NEVER};
    for (int i = 0; i < 2; i++) {
        bh_capsule *capsule = load_guest(&fixture, "counter_state", others[i]);
        assert_string_equal(invoke(capsule, "x", "")->data, "1 1");
        assert_string_equal(invoke(capsule, "x", "")->data, "1 1");
        bh_capsule_release(capsule);
    }
}

static void a_condemned_instance_is_never_lent_again(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "bad_result_string", BH_REUSE_SHARED);
    assert_int_equal(invoke(capsule, "u", "")->outcome, BH_OUTCOME_TRAPPED);
    assert_int_equal(invoke(capsule, "good", "")->outcome, BH_OUTCOME_RETURNED);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.condemned[BH_OUTCOME_TRAPPED], 1);
    assert_true(stats.builds >= 2); /* one more when both the caller and the keeper built anew */
    bh_capsule_release(capsule);
}

static void results_of_every_size_arrive_whole(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "big_result", BH_REUSE_SHARED);
    static const char *const sizes[] = {"0", "1", "4096", "65537", "1000000"};
    for (int i = 0; i < 5; i++) {
        const bh_result *result = invoke(capsule, "x", sizes[i]);
        assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
        assert_int_equal(result->data_len, strtoul(sizes[i], NULL, 10));
        for (size_t at = 0; at < result->data_len; at++)
            assert_int_equal(result->data[at], 'x');
        assert_int_equal(result->data[result->data_len], 0);
    }
    bh_capsule_release(capsule);
}

static void install_and_upgrade_run_their_entry_points(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "lifecycle", BH_REUSE_NEVER);
    bh_request request = {.entry = BH_ENTRY_INSTALL};
    assert_int_equal(invoke_with(capsule, &request)->outcome, BH_OUTCOME_RETURNED);
    assert_string_equal(fixture.last_log.text, "installed");
    assert_string_equal(fixture.last_log.principal, "default");
    request.entry = BH_ENTRY_UPGRADE;
    assert_int_equal(invoke_with(capsule, &request)->outcome, BH_OUTCOME_TRAPPED);
    bh_capsule_release(capsule);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_fault_of_a_guest_has_its_outcome_and_the_next_call_succeeds),
        CASE(the_same_faults_end_alike_when_the_instance_is_not_kept),
        CASE(post_return_is_skipped_when_the_instance_is_destroyed),
        CASE(a_trap_names_the_functions_it_passed_through),
        CASE(no_depth_of_the_guest_overflows_the_fiber),
        CASE(fuel_bounds_a_call_and_is_charged_exactly),
        CASE(memory_growth_beyond_the_limit_is_refused_to_the_guest),
        CASE(an_instance_larger_than_the_request_allows_is_not_entered),
        CASE(a_refused_call_leaves_nothing_of_an_earlier_answer),
        CASE(state_is_kept_for_all_only_by_shared),
        CASE(a_condemned_instance_is_never_lent_again),
        CASE(results_of_every_size_arrive_whole),
        CASE(install_and_upgrade_run_their_entry_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
