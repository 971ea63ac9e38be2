/* What a guest receives: every shape of result, byte by byte at hand-computed offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "support/fake_guest.h"

#define KV   "astrid:kv/host@1.0.0"
#define NET  "astrid:net/host@1.0.0"
#define FS   "astrid:fs/host@1.0.0"
#define HTTP "astrid:http/host@1.0.0"
#define IPC  "astrid:ipc/host@1.0.0"
#define SYS  "astrid:sys/host@1.0.0"

enum { AREA = 1024, MEMORY_BYTES = 8192 };

static const bhi_bytes hello = {(const uint8_t *)"hello", 5};

/* What the host functions answer, set by each test. */
static struct {
    bhi_kv_bytes_option_result get;
    bhi_kv_text_list_result keys;
    bhi_kv_key_page_result page;
    bhi_kv_u64_result cleared;
    bhi_fs_file_stat_result stat;
    bhi_ipc_envelope_result envelope;
    bhi_process_info_list_result processes;
    size_t expected_count; /* texts of `keys` that are said to come */
    bool has_stream;
    bool is_stream_broken;
} answer;

static bool kv_get(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret)
{
    *ret = answer.get;
    return true;
}

static bool kv_list_keys(bhi_guest *guest, bhi_bytes prefix, bhi_kv_text_list_result *ret)
{
    *ret = answer.keys;
    bhi_guest_expect_texts(guest, answer.keys.ok.data, answer.expected_count);
    return true;
}

static bool kv_list_keys_page(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                              uint32_t limit, bhi_kv_key_page_result *ret)
{
    *ret = answer.page;
    return true;
}

static bool kv_clear_prefix(bhi_guest *guest, bhi_bytes prefix, bhi_kv_u64_result *ret)
{
    *ret = answer.cleared;
    return true;
}

static bool fs_stat(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret)
{
    *ret = answer.stat;
    return true;
}

static bool ipc_poll(bhi_guest *guest, bhi_ipc_subscription *self, bhi_ipc_envelope_result *ret)
{
    *ret = answer.envelope;
    return true;
}

static bool ipc_readiness(bhi_guest *guest, bhi_ipc_subscription *self, bhi_poll_pollable **ret)
{
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool list_processes(bhi_guest *guest, bhi_text_option label_filter,
                           bhi_process_info_list_result *ret)
{
    *ret = answer.processes;
    return true;
}

static bool poll_accept(bhi_guest *guest, bhi_net_tcp_listener *self, uint64_t timeout_ms,
                        bhi_net_tcp_stream_option_result *ret)
{
    ret->is_ok = true;
    ret->ok.is_some = answer.has_stream;
    if (answer.has_stream)
        ret->ok.value = fake_make_object(BHI_RESOURCE_NET_TCP_STREAM);
    return true;
}

static bool stream_read(bhi_guest *guest, bhi_streams_input_stream *self, uint64_t len,
                        bhi_streams_bytes_result *ret)
{
    ret->error.tag = BHI_STREAMS_STREAM_ERROR_CLOSED;
    if (answer.is_stream_broken) {
        ret->error.tag = BHI_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED;
        ret->error.last_operation_failed = fake_make_object(BHI_RESOURCE_ERROR_ERROR);
    }
    return true;
}

static bool clock_ms(bhi_guest *guest, uint64_t *ret)
{
    *ret = UINT64_C(0x0123456789ABCDEF);
    return true;
}

static bool http_status(bhi_guest *guest, bhi_http_stream *self, uint16_t *ret)
{
    *ret = 404;
    return true;
}

static bool pollable_ready(bhi_guest *guest, bhi_poll_pollable *self, bool *ret)
{
    *ret = true;
    return true;
}

static bool enumerate(bhi_guest *guest, bhi_text_list *ret)
{
    static const bhi_bytes names[] = {{(const uint8_t *)"net", 3}, {(const uint8_t *)"uplink", 6}};
    *ret = (bhi_text_list){names, 2};
    return true;
}

static const bhi_host_table host = {
    .error = &(bhi_error_host){.error_drop = fake_drop_object},
    .fs = &(bhi_fs_host){.fs_stat = fs_stat},
    .http = &(bhi_http_host){.http_stream_status = http_status},
    .ipc = &(bhi_ipc_host){.subscription_poll = ipc_poll,
                           .subscription_subscribe_readiness = ipc_readiness},
    .kv = &(bhi_kv_host){.kv_get = kv_get,
                         .kv_list_keys = kv_list_keys,
                         .kv_list_keys_page = kv_list_keys_page,
                         .kv_clear_prefix = kv_clear_prefix},
    .net = &(bhi_net_host){.tcp_listener_poll_accept = poll_accept,
                           .tcp_stream_drop = fake_drop_object},
    .poll = &(bhi_poll_host){.pollable_ready = pollable_ready, .pollable_drop = fake_drop_object},
    .process = &(bhi_process_host){.list_processes = list_processes},
    .streams = &(bhi_streams_host){.input_stream_read = stream_read},
    .sys = &(bhi_sys_host){.clock_ms = clock_ms, .enumerate_capabilities = enumerate},
};

/* ---- the guest's side ---- */

static fake_guest fake;

static int begin(void **state)
{
    memset(&answer, 0, sizeof answer);
    fake_guest_init(&fake, MEMORY_BYTES, &host);
    memset(fake.guest.memory + AREA, 0xEE, 256); /* what a result leaves unwritten is seen */
    fake.next = 2048;
    return 0;
}

static int end(void **state)
{
    fake_guest_deinit(&fake);
    assert_int_equal(fake_objects_live, 0);
    return 0;
}

static void call(const char *module, const char *name, bhi_core_value *values)
{
    fake_guest_watch(&fake);
    bool is_done = fake_guest_call(&fake, module, name, values);
    if (!is_done)
        print_message("%s\n", fake.guest.trap_text);
    assert_true(is_done);
    assert_true(fake_guest_wrote_only_what_it_named(&fake));
}

/* Call a function of one string, or of what stands in its two core values. */
static void call_with_text(const char *module, const char *name)
{
    bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
    call(module, name, values);
}

static uint32_t give(bhi_resource type)
{
    return bhi_handles_insert(fake.guest.handles, type, fake_make_object(type), fake_drop_object);
}

static uint32_t word(uint32_t at)
{
    return fake_guest_u32_at(&fake, AREA + at);
}

static uint64_t wide(uint32_t at)
{
    return word(at) | (uint64_t)word(at + 4) << 32;
}

static uint8_t byte(uint32_t at)
{
    return fake.guest.memory[AREA + at];
}

static void assert_text_at(uint32_t pair, const char *expected)
{
    bhi_bytes found = fake_guest_bytes_at(&fake, fake_guest_u32_at(&fake, pair),
                                          fake_guest_u32_at(&fake, pair + 4));
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.data, expected, found.len);
}

static void a_value_is_copied_into_the_guest(void **state)
{
    answer.get = (bhi_kv_bytes_option_result){.is_ok = true, .ok = {true, hello}};
    call_with_text(KV, "kv-get");
    assert_int_equal(word(0), 0);
    assert_int_equal(word(4), 1);
    assert_text_at(AREA + 8, "hello");
    assert_int_equal(byte(16), 0xEE);
    assert_int_equal(fake.reallocs, 1);
}

static void no_value_and_an_empty_value_differ(void **state)
{
    answer.get = (bhi_kv_bytes_option_result){.is_ok = true};
    call_with_text(KV, "kv-get");
    assert_int_equal(byte(0), 0);
    assert_int_equal(byte(4), 0);
    assert_int_equal(fake.reallocs, 0);
    answer.get.ok.is_some = true;
    call_with_text(KV, "kv-get");
    assert_int_equal(byte(4), 1);
    assert_int_equal(word(12), 0);
    assert_int_equal(fake.reallocs, 1); /* an empty list is allocated too */
}

static void an_error_arrives_with_its_case_and_text(void **state)
{
    answer.get.error.tag = BHI_KV_ERROR_CODE_QUOTA;
    call_with_text(KV, "kv-get");
    assert_int_equal(byte(0), 1);
    assert_int_equal(byte(4), 2);
    assert_int_equal(fake.reallocs, 0);
    answer.get.error = (bhi_kv_error_code){BHI_KV_ERROR_CODE_UNKNOWN, hello};
    call_with_text(KV, "kv-get");
    assert_int_equal(byte(4), 4);
    assert_text_at(AREA + 8, "hello");
}

static void a_list_of_texts_is_allocated_before_its_texts(void **state)
{
    bhi_bytes keys[] = {hello, {NULL, 0}, {(const uint8_t *)"z", 1}};
    answer.keys = (bhi_kv_text_list_result){.is_ok = true, .ok = {keys, 3}};
    call_with_text(KV, "kv-list-keys");
    assert_int_equal(byte(0), 0);
    uint32_t list = word(4);
    assert_int_equal(list, 2048);
    assert_int_equal(word(8), 3);
    assert_text_at(list, "hello");
    assert_text_at(list + 8, "");
    assert_text_at(list + 16, "z");
    assert_int_equal(fake_guest_u32_at(&fake, list), 2048 + 24);
    assert_int_equal(fake.reallocs, 4);
}

enum { MANY = 2 * BHI_GUEST_TEXTS + 1 };

static void answer_many_keys(bhi_bytes *keys, size_t expected_count)
{
    static const uint8_t letters[MANY] = "abcdefghijklmnopqrstuvwxyz0123456";
    for (size_t i = 0; i < MANY; i++)
        keys[i] = (bhi_bytes){letters + i, MANY - i};
    answer.keys = (bhi_kv_text_list_result){.is_ok = true, .ok = {keys, MANY}};
    answer.expected_count = expected_count;
}

/* Nothing else differs: the guest's memory is the same to the byte. */
static void texts_that_are_expected_are_allocated_in_groups(void **state)
{
    static const size_t counts[] = {MANY, BHI_GUEST_TEXTS, BHI_GUEST_TEXTS + 1, 1};
    static const uint32_t batches[] = {3, 1, 2, 1};
    uint8_t alone[MEMORY_BYTES];
    bhi_bytes keys[MANY];
    answer_many_keys(keys, 0);
    call_with_text(KV, "kv-list-keys");
    assert_int_equal(fake.batches, 0);
    memcpy(alone, fake.guest.memory, MEMORY_BYTES);
    for (int i = 0; i < 4; i++) {
        end(state);
        begin(state);
        answer_many_keys(keys, counts[i]);
        call_with_text(KV, "kv-list-keys");
        assert_memory_equal(fake.guest.memory, alone, MEMORY_BYTES);
        assert_int_equal(fake.batches, batches[i]);
        assert_int_equal(fake.reallocs, 1 + MANY);
    }
}

static void an_expectation_ends_with_its_import(void **state)
{
    bhi_bytes keys[MANY];
    answer_many_keys(keys, MANY);
    answer.keys.ok.len = 2; /* the host may give less */
    call_with_text(KV, "kv-list-keys");
    answer.get = (bhi_kv_bytes_option_result){.is_ok = true, .ok = {true, hello}};
    call_with_text(KV, "kv-get");
    assert_text_at(AREA + 8, "hello");
}

static void a_text_that_is_expected_is_checked_like_any(void **state)
{
    static const fake_realloc misbehaviours[] = {FAKE_REALLOC_TRAPS, FAKE_REALLOC_CALLS_AN_IMPORT,
                                                 FAKE_REALLOC_ANSWERS};
    bhi_bytes keys[MANY];
    for (int i = 0; i < 3; i++) {
        bhi_core_value values[3] = {{.u32 = 0}, {.u32 = 0}, {.u32 = AREA}};
        answer_many_keys(keys, MANY);
        fake.realloc = misbehaviours[i];
        fake.realloc_answer = MEMORY_BYTES - 8; /* holds no text of MANY bytes */
        answer.keys.ok.len = MANY;
        fake_guest_watch(&fake);
        assert_false(fake_guest_call(&fake, KV, "kv-list-keys", values));
        assert_true(fake_guest_wrote_only_what_it_named(&fake));
        fake_guest_revive(&fake);
    }
}

static void a_page_arrives_with_its_cursor(void **state)
{
    answer.page.is_ok = true;
    answer.page.ok = (bhi_kv_key_page){{&hello, 1}, true, {(const uint8_t *)"next", 4}};
    bhi_core_value values[7] = {{.u32 = 0}};
    values[6].u32 = AREA;
    call(KV, "kv-list-keys-page", values);
    assert_int_equal(word(8), 1);
    assert_text_at(word(4), "hello");
    assert_int_equal(byte(12), 1);
    assert_text_at(AREA + 16, "next");
}

static void a_wide_number_stands_after_8_bytes_and_so_does_the_error(void **state)
{
    answer.cleared = (bhi_kv_u64_result){.is_ok = true, .ok = UINT64_C(1) << 33};
    call_with_text(KV, "kv-clear-prefix");
    assert_int_equal(byte(0), 0);
    assert_true(wide(8) == UINT64_C(1) << 33);
    answer.cleared = (bhi_kv_u64_result){.error = {BHI_KV_ERROR_CODE_UNKNOWN, hello}};
    call_with_text(KV, "kv-clear-prefix");
    assert_int_equal(byte(0), 1);
    assert_int_equal(byte(8), 4);
    assert_text_at(AREA + 12, "hello");
    assert_int_equal(word(20), 0); /* bytes between and behind the fields are zero */
}

static void a_record_of_optional_records_has_its_layout(void **state)
{
    answer.stat.is_ok = true;
    answer.stat.ok = (bhi_fs_file_stat){.size = 1234,
                                        .kind = BHI_FS_FILE_TYPE_SYMLINK,
                                        .mode = 0644,
                                        .has_created = true,
                                        .created = {-2, 999}};
    call_with_text(FS, "fs-stat");
    assert_int_equal(byte(0), 0);
    assert_int_equal(wide(8), 1234);
    assert_int_equal(byte(16), 3);
    assert_int_equal(word(20), 0644);
    assert_int_equal(byte(24), 0); /* modified: option of 24 bytes */
    assert_int_equal(byte(48), 1); /* created */
    assert_true((int64_t)wide(56) == -2);
    assert_int_equal(word(64), 999);
    assert_int_equal(byte(72), 0); /* accessed */
    assert_int_equal(byte(96), 0xEE);
}

static void a_batch_of_messages_has_its_layout(void **state)
{
    bhi_ipc_message messages[2] = {
        {.topic = hello,
         .payload = hello,
         .source_id = hello,
         .principal = {.tag = BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED,
                       .claimed = {(const uint8_t *)"eve", 3}}},
        {.topic = {(const uint8_t *)"t", 1},
         .principal = {.tag = BHI_IPC_PRINCIPAL_ATTRIBUTION_SYSTEM}},
    };
    answer.envelope.is_ok = true;
    answer.envelope.ok = (bhi_ipc_envelope){{messages, 2}, 7, 9};
    bhi_core_value values[2] = {{.u32 = give(BHI_RESOURCE_IPC_SUBSCRIPTION)}, {.u32 = AREA}};
    call(IPC, "[method]subscription.poll", values);
    assert_int_equal(word(12), 2);
    assert_int_equal(wide(16), 7);
    assert_int_equal(wide(24), 9);
    uint32_t first = word(8), second = first + 36;
    assert_text_at(first + 16, "hello");
    assert_int_equal(fake.guest.memory[first + 24], 1);
    assert_text_at(first + 28, "eve");
    assert_text_at(second, "t");
    assert_text_at(second + 8, "");
    assert_int_equal(fake.guest.memory[second + 24], 2);
}

static void a_list_of_large_records_has_its_layout(void **state)
{
    bhi_process_info infos[2] = {
        {.id = hello,
         .phase = BHI_PROCESS_PHASE_EXITED,
         .has_exit = true,
         .exit = {.has_exit_code = true, .exit_code = -1},
         .age_ms = 11,
         .stdin_open = true,
         .has_mem_bytes_peak = true,
         .mem_bytes_peak = 22},
        {.label = hello, .has_os_pid = true, .os_pid = 33},
    };
    answer.processes = (bhi_process_info_list_result){.is_ok = true, .ok = {infos, 2}};
    bhi_core_value values[4] = {{.u32 = 0}};
    values[3].u32 = AREA;
    call("astrid:process/host@1.0.0", "list-processes", values);
    assert_int_equal(word(8), 2);
    uint32_t first = word(4), second = first + 128;
    assert_int_equal(first % 8, 0);
    assert_text_at(first, "hello");
    assert_int_equal(fake.guest.memory[first + 32], 2);
    assert_int_equal(fake.guest.memory[first + 36], 1);
    assert_int_equal(fake.guest.memory[first + 40], 1);
    assert_int_equal(fake_guest_u32_at(&fake, first + 44), (uint32_t)-1);
    assert_int_equal(fake_guest_u32_at(&fake, first + 56), 11);
    assert_int_equal(fake.guest.memory[first + 88], 1);
    assert_int_equal(fake.guest.memory[first + 96], 0);
    assert_int_equal(fake.guest.memory[first + 112], 1);
    assert_int_equal(fake_guest_u32_at(&fake, first + 120), 22);
    assert_text_at(second + 8, "hello");
    assert_int_equal(fake.guest.memory[second + 24], 1);
    assert_int_equal(fake_guest_u32_at(&fake, second + 28), 33);
}

static void single_values_return_as_core_values(void **state)
{
    bhi_core_value value = {.u64 = 0};
    call(SYS, "clock-ms", &value);
    assert_true(value.u64 == UINT64_C(0x0123456789ABCDEF));
    value.u64 = give(BHI_RESOURCE_HTTP_STREAM);
    call(HTTP, "[method]http-stream.status", &value);
    assert_int_equal(value.u32, 404);
    value.u64 = give(BHI_RESOURCE_POLL_POLLABLE);
    call("astrid:io/poll@1.0.0", "[method]pollable.ready", &value);
    assert_int_equal(value.u32, 1);
}

static void a_list_alone_returns_through_memory(void **state)
{
    bhi_core_value value = {.u32 = AREA};
    call(SYS, "enumerate-capabilities", &value);
    assert_int_equal(word(4), 2);
    assert_text_at(word(0) + 8, "uplink");
}

static void an_object_becomes_a_handle_that_the_guest_drops(void **state)
{
    bhi_core_value value = {.u32 = give(BHI_RESOURCE_IPC_SUBSCRIPTION)};
    call(IPC, "[method]subscription.subscribe-readiness", &value);
    uint32_t handle = value.u32;
    assert_non_null(bhi_handles_get(fake.guest.handles, BHI_RESOURCE_POLL_POLLABLE, handle));
    assert_int_equal(fake_objects_live, 2);
    call("astrid:io/poll@1.0.0", "[resource-drop]pollable", &value);
    assert_int_equal(fake_objects_live, 1);
    value.u32 = handle;
    assert_false(fake_guest_call(&fake, "astrid:io/poll@1.0.0", "[resource-drop]pollable", &value));
    assert_int_equal(fake_objects_live, 1);
}

static void an_optional_object_becomes_a_handle_or_nothing(void **state)
{
    bhi_core_value values[3] = {
        {.u32 = give(BHI_RESOURCE_NET_TCP_LISTENER)}, {.u64 = 5}, {.u32 = AREA}};
    call(NET, "[method]tcp-listener.poll-accept", values);
    assert_int_equal(byte(0), 0);
    assert_int_equal(byte(4), 0);
    answer.has_stream = true;
    call(NET, "[method]tcp-listener.poll-accept", values);
    assert_int_equal(byte(4), 1);
    assert_non_null(bhi_handles_get(fake.guest.handles, BHI_RESOURCE_NET_TCP_STREAM, word(8)));
}

static void an_error_can_carry_an_object(void **state)
{
    bhi_core_value values[3] = {
        {.u32 = give(BHI_RESOURCE_STREAMS_INPUT_STREAM)}, {.u64 = 5}, {.u32 = AREA}};
    call("astrid:io/streams@1.0.0", "[method]input-stream.read", values);
    assert_int_equal(byte(0), 1);
    assert_int_equal(byte(4), 1);
    answer.is_stream_broken = true;
    call("astrid:io/streams@1.0.0", "[method]input-stream.read", values);
    assert_int_equal(byte(4), 0);
    assert_non_null(bhi_handles_get(fake.guest.handles, BHI_RESOURCE_ERROR_ERROR, word(8)));
}

static void an_object_past_the_last_handle_is_dropped_and_traps(void **state)
{
    bhi_core_value value = {.u32 = give(BHI_RESOURCE_IPC_SUBSCRIPTION)};
    for (int i = 1; i < BHI_HANDLES_MAX; i++)
        assert_int_not_equal(give(BHI_RESOURCE_POLL_POLLABLE), 0);
    assert_false(fake_guest_call(&fake, IPC, "[method]subscription.subscribe-readiness", &value));
    assert_string_equal(fake.guest.trap_text,
                        "no room for a handle of type astrid:io/poll@1.0.0#pollable: at most 4095 "
                        "may be live");
    assert_int_equal(fake_objects_live, BHI_HANDLES_MAX);
}

static void memory_that_grows_in_realloc_can_take_the_result(void **state)
{
    fake.guest.memory_bytes = 2048 + 2;
    fake.realloc = FAKE_REALLOC_GROWS;
    answer.get = (bhi_kv_bytes_option_result){.is_ok = true, .ok = {true, hello}};
    call_with_text(KV, "kv-get");
    assert_text_at(AREA + 8, "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_copied_into_the_guest),
        TEST(no_value_and_an_empty_value_differ),
        TEST(an_error_arrives_with_its_case_and_text),
        TEST(a_list_of_texts_is_allocated_before_its_texts),
        TEST(texts_that_are_expected_are_allocated_in_groups),
        TEST(an_expectation_ends_with_its_import),
        TEST(a_text_that_is_expected_is_checked_like_any),
        TEST(a_page_arrives_with_its_cursor),
        TEST(a_wide_number_stands_after_8_bytes_and_so_does_the_error),
        TEST(a_record_of_optional_records_has_its_layout),
        TEST(a_batch_of_messages_has_its_layout),
        TEST(a_list_of_large_records_has_its_layout),
        TEST(single_values_return_as_core_values),
        TEST(a_list_alone_returns_through_memory),
        TEST(an_object_becomes_a_handle_that_the_guest_drops),
        TEST(an_optional_object_becomes_a_handle_or_nothing),
        TEST(an_error_can_carry_an_object),
        TEST(an_object_past_the_last_handle_is_dropped_and_traps),
        TEST(memory_that_grows_in_realloc_can_take_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
