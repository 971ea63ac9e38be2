/* The redact example, natively: its source over an allocator that gives exactly what is asked for,
 * so that the address sanitizer sees every byte too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../sdk/c/bulkhead/capsule.h"
#include "../../sdk/c/bytes.c"
#include "../../sdk/c/json.c"
#include "../../examples/redact/redact.c"

static void *allocations[16];
static size_t allocations_count;

void *capsule_alloc(size_t size)
{
    assert_true(allocations_count < 16);
    void *memory = calloc(1, size > 0 ? size : 1);
    assert_non_null(memory);
    return allocations[allocations_count++] = memory;
}

capsule_result capsule_continue(capsule_bytes data)
{
    return (capsule_result){capsule_text("continue"), capsule_some(data)};
}

capsule_result capsule_deny(const char *reason, ...)
{
    return (capsule_result){capsule_text("deny"), capsule_some(capsule_text(reason))};
}

static void release_allocations(void)
{
    while (allocations_count > 0)
        free(allocations[--allocations_count]);
}

/* Redact a copy of exactly `len` bytes; the answer is the caller's to free. */
static char *redact_bytes(const void *text, size_t len, size_t *ret_len)
{
    uint8_t *payload = malloc(len > 0 ? len : 1);
    assert_non_null(payload);
    if (len > 0)
        memcpy(payload, text, len);
    capsule_result result = capsule_hook(capsule_text("x"), (capsule_bytes){payload, len});
    assert_true(capsule_equal_text(result.action, "continue"));
    char *answer = malloc(result.data.value.len + 1);
    assert_non_null(answer);
    memcpy(answer, result.data.value.data, result.data.value.len);
    answer[result.data.value.len] = 0;
    *ret_len = result.data.value.len;
    free(payload);
    release_allocations();
    return answer;
}

static void assert_redacted(const char *text, const char *expected)
{
    size_t len;
    char *answer = redact_bytes(text, strlen(text), &len);
    assert_string_equal(answer, expected);
    free(answer);
}

static void assert_kept(const char *text)
{
    assert_redacted(text, text);
}

static void addresses_are_masked_whole(void **state)
{
    assert_redacted("a@b.co", "[email]");
    assert_redacted("write to alice.b+tag@mail.example.co.uk.", "write to [email].");
    assert_redacted("<o'neil@example.com>,bob_x@example.org;", "<[email]>,[email];");
    assert_redacted("mailto:carol@example.com?subject=x", "mailto:[email]?subject=x");
    assert_redacted("q=dave%40example.com&x=1", "q=[email]&x=1");
    assert_redacted("j\xc3\xbcrgen@ex\xc3\xa4mple.de", "[email]");
    assert_redacted("\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd@\xd0\xbf\xd0\xbe.\xd1\x80\xd1\x84",
                    "[email]");
    assert_redacted("'eve@example.com' - fred@example.com", "'[email]' - [email]");
    assert_redacted("a@b.co a@b.co", "[email] [email]");
}

static void a_sentence_around_an_address_is_kept(void **state)
{
    assert_redacted(
        "\xe9\x82\xae\xe7\xae\xb1\xef\xbc\x9a"
        "alice@example.com"
        "\xef\xbc\x8c\xe8\xb0\xa2\xe8\xb0\xa2",
        "\xe9\x82\xae\xe7\xae\xb1\xef\xbc\x9a[email]\xef\xbc\x8c\xe8\xb0\xa2\xe8\xb0\xa2");
    assert_redacted("\xf0\x9f\x98\x80"
                    "alice@example.com\xf0\x9f\x98\x80",
                    "\xf0\x9f\x98\x80[email]\xf0\x9f\x98\x80");
}

static void what_only_looks_like_an_address_is_kept(void **state)
{
    assert_kept("@");
    assert_kept("@mention and me@ and user@localhost");
    assert_kept("a@b.c a@1.2 a@.com @b.co --@b.co");
    assert_kept("50%40 off");
}

static void card_numbers_are_masked_with_their_separators(void **state)
{
    assert_redacted("4111111111111111", "\"[card]\""); /* a JSON number */
    assert_redacted("pay 4111111111111111!", "pay [card]!");
    assert_redacted("4111 1111 1111 1111", "[card]");
    assert_redacted("5500-0000-0000-0004, 3782 822463 10005", "[card], [card]");
    assert_redacted("n 4222222222222 and 6304000000000000000", "n [card] and [card]");
    assert_redacted("12 4111 1111 1111 1111 2027", "12 [card] 2027");
    assert_redacted("card_6011000990139424_x", "card_[card]_x");
    assert_redacted("uatp 135412345678911", "uatp [card]");
}

static void digits_that_are_no_card_are_kept(void **state)
{
    assert_kept("x 4111111111111112");       /* Luhn */
    assert_kept("x 411111111111");           /* 12 digits */
    assert_kept("x 41111111111111111111");   /* 20 digits */
    assert_kept("x 4111  1111  1111  1111"); /* two spaces */
    assert_kept("x 0000000000000000");       /* no card begins with 0 */
    assert_kept("x 1000000000000000008");    /* a time in ns, Luhn or not */
    assert_kept("x a4111111111111111");      /* the rest of a word */
    assert_kept("x 4111111111111111a");      /* the start of a word */
    assert_kept("x 0.4111111111111111");     /* a fraction */
    assert_kept("[0.4111111111111111,1e300]");
}

static void keys_are_masked_by_their_prefix(void **state)
{
    static const char *const keys[] = {
        "sk-0123456789abcdefghij",
        "sk-proj-abc_DEF-0123456789",
        "sk_live_0123456789abcdef",
        "ghp_0123456789abcdef0123",
        "github_pat_0123456789_abcdefghijk",
        "glpat-0123456789abcdef_-",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-0123456789-abc",
        "xoxp-1-2-3-abcdef",
        "AIza0123456789abcdefghijklmnopqrstuvwxy",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "key=%s.", keys[i]);
        assert_redacted(text, "key=[key].");
        snprintf(text, sizeof(text), "{\"k\":\"%s\"}", keys[i]);
        assert_redacted(text, "{\"k\":\"[key]\"}");
    }
}

static void bearer_tokens_are_masked_behind_the_word(void **state)
{
    assert_redacted("Authorization: Bearer abc.DEF-123", "Authorization: Bearer [key]");
    assert_redacted("bearer  0123456789abcdef==", "bearer  [key]");
    assert_redacted("BEARER abcdefghijklmnopqrstuvwxyz", "BEARER [key]");
    assert_kept("the bearer certificate, a bearer of news, Bearer");
}

static void words_that_begin_like_a_key_are_kept(void **state)
{
    assert_kept("sk-short1 sk-learn-and-other-packages task-0123456789abcdefghijkl");
    assert_kept("AKIA AKIASHORT xoxb- SG. eyJ ghp_short npm_install");
}

static void json_stays_json_and_keeps_its_form(void **state)
{
    assert_redacted("{ \"a\" : [ \"x@example.com\" , 4111111111111111 , -1.50 ] }\n",
                    "{ \"a\" : [ \"[email]\" , \"[card]\" , -1.50 ] }\n");
    assert_redacted("{\"x@example.com\":{\"\\u00e9\\/\":true}}",
                    "{\"[email]\":{\"\\u00e9\\/\":true}}");
    assert_kept("{\"a\":[1,2,{}],\"b\":\"\\ud83d\\ude00\"}");
}

static void escapes_hide_nothing(void **state)
{
    assert_redacted("[\"x\\u0040example.com\"]", "[\"[email]\"]");
    assert_redacted("[\"4111\\u00201111\\u00201111\\u00201111\"]", "[\"[card]\"]");
    assert_redacted("[\"\\u0041KIAIOSFODNN7EXAMPLE\"]", "[\"[key]\"]");
    assert_redacted("[\"one\\nx@example.com\\t\\\"q\\\" \\u0001\"]",
                    "[\"one\\n[email]\\t\\\"q\\\" \\u0001\"]");
}

static void an_empty_payload_stays_empty(void **state)
{
    assert_kept("");
    assert_kept(" ");
}

static void a_payload_that_is_not_utf8_is_refused(void **state)
{
    uint8_t payload[] = "x@example.com \xff";
    capsule_result result =
        capsule_hook(capsule_text("x"), (capsule_bytes){payload, sizeof(payload) - 1});
    assert_true(capsule_equal_text(result.action, "deny"));
    release_allocations();
}

/* Whatever the pieces, the answer is UTF-8, JSON if the payload was, within the bound that its
 * buffer has, and has nothing left to mask. */
static void random_payloads_keep_their_promises(void **state)
{
    static const char *const pieces[] = {"a@b.co",
                                         "@",
                                         "b.co",
                                         "4111111111111111",
                                         "4111 1111",
                                         "-",
                                         " ",
                                         "sk-",
                                         "0123456789abcdef",
                                         "Bearer ",
                                         "\xc3\xbc",
                                         "\xe2\x82\xac",
                                         "%40",
                                         ".",
                                         "\\u0040",
                                         "\\n",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         "\"",
                                         "\",\"",
                                         ":",
                                         ",",
                                         "xoxb-",
                                         "eyJ",
                                         "1",
                                         "\":\""};
    srand(4711);
    for (int round = 0; round < 20000; round++) {
        char text[512] = "";
        bool is_string = rand() % 2 == 0;
        strcat(text, is_string ? "[\"" : "");
        for (int i = rand() % 12; i > 0; i--)
            strcat(text, pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))]);
        strcat(text, is_string ? "\"]" : "");
        size_t len, again_len;
        char *answer = redact_bytes(text, strlen(text), &len);
        capsule_bytes bytes = {(uint8_t *)answer, len};
        assert_true(capsule_is_utf8(bytes));
        assert_true(len <= out_bytes_max(strlen(text)) + 2);
        if (capsule_json_is_valid(capsule_text(text)))
            assert_true(capsule_json_is_valid(bytes));
        char *again = redact_bytes(answer, len, &again_len);
        assert_string_equal(again, answer);
        free(again);
        free(answer);
    }
}

/* Each would take many minutes if a candidate that fails were looked at again from the next. */
static void repetitive_payloads_take_linear_time(void **state)
{
    static const char *const pieces[] = {"a",     "a@",      "@a.",      "a.b", "sk-", "eyJ",
                                         "xoxb-", "Bearer ", "bearer",   "4",   "4 ",  "4-",
                                         "%40",   "a%40",    "\xc3\xbc", "SG."};
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t piece_len = strlen(pieces[i]), len = 0, answer_len;
        while (len + piece_len <= BYTES) {
            memcpy(text + len, pieces[i], piece_len);
            len += piece_len;
        }
        free(redact_bytes(text, len, &answer_len));
        assert_true(answer_len <= out_bytes_max(len));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_masked_whole),
        cmocka_unit_test(a_sentence_around_an_address_is_kept),
        cmocka_unit_test(what_only_looks_like_an_address_is_kept),
        cmocka_unit_test(card_numbers_are_masked_with_their_separators),
        cmocka_unit_test(digits_that_are_no_card_are_kept),
        cmocka_unit_test(keys_are_masked_by_their_prefix),
        cmocka_unit_test(bearer_tokens_are_masked_behind_the_word),
        cmocka_unit_test(words_that_begin_like_a_key_are_kept),
        cmocka_unit_test(json_stays_json_and_keeps_its_form),
        cmocka_unit_test(escapes_hide_nothing),
        cmocka_unit_test(an_empty_payload_stays_empty),
        cmocka_unit_test(a_payload_that_is_not_utf8_is_refused),
        cmocka_unit_test(random_payloads_keep_their_promises),
        cmocka_unit_test(repetitive_payloads_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
