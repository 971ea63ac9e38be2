/* tests/bus/test_topic.c - topics, patterns, and what covers what; the index agrees with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/topic.h"
#include "bus/topic_index.h"

static bhi_bytes of(const char *text)
{
    return bhi_bytes_of(text);
}

static void a_topic_has_1_to_8_plain_segments(void **state)
{
    static const char *const good[] = {"a", "a.b", "a-1.b_2.c", "a.b.c.d.e.f.g.h", "0"};
    static const char *const bad[] = {"",
                                      ".",
                                      "a.",
                                      ".a",
                                      "a..b",
                                      "A",
                                      "a.B",
                                      "a b",
                                      "a.*",
                                      "*",
                                      "a/b",
                                      "\xc3\xa9",
                                      "a.b.c.d.e.f.g.h.i",
                                      "a\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(bhi_topic_is_valid(of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (bhi_topic_is_valid(of(bad[i])))
            fail_msg("%s", bad[i]);
}

static void a_topic_has_at_most_256_bytes(void **state)
{
    char text[258];
    memset(text, 'a', sizeof text);
    assert_true(bhi_topic_is_valid((bhi_bytes){(uint8_t *)text, 256}));
    assert_false(bhi_topic_is_valid((bhi_bytes){(uint8_t *)text, 257}));
}

static void a_pattern_may_have_stars_and_a_subscription_only_a_last_one(void **state)
{
    static const char *const anywhere[] = {"*", "*.a", "a.*.b", "a.*", "*.*", "a.b"};
    static const char *const last[] = {"*", "a.*", "a.b"};
    static const char *const bad[] = {"a*", "**", "a.**", "*a", "a.*.", ""};
    for (size_t i = 0; i < sizeof anywhere / sizeof anywhere[0]; i++)
        assert_true(bhi_pattern_is_valid(of(anywhere[i])));
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++)
        assert_true(bhi_pattern_is_subscribable(of(last[i])));
    assert_false(bhi_pattern_is_subscribable(of("*.a")));
    assert_false(bhi_pattern_is_subscribable(of("a.*.b")));
    assert_false(bhi_pattern_is_subscribable(of("*.*")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bhi_pattern_is_valid(of(bad[i])));
}

static void a_last_star_covers_the_subtree_and_others_one_segment(void **state)
{
    static const struct {
        const char *pattern, *narrow;
        bool is_covered;
    } cases[] = {
        {"a.b", "a.b", true},    {"a.b", "a.c", false},    {"a.b", "a", false},
        {"a.b", "a.b.c", false}, {"a.*", "a.b", true},     {"a.*", "a.b.c", true},
        {"a.*", "a", false},     {"a.*", "b.c", false},    {"*", "a", true},
        {"*", "a.b", false},     {"a.*.c", "a.b.c", true}, {"a.*.c", "a.b.d", false},
        {"a.*.c", "a.c", false}, {"*.b", "a.b", true},     {"*.*", "a.b.c", true},
        {"*.*", "a", false},     {"a.*", "a.*", true},     {"a.*", "a.b.*", true},
        {"a.b.*", "a.*", false}, {"a.b", "a.*", false},    {"*", "*", true},
        {"a.*.c", "a.*", false}, {"*.b", "*.b", true},     {"a.*.*", "a.*", false},
        {"a.*", "a.*.b", true},  {"ab.c", "a.bc", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (bhi_pattern_covers(of(cases[i].pattern), of(cases[i].narrow)) != cases[i].is_covered)
            fail_msg("%s, %s", cases[i].pattern, cases[i].narrow);
}

/* ---- the index ---- */

enum { PATTERNS = 60, TOPICS = 400, ROUNDS = 200 };

typedef struct listed {
    bhi_topic_entry entry; /* first */
    char pattern[32];
    bool is_in;
    int visits;
} listed;

static void write_name(char *text, bool with_stars)
{
    int segments = 1 + rand() % 4;
    *text = 0;
    for (int i = 0; i < segments; i++) {
        bool is_star = with_stars && rand() % 3 == 0;
        sprintf(text + strlen(text), "%s%s", i > 0 ? "." : "",
                is_star ? "*" : (const char *const[]){"a", "b", "c"}[rand() % 3]);
    }
}

static bool count_visit(void *arg, bhi_topic_entry *entry)
{
    ((listed *)entry)->visits++;
    return true;
}

static void check_topic(const bhi_topic_index *index, listed *all)
{
    char topic[32];
    write_name(topic, false);
    for (int i = 0; i < PATTERNS; i++)
        all[i].visits = 0;
    assert_true(bhi_topic_index_find(index, of(topic), count_visit, NULL));
    for (int i = 0; i < PATTERNS; i++) {
        int expected = all[i].is_in && bhi_pattern_covers(of(all[i].pattern), of(topic));
        if (all[i].visits != expected)
            fail_msg("%s for %s: %d visits", all[i].pattern, topic, all[i].visits);
    }
}

static void toggle(bhi_topic_index *index, listed *one)
{
    if (one->is_in) {
        bhi_topic_index_remove(index, &one->entry);
    } else {
        write_name(one->pattern, true);
        assert_int_equal(bhi_topic_index_add(index, of(one->pattern), &one->entry, NULL), BH_OK);
    }
    one->is_in = !one->is_in;
}

static void the_index_finds_exactly_what_covers_the_topic(void **state)
{
    static listed all[PATTERNS];
    bhi_topic_index index = {0};
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 20; i++)
            toggle(&index, &all[rand() % PATTERNS]);
        for (int i = 0; i < TOPICS; i++)
            check_topic(&index, all);
    }
    for (int i = 0; i < PATTERNS; i++)
        if (all[i].is_in)
            toggle(&index, &all[i]);
    assert_null(index.exact);
    assert_null(index.tree);
}

static bool stop_visit(void *arg, bhi_topic_entry *entry)
{
    return --*(int *)arg > 0;
}

static void a_visit_that_returns_false_is_the_last(void **state)
{
    static const char *const patterns[] = {"a.b", "a.b", "a.*", "*.b"};
    bhi_topic_index index = {0};
    bhi_topic_entry entries[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(bhi_topic_index_add(&index, of(patterns[i]), &entries[i], NULL), BH_OK);
    for (int left = 1; left <= 4; left++) {
        int counter = left;
        assert_false(bhi_topic_index_find(&index, of("a.b"), stop_visit, &counter));
        assert_int_equal(counter, 0);
    }
    int counter = 5;
    assert_true(bhi_topic_index_find(&index, of("a.b"), stop_visit, &counter));
    bhi_topic_index_deinit(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_has_1_to_8_plain_segments),
        cmocka_unit_test(a_topic_has_at_most_256_bytes),
        cmocka_unit_test(a_pattern_may_have_stars_and_a_subscription_only_a_last_one),
        cmocka_unit_test(a_last_star_covers_the_subtree_and_others_one_segment),
        cmocka_unit_test(the_index_finds_exactly_what_covers_the_topic),
        cmocka_unit_test(a_visit_that_returns_false_is_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
