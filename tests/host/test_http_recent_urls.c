/* tests/host/test_http_recent_urls.c - parsed URLs that are shared, forgotten, and outlive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/http_recent_urls.h"

static bhi_http_recent_urls recent;

static int begin(void **state)
{
    bhi_http_recent_urls_init(&recent);
    return 0;
}

static int end(void **state)
{
    bhi_http_recent_urls_deinit(&recent);
    return 0;
}

static bhi_http_url parse(const char *text)
{
    bhi_http_url url;
    assert_int_equal(bhi_http_recent_urls_parse(&recent, bhi_bytes_of(text), &url),
                     BHI_HTTP_URL_OK);
    return url;
}

static void assert_path(const bhi_http_url *url, const char *path)
{
    char *text;
    assert_int_equal(curl_url_get(url->parsed, CURLUPART_PATH, &text, 0), CURLUE_OK);
    assert_string_equal(text, path);
    curl_free(text);
}

static void equal_texts_share_what_they_were_parsed_to(void **state)
{
    bhi_http_url first = parse("http://a.org:81/x"), again = parse("http://a.org:81/x");
    bhi_http_url other = parse("http://a.org:81/y");
    assert_ptr_equal(first.parsed, again.parsed);
    assert_ptr_not_equal(first.parsed, other.parsed);
    assert_string_equal(again.host, "a.org");
    assert_int_equal(again.port, 81);
    assert_int_equal(recent.count, 2);
    bhi_http_url_deinit(&first);
    assert_path(&again, "/x");
    bhi_http_url_deinit(&again);
    bhi_http_url_deinit(&other);
    again = parse("http://a.org:81/x"); /* known yet */
    assert_int_equal(recent.count, 2);
    bhi_http_url_deinit(&again);
}

static void a_redirect_of_a_shared_url_is_its_own(void **state)
{
    bhi_http_url url = parse("http://a.org/x/y"), next;
    assert_int_equal(bhi_http_url_follow(&url, bhi_bytes_of("z"), &next), BHI_HTTP_URL_OK);
    assert_path(&next, "/x/z");
    assert_path(&url, "/x/y");
    assert_int_equal(recent.count, 1);
    bhi_http_url_deinit(&next);
    bhi_http_url_deinit(&url);
}

static void what_is_malformed_or_long_is_not_kept(void **state)
{
    static const char *const bad[] = {"", "ftp://a.org/", "http://", "http://u:p@a.org/"};
    char text[BHI_HTTP_RECENT_URL_BYTES_MAX + 2];
    bhi_http_url url;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int times = 0; times < 2; times++)
            assert_int_equal(bhi_http_recent_urls_parse(&recent, bhi_bytes_of(bad[i]), &url),
                             BHI_HTTP_URL_MALFORMED);
    snprintf(text, sizeof text, "http://a.org/%0*d", BHI_HTTP_RECENT_URL_BYTES_MAX - 12, 0);
    url = parse(text);
    assert_int_equal(recent.count, 0);
    bhi_http_url_deinit(&url);
}

static void the_longest_unused_is_forgotten(void **state)
{
    char text[40];
    bhi_http_url held = parse("http://a.org/held");
    for (int i = 0; i < 3 * BHI_HTTP_RECENT_URLS_MAX; i++) {
        snprintf(text, sizeof text, "http://a.org/%d", i);
        bhi_http_url url = parse(text), used = parse("http://a.org/used");
        bhi_http_url_deinit(&url);
        bhi_http_url_deinit(&used);
        assert_true(recent.count <= BHI_HTTP_RECENT_URLS_MAX);
    }
    bhi_http_url again = parse("http://a.org/held"), used = parse("http://a.org/used");
    assert_ptr_not_equal(again.parsed, held.parsed); /* it was forgotten while it was in use */
    assert_path(&held, "/held");
    assert_int_equal(recent.count, BHI_HTTP_RECENT_URLS_MAX);
    bhi_http_url_deinit(&held);
    bhi_http_url_deinit(&again);
    bhi_http_url_deinit(&used);
}

static void a_url_may_outlive_the_client(void **state)
{
    bhi_http_url url = parse("http://a.org/late");
    bhi_http_recent_urls_deinit(&recent);
    assert_path(&url, "/late");
    bhi_http_url_deinit(&url);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(equal_texts_share_what_they_were_parsed_to),
        CASE(a_redirect_of_a_shared_url_is_its_own),
        CASE(what_is_malformed_or_long_is_not_kept),
        CASE(the_longest_unused_is_forgotten),
        CASE(a_url_may_outlive_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
