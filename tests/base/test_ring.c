/* The bounded queue of bytes, beside a plain array that holds the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"

enum { CAPACITY = 7, ROUNDS = 20000 };

typedef struct model {
    uint8_t bytes[CAPACITY];
    size_t len;
} model;

static void put(bhi_ring *ring, model *expected, size_t size, uint8_t first)
{
    uint8_t bytes[CAPACITY];
    for (size_t i = 0; i < size; i++)
        bytes[i] = first == 0 ? 0 : (uint8_t)(first + i);
    memcpy(expected->bytes + expected->len, bytes, size);
    expected->len += size;
    bhi_ring_put(ring, first == 0 ? NULL : bytes, size);
}

static void fill_in_place(bhi_ring *ring, model *expected, uint8_t first)
{
    size_t size;
    uint8_t *back = bhi_ring_back(ring, &size);
    for (size_t i = 0; i < size; i++)
        expected->bytes[expected->len++] = back[i] = (uint8_t)(first + i);
    bhi_ring_filled(ring, size);
}

static void take(bhi_ring *ring, model *expected, size_t size, bool is_discarded)
{
    uint8_t bytes[CAPACITY];
    bhi_ring_take(ring, is_discarded ? NULL : bytes, size);
    if (!is_discarded)
        assert_memory_equal(bytes, expected->bytes, size);
    expected->len -= size;
    memmove(expected->bytes, expected->bytes + size, expected->len);
}

static void check(const bhi_ring *ring, const model *expected)
{
    size_t size;
    assert_int_equal(ring->len, expected->len);
    assert_int_equal(bhi_ring_room(ring), CAPACITY - expected->len);
    const uint8_t *front = bhi_ring_front(ring, &size);
    assert_true(size <= expected->len && (size > 0) == (expected->len > 0));
    assert_memory_equal(front, expected->bytes, size);
}

static void it_gives_back_what_was_put_in_order_R1(void **state)
{
    (void)state;
    bhi_ring ring;
    model expected = {0};
    assert_true(bhi_ring_init(&ring, CAPACITY));
    srand(1);
    for (int i = 0; i < ROUNDS; i++) {
        switch (rand() % 3) {
        case 0:
            put(&ring, &expected, (size_t)rand() % (CAPACITY - expected.len + 1),
                (uint8_t)(rand() % 3));
            break;
        case 1:
            fill_in_place(&ring, &expected, (uint8_t)i);
            break;
        default:
            take(&ring, &expected, (size_t)rand() % (expected.len + 1), rand() % 2 == 0);
        }
        check(&ring, &expected);
    }
    bhi_ring_deinit(&ring);
    assert_int_equal(bhi_ring_room(&ring), 0);
}

static void zeroed_bytes_are_a_ring_without_room(void **state)
{
    (void)state;
    bhi_ring ring = {0};
    assert_int_equal(bhi_ring_room(&ring), 0);
    bhi_ring_put(&ring, NULL, 0);
    bhi_ring_take(&ring, NULL, 0);
    bhi_ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_back_what_was_put_in_order_R1),
        cmocka_unit_test(zeroed_bytes_are_a_ring_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
