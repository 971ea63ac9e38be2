/* Every allocation of a host call fails once: the guest traps, nothing is lost or dropped twice.
 *
 * The arena and the handle table are compiled into this test with an allocator that fails on
 * demand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static int allocations_left = -1; /* until one fails; negative: never */

static bool may_allocate(void)
{
    if (allocations_left == 0)
        return false;
    allocations_left -= allocations_left > 0;
    return true;
}

static void *failing_malloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

static void *failing_calloc(size_t count, size_t size)
{
    return may_allocate() ? calloc(count, size) : NULL;
}

static void *failing_realloc(void *memory, size_t size)
{
    return may_allocate() ? realloc(memory, size) : NULL;
}

#define malloc  failing_malloc
#define calloc  failing_calloc
#define realloc failing_realloc
#include "base/arena.c"
#include "abi/handles.c"
#undef malloc
#undef calloc
#undef realloc

#include "support/fake_guest.h"

enum { MEMORY_BYTES = 4096, AREA = 1024 };

static bool subscribe(bhi_guest *guest, bhi_bytes pattern, bhi_ipc_subscription_result *ret)
{
    ret->is_ok = true;
    ret->ok = fake_make_object(BHI_RESOURCE_IPC_SUBSCRIPTION);
    return true;
}

static bool status_many(bhi_guest *guest, bhi_text_list ids, bhi_process_info_list_result *ret)
{
    ret->is_ok = true;
    return true;
}

static const bhi_host_table host = {
    .ipc = &(bhi_ipc_host){.subscribe = subscribe, .subscription_drop = fake_drop_object},
    .process = &(bhi_process_host){.status_many = status_many},
};

static void a_list_without_memory_for_it_traps_and_the_next_call_works(void **state)
{
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &host);
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 3}, {.u32 = AREA}};
    allocations_left = 0;
    assert_false(fake_guest_call(&fake, "astrid:process/host@1.0.0", "status-many", values));
    assert_string_equal(fake.guest.trap_text, "the host has no memory for a list of 3 elements");
    allocations_left = -1;
    fake_guest_revive(&fake);
    assert_true(fake_guest_call(&fake, "astrid:process/host@1.0.0", "status-many", values));
    fake_guest_deinit(&fake);
}

static void an_object_without_memory_for_its_handle_is_dropped(void **state)
{
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &host);
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
    allocations_left = 0;
    assert_false(fake_guest_call(&fake, "astrid:ipc/host@1.0.0", "subscribe", values));
    assert_true(fake.guest.is_trapping);
    assert_int_equal(fake_objects_live, 0);
    allocations_left = -1;
    fake_guest_revive(&fake);
    assert_true(fake_guest_call(&fake, "astrid:ipc/host@1.0.0", "subscribe", values));
    assert_int_equal(fake_objects_live, 1);
    fake_guest_deinit(&fake);
    assert_int_equal(fake_objects_live, 0);
}

static uint32_t insert(bhi_handles *handles, void *object)
{
    return bhi_handles_insert(handles, BHI_RESOURCE_POLL_POLLABLE, object, fake_drop_object);
}

static void a_table_that_cannot_grow_keeps_what_it_has(void **state)
{
    bhi_handles *handles = NULL;
    uint32_t last = 0;
    assert_int_equal(bhi_handles_create(&handles, NULL), BH_OK);
    for (int i = 0; i < SLOTS_FIRST; i++)
        last = insert(handles, fake_make_object(BHI_RESOURCE_POLL_POLLABLE));
    void *object = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    allocations_left = 0;
    assert_int_equal(insert(handles, object), 0);
    allocations_left = -1;
    assert_non_null(bhi_handles_get(handles, BHI_RESOURCE_POLL_POLLABLE, last));
    assert_int_not_equal(insert(handles, object), 0);
    bhi_handles_destroy(handles);
    assert_int_equal(fake_objects_live, 0);
}

static void a_table_without_memory_is_not_created(void **state)
{
    bhi_handles *handles = NULL;
    bh_error error;
    allocations_left = 0;
    assert_int_equal(bhi_handles_create(&handles, &error), BH_E_NOMEM);
    allocations_left = -1;
    assert_int_equal(error.code, BH_E_NOMEM);
    assert_null(handles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_without_memory_for_it_traps_and_the_next_call_works),
        cmocka_unit_test(an_object_without_memory_for_its_handle_is_dropped),
        cmocka_unit_test(a_table_that_cannot_grow_keeps_what_it_has),
        cmocka_unit_test(a_table_without_memory_is_not_created),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
