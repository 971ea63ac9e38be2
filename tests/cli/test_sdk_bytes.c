/* The SDK's bytes, natively. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sdk/c/bulkhead/bytes.h"
#include "../../sdk/c/bytes.c"

static capsule_bytes raw(const char *data, size_t len)
{
    return (capsule_bytes){(uint8_t *)(uintptr_t)data, len};
}

static void decimal_numbers_parse_up_to_the_largest(void **state)
{
    uint64_t value;
    assert_true(capsule_parse_u64(capsule_text("0"), &value));
    assert_int_equal(value, 0);
    assert_true(capsule_parse_u64(capsule_text("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_true(capsule_parse_u64(capsule_text("007"), &value));
    assert_int_equal(value, 7);
}

static void anything_but_decimal_digits_is_no_number(void **state)
{
    static const char *const texts[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "0x1", "1.0", "/", ":"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t value = 4711;
        assert_false(capsule_parse_u64(capsule_text(texts[i]), &value));
        assert_int_equal(value, 4711);
    }
}

static void secrets_are_equal_when_every_byte_is(void **state)
{
    assert_true(capsule_equal_secret(raw("a\0b", 3), raw("a\0b", 3)));
    assert_true(capsule_equal_secret(raw(NULL, 0), raw("", 0)));
    assert_false(capsule_equal_secret(raw("abc", 3), raw("abd", 3)));
    assert_false(capsule_equal_secret(raw("bbc", 3), raw("abc", 3)));
    assert_false(capsule_equal_secret(raw("abc", 3), raw("ab", 2)));
}

static void well_formed_utf8_is_accepted(void **state)
{
    static const char *const texts[] = {"",
                                        "plain and long enough for a word",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "1234567\xc3\xa4"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(capsule_is_utf8(capsule_text(texts[i])));
    assert_true(capsule_is_utf8(raw("a\0b", 3)));
}

static void malformed_utf8_is_refused_wherever_it_stands(void **state)
{
    static const char *const parts[] = {
        "\x80",             /* a continuation alone */
        "\xc0\x80",         /* overlong */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80", /* no such lead */
        "\xff",             /* no such lead */
        "\xc3",             /* cut */
        "\xe2\x82",         /* cut */
        "\xf0\x9f\x98",     /* cut */
        "\xe2\x28\xa1",     /* a wrong second byte */
        "\xe2\x82\x28",     /* a wrong third byte */
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (size_t before = 0; before < 20; before++) {
            char text[32] = {0};
            memset(text, 'a', before);
            strcat(text, parts[i]);
            assert_false(capsule_is_utf8(capsule_text(text)));
            strcat(text, "z");
            assert_false(capsule_is_utf8(capsule_text(text)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers_parse_up_to_the_largest),
        cmocka_unit_test(anything_but_decimal_digits_is_no_number),
        cmocka_unit_test(secrets_are_equal_when_every_byte_is),
        cmocka_unit_test(well_formed_utf8_is_accepted),
        cmocka_unit_test(malformed_utf8_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
