/* tests/bus/test_message.c - messages of every size, kept and given back, on several threads. */
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/message.h"

enum { BYTES_MAX = 3000, HELD = 200, THREADS = 3 };

static uint8_t payload[BYTES_MAX];

static bhi_message *make(size_t bytes)
{
    bhi_message *message;
    bhi_message_spec spec = {.topic = BHI_BYTES_LITERAL("a.b"),
                             .payload = {payload, bytes},
                             .principal = BHI_BYTES_LITERAL("alice"),
                             .depth = 3};
    assert_int_equal(bhi_message_create(&spec, &message, NULL), BH_OK);
    return message;
}

static void check(const bhi_message *message, size_t bytes)
{
    assert_true(bhi_bytes_equal_text(message->spec.topic, "a.b"));
    assert_true(bhi_bytes_equal(message->spec.payload, (bhi_bytes){payload, bytes}));
    assert_true(bhi_bytes_equal_text(message->spec.principal, "alice"));
    assert_int_equal(message->spec.source_id.len, 0);
    assert_int_equal(message->spec.depth, 3);
}

static int fill(void **state)
{
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7);
    return 0;
}

/* Around the sizes of kept blocks above all: a message never gets less than it needs. */
static void a_message_of_any_size_has_its_texts(void **state)
{
    for (int round = 0; round < 2; round++) {
        for (size_t bytes = 0; bytes < BYTES_MAX; bytes++) {
            bhi_message *message = make(bytes);
            check(message, bytes);
            bhi_message_release(message);
        }
    }
}

static void messages_held_together_share_no_memory(void **state)
{
    bhi_message *held[HELD];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < HELD; i++)
            held[i] = make(i * 13);
        for (size_t i = 0; i < HELD; i++)
            check(held[i], i * 13);
        for (size_t i = 0; i < HELD; i++)
            bhi_message_release(held[i]);
    }
}

static void a_message_lives_until_its_last_reference(void **state)
{
    bhi_message *message = make(100);
    assert_ptr_equal(bhi_message_retain(message), message);
    bhi_message_release(message);
    check(message, 100);
    bhi_message_release(message);
    bhi_message_release(NULL);
}

static bhi_message *shared[HELD];

static void *release_all(void *arg)
{
    for (size_t i = 0; i < HELD; i++)
        bhi_message_release(shared[i]);
    return NULL;
}

/* The last one of several threads gives the block back, and its thread ends. */
static void references_may_end_on_any_thread(void **state)
{
    pthread_t threads[THREADS];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < HELD; i++) {
            shared[i] = make(i * 10);
            for (int more = 1; more < THREADS; more++)
                bhi_message_retain(shared[i]);
        }
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, release_all, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}

enum { MANY = 4096, ROUNDS = 200 };
static bhi_message *many[MANY];
static atomic_int ready_count;

/* Every other one of `many`, from the first or the second on. */
static void *release_half(void *arg)
{
    atomic_fetch_add(&ready_count, 1);
    while (atomic_load(&ready_count) < 2) { /* a barrier wakes one of them too late */
    }
    for (size_t i = (size_t)arg; i < MANY; i += 2)
        bhi_message_release(many[i]);
    return NULL;
}

static void make_and_release_many(void)
{
    pthread_t thread;
    for (size_t i = 0; i < MANY; i++) {
        many[i] = make(i % 100);
        check(many[i], i % 100);
    }
    atomic_store(&ready_count, 0);
    assert_int_equal(pthread_create(&thread, NULL, release_half, (void *)0), 0);
    release_half((void *)1);
    pthread_join(thread, NULL);
}

/* Two threads at once give back what lies beside each other; nothing of it may stay. */
static void memory_goes_back_whoever_releases(void **state)
{
    make_and_release_many(); /* what is kept is there from now on */
    size_t used = mallinfo2().uordblks;
    for (int round = 0; round < ROUNDS; round++)
        make_and_release_many();
    assert_true(mallinfo2().uordblks <= used + (64 << 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_any_size_has_its_texts),
        cmocka_unit_test(messages_held_together_share_no_memory),
        cmocka_unit_test(a_message_lives_until_its_last_reference),
        cmocka_unit_test(references_may_end_on_any_thread),
        cmocka_unit_test(memory_goes_back_whoever_releases),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
