/* tests/runtime/test_dispatcher.c - messages reach the handlers of started capsules, as chains. */
#include <pthread.h>
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
#include "runtime/dispatcher.h"
#include "runtime/event.h"
#include "runtime/keeper.h"
#include "support/handlers.h"

static runtime_fixture fixture;
static bh_event_result result;

static int open_fixture(void **state)
{
    runtime_fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    bh_event_result_deinit(&result);
    runtime_fixture_close(&fixture);
    return 0;
}

/* ---- capsules with one handler ---- */

typedef handler_spec spec;

static bh_capsule *start(spec about)
{
    return start_handler(&fixture, &about);
}

static bh_status publish_by(const char *topic, const char *payload, const char *principal)
{
    bh_event event = {
        .topic = topic, .payload = payload, .payload_len = strlen(payload), .principal = principal};
    use_engine_signals();
    return bh_publish(fixture.runtime, &event, &result, NULL);
}

static void expect(const char *payload, bh_verdict verdict, const char *by, const char *left)
{
    assert_int_equal(publish_by("t.x", payload, "alice"), BH_OK);
    if (result.verdict != verdict)
        fail_msg("%s: %s %s", bh_verdict_name(result.verdict), result.by, result.reason);
    assert_string_equal(result.by, by);
    assert_string_equal(result.payload, left);
}

static void wait_until_idle(void)
{
    wait_until_handled(&fixture);
}

/* ---- the host's log ---- */

static pthread_mutex_t line_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_line[512]; /* guarded by line_lock */
static bhi_log_level last_level;

static void keep_line(void *arg, bhi_log_level level, const char *line)
{
    if (strstr(line, "message ") != line)
        return;
    pthread_mutex_lock(&line_lock);
    snprintf(last_line, sizeof last_line, "%s", line);
    last_level = level;
    pthread_mutex_unlock(&line_lock);
}

/* It was logged before it was told. */
static void expect_logged(bhi_log_level level, const char *end)
{
    pthread_mutex_lock(&line_lock);
    size_t len = strlen(last_line), end_len = strlen(end);
    if (last_level != level || len < end_len || strcmp(last_line + len - end_len, end) != 0)
        fail_msg("%s", last_line);
    pthread_mutex_unlock(&line_lock);
}

/* ---- chains ---- */

static void a_message_without_handlers_has_the_verdict_none(void **state)
{
    expect("\"x\"", BH_VERDICT_NONE, "", "\"x\"");
    bh_capsule *other = start((spec){.name = "other", .topic = "u.*"});
    expect("\"x\"", BH_VERDICT_NONE, "", "\"x\"");
    bh_capsule_release(other);
}

static void a_started_capsule_handles_its_topics_with_its_action(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    expect("\"x\"", BH_VERDICT_CONTINUED, "", "\"x\"");
    assert_string_equal(fixture.last_log.text, "on-one \"x\"");
    assert_string_equal(fixture.last_log.principal, "alice");
    bh_capsule_stop(one);
    expect("\"x\"", BH_VERDICT_NONE, "", "\"x\"");
    bh_capsule_release(one);
}

static void handlers_run_by_priority_and_then_by_name(void **state)
{
    bh_capsule *all[] = {start((spec){.name = "b", .behaviour = "append:b"}),
                         start((spec){.name = "last", .behaviour = "append:last", .priority = 200}),
                         start((spec){.name = "a", .behaviour = "append:a"}),
                         start((spec){.name = "z", .behaviour = "append:z", .priority = 1})};
    expect("\"x\"", BH_VERDICT_CONTINUED, "", "\"x,z,a,b,last\"");
    for (int i = 0; i < 4; i++)
        bh_capsule_release(all[i]);
}

static void modify_may_empty_the_payload_and_continue_may_not(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    expect("\"modify:{}\"", BH_VERDICT_CONTINUED, "", "{}");
    expect("\"modify:\"", BH_VERDICT_CONTINUED, "", "");
    expect("\"continue\"", BH_VERDICT_CONTINUED, "", "\"continue\"");
    bh_capsule_release(one);
}

static void final_ends_the_chain_with_its_payload(void **state)
{
    bh_capsule *first = start((spec){.name = "first", .behaviour = "final:[1]"});
    bh_capsule *second = start((spec){.name = "second", .behaviour = "deny:never called"});
    expect("\"x\"", BH_VERDICT_FINAL, "first", "[1]");
    bh_capsule_release(first);
    bh_capsule_release(second);
}

static void a_denial_ends_the_chain_with_its_reason(void **state)
{
    bh_capsule *guard = start((spec){.name = "guard", .behaviour = "deny:no entry", .priority = 1});
    bh_capsule *second = start((spec){.name = "second", .behaviour = "append:never"});
    expect("\"x\"", BH_VERDICT_DENIED, "guard", "\"x\"");
    assert_string_equal(result.reason, "no entry");
    bh_capsule_release(guard);
    bh_capsule_release(second);
}

/* D1: whatever a guard fails with, what stands behind it is not reached. */
static void a_failing_handler_denies_unless_its_manifest_says_continue_D1(void **state)
{
    static const char *const failures[] = {"trap", "odd", "nul", "size:1048577"};
    bh_capsule *behind = start((spec){.name = "z", .behaviour = "append:behind"});
    for (int i = 0; i < 4; i++) {
        bh_capsule *guard = start((spec){.name = "guard", .behaviour = failures[i]});
        expect("\"x\"", BH_VERDICT_FAILED, "guard", "\"x\"");
        assert_true(result.reason[0] != 0);
        bh_capsule_release(guard);
        bh_capsule *optional =
            start((spec){.name = "optional", .behaviour = failures[i], .continues = true});
        expect("\"x\"", BH_VERDICT_CONTINUED, "", "\"x,behind\"");
        bh_capsule_release(optional);
    }
    bh_capsule_release(behind);
}

static void a_payload_may_be_made_as_large_as_a_message(void **state)
{
    bh_capsule *one = start((spec){.name = "one", .behaviour = "size:1048576"});
    assert_int_equal(publish_by("t.x", "1", "alice"), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_CONTINUED);
    assert_int_equal(result.payload_len, 1 << 20);
    bh_capsule_release(one);
}

static void what_is_denied_leaves_a_line_in_the_log(void **state)
{
    bh_capsule *one = start((spec){.name = "one", .behaviour = "deny:no\\nentry\\u001b[2J"});
    expect("1", BH_VERDICT_DENIED, "one", "1");
    expect_logged(BHI_LOG_INFO, " on t.x of alice: denied by one: no\\nentry\\x1b[2J");
    bh_capsule_release(one);
    one = start((spec){.name = "one", .behaviour = "odd"});
    expect("1", BH_VERDICT_FAILED, "one", "1");
    expect_logged(BHI_LOG_WARN,
                  " on t.x of alice: failed by one: the handler answered an action that is none");
    bh_capsule_release(one);
}

static void a_result_tells_each_step(void **state)
{
    bh_capsule *first = start((spec){.name = "a", .behaviour = "trap", .continues = true});
    bh_capsule *second = start((spec){.name = "b", .behaviour = "final:1"});
    bh_capsule *third = start((spec){.name = "c"});
    expect("\"x\"", BH_VERDICT_FINAL, "b", "1");
    assert_int_equal(result.steps_count, 2);
    assert_string_equal(result.steps[0].capsule, "a");
    assert_string_equal(result.steps[0].action, "on-a");
    assert_int_equal(result.steps[0].outcome, BH_OUTCOME_TRAPPED);
    assert_true(result.steps[0].is_failure);
    assert_string_equal(result.steps[1].capsule, "b");
    assert_int_equal(result.steps[1].outcome, BH_OUTCOME_RETURNED);
    assert_false(result.steps[1].is_failure);
    bh_capsule_release(first);
    bh_capsule_release(second);
    bh_capsule_release(third);
}

static void a_reason_is_told_up_to_1024_bytes_of_whole_characters(void **state)
{
    char payload[1200] = "\"deny:", *at = payload + 6;
    for (int i = 0; i < 342; i++, at += 3)
        memcpy(at, "\xe2\x82\xac", 3); /* 1026 bytes: one character too many */
    memcpy(at, "\"", 2);
    bh_capsule *guard = start((spec){.name = "guard"});
    assert_int_equal(publish_by("t.x", payload, "alice"), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_DENIED);
    assert_int_equal(strlen(result.reason), 1023);
    bh_capsule_release(guard);
}

static void whoever_waits_may_stop_waiting(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:1000"});
    bh_event event = {
        .topic = "t.x", .payload = "1", .payload_len = 1, .principal = "alice", .timeout_ms = 1};
    use_engine_signals();
    assert_int_equal(bh_publish(fixture.runtime, &event, &result, NULL), BH_E_DEADLINE);
    assert_null(result.storage);
    event.timeout_ms = 60000;
    assert_int_equal(bh_publish(fixture.runtime, &event, &result, NULL), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_CONTINUED); /* the first one went on, too */
    bh_capsule_release(slow);
}

static void a_denial_is_final_also_of_a_handler_that_may_fail_D1(void **state)
{
    bh_capsule *guard = start((spec){.name = "guard", .behaviour = "deny:no", .continues = true});
    expect("\"x\"", BH_VERDICT_DENIED, "guard", "\"x\"");
    bh_capsule_release(guard);
}

static void payloads_and_topics_are_checked_before_anything_runs(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    assert_int_equal(publish_by("t.x", "{", "alice"), BH_E_ARG);
    assert_int_equal(publish_by("t..x", "1", "alice"), BH_E_ARG);
    assert_int_equal(publish_by("t.*", "1", "alice"), BH_E_ARG);
    assert_int_equal(publish_by("t.x", "1", "a b"), BH_E_ARG);
    assert_int_equal(fixture.logs_count, 0);
    bh_capsule_release(one);
}

static void the_hosts_own_messages_are_handled_for_the_owner(void **state)
{
    bh_capsule *one = start((spec){.name = "one", .behaviour = "caller"});
    assert_int_equal(publish_by("t.x", "1", NULL), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_CONTINUED);
    assert_string_equal(fixture.last_log.text, "caller default ");
    bh_capsule_release(one);
}

/* ---- what handlers publish ---- */

static void two_capsules_that_feed_each_other_end_at_depth_8(void **state)
{
    bh_capsule *ping =
        start((spec){.name = "ping", .topic = "loop.a", .behaviour = "forward:loop.b"});
    bh_capsule *pong =
        start((spec){.name = "pong", .topic = "loop.b", .behaviour = "forward:loop.a"});
    assert_int_equal(publish_by("loop.a", "1", "alice"), BH_OK);
    wait_until_idle();
    bhi_dispatch_stats stats;
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.accepted, 1 + BHI_BUS_DEPTH_MAX);
    assert_int_equal(stats.verdicts[BH_VERDICT_DENIED], 1); /* the last one was refused "quota" */
    bh_capsule_release(ping);
    bh_capsule_release(pong);
}

static void a_handler_knows_who_published_what_it_handles(void **state)
{
    bh_capsule *first = start((spec){.name = "first", .topic = "t.a", .behaviour = "forward:t.b"});
    bh_capsule *second = start((spec){.name = "second", .topic = "t.b", .behaviour = "caller"});
    assert_int_equal(publish_by("t.a", "1", "alice"), BH_OK);
    wait_until_idle();
    char expected[100];
    snprintf(expected, sizeof expected, "caller alice %s", first->session_id);
    assert_string_equal(fixture.last_log.text, expected);
    bh_capsule_release(first);
    bh_capsule_release(second);
}

static bh_verdict publish_claimed(bool may_act)
{
    bh_verdict verdict = BH_VERDICT_COUNT;
    bhi_message *message;
    bhi_dispatch_stats before, after;
    bhi_message_spec about = {.topic = bhi_bytes_of("t.x"),
                              .payload = bhi_bytes_of("1"),
                              .principal = bhi_bytes_of("bob"),
                              .attribution = BHI_ATTRIBUTION_CLAIMED,
                              .may_act = may_act};
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &before);
    assert_int_equal(bhi_message_create(&about, &message, NULL), BH_OK);
    assert_int_equal(bhi_event_send(fixture.runtime, message, NULL, NULL), BH_OK);
    bhi_message_release(message);
    wait_until_idle();
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &after);
    for (int i = 0; i < BH_VERDICT_COUNT; i++)
        if (after.verdicts[i] != before.verdicts[i])
            verdict = (bh_verdict)i;
    return verdict;
}

static void a_claimed_principal_is_acted_for_only_when_the_operator_lets(void **state)
{
    bh_capsule *one = start((spec){.name = "one"});
    assert_int_equal(publish_claimed(false), BH_VERDICT_DENIED);
    assert_int_equal(fixture.logs_count, 0); /* no hook ran */
    assert_int_equal(publish_claimed(true), BH_VERDICT_CONTINUED);
    assert_string_equal(fixture.last_log.principal, "bob");
    bh_capsule_release(one);
}

/* ---- order and bounds ---- */

enum { BURST = BHI_DISPATCH_KEY_MAX };

/* Publishes `payload` for `principal` without waiting. */
static bh_status say(const char *payload, const char *principal)
{
    bh_event event = {
        .topic = "t.x", .payload = payload, .payload_len = strlen(payload), .principal = principal};
    use_engine_signals();
    return bh_publish(fixture.runtime, &event, NULL, NULL);
}

static int seen[BURST + 1];
static atomic_int seen_count;

/* Of a hook that is about to end: a later one may have begun, unless they wait for each other. */
static void note_log(void *arg, bh_log_level level, const char *capsule, const char *principal,
                     const char *text)
{
    const char *number = strrchr(text, ',');
    if (strncmp(text, "slept ", 6) == 0 && number != NULL && seen_count < BURST)
        seen[seen_count++] = atoi(number + 1);
}

static void messages_of_one_principal_are_handled_in_order_D2(void **state)
{
    char payload[32];
    seen_count = 0;
    fixture.runtime->guest_log_cb = note_log;
    bh_capsule *one = start((spec){.name = "one"});
    for (int i = 0; i < BURST; i++) { /* each waits in the middle, the one before it longer */
        snprintf(payload, sizeof payload, "\"sleep:%d,%d\"", 3 - i % 4, i);
        assert_int_equal(say(payload, "alice"), BH_OK);
    }
    wait_until_idle();
    assert_int_equal(seen_count, BURST);
    for (int i = 0; i < BURST; i++)
        assert_int_equal(seen[i], i);
    bh_capsule_release(one);
}

/* On one lane: when bob's has been handled, alice's have all been looked at. */
static void one_hook_runs_for_one_principal_and_capsule_D2(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow"});
    for (int i = 0; i < 10; i++)
        assert_int_equal(say("\"sleep:60000\"", "alice"), BH_OK);
    assert_int_equal(publish_by("t.x", "\"x\"", "bob"), BH_OK);
    bhi_dispatch_stats stats;
    do { /* bob's is told before it is counted as ended */
        bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    } while (stats.waiting > 10);
    assert_int_equal(stats.running, 1);
    bh_capsule_stop(slow);
    wait_until_idle();
    bh_capsule_release(slow);
}

/* D3: as many principals, each with one. */
static void a_lane_has_4096_messages_and_not_one_more_D3(void **state)
{
    char principal[16];
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (int round = 0; round < 2; round++) { /* the first leaves nothing behind */
        assert_int_equal(bh_capsule_start(slow, NULL), BH_OK);
        for (int i = 0; i < BHI_DISPATCH_LANE_MAX; i++) {
            snprintf(principal, sizeof principal, "p%d", i);
            assert_int_equal(say("1", principal), BH_OK);
        }
        assert_int_equal(say("1", "one-more"), BH_E_SATURATED);
        bh_capsule_stop(slow);
        wait_until_idle();
    }
    bh_capsule_release(slow);
}

/* On "t.x". */
static char *make_largest_payload(void)
{
    size_t len = BH_EVENT_BYTES_MAX - strlen("t.x");
    char *payload = malloc(len + 1);
    assert_non_null(payload);
    memset(payload, '1', len);
    payload[len] = 0;
    return payload;
}

static void a_lane_has_256_mib_and_not_one_byte_more_D3(void **state)
{
    char principal[16], *payload = make_largest_payload();
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (size_t i = 0; i < BHI_DISPATCH_LANE_BYTES_MAX / BH_EVENT_BYTES_MAX; i++) {
        snprintf(principal, sizeof principal, "p%zu", i);
        assert_int_equal(say(payload, principal), BH_OK);
    }
    assert_int_equal(say("1", "one-more"), BH_E_SATURATED);
    free(payload);
    bh_capsule_stop(slow);
    wait_until_idle();
    bh_capsule_release(slow);
}

/* Each says as much as it may, together as much as the lane holds. */
static void principals_that_flood_leave_room_for_others_D3(void **state)
{
    enum { FLOODING = BHI_DISPATCH_LANE_BYTES_MAX / BHI_DISPATCH_PRINCIPAL_BYTES_MAX };
    char principal[16], *payload = make_largest_payload();
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (int i = 0; i < 12; i++)
        assert_int_equal(say(payload, "carol"), BH_OK);
    for (int i = 0; i < FLOODING; i++) {
        size_t accepted = 0;
        snprintf(principal, sizeof principal, "mallory%d", i);
        while (say(payload, principal) == BH_OK)
            accepted++;
        assert_in_range(accepted, 1, BHI_DISPATCH_PRINCIPAL_BYTES_MAX / BH_EVENT_BYTES_MAX);
    }
    assert_int_equal(say("1", "carol"), BH_E_SATURATED); /* she has more than the lane has left */
    for (int i = 0; i < BHI_DISPATCH_KEY_MAX; i++)
        assert_int_equal(say("1", "alice"), BH_OK);
    assert_int_equal(say(payload, "bob"), BH_OK);
    free(payload);
    bh_capsule_stop(slow);
    wait_until_idle();
    bh_capsule_release(slow);
}

/* What a handler makes of small payloads counts like large ones, while it waits for the next. */
static void payloads_that_grow_are_bounded_as_messages_are_D3(void **state)
{
    enum {
        MESSAGES = 20,
        FIT = 13
    }; /* 1,000,000 bytes and what a buffer has to spare, in 16 MiB */
    static kept_result kept[MESSAGES];
    bh_event event = {.topic = "t.x", .payload = "1", .payload_len = 1, .principal = "alice"};
    bh_capsule *grows = start((spec){.name = "grows", .behaviour = "size:1000000", .priority = 1});
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(publish_and_keep(&fixture, &event, &kept[i]), BH_OK);
    for (int i = FIT; i < MESSAGES; i++) {
        wait_until_kept(&kept[i]);
        assert_int_equal(kept[i].verdict, BH_VERDICT_FAILED);
        assert_string_equal(kept[i].by, "grows");
        assert_string_equal(kept[i].reason, "the principal's messages hold too many bytes already");
    }
    for (int i = 0; i < FIT; i++)
        assert_false(atomic_load(&kept[i].is_done));
    bh_capsule_stop(slow);
    wait_until_idle();
    for (int i = 0; i < MESSAGES; i++) /* nothing is left counted */
        assert_int_equal(publish_and_keep(&fixture, &event, &kept[i]), BH_OK);
    for (int i = 0; i < MESSAGES; i++) {
        wait_until_kept(&kept[i]);
        assert_int_equal(kept[i].verdict, BH_VERDICT_CONTINUED);
    }
    bh_capsule_release(grows);
    bh_capsule_release(slow);
}

static void the_65th_message_that_waits_is_refused_whole_D3(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (int i = 0; i < BHI_DISPATCH_KEY_MAX; i++)
        assert_int_equal(say("1", "alice"), BH_OK);
    assert_int_equal(say("1", "alice"), BH_E_SATURATED);
    assert_int_equal(say("1", "bob"), BH_OK); /* another principal has its own */
    bhi_dispatch_stats stats;
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.refused, 1);
    bh_capsule_stop(slow); /* what runs is cancelled, what waits finds no capsule */
    wait_until_idle();
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_int_equal(stats.accepted, BHI_DISPATCH_KEY_MAX + 1);
    assert_int_equal(stats.verdicts[BH_VERDICT_FAILED], BHI_DISPATCH_KEY_MAX + 1);
    bh_capsule_release(slow);
}

static void a_storm_of_one_principal_does_not_hold_up_another(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow"});
    for (int i = 0; i < BHI_DISPATCH_KEY_MAX; i++)
        assert_int_equal(say("\"sleep:50\"", "mallory"), BH_OK);
    bhi_dispatch_stats stats;
    assert_int_equal(publish_by("t.x", "\"x\"", "alice"), BH_OK);
    assert_int_equal(result.verdict, BH_VERDICT_CONTINUED);
    bhi_dispatcher_read_stats(fixture.runtime->dispatcher, &stats);
    assert_true(stats.waiting > 0); /* alice was answered before the storm was over */
    bh_capsule_release(slow);
    wait_until_idle();
}

/* ---- start, stop, replace ---- */

static void a_new_version_takes_over_and_the_old_one_is_let_go_D5(void **state)
{
    bh_capsule *old = start((spec){.name = "one", .behaviour = "append:old"});
    bh_capsule *new = start((spec){.name = "one", .behaviour = "append:new"});
    expect("\"x\"", BH_VERDICT_CONTINUED, "", "\"x,new\"");
    bh_capsule_stop(old); /* changes nothing: it has handed over */
    expect("\"x\"", BH_VERDICT_CONTINUED, "", "\"x,new\"");
    assert_int_equal(atomic_load(&old->references), 1);
    bh_capsule_release(old);
    bh_capsule_release(new);
}

static atomic_int answered;

static void count_done(void *arg, const bhi_dispatch_result *done)
{
    if (done->verdict == BH_VERDICT_CONTINUED)
        atomic_fetch_add(&answered, 1);
}

/* D4: what waits behind a slow message is handled by the version that is there by then. */
static void a_reload_in_the_middle_loses_no_message_D4(void **state)
{
    enum { MESSAGES = 20 };
    static bhi_dispatch_observer observers[MESSAGES];
    bh_capsule *old = start((spec){.name = "one"});
    answered = 0;
    use_engine_signals();
    for (int i = 0; i < MESSAGES; i++) {
        bhi_message *message;
        bh_event event = {
            .topic = "t.x", .payload = "\"sleep:5\"", .payload_len = 9, .principal = "alice"};
        observers[i] = (bhi_dispatch_observer){.done_cb = count_done};
        assert_int_equal(bhi_event_message(&event, &message, NULL), BH_OK);
        assert_int_equal(bhi_event_send(fixture.runtime, message, &observers[i], NULL), BH_OK);
        bhi_message_release(message);
    }
    bh_capsule *new = start((spec){.name = "one"});
    bh_capsule_close(old);
    bh_capsule_release(old);
    wait_until_idle();
    assert_int_equal(answered, MESSAGES);
    bh_capsule_release(new);
}

static void a_runtime_ends_while_handlers_run_and_wait(void **state)
{
    bh_capsule *slow = start((spec){.name = "slow", .behaviour = "sleep:60000"});
    for (int i = 0; i < 10; i++)
        assert_int_equal(say("1", i % 2 == 0 ? "alice" : "bob"), BH_OK);
    bh_capsule_release(slow); /* running hooks hold it until the dispatcher cancels them */
    bhi_dispatcher_close(fixture.runtime->dispatcher);
    bhi_keeper_destroy(fixture.runtime->keeper); /* it may be building ahead, and holds it then */
    fixture.runtime->keeper = NULL;
    assert_int_equal(atomic_load(&fixture.runtime->capsules_count), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    bhi_log_configure(BHI_LOG_INFO, keep_line, NULL);
    const struct CMUnitTest tests[] = {
        CASE(a_message_without_handlers_has_the_verdict_none),
        CASE(a_started_capsule_handles_its_topics_with_its_action),
        CASE(handlers_run_by_priority_and_then_by_name),
        CASE(modify_may_empty_the_payload_and_continue_may_not),
        CASE(final_ends_the_chain_with_its_payload),
        CASE(a_denial_ends_the_chain_with_its_reason),
        CASE(a_failing_handler_denies_unless_its_manifest_says_continue_D1),
        CASE(a_denial_is_final_also_of_a_handler_that_may_fail_D1),
        CASE(a_payload_may_be_made_as_large_as_a_message),
        CASE(what_is_denied_leaves_a_line_in_the_log),
        CASE(a_result_tells_each_step),
        CASE(a_reason_is_told_up_to_1024_bytes_of_whole_characters),
        CASE(whoever_waits_may_stop_waiting),
        CASE(payloads_and_topics_are_checked_before_anything_runs),
        CASE(the_hosts_own_messages_are_handled_for_the_owner),
        CASE(two_capsules_that_feed_each_other_end_at_depth_8),
        CASE(a_handler_knows_who_published_what_it_handles),
        CASE(a_claimed_principal_is_acted_for_only_when_the_operator_lets),
        CASE(messages_of_one_principal_are_handled_in_order_D2),
        CASE(one_hook_runs_for_one_principal_and_capsule_D2),
        CASE(a_lane_has_4096_messages_and_not_one_more_D3),
        CASE(a_lane_has_256_mib_and_not_one_byte_more_D3),
        CASE(principals_that_flood_leave_room_for_others_D3),
        CASE(payloads_that_grow_are_bounded_as_messages_are_D3),
        CASE(the_65th_message_that_waits_is_refused_whole_D3),
        CASE(a_storm_of_one_principal_does_not_hold_up_another),
        CASE(a_new_version_takes_over_and_the_old_one_is_let_go_D5),
        CASE(a_reload_in_the_middle_loses_no_message_D4),
        CASE(a_runtime_ends_while_handlers_run_and_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
