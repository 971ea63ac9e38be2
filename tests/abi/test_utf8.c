#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/utf8.h"

typedef struct sample {
    const char *bytes;
    size_t len;
} sample;

#define S(text) {text, sizeof(text) - 1}

static const sample well_formed[] = {
    S(""),
    S("a"),
    S("\x00"),
    S("\x7F"),
    S("\xC2\x80"),
    S("\xDF\xBF"),
    S("\xE0\xA0\x80"),
    S("\xE0\xBF\xBF"),
    S("\xE1\x80\x80"),
    S("\xEC\xBF\xBF"),
    S("\xED\x80\x80"),
    S("\xED\x9F\xBF"),
    S("\xEE\x80\x80"),
    S("\xEF\xBF\xBF"),
    S("\xF0\x90\x80\x80"),
    S("\xF0\xBF\xBF\xBF"),
    S("\xF1\x80\x80\x80"),
    S("\xF3\xBF\xBF\xBF"),
    S("\xF4\x80\x80\x80"),
    S("\xF4\x8F\xBF\xBF"),
};

static const sample ill_formed[] = {
    S("\x80"),
    S("\xBF"),
    S("\xC0\x80"),
    S("\xC1\xBF"),
    S("\xC2"),
    S("\xC2\x7F"),
    S("\xC2\xC0"),
    S("\xE0\x9F\xBF"),
    S("\xE0\xA0"),
    S("\xE0\xA0\x7F"),
    S("\xE1\x80"),
    S("\xE1\x80\xC0"),
    S("\xED\xA0\x80"),
    S("\xED\xBF\xBF"),
    S("\xEF\xBF"),
    S("\xF0\x8F\xBF\xBF"),
    S("\xF0\x90\x80"),
    S("\xF0\x90\x80\x7F"),
    S("\xF0\x90\xC0\x80"),
    S("\xF4\x90\x80\x80"),
    S("\xF5\x80\x80\x80"),
    S("\xF8\x88\x80\x80\x80"),
    S("\xFE"),
    S("\xFF"),
    S("\xC2\x80\x80"),
};

enum { PADDING_MAX = 70 };

/* The sample between two runs of ASCII, in a buffer that ends where the text ends. */
static bool is_valid_between(const sample *middle, size_t before, size_t after)
{
    size_t len = before + middle->len + after;
    uint8_t *buffer = malloc(len + 1);
    assert_non_null(buffer);
    memset(buffer, 'x', len);
    memcpy(buffer + before, middle->bytes, middle->len);
    uint8_t *exact = realloc(buffer, len == 0 ? 1 : len);
    bool is_valid = bhi_utf8_is_valid((bhi_bytes){exact, len});
    free(exact);
    return is_valid;
}

static void every_well_formed_sequence_is_accepted_anywhere(void **state)
{
    for (size_t i = 0; i < sizeof well_formed / sizeof well_formed[0]; i++) {
        for (size_t before = 0; before < PADDING_MAX; before++)
            assert_true(is_valid_between(&well_formed[i], before, before % 5));
    }
}

static void every_ill_formed_sequence_is_refused_anywhere(void **state)
{
    for (size_t i = 0; i < sizeof ill_formed / sizeof ill_formed[0]; i++) {
        for (size_t before = 0; before < PADDING_MAX; before++) {
            assert_false(is_valid_between(&ill_formed[i], before, 0));
            assert_false(is_valid_between(&ill_formed[i], before, before % 40 + 1));
        }
    }
}

/* The definition, said in another way: decode, then look at the code point. */
static bool is_valid_slowly(const uint8_t *at, size_t len)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    while (len > 0) {
        size_t need = at[0] < 0x80             ? 1
                      : (at[0] & 0xE0) == 0xC0 ? 2
                      : (at[0] & 0xF0) == 0xE0 ? 3
                      : (at[0] & 0xF8) == 0xF0 ? 4
                                               : 0;
        if (need == 0 || need > len)
            return false;
        uint32_t point = need == 1 ? at[0] : at[0] & (0xFFu >> (need + 1));
        for (size_t i = 1; i < need; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return false;
            point = point << 6 | (at[i] & 0x3F);
        }
        if (point < smallest[need] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
            return false;
        at += need;
        len -= need;
    }
    return true;
}

static void all_sequences_of_three_bytes_agree_with_a_decoder(void **state)
{
    uint8_t bytes[3];
    for (uint32_t i = 0; i < 1u << 24; i++) {
        bytes[0] = (uint8_t)(i >> 16), bytes[1] = (uint8_t)(i >> 8), bytes[2] = (uint8_t)i;
        if (bhi_utf8_is_valid((bhi_bytes){bytes, 3}) != is_valid_slowly(bytes, 3))
            fail_msg("%06x", i);
    }
}

static void all_four_byte_sequences_agree_with_a_decoder(void **state)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (int first = 0xE0; first < 0x100; first++) {
        for (int i = 0; i < 1000; i++) {
            uint8_t bytes[4] = {(uint8_t)first, edges[i % 10], edges[i / 10 % 10], edges[i / 100]};
            assert_int_equal(bhi_utf8_is_valid((bhi_bytes){bytes, 4}), is_valid_slowly(bytes, 4));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_well_formed_sequence_is_accepted_anywhere),
        cmocka_unit_test(every_ill_formed_sequence_is_refused_anywhere),
        cmocka_unit_test(all_sequences_of_three_bytes_agree_with_a_decoder),
        cmocka_unit_test(all_four_byte_sequences_agree_with_a_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
