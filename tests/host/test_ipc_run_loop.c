/* tests/host/test_ipc_run_loop.c - for whom a run loop acts after each batch, what marks its
 * messages carry, and how arrivals wake it. The host functions are called as a guest's imports call
 * them; where a guest would be suspended, this thread turns its worker. */
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

#include "host/host.h"
#include "host/lease_context.h"
#include "host/principal.h"
#include "host/sources.h"
#include "support/fake_guest.h"

#define LOOP_ID   "11111111-1111-4111-8111-111111111111"
#define SOURCE_ID "22222222-2222-4222-8222-222222222222"

static bhi_bus *bus;
static bhi_worker *worker;
static bhi_publish_rates *rates;
static fake_guest fake;
static bhi_batch_origin batch_origin;
static bhi_lease_context lease;
static bhi_task task; /* the guest's: to be woken is to leave suspend */
static bhi_ipc_subscription *subscription;

static const bhi_bytes everything[] = {BHI_BYTES_LITERAL("t.*")};
static const bhi_handler_binding handlers[] = {
    {.pattern = BHI_BYTES_LITERAL("t.one"), .action = BHI_BYTES_LITERAL("first")},
    {.pattern = BHI_BYTES_LITERAL("t.*"), .action = BHI_BYTES_LITERAL("second")}};
static const bhi_grants grants = {.publish = {everything, 1},
                                  .subscribe = {everything, 1},
                                  .handlers = handlers,
                                  .handlers_count = 2,
                                  .owner = BHI_BYTES_LITERAL("owner")};

static bool suspend(bhi_guest *guest)
{
    bhi_worker_turn(worker, true);
    return true;
}

static void run_task(bhi_task *ready)
{
    (void)ready;
}

static void subscribe(void)
{
    bhi_ipc_subscription_result result = {0};
    assert_true(bhi_host_ipc.subscribe(&fake.guest, BHI_BYTES_LITERAL("t.*"), &result));
    assert_true(result.is_ok);
    subscription = result.ok;
}

static void fill_lease(void)
{
    lease = (bhi_lease_context){.principal = grants.owner,
                                .grants = &grants,
                                .session_id = BHI_BYTES_LITERAL(LOOP_ID),
                                .bus = bus,
                                .rates = rates,
                                .publish_bytes_per_s_max = 1 << 20,
                                .is_run_loop = true,
                                .batch = &batch_origin,
                                .worker = worker,
                                .task = &task};
}

static int open_loop(void **state)
{
    static bhi_guest_ops ops;
    fake_guest_init(&fake, 1024, NULL);
    ops = *fake.guest.ops;
    ops.suspend = suspend;
    fake.guest.ops = &ops;
    fake.guest.lease = &lease;
    bhi_task_init(&task, run_task);
    if (bhi_bus_create(&bus, NULL) != BH_OK || bhi_worker_create(&worker, NULL) != BH_OK ||
        bhi_rates_create(&rates, NULL) != BH_OK)
        return -1;
    fill_lease();
    subscribe();
    return 0;
}

static int close_loop(void **state)
{
    if (subscription != NULL)
        bhi_host_ipc.subscription_drop(subscription);
    bhi_lease_context_end(&lease);
    bhi_bus_destroy(bus); /* asserts that no subscriber is left */
    bhi_worker_forget(worker, &task);
    bhi_worker_destroy(worker);
    bhi_rates_destroy(rates);
    fake_guest_deinit(&fake);
    return 0;
}

/* ---- messages of others ---- */

static void publish_spec(bhi_message_spec spec)
{
    bhi_message *message;
    spec.topic = BHI_BYTES_LITERAL("t.x");
    spec.payload = BHI_BYTES_LITERAL("1");
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    assert_int_equal(bhi_bus_publish(bus, message), BHI_PUBLISH_OK);
    bhi_message_release(message);
}

static void say(const char *principal)
{
    publish_spec((bhi_message_spec){.source_id = BHI_BYTES_LITERAL(SOURCE_ID),
                                    .principal = bhi_bytes_of(principal)});
}

static void claim(const char *principal, bool may_act)
{
    publish_spec((bhi_message_spec){.source_id = BHI_BYTES_LITERAL(SOURCE_ID),
                                    .principal = bhi_bytes_of(principal),
                                    .attribution = BHI_ATTRIBUTION_CLAIMED,
                                    .may_act = may_act});
}

/* ---- what the guest does ---- */

static void ignore_ready(void *arg)
{
    (void)arg;
}

static bhi_ipc_envelope take(void)
{
    bhi_ipc_envelope_result result = {0};
    assert_true(bhi_host_ipc.subscription_poll(&fake.guest, subscription, &result));
    assert_true(result.is_ok);
    return result.ok;
}

static bhi_ipc_unit_result publish(void)
{
    bhi_ipc_unit_result result = {0};
    assert_true(bhi_host_ipc.publish(&fake.guest, BHI_BYTES_LITERAL("t.y"), BHI_BYTES_LITERAL("2"),
                                     &result));
    return result;
}

/* Publishes and takes back what came of it. */
static bhi_message_spec published(void)
{
    static char principal[BHI_PRINCIPAL_BYTES_MAX + 1];
    bhi_batch batch;
    bhi_subscriber *host;
    bhi_subscriber_options options = {.pattern = BHI_BYTES_LITERAL("t.y"),
                                      .ready_cb = ignore_ready};
    assert_int_equal(bhi_bus_subscribe(bus, &options, &host, NULL), BH_OK);
    assert_true(publish().is_ok);
    bhi_subscriber_take(host, SIZE_MAX, false, &batch);
    assert_int_equal(batch.count, 1);
    bhi_message_spec spec = batch.messages[0]->spec;
    memcpy(principal, spec.principal.data, spec.principal.len);
    spec.principal.data = (const uint8_t *)principal;
    bhi_message_release(batch.messages[0]);
    bhi_subscriber_close(host);
    return spec;
}

static void expect_principal(const char *principal, bhi_attribution attribution)
{
    assert_true(bhi_bytes_equal_text(lease.principal, principal));
    assert_int_equal(lease.attribution, attribution);
}

/* ---- for whom it acts ---- */

static void a_batch_is_of_one_principal_and_the_loop_acts_for_it(void **state)
{
    say("alice");
    say("bob");
    say("alice");
    assert_int_equal(take().messages.len, 2);
    expect_principal("alice", BHI_ATTRIBUTION_VERIFIED);
    assert_true(lease.has_caller);
    assert_true(bhi_bytes_equal_text(lease.source_id, SOURCE_ID));
    assert_int_equal(take().messages.len, 1);
    expect_principal("bob", BHI_ATTRIBUTION_VERIFIED);
}

static void limit_by_name(bhi_lease_context *context)
{
    context->storage_bytes_max = context->principal.len;
    context->publish_bytes_per_s_max = 1000 + context->principal.len;
}

static void the_loop_has_the_limits_of_whom_it_acts_for(void **state)
{
    lease.limit_cb = limit_by_name;
    say("alice");
    assert_int_equal(take().messages.len, 1);
    assert_int_equal(lease.storage_bytes_max, 5);
    assert_int_equal(lease.publish_bytes_per_s_max, 1005);
}

static void an_empty_batch_leaves_the_loop_with_whom_it_acted_for(void **state)
{
    say("alice");
    take();
    assert_int_equal(take().messages.len, 0);
    expect_principal("alice", BHI_ATTRIBUTION_VERIFIED);
    assert_int_equal(lease.publish_depth, 1);
}

static void the_longest_names_outlive_their_message(void **state)
{
    char name[BHI_PRINCIPAL_BYTES_MAX + 1];
    memset(name, 'n', BHI_PRINCIPAL_BYTES_MAX);
    name[BHI_PRINCIPAL_BYTES_MAX] = 0;
    say(name);
    take();
    say("bob"); /* queued, not taken */
    expect_principal(name, BHI_ATTRIBUTION_VERIFIED);
    assert_true(bhi_bytes_equal_text(lease.source_id, SOURCE_ID));
    const char *at = (const char *)lease.principal.data;
    assert_ptr_equal(at, batch_origin.principal);
}

static void a_message_of_the_host_leaves_the_loop_to_its_owner(void **state)
{
    say("alice");
    take();
    publish_spec((bhi_message_spec){.attribution = BHI_ATTRIBUTION_SYSTEM});
    bhi_ipc_envelope envelope = take();
    const bhi_ipc_message *message = &envelope.messages.data[0];
    assert_int_equal(message->principal.tag, BHI_IPC_PRINCIPAL_ATTRIBUTION_SYSTEM);
    assert_true(bhi_bytes_equal_text(message->source_id, "00000000-0000-0000-0000-000000000000"));
    expect_principal("owner", BHI_ATTRIBUTION_VERIFIED);
    assert_int_equal(lease.source_id.len, 0);
}

static void a_claim_is_delivered_with_its_mark_and_not_acted_for(void **state)
{
    say("alice");
    take();
    claim("bob", false);
    bhi_ipc_envelope envelope = take();
    const bhi_ipc_principal_attribution *mark = &envelope.messages.data[0].principal;
    assert_int_equal(mark->tag, BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED);
    assert_true(bhi_bytes_equal_text(mark->claimed, "bob"));
    expect_principal("owner", BHI_ATTRIBUTION_VERIFIED);
    assert_false(lease.may_act);
}

static void a_claim_that_may_be_acted_for_stays_a_claim_in_what_it_causes(void **state)
{
    claim("bob", true);
    take();
    expect_principal("bob", BHI_ATTRIBUTION_CLAIMED);
    bhi_message_spec spec = published();
    assert_true(bhi_bytes_equal_text(spec.principal, "bob"));
    assert_int_equal(spec.attribution, BHI_ATTRIBUTION_CLAIMED);
    assert_true(spec.may_act);
    assert_int_equal(spec.depth, 1);
}

/* The same name three times: who only claims it is not acted for, in whatever order they come. */
static void a_claim_borrows_no_right_from_its_neighbours(void **state)
{
    claim("bob", true);
    claim("bob", false);
    say("bob");
    claim("bob", false);
    int claims = 0, deliveries = 0;
    for (bhi_ipc_envelope envelope = take(); envelope.messages.len > 0; envelope = take()) {
        bool is_acted_for = bhi_bytes_equal_text(lease.principal, "bob");
        deliveries += (int)envelope.messages.len;
        claims += is_acted_for ? 0 : (int)envelope.messages.len;
    }
    assert_int_equal(deliveries, 4);
    assert_int_equal(claims, 2);
}

/* ---- depth ---- */

static void a_loop_publishes_one_deeper_than_what_it_heard_down_to_8(void **state)
{
    publish_spec((bhi_message_spec){.principal = BHI_BYTES_LITERAL("alice"),
                                    .depth = BHI_BUS_DEPTH_MAX - 1});
    take();
    assert_int_equal(published().depth, BHI_BUS_DEPTH_MAX);
    take(); /* its own, at depth 8 */
    bhi_ipc_unit_result result = publish();
    assert_false(result.is_ok);
    assert_int_equal(result.error.tag, BHI_IPC_ERROR_CODE_QUOTA);
    say("alice");
    take();
    assert_int_equal(published().depth, 1);
}

/* ---- bindings ---- */

static void a_loop_is_told_its_handlers(void **state)
{
    bhi_ipc_interceptor_binding_list_result result = {0};
    assert_true(bhi_host_ipc.get_interceptor_bindings(&fake.guest, &result));
    assert_true(result.is_ok);
    assert_int_equal(result.ok.len, 2);
    assert_int_equal(result.ok.data[1].handle_id, 1);
    assert_true(bhi_bytes_equal_text(result.ok.data[1].action, "second"));
    assert_true(bhi_bytes_equal_text(result.ok.data[1].topic, "t.*"));
}

/* ---- waking ---- */

static uint64_t posts(void)
{
    bhi_worker_stats stats;
    bhi_worker_turn(worker, false);
    bhi_worker_read_stats(worker, &stats);
    return stats.posts;
}

static bhi_ipc_envelope_result recv_for(uint64_t timeout_ms)
{
    bhi_ipc_envelope_result result = {0};
    assert_true(bhi_host_ipc.subscription_recv(&fake.guest, subscription, timeout_ms, &result));
    return result;
}

static void who_does_not_wait_is_not_posted_to(void **state)
{
    for (int i = 0; i < 100; i++) {
        say("alice");
        assert_int_equal(take().messages.len, 1);
    }
    assert_int_equal(posts(), 0);
}

static void a_wait_that_was_over_costs_one_post(void **state)
{
    bhi_ipc_envelope_result result = recv_for(1);
    assert_false(result.is_ok);
    assert_int_equal(result.error.tag, BHI_IPC_ERROR_CODE_TIMEOUT);
    for (int i = 0; i < 100; i++) {
        say("alice");
        take();
    }
    assert_int_equal(posts(), 1);
}

enum { ROUNDS = 3000 };

static atomic_int answered; /* rounds that the loop has received */

static void *publish_when_answered(void *arg)
{
    for (int round = 0; round < ROUNDS; round++) {
        while (atomic_load(&answered) < round)
            ;
        say("alice");
    }
    return NULL;
}

/* The publisher comes at any moment between the look at the queue and the sleep. */
static void no_arrival_is_missed_M3(void **state)
{
    pthread_t publisher;
    atomic_store(&answered, 0);
    assert_int_equal(pthread_create(&publisher, NULL, publish_when_answered, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        bhi_ipc_envelope_result result = recv_for(30000);
        assert_true(result.is_ok); /* else the arrival was missed */
        assert_int_equal(result.ok.messages.len, 1);
        bhi_guest_end_import(&fake.guest);
        atomic_store(&answered, round + 1);
    }
    pthread_join(publisher, NULL);
}

static atomic_bool must_stop;

static void *publish_all_the_time(void *arg)
{
    while (!atomic_load(&must_stop))
        say("alice");
    return NULL;
}

/* Also while a publisher is posting; the sanitizers see what is touched after it went. */
static void a_subscription_may_be_dropped_at_any_moment(void **state)
{
    pthread_t publishers[2];
    atomic_store(&must_stop, false);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&publishers[i], NULL, publish_all_the_time, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 2 == 0)
            assert_true(recv_for(30000).is_ok);
        else
            take();
        bhi_guest_end_import(&fake.guest);
        bhi_host_ipc.subscription_drop(subscription);
        subscribe();
    }
    atomic_store(&must_stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(publishers[i], NULL);
}

/* ---- sources ---- */

static bool is_held(bhi_bytes source_id, const char *capability)
{
    bhi_sys_capability_check_request request = {.source_uuid = source_id,
                                                .capability = bhi_bytes_of(capability)};
    bhi_sys_capability_check_response_result result = {0};
    assert_true(bhi_host_sys.check_capsule_capability(&fake.guest, &request, &result));
    assert_true(result.is_ok);
    return result.ok.allowed;
}

static void a_loop_may_ask_what_the_source_of_a_message_holds(void **state)
{
    static const char *const held[] = {"allow_prompt_injection", "uplink", NULL};
    static const char *const none[] = {NULL};
    bhi_source sender = {.session_id = SOURCE_ID, .capabilities = held};
    bhi_source other = {.session_id = LOOP_ID, .capabilities = none};
    bh_status status = bhi_sources_create(&lease.sources, NULL);
    assert_int_equal(status, BH_OK);
    bhi_sources_add(lease.sources, &sender);
    bhi_sources_add(lease.sources, &other);
    say("alice");
    take();
    assert_true(is_held(lease.source_id, "uplink"));
    assert_false(is_held(lease.source_id, "uplin"));
    assert_false(is_held(BHI_BYTES_LITERAL(LOOP_ID), "uplink"));
    assert_false(is_held((bhi_bytes){0}, "uplink")); /* the host is no capsule */
    bhi_sources_remove(lease.sources, &sender);
    bhi_sources_remove(lease.sources, &sender); /* it may never have been added */
    assert_false(is_held(lease.source_id, "uplink"));
    bhi_sources_remove(lease.sources, &other);
    bhi_sources_destroy(lease.sources);
    lease.sources = NULL;
}

/* ---- a lease of a principal ---- */

static void a_lease_for_a_claimed_principal_publishes_claims(void **state)
{
    lease.is_run_loop = false;
    lease.principal = BHI_BYTES_LITERAL("bob");
    lease.attribution = BHI_ATTRIBUTION_CLAIMED;
    lease.publish_depth = 3;
    bhi_message_spec spec = published();
    assert_int_equal(spec.attribution, BHI_ATTRIBUTION_CLAIMED);
    assert_false(spec.may_act);
    assert_int_equal(spec.depth, 3);
    assert_true(bhi_bytes_equal_text(spec.principal, "bob"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_batch_is_of_one_principal_and_the_loop_acts_for_it),
        CASE(the_loop_has_the_limits_of_whom_it_acts_for),
        CASE(an_empty_batch_leaves_the_loop_with_whom_it_acted_for),
        CASE(the_longest_names_outlive_their_message),
        CASE(a_message_of_the_host_leaves_the_loop_to_its_owner),
        CASE(a_claim_is_delivered_with_its_mark_and_not_acted_for),
        CASE(a_claim_that_may_be_acted_for_stays_a_claim_in_what_it_causes),
        CASE(a_claim_borrows_no_right_from_its_neighbours),
        CASE(a_loop_publishes_one_deeper_than_what_it_heard_down_to_8),
        CASE(a_loop_is_told_its_handlers),
        CASE(who_does_not_wait_is_not_posted_to),
        CASE(a_wait_that_was_over_costs_one_post),
        CASE(no_arrival_is_missed_M3),
        CASE(a_subscription_may_be_dropped_at_any_moment),
        CASE(a_loop_may_ask_what_the_source_of_a_message_holds),
        CASE(a_lease_for_a_claimed_principal_publishes_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
