/* tests/base/test_arena.c - growth, reset, alignment and sizes that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void allocations_are_aligned_and_apart(void **state)
{
    bhi_arena arena = {0};
    uint8_t *places[100];
    for (size_t i = 0; i < 100; i++) {
        places[i] = bhi_arena_alloc(&arena, i + 1);
        assert_non_null(places[i]);
        assert_int_equal((uintptr_t)places[i] % _Alignof(max_align_t), 0);
        memset(places[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 100; i++) /* several blocks by now, none moved or overwritten */
        for (size_t at = 0; at <= i; at++)
            assert_int_equal(places[i][at], i);
    bhi_arena_deinit(&arena);
}

static void allocation_larger_than_a_block_is_served(void **state)
{
    bhi_arena arena = {0};
    memset(bhi_arena_alloc(&arena, 8), 1, 8);
    uint8_t *large = bhi_arena_alloc(&arena, 1 << 20);
    assert_non_null(large);
    memset(large, 2, 1 << 20);
    assert_non_null(bhi_arena_alloc(&arena, 0));
    bhi_arena_deinit(&arena);
}

static char order[8];

static void note(void *arg)
{
    strcat(order, arg);
}

static void deferred_calls_are_made_once_and_the_latest_first(void **state)
{
    bhi_arena arena = {0};
    order[0] = 0;
    assert_true(bhi_arena_defer(&arena, note, "a"));
    assert_non_null(bhi_arena_alloc(&arena, 10000));
    assert_true(bhi_arena_defer(&arena, note, "b"));
    bhi_arena_reset(&arena);
    assert_string_equal(order, "ba");
    bhi_arena_reset(&arena);
    assert_string_equal(order, "ba");
    assert_true(bhi_arena_defer(&arena, note, "c"));
    bhi_arena_deinit(&arena);
    assert_string_equal(order, "bac");
}

static void reset_keeps_the_first_block_and_reuses_it(void **state)
{
    bhi_arena arena = {0};
    void *first = bhi_arena_alloc(&arena, 16);
    for (int i = 0; i < 10; i++)
        assert_non_null(bhi_arena_alloc(&arena, 4096));
    assert_int_equal(arena.total, 16 + 10 * 4096);
    bhi_arena_reset(&arena);
    assert_int_equal(arena.total, 0);
    assert_ptr_equal(bhi_arena_alloc(&arena, 16), first);
    bhi_arena_deinit(&arena);
}

static void zeroed_arena_may_be_reset_and_deinitialised(void **state)
{
    bhi_arena arena = {0};
    bhi_arena_reset(&arena);
    bhi_arena_deinit(&arena);
    assert_non_null(bhi_arena_alloc(&arena, 1)); /* deinit leaves an empty arena */
    bhi_arena_deinit(&arena);
    assert_null(arena.block);
}

static void impossible_sizes_are_refused(void **state)
{
    bhi_arena arena = {0};
    assert_null(bhi_arena_alloc(&arena, SIZE_MAX));
    assert_null(bhi_arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_null(bhi_arena_calloc(&arena, SIZE_MAX / 2, 4)); /* the product overflows */
    assert_null(bhi_arena_calloc(&arena, SIZE_MAX / 16 + 2, 16));
    uint8_t byte = 'x';
    assert_null(bhi_arena_copy(&arena, (bhi_bytes){&byte, SIZE_MAX - 8}).data);
    assert_int_equal(arena.total, 0);
    bhi_arena_deinit(&arena);
}

static void calloc_zeroes_memory_that_was_used_before(void **state)
{
    bhi_arena arena = {0};
    memset(bhi_arena_alloc(&arena, 256), 0xff, 256);
    bhi_arena_reset(&arena);
    uint8_t *zeroed = bhi_arena_calloc(&arena, 64, 4);
    for (int i = 0; i < 256; i++)
        assert_int_equal(zeroed[i], 0);
    bhi_arena_deinit(&arena);
}

static void copies_end_with_a_nul_that_is_not_counted(void **state)
{
    bhi_arena arena = {0};
    memset(bhi_arena_alloc(&arena, 256), 0xff, 256);
    bhi_arena_reset(&arena);
    bhi_bytes copy = bhi_arena_copy(&arena, BHI_BYTES_LITERAL("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    copy = bhi_arena_copy(&arena, (bhi_bytes){NULL, 0});
    assert_non_null(copy.data);
    assert_int_equal(copy.len, 0);
    assert_int_equal(copy.data[0], 0);
    assert_string_equal(bhi_arena_text(&arena, bhi_bytes_of("text")), "text");
    bhi_arena_deinit(&arena);
}

static void printed_text_has_any_length(void **state)
{
    bhi_arena arena = {0};
    assert_string_equal(bhi_arena_printf(&arena, "%s-%d", "a", 7), "a-7");
    assert_int_equal(strlen(bhi_arena_printf(&arena, "%9000s", "x")), 9000);
    assert_string_equal(bhi_arena_printf(&arena, "%s", ""), "");
    bhi_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_and_apart),
        cmocka_unit_test(allocation_larger_than_a_block_is_served),
        cmocka_unit_test(deferred_calls_are_made_once_and_the_latest_first),
        cmocka_unit_test(reset_keeps_the_first_block_and_reuses_it),
        cmocka_unit_test(zeroed_arena_may_be_reset_and_deinitialised),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(calloc_zeroes_memory_that_was_used_before),
        cmocka_unit_test(copies_end_with_a_nul_that_is_not_counted),
        cmocka_unit_test(printed_text_has_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
