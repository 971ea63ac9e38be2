/* What a guest must not pass, and the trap that it gets: always before the host function runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/lift.h"
#include "support/stub_host.h"

#define KV      "astrid:kv/host@1.0.0"
#define POLL    "astrid:io/poll@1.0.0"
#define PROCESS "astrid:process/host@1.0.0"

enum { AREA = 1024, MEMORY_BYTES = 4096 };

static int calls;

static bool kv_get(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret)
{
    calls++;
    *ret = (bhi_kv_bytes_option_result){.is_ok = true, .ok = {true, {(const uint8_t *)"12345", 5}}};
    return true;
}

static bool kv_list_keys(bhi_guest *guest, bhi_bytes prefix, bhi_kv_text_list_result *ret)
{
    static const bhi_bytes keys[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
    calls++;
    *ret = (bhi_kv_text_list_result){.is_ok = true, .ok = {keys, 2}};
    return true;
}

static bool kv_set(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret)
{
    calls++;
    return bhi_guest_trap(guest, "the host says no");
}

static bool status_many(bhi_guest *guest, bhi_text_list ids, bhi_process_info_list_result *ret)
{
    calls++;
    ret->is_ok = true;
    return true;
}

static bool poll_poll(bhi_guest *guest, bhi_poll_pollable_list pollables,
                      bhi_poll_u32_list_result *ret)
{
    calls++;
    ret->is_ok = true;
    return true;
}

static const bhi_host_table host = {
    .kv = &(bhi_kv_host){.kv_get = kv_get, .kv_list_keys = kv_list_keys, .kv_set = kv_set},
    .process = &(bhi_process_host){.status_many = status_many},
    .poll = &(bhi_poll_host){.poll = poll_poll, .pollable_drop = fake_drop_object},
};

static fake_guest fake;

static int begin(void **state)
{
    calls = 0;
    fake_guest_init(&fake, MEMORY_BYTES, &host);
    return 0;
}

static int end(void **state)
{
    fake_guest_deinit(&fake);
    assert_int_equal(fake_objects_live, 0);
    return 0;
}

/* The call traps with this text, and the host function has not run. */
static void assert_traps(const char *module, const char *name, bhi_core_value *values,
                         const char *text)
{
    assert_false(fake_guest_call(&fake, module, name, values));
    assert_string_equal(fake.guest.trap_text, text);
    assert_int_equal(calls, 0);
    fake_guest_revive(&fake);
}

static void assert_get_traps(uint32_t address, uint32_t len, uint32_t area, const char *text)
{
    bhi_core_value values[3] = {{.u32 = address}, {.u32 = len}, {.u32 = area}};
    assert_traps(KV, "kv-get", values, text);
}

static void text_outside_memory_traps(void **state)
{
    assert_get_traps(4096, 1, AREA,
                     "1 bytes at address 4096 are not inside the memory of 4096 bytes");
    assert_get_traps(4000, 97, AREA,
                     "97 bytes at address 4000 are not inside the memory of 4096 bytes");
    assert_get_traps(4097, 0, AREA,
                     "0 bytes at address 4097 are not inside the memory of 4096 bytes");
    assert_get_traps(UINT32_MAX, 1, AREA,
                     "1 bytes at address 4294967295 are not inside the memory of 4096 bytes");
}

static void an_address_and_length_that_wrap_trap(void **state)
{
    assert_get_traps(UINT32_MAX - 15, 16, AREA,
                     "16 bytes at address 4294967280 are not inside the memory of 4096 bytes");
    assert_get_traps(16, UINT32_MAX, AREA, "a value of 4294967295 bytes is longer than 2^28 - 1");
    assert_get_traps(16, BHI_VALUE_BYTES_MAX, AREA,
                     "268435455 bytes at address 16 are not inside the memory of 4096 bytes");
    assert_get_traps(16, BHI_VALUE_BYTES_MAX + 1, AREA,
                     "a value of 268435456 bytes is longer than 2^28 - 1");
}

static void text_up_to_the_last_byte_is_read(void **state)
{
    memset(fake.guest.memory + 4000, 'x', 96);
    bhi_core_value values[3] = {{.u32 = 4000}, {.u32 = 96}, {.u32 = AREA}};
    assert_true(fake_guest_call(&fake, KV, "kv-get", values));
    values[0].u32 = 4096;
    values[1].u32 = 0;
    assert_true(fake_guest_call(&fake, KV, "kv-get", values));
    assert_int_equal(calls, 2);
}

static void text_that_is_not_utf8_traps(void **state)
{
    static const char *const texts[] = {
        "\xFF", "a\x80", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "abcdefgh\xE2\x82"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t len = (uint32_t)strlen(texts[i]);
        uint32_t address = fake_guest_place_text(&fake, texts[i]);
        char expected[80];
        snprintf(expected, sizeof expected, "the string of %u bytes at %u is not UTF-8", len,
                 address);
        assert_get_traps(address, len, AREA, expected);
    }
}

static void a_bad_result_area_traps_before_the_call_has_an_effect(void **state)
{
    assert_get_traps(0, 0, 4084,
                     "16 bytes at address 4084 are not inside the memory of 4096 bytes");
    assert_get_traps(0, 0, UINT32_MAX - 3,
                     "16 bytes at address 4294967292 are not inside the memory of 4096 bytes");
    assert_get_traps(0, 0, 1025, "address 1025 is not a multiple of 4");
    assert_get_traps(0, 0, 1026, "address 1026 is not a multiple of 4");
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = 4080}};
    assert_true(fake_guest_call(&fake, KV, "kv-get", values));
}

static void cases_that_do_not_exist_trap(void **state)
{
    fake.guest.host = &stub_host;
    bhi_core_value page[7] = {{.u32 = 0}, {.u32 = 0}, {.u32 = 2}};
    assert_traps(KV, "kv-list-keys-page", page, "an option has no case 2");
    page[2].u32 = UINT32_MAX;
    assert_traps(KV, "kv-list-keys-page", page, "an option has no case 4294967295");
    bhi_core_value line[3] = {{.u32 = 5}};
    assert_traps("astrid:sys/host@1.0.0", "log", line,
                 "astrid:sys/host@1.0.0#log-level has no case 5, only 5 cases");
    bhi_core_value request[11] = {{.u32 = 0}, {.u32 = 0}, {.u32 = 10}};
    assert_traps("astrid:http/host@1.0.0", "http-request", request,
                 "astrid:http/host@1.0.0#http-method has no case 10, only 10 cases");
}

static void parameters_in_memory_are_checked_like_others(void **state)
{
    fake.guest.host = &stub_host;
    bhi_core_value values[2] = {{.u32 = 3925}, {.u32 = AREA}};
    assert_traps(PROCESS, "spawn", values,
                 "176 bytes at address 3925 are not inside the memory of 4096 bytes");
    values[0].u32 = 100;
    assert_traps(PROCESS, "spawn", values, "address 100 is not a multiple of 8");
    values[0].u32 = 2048;
    fake.guest.memory[2048 + 118] = 1;
    fake.guest.memory[2048 + 119] = 2;
    assert_traps(PROCESS, "spawn", values,
                 "astrid:process/host@1.0.0#overflow-policy has no case 2, only 2 cases");
    fake.guest.memory[2048 + 119] = 1;
    fake.guest.memory[2048 + 48] = 0x80;
    assert_traps(PROCESS, "spawn", values, "an option has no case 128");
}

static void assert_list_traps(uint32_t address, uint32_t len, const char *text)
{
    bhi_core_value values[3] = {{.u32 = address}, {.u32 = len}, {.u32 = AREA}};
    assert_traps(PROCESS, "status-many", values, text);
}

static void lists_that_do_not_fit_trap(void **state)
{
    assert_list_traps(2050, 1, "address 2050 is not a multiple of 4");
    assert_list_traps(2050, 0, "address 2050 is not a multiple of 4");
    assert_list_traps(4092, 1, "8 bytes at address 4092 are not inside the memory of 4096 bytes");
    assert_list_traps(0, 513, "4104 bytes at address 0 are not inside the memory of 4096 bytes");
    assert_list_traps(0, UINT32_C(0x20000001),
                      "a list of 4294967304 bytes is longer than 2^28 - 1");
    assert_list_traps(0, UINT32_MAX, "a list of 34359738360 bytes is longer than 2^28 - 1");
    uint32_t pairs[4] = {0, 0, 0, 5000};
    assert_list_traps(fake_guest_place(&fake, pairs, sizeof pairs, 4), 2,
                      "5000 bytes at address 0 are not inside the memory of 4096 bytes");
}

static void give_big_memory(size_t memory_bytes)
{
    fake_guest_deinit(&fake);
    fake_guest_init(&fake, memory_bytes, &host);
}

static void overlapping_texts_cannot_buy_unbounded_time(void **state)
{
    enum { COUNT = 65, TEXT_BYTES = 1 << 20 };
    give_big_memory((size_t)2 << 20);
    uint32_t pairs[2 * COUNT];
    for (size_t i = 0; i < COUNT; i++)
        pairs[2 * i] = 8192, pairs[2 * i + 1] = TEXT_BYTES;
    uint32_t list = fake_guest_place(&fake, pairs, sizeof pairs, 4);
    bhi_core_value values[3] = {{.u32 = list}, {.u32 = COUNT - 1}, {.u32 = AREA}};
    assert_true(fake_guest_call(&fake, PROCESS, "status-many", values));
    calls = 0;
    assert_list_traps(list, COUNT, "the text in one call is longer than 64 MiB");
}

static void long_lists_cannot_buy_unbounded_memory(void **state)
{
    uint32_t most = (uint32_t)(BHI_LIFT_ARENA_BYTES_MAX / sizeof(bhi_bytes));
    give_big_memory((size_t)most * 8 + 64);
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = most}, {.u32 = AREA}};
    assert_true(fake_guest_call(&fake, PROCESS, "status-many", values));
    calls = 0;
    assert_list_traps(0, most + 1, "the lists in one call take more than 4 MiB");
}

static void the_memory_of_a_large_call_is_not_kept(void **state)
{
    give_big_memory(1 << 20);
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 100}, {.u32 = 0}};
    assert_true(fake_guest_call(&fake, PROCESS, "status-many", values));
    assert_non_null(fake.guest.arena.block);
    values[1].u32 = 5000;
    assert_true(fake_guest_call(&fake, PROCESS, "status-many", values));
    assert_null(fake.guest.arena.block);
}

static uint32_t give(bhi_resource type)
{
    return bhi_handles_insert(fake.guest.handles, type, fake_make_object(type), fake_drop_object);
}

static void handles_that_name_nothing_trap(void **state)
{
    bhi_core_value value = {.u32 = 0};
    assert_traps(POLL, "[resource-drop]pollable", &value,
                 "0 is not a live handle of type astrid:io/poll@1.0.0#pollable");
    value.u32 = UINT32_MAX;
    assert_traps(POLL, "[resource-drop]pollable", &value,
                 "4294967295 is not a live handle of type astrid:io/poll@1.0.0#pollable");
    uint32_t file = give(BHI_RESOURCE_FS_FILE_HANDLE);
    value.u32 = file;
    assert_traps(POLL, "[resource-drop]pollable", &value,
                 "1 is not a live handle of type astrid:io/poll@1.0.0#pollable");
    assert_int_equal(fake_objects_live, 1);
}

static void assert_poll_traps(uint32_t handle, const char *text)
{
    uint32_t handles[2] = {give(BHI_RESOURCE_POLL_POLLABLE), handle};
    uint32_t list = fake_guest_place(&fake, handles, sizeof handles, 4);
    bhi_core_value values[3] = {{.u32 = list}, {.u32 = 2}, {.u32 = AREA}};
    assert_traps(POLL, "poll", values, text);
}

static void a_list_with_a_wrong_or_stale_handle_traps(void **state)
{
    uint32_t file = give(BHI_RESOURCE_FS_FILE_HANDLE);
    assert_poll_traps(file, "1 is not a live handle of type astrid:io/poll@1.0.0#pollable");
    uint32_t stale = give(BHI_RESOURCE_POLL_POLLABLE);
    bhi_core_value value = {.u32 = stale};
    assert_true(fake_guest_call(&fake, POLL, "[resource-drop]pollable", &value));
    give(BHI_RESOURCE_POLL_POLLABLE);
    assert_poll_traps(stale, "3 is not a live handle of type astrid:io/poll@1.0.0#pollable");
}

static const void *parent; /* of something: it may not be dropped */

static const char *refuse_parent(bhi_resource type, const void *rep)
{
    return type == BHI_RESOURCE_POLL_POLLABLE && rep == parent ? "it has children" : NULL;
}

static void an_object_that_the_host_holds_is_not_dropped_before_its_time(void **state)
{
    bhi_host_table table = *fake.guest.host;
    const bhi_host_table *before = fake.guest.host;
    table.refuse_drop = refuse_parent;
    fake.guest.host = &table;
    bhi_core_value held = {.u32 = give(BHI_RESOURCE_POLL_POLLABLE)};
    bhi_core_value free_one = {.u32 = give(BHI_RESOURCE_POLL_POLLABLE)};
    parent = bhi_handles_get(fake.guest.handles, BHI_RESOURCE_POLL_POLLABLE, held.u32);
    assert_true(fake_guest_call(&fake, POLL, "[resource-drop]pollable", &free_one));
    assert_traps(POLL, "[resource-drop]pollable", &held,
                 "a handle of type astrid:io/poll@1.0.0#pollable is dropped too early: it has "
                 "children");
    assert_int_equal(fake_objects_live, 1);
    parent = NULL;
    assert_true(fake_guest_call(&fake, POLL, "[resource-drop]pollable", &held));
    assert_int_equal(fake_objects_live, 0);
    fake.guest.host = before;
}

static void a_guest_without_a_handle_table_has_no_handles(void **state)
{
    bhi_handles *handles = fake.guest.handles;
    fake.guest.handles = NULL;
    bhi_core_value value = {.u32 = 1};
    assert_traps(POLL, "[resource-drop]pollable", &value,
                 "1 is not a live handle of type astrid:io/poll@1.0.0#pollable");
    fake.guest.handles = handles;
}

/* The host function has run, but its result cannot be lowered. */
static void assert_result_traps(const char *name, const char *text)
{
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
    memset(fake.guest.memory + AREA, 0xEE, 16);
    assert_false(fake_guest_call(&fake, KV, name, values));
    assert_string_equal(fake.guest.trap_text, text);
    for (int i = 0; i < 16; i++)
        assert_int_equal(fake.guest.memory[AREA + i], 0xEE);
    assert_true(fake.guest.may_leave);
    fake_guest_revive(&fake);
}

static void a_bad_address_from_realloc_traps(void **state)
{
    fake.realloc = FAKE_REALLOC_ANSWERS;
    fake.realloc_answer = 4092;
    assert_result_traps("kv-get",
                        "realloc(0, 0, 1, 5) returned 4092, which is misaligned or outside "
                        "the memory of 4096 bytes");
    fake.realloc_answer = UINT32_MAX;
    assert_result_traps("kv-get", "realloc(0, 0, 1, 5) returned 4294967295, which is misaligned or "
                                  "outside the memory of 4096 bytes");
    fake.realloc_answer = 2050;
    assert_result_traps("kv-list-keys",
                        "realloc(0, 0, 4, 16) returned 2050, which is misaligned or "
                        "outside the memory of 4096 bytes");
}

static void a_trap_in_realloc_ends_the_call(void **state)
{
    fake.realloc = FAKE_REALLOC_TRAPS;
    assert_result_traps("kv-get", "realloc trapped");
    assert_int_equal(fake.reallocs, 1);
}

static void an_import_called_from_realloc_traps(void **state)
{
    fake.realloc = FAKE_REALLOC_CALLS_AN_IMPORT;
    assert_result_traps("kv-list-keys",
                        "astrid:sys/host@1.0.0#clock-ms was called while realloc or "
                        "post-return runs");
}

static void realloc_may_answer_with_the_result_area_itself(void **state)
{
    fake.realloc = FAKE_REALLOC_ANSWERS;
    fake.realloc_answer = AREA;
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
    assert_true(fake_guest_call(&fake, KV, "kv-list-keys", values));
    assert_int_equal(fake_guest_u32_at(&fake, AREA + 4), AREA);
}

static void a_trap_of_the_host_function_is_the_reason(void **state)
{
    bhi_core_value values[5] = {{.u32 = 0}, {.u32 = 0}, {.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
    assert_false(fake_guest_call(&fake, KV, "kv-set", values));
    assert_string_equal(fake.guest.trap_text, "the host says no");
    assert_int_equal(calls, 1);
}

static void only_the_first_reason_of_a_trap_counts_and_long_ones_are_cut(void **state)
{
    char long_text[400];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = 0;
    assert_false(bhi_guest_trap(&fake.guest, "%s", long_text));
    assert_false(bhi_guest_trap(&fake.guest, "another"));
    assert_int_equal(strlen(fake.guest.trap_text), BHI_TRAP_TEXT_BYTES - 1);
    assert_string_equal(fake.guest.trap_text + BHI_TRAP_TEXT_BYTES - 5, "x...");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_outside_memory_traps),
        TEST(an_address_and_length_that_wrap_trap),
        TEST(text_up_to_the_last_byte_is_read),
        TEST(text_that_is_not_utf8_traps),
        TEST(a_bad_result_area_traps_before_the_call_has_an_effect),
        TEST(cases_that_do_not_exist_trap),
        TEST(parameters_in_memory_are_checked_like_others),
        TEST(lists_that_do_not_fit_trap),
        TEST(overlapping_texts_cannot_buy_unbounded_time),
        TEST(long_lists_cannot_buy_unbounded_memory),
        TEST(the_memory_of_a_large_call_is_not_kept),
        TEST(handles_that_name_nothing_trap),
        TEST(a_list_with_a_wrong_or_stale_handle_traps),
        TEST(an_object_that_the_host_holds_is_not_dropped_before_its_time),
        TEST(a_guest_without_a_handle_table_has_no_handles),
        TEST(a_bad_address_from_realloc_traps),
        TEST(a_trap_in_realloc_ends_the_call),
        TEST(an_import_called_from_realloc_traps),
        TEST(realloc_may_answer_with_the_result_area_itself),
        TEST(a_trap_of_the_host_function_is_the_reason),
        TEST(only_the_first_reason_of_a_trap_counts_and_long_ones_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
