/* host/test_kv_queue.c - order, batches, bounds and abandoning of queued writes.
 *
 * A gate is a write whose callback blocks the writer until the test opens it: what is submitted
 * meanwhile is queued for certain.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/kv_fixture.h"

#define RECORDS_MAX 512

typedef struct record {
    int answered_count;
    int order; /* among all answers since the setup */
    bool was_on_this_thread;
    bhi_kv_answer answer;
    uint64_t ticket;
    pthread_t submitter;
} record;

static kv_fixture fixture;
static record records[RECORDS_MAX];
static int next_order; /* of the writer thread; read when it has stopped or is behind a gate */
static sem_t gate_reached;
static sem_t gate_opened;

static int setup(void **state)
{
    kv_fixture_init(&fixture);
    memset(records, 0, sizeof records);
    next_order = 0;
    sem_init(&gate_reached, 0, 0);
    sem_init(&gate_opened, 0, 0);
    return 0;
}

static int setup_open(void **state)
{
    setup(state);
    kv_fixture_open(&fixture);
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < 3; i++)
        sem_post(&gate_opened); /* a failed test may have left gates closed */
    kv_fixture_deinit(&fixture);
    sem_destroy(&gate_reached);
    sem_destroy(&gate_opened);
    return 0;
}

static bhi_kv_write *create(const bhi_kv_write_spec *spec)
{
    bhi_kv_write *write;
    assert_int_equal(bhi_kv_write_create(&kv_alice, spec, &write), BHI_KV_OK);
    return write;
}

static void note_answer(void *arg, const bhi_kv_answer *answer)
{
    record *noted = arg;
    noted->answered_count++;
    noted->order = next_order++;
    noted->was_on_this_thread = pthread_equal(noted->submitter, pthread_self()) != 0;
    noted->answer = *answer;
}

static bh_status submit(int number, const bhi_kv_write_spec *spec)
{
    records[number].submitter = pthread_self();
    return bhi_kv_store_submit(fixture.store, create(spec), note_answer, &records[number],
                               &records[number].ticket, NULL);
}

static void submit_set(int number, bhi_bytes key, bhi_bytes value)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = key, .value = value};
    assert_int_equal(submit(number, &spec), BH_OK);
}

static void submit_swap(int number, bhi_bytes key, bhi_bytes expected, bhi_bytes value)
{
    bhi_kv_write_spec spec = {BHI_KV_CAS, key, value, expected, expected.data != NULL};
    assert_int_equal(submit(number, &spec), BH_OK);
}

static void wait_at_gate(void *arg, const bhi_kv_answer *answer)
{
    bool *has_returned = arg;
    sem_post(&gate_reached);
    while (sem_wait(&gate_opened) != 0)
        continue;
    if (has_returned != NULL)
        *has_returned = true;
}

static uint64_t queue_gate(bool *ret_has_returned)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = KV_TEXT("gate")};
    uint64_t ticket;
    assert_int_equal(bhi_kv_store_submit(fixture.store, create(&spec), wait_at_gate,
                                         ret_has_returned, &ticket, NULL),
                     BH_OK);
    return ticket;
}

static void await_gate(void)
{
    while (sem_wait(&gate_reached) != 0)
        continue;
}

static uint64_t close_gate(bool *ret_has_returned)
{
    uint64_t ticket = queue_gate(ret_has_returned);
    await_gate();
    return ticket;
}

static void open_gate(void)
{
    sem_post(&gate_opened);
}

/* Open the gate and stop the writer at a second one, behind everything that is queued. */
static void pass_to_next_gate(void)
{
    queue_gate(NULL);
    open_gate();
    await_gate();
}

static bhi_kv_stats stats(void)
{
    bhi_kv_stats now;
    bhi_kv_store_stats(fixture.store, &now);
    return now;
}

static bhi_bytes numbered(int number)
{
    return bhi_bytes_of(bhi_arena_printf(&fixture.arena, "k%05d", number));
}

static void K2_every_write_is_answered_once_in_order_on_the_writer_thread(void **state)
{
    close_gate(NULL);
    for (int i = 0; i < 300; i++)
        submit_set(i, numbered(i), KV_TEXT("v"));
    open_gate();
    kv_fixture_close(&fixture);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(records[i].answered_count, 1);
        assert_int_equal(records[i].order, i);
        assert_int_equal(records[i].answer.verdict, BHI_KV_OK);
        assert_false(records[i].was_on_this_thread);
    }
    assert_int_equal(kv_fixture_check_sizes(&fixture), 301);
}

static void K3_writes_of_a_batch_see_the_earlier_ones(void **state)
{
    bhi_bytes none = {NULL, 0};
    close_gate(NULL);
    uint64_t before = stats().transactions;
    submit_set(0, KV_TEXT("k"), KV_TEXT("a"));
    submit_swap(1, KV_TEXT("k"), KV_TEXT("a"), KV_TEXT("b"));
    submit_swap(2, KV_TEXT("k"), KV_TEXT("a"), KV_TEXT("c"));
    bhi_kv_write_spec clear = {.kind = BHI_KV_CLEAR_PREFIX, .key = KV_TEXT("k")};
    assert_int_equal(submit(3, &clear), BH_OK);
    submit_swap(4, KV_TEXT("k"), none, KV_TEXT("d"));
    submit_swap(5, KV_TEXT("k"), none, KV_TEXT("e"));
    pass_to_next_gate();
    assert_int_equal(stats().transactions, before + 1);
    static const bhi_kv_verdict expected[] = {BHI_KV_OK, BHI_KV_OK, BHI_KV_CAS_MISMATCH,
                                              BHI_KV_OK, BHI_KV_OK, BHI_KV_CAS_MISMATCH};
    for (int i = 0; i < 6; i++)
        assert_int_equal(records[i].answer.verdict, expected[i]);
    assert_int_equal(records[3].answer.cleared_count, 1);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("d"));
    open_gate();
}

static void writes_that_wait_together_share_a_transaction(void **state)
{
    close_gate(NULL);
    uint64_t before = stats().transactions;
    for (int i = 0; i < 255; i++)
        submit_set(i, numbered(i), KV_TEXT("v"));
    assert_int_equal(stats().queued_writes, 255);
    pass_to_next_gate();
    assert_int_equal(stats().transactions, before + 1);
    open_gate();
}

static void a_batch_has_at_most_its_number_of_writes(void **state)
{
    fixture.options.batch_writes_max = 10;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    uint64_t before = stats().transactions;
    for (int i = 0; i < 101; i++)
        submit_set(i, numbered(i), KV_TEXT("v"));
    pass_to_next_gate();
    assert_int_equal(stats().transactions, before + 11); /* the last: one write, one gate */
    open_gate();
}

static void a_batch_has_at_most_its_number_of_bytes_but_one_write_fits(void **state)
{
    static uint8_t big[100000];
    fixture.options.batch_bytes_max = 1;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    uint64_t before = stats().transactions;
    for (int i = 0; i < 5; i++)
        submit_set(i, numbered(i), (bhi_bytes){big, sizeof big});
    pass_to_next_gate();
    assert_int_equal(stats().transactions, before + 6);
    open_gate();
}

static void a_full_queue_refuses_one_more(void **state)
{
    fixture.options.queue_writes_max = 5;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    for (int i = 0; i < 5; i++)
        submit_set(i, numbered(i), KV_TEXT("v"));
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = numbered(5)};
    assert_int_equal(submit(5, &spec), BH_E_LIMIT);
    assert_int_equal(stats().writes_refused, 1);
    assert_int_equal(stats().queued_writes, 5);
    assert_true(bhi_kv_store_abandon(fixture.store, records[4].ticket));
    assert_int_equal(submit(6, &spec), BH_OK);
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(records[5].answered_count, 0);
    assert_int_equal(records[6].answered_count, 1);
}

static void a_queue_full_of_bytes_refuses_but_an_empty_one_accepts(void **state)
{
    static uint8_t big[100000];
    fixture.options.queue_bytes_max = sizeof big;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    submit_set(0, numbered(0), (bhi_bytes){big, sizeof big});
    assert_in_range(stats().queued_bytes, sizeof big, sizeof big + 2000);
    bhi_kv_write_spec spec = {.kind = BHI_KV_DELETE, .key = numbered(1)};
    assert_int_equal(submit(1, &spec), BH_E_LIMIT);
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(records[0].answer.verdict, BHI_KV_OK);
}

static void an_abandoned_write_in_the_queue_is_never_answered_nor_done(void **state)
{
    close_gate(NULL);
    submit_set(0, KV_TEXT("a"), KV_TEXT("v"));
    submit_set(1, KV_TEXT("b"), KV_TEXT("v"));
    assert_true(bhi_kv_store_abandon(fixture.store, records[0].ticket));
    assert_false(bhi_kv_store_abandon(fixture.store, records[0].ticket));
    assert_int_equal(stats().queued_writes, 1);
    pass_to_next_gate();
    kv_expect_absent(&fixture, KV_TEXT("a"));
    kv_expect(&fixture, KV_TEXT("b"), KV_TEXT("v"));
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(records[0].answered_count, 0);
    assert_int_equal(records[1].answered_count, 1);
}

/* The gate is the first of a batch: the others are committed and not yet answered. */
static void an_abandoned_write_of_a_running_batch_is_not_answered(void **state)
{
    close_gate(NULL);
    queue_gate(NULL);
    submit_set(0, KV_TEXT("a"), KV_TEXT("v"));
    submit_set(1, KV_TEXT("b"), KV_TEXT("v"));
    open_gate();
    await_gate();
    kv_expect(&fixture, KV_TEXT("a"), KV_TEXT("v"));
    assert_true(bhi_kv_store_abandon(fixture.store, records[0].ticket));
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(records[0].answered_count, 0);
    assert_int_equal(records[1].answered_count, 1);
}

static void abandoning_what_was_answered_or_never_was_says_no(void **state)
{
    submit_set(0, KV_TEXT("a"), KV_TEXT("v"));
    close_gate(NULL);
    assert_int_equal(records[0].answered_count, 1);
    assert_false(bhi_kv_store_abandon(fixture.store, records[0].ticket));
    assert_false(bhi_kv_store_abandon(fixture.store, 0));
    assert_false(bhi_kv_store_abandon(fixture.store, 123456));
    open_gate();
}

typedef struct abandoning {
    uint64_t ticket;
    bool *has_returned;
    bool was_abandoned;
    bool saw_return;
} abandoning;

static void *abandon_main(void *arg)
{
    abandoning *work = arg;
    work->was_abandoned = bhi_kv_store_abandon(fixture.store, work->ticket);
    work->saw_return = *work->has_returned;
    return NULL;
}

static void abandoning_waits_for_a_callback_that_runs(void **state)
{
    bool has_returned = false;
    abandoning work = {close_gate(&has_returned), &has_returned, true, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, abandon_main, &work), 0);
    open_gate();
    pthread_join(thread, NULL);
    assert_false(work.was_abandoned);
    assert_true(work.saw_return);
}

static void abandon_self(void *arg, const bhi_kv_answer *answer)
{
    record *noted = arg;
    noted->answered_count += bhi_kv_store_abandon(fixture.store, noted->ticket) ? 100 : 1;
}

static void a_callback_may_abandon_its_own_write(void **state)
{
    close_gate(NULL);
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = KV_TEXT("k")};
    assert_int_equal(bhi_kv_store_submit(fixture.store, create(&spec), abandon_self, &records[0],
                                         &records[0].ticket, NULL),
                     BH_OK);
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(records[0].answered_count, 1);
}

static void submit_until_closed(void *arg, const bhi_kv_answer *answer)
{
    record *noted = arg;
    bhi_kv_write_spec spec = {.kind = BHI_KV_DELETE, .key = KV_TEXT("k")};
    bh_status status;
    do
        status =
            bhi_kv_store_submit(fixture.store, create(&spec), note_answer, &records[1], NULL, NULL);
    while (status == BH_OK || status == BH_E_LIMIT);
    noted->answered_count = status == BH_E_CLOSED;
}

static void a_submit_during_close_is_refused(void **state)
{
    fixture.options.queue_writes_max = 3;
    kv_fixture_open(&fixture);
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = KV_TEXT("k")};
    assert_int_equal(bhi_kv_store_submit(fixture.store, create(&spec), submit_until_closed,
                                         &records[0], NULL, NULL),
                     BH_OK);
    bhi_kv_store_close(fixture.store);
    fixture.store = NULL;
    assert_int_equal(records[0].answered_count, 1);
    assert_in_range(records[1].answered_count, 0, 3);
}

static void a_batch_that_does_not_fit_loses_only_what_does_not_fit(void **state)
{
    enum { COUNT = 150 };
    static uint8_t big[10000];
    fixture.options.map_bytes_max = (uint64_t)1 << 20;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    for (int i = 0; i < COUNT; i++)
        submit_set(i, numbered(i), (bhi_bytes){big, sizeof big});
    submit_set(COUNT, KV_TEXT("gate"), KV_TEXT("small"));
    pass_to_next_gate();
    assert_int_equal(stats().batches_split, 1);
    size_t done = 0;
    for (int i = 0; i < COUNT; i++) {
        bhi_kv_verdict verdict = records[i].answer.verdict;
        assert_true(verdict == BHI_KV_OK || verdict == BHI_KV_QUOTA);
        assert_int_equal(kv_value(&fixture, &kv_alice, numbered(i)).data != NULL,
                         verdict == BHI_KV_OK);
        done += verdict == BHI_KV_OK;
    }
    assert_in_range(done, 10, COUNT - 1);
    open_gate();
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), done + 1);
}

static void a_refusal_for_quota_does_not_disturb_the_batch(void **state)
{
    fixture.options.namespace_bytes_max = 30;
    kv_fixture_open(&fixture);
    close_gate(NULL);
    submit_set(0, KV_TEXT("a"), KV_TEXT("123456789"));
    submit_set(1, KV_TEXT("b"), KV_TEXT("12345678901234567890"));
    submit_set(2, KV_TEXT("c"), KV_TEXT("123456789"));
    pass_to_next_gate();
    assert_int_equal(records[0].answer.verdict, BHI_KV_OK);
    assert_int_equal(records[1].answer.verdict, BHI_KV_QUOTA);
    assert_int_equal(records[2].answer.verdict, BHI_KV_OK);
    assert_int_equal(stats().batches_split, 0);
    open_gate();
}

enum { THREADS = 8, INCREMENTS = 25 };

static void *increment_main(void *arg)
{
    for (int i = 0; i < INCREMENTS; i++)
        kv_increment(fixture.store, KV_TEXT("counter"));
    return NULL;
}

static void threads_that_swap_lose_no_increment(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, increment_main, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kv_expect(&fixture, KV_TEXT("counter"), KV_TEXT("200"));
}

static void a_write_that_is_never_submitted_can_be_destroyed(void **state)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = KV_TEXT("k"), .value = KV_TEXT("v")};
    bhi_kv_write_destroy(create(&spec));
    bhi_kv_write_destroy(NULL);
}

#define CASE(name)     cmocka_unit_test_setup_teardown(name, setup_open, teardown)
#define WITH_OPT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(K2_every_write_is_answered_once_in_order_on_the_writer_thread),
        CASE(K3_writes_of_a_batch_see_the_earlier_ones),
        CASE(writes_that_wait_together_share_a_transaction),
        WITH_OPT(a_batch_has_at_most_its_number_of_writes),
        WITH_OPT(a_batch_has_at_most_its_number_of_bytes_but_one_write_fits),
        WITH_OPT(a_full_queue_refuses_one_more),
        WITH_OPT(a_queue_full_of_bytes_refuses_but_an_empty_one_accepts),
        CASE(an_abandoned_write_in_the_queue_is_never_answered_nor_done),
        CASE(an_abandoned_write_of_a_running_batch_is_not_answered),
        CASE(abandoning_what_was_answered_or_never_was_says_no),
        CASE(abandoning_waits_for_a_callback_that_runs),
        CASE(a_callback_may_abandon_its_own_write),
        WITH_OPT(a_submit_during_close_is_refused),
        WITH_OPT(a_batch_that_does_not_fit_loses_only_what_does_not_fit),
        WITH_OPT(a_refusal_for_quota_does_not_disturb_the_batch),
        CASE(threads_that_swap_lose_no_increment),
        CASE(a_write_that_is_never_submitted_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
