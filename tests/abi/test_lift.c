/* What a host function receives: every shape of parameter, at hand-computed offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "support/fake_guest.h"

#define KV      "astrid:kv/host@1.0.0"
#define NET     "astrid:net/host@1.0.0"
#define HTTP    "astrid:http/host@1.0.0"
#define PROCESS "astrid:process/host@1.0.0"

enum { AREA = 1024, MEMORY_BYTES = 4096 };

#define assert_text(actual, expected)                                                              \
    do {                                                                                           \
        assert_int_equal((actual).len, strlen(expected));                                          \
        assert_memory_equal((actual).data, expected, strlen(expected));                            \
    } while (0)

static int calls;

/* ---- host functions that look at what they get ---- */

static bool kv_set(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret)
{
    calls++;
    assert_text(key, "k\xC3\xA9y");
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.data, "\xFF\x00\x80", 3);
    ret->is_ok = true;
    return true;
}

static bool kv_cas(bhi_guest *guest, bhi_bytes key, bhi_bytes_option expected, bhi_bytes new,
                   bhi_kv_unit_result *ret)
{
    calls++;
    assert_text(key, "k");
    assert_int_equal(expected.is_some, calls != 1);
    assert_int_equal(expected.value.len, calls == 3 ? 2 : 0);
    assert_text(new, "new");
    ret->is_ok = true;
    return true;
}

static bool kv_list_keys_page(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                              uint32_t limit, bhi_kv_key_page_result *ret)
{
    calls++;
    assert_text(prefix, "p");
    assert_true(cursor.is_some);
    assert_text(cursor.value, "cur");
    assert_int_equal(limit, 77);
    return true;
}

static bool set_nodelay(bhi_guest *guest, bhi_net_tcp_stream *self, bool nodelay,
                        bhi_net_unit_result *ret)
{
    calls++;
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    assert_int_equal(nodelay, calls != 1);
    return true;
}

static bool set_linger(bhi_guest *guest, bhi_net_tcp_stream *self, bhi_u64_option linger_ms,
                       bhi_net_unit_result *ret)
{
    calls++;
    assert_int_equal(linger_ms.is_some, calls == 2);
    assert_true(linger_ms.value == (calls == 2 ? UINT64_C(0x123456789ABCDEF0) : 0));
    return true;
}

static bool connect_tcp(bhi_guest *guest, bhi_bytes host, uint16_t port,
                        bhi_net_tcp_stream_result *ret)
{
    calls++;
    assert_text(host, "host");
    assert_int_equal(port, 443);
    return true;
}

static bool http_request(bhi_guest *guest, const bhi_http_request_data *request,
                         bhi_http_response_data_result *ret)
{
    calls++;
    assert_text(request->url, "http://x/");
    assert_int_equal(request->method.tag,
                     calls == 1 ? BHI_HTTP_METHOD_OTHER : BHI_HTTP_METHOD_DELETE);
    if (calls == 1)
        assert_text(request->method.other, "PURGE");
    assert_int_equal(request->headers.len, 2);
    assert_text(request->headers.data[0].key, "a");
    assert_text(request->headers.data[0].value, "1");
    assert_text(request->headers.data[1].key, "b");
    assert_text(request->headers.data[1].value, "");
    assert_int_equal(request->has_body, calls == 1);
    if (calls == 1)
        assert_text(request->body, "body");
    return true;
}

static bool poll_poll(bhi_guest *guest, bhi_poll_pollable_list pollables,
                      bhi_poll_u32_list_result *ret)
{
    calls++;
    assert_int_equal(pollables.len, 3);
    for (size_t i = 0; i < 3; i++)
        fake_use_object(pollables.data[i], BHI_RESOURCE_POLL_POLLABLE);
    assert_ptr_equal(pollables.data[0], pollables.data[2]);
    assert_ptr_not_equal(pollables.data[0], pollables.data[1]);
    return true;
}

static bool status_many(bhi_guest *guest, bhi_text_list ids, bhi_process_info_list_result *ret)
{
    calls++;
    assert_int_equal(ids.len, 2);
    assert_text(ids.data[0], "one");
    assert_text(ids.data[1], "three");
    return true;
}

static bool spawn(bhi_guest *guest, const bhi_process_spawn_request *request,
                  bhi_process_result_result *ret)
{
    calls++;
    assert_text(request->cmd, "ls");
    assert_int_equal(request->args.len, 2);
    assert_text(request->args.data[1], "-a");
    assert_true(request->has_stdin_);
    assert_text(request->stdin_, "in");
    assert_int_equal(request->env.len, 1);
    assert_text(request->env.data[0].key, "K");
    assert_text(request->env.data[0].value, "V");
    assert_false(request->has_cwd);
    assert_true(request->has_limits);
    assert_true(request->limits.has_max_memory_bytes);
    assert_true(request->limits.max_memory_bytes == UINT64_C(1) << 40);
    assert_false(request->limits.has_max_cpu_secs);
    assert_true(request->limits.has_max_pids);
    assert_int_equal(request->limits.max_pids, 9);
    assert_false(request->limits.has_max_open_files);
    assert_true(request->has_label);
    assert_text(request->label, "lab");
    assert_true(request->has_keep_stdin_open && request->keep_stdin_open);
    assert_true(request->has_overflow);
    assert_int_equal(request->overflow, BHI_PROCESS_OVERFLOW_POLICY_BACKPRESSURE);
    assert_true(request->has_log_ring_bytes);
    assert_int_equal(request->log_ring_bytes, 4096);
    assert_false(request->has_max_lifetime_ms);
    assert_true(request->has_idle_timeout_ms);
    assert_int_equal(request->idle_timeout_ms, 5);
    assert_false(request->has_exit_retention_ms);
    return true;
}

static bool elicit(bhi_guest *guest, const bhi_elicit_request *request,
                   bhi_elicit_response_result *ret)
{
    calls++;
    assert_int_equal(request->kind, BHI_ELICIT_TYPE_SELECT);
    assert_text(request->key, "k");
    assert_text(request->description, "d");
    assert_true(request->has_options);
    assert_int_equal(request->options.len, 2);
    assert_text(request->options.data[1], "no");
    assert_false(request->has_default_value);
    return true;
}

static bool request_approval(bhi_guest *guest, const bhi_approval_request *request,
                             bhi_approval_response_result *ret)
{
    calls++;
    assert_text(request->action, "act");
    assert_text(request->target_resource, "target");
    return true;
}

static bool uplink_register(bhi_guest *guest, bhi_bytes name, bhi_bytes platform,
                            bhi_uplink_profile profile, bhi_uplink_text_result *ret)
{
    calls++;
    assert_text(name, "n");
    assert_text(platform, "p");
    assert_int_equal(profile, BHI_UPLINK_PROFILE_BRIDGE);
    return true;
}

static bool splice(bhi_guest *guest, bhi_streams_output_stream *self, bhi_streams_input_stream *src,
                   uint64_t len, bhi_streams_u64_result *ret)
{
    calls++;
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_object(src, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    assert_true(len == UINT64_MAX);
    ret->is_ok = true;
    return true;
}

static bool log_line(bhi_guest *guest, bhi_sys_log_level level, bhi_bytes message)
{
    calls++;
    assert_int_equal(level, BHI_SYS_LOG_LEVEL_ERROR);
    assert_text(message, "boom");
    return true;
}

static bool identity_create_user(bhi_guest *guest, const bhi_identity_create_user_request *request,
                                 bhi_identity_create_user_response_result *ret)
{
    calls++;
    assert_true(request->has_display_name);
    assert_text(request->display_name, "Ada");
    return true;
}

static const bhi_host_table host = {
    .approval = &(bhi_approval_host){.request_approval = request_approval},
    .elicit = &(bhi_elicit_host){.elicit = elicit},
    .http = &(bhi_http_host){.http_request = http_request},
    .identity = &(bhi_identity_host){.identity_create_user = identity_create_user},
    .kv =
        &(bhi_kv_host){.kv_set = kv_set, .kv_cas = kv_cas, .kv_list_keys_page = kv_list_keys_page},
    .net = &(bhi_net_host){.tcp_stream_set_nodelay = set_nodelay,
                           .tcp_stream_set_linger = set_linger,
                           .connect_tcp = connect_tcp},
    .poll = &(bhi_poll_host){.poll = poll_poll},
    .process = &(bhi_process_host){.spawn = spawn, .status_many = status_many},
    .streams = &(bhi_streams_host){.output_stream_splice = splice},
    .sys = &(bhi_sys_host){.log = log_line},
    .uplink = &(bhi_uplink_host){.uplink_register = uplink_register},
};

/* ---- the guest's side ---- */

static fake_guest fake;
static bhi_core_value values[17];
static size_t used; /* values set so far */

static int begin(void **state)
{
    calls = 0;
    used = 0;
    memset(values, 0, sizeof values);
    fake_guest_init(&fake, MEMORY_BYTES, &host);
    return 0;
}

static int end(void **state)
{
    fake_guest_deinit(&fake);
    return 0;
}

static void pass(uint64_t value)
{
    values[used++].u64 = value;
}

static void pass_text(const char *text)
{
    pass(fake_guest_place_text(&fake, text));
    pass(strlen(text));
}

static void call(const char *module, const char *name)
{
    int before = calls;
    used = 0;
    bool is_done = fake_guest_call(&fake, module, name, values);
    if (!is_done)
        print_message("%s\n", fake.guest.trap_text);
    assert_true(is_done);
    assert_int_equal(calls, before + 1);
}

static uint32_t give(bhi_resource type)
{
    return bhi_handles_insert(fake.guest.handles, type, fake_make_object(type), fake_drop_object);
}

/* {address, len} of each text, as a list of strings holds them. */
static uint32_t place_texts(const char *const *texts, size_t count)
{
    uint32_t pairs[16];
    for (size_t i = 0; i < count; i++) {
        pairs[2 * i] = fake_guest_place_text(&fake, texts[i]);
        pairs[2 * i + 1] = (uint32_t)strlen(texts[i]);
    }
    return fake_guest_place(&fake, pairs, count * 8, 4);
}

static void text_and_bytes_arrive_as_they_are(void **state)
{
    pass_text("k\xC3\xA9y");
    pass(fake_guest_place(&fake, "\xFF\x00\x80", 3, 1));
    pass(3);
    pass(AREA);
    call(KV, "kv-set");
}

static void no_bytes_and_empty_bytes_differ(void **state)
{
    for (uint64_t is_some = 0; is_some < 2; is_some++) {
        pass_text("k");
        pass(is_some);
        pass(0);
        pass(0);
        pass_text("new");
        pass(AREA);
        call(KV, "kv-cas");
    }
    pass_text("k");
    pass(1);
    pass_text("xy");
    pass_text("new");
    pass(AREA);
    call(KV, "kv-cas");
}

static void an_optional_text_comes_before_a_number(void **state)
{
    pass_text("p");
    pass(1);
    pass_text("cur");
    pass(77);
    pass(AREA);
    call(KV, "kv-list-keys-page");
}

static void every_number_but_zero_is_true(void **state)
{
    uint32_t stream = give(BHI_RESOURCE_NET_TCP_STREAM);
    static const uint64_t numbers[] = {0, 1, 2, 0x100, 0xFFFFFFFF};
    for (size_t i = 0; i < 5; i++) {
        pass(stream);
        pass(numbers[i]);
        pass(AREA);
        call(NET, "[method]tcp-stream.set-nodelay");
    }
}

static void an_optional_number_keeps_its_64_bits(void **state)
{
    uint32_t stream = give(BHI_RESOURCE_NET_TCP_STREAM);
    for (uint64_t is_some = 0; is_some < 2; is_some++) {
        pass(stream);
        pass(is_some);
        pass(is_some ? UINT64_C(0x123456789ABCDEF0) : 99);
        pass(AREA);
        call(NET, "[method]tcp-stream.set-linger");
    }
}

static void a_port_is_the_low_16_bits(void **state)
{
    pass_text("host");
    pass(0x10000 + 443);
    pass(AREA);
    call(NET, "connect-tcp");
}

static void a_request_arrives_with_its_method_headers_and_body(void **state)
{
    uint32_t pairs[8] = {fake_guest_place_text(&fake, "a"),
                         1,
                         fake_guest_place_text(&fake, "1"),
                         1,
                         fake_guest_place_text(&fake, "b"),
                         1,
                         0,
                         0};
    uint32_t headers = fake_guest_place(&fake, pairs, sizeof pairs, 4);
    pass_text("http://x/");
    pass(9);
    pass_text("PURGE");
    pass(headers);
    pass(2);
    pass(1);
    pass_text("body");
    pass(AREA);
    call(HTTP, "http-request");
    pass_text("http://x/");
    pass(4);
    pass(UINT64_MAX); /* a case without payload: its places are not looked at */
    pass(UINT64_MAX);
    pass(headers);
    pass(2);
    pass(0);
    pass(UINT64_MAX);
    pass(UINT64_MAX);
    pass(AREA);
    call(HTTP, "http-request");
}

static void borrowed_objects_arrive_in_order(void **state)
{
    uint32_t first = give(BHI_RESOURCE_POLL_POLLABLE);
    uint32_t handles[3] = {first, give(BHI_RESOURCE_POLL_POLLABLE), first};
    pass(fake_guest_place(&fake, handles, sizeof handles, 4));
    pass(3);
    pass(AREA);
    call("astrid:io/poll@1.0.0", "poll");
}

static void two_objects_of_different_types_arrive(void **state)
{
    pass(give(BHI_RESOURCE_STREAMS_OUTPUT_STREAM));
    pass(give(BHI_RESOURCE_STREAMS_INPUT_STREAM));
    pass(UINT64_MAX);
    pass(AREA);
    call("astrid:io/streams@1.0.0", "[method]output-stream.splice");
}

static void a_list_of_texts_arrives(void **state)
{
    static const char *const ids[] = {"one", "three"};
    pass(place_texts(ids, 2));
    pass(2);
    pass(AREA);
    call(PROCESS, "status-many");
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    memcpy(at, &value, size);
}

static void put_text(uint8_t *at, const char *text)
{
    put(at, fake_guest_place_text(&fake, text), 4);
    put(at + 4, strlen(text), 4);
}

static void more_than_16_parameters_arrive_through_memory(void **state)
{
    static const char *const args[] = {"-l", "-a"};
    uint8_t request[176] = {0};
    uint8_t variable[16];
    put_text(request, "ls");
    put(request + 8, place_texts(args, 2), 4);
    put(request + 12, 2, 4);
    request[16] = 1;
    put_text(request + 20, "in");
    put_text(variable, "K");
    put_text(variable + 8, "V");
    put(request + 28, fake_guest_place(&fake, variable, sizeof variable, 4), 4);
    put(request + 32, 1, 4);
    request[48] = 1;
    request[56] = 1;
    put(request + 64, UINT64_C(1) << 40, 8);
    request[88] = 1;
    put(request + 92, 9, 4);
    request[104] = 1;
    put_text(request + 108, "lab");
    request[116] = 1;
    request[117] = 0x80;
    request[118] = 1;
    request[119] = 1;
    request[120] = 1;
    put(request + 124, 4096, 4);
    request[144] = 1;
    put(request + 152, 5, 8);
    pass(fake_guest_place(&fake, request, sizeof request, 8));
    pass(AREA);
    call(PROCESS, "spawn");
}

static void a_question_arrives_with_its_options(void **state)
{
    static const char *const options[] = {"yes", "no"};
    pass(2);
    pass_text("k");
    pass_text("d");
    pass(1);
    pass(place_texts(options, 2));
    pass(2);
    pass(0);
    pass(0);
    pass(0);
    pass(AREA);
    call("astrid:elicit/host@1.0.0", "elicit");
}

static void records_and_enums_arrive(void **state)
{
    pass_text("act");
    pass_text("target");
    pass(AREA);
    call("astrid:approval/host@1.0.0", "request-approval");
    pass_text("n");
    pass_text("p");
    pass(3);
    pass(AREA);
    call("astrid:uplink/host@1.0.0", "uplink-register");
    pass(4);
    pass_text("boom");
    call("astrid:sys/host@1.0.0", "log");
    pass(1);
    pass_text("Ada");
    pass(AREA);
    call("astrid:identity/host@1.0.0", "identity-create-user");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_and_bytes_arrive_as_they_are),
        TEST(no_bytes_and_empty_bytes_differ),
        TEST(an_optional_text_comes_before_a_number),
        TEST(every_number_but_zero_is_true),
        TEST(an_optional_number_keeps_its_64_bits),
        TEST(a_port_is_the_low_16_bits),
        TEST(a_request_arrives_with_its_method_headers_and_body),
        TEST(borrowed_objects_arrive_in_order),
        TEST(two_objects_of_different_types_arrive),
        TEST(a_list_of_texts_arrives),
        TEST(more_than_16_parameters_arrive_through_memory),
        TEST(a_question_arrives_with_its_options),
        TEST(records_and_enums_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
