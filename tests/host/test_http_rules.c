/* What of a request a guest may choose, how URLs are read, and the head of a response. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/http_head.h"
#include "host/http_rules.h"
#include "host/http_url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- hosts ---- */

static bool is_granted(const char *entry, const char *host, bool is_address)
{
    bhi_bytes item = bhi_bytes_of(entry);
    bhi_texts net = {&item, 1};
    return bhi_http_host_is_granted(&net, bhi_bytes_of(host), is_address);
}

static void a_host_is_granted_by_its_name_or_one_it_is_below(void **state)
{
    (void)state;
    assert_true(is_granted("example.org", "example.org", false));
    assert_true(is_granted("EXAMPLE.org", "example.org", false));
    assert_true(is_granted("example.org.", "example.org", false));
    assert_true(is_granted("example.org", "a.example.org", false));
    assert_true(is_granted("Example.Org", "b.a.example.org", false));
    assert_true(is_granted("*", "anything", false));
    assert_true(is_granted("*", "10.0.0.1", true));
    assert_false(is_granted("example.org", "badexample.org", false));
    assert_false(is_granted("example.org", "example.org.evil", false));
    assert_false(is_granted("a.example.org", "example.org", false));
    assert_false(is_granted("example.org:80", "example.org", false));
    assert_false(is_granted("*.example.org", "a.example.org", false));
    assert_false(is_granted("", "example.org", false));
    assert_false(is_granted(".", "example.org", false));
    bhi_texts none = {0};
    assert_false(bhi_http_host_is_granted(&none, bhi_bytes_of("example.org"), false));
}

static void an_address_is_granted_as_a_whole_only(void **state)
{
    (void)state;
    assert_true(is_granted("1.2.3.4", "1.2.3.4", true));
    assert_true(is_granted("[::1]", "::1", true));
    assert_true(is_granted("::1", "::1", true));
    assert_false(is_granted("3.4", "1.2.3.4", true));
}

static bool may_be_private(const char *entry, const char *host, uint16_t port)
{
    bhi_bytes item = bhi_bytes_of(entry);
    bhi_texts hosts = {&item, 1};
    return bhi_http_host_may_be_private(&hosts, bhi_bytes_of(host), port);
}

static void a_private_host_is_named_exactly_with_or_without_a_port(void **state)
{
    (void)state;
    assert_true(may_be_private("db.internal", "db.internal", 80));
    assert_true(may_be_private("DB.internal:80", "db.internal", 80));
    assert_true(may_be_private("127.0.0.1:9000", "127.0.0.1", 9000));
    assert_true(may_be_private("::1", "::1", 9000));
    assert_true(may_be_private("[::1]", "::1", 9000));
    assert_true(may_be_private("[::1]:9000", "::1", 9000));
    assert_false(may_be_private("db.internal:80", "db.internal", 8080));
    assert_false(may_be_private("db.internal:8080", "db.internal", 80));
    assert_false(may_be_private("db.internal", "a.db.internal", 80));
    assert_false(may_be_private("*", "db.internal", 80));
    assert_false(may_be_private("::1:9000", "::1", 9000));
    assert_false(may_be_private("", "db.internal", 80));
    assert_false(may_be_private(":80", "db.internal", 80));
}

/* ---- methods ---- */

static bool is_method(const char *text)
{
    bhi_bytes found;
    bhi_http_method method = {.tag = BHI_HTTP_METHOD_OTHER, .other = bhi_bytes_of(text)};
    return bhi_http_method_text(&method, &found);
}

static void a_method_is_a_token_of_at_most_32_bytes_and_not_connect(void **state)
{
    (void)state;
    char longest[BHI_HTTP_METHOD_BYTES_MAX + 2];
    memset(longest, 'A', sizeof longest);
    longest[BHI_HTTP_METHOD_BYTES_MAX + 1] = '\0';
    assert_false(is_method(longest));
    longest[BHI_HTTP_METHOD_BYTES_MAX] = '\0';
    assert_true(is_method(longest));
    assert_true(is_method("PURGE"));
    assert_true(is_method("M-SEARCH"));
    assert_false(is_method(""));
    assert_false(is_method("GET "));
    assert_false(is_method("GET /\r\nHost:"));
    assert_false(is_method("G\xc3\xa9T"));
    assert_false(is_method("CONNECT"));
    assert_false(is_method("Connect"));
    bhi_bytes found;
    bhi_http_method connect = {.tag = BHI_HTTP_METHOD_CONNECT};
    assert_false(bhi_http_method_text(&connect, &found));
}

/* ---- headers ---- */

static bool is_header(const char *name, bhi_bytes value)
{
    bhi_http_key_value_pair header = {bhi_bytes_of(name), value};
    return bhi_http_headers_are_allowed((bhi_http_key_value_pair_list){&header, 1});
}

static void headers_of_the_connection_are_refused_in_any_case(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Host",    "content-length",  "Transfer-Encoding", "CONNECTION", "te",
        "Upgrade", "keep-alive",      "Trailer",           "expect",     "Proxy-Authorization",
        "proxy-x", "PROXY-CONNECTION"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_false(is_header(names[i], bhi_bytes_of("x")));
    assert_true(is_header("proxy", bhi_bytes_of("x")));
    assert_true(is_header("hosts", bhi_bytes_of("x")));
    assert_true(is_header("authorization", bhi_bytes_of("x")));
}

static void a_header_is_a_token_and_a_value_without_controls(void **state)
{
    (void)state;
    static const char *const names[] = {"", "a b", "a:", "a\r\nb", "\xc3\xa9", "a\t", "(a)"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_false(is_header(names[i], bhi_bytes_of("x")));
    for (unsigned c = 0; c < 0x20; c++) {
        uint8_t value[] = {'a', (uint8_t)c, 'b'};
        assert_int_equal(is_header("x", (bhi_bytes){value, 3}), c == '\t');
    }
    assert_false(is_header("x", bhi_bytes_of("\x7f")));
    assert_true(is_header("x", bhi_bytes_of("caf\xc3\xa9")));
    assert_true(is_header("x", bhi_bytes_of("")));
}

static void there_are_at_most_100_headers_of_64_kib(void **state)
{
    (void)state;
    bhi_http_key_value_pair headers[BHI_HTTP_REQUEST_HEADERS_MAX + 1];
    for (size_t i = 0; i < COUNT(headers); i++)
        headers[i] = (bhi_http_key_value_pair){bhi_bytes_of("a"), bhi_bytes_of("b")};
    assert_true(bhi_http_headers_are_allowed(
        (bhi_http_key_value_pair_list){headers, BHI_HTTP_REQUEST_HEADERS_MAX}));
    assert_false(bhi_http_headers_are_allowed(
        (bhi_http_key_value_pair_list){headers, BHI_HTTP_REQUEST_HEADERS_MAX + 1}));
    static char value[BHI_HTTP_REQUEST_HEADER_BYTES_MAX];
    memset(value, 'v', sizeof value);
    assert_true(is_header("a", (bhi_bytes){(uint8_t *)value, sizeof value - 1}));
    assert_false(is_header("a", (bhi_bytes){(uint8_t *)value, sizeof value}));
}

/* ---- URLs ---- */

static bool parses(const char *text, bhi_http_url *url)
{
    return bhi_http_url_parse(bhi_bytes_of(text), url) == BHI_HTTP_URL_OK;
}

static void expect_host(const char *text, const char *host, uint16_t port)
{
    bhi_http_url url;
    if (!parses(text, &url))
        fail_msg("%s should be a URL", text);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    bhi_http_url_deinit(&url);
}

static void the_host_of_a_url_is_in_its_usual_form(void **state)
{
    (void)state;
    expect_host("http://example.org", "example.org", 80);
    expect_host("HTTPS://EXAMPLE.org/", "example.org", 443);
    expect_host("http://example.org.:8080/a?b#c", "example.org", 8080);
    expect_host("http://%65xample.org/", "example.org", 80);
    expect_host("http://[::1]:9/", "::1", 9);
    static const char *const loopbacks[] = {"http://127.0.0.1/",       "http://127.1/",
                                            "http://2130706433/",      "http://0x7f000001/",
                                            "http://0177.0.0.1/",      "http://0x7f.0.0.1/",
                                            "http://%31%32%37.0.0.1/", "http://127.0.0.1./"};
    for (size_t i = 0; i < COUNT(loopbacks); i++) {
        bhi_http_url url;
        assert_true(parses(loopbacks[i], &url));
        if (strcmp(url.host, "127.0.0.1") != 0)
            fail_msg("%s is %s", loopbacks[i], url.host);
        assert_true(url.is_address);
        bhi_http_url_deinit(&url);
    }
}

static void what_is_no_plain_http_url_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "example.org",
        "//example.org/",
        "/path",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "javascript:alert(1)",
        "http://user@example.org/",
        "http://user:password@example.org/",
        "http://:@example.org/",
        "http://b\xc3\xbc.example/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://[v1.x]/",
        "http://exa mple/",
        "http://example.org:99999/",
        "http://example.org:-1/",
        "http://example.org\\@other/",
        "http://example.org/\r\nX: y",
        "http://example.org/\x01",
        "http://a,b/",
        "http://a%2fb/",
        "http://a%00b/",
        "http://*/",
    };
    bhi_http_url url;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (parses(texts[i], &url))
            fail_msg("\"%s\" should be refused, found host %s", texts[i], url.host);
        assert_null(url.parsed);
    }
    assert_int_equal(bhi_http_url_parse((bhi_bytes){(const uint8_t *)"http://a/\0b", 11}, &url),
                     BHI_HTTP_URL_MALFORMED);
}

static void a_url_has_at_most_8_kib_and_its_host_255_bytes(void **state)
{
    (void)state;
    char text[BHI_HTTP_URL_BYTES_MAX + 2] = "http://a/";
    bhi_http_url url;
    memset(text + 9, 'p', sizeof text - 9);
    assert_int_equal(
        bhi_http_url_parse((bhi_bytes){(uint8_t *)text, BHI_HTTP_URL_BYTES_MAX + 1}, &url),
        BHI_HTTP_URL_MALFORMED);
    assert_int_equal(bhi_http_url_parse((bhi_bytes){(uint8_t *)text, BHI_HTTP_URL_BYTES_MAX}, &url),
                     BHI_HTTP_URL_OK);
    bhi_http_url_deinit(&url);
    memset(text + 7, 'h', 256);
    text[7 + 256] = '\0';
    assert_false(parses(text, &url));
    text[7 + 255] = '\0';
    assert_true(parses(text, &url));
    bhi_http_url_deinit(&url);
}

static void a_location_is_relative_to_the_url_it_came_from(void **state)
{
    (void)state;
    static const struct {
        const char *location, *host, *whole;
    } cases[] = {
        {"/abs", "a.org", "https://a.org:8/abs"},    {"../z", "a.org", "https://a.org:8/z"},
        {"?k", "a.org", "https://a.org:8/x/y?k"},    {"//b.org/", "b.org", "https://b.org/"},
        {"http://C.org/", "c.org", "http://C.org/"},
    };
    bhi_http_url url, next;
    assert_true(parses("https://a.org:8/x/y?q", &url));
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(bhi_http_url_follow(&url, bhi_bytes_of(cases[i].location), &next),
                         BHI_HTTP_URL_OK);
        char *whole;
        assert_int_equal(curl_url_get(next.parsed, CURLUPART_URL, &whole, 0), CURLUE_OK);
        assert_string_equal(whole, cases[i].whole);
        assert_string_equal(next.host, cases[i].host);
        curl_free(whole);
        bhi_http_url_deinit(&next);
    }
    static const char *const bad[] = {"http://u:p@c/", "ftp://c/", "javascript:alert(1)", ""};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(bhi_http_url_follow(&url, bhi_bytes_of(bad[i]), &next),
                         BHI_HTTP_URL_MALFORMED);
    bhi_http_url_deinit(&url);
}

/* ---- heads of responses ---- */

static bhi_http_line add_lines(bhi_http_head *head, const char *lines)
{
    bhi_http_line verdict = BHI_HTTP_LINE_TAKEN;
    while (*lines != '\0' && verdict == BHI_HTTP_LINE_TAKEN) {
        size_t len = strcspn(lines, "\n") + 1;
        verdict = bhi_http_head_add(head, (bhi_bytes){(const uint8_t *)lines, len});
        lines += len;
    }
    return verdict;
}

static void expect_head(const char *lines, bhi_http_line verdict)
{
    bhi_arena arena = {0};
    bhi_http_head head;
    bhi_http_head_begin(&head, &arena);
    if (add_lines(&head, lines) != verdict)
        fail_msg("\"%s\"", lines);
    bhi_arena_deinit(&arena);
}

static void malformed_heads_are_refused(void **state)
{
    (void)state;
    expect_head("HTTP/1.1 200 OK\r\na: b\r\n\r\n", BHI_HTTP_LINE_LAST);
    expect_head("HTTP/1.1 200\n\n", BHI_HTTP_LINE_LAST);
    expect_head("HTTP/1.1 103 x\r\n\r\n", BHI_HTTP_LINE_TAKEN);
    static const char *const heads[] = {
        "HTTP/1.1\r\n",
        "HTTP/1.1 20\r\n",
        "HTTP/1.1 2x0 OK\r\n",
        "\r\n",
        "HTTP/1.1 099\r\n",
        "HTTP/1.1 101 Switch\r\n",
        "HTTP/1.1 200\r\n a: b\r\n",
        "HTTP/1.1 200\r\na\r\n",
        "HTTP/1.1 200\r\n: b\r\n",
        "HTTP/1.1 200\r\na b: c\r\n",
        "HTTP/1.1 200\r\na : c\r\n",
        "HTTP/1.1 200\r\na: \x01\r\n",
        "HTTP/1.1 200\r\na: b\rc\r\n",
        "HTTP/1.1 200\r\na: \x7f\r\n",
    };
    for (size_t i = 0; i < COUNT(heads); i++)
        expect_head(heads[i], BHI_HTTP_LINE_MALFORMED);
}

static void a_head_has_at_most_256_headers_and_64_kib(void **state)
{
    (void)state;
    bhi_arena arena = {0};
    bhi_http_head head;
    bhi_http_head_begin(&head, &arena);
    assert_int_equal(add_lines(&head, "HTTP/1.1 200 OK\r\n"), BHI_HTTP_LINE_TAKEN);
    for (int i = 0; i < BHI_HTTP_RESPONSE_HEADERS_MAX; i++)
        assert_int_equal(add_lines(&head, "a: b\r\n"), BHI_HTTP_LINE_TAKEN);
    assert_int_equal(add_lines(&head, "a: b\r\n"), BHI_HTTP_LINE_TOO_LARGE);
    static char line[BHI_HTTP_RESPONSE_HEAD_BYTES_MAX] = "a:";
    memset(line + 2, 'v', sizeof line - 3);
    line[sizeof line - 1] = '\n';
    bhi_http_head_begin(&head, &arena);
    assert_int_equal(add_lines(&head, "HTTP/1.1 200 OK\r\n"), BHI_HTTP_LINE_TAKEN);
    size_t room = sizeof line - 17;
    memmove(line + 2, line + 19, room - 2);
    assert_int_equal(bhi_http_head_add(&head, (bhi_bytes){(uint8_t *)line, room}),
                     BHI_HTTP_LINE_TAKEN);
    assert_int_equal(add_lines(&head, "\n"), BHI_HTTP_LINE_TOO_LARGE);
    bhi_arena_deinit(&arena);
}

static void interim_heads_count_and_leave_nothing(void **state)
{
    (void)state;
    bhi_arena arena = {0};
    bhi_http_head head;
    bhi_http_head_begin(&head, &arena);
    bhi_http_line verdict = BHI_HTTP_LINE_TAKEN;
    int count = 0;
    while (verdict == BHI_HTTP_LINE_TAKEN && ++count < 100000)
        verdict = add_lines(&head, "HTTP/1.1 103 x\r\na: b\r\n\r\n");
    assert_int_equal(verdict, BHI_HTTP_LINE_TOO_LARGE);
    bhi_http_head_begin(&head, &arena);
    assert_int_equal(
        add_lines(&head, "HTTP/1.1 103 x\r\na: b\r\n\r\nHTTP/1.1 204 y\r\nC: d\r\n\r\n"),
        BHI_HTTP_LINE_LAST);
    assert_int_equal(head.status, 204);
    assert_int_equal(head.count, 1);
    assert_null(bhi_http_head_find(&head, "a"));
    assert_true(bhi_bytes_equal_text(*bhi_http_head_find(&head, "c"), "d"));
    bhi_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_granted_by_its_name_or_one_it_is_below),
        cmocka_unit_test(an_address_is_granted_as_a_whole_only),
        cmocka_unit_test(a_private_host_is_named_exactly_with_or_without_a_port),
        cmocka_unit_test(a_method_is_a_token_of_at_most_32_bytes_and_not_connect),
        cmocka_unit_test(headers_of_the_connection_are_refused_in_any_case),
        cmocka_unit_test(a_header_is_a_token_and_a_value_without_controls),
        cmocka_unit_test(there_are_at_most_100_headers_of_64_kib),
        cmocka_unit_test(the_host_of_a_url_is_in_its_usual_form),
        cmocka_unit_test(what_is_no_plain_http_url_is_refused),
        cmocka_unit_test(a_url_has_at_most_8_kib_and_its_host_255_bytes),
        cmocka_unit_test(a_location_is_relative_to_the_url_it_came_from),
        cmocka_unit_test(malformed_heads_are_refused),
        cmocka_unit_test(a_head_has_at_most_256_headers_and_64_kib),
        cmocka_unit_test(interim_heads_count_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
