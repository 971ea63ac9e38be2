/* tests/host/test_log_line.c - whatever a guest says is one line, and steers no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/log_line.h"

static void expect(const char *text, const char *line)
{
    bhi_arena arena = {0};
    bhi_bytes found = bhi_log_line(&arena, bhi_bytes_of(text));
    assert_int_equal(found.len, strlen(line));
    assert_memory_equal(found.data, line, found.len);
    bhi_arena_deinit(&arena);
}

static void controls_are_escaped_and_text_is_left(void **state)
{
    expect("", "");
    expect("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
           "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    expect("a\nb\tc\rd\x1b[2J\x7f", "a\\nb\\tc\\x0dd\\x1b[2J\\x7f");
    expect("\xc2\x9b \xc2\x85 \xe2\x80\xa8", "\\u009b \\u0085 \\u2028");
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
    expect("\x9b"
           "2J",
           "\\x9b2J"); /* to some terminals the same as ESC [ 2 J */
    expect("\xc3\xa4\xff\n", "\\xc3\\xa4\\xff\\n");
    expect("\xe2\x80", "\\xe2\\x80");
}

static void a_long_line_is_cut_before_a_character(void **state)
{
    enum { LEN = BHI_LOG_LINE_BYTES_MAX + 10 };
    static uint8_t text[LEN];
    bhi_arena arena = {0};
    memset(text, 'x', LEN);
    memcpy(text + BHI_LOG_LINE_BYTES_MAX - 1, "\xe2\x82\xac", 3);
    bhi_bytes found = bhi_log_line(&arena, (bhi_bytes){text, LEN});
    assert_int_equal(found.len, BHI_LOG_LINE_BYTES_MAX - 1);
    memset(text, 0xff,
           LEN); /* no character starts anywhere: no more than is allowed is looked at */
    found = bhi_log_line(&arena, (bhi_bytes){text, LEN});
    assert_int_equal(found.len, 4 * BHI_LOG_LINE_BYTES_MAX);
    bhi_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_are_escaped_and_text_is_left),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(a_long_line_is_cut_before_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
