#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/handles.h"

/* Objects are numbers in an array; drops are written down in order. */
static int objects[BHI_HANDLES_MAX + 2];
static int dropped[2 * BHI_HANDLES_MAX];
static size_t dropped_count;

static void note_drop(void *rep)
{
    dropped[dropped_count++] = (int)((int *)rep - objects);
}

static int begin(void **state)
{
    bhi_handles *handles;
    dropped_count = 0;
    *state = NULL;
    if (bhi_handles_create(&handles, NULL) != BH_OK)
        return -1;
    *state = handles;
    return 0;
}

static int end(void **state)
{
    bhi_handles_destroy(*state);
    return 0;
}

static uint32_t add(bhi_handles *handles, bhi_resource type, int object)
{
    return bhi_handles_insert(handles, type, &objects[object], note_drop);
}

static void a_handle_names_its_object_until_it_is_dropped(void **state)
{
    uint32_t handle = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    assert_int_not_equal(handle, 0);
    assert_ptr_equal(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, handle), &objects[1]);
    assert_true(bhi_handles_drop(*state, BHI_RESOURCE_POLL_POLLABLE, handle));
    assert_int_equal(dropped_count, 1);
    assert_int_equal(dropped[0], 1);
    assert_null(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, handle));
    assert_false(bhi_handles_drop(*state, BHI_RESOURCE_POLL_POLLABLE, handle));
    assert_int_equal(dropped_count, 1);
}

static void a_handle_of_another_type_is_refused(void **state)
{
    uint32_t handle = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    assert_null(bhi_handles_get(*state, BHI_RESOURCE_FS_FILE_HANDLE, handle));
    assert_false(bhi_handles_drop(*state, BHI_RESOURCE_FS_FILE_HANDLE, handle));
    assert_non_null(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, handle));
}

static void numbers_that_were_never_handed_out_are_refused(void **state)
{
    add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    static const uint32_t numbers[] = {0, 2, 16, 17, 4095, 4096, 4097, UINT32_MAX, 0x80000001};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_null(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, numbers[i]));
}

static void a_stale_handle_does_not_name_the_next_object_of_its_slot(void **state)
{
    uint32_t old = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    bhi_handles_drop(*state, BHI_RESOURCE_POLL_POLLABLE, old);
    uint32_t new = add(*state, BHI_RESOURCE_POLL_POLLABLE, 2);
    assert_int_not_equal(old, new);
    assert_null(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, old));
    assert_ptr_equal(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, new), &objects[2]);
}

static void clear_drops_the_newest_first_and_each_once(void **state)
{
    uint32_t handles[5];
    for (int i = 0; i < 5; i++)
        handles[i] = add(*state, (bhi_resource)(i % 2), i);
    bhi_handles_drop(*state, (bhi_resource)1, handles[1]);
    handles[1] = add(*state, (bhi_resource)1, 7);
    bhi_handles_drop(*state, (bhi_resource)0, handles[4]);
    bhi_handles_clear(*state);
    static const int expected[] = {1, 4, 7, 3, 2, 0};
    assert_int_equal(dropped_count, 6);
    assert_memory_equal(dropped, expected, sizeof expected);
    bhi_handles_clear(*state);
    assert_int_equal(dropped_count, 6);
}

static void clearing_but_one_type_leaves_that_one(void **state)
{
    static const bhi_resource types[] = {BHI_RESOURCE_PROCESS_HANDLE, BHI_RESOURCE_POLL_POLLABLE,
                                         BHI_RESOURCE_PROCESS_HANDLE, BHI_RESOURCE_POLL_POLLABLE,
                                         BHI_RESOURCE_HTTP_STREAM};
    uint32_t made[5];
    for (int i = 0; i < 5; i++)
        made[i] = add(*state, types[i], i);
    bhi_handles_clear_but(*state, BHI_RESOURCE_PROCESS_HANDLE);
    static const int expected[] = {4, 3, 1};
    assert_int_equal(dropped_count, 3);
    assert_memory_equal(dropped, expected, sizeof expected);
    assert_ptr_equal(bhi_handles_get(*state, types[0], made[0]), &objects[0]);
    assert_ptr_equal(bhi_handles_get(*state, types[2], made[2]), &objects[2]);
    assert_null(bhi_handles_get(*state, types[4], made[4]));
    bhi_handles_clear(*state);
    assert_int_equal(dropped[3], 2);
    assert_int_equal(dropped[4], 0);
}

static void destroy_drops_what_is_live(void **state)
{
    add(*state, BHI_RESOURCE_POLL_POLLABLE, 3);
    bhi_handles_destroy(*state);
    *state = NULL;
    assert_int_equal(dropped_count, 1);
    bhi_handles_destroy(NULL);
}

static void handles_of_an_earlier_lease_stay_dead_after_clear(void **state)
{
    uint32_t old = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    bhi_handles_clear(*state);
    add(*state, BHI_RESOURCE_POLL_POLLABLE, 2);
    assert_null(bhi_handles_get(*state, BHI_RESOURCE_POLL_POLLABLE, old));
}

static void numbers_after_reset_do_not_tell_of_the_lease_before(void **state)
{
    uint32_t first = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    uint32_t second = add(*state, BHI_RESOURCE_POLL_POLLABLE, 2);
    for (int i = 0; i < 100; i++)
        bhi_handles_drop(*state, BHI_RESOURCE_FS_FILE_HANDLE,
                         add(*state, BHI_RESOURCE_FS_FILE_HANDLE, 3));
    bhi_handles_reset(*state);
    assert_int_equal(dropped_count, 102);
    assert_int_equal(add(*state, BHI_RESOURCE_IPC_SUBSCRIPTION, 4), first);
    assert_int_equal(add(*state, BHI_RESOURCE_IPC_SUBSCRIPTION, 5), second);
}

static void counts_follow_each_type(void **state)
{
    uint32_t handle = add(*state, BHI_RESOURCE_POLL_POLLABLE, 1);
    add(*state, BHI_RESOURCE_POLL_POLLABLE, 2);
    add(*state, BHI_RESOURCE_NET_TCP_STREAM, 3);
    assert_int_equal(bhi_handles_count(*state, BHI_RESOURCE_POLL_POLLABLE), 2);
    bhi_handles_drop(*state, BHI_RESOURCE_POLL_POLLABLE, handle);
    assert_int_equal(bhi_handles_count(*state, BHI_RESOURCE_POLL_POLLABLE), 1);
    bhi_handles_clear(*state);
    assert_int_equal(bhi_handles_count(*state, BHI_RESOURCE_POLL_POLLABLE), 0);
    assert_int_equal(bhi_handles_count(*state, BHI_RESOURCE_NET_TCP_STREAM), 0);
}

static void the_table_holds_its_maximum_and_not_one_more(void **state)
{
    uint32_t handle = 0;
    for (int i = 0; i < BHI_HANDLES_MAX; i++) {
        handle = add(*state, BHI_RESOURCE_POLL_POLLABLE, i);
        assert_int_not_equal(handle, 0);
    }
    assert_int_equal(add(*state, BHI_RESOURCE_POLL_POLLABLE, BHI_HANDLES_MAX), 0);
    assert_int_equal(dropped_count, 0);
    assert_true(bhi_handles_drop(*state, BHI_RESOURCE_POLL_POLLABLE, handle));
    assert_int_not_equal(add(*state, BHI_RESOURCE_POLL_POLLABLE, BHI_HANDLES_MAX), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handle_names_its_object_until_it_is_dropped),
        TEST(a_handle_of_another_type_is_refused),
        TEST(numbers_that_were_never_handed_out_are_refused),
        TEST(a_stale_handle_does_not_name_the_next_object_of_its_slot),
        TEST(clear_drops_the_newest_first_and_each_once),
        TEST(clearing_but_one_type_leaves_that_one),
        TEST(destroy_drops_what_is_live),
        TEST(handles_of_an_earlier_lease_stay_dead_after_clear),
        TEST(numbers_after_reset_do_not_tell_of_the_lease_before),
        TEST(counts_follow_each_type),
        TEST(the_table_holds_its_maximum_and_not_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
