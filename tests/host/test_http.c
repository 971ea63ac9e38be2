/* astrid:http/host, called by a guest through the SDK against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/capsule.h"
#include "support/http_world.h"

static http_world world;

static int open_world(void **state)
{
    (void)state;
    http_world_open(&world);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    http_world_close(&world);
    return 0;
}

static void expect(const char *payload, const char *answer)
{
    http_expect(&world, "request", payload, answer);
}

#define ROOT "http://127.0.0.1:PORT"

/* ---- http-request ---- */

static void a_request_is_sent_and_its_response_comes_back(void **state)
{
    (void)state;
    expect("GET " ROOT "/text/hello", "200\ncontent-length: 5\n\nhello");
}

static void the_peer_sees_the_method_the_headers_and_the_body(void **state)
{
    (void)state;
    const char *seen =
        http_ask(&world, "request",
                 "PUT " ROOT "/echo?q=1#fragment\nX-One: a\nX-One: b\nX-Empty: \n\nthe body");
    assert_non_null(strstr(seen, "\n\nPUT /echo?q=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(seen, "\r\nX-One: a\r\nX-One: b\r\nX-Empty:\r\nContent-Length: 8\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\nthe body"));
    assert_null(strstr(seen, "Content-Type: application"));
    assert_null(strstr(seen, "Expect:"));
    assert_null(strstr(seen, "Cookie"));
}

static void every_method_but_connect_is_sent(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",     "POST",  "PUT",   "DELETE",
                                          "OPTIONS", "TRACE", "PATCH", "PURGE"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char payload[64], line[64];
        snprintf(payload, sizeof payload, "%s " ROOT "/echo", methods[i]);
        snprintf(line, sizeof line, "\n\n%s /echo HTTP/1.1\r\n", methods[i]);
        assert_non_null(strstr(http_ask(&world, "request", payload), line));
    }
    expect("HEAD " ROOT "/text/hello", "200\ncontent-length: 5\n\n");
    expect("CONNECT " ROOT "/echo", "deny: invalid-request");
    expect("connect " ROOT "/echo", "deny: invalid-request");
    expect("BAD@METHOD " ROOT "/echo", "deny: invalid-request");
}

static void an_error_status_is_a_success(void **state)
{
    (void)state;
    expect("GET " ROOT "/status/404", "404\ncontent-length: 10\n\nstatus 404");
    expect("GET " ROOT "/status/500", "500\ncontent-length: 10\n\nstatus 500");
}

static void a_body_of_10_mib_comes_back_and_one_byte_more_is_too_large(void **state)
{
    (void)state;
    http_expect(&world, "size", "GET " ROOT "/bytes/10485760", "200 10485760");
    http_expect(&world, "size", "GET " ROOT "/bytes/10485761", "deny: body-too-large");
    http_expect(&world, "size", "GET " ROOT "/chunked/100000", "200 100000");
    http_expect(&world, "size", "GET " ROOT "/endless", "deny: body-too-large");
    http_expect(&world, "size", "GET " ROOT "/endless-length", "deny: body-too-large");
}

static void a_request_body_has_at_most_10_mib(void **state)
{
    (void)state;
    http_expect(&world, "fill", "POST " ROOT "/text/ok\n\n10485760", "200 2");
    http_expect(&world, "fill", "POST " ROOT "/text/ok\n\n10485761", "deny: invalid-request");
}

static void response_headers_are_lower_case_latin_1_and_may_repeat(void **state)
{
    (void)state;
    expect("GET " ROOT "/latin1", "200\ncontent-length: 0\nx-name: caf\u00e9\nx-empty: \n\n");
    expect("GET " ROOT "/twice", "200\ncontent-length: 0\nset-cookie: a=1\nset-cookie: b=2\n\n");
}

static void interim_responses_and_trailers_are_left_out(void **state)
{
    (void)state;
    expect("GET " ROOT "/interim", "200\ncontent-length: 5\n\nfinal");
    expect("GET " ROOT "/trailers", "200\ntransfer-encoding: chunked\n\nabc");
}

static void a_response_without_a_length_ends_with_its_connection(void **state)
{
    (void)state;
    expect("GET " ROOT "/close/bye", "200\nconnection: close\n\nbye");
}

static void requests_share_a_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        expect("GET " ROOT "/text/again", "200\ncontent-length: 5\n\nagain");
    assert_int_equal(http_peer_connections(world.peer), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_request_is_sent_and_its_response_comes_back),
    cmocka_unit_test(the_peer_sees_the_method_the_headers_and_the_body),
    cmocka_unit_test(every_method_but_connect_is_sent),
    cmocka_unit_test(an_error_status_is_a_success),
    cmocka_unit_test(a_body_of_10_mib_comes_back_and_one_byte_more_is_too_large),
    cmocka_unit_test(a_request_body_has_at_most_10_mib),
    cmocka_unit_test(response_headers_are_lower_case_latin_1_and_may_repeat),
    cmocka_unit_test(interim_responses_and_trailers_are_left_out),
    cmocka_unit_test(a_response_without_a_length_ends_with_its_connection),
    cmocka_unit_test(requests_share_a_connection),
};

int main(void)
{
    struct CMUnitTest all[64];
    size_t count = sizeof tests / sizeof tests[0];
    memcpy(all, tests, sizeof tests);
    for (size_t i = 0; i < count; i++) {
        all[i].setup_func = open_world;
        all[i].teardown_func = close_world;
    }
    return _cmocka_run_group_tests("http", all, count, NULL, NULL);
}
