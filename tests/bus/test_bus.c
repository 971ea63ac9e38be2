/* tests/bus/test_bus.c - delivery, bounds, turns between principals, threads, rates. */
#include <pthread.h>
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

#include "bus/bus.h"

static bhi_bus *bus;
static atomic_int ready_count; /* publishers on any thread */

static int open_bus(void **state)
{
    ready_count = 0;
    return bhi_bus_create(&bus, NULL) == BH_OK ? 0 : -1;
}

static int close_bus(void **state)
{
    bhi_bus_destroy(bus); /* asserts that every subscriber is closed */
    return 0;
}

static void ready_cb(void *arg)
{
    ready_count++;
}

static bhi_subscriber *subscribe_with(bhi_subscriber_options options)
{
    bhi_subscriber *subscriber = NULL;
    options.ready_cb = ready_cb;
    assert_int_equal(bhi_bus_subscribe(bus, &options, &subscriber, NULL), BH_OK);
    return subscriber;
}

static bhi_subscriber *subscribe(const char *pattern, const char *principal)
{
    return subscribe_with((bhi_subscriber_options){
        .pattern = bhi_bytes_of(pattern),
        .principal = principal != NULL ? bhi_bytes_of(principal) : (bhi_bytes){0}});
}

static bhi_subscriber *subscribe_as(bhi_subscriber_rank rank)
{
    return subscribe_with(
        (bhi_subscriber_options){.pattern = BHI_BYTES_LITERAL("a"), .rank = rank});
}

/* principal NULL: the system */
static bhi_publish_verdict publish(const char *topic, const char *payload, size_t len,
                                   const char *principal)
{
    bhi_message *message;
    bhi_message_spec spec = {
        .topic = bhi_bytes_of(topic),
        .payload = {(const uint8_t *)payload, len},
        .principal = principal != NULL ? bhi_bytes_of(principal) : (bhi_bytes){0},
        .attribution = principal != NULL ? BHI_ATTRIBUTION_VERIFIED : BHI_ATTRIBUTION_SYSTEM};
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    bhi_publish_verdict verdict = bhi_bus_publish(bus, message);
    bhi_message_release(message);
    return verdict;
}

static void say(const char *topic, const char *payload, const char *principal)
{
    assert_int_equal(publish(topic, payload, strlen(payload), principal), BHI_PUBLISH_OK);
}

static void release(const bhi_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        bhi_message_release(batch->messages[i]);
}

/* The payloads of one batch in one text. */
static const char *take(bhi_subscriber *subscriber, size_t bytes_max, bool one_principal)
{
    static char text[4096];
    bhi_batch batch;
    size_t used = 0;
    bhi_subscriber_take(subscriber, bytes_max, one_principal, &batch);
    for (size_t i = 0; i < batch.count; i++)
        used += (size_t)sprintf(text + used, "%.*s ", (int)batch.messages[i]->spec.payload.len,
                                (const char *)batch.messages[i]->spec.payload.data);
    text[used] = 0;
    release(&batch);
    return text;
}

static const char *take_all(bhi_subscriber *subscriber)
{
    return take(subscriber, BHI_BUS_QUEUE_BYTES_MAX, false);
}

static void a_message_reaches_every_subscriber_that_covers_its_topic_once_M1(void **state)
{
    bhi_subscriber *one = subscribe("a.b", NULL);
    bhi_subscriber *tree = subscribe("a.*", NULL);
    bhi_subscriber *other = subscribe("b.*", NULL);
    say("a.b", "1", "alice");
    say("a.c", "2", "alice");
    assert_string_equal(take_all(one), "1 ");
    assert_string_equal(take_all(tree), "1 2 ");
    assert_string_equal(take_all(other), "");
    assert_string_equal(take_all(tree), "");
    bhi_subscriber_close(one);
    bhi_subscriber_close(tree);
    bhi_subscriber_close(other);
}

static void readiness_is_told_once_per_emptiness_M3(void **state)
{
    bhi_subscriber *one = subscribe("a", NULL);
    assert_true(bhi_subscriber_is_empty(one));
    say("a", "1", "alice");
    say("a", "2", "bob");
    assert_int_equal(ready_count, 1);
    assert_false(bhi_subscriber_is_empty(one));
    take_all(one);
    say("a", "3", "alice");
    assert_int_equal(ready_count, 2);
    bhi_subscriber_close(one);
    say("a", "4", "alice");
    assert_int_equal(ready_count, 2);
}

static void a_scoped_subscriber_hears_its_principal_and_the_system(void **state)
{
    bhi_subscriber *alices = subscribe("a", "alice");
    say("a", "1", "alice");
    say("a", "2", "bob");
    say("a", "3", NULL);
    say("a", "4", "alic");
    assert_string_equal(take_all(alices), "1 3 ");
    bhi_subscriber_close(alices);
}

static void the_257th_subscriber_gets_nothing_and_the_publisher_is_told(void **state)
{
    bhi_subscriber *all[BHI_BUS_FANOUT_MAX + 1];
    for (int i = 0; i < BHI_BUS_FANOUT_MAX; i++)
        all[i] = subscribe("a", NULL);
    assert_int_equal(publish("a", "1", 1, "alice"), BHI_PUBLISH_OK);
    all[BHI_BUS_FANOUT_MAX] = subscribe("a", NULL);
    assert_int_equal(publish("a", "2", 1, "alice"), BHI_PUBLISH_BACKPRESSURE);
    int got = 0;
    for (int i = 0; i <= BHI_BUS_FANOUT_MAX; i++) {
        got += strstr(take_all(all[i]), "2 ") != NULL;
        bhi_subscriber_close(all[i]);
    }
    assert_int_equal(got, BHI_BUS_FANOUT_MAX);
}

static void a_message_of_the_host_reaches_whoever_subscribed(void **state)
{
    bhi_subscriber *all[BHI_BUS_FANOUT_MAX + 1];
    for (int i = 0; i <= BHI_BUS_FANOUT_MAX; i++)
        all[i] = subscribe("a", i < BHI_BUS_FANOUT_MAX ? "mallory" : "alice");
    assert_int_equal(publish("a", "1", 1, NULL), BHI_PUBLISH_OK);
    assert_string_equal(take_all(all[BHI_BUS_FANOUT_MAX]), "1 ");
    for (int i = 0; i <= BHI_BUS_FANOUT_MAX; i++)
        bhi_subscriber_close(all[i]);
}

/* 256 of one rank are served, the next one is not, and one of another is all the same. */
static void crowd(bhi_subscriber_rank rank, bhi_subscriber_rank other_rank)
{
    bhi_subscriber *many[BHI_BUS_FANOUT_MAX + 1], *other;
    for (int i = 0; i < BHI_BUS_FANOUT_MAX; i++)
        many[i] = subscribe_as(rank);
    other = subscribe_as(other_rank);
    assert_int_equal(publish("a", "1", 1, "alice"), BHI_PUBLISH_OK);
    many[BHI_BUS_FANOUT_MAX] = subscribe_as(rank);
    assert_int_equal(publish("a", "2", 1, "alice"), BHI_PUBLISH_BACKPRESSURE);
    assert_string_equal(take_all(other), "1 2 ");
    for (int i = 0; i <= BHI_BUS_FANOUT_MAX; i++) {
        assert_string_equal(take_all(many[i]), i < BHI_BUS_FANOUT_MAX ? "1 2 " : "");
        bhi_subscriber_close(many[i]);
    }
    bhi_subscriber_close(other);
}

static void leases_and_run_loops_take_no_place_from_each_other_M5(void **state)
{
    for (int rank = 0; rank < BHI_SUBSCRIBER_HOST; rank++)
        for (int other = 0; other < BHI_SUBSCRIBER_RANKS; other++)
            if (rank != other)
                crowd((bhi_subscriber_rank)rank, (bhi_subscriber_rank)other);
}

static void listeners_of_the_host_take_nobodys_place_M5(void **state)
{
    bhi_subscriber *all[BHI_BUS_FANOUT_MAX], *listeners[2];
    listeners[0] = subscribe_as(BHI_SUBSCRIBER_HOST);
    for (int i = 0; i < BHI_BUS_FANOUT_MAX; i++)
        all[i] = subscribe("a", NULL);
    listeners[1] = subscribe_as(BHI_SUBSCRIBER_HOST);
    assert_int_equal(publish("a", "1", 1, "alice"), BHI_PUBLISH_OK);
    bhi_subscriber *more = subscribe("a", NULL);
    assert_int_equal(publish("a", "2", 1, "alice"), BHI_PUBLISH_BACKPRESSURE);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(take_all(listeners[i]), "1 2 ");
        bhi_subscriber_close(listeners[i]);
    }
    for (int i = 0; i < BHI_BUS_FANOUT_MAX; i++)
        bhi_subscriber_close(all[i]);
    bhi_subscriber_close(more);
}

static void queues_of_one_account_are_bounded_together_M6(void **state)
{
    enum { QUEUES = 20, EACH = 10, LEN = 100000 };
    static char text[LEN];
    static bhi_batch batch;
    char principal[8];
    bhi_bus_account account = {0};
    bhi_subscriber *queues[QUEUES], *other = subscribe("a", NULL);
    for (int i = 0; i < QUEUES; i++)
        queues[i] = subscribe_with(
            (bhi_subscriber_options){.pattern = BHI_BYTES_LITERAL("a"), .account = &account});
    memset(text, '1', sizeof text);
    for (int i = 0; i < EACH; i++) {
        snprintf(principal, sizeof principal, "p%d", i);
        assert_int_equal(publish("a", text, sizeof text, principal), BHI_PUBLISH_OK);
    }
    size_t held = 0, lost = 0;
    for (int i = 0; i < QUEUES; i++) {
        bhi_subscriber_take(queues[i], SIZE_MAX, false, &batch);
        held += batch.count;
        lost += batch.dropped;
        for (size_t at = 0; at < batch.count; at++)
            bhi_message_release(batch.messages[at]);
    }
    assert_int_equal(held + lost, QUEUES * EACH);
    assert_true(held * LEN <= BHI_BUS_ACCOUNT_BYTES_MAX + (QUEUES * 64 << 10));
    assert_true(held * LEN >= BHI_BUS_ACCOUNT_BYTES_MAX / 2);
    assert_int_equal(account.bytes, 0); /* all was read */
    bhi_subscriber_take(other, SIZE_MAX, false, &batch);
    assert_int_equal(batch.count, EACH); /* another's queue lost nothing */
    for (size_t at = 0; at < batch.count; at++)
        bhi_message_release(batch.messages[at]);
    bhi_subscriber_close(other);
    assert_int_equal(publish("a", text, sizeof text, "alice"), BHI_PUBLISH_OK);
    assert_true(account.bytes > 0);
    for (int i = 0; i < QUEUES; i++)
        bhi_subscriber_close(queues[i]);
    assert_int_equal(account.bytes, 0); /* nor does closing leave any */
}

static void the_257th_message_of_a_principal_pushes_out_its_first_M2(void **state)
{
    char text[8];
    bhi_subscriber *one = subscribe("a", NULL);
    say("a", "other", "bob");
    for (int i = 0; i <= BHI_BUS_PRINCIPAL_MESSAGES_MAX; i++) {
        snprintf(text, sizeof text, "%d", i);
        say("a", text, "alice");
    }
    bhi_batch batch;
    bhi_subscriber_take(one, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    assert_int_equal(batch.dropped, 1);
    assert_int_equal(batch.lagged, 1);
    assert_int_equal(batch.count, BHI_BUS_TAKE_MAX);
    release(&batch);
    bhi_subscriber_take(one, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    assert_int_equal(batch.dropped, 0);
    assert_int_equal(batch.lagged, 1);
    assert_int_equal(batch.count, 1);
    release(&batch);
    bhi_subscriber_close(one);
}

/* 600 KiB twice do not fit: who holds most loses its oldest, and bob's small one stays. */
static void bytes_are_bounded_and_the_largest_holder_loses_M2(void **state)
{
    size_t len = 600 << 10;
    char *large = malloc(BHI_BUS_QUEUE_BYTES_MAX);
    memset(large, '1', BHI_BUS_QUEUE_BYTES_MAX);
    bhi_subscriber *one = subscribe("a", NULL);
    say("a", "small", "bob");
    assert_int_equal(publish("a", large, len, "alice"), BHI_PUBLISH_OK);
    assert_int_equal(publish("a", large, len, "alice"), BHI_PUBLISH_OK);
    bhi_batch batch;
    bhi_subscriber_take(one, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.dropped, 1);
    release(&batch);
    assert_int_equal(publish("a", large, BHI_BUS_QUEUE_BYTES_MAX - 1, "alice"), BHI_PUBLISH_OK);
    say("a", "x", "carol"); /* does not fit beside it */
    assert_string_equal(take_all(one), "x ");
    bhi_subscriber_close(one);
    free(large);
}

/* Alice has queued 200, bob one: a small budget still serves both. */
static void principals_take_turns_and_stay_in_order_M4(void **state)
{
    char payload[1000];
    memset(payload, 'A', sizeof payload);
    bhi_subscriber *one = subscribe("a", NULL);
    for (int i = 0; i < 200; i++)
        assert_int_equal(publish("a", payload, sizeof payload, "alice"), BHI_PUBLISH_OK);
    say("a", "1", "bob");
    say("a", "2", "bob");
    bhi_batch batch;
    bhi_subscriber_take(one, 16 << 10, false, &batch);
    int bobs = 0;
    char last = '0';
    for (size_t i = 0; i < batch.count; i++)
        if (bhi_bytes_equal_text(batch.messages[i]->spec.principal, "bob")) {
            assert_true(batch.messages[i]->spec.payload.data[0] > (uint8_t)last);
            last = (char)batch.messages[i]->spec.payload.data[0];
            bobs++;
        }
    assert_int_equal(bobs, 2);
    assert_true(batch.count >= 10);
    release(&batch);
    bhi_subscriber_close(one);
}

static void a_batch_of_one_principal_leaves_the_others_queued(void **state)
{
    bhi_subscriber *one = subscribe("a", NULL);
    say("a", "a1", "alice");
    say("a", "b1", "bob");
    say("a", "s1", NULL);
    say("a", "a2", "alice");
    assert_string_equal(take(one, BHI_BUS_QUEUE_BYTES_MAX, true), "a1 a2 ");
    assert_string_equal(take(one, BHI_BUS_QUEUE_BYTES_MAX, true), "b1 ");
    assert_string_equal(take(one, BHI_BUS_QUEUE_BYTES_MAX, true), "s1 ");
    assert_string_equal(take(one, BHI_BUS_QUEUE_BYTES_MAX, true), "");
    bhi_subscriber_close(one);
}

static void a_message_over_the_budget_is_taken_alone(void **state)
{
    bhi_subscriber *one = subscribe("a", NULL);
    say("a", "larger than eight", "alice");
    say("a", "b", "bob");
    assert_string_equal(take(one, 8, false), "larger than eight ");
    assert_string_equal(take(one, 8, false), "b ");
    bhi_subscriber_close(one);
}

static void five_hundred_principals_in_one_queue_lose_nothing(void **state)
{
    char name[16];
    bhi_subscriber *one = subscribe("a", NULL);
    int total = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof name, "p%d", i);
            say("a", "1", name);
        }
        bhi_batch batch;
        do {
            bhi_subscriber_take(one, BHI_BUS_QUEUE_BYTES_MAX, round == 1, &batch);
            total += (int)batch.count;
            assert_int_equal(batch.lagged, 0);
            release(&batch);
        } while (batch.count > 0);
    }
    assert_int_equal(total, 1500);
    bhi_subscriber_close(one);
}

/* ---- dispatch ---- */

static bool dispatch_cb(void *arg, bhi_message *message)
{
    assert_true(bhi_bytes_equal_text(message->spec.topic, "a"));
    return ++*(int *)arg < 2;
}

static void handlers_that_have_too_much_to_do_are_backpressure(void **state)
{
    int calls = 0;
    bhi_bus_set_dispatch(bus, dispatch_cb, &calls);
    bhi_subscriber *one = subscribe("a", NULL);
    assert_int_equal(publish("a", "1", 1, "alice"), BHI_PUBLISH_OK);
    assert_int_equal(publish("a", "2", 1, "alice"), BHI_PUBLISH_BACKPRESSURE);
    assert_string_equal(take_all(one), "1 2 "); /* subscribers got both */
    bhi_subscriber_close(one);
    bhi_bus_stats stats;
    bhi_bus_read_stats(bus, &stats);
    assert_int_equal(stats.published, 2);
    assert_int_equal(stats.delivered, 2);
    assert_int_equal(stats.backpressure, 1);
    assert_int_equal(stats.subscribers, 0);
}

/* ---- threads ---- */

enum { PUBLISHERS = 3, MESSAGES_EACH = 20000 };

static void *publish_many(void *arg)
{
    char text[32], principal[2] = {(char)('a' + (int)(intptr_t)arg), 0};
    for (int i = 0; i < MESSAGES_EACH; i++) {
        snprintf(text, sizeof text, "%d", i);
        publish("t.x", text, strlen(text), principal);
    }
    return NULL;
}

static atomic_bool must_stop;

static void *come_and_go(void *arg)
{
    while (!atomic_load(&must_stop)) {
        bhi_subscriber *one = subscribe("t.*", NULL);
        take_all(one);
        bhi_subscriber_close(one);
    }
    return NULL;
}

static void messages_of_a_principal_keep_their_order_between_threads_M4(void **state)
{
    pthread_t publishers[PUBLISHERS], visitor;
    int last[PUBLISHERS] = {-1, -1, -1};
    uint64_t received = 0;
    bhi_batch batch = {0};
    bhi_subscriber *one = subscribe("t.x", NULL);
    atomic_store(&must_stop, false);
    pthread_create(&visitor, NULL, come_and_go, NULL);
    for (intptr_t i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish_many, (void *)i);
    while (received + batch.lagged < (uint64_t)PUBLISHERS * MESSAGES_EACH) {
        bhi_subscriber_take(one, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
        for (size_t i = 0; i < batch.count; i++) {
            const bhi_message_spec *spec = &batch.messages[i]->spec;
            int who = spec->principal.data[0] - 'a';
            int number = atoi(strndupa((const char *)spec->payload.data, spec->payload.len));
            assert_true(number > last[who]);
            last[who] = number;
        }
        received += batch.count;
        release(&batch);
        sched_yield();
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        pthread_join(publishers[i], NULL);
        assert_int_equal(last[i], MESSAGES_EACH - 1); /* the newest is never the one dropped */
    }
    atomic_store(&must_stop, true);
    pthread_join(visitor, NULL);
    bhi_subscriber_close(one);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bus, close_bus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_message_reaches_every_subscriber_that_covers_its_topic_once_M1),
        CASE(readiness_is_told_once_per_emptiness_M3),
        CASE(a_scoped_subscriber_hears_its_principal_and_the_system),
        CASE(the_257th_subscriber_gets_nothing_and_the_publisher_is_told),
        CASE(a_message_of_the_host_reaches_whoever_subscribed),
        CASE(leases_and_run_loops_take_no_place_from_each_other_M5),
        CASE(listeners_of_the_host_take_nobodys_place_M5),
        CASE(queues_of_one_account_are_bounded_together_M6),
        CASE(the_257th_message_of_a_principal_pushes_out_its_first_M2),
        CASE(bytes_are_bounded_and_the_largest_holder_loses_M2),
        CASE(principals_take_turns_and_stay_in_order_M4),
        CASE(a_batch_of_one_principal_leaves_the_others_queued),
        CASE(a_message_over_the_budget_is_taken_alone),
        CASE(five_hundred_principals_in_one_queue_lose_nothing),
        CASE(handlers_that_have_too_much_to_do_are_backpressure),
        CASE(messages_of_a_principal_keep_their_order_between_threads_M4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
