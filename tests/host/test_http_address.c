/* Which addresses are public: every network of the tables, at its first and last address and one
 * beyond each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cmocka.h>

#include "host/http_address.h"

static bool is_public(const char *text)
{
    struct sockaddr_storage address;
    if (!bhi_http_address_parse(text, &address))
        fail_msg("%s is no address", text);
    return bhi_http_address_is_public((struct sockaddr *)&address);
}

static void expect_private(const char *text)
{
    if (is_public(text))
        fail_msg("%s should be private", text);
}

static void expect_public(const char *text)
{
    if (!is_public(text))
        fail_msg("%s should be public", text);
}

typedef struct edges {
    const char *before, *first, *last, *after; /* before, after: public, or NULL */
} edges;

static const edges networks4[] = {
    {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
    {"223.255.255.255", "224.0.0.0", "239.255.255.255", NULL},
    {NULL, "240.0.0.0", "255.255.255.255", NULL},
};

static void every_private_network_of_ipv4_ends_where_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks4 / sizeof networks4[0]; i++) {
        if (networks4[i].before != NULL)
            expect_public(networks4[i].before);
        expect_private(networks4[i].first);
        expect_private(networks4[i].last);
        if (networks4[i].after != NULL)
            expect_public(networks4[i].after);
    }
}

static void an_ipv6_form_of_an_ipv4_address_is_as_private(void **state)
{
    (void)state;
    static const char *const forms[] = {"::%s", "::ffff:%s", "::ffff:0:%s"};
    char text[64];
    for (size_t form = 0; form < 3; form++) {
        for (size_t i = 0; i < sizeof networks4 / sizeof networks4[0]; i++) {
            snprintf(text, sizeof text, forms[form], networks4[i].first);
            expect_private(text);
            snprintf(text, sizeof text, forms[form], networks4[i].last);
            expect_private(text);
        }
        snprintf(text, sizeof text, forms[form], "93.184.216.34");
        expect_public(text);
    }
    expect_private("::ffff:7f00:1");
    expect_private("::7f00:1");
}

static const edges networks6[] = {
    {NULL, "::", "::1", NULL},
    {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0"},
    {"64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
     "64:ff9b:2::"},
    {"ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"},
    {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:1::"},
    {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2003::"},
    {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "fe00::"},
    {"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     NULL},
    {NULL, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
};

static void every_private_network_of_ipv6_ends_where_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks6 / sizeof networks6[0]; i++) {
        if (networks6[i].before != NULL)
            expect_public(networks6[i].before);
        expect_private(networks6[i].first);
        expect_private(networks6[i].last);
        if (networks6[i].after != NULL)
            expect_public(networks6[i].after);
    }
}

static void usual_addresses_are_public(void **state)
{
    (void)state;
    expect_public("8.8.8.8");
    expect_public("93.184.216.34");
    expect_public("2606:4700:4700::1111");
    expect_public("2a00:1450:4001:81b::200e");
}

static void what_is_no_internet_address_is_private(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(bhi_http_address_is_public((struct sockaddr *)&local));
}

static void only_numeric_text_is_an_address(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "localhost", "127.1",   "1.2.3.4.5",
                                        "::1%1", "[::1]",     "0x7f.1",  "1.2.3.256",
                                        "1.2.3", " 1.2.3.4",  "1.2.3.4 "};
    struct sockaddr_storage address;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(bhi_http_address_parse(texts[i], &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_private_network_of_ipv4_ends_where_it_should),
        cmocka_unit_test(an_ipv6_form_of_an_ipv4_address_is_as_private),
        cmocka_unit_test(every_private_network_of_ipv6_ends_where_it_should),
        cmocka_unit_test(usual_addresses_are_public),
        cmocka_unit_test(what_is_no_internet_address_is_private),
        cmocka_unit_test(only_numeric_text_is_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
