/* host/test_kv_key.c - which keys are allowed, and that places never meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "host/kv_key.h"

static bool is_valid(const char *text)
{
    return bhi_kv_key_is_valid(bhi_bytes_of(text));
}

static void keys_have_1_to_256_bytes(void **state)
{
    uint8_t long_key[257];
    memset(long_key, 'k', sizeof long_key);
    assert_false(bhi_kv_key_is_valid((bhi_bytes){NULL, 0}));
    assert_true(is_valid("k"));
    assert_true(bhi_kv_key_is_valid((bhi_bytes){long_key, 256}));
    assert_false(bhi_kv_key_is_valid((bhi_bytes){long_key, 257}));
}

static void every_control_character_is_refused(void **state)
{
    for (unsigned byte = 0; byte < 0x80; byte++) {
        uint8_t key[3] = {'a', (uint8_t)byte, 'b'};
        assert_int_equal(bhi_kv_key_is_valid((bhi_bytes){key, 3}), byte >= 0x20 && byte != 0x7f);
    }
    for (unsigned byte = 0x80; byte < 0xc0; byte++) {
        uint8_t key[3] = {'a', 0xc2, (uint8_t)byte};
        assert_int_equal(bhi_kv_key_is_valid((bhi_bytes){key, 3}), byte >= 0xa0);
    }
    assert_false(bhi_kv_key_is_valid(BHI_BYTES_LITERAL("\xc3\xa9\0")));
}

static void text_that_is_not_in_normal_form_c_is_refused(void **state)
{
    assert_true(is_valid("caf\xc3\xa9"));               /* e with acute */
    assert_false(is_valid("cafe\xcc\x81"));             /* e, combining acute */
    assert_false(is_valid("\xe2\x84\xab"));             /* the angstrom sign */
    assert_true(is_valid("\xc3\x85"));                  /* its normal form */
    assert_true(is_valid("q\xcc\x83"));                 /* q, combining tilde: nothing composes */
    assert_false(is_valid("q\xcc\x83\xcc\xa3"));        /* marks in the wrong order */
    assert_true(is_valid("q\xcc\xa3\xcc\x83"));         /* and in the right one */
    assert_false(is_valid("\xe1\x84\x80\xe1\x85\xa1")); /* Hangul parts */
    assert_true(is_valid("\xea\xb0\x80"));              /* the syllable */
    assert_false(is_valid("\xe0\xa5\x98"));             /* excluded from composition */
    assert_true(is_valid("\xf0\x9f\xa6\x80/\xe2\x98\x83"));
}

static void malformed_utf8_is_refused(void **state)
{
    static const char *const malformed[] = {
        "\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_false(is_valid(malformed[i]));
}

/* U+0390 has three parts and is in normal form; 128 of them fill a key. */
static void the_longest_key_of_composed_characters_is_accepted(void **state)
{
    char key[257] = {0};
    for (int i = 0; i < 128; i++)
        memcpy(key + 2 * i, "\xce\x90", 2);
    assert_true(is_valid(key));
    key[255] = '\0';
    assert_false(is_valid(key)); /* the last one torn */
}

static void prefixes_are_literal_bytes_without_nul(void **state)
{
    assert_true(bhi_kv_prefix_is_valid((bhi_bytes){NULL, 0}));
    assert_true(bhi_kv_prefix_is_valid(BHI_BYTES_LITERAL("\x01\xff")));
    assert_false(bhi_kv_prefix_is_valid(BHI_BYTES_LITERAL("a\0")));
}

static void a_place_separates_the_names_with_nul(void **state)
{
    bhi_kv_scope scope = {BHI_BYTES_LITERAL("alice"), BHI_BYTES_LITERAL("notes")};
    bhi_kv_place place;
    assert_true(bhi_kv_place_init(&place, &scope, BHI_BYTES_LITERAL("k")));
    assert_int_equal(place.namespace_len, 12);
    assert_true(
        bhi_bytes_equal((bhi_bytes){place.bytes, place.len}, BHI_BYTES_LITERAL("alice\0notes\0k")));
    scope.capsule = (bhi_bytes){NULL, 0};
    assert_false(bhi_kv_place_init(&place, &scope, BHI_BYTES_LITERAL("k")));
    scope.capsule = BHI_BYTES_LITERAL("no\0tes");
    assert_false(bhi_kv_place_init(&place, &scope, BHI_BYTES_LITERAL("k")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_1_to_256_bytes),
        cmocka_unit_test(every_control_character_is_refused),
        cmocka_unit_test(text_that_is_not_in_normal_form_c_is_refused),
        cmocka_unit_test(malformed_utf8_is_refused),
        cmocka_unit_test(the_longest_key_of_composed_characters_is_accepted),
        cmocka_unit_test(prefixes_are_literal_bytes_without_nul),
        cmocka_unit_test(a_place_separates_the_names_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
