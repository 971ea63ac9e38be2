/* tests/bus/test_queue.c - one queue: whose messages share a batch, what it holds at most, and
 * whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/queue.h"

static bhi_queue queue;

static int open_queue(void **state)
{
    bhi_queue_init(&queue, NULL);
    return 0;
}

static int close_queue(void **state)
{
    bhi_queue_deinit(&queue);
    return 0;
}

static void push_spec(const bhi_message_spec *spec)
{
    bhi_message *message;
    assert_int_equal(bhi_message_create(spec, &message, NULL), BH_OK);
    assert_true(bhi_queue_push(&queue, message));
    bhi_message_release(message);
}

/* A message of so many bytes, the topic's included, whose payload begins with `number`. */
static void push(const char *principal, uint32_t number, size_t bytes)
{
    uint8_t *payload = calloc(bytes, 1);
    assert_non_null(payload);
    if (bytes > sizeof number)
        memcpy(payload, &number, sizeof number);
    push_spec(&(bhi_message_spec){.topic = BHI_BYTES_LITERAL("a"),
                                  .payload = {payload, bytes - 1},
                                  .principal = bhi_bytes_of(principal)});
    free(payload);
}

static bool is_of(const bhi_message *message, const char *principal)
{
    return bhi_bytes_equal_text(message->spec.principal, principal);
}

static uint32_t number_of(const bhi_message *message)
{
    uint32_t number;
    memcpy(&number, message->spec.payload.data, sizeof number);
    return number;
}

static void release(const bhi_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        bhi_message_release(batch->messages[i]);
}

/* How many of the next batch are this principal's. */
static int take_of(const char *principal, size_t bytes_max, uint64_t *ret_dropped)
{
    bhi_batch batch;
    int count = 0;
    bhi_queue_take(&queue, bytes_max, false, &batch);
    for (size_t i = 0; i < batch.count; i++)
        count += is_of(batch.messages[i], principal);
    if (ret_dropped != NULL)
        *ret_dropped = batch.dropped;
    release(&batch);
    return count;
}

/* ---- who shares a batch ---- */

static void push_trust(bhi_attribution attribution, bool may_act)
{
    push_spec(&(bhi_message_spec){.topic = BHI_BYTES_LITERAL("a"),
                                  .payload = BHI_BYTES_LITERAL("1"),
                                  .principal = BHI_BYTES_LITERAL("bob"),
                                  .attribution = attribution,
                                  .may_act = may_act});
}

/* Else whoever may be acted for would lend the right to who only says so. */
static void one_name_trusted_in_three_ways_makes_three_batches(void **state)
{
    for (int i = 0; i < 2; i++) {
        push_trust(BHI_ATTRIBUTION_CLAIMED, true);
        push_trust(BHI_ATTRIBUTION_CLAIMED, false);
        push_trust(BHI_ATTRIBUTION_VERIFIED, false);
    }
    for (int i = 0; i < 3; i++) {
        bhi_batch batch;
        bhi_queue_take(&queue, BHI_BUS_QUEUE_BYTES_MAX, true, &batch);
        assert_int_equal(batch.count, 2);
        const bhi_message_spec *first = &batch.messages[0]->spec,
                               *second = &batch.messages[1]->spec;
        assert_int_equal(first->attribution, second->attribution);
        assert_int_equal(first->may_act, second->may_act);
        release(&batch);
    }
    assert_int_equal(queue.count, 0);
}

/* ---- bounds ---- */

static void a_message_of_the_whole_budget_fits_alone_M2(void **state)
{
    uint64_t dropped;
    push("alice", 0, 100);
    push("bob", 0, BHI_BUS_QUEUE_BYTES_MAX);
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.bytes, BHI_BUS_QUEUE_BYTES_MAX);
    assert_int_equal(take_of("bob", BHI_BUS_QUEUE_BYTES_MAX, &dropped), 1);
    assert_int_equal(dropped, 1);
}

/* An uplink may claim a new name with each message: the queue stays small all the same. */
static void a_message_counts_at_least_its_bookkeeping_M2(void **state)
{
    enum { FIT = BHI_BUS_QUEUE_BYTES_MAX / BHI_BUS_MESSAGE_BYTES_MIN };
    char name[16];
    for (int i = 0; i < FIT; i++) {
        snprintf(name, sizeof name, "p%d", i);
        push(name, 0, 2);
    }
    assert_int_equal(queue.count, FIT);
    assert_int_equal(queue.lagged, 0);
    push("one-more", 0, 2);
    assert_int_equal(queue.count, FIT);
    assert_int_equal(queue.lagged, 1);
    assert_int_equal(queue.active_count, FIT);
    assert_int_equal(take_of("p0", SIZE_MAX, NULL), 0); /* of equals the oldest went */
}

static void lanes_that_are_empty_are_given_back(void **state)
{
    char name[16];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "p%d", i);
        push(name, 0, 2);
    }
    while (queue.count > 0)
        take_of("p0", BHI_BUS_QUEUE_BYTES_MAX, NULL);
    assert_int_equal(queue.active_count, 0);
    assert_true(queue.idle_count <= 16);
}

/* ---- turns ---- */

static void many_small_messages_leave_room_for_another_principal_in_the_batch(void **state)
{
    for (uint32_t i = 0; i < BHI_BUS_PRINCIPAL_MESSAGES_MAX; i++)
        push("alice", i, 20);
    for (uint32_t i = 0; i < 3; i++)
        push("bob", i, 20);
    assert_int_equal(take_of("bob", BHI_BUS_QUEUE_BYTES_MAX, NULL), 3);
}

/* A turn that a full batch ended goes on in the next one; it does not begin anew. */
static void large_messages_that_never_end_leave_each_batch_room_for_small_ones(void **state)
{
    static const size_t large = 400 << 10, budget = 512 << 10;
    for (int taken = 0; taken < 30; taken++) {
        while (queue.bytes < 2 * large)
            push("alice", 0, large);
        push("bob", 0, 20);
        assert_int_equal(take_of("bob", budget, NULL), 1);
    }
}

/* ---- against a model ---- */

enum { PRINCIPALS = 5, STEPS = 20000 };

typedef struct tally {
    uint32_t next[PRINCIPALS]; /* number of the next message to push */
    uint32_t seen[PRINCIPALS]; /* one more than the last one taken */
    uint64_t pushed, taken, lagged;
} tally;

static uint32_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static size_t random_size(void)
{
    static const size_t sizes[] = {6, 40, 600, 5000, 70000, 500000, BHI_BUS_QUEUE_BYTES_MAX};
    return sizes[random_below(100) < 97 ? random_below(5) : 5 + random_below(2)];
}

static void push_random(tally *model)
{
    uint32_t who = random_below(PRINCIPALS);
    char name[2] = {(char)('a' + who), 0};
    push(name, model->next[who]++, random_size());
    model->pushed++;
}

static void take_random(tally *model)
{
    bhi_batch batch;
    bool one_principal = random_below(4) == 0;
    bhi_queue_take(&queue, 1 + random_below(BHI_BUS_QUEUE_BYTES_MAX), one_principal, &batch);
    for (size_t i = 0; i < batch.count; i++) {
        uint32_t who = batch.messages[i]->spec.principal.data[0] - (uint32_t)'a';
        assert_true(number_of(batch.messages[i]) >= model->seen[who]); /* M4 */
        model->seen[who] = number_of(batch.messages[i]) + 1;
        if (one_principal)
            assert_true(bhi_bytes_equal(batch.messages[i]->spec.principal,
                                        batch.messages[0]->spec.principal));
    }
    model->taken += batch.count;
    model->lagged += batch.dropped;
    assert_int_equal(batch.lagged, model->lagged);
    release(&batch);
}

static void every_message_is_taken_dropped_or_queued_in_any_sequence_M1_M2_M4(void **state)
{
    tally model = {0};
    random_state = 20251125;
    for (int step = 0; step < STEPS; step++) {
        if (random_below(20) == 0)
            take_random(&model);
        else
            push_random(&model);
        assert_int_equal(model.pushed, model.taken + queue.lagged + queue.count);
        assert_true(queue.bytes <= BHI_BUS_QUEUE_BYTES_MAX);
        assert_true(queue.count <= PRINCIPALS * BHI_BUS_PRINCIPAL_MESSAGES_MAX);
        assert_true((queue.count == 0) == (queue.active_count == 0));
    }
    while (queue.count > 0)
        take_random(&model);
    assert_int_equal(queue.bytes, 0);
    assert_int_equal(model.pushed, model.taken + queue.lagged);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_queue, close_queue)

/* ---- the account ---- */

static void a_full_account_loses_the_new_message_and_no_other_M6(void **state)
{
    enum { LEFT = 64 << 10 }; /* not enough for the message */
    bhi_bus_account account = {.bytes = BHI_BUS_ACCOUNT_BYTES_MAX - LEFT};
    bhi_message *message;
    uint8_t *payload = calloc(200000, 1);
    bhi_message_spec spec = {.topic = BHI_BYTES_LITERAL("a"),
                             .payload = {payload, 200000},
                             .principal = BHI_BYTES_LITERAL("mallory")};
    queue.account = &account;
    for (uint32_t i = 0; i < 20; i++)
        push("ada", i, 1000);
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    assert_false(bhi_queue_push(&queue, message));
    bhi_message_release(message);
    free(payload);
    assert_int_equal(queue.active_count, 1);
    assert_int_equal(account.bytes, BHI_BUS_ACCOUNT_BYTES_MAX - LEFT);
    uint64_t dropped;
    assert_int_equal(take_of("ada", SIZE_MAX, &dropped), 20);
    assert_int_equal(dropped, 1);
    assert_int_equal(account.bytes, BHI_BUS_ACCOUNT_BYTES_MAX - LEFT);
}

static void a_queue_gives_back_what_it_needs_no_more_M6(void **state)
{
    bhi_bus_account account = {0};
    queue.account = &account;
    for (uint32_t i = 0; i < 9; i++)
        push("ada", i, 100000);
    size_t most = account.bytes;
    assert_true(most >= 900000 - (64 << 10));
    take_of("ada", 850000, NULL);
    assert_int_equal(queue.count, 1);
    assert_true(account.bytes <= 3 * (64 << 10)); /* it never became empty */
    push("ada", 9, 1000);
    take_of("ada", SIZE_MAX, NULL);
    assert_int_equal(account.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_name_trusted_in_three_ways_makes_three_batches),
        CASE(a_message_of_the_whole_budget_fits_alone_M2),
        CASE(a_message_counts_at_least_its_bookkeeping_M2),
        CASE(lanes_that_are_empty_are_given_back),
        CASE(many_small_messages_leave_room_for_another_principal_in_the_batch),
        CASE(large_messages_that_never_end_leave_each_batch_room_for_small_ones),
        CASE(every_message_is_taken_dropped_or_queued_in_any_sequence_M1_M2_M4),
        CASE(a_full_account_loses_the_new_message_and_no_other_M6),
        CASE(a_queue_gives_back_what_it_needs_no_more_M6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
