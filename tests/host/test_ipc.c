/* The functions of astrid:ipc/host, called by a guest through the SDK on a real bus. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "runtime/capsule.h"
#include "support/runtime_fixture.h"

#define RIGHTS                                                                                     \
    "[publish]\n\"t.*\" = \"x\"\n\"only.here\" = \"x\"\n"                                          \
    "[subscribe]\n\"t.*\" = \"x\"\n\"u.v\" = {wit = \"x\", handler = \"seen\"}\n"

static runtime_fixture fixture;
static bh_capsule *probe;
static char profiles_path[64];

static void write_profiles(const char *text)
{
    strcpy(profiles_path, "/tmp/bulkhead-profiles-XXXXXX");
    int fd = mkstemp(profiles_path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bh_capsule *load_with(const char *name, const char *manifest)
{
    guest_setup setup = {
        .guest = "probe_ipc", .name = name, .manifest = manifest, .options = {.live_max = 16}};
    return load_setup(&fixture, &setup);
}

static int open_with(const char *manifest)
{
    write_profiles("[principal.slow]\npublish_kib = 1\n"
                   "[capsule.bridge]\nclaims = \"publish\"\n");
    bh_runtime_options options = {.profiles_file = profiles_path};
    runtime_fixture_open_with(&fixture, &options);
    probe = load_with("probe", manifest);
    return 0;
}

static int open_fixture(void **state)
{
    return open_with(RIGHTS);
}

static int close_fixture(void **state)
{
    bhi_bus_stats stats;
    bh_capsule_release(probe);
    bhi_bus_read_stats(fixture.runtime->bus, &stats);
    assert_int_equal(stats.subscribers, 0); /* whatever a test did, nothing is left */
    runtime_fixture_close(&fixture);
    remove(profiles_path);
    return 0;
}

static const bh_result *call(bh_capsule *capsule, const char *principal, const char *action,
                             const char *payload)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = principal};
    const bh_result *result = invoke_with(capsule, &request);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
    return result;
}

static void expect(const char *action, const char *payload, const char *answer)
{
    const bh_result *result = call(probe, "alice", action, payload);
    assert_string_equal(result->data, answer);
    assert_string_equal(result->action, "continue");
}

static void refused(const char *action, const char *payload, const char *status)
{
    const bh_result *result = call(probe, "alice", action, payload);
    assert_string_equal(result->action, "deny");
    assert_string_equal(result->data, status);
}

static void ignore_ready(void *arg)
{
    (void)arg;
}

/* ---- publish ---- */

static void a_topic_needs_the_grammar_and_the_manifest(void **state)
{
    expect("publish", "t.a={\"k\":1}", "ok");
    expect("publish", "only.here=null", "ok");
    refused("publish", "only.there=null", "capability-denied");
    refused("publish", "t=null", "capability-denied");
    refused("publish", "t.A=null", "invalid-input");
    refused("publish", "t.*=null", "invalid-input");
    refused("publish", "t..a=null", "invalid-input");
    refused("publish", "=null", "invalid-input");
    refused("publish", "t.b.c.d.e.f.g.h.i=null", "invalid-input");
    refused("publish", "Other=null", "invalid-input"); /* form before rights */
}

static void a_payload_is_json_and_its_bytes_are_kept(void **state)
{
    refused("publish", "t.a={k:1}", "invalid-input");
    refused("publish", "t.a=", "invalid-input");
    refused("publish", "t.a=1 2", "invalid-input");
    bhi_subscriber *host;
    bhi_batch batch;
    bhi_subscriber_options options = {.pattern = bhi_bytes_of("t.a"), .ready_cb = ignore_ready};
    assert_int_equal(bhi_bus_subscribe(fixture.runtime->bus, &options, &host, NULL), BH_OK);
    static const char payload[] = "{ \"b\":1.50, \"a\":[ ], \"b\":2 }";
    char request[128];
    snprintf(request, sizeof request, "t.a=%s", payload);
    expect("publish", request, "ok");
    bhi_subscriber_take(host, SIZE_MAX, false, &batch);
    assert_int_equal(batch.count, 1);
    const bhi_message_spec *spec = &batch.messages[0]->spec;
    assert_true(bhi_bytes_equal_text(spec->payload, payload));
    assert_true(bhi_bytes_equal_text(spec->principal, "alice"));
    assert_true(bhi_bytes_equal_text(spec->source_id, probe->session_id));
    assert_int_equal(spec->attribution, BHI_ATTRIBUTION_VERIFIED);
    assert_int_equal(spec->depth, 0);
    bhi_message_release(batch.messages[0]);
    bhi_subscriber_close(host);
}

static void topic_and_payload_have_1_mib_together(void **state)
{
    size_t len = BHI_BUS_QUEUE_BYTES_MAX;
    char *request = malloc(len + 8);
    memcpy(request, "t.a=\"", 5);
    memset(request + 5, 'x', len - 3 - 2);
    strcpy(request + len, "\"");
    request[len] = '"';
    request[len + 1] = 0;
    assert_int_equal(strlen(request), len + 1); /* "t.a" and the payload make 1 MiB */
    expect("publish", request, "ok");
    request[len] = 'x';
    strcpy(request + len + 1, "\"");
    refused("publish", request, "invalid-input");
    free(request);
}

static void a_principal_has_a_rate_and_what_is_refused_costs_nothing(void **state)
{
    char request[700];
    memcpy(request, "t.a=\"", 5);
    memset(request + 5, 'x', 600);
    strcpy(request + 605, "\"");
    assert_string_equal(call(probe, "slow", "publish", "t.a={bad}")->data, "invalid-input");
    assert_string_equal(call(probe, "slow", "publish", request)->data, "ok");
    uint64_t published = 1; /* the second one is refused, unless a second went by */
    while (strcmp(call(probe, "slow", "publish", request)->data, "ok") == 0)
        assert_true(++published < 20);
    assert_string_equal(call(probe, "alice", "publish", request)->data, "ok");
    bhi_host_counters counters;
    bhi_host_totals_read(&probe->host_totals, &counters);
    assert_int_equal(counters.published, published + 1);
    assert_int_equal(counters.publish_refused, 2);
}

static void only_an_uplink_that_the_operator_lets_may_claim(void **state)
{
    refused("as", "t.a=bob=1", "capability-denied");
    bh_capsule *bridge =
        load_with("bridge", RIGHTS "[capabilities]\nuplink = true\n"); /* granted in the profiles */
    bh_capsule *other = load_with("other", RIGHTS "[capabilities]\nuplink = true\n");
    assert_string_equal(call(other, "alice", "as", "t.a=bob=1")->data, "capability-denied");
    assert_string_equal(call(bridge, "alice", "as", "t.a=b b=1")->data, "invalid-input");
    bhi_subscriber *host;
    bhi_subscriber_options options = {.pattern = bhi_bytes_of("t.a"), .ready_cb = ignore_ready};
    assert_int_equal(bhi_bus_subscribe(fixture.runtime->bus, &options, &host, NULL), BH_OK);
    assert_string_equal(call(bridge, "alice", "as", "t.a=bob=1")->data, "ok");
    bhi_batch batch;
    bhi_subscriber_take(host, SIZE_MAX, false, &batch);
    assert_int_equal(batch.messages[0]->spec.attribution, BHI_ATTRIBUTION_CLAIMED);
    assert_true(bhi_bytes_equal_text(batch.messages[0]->spec.principal, "bob"));
    assert_false(batch.messages[0]->spec.may_act); /* "publish", not "act" */
    bhi_message_release(batch.messages[0]);
    bhi_subscriber_close(host);
    bh_capsule_release(bridge);
    bh_capsule_release(other);
}

/* ---- subscribe ---- */

static void a_subscription_needs_the_grammar_and_the_manifest(void **state)
{
    expect("subscribe", "t.*", "ok");
    expect("subscribe", "t.a.b", "ok");
    expect("subscribe", "u.v", "ok");
    refused("subscribe", "u.*", "capability-denied");
    refused("subscribe", "*", "capability-denied");
    refused("subscribe", "t", "capability-denied");
    refused("subscribe", "t.*.a", "invalid-input");
    refused("subscribe", "t.A", "invalid-input");
    refused("subscribe", "", "invalid-input");
}

static void a_lease_has_at_most_128_subscriptions(void **state)
{
    expect("many", "t.a=128", "ok");
    refused("many", "t.a=129", "quota");
    expect("keep", "t.a", "ok"); /* and none of an earlier lease counts */
}

static void a_burst_is_received_whole(void **state)
{
    expect("self", "t.a=1=1", "1 in 1 dropped 0");
    expect("self", "t.a=256=\"x\"", "256 in 1 dropped 0");
}

static void a_queue_that_is_not_read_loses_the_oldest_and_says_so(void **state)
{
    expect("self", "t.a=300=\"x\"", "256 in 1 dropped 44");
}

static void readiness_follows_the_queue_and_outlives_the_subscription(void **state)
{
    expect("ready", "t.*=t.b=1", "011");
}

static void recv_says_timeout_when_nothing_came(void **state)
{
    refused("recv", "t.a=1", "timeout");
    expect("recv", "t.a=0", "dropped 0 lagged 0"); /* 0 is a poll */
}

static void hooks_have_no_bindings(void **state)
{
    expect("bindings", "", "");
}

/* ---- several at once ---- */

typedef struct caller {
    pthread_t thread;
    bh_capsule *capsule; /* NULL: the probe */
    const char *principal, *action, *payload;
    uint32_t timeout_ms;
    bh_result result;
    bh_status status;
    _Atomic bool is_done;
} caller;

static void *run_caller(void *arg)
{
    caller *self = arg;
    bh_request request = {.action = self->action,
                          .payload = self->payload,
                          .payload_len = strlen(self->payload),
                          .principal = self->principal,
                          .timeout_ms = self->timeout_ms};
    self->status =
        bh_invoke(self->capsule != NULL ? self->capsule : probe, &request, &self->result, NULL);
    atomic_store(&self->is_done, true);
    return NULL;
}

static uint32_t subscribers(void)
{
    bhi_bus_stats stats;
    bhi_bus_read_stats(fixture.runtime->bus, &stats);
    return stats.subscribers;
}

/* Starts it and waits until it has subscribed, or has ended. */
static void start(caller *self)
{
    uint32_t before = subscribers();
    use_engine_signals();
    assert_int_equal(pthread_create(&self->thread, NULL, run_caller, self), 0);
    while (subscribers() == before && !atomic_load(&self->is_done))
        sched_yield();
}

static void end(caller *self)
{
    pthread_join(self->thread, NULL);
    assert_int_equal(self->status, BH_OK);
}

static void a_waiting_guest_is_woken_by_another_threads_message(void **state)
{
    caller waiting = {.principal = "alice", .action = "recv", .payload = "t.*=60000"};
    start(&waiting);
    expect("publish", "t.x=\"hello\"", "ok");
    end(&waiting);
    assert_string_equal(waiting.result.data, "t.x \"hello\" verified:alice\ndropped 0 lagged 0");
    bh_result_deinit(&waiting.result);
}

static void publish_system(const char *topic, const char *payload)
{
    bhi_message *message;
    bhi_message_spec spec = {.topic = bhi_bytes_of(topic),
                             .payload = bhi_bytes_of(payload),
                             .attribution = BHI_ATTRIBUTION_SYSTEM};
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    bhi_bus_publish(fixture.runtime->bus, message);
    bhi_message_release(message);
}

static void a_lease_hears_its_own_principal_and_the_host_only(void **state)
{
    caller waiting = {.principal = "bob", .action = "recv", .payload = "t.*=60000"};
    start(&waiting);
    expect("publish", "t.x=\"of alice\"", "ok");
    publish_system("t.x", "\"of the host\"");
    end(&waiting);
    assert_string_equal(waiting.result.data, "t.x \"of the host\" system:\ndropped 0 lagged 0");
    bh_result_deinit(&waiting.result);
}

static void an_abandoned_recv_leaves_nothing(void **state)
{
    caller waiting = {
        .principal = "alice", .action = "recv", .payload = "t.*=60000", .timeout_ms = 300};
    start(&waiting);
    end(&waiting);
    assert_int_equal(waiting.result.outcome, BH_OUTCOME_DEADLINE);
    assert_int_equal(subscribers(), 0);
    expect("publish", "t.x=1", "ok");
    bh_result_deinit(&waiting.result);
}

/* Two capsules in turn: each publishes what it heard of the other, one deeper. */
static void messages_that_cause_each_other_end_at_depth_8(void **state)
{
    enum { CHAIN = 10 };
    caller links[CHAIN];
    bh_capsule *other = load_with("other", RIGHTS);
    char payloads[CHAIN][32];
    for (int i = 0; i < CHAIN; i++) {
        snprintf(payloads[i], sizeof payloads[i], "t.d%d=t.d%d", i, i + 1);
        links[i] = (caller){.capsule = i % 2 == 0 ? other : probe,
                            .principal = "alice",
                            .action = "loop",
                            .payload = payloads[i],
                            .timeout_ms = i < CHAIN - 1 ? 60000 : 3000}; /* who waits in vain */
        start(&links[i]);
    }
    expect("publish", "t.d0=1", "ok");
    for (int i = 0; i < CHAIN; i++) {
        end(&links[i]);
        if (i < 8)
            assert_string_equal(links[i].result.data, "ok");
        else if (i == 8)
            assert_string_equal(links[i].result.data, "quota");
        else
            assert_int_equal(links[i].result.outcome, BH_OUTCOME_DEADLINE);
        bh_result_deinit(&links[i].result);
    }
    bh_capsule_release(other);
}

enum { STORM_CALLS = 200 };

static void *storm(void *arg)
{
    char request[700] = "t.storm=\"";
    size_t used = strlen(request);
    memset(request + used, 'x', 600);
    strcpy(request + used + 600, "\"");
    bh_request storming = {.action = "publish",
                           .payload = request,
                           .payload_len = strlen(request),
                           .principal = "slow"};
    for (int i = 0; i < STORM_CALLS; i++) {
        bh_result result = {0};
        assert_int_equal(bh_invoke(probe, &storming, &result, NULL), BH_OK);
        bh_result_deinit(&result);
    }
    return NULL;
}

static void a_storm_is_limited_and_hurts_nobody_else(void **state)
{
    pthread_t storming;
    bhi_subscriber *host;
    bhi_batch batch;
    bhi_subscriber_options options = {.pattern = bhi_bytes_of("t.*"), .ready_cb = ignore_ready};
    assert_int_equal(bhi_bus_subscribe(fixture.runtime->bus, &options, &host, NULL), BH_OK);
    uint64_t began_ns = bhi_monotonic_ns();
    use_engine_signals();
    assert_int_equal(pthread_create(&storming, NULL, storm, NULL), 0);
    for (int i = 0; i < STORM_CALLS; i++)
        expect("publish", "t.calm=1", "ok");
    pthread_join(storming, NULL);
    uint64_t seconds = (bhi_monotonic_ns() - began_ns) / BHI_NS_PER_SECOND;
    size_t calm = 0, storms = 0;
    do {
        bhi_subscriber_take(host, SIZE_MAX, true, &batch);
        for (size_t i = 0; i < batch.count; i++) {
            bool is_calm = bhi_bytes_equal_text(batch.messages[i]->spec.principal, "alice");
            calm += is_calm;
            storms += !is_calm;
            bhi_message_release(batch.messages[i]);
        }
    } while (batch.count > 0);
    assert_int_equal(calm, STORM_CALLS);
    assert_in_range(storms, 1, seconds + 1); /* one such message fits its second */
    bhi_subscriber_close(host);
}

/* Such a capsule keeps its memory and its processes for one principal, over leases that run on any
 * worker; a subscription would have publishers wake a worker that is gone. */
static void a_subscription_ends_with_its_lease_also_when_host_processes_do_not(void **state)
{
    bh_capsule *holder = load_with("holder", RIGHTS "[capabilities]\nhost_process = [\"ls\"]\n");
    caller keep = {.capsule = holder, .principal = "alice", .action = "keep", .payload = "t.*"};
    use_engine_signals();
    assert_int_equal(pthread_create(&keep.thread, NULL, run_caller, &keep), 0);
    end(&keep); /* and its worker is gone */
    assert_string_equal(keep.result.data, "ok");
    assert_int_equal(subscribers(), 0);
    expect("publish", "t.x=1", "ok");
    bh_result_deinit(&keep.result);
    bh_capsule_release(holder);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_topic_needs_the_grammar_and_the_manifest),
        CASE(a_payload_is_json_and_its_bytes_are_kept),
        CASE(topic_and_payload_have_1_mib_together),
        CASE(a_principal_has_a_rate_and_what_is_refused_costs_nothing),
        CASE(only_an_uplink_that_the_operator_lets_may_claim),
        CASE(a_subscription_needs_the_grammar_and_the_manifest),
        CASE(a_lease_has_at_most_128_subscriptions),
        CASE(a_burst_is_received_whole),
        CASE(a_queue_that_is_not_read_loses_the_oldest_and_says_so),
        CASE(readiness_follows_the_queue_and_outlives_the_subscription),
        CASE(recv_says_timeout_when_nothing_came),
        CASE(hooks_have_no_bindings),
        CASE(a_waiting_guest_is_woken_by_another_threads_message),
        CASE(a_lease_hears_its_own_principal_and_the_host_only),
        CASE(an_abandoned_recv_leaves_nothing),
        CASE(messages_that_cause_each_other_end_at_depth_8),
        CASE(a_storm_is_limited_and_hurts_nobody_else),
        CASE(a_subscription_ends_with_its_lease_also_when_host_processes_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
