/* The small ones: bytes, buffer, clock, long errors and the host's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool must_malloc_fail;

static void *failing_malloc(size_t size)
{
    return must_malloc_fail ? NULL : malloc(size);
}

#define malloc(size) failing_malloc(size) /* of the inline functions below */
#include "base/buffer.h"
#undef malloc
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

/* ---- bytes ---- */

static void bytes_are_equal_by_length_and_content(void **state)
{
    (void)state;
    bhi_bytes abc = BHI_BYTES_LITERAL("abc");
    char copy[] = "abc";
    assert_true(bhi_bytes_equal(abc, bhi_bytes_of(copy)));
    assert_false(bhi_bytes_equal(abc, BHI_BYTES_LITERAL("abd")));
    assert_false(bhi_bytes_equal(abc, BHI_BYTES_LITERAL("abcd")));
    assert_false(bhi_bytes_equal(abc, BHI_BYTES_LITERAL("ab")));
    assert_true(bhi_bytes_equal_text(abc, "abc"));
    assert_false(bhi_bytes_equal_text(abc, ""));
}

static void no_bytes_are_equal_wherever_they_are(void **state)
{
    (void)state;
    bhi_bytes nowhere = {NULL, 0}, empty = BHI_BYTES_LITERAL("");
    assert_true(bhi_bytes_equal(nowhere, empty));
    assert_true(bhi_bytes_equal(empty, nowhere));
    assert_true(bhi_bytes_equal_text(nowhere, ""));
    assert_false(bhi_bytes_equal_text(nowhere, "x"));
}

static void a_literal_keeps_its_nuls_and_a_text_ends_at_one(void **state)
{
    (void)state;
    bhi_bytes literal = BHI_BYTES_LITERAL("a\0b\0");
    assert_int_equal(literal.len, 4);
    assert_int_equal(bhi_bytes_of("a\0b\0").len, 1);
    assert_false(bhi_bytes_equal(literal, BHI_BYTES_LITERAL("a\0c\0")));
}

/* ---- buffer ---- */

static void a_buffer_grows_and_never_shrinks(void **state)
{
    (void)state;
    bhi_buffer buffer = {0};
    assert_true(bhi_buffer_reserve(&buffer, 0));
    assert_null(buffer.data);
    assert_true(bhi_buffer_reserve(&buffer, 1));
    assert_true(buffer.capacity >= 1);
    memset(buffer.data, 1, buffer.capacity); /* all of it is ours */
    size_t capacity = buffer.capacity;
    uint8_t *data = buffer.data;
    assert_true(bhi_buffer_reserve(&buffer, capacity));
    assert_ptr_equal(buffer.data, data);
    assert_true(bhi_buffer_reserve(&buffer, capacity + 1));
    assert_true(buffer.capacity > capacity);
    memset(buffer.data, 2, buffer.capacity);
    capacity = buffer.capacity;
    assert_true(bhi_buffer_reserve(&buffer, 1));
    assert_int_equal(buffer.capacity, capacity);
    bhi_buffer_deinit(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    bhi_buffer_deinit(&buffer); /* an empty one */
}

static void a_buffer_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    bhi_buffer buffer = {0};
    assert_true(bhi_buffer_reserve(&buffer, 10));
    strcpy((char *)buffer.data, "kept");
    size_t capacity = buffer.capacity;
    must_malloc_fail = true;
    assert_false(bhi_buffer_reserve(&buffer, capacity + 1));
    must_malloc_fail = false;
    assert_false(bhi_buffer_reserve(&buffer, SIZE_MAX));
    assert_false(bhi_buffer_reserve(&buffer, SIZE_MAX / 5 * 4 + 5)); /* 5/4 of it wrap round */
    assert_int_equal(buffer.capacity, capacity);
    assert_string_equal((char *)buffer.data, "kept");
    bhi_buffer_deinit(&buffer);
}

/* ---- clock ---- */

static void deadlines_saturate(void **state)
{
    (void)state;
    assert_int_equal(bhi_deadline_after(5, 0), 5);
    assert_int_equal(bhi_deadline_after(5, 7), 12);
    assert_int_equal(bhi_deadline_after(5, UINT64_MAX - 6), UINT64_MAX - 1);
    assert_true(bhi_deadline_after(5, UINT64_MAX - 5) == BHI_DEADLINE_NEVER);
    assert_true(bhi_deadline_after(5, UINT64_MAX - 4) == BHI_DEADLINE_NEVER);
    assert_true(bhi_deadline_after(5, UINT64_MAX) == BHI_DEADLINE_NEVER);
    assert_true(bhi_deadline_after(BHI_DEADLINE_NEVER, 0) == BHI_DEADLINE_NEVER);
    assert_true(bhi_deadline_after(BHI_DEADLINE_NEVER, 1) == BHI_DEADLINE_NEVER);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    uint64_t last_ns = bhi_monotonic_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now_ns = bhi_monotonic_ns();
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true((uint64_t)now.tv_sec >= last_ns / BHI_NS_PER_SECOND);
}

/* ---- errors ---- */

static void a_long_error_is_cut_between_two_characters(void **state)
{
    (void)state;
    char text[sizeof((bh_error *)NULL)->text + 4] = "";
    for (size_t at = 0; at + 3 < sizeof text; at += 3)
        memcpy(text + at, "\xe2\x82\xac", 4);
    for (int shift = 0; shift < 3; shift++) {
        bh_error error;
        assert_int_equal(bhi_fail(&error, BH_E_IO, "%.*s%s", shift, "ab", text), BH_E_IO);
        size_t len = strlen(error.text);
        assert_in_range(len, sizeof error.text - 4, sizeof error.text - 1);
        assert_string_equal(error.text + len - 3, "...");
        assert_int_equal((len - 3 - (size_t)shift) % 3, 0);
    }
}

/* ---- log ---- */

typedef struct kept_line {
    int count;
    bhi_log_level level;
    char text[20000];
} kept_line;

static void keep_line(void *arg, bhi_log_level level, const char *line)
{
    kept_line *kept = arg;
    kept->count++;
    kept->level = level;
    snprintf(kept->text, sizeof kept->text, "%s", line);
}

static int restore_log(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_INFO, NULL, NULL);
    return 0;
}

static void a_line_goes_to_the_callback_from_its_level_up(void **state)
{
    (void)state;
    for (int least = BHI_LOG_TRACE; least <= BHI_LOG_ERROR; least++) {
        kept_line kept = {0};
        bhi_log_configure((bhi_log_level)least, keep_line, &kept);
        for (int level = BHI_LOG_TRACE; level <= BHI_LOG_ERROR; level++)
            bhi_log((bhi_log_level)level, "%s %d", "level", level);
        assert_int_equal(kept.count, BHI_LOG_ERROR - least + 1);
        assert_int_equal(kept.level, BHI_LOG_ERROR);
        assert_string_equal(kept.text, "level 4");
    }
}

static void a_long_line_is_cut_between_two_characters(void **state)
{
    (void)state;
    kept_line kept = {0};
    bhi_log_configure(BHI_LOG_INFO, keep_line, &kept);
    char text[32768];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 4);
    for (int shift = 0; shift < 3; shift++) { /* the limit falls on each byte of a character */
        bhi_log(BHI_LOG_INFO, "%.*s%s", shift, "ab", text);
        size_t len = strlen(kept.text);
        assert_in_range(len, 17400 - 3, 17 * 1024 - 1);
        assert_int_equal((len - (size_t)shift) % 3, 0);
    }
}

static void every_level_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    for (int level = BHI_LOG_TRACE; level <= BHI_LOG_ERROR; level++)
        assert_string_equal(bhi_log_level_name((bhi_log_level)level), names[level]);
    assert_string_equal(bhi_log_level_name((bhi_log_level)5), "unknown");
    assert_string_equal(bhi_log_level_name((bhi_log_level)-1), "unknown");
}

/* What `bhi_log` writes to standard error, all of it. */
static size_t stderr_of(bhi_log_level level, const char *text, char *ret_text, size_t size)
{
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    bhi_log(level, "%s", text);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t len = read(ends[0], ret_text, size - 1); /* one write, one read */
    close(ends[0]);
    assert_true(len >= 0);
    ret_text[len] = 0;
    return (size_t)len;
}

static void without_a_callback_a_line_has_a_time_a_level_and_one_end(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_INFO, NULL, NULL);
    char line[4096];
    size_t len = stderr_of(BHI_LOG_WARN, "something", line, sizeof line);
    int year, month, day, hour, minute, second, ms, end = 0;
    assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
                            &minute, &second, &ms, &end),
                     7);
    assert_string_equal(line + end, "warn  something\n");
    assert_int_equal(stderr_of(BHI_LOG_DEBUG, "hidden", line, sizeof line), 0);
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    len = stderr_of(BHI_LOG_ERROR, text, line, sizeof line);
    assert_int_equal(line[len - 1], '\n'); /* a long line ends too */
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

#define LOG_CASE(name) cmocka_unit_test_teardown(name, restore_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_equal_by_length_and_content),
        cmocka_unit_test(no_bytes_are_equal_wherever_they_are),
        cmocka_unit_test(a_literal_keeps_its_nuls_and_a_text_ends_at_one),
        cmocka_unit_test(a_buffer_grows_and_never_shrinks),
        cmocka_unit_test(a_buffer_that_cannot_grow_stays_as_it_was),
        cmocka_unit_test(deadlines_saturate),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(a_long_error_is_cut_between_two_characters),
        LOG_CASE(a_line_goes_to_the_callback_from_its_level_up),
        LOG_CASE(a_long_line_is_cut_between_two_characters),
        LOG_CASE(every_level_has_a_name),
        LOG_CASE(without_a_callback_a_line_has_a_time_a_level_and_one_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
