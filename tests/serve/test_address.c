/* Who may listen, who may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "serve/address.h"

static void expect_address(const char *text, const char *printed)
{
    bhi_address address;
    bh_error error;
    char found[BHI_ADDRESS_TEXT_MAX];
    assert_int_equal(bhi_address_parse(text, &address, &error), BH_OK);
    bhi_address_format(&address, found);
    assert_string_equal(found, printed);
}

static void expect_refusal(const char *text, const char *reason)
{
    bhi_address address;
    bh_error error;
    assert_int_equal(bhi_address_parse(text, &address, &error), BH_E_ARG);
    assert_non_null(strstr(error.text, reason));
}

static void loopback_addresses_are_accepted(void **state)
{
    expect_address("127.0.0.1:8787", "127.0.0.1:8787");
    expect_address("127.1.2.3:0", "127.1.2.3:0");
    expect_address("localhost:65535", "127.0.0.1:65535");
    expect_address("LOCALHOST:1", "127.0.0.1:1");
    expect_address("[::1]:80", "[::1]:80");
}

static void other_addresses_are_refused_with_the_reason(void **state)
{
    static const char *const addresses[] = {"0.0.0.0:80",
                                            "10.0.0.1:80",
                                            "128.0.0.1:80",
                                            "[::]:80",
                                            "[::ffff:127.0.0.1]:80",
                                            "[fe80::1]:80",
                                            "example.org:80",
                                            "localhost.example.org:80",
                                            "127.0.0.1.example.org:80",
                                            "127.1:80",
                                            "0x7f000001:80",
                                            "[127.0.0.1]:80",
                                            "[localhost]:80"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        expect_refusal(addresses[i], "loopback");
}

static void malformed_addresses_are_refused(void **state)
{
    static const char *const addresses[] = {
        "",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:8o",
        "127.0.0.1:123456",
        "[::1]",
        "[::1:80",
        "[]:80",
        "::1:80",
        "[::1]x:80",
        "[::1]80",
        "a234567890123456789012345678901234567890123456789012345678901234567890:80"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        expect_refusal(addresses[i], "HOST:PORT");
}

static void only_hosts_of_this_machine_may_be_named(void **state)
{
    assert_true(bhi_host_is_loopback("localhost"));
    assert_true(bhi_host_is_loopback("localhost:8787"));
    assert_true(bhi_host_is_loopback("127.0.0.1:8787"));
    assert_true(bhi_host_is_loopback("[::1]"));
    assert_true(bhi_host_is_loopback("[::1]:8787"));
    assert_false(bhi_host_is_loopback(""));
    assert_false(bhi_host_is_loopback("example.org"));
    assert_false(bhi_host_is_loopback("localhost.example.org:80"));
    assert_false(bhi_host_is_loopback("127.0.0.1.nip.io"));
    assert_false(bhi_host_is_loopback("localhost:80@example.org"));
    assert_false(bhi_host_is_loopback("192.168.0.1"));
    assert_false(bhi_host_is_loopback("[::1]example.org"));
}

static void only_pages_of_this_machine_may_ask(void **state)
{
    assert_true(bhi_origin_is_loopback("http://localhost:3000"));
    assert_true(bhi_origin_is_loopback("https://127.0.0.1"));
    assert_true(bhi_origin_is_loopback("HTTP://[::1]:1"));
    assert_false(bhi_origin_is_loopback("null"));
    assert_false(bhi_origin_is_loopback(""));
    assert_false(bhi_origin_is_loopback("http://example.org"));
    assert_false(bhi_origin_is_loopback("http://localhost.example.org"));
    assert_false(bhi_origin_is_loopback("http://localhost/"));
    assert_false(bhi_origin_is_loopback("file://localhost"));
    assert_false(bhi_origin_is_loopback("http://"));
}

static void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

static void sockets_share_the_port_that_was_chosen(void **state)
{
    bhi_address address;
    bh_error error;
    int sockets[3];
    assert_int_equal(bhi_address_parse("127.0.0.1:0", &address, &error), BH_OK);
    assert_int_equal(bhi_address_listen(&address, 3, sockets, &error), BH_OK);
    char chosen[BHI_ADDRESS_TEXT_MAX], found[BHI_ADDRESS_TEXT_MAX];
    bhi_address_format(&address, chosen);
    assert_string_not_equal(chosen, "127.0.0.1:0");
    for (size_t i = 0; i < 3; i++) {
        bhi_address bound = {.len = sizeof bound.socket};
        assert_int_equal(getsockname(sockets[i], (struct sockaddr *)&bound.socket, &bound.len), 0);
        bhi_address_format(&bound, found);
        assert_string_equal(found, chosen);
    }
    close_all(sockets, 3);
}

static void a_port_of_another_listener_is_not_shared(void **state)
{
    bhi_address address;
    bh_error error;
    int sockets[2], more[1];
    assert_int_equal(bhi_address_parse("127.0.0.1:0", &address, &error), BH_OK);
    assert_int_equal(bhi_address_listen(&address, 2, sockets, &error), BH_OK);
    assert_int_equal(bhi_address_listen(&address, 1, more, &error), BH_E_IO);
    assert_int_equal(error.os_code, EADDRINUSE);
    close_all(sockets, 2);
    assert_int_equal(bhi_address_listen(&address, 1, more, &error), BH_OK);
    close_all(more, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_addresses_are_accepted),
        cmocka_unit_test(other_addresses_are_refused_with_the_reason),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(only_hosts_of_this_machine_may_be_named),
        cmocka_unit_test(only_pages_of_this_machine_may_ask),
        cmocka_unit_test(sockets_share_the_port_that_was_chosen),
        cmocka_unit_test(a_port_of_another_listener_is_not_shared),
    };
    return cmocka_run_group_tests_name("serve/address", tests, NULL, NULL);
}
