/* The ten functions of astrid:sys/host, called by a guest through the SDK on the real host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "runtime/capsule.h"
#include "runtime/invocation.h"
#include "support/runtime_fixture.h"

enum { LOG_BYTES_MAX = 16 * 1024, LINES_KEPT = 4 };

typedef struct logged_line {
    bh_log_level level;
    char capsule[65], principal[65];
    char text[4 * LOG_BYTES_MAX + 1];
} logged_line;

static runtime_fixture fixture;
static logged_line lines[LINES_KEPT]; /* the latest, line n at n % LINES_KEPT */
static unsigned lines_count;

static void keep_line_cb(void *arg, bh_log_level level, const char *capsule, const char *principal,
                         const char *text)
{
    (void)arg;
    logged_line *line = &lines[lines_count++ % LINES_KEPT];
    line->level = level;
    snprintf(line->capsule, sizeof line->capsule, "%s", capsule);
    snprintf(line->principal, sizeof line->principal, "%s", principal);
    snprintf(line->text, sizeof line->text, "%s", text);
}

/* The line that is `back` before the latest one. */
static const logged_line *line_back(unsigned back)
{
    assert_true(lines_count > back && back < LINES_KEPT);
    return &lines[(lines_count - 1 - back) % LINES_KEPT];
}

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    fixture.runtime->guest_log_cb = keep_line_cb;
    lines_count = 0;
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule *load_probe(const char *manifest)
{
    guest_setup setup = {.guest = "probe",
                         .name = "probe",
                         .manifest = manifest,
                         .options = {.has_reuse = true, .reuse = BH_REUSE_SHARED}};
    return load_setup(&fixture, &setup);
}

static const bh_result *call(bh_capsule *capsule, const char *action, const char *payload)
{
    const bh_result *result = invoke(capsule, action, payload);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s %s: %s", action, payload, result->message);
    return result;
}

static void expect(bh_capsule *capsule, const char *action, const char *payload, const char *answer)
{
    const bh_result *result = call(capsule, action, payload);
    assert_string_equal(result->action, "continue");
    assert_true(result->has_data);
    assert_string_equal(result->data, answer);
}

static void expect_none(bh_capsule *capsule, const char *action, const char *payload)
{
    const bh_result *result = call(capsule, action, payload);
    assert_string_equal(result->action, "continue");
    assert_false(result->has_data);
}

static void expect_denied(bh_capsule *capsule, const char *action, const char *payload,
                          const char *reason)
{
    const bh_result *result = call(capsule, action, payload);
    assert_string_equal(result->action, "deny");
    assert_string_equal(result->data, reason);
}

/* Of the SDK: more than its block holds, again and again. */
static void scratch_memory_goes_on_behind_its_block(void **state)
{
    static const char *const counts[] = {"10", "60", "1000", "1", "1000"};
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect(capsule, "scratch", counts[i], "ok");
    bh_capsule_release(capsule);
}

/* ---- configuration, caller, capabilities ---- */

static void get_config_answers_declared_values_and_none_for_the_rest(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe("[env]\n"
                                     "text = { type = \"string\", default = \"a = b\" }\n"
                                     "number = { type = \"number\", default = 42 }\n"
                                     "empty = { type = \"string\", default = \"\" }\n"
                                     "unset = { type = \"string\", description = \"no value\" }\n");
    expect(capsule, "config", "text", "a = b");
    expect(capsule, "config", "number", "42");
    expect(capsule, "config", "empty", "");
    expect_none(capsule, "config", "unset");
    expect_none(capsule, "config", "undeclared");
    expect_none(capsule, "config", "");
    expect_none(capsule, "config", "tex");
    expect_none(capsule, "config", "text2");
    bh_capsule_release(capsule);
}

static void get_config_prefers_the_operators_value(void **state)
{
    (void)state;
    setenv("BULKHEAD_CONFIG_PROBE__TEXT", "from the operator", 1);
    bh_capsule *capsule = load_probe("[env]\ntext = { type = \"string\", default = \"x\" }\n");
    unsetenv("BULKHEAD_CONFIG_PROBE__TEXT");
    expect(capsule, "config", "text", "from the operator"); /* fixed at load */
    bh_capsule_release(capsule);
}

static uint64_t parse_rfc3339_ms(const char *text)
{
    struct tm utc = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    assert_non_null(rest);
    unsigned ms;
    char zone;
    int end = 0;
    assert_int_equal(sscanf(rest, ".%3u%c%n", &ms, &zone, &end), 2);
    assert_int_equal(zone, 'Z');
    assert_int_equal(rest[end], 0);
    return (uint64_t)timegm(&utc) * 1000 + ms;
}

static void get_caller_tells_the_principal_and_when_it_called(void **state)
{
    (void)state;
    enum { SLACK_MS = 1000 }; /* somebody may set the clock a little */
    bh_capsule *capsule = load_probe(NULL);
    uint64_t before_ms = bhi_clock_read(CLOCK_REALTIME) / BHI_NS_PER_MS;
    const bh_result *result = call(capsule, "caller", "");
    uint64_t after_ms = bhi_clock_read(CLOCK_REALTIME) / BHI_NS_PER_MS;
    assert_memory_equal(result->data, "alice||", 7);
    uint64_t called_ms = parse_rfc3339_ms(result->data + 7);
    assert_in_range(called_ms, before_ms - SLACK_MS, after_ms + SLACK_MS);
    bh_request request = {.action = "caller", .principal = "bob"};
    assert_memory_equal(invoke_with(capsule, &request)->data, "bob||", 5);
    request.principal = NULL;
    assert_memory_equal(invoke_with(capsule, &request)->data, "default||", 9);
    bh_capsule_release(capsule);
}

static void capabilities_are_the_held_ones_of_the_manifest_sorted(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe("[capabilities]\nuplink = true\nnet = [\"a\"]\nkv = []\n"
                                     "allow_persistent = false\nfs_read = [\"home://\"]\n");
    expect(capsule, "capabilities", "", "fs_read\nnet\nuplink\n");
    bh_capsule_release(capsule);
    capsule = load_probe(NULL);
    expect(capsule, "capabilities", "", "");
    bh_capsule_release(capsule);
}

static void a_source_that_nobody_knows_holds_no_capability(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe("[capabilities]\nuplink = true\n");
    expect(capsule, "capability", "uplink", "false");
    expect(capsule, "capability", "no such capability", "false");
    expect(capsule, "capability", "", "false");
    bh_capsule_release(capsule);
}

static void signal_ready_changes_nothing_for_a_pooled_capsule(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    expect_none(capsule, "ready", "");
    expect_none(capsule, "ready", "");
    bh_capsule_release(capsule);
}

/* ---- log ---- */

static void log_raw(bh_capsule *capsule, const char *level, const void *text, size_t len)
{
    bh_request request = {
        .action = level, .payload = text, .payload_len = len, .principal = "alice"};
    const bh_result *result = invoke_with(capsule, &request);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("log: %s", result->message);
}

static void a_line_carries_its_level_capsule_and_principal(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "raw_log", .name = "scribe"};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    static const char *const levels[] = {"0", "1", "2", "3", "4"};
    for (int level = 0; level < 5; level++) {
        log_raw(capsule, levels[level], "hello", 5);
        assert_int_equal(line_back(0)->level, level);
        assert_string_equal(line_back(0)->capsule, "scribe");
        assert_string_equal(line_back(0)->principal, "alice");
        assert_string_equal(line_back(0)->text, "hello");
    }
    assert_int_equal(lines_count, 5);
    bh_capsule_release(capsule);
}

static void a_level_or_text_that_is_none_traps_and_logs_nothing(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "raw_log", BH_REUSE_NEVER);
    assert_int_equal(invoke(capsule, "5", "x")->outcome, BH_OUTCOME_TRAPPED);
    assert_int_equal(invoke(capsule, "/", "x")->outcome, BH_OUTCOME_TRAPPED); /* level 2^32 - 1 */
    assert_int_equal(invoke(capsule, "2", "\xff")->outcome, BH_OUTCOME_TRAPPED);
    assert_int_equal(lines_count, 0);
    bh_capsule_release(capsule);
}

typedef struct escape_case {
    const char *text;
    size_t len;
    const char *line;
} escape_case;

#define ESCAPED(text, line) {text, sizeof(text) - 1, line}

static void no_text_can_forge_a_line_or_steer_a_terminal(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        ESCAPED("", ""),
        ESCAPED("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2", "plain \xc3\xa9 \xe2\x82\xac "
                                                                "\xf0\x9f\x9a\xa2"),
        ESCAPED("one\ntwo\r\nthree", "one\\ntwo\\x0d\\nthree"),
        ESCAPED("tab\there", "tab\\there"),
        ESCAPED("nul\0here", "nul\\x00here"),
        ESCAPED("\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"),
        ESCAPED("\x0b\x0c\x1c\x1f", "\\x0b\\x0c\\x1c\\x1f"),
        /* C1: NEL breaks lines, CSI begins control sequences. */
        ESCAPED("\xc2\x80\xc2\x85\xc2\x9b\x32J\xc2\x9f\xc2\xa0", "\\u0080\\u0085\\u009b2J\\u009f"
                                                                 "\xc2\xa0"),
        ESCAPED("line\xe2\x80\xa8paragraph\xe2\x80\xa9\xe2\x80\xa7",
                "line\\u2028paragraph\\u2029\xe2\x80\xa7"),
    };
    bh_capsule *capsule = load_guest(&fixture, "raw_log", BH_REUSE_SHARED);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_raw(capsule, "2", cases[i].text, cases[i].len);
        assert_string_equal(line_back(0)->text, cases[i].line);
    }
    bh_capsule_release(capsule);
}

/* `len` times 'a' with `tail` behind it. */
static size_t fill(char *text, size_t len, const char *tail)
{
    memset(text, 'a', len);
    strcpy(text + len, tail);
    return len + strlen(tail);
}

static void expect_cut(bh_capsule *capsule, size_t len, const char *tail, size_t kept_len)
{
    char text[LOG_BYTES_MAX + 16];
    log_raw(capsule, "2", text, fill(text, len, tail));
    text[kept_len] = 0;
    assert_string_equal(line_back(0)->text, text);
}

static void a_line_is_cut_at_16_kib_between_two_characters(void **state)
{
    (void)state;
    bh_capsule *capsule = load_guest(&fixture, "raw_log", BH_REUSE_SHARED);
    expect_cut(capsule, LOG_BYTES_MAX, "", LOG_BYTES_MAX);
    expect_cut(capsule, LOG_BYTES_MAX, "b", LOG_BYTES_MAX);
    expect_cut(capsule, LOG_BYTES_MAX - 2, "\xc3\xa9z", LOG_BYTES_MAX);
    expect_cut(capsule, LOG_BYTES_MAX - 1, "\xc3\xa9z", LOG_BYTES_MAX - 1);
    expect_cut(capsule, LOG_BYTES_MAX - 3, "\xf0\x9f\x9a\xa2z", LOG_BYTES_MAX - 3);
    char newlines[LOG_BYTES_MAX];
    memset(newlines, 0x01, sizeof newlines);
    log_raw(capsule, "2", newlines, sizeof newlines);
    assert_int_equal(strlen(line_back(0)->text), 4 * LOG_BYTES_MAX); /* as "\x01" each */
    bh_capsule_release(capsule);
}

static void lines_beyond_the_burst_are_dropped_and_counted_in_the_next_one(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    capsule->log_bucket.filled_ns = UINT64_MAX; /* in the future: nothing comes back */
    for (int i = 0; i < BHI_LOG_BURST_LINES; i++)
        expect_none(capsule, "log", "burst");
    assert_int_equal(lines_count, BHI_LOG_BURST_LINES);
    for (int i = 0; i < 3; i++)
        expect_none(capsule, "log", "lost");
    assert_int_equal(lines_count, BHI_LOG_BURST_LINES);
    capsule->log_bucket.filled_ns = 0;
    expect_none(capsule, "log", "again");
    assert_int_equal(lines_count, BHI_LOG_BURST_LINES + 2);
    assert_int_equal(line_back(1)->level, BH_LOG_WARN);
    assert_non_null(strstr(line_back(1)->text, "3 lines were suppressed"));
    assert_string_equal(line_back(0)->text, "again");
    expect_none(capsule, "log", "and again");
    assert_int_equal(lines_count, BHI_LOG_BURST_LINES + 3);
    bh_capsule_release(capsule);
}

/* ---- clocks, randomness ---- */

static uint64_t number_of(const bh_result *result)
{
    char *end;
    uint64_t number = strtoull(result->data, &end, 10);
    assert_true(end > result->data && *end == 0);
    return number;
}

static void the_clocks_are_those_of_the_machine_and_monotonic_never_goes_back(void **state)
{
    (void)state;
    enum { SLACK_MS = 1000 };
    bh_capsule *capsule = load_probe(NULL);
    uint64_t last_ns = bhi_monotonic_ns();
    for (int i = 0; i < 10; i++) {
        uint64_t now_ns = number_of(call(capsule, "monotonic", ""));
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
    assert_true(bhi_monotonic_ns() >= last_ns);
    uint64_t before_ms = bhi_clock_read(CLOCK_REALTIME) / BHI_NS_PER_MS;
    uint64_t now_ms = number_of(call(capsule, "clock", ""));
    uint64_t after_ms = bhi_clock_read(CLOCK_REALTIME) / BHI_NS_PER_MS;
    assert_in_range(now_ms, before_ms - SLACK_MS, after_ms + SLACK_MS);
    bh_capsule_release(capsule);
}

static void random_bytes_are_as_many_as_asked_for_and_never_the_same(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    expect(capsule, "random", "0", "");
    char first[2 * 4096 + 1];
    const bh_result *result = call(capsule, "random", "4096");
    assert_int_equal(result->data_len, 2 * 4096);
    memcpy(first, result->data, sizeof first);
    assert_int_equal(strspn(first, "0123456789abcdef"), 2 * 4096);
    assert_string_not_equal(call(capsule, "random", "4096")->data, first);
    expect_denied(capsule, "random", "4097", "too-large");
    expect_denied(capsule, "random", "65535", "too-large");
    bh_capsule_release(capsule);
}

/* ---- sleep ---- */

static void a_sleep_lasts_as_long_as_asked_and_at_most_a_minute(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    expect(capsule, "sleep", "0", "slept");
    static const uint64_t durations_ns[] = {1, 999999, 2000001};
    for (int i = 0; i < 3; i++) {
        char payload[24];
        snprintf(payload, sizeof payload, "%llu", (unsigned long long)durations_ns[i]);
        uint64_t before_ns = bhi_monotonic_ns();
        expect(capsule, "sleep", payload, "slept");
        assert_true(bhi_monotonic_ns() - before_ns >= durations_ns[i]);
    }
    expect_denied(capsule, "sleep", "60000000001", "too-large");
    expect_denied(capsule, "sleep", "18446744073709551615", "too-large");
    bh_capsule_release(capsule);
}

typedef struct sleeper {
    bool is_done;
    bh_outcome outcome;
    char data[16];
    int *done_count; /* shared */
    int place;       /* at which it ended, from 1 */
} sleeper;

static void slept_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    sleeper *one = arg;
    assert_int_equal(status, BH_OK);
    one->is_done = true;
    one->place = ++*one->done_count;
    one->outcome = result->outcome;
    snprintf(one->data, sizeof one->data, "%s", result->data);
}

static bhi_invocation *start_sleep(bh_capsule *capsule, bhi_worker *worker, const char *ns,
                                   sleeper *one)
{
    bh_request request = {.action = "sleep", .payload = ns, .payload_len = strlen(ns)};
    bhi_invocation *invocation;
    bh_error error;
    use_engine_signals();
    if (bhi_invocation_start(capsule, worker, &request, slept_cb, one, &invocation, &error) !=
        BH_OK)
        fail_msg("%s", error.text);
    return invocation;
}

static void a_sleeping_guest_blocks_no_other_on_its_worker(void **state)
{
    (void)state;
    bh_capsule *capsule = load_probe(NULL);
    bhi_worker *worker;
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    int done_count = 0;
    sleeper longest = {.done_count = &done_count}, longer = longest, shorter = longest;
    /* The longest allowed sleep is accepted; nobody waits for its end. */
    bhi_invocation *invocation = start_sleep(capsule, worker, "60000000000", &longest);
    start_sleep(capsule, worker, "300000000", &longer);
    start_sleep(capsule, worker, "1000000", &shorter);
    while (!longer.is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(shorter.place, 1); /* begun last, ended first: they slept at the same time */
    assert_int_equal(longer.place, 2);
    assert_string_equal(shorter.data, "slept");
    assert_string_equal(longer.data, "slept");
    assert_false(longest.is_done);
    bhi_invocation_cancel(invocation);
    while (!longest.is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(longest.outcome, BH_OUTCOME_CANCELLED);
    bhi_worker_destroy(worker);
    bh_capsule_release(capsule);
}

/* ---- initialisation ---- */

static void initialisation_may_read_configuration_log_and_draw_randomness(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "init_call",
                         .manifest = "[capsule]\ninit-randomness = \"accept\"\n"
                                     "[env]\ncall = { type = \"string\", "
                                     "default = \"ready\" }\n"};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    assert_int_equal(strlen(call(capsule, "x", "")->data), 32);
    assert_memory_equal(line_back(0)->text, "initialised at ", 15);
    assert_string_equal(line_back(0)->principal, ""); /* it runs for nobody */
    bh_capsule_release(capsule);
}

static void initialisation_may_not_sleep(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "init_call",
                         .manifest = "[env]\ncall = { type = \"string\", "
                                     "default = \"sleep\" }\n"};
    bh_capsule *capsule = NULL;
    bh_error error;
    assert_int_equal(try_load_setup(&fixture, &setup, &capsule, &error), BH_E_BUILD);
    assert_non_null(strstr(error.text, "astrid:sys/host@1.0.0#sleep-ns"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(scratch_memory_goes_on_behind_its_block),
        CASE(get_config_answers_declared_values_and_none_for_the_rest),
        CASE(get_config_prefers_the_operators_value),
        CASE(get_caller_tells_the_principal_and_when_it_called),
        CASE(capabilities_are_the_held_ones_of_the_manifest_sorted),
        CASE(a_source_that_nobody_knows_holds_no_capability),
        CASE(signal_ready_changes_nothing_for_a_pooled_capsule),
        CASE(a_line_carries_its_level_capsule_and_principal),
        CASE(a_level_or_text_that_is_none_traps_and_logs_nothing),
        CASE(no_text_can_forge_a_line_or_steer_a_terminal),
        CASE(a_line_is_cut_at_16_kib_between_two_characters),
        CASE(lines_beyond_the_burst_are_dropped_and_counted_in_the_next_one),
        CASE(the_clocks_are_those_of_the_machine_and_monotonic_never_goes_back),
        CASE(random_bytes_are_as_many_as_asked_for_and_never_the_same),
        CASE(a_sleep_lasts_as_long_as_asked_and_at_most_a_minute),
        CASE(a_sleeping_guest_blocks_no_other_on_its_worker),
        CASE(initialisation_may_read_configuration_log_and_draw_randomness),
        CASE(initialisation_may_not_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
