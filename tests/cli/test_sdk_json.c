/* The SDK's JSON reader, natively, and against jansson on mutated documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <jansson.h>

#include "../../sdk/c/bulkhead/json.h"
#include "../../sdk/c/bytes.c"
#include "../../sdk/c/json.c"

static bool is_valid(const char *document)
{
    return capsule_json_is_valid(capsule_text(document));
}

static void documents_that_are_json_are_accepted(void **state)
{
    static const char *const documents[] = {"{}",
                                            "[]",
                                            " [ ] ",
                                            "0",
                                            "-0",
                                            "1.5e+10",
                                            "1E5",
                                            "-12.0e-3",
                                            "true",
                                            "false",
                                            "null",
                                            "\"\"",
                                            "[1,[2,{\"a\":[{}]}],\"x\"]",
                                            "{\"a\":1,\"b\":{\"c\":null}}",
                                            "\t\r\n{ \"a\" : [ 1 , 2 ] }\n",
                                            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDe00\"",
                                            "\"gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80\"",
                                            "\"\x7f\"",
                                            "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        if (!is_valid(documents[i]))
            fail_msg("refused: %s", documents[i]);
}

static const char *const refused_documents[] = {"",
                                                " ",
                                                "{",
                                                "[",
                                                "}",
                                                "]",
                                                "{]",
                                                "[}",
                                                "[1,]",
                                                "{\"a\":1,}",
                                                "[,1]",
                                                "[1 2]",
                                                "{,}",
                                                "{\"a\"}",
                                                "{\"a\":}",
                                                "{\"a\" 1}",
                                                "{a:1}",
                                                "{1:1}",
                                                "{\"a\":1 \"b\":2}",
                                                "[1][2]",
                                                "1 2",
                                                "{} x",
                                                "01",
                                                "-",
                                                "+1",
                                                ".5",
                                                "1.",
                                                "1e",
                                                "1e+",
                                                "0x1",
                                                "NaN",
                                                "Infinity",
                                                "tru",
                                                "truex",
                                                "nul",
                                                "True",
                                                "'a'",
                                                "\"",
                                                "\"a",
                                                "\"\\\"",
                                                "\"\\x\"",
                                                "\"\\",
                                                "\"\\u12\"",
                                                "\"\\u12g4\"",
                                                "\"\n\"",
                                                "\"\t\"",
                                                "\"\x1f\"",
                                                "\"\\ud800\"",
                                                "\"\\ud800x\"",
                                                "\"\\ud800\\n\"",
                                                "\"\\udc00\"",
                                                "\"\\ud800\\ud800\"",
                                                "\"\\ud800\\u0041\"",
                                                "\"\xff\"",
                                                "\"\xc3\"",
                                                "\"\xed\xa0\x80\"",
                                                "\xef\xbb\xbf{}",
                                                "[1]]",
                                                "{}}",
                                                "[\"a\":1]",
                                                "// x\n1",
                                                "[1,,2]"};

static void documents_that_are_not_json_are_refused(void **state)
{
    for (size_t i = 0; i < sizeof(refused_documents) / sizeof(refused_documents[0]); i++)
        if (is_valid(refused_documents[i]))
            fail_msg("accepted: %s", refused_documents[i]);
    assert_false(capsule_json_is_valid((capsule_bytes){(uint8_t *)"[\"a\0b\"]", 7}));
    assert_false(capsule_json_is_valid((capsule_bytes){NULL, 0}));
}

static void nesting_ends_at_the_maximum(void **state)
{
    char document[2 * CAPSULE_JSON_DEPTH_MAX + 8];
    for (size_t depth = CAPSULE_JSON_DEPTH_MAX; depth <= CAPSULE_JSON_DEPTH_MAX + 1; depth++) {
        memset(document, '[', depth);
        memset(document + depth, ']', depth);
        document[2 * depth] = 0;
        assert_int_equal(is_valid(document), depth == CAPSULE_JSON_DEPTH_MAX);
    }
}

static void tokens_come_in_order_with_their_place(void **state)
{
    static const struct {
        capsule_json_kind kind;
        const char *raw;
        size_t depth;
    } expected[] = {
        {CAPSULE_JSON_OPEN, "{", 0},       {CAPSULE_JSON_KEY, "\"a\\n\"", 1},
        {CAPSULE_JSON_OPEN, "[", 1},       {CAPSULE_JSON_NUMBER, "-1.5e3", 2},
        {CAPSULE_JSON_STRING, "\"x\"", 2}, {CAPSULE_JSON_CLOSE, "]", 1},
        {CAPSULE_JSON_KEY, "\"b\"", 1},    {CAPSULE_JSON_WORD, "null", 1},
        {CAPSULE_JSON_CLOSE, "}", 0},      {CAPSULE_JSON_END, "", 0},
        {CAPSULE_JSON_END, "", 0},
    };
    capsule_json_reader reader;
    capsule_json_init(&reader, capsule_text(" {\"a\\n\" : [-1.5e3, \"x\"],\"b\":null} "));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        capsule_json_token token = capsule_json_next(&reader);
        assert_int_equal(token.kind, expected[i].kind);
        assert_true(capsule_equal_text(token.raw, expected[i].raw));
        assert_int_equal(token.depth, expected[i].depth);
    }
}

static void an_invalid_document_stays_invalid(void **state)
{
    capsule_json_reader reader;
    capsule_json_init(&reader, capsule_text("[1 2]"));
    assert_int_equal(capsule_json_next(&reader).kind, CAPSULE_JSON_OPEN);
    assert_int_equal(capsule_json_next(&reader).kind, CAPSULE_JSON_NUMBER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(capsule_json_next(&reader).kind, CAPSULE_JSON_INVALID);
}

static capsule_json_status member(const char *document, const char *name, char *ret_text)
{
    uint8_t *buffer = malloc(strlen(document) + 1);
    capsule_bytes value;
    capsule_json_status status = capsule_json_member(capsule_text(document), name, buffer, &value);
    if (status == CAPSULE_JSON_FOUND) {
        memcpy(ret_text, value.data, value.len);
        ret_text[value.len] = 0;
    }
    free(buffer);
    return status;
}

static void assert_member(const char *document, const char *name, const char *expected)
{
    char text[256];
    assert_int_equal(member(document, name, text), CAPSULE_JSON_FOUND);
    assert_string_equal(text, expected);
}

static void a_member_is_found_and_decoded(void **state)
{
    assert_member("{\"a\":\"x\"}", "a", "x");
    assert_member("{\"a\":\"\"}", "a", "");
    assert_member(" { \"b\" : { \"a\" : 1 } , \"a\" : \"x\" } ", "a", "x");
    assert_member("{\"\\u0061\":\"x\"}", "a", "x");
    assert_member("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\"}", "a",
                  "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_member("{\"sig\":\"1\",\"a\":\"{\\\"a\\\":2}\"}", "a", "{\"a\":2}");
}

static void a_member_that_is_not_there_is_told_from_a_wrong_one(void **state)
{
    char text[256];
    assert_int_equal(member("{}", "a", text), CAPSULE_JSON_MISSING);
    assert_int_equal(member("{\"b\":{\"a\":\"x\"},\"c\":[\"a\"]}", "a", text),
                     CAPSULE_JSON_MISSING);
    assert_int_equal(member("{\"aa\":\"x\",\"\":\"y\"}", "a", text), CAPSULE_JSON_MISSING);
    assert_int_equal(member("{\"a\":1}", "a", text), CAPSULE_JSON_NOT_A_STRING);
    assert_int_equal(member("{\"a\":null}", "a", text), CAPSULE_JSON_NOT_A_STRING);
    assert_int_equal(member("{\"a\":{\"a\":\"x\"}}", "a", text), CAPSULE_JSON_NOT_A_STRING);
    assert_int_equal(member("{\"a\":[\"x\"]}", "a", text), CAPSULE_JSON_NOT_A_STRING);
}

static void a_member_given_twice_is_ambiguous(void **state)
{
    char text[256];
    assert_int_equal(member("{\"a\":\"x\",\"a\":\"x\"}", "a", text), CAPSULE_JSON_TWICE);
    assert_int_equal(member("{\"a\":\"x\",\"\\u0061\":\"y\"}", "a", text), CAPSULE_JSON_TWICE);
    assert_int_equal(member("{\"a\":1,\"a\":\"y\"}", "a", text), CAPSULE_JSON_TWICE);
}

static void a_member_of_a_malformed_document_is_not_read(void **state)
{
    static const char *const documents[] = {"",
                                            "x",
                                            "[\"a\"]",
                                            "\"a\"",
                                            "{\"a\":\"x\"",
                                            "{\"a\":\"x\"}}",
                                            "{\"a\":\"x\",}",
                                            "{\"a\":\"\\ud800\"}"};
    char text[256];
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        assert_int_equal(member(documents[i], "a", text), CAPSULE_JSON_MALFORMED);
}

static void quoted_text_decodes_to_itself(void **state)
{
    uint8_t every[128 + 4], quoted[6 * sizeof(every) + 2], decoded[sizeof(quoted)];
    for (size_t i = 0; i < 128; i++)
        every[i] = (uint8_t)i;
    memcpy(every + 128, "\xf0\x9f\x98\x80", 4);
    size_t len = capsule_json_quote((capsule_bytes){every, sizeof(every)}, quoted);
    assert_true(len <= sizeof(quoted));
    assert_true(capsule_json_is_valid((capsule_bytes){quoted, len}));
    assert_int_equal(capsule_json_decode((capsule_bytes){quoted, len}, decoded), sizeof(every));
    assert_memory_equal(decoded, every, sizeof(every));
    assert_int_equal(capsule_json_quote(capsule_text("\1\1"), quoted), 6 * 2 + 2);
}

/* Jansson is as strict, but for numbers out of its range (none here can become one), NUL in keys
 * and strings (allowed by a flag in values only; no mutation writes u0000 whole). */
static void mutated_documents_are_judged_as_jansson_does(void **state)
{
    static const char seed[] = "{\"k\":[1,-2.5e1,true,null,{\"s\":\"a\\n\\u00e9\\ud83d\\ude00\"}]}";
    static const char letters[] = "{}[]:,\"\\ 01-.etnu\x01\x80\xc3\xa9";
    srand(4711);
    for (int round = 0; round < 20000; round++) {
        char document[sizeof(seed)];
        memcpy(document, seed, sizeof(seed));
        for (int edits = rand() % 3; edits >= 0; edits--)
            document[(size_t)rand() % (sizeof(seed) - 1)] =
                letters[(size_t)rand() % (sizeof(letters) - 1)];
        size_t len = sizeof(seed) - 1 - (size_t)(rand() % 3);
        json_error_t error;
        json_t *theirs = json_loadb(document, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool ours = capsule_json_is_valid((capsule_bytes){(uint8_t *)document, len});
        bool is_theirs_alone = theirs == NULL && ours;
        if (ours != (theirs != NULL) && !(is_theirs_alone && strstr(error.text, "NUL") != NULL))
            fail_msg("ours %d, theirs %s: %.*s", ours, error.text, (int)len, document);
        json_decref(theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_that_are_json_are_accepted),
        cmocka_unit_test(documents_that_are_not_json_are_refused),
        cmocka_unit_test(nesting_ends_at_the_maximum),
        cmocka_unit_test(tokens_come_in_order_with_their_place),
        cmocka_unit_test(an_invalid_document_stays_invalid),
        cmocka_unit_test(a_member_is_found_and_decoded),
        cmocka_unit_test(a_member_that_is_not_there_is_told_from_a_wrong_one),
        cmocka_unit_test(a_member_given_twice_is_ambiguous),
        cmocka_unit_test(a_member_of_a_malformed_document_is_not_read),
        cmocka_unit_test(quoted_text_decodes_to_itself),
        cmocka_unit_test(mutated_documents_are_judged_as_jansson_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
