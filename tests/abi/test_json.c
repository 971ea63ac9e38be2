/* tests/abi/test_json.c - what is JSON, by the grammar and beside serde_json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead_rust.h>
#include <cmocka.h>

#include "abi/json.h"
#include "support/fake_guest.h"

enum { TEXT_MAX = 4096, ROUNDS = 300000 };

static const char *const valid[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "10",
    "-1.5e+10",
    "1E-7",
    "0.0",
    "0e0",
    "1e999",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u00e9\\uD800\\uffFF\"",
    "\"\x7f\xc3\xa9\"",
    "[]",
    "{}",
    "[ ]",
    "{\t}",
    " \t\r\n null \t\r\n",
    "[1,2 , 3]",
    "[[],{},[{}]]",
    "{\"a\":1,\"a\":2}",
    "{\"\":[{\"b\":{\"c\":[null,true,false]}}] , \"d\" : \"e\"}",
    "\"a string of fifteen or of sixteen or of thirty-two or of more bytes than a step takes\"",
};

static const char *const invalid[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "tru e",
    "NaN",
    "Infinity",
    "-",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "1.e5",
    "0x1",
    "1 2",
    "--1",
    "\"",
    "\"a",
    "a\"",
    "'a'",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\n\"",
    "\"\x1f\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    "{1:2}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{\"a\"}",
    "{a:1}",
    "{\"a\" 1}",
    "{\"a\":1]",
    "{\"a\":1 \"b\":2}",
    "{,}",
    "[]]",
    "{}{}",
    "\"\" \"\"",
    "\xef\xbb\xbfnull",
    "[1],",
    "null,",
    "// c\n1",
    "[1]x",
    "\"\\\n\"",
    "\"\\u123",
};

static bool ours(const char *text, size_t len)
{
    return bhi_json_is_valid((bhi_bytes){(const uint8_t *)text, len});
}

static bool theirs(const char *text, size_t len)
{
    return bhr_json_is_valid((const uint8_t *)text, len);
}

static void the_grammar_is_accepted_and_nothing_else(void **state)
{
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        if (!ours(valid[i], strlen(valid[i])) || !theirs(valid[i], strlen(valid[i])))
            fail_msg("refused: %s", valid[i]);
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        if (ours(invalid[i], strlen(invalid[i])) || theirs(invalid[i], strlen(invalid[i])))
            fail_msg("accepted: %s", invalid[i]);
    assert_false(ours("nu\0l", 4));
    assert_false(ours("\"\0\"", 3));
    assert_false(ours("null\0", 5));
    assert_false(ours("\"\\\0\"", 4));
    assert_false(bhi_json_is_valid((bhi_bytes){NULL, 0}));
}

/* In a block of exactly its size: a sanitizer sees a look behind the end. */
static void no_text_cut_short_is_accepted(void **state)
{
    static const char text[] = "{\"name\":[\"\\u00e9 and a long enough run of plain bytes\",-1.5e3,"
                               "true,null,{\"k\":\"v\"}]}";
    for (size_t len = 0; len < sizeof text; len++) {
        char *cut = malloc(len + (len == 0));
        memcpy(cut, text, len);
        assert_int_equal(ours(cut, len), len == sizeof text - 1);
        free(cut);
    }
}

static void every_byte_ends_a_plain_run_where_it_should(void **state)
{
    char text[80];
    for (size_t len = 2; len <= 72; len++)
        for (size_t place = 1; place < len - 1; place++)
            for (int byte = 0; byte < 256; byte++) {
                memset(text, 'x', len);
                text[0] = text[len - 1] = '"';
                text[place] = (char)byte;
                assert_int_equal(ours(text, len), theirs(text, len));
            }
}

static void fill(char *at, const char *unit, size_t times)
{
    for (size_t i = 0; i < times; i++)
        memcpy(at + i * strlen(unit), unit, strlen(unit));
}

static bool is_nested(size_t depth, const char *opening, const char *closing)
{
    static char text[64 << 10];
    size_t opened = depth * strlen(opening);
    fill(text, opening, depth);
    text[opened] = '0';
    fill(text + opened + 1, closing, depth);
    return ours(text, opened + 1 + depth * strlen(closing));
}

static void texts_nest_1024_deep(void **state)
{
    static const size_t depths[] = {1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        assert_true(is_nested(depths[i], "[", "]"));
        assert_true(is_nested(depths[i], "{\"a\":", "}"));
        assert_false(is_nested(depths[i], "[", "}"));
    }
    assert_false(is_nested(1025, "[", "]"));
    assert_false(is_nested(1025, "{\"a\":", "}"));
    assert_false(is_nested(8000, "[", "]"));
}

/* Which kind is open at each depth is remembered in a bit. */
static void arrays_and_objects_nest_in_each_other(void **state)
{
    char text[2048];
    for (int round = 0; round < 1000; round++) {
        size_t len = 0;
        bool is_object[200];
        for (int d = 0; d < 200; d++) {
            is_object[d] = fake_random() % 2 == 0;
            const char *opening = is_object[d] ? "{\"\":" : "[";
            memcpy(text + len, opening, strlen(opening));
            len += strlen(opening);
        }
        text[len++] = '1';
        for (int d = 200; d-- > 0;)
            text[len++] = is_object[d] ? '}' : ']';
        assert_true(ours(text, len));
        text[len - 1 - fake_random() % 200] ^= '}' ^ ']';
        assert_false(ours(text, len));
    }
}

/* Bytes of JSON put, replaced and cut in valid texts. */
static size_t mutate(char *text, size_t len)
{
    static const char bytes[] = "{}[]\",:\\ \n\t019-+.eEtrufalsn/bdx\x01\x1f\x7f\xc3";
    char byte = bytes[fake_random() % (sizeof bytes - 1)];
    size_t place = fake_random() % (len + 1);
    switch (fake_random() % 4) {
    case 0:
        memmove(text + place + 1, text + place, len - place);
        text[place] = byte;
        return len + 1;
    case 1:
        if (place < len)
            text[place] = byte;
        return len;
    case 2:
        if (place < len)
            memmove(text + place, text + place + 1, len - place - 1);
        return len - (place < len);
    default: { /* a part once more */
        size_t from = fake_random() % (len + 1), part = fake_random() % (len - from + 1);
        memmove(text + place + part, text + place, len - place);
        memmove(text + place, text + from, part);
        return len + part;
    }
    }
}

static void mutated_texts_agree_with_serde_json(void **state)
{
    static char text[TEXT_MAX];
    uint32_t accepted = 0;
    fake_random_seed(20261125);
    for (int round = 0; round < ROUNDS; round++) {
        const char *seed = valid[fake_random() % (sizeof valid / sizeof *valid)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (uint64_t changes = fake_random() % 6; changes > 0 && len < TEXT_MAX / 4; changes--)
            len = mutate(text, len);
        if (ours(text, len) != theirs(text, len))
            fail_msg("round %d: %.*s", round, (int)len, text);
        accepted += ours(text, len);
    }
    assert_in_range(accepted, ROUNDS / 5, ROUNDS * 4 / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_is_accepted_and_nothing_else),
        cmocka_unit_test(no_text_cut_short_is_accepted),
        cmocka_unit_test(every_byte_ends_a_plain_run_where_it_should),
        cmocka_unit_test(texts_nest_1024_deep),
        cmocka_unit_test(arrays_and_objects_nest_in_each_other),
        cmocka_unit_test(mutated_texts_agree_with_serde_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
