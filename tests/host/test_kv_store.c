/* host/test_kv_store.c - what the seven functions promise, on a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/kv_fixture.h"

#define SMALL_MAP ((uint64_t)1 << 20)

static kv_fixture fixture;

static int setup(void **state)
{
    kv_fixture_init(&fixture);
    kv_fixture_open(&fixture);
    return 0;
}

static int teardown(void **state)
{
    kv_fixture_deinit(&fixture);
    return 0;
}

static void reopen_with(uint64_t namespace_bytes_max, uint64_t map_bytes_max)
{
    kv_fixture_close(&fixture);
    fixture.options.namespace_bytes_max = namespace_bytes_max;
    fixture.options.map_bytes_max = map_bytes_max;
    kv_fixture_open(&fixture);
}

static bhi_bytes repeated(char byte, size_t len)
{
    uint8_t *bytes = bhi_arena_alloc(&fixture.arena, len + 1);
    memset(bytes, byte, len);
    return (bhi_bytes){bytes, len};
}

static bhi_bytes numbered(const char *prefix, int number)
{
    return bhi_bytes_of(bhi_arena_printf(&fixture.arena, "%s%05d", prefix, number));
}

static void set_many(const char *prefix, int count)
{
    kv_set_many(&fixture, prefix, count, KV_TEXT("v"));
}

static bhi_kv_keys list(const bhi_kv_scope *scope, bhi_bytes prefix)
{
    bhi_kv_keys keys;
    assert_int_equal(bhi_kv_list(fixture.store, scope, prefix, &fixture.arena, &keys), BHI_KV_OK);
    return keys;
}

static bhi_kv_page page(bhi_bytes prefix, const char *cursor, uint32_t limit)
{
    bhi_kv_page_query query = {.prefix = prefix, .limit = limit, .has_cursor = cursor != NULL};
    if (cursor != NULL)
        query.cursor = bhi_bytes_of(cursor);
    bhi_kv_page found;
    assert_int_equal(bhi_kv_list_page(fixture.store, &kv_alice, &query, &fixture.arena, &found),
                     BHI_KV_OK);
    return found;
}

static void expect_keys(bhi_kv_keys keys, const char *const *expected, size_t count)
{
    assert_int_equal(keys.count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(bhi_bytes_equal_text(keys.items[i], expected[i]));
}

static void a_value_that_was_set_is_read_back_and_replaced(void **state)
{
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("first")), BHI_KV_OK);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("first"));
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("se\0cond")), BHI_KV_OK);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("se\0cond"));
}

static void an_empty_value_is_not_an_absent_one(void **state)
{
    kv_expect_absent(&fixture, KV_TEXT("k"));
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), (bhi_bytes){NULL, 0}), BHI_KV_OK);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT(""));
    assert_int_equal(list(&kv_alice, KV_TEXT("")).count, 1);
}

static void deleting_removes_and_a_missing_key_is_success(void **state)
{
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
    assert_int_equal(kv_delete(&fixture, KV_TEXT("k")), BHI_KV_OK);
    kv_expect_absent(&fixture, KV_TEXT("k"));
    assert_int_equal(kv_delete(&fixture, KV_TEXT("k")), BHI_KV_OK);
}

static void pairs_survive_a_reopen(void **state)
{
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
    kv_fixture_close(&fixture);
    kv_fixture_open(&fixture);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("v"));
}

static void a_key_of_256_bytes_is_the_longest(void **state)
{
    assert_int_equal(kv_set(&fixture, repeated('k', 256), KV_TEXT("v")), BHI_KV_OK);
    kv_expect(&fixture, repeated('k', 256), KV_TEXT("v"));
    assert_int_equal(kv_set(&fixture, repeated('k', 257), KV_TEXT("v")), BHI_KV_INVALID_KEY);
    assert_int_equal(kv_delete(&fixture, repeated('k', 257)), BHI_KV_INVALID_KEY);
    assert_int_equal(kv_cas(fixture.store, repeated('k', 257), (bhi_bytes){NULL, 0}, KV_TEXT("v")),
                     BHI_KV_INVALID_KEY);
    bool is_found;
    bhi_bytes value;
    assert_int_equal(
        bhi_kv_get(fixture.store, &kv_alice, repeated('k', 257), &fixture.arena, &is_found, &value),
        BHI_KV_INVALID_KEY);
}

static void the_longest_names_and_key_fit_together(void **state)
{
    bhi_kv_scope scope = {repeated('p', 64), repeated('c', 64)};
    bhi_kv_write_spec spec = {BHI_KV_SET, repeated('k', 256), KV_TEXT("v"), {NULL, 0}, false};
    assert_int_equal(kv_do(fixture.store, &scope, &spec).verdict, BHI_KV_OK);
    assert_true(bhi_bytes_equal(kv_value(&fixture, &scope, repeated('k', 256)), KV_TEXT("v")));
    assert_int_equal(list(&scope, repeated('k', 300)).count, 0);
    scope.principal = repeated('p', 65);
    assert_int_equal(kv_do(fixture.store, &scope, &spec).verdict, BHI_KV_FAILED);
}

static void a_value_of_one_mebibyte_is_the_largest(void **state)
{
    size_t max = BHI_KV_VALUE_BYTES_MAX;
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), repeated('v', max)), BHI_KV_OK);
    kv_expect(&fixture, KV_TEXT("k"), repeated('v', max));
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), repeated('v', max + 1)), BHI_KV_TOO_LARGE);
    assert_int_equal(
        kv_cas(fixture.store, KV_TEXT("k"), repeated('v', max), repeated('v', max + 1)),
        BHI_KV_TOO_LARGE);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), repeated('v', max + 1), KV_TEXT("w")),
                     BHI_KV_CAS_MISMATCH);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), repeated('v', max), KV_TEXT("w")),
                     BHI_KV_OK);
}

static void keys_are_listed_in_ascending_byte_order(void **state)
{
    static const char *const sorted[] = {"A", "a", "a/b", "aa", "b", "\xc3\xa9"};
    static const int order[] = {5, 2, 0, 4, 1, 3};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(kv_set(&fixture, bhi_bytes_of(sorted[order[i]]), KV_TEXT("")), BHI_KV_OK);
    expect_keys(list(&kv_alice, KV_TEXT("")), sorted, 6);
    expect_keys(list(&kv_alice, KV_TEXT("a")), sorted + 1, 3);
    expect_keys(list(&kv_alice, KV_TEXT("\xc3")), sorted + 5, 1);
    expect_keys(list(&kv_alice, KV_TEXT("c")), NULL, 0);
    bhi_kv_keys keys;
    assert_int_equal(bhi_kv_list(fixture.store, &kv_alice, KV_TEXT("a\0"), &fixture.arena, &keys),
                     BHI_KV_INVALID_KEY);
}

static void a_list_of_1024_keys_is_the_longest(void **state)
{
    set_many("k", 1024);
    bhi_kv_keys keys = list(&kv_alice, KV_TEXT("k"));
    assert_int_equal(keys.count, 1024);
    assert_true(bhi_bytes_equal(keys.items[1023], numbered("k", 1023)));
    assert_int_equal(kv_set(&fixture, numbered("k", 1024), KV_TEXT("v")), BHI_KV_OK);
    assert_int_equal(bhi_kv_list(fixture.store, &kv_alice, KV_TEXT("k"), &fixture.arena, &keys),
                     BHI_KV_TOO_LARGE);
    assert_int_equal(page(KV_TEXT("k"), NULL, 0).keys.count, 1024);
    assert_true(page(KV_TEXT("k"), NULL, 0).has_next);
    assert_int_equal(page(KV_TEXT("k"), NULL, 5000).keys.count, 1024);
    assert_int_equal(page(KV_TEXT("k"), "k01023", 0).keys.count, 1);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("k")), 1025);
}

static void pages_follow_each_other_until_the_last(void **state)
{
    set_many("k", 7);
    assert_int_equal(kv_set(&fixture, KV_TEXT("z"), KV_TEXT("")), BHI_KV_OK);
    bhi_kv_page first = page(KV_TEXT("k"), NULL, 3);
    assert_int_equal(first.keys.count, 3);
    assert_true(first.has_next);
    assert_true(bhi_bytes_equal_text(first.next_cursor, "k00002"));
    bhi_kv_page second = page(KV_TEXT("k"), "k00002", 3);
    assert_true(bhi_bytes_equal_text(second.keys.items[0], "k00003"));
    assert_true(second.has_next);
    bhi_kv_page third = page(KV_TEXT("k"), "k00005", 3);
    assert_int_equal(third.keys.count, 1);
    assert_false(third.has_next);
    assert_false(page(KV_TEXT("k"), "k00003", 3).has_next);
}

static void a_key_inserted_behind_the_cursor_is_missed(void **state)
{
    set_many("k", 4);
    assert_true(page(KV_TEXT("k"), NULL, 2).has_next);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k00000x"), KV_TEXT("")), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k00001x"), KV_TEXT("")), BHI_KV_OK);
    static const char *const rest[] = {"k00001x", "k00002", "k00003"};
    expect_keys(page(KV_TEXT("k"), "k00001", 10).keys, rest, 3);
}

static void any_string_is_a_cursor(void **state)
{
    set_many("k", 3);
    assert_int_equal(page(KV_TEXT("k"), "", 10).keys.count, 3);
    assert_int_equal(page(KV_TEXT("k"), "a", 10).keys.count, 3);
    assert_int_equal(page(KV_TEXT("k"), "k", 10).keys.count, 3);
    assert_int_equal(page(KV_TEXT("k"), "k00000\x01", 10).keys.count, 2);
    assert_int_equal(page(KV_TEXT("k"), "z", 10).keys.count, 0);
    assert_int_equal(page(KV_TEXT("k00001"), "k00001", 10).keys.count, 0);
    bhi_kv_page_query query = {.has_cursor = true, .cursor = {NULL, 0}};
    bhi_kv_page found;
    query.cursor = KV_TEXT("k00000\0zzz");
    assert_int_equal(bhi_kv_list_page(fixture.store, &kv_alice, &query, &fixture.arena, &found),
                     BHI_KV_OK);
    assert_int_equal(found.keys.count, 2);
    query.cursor = repeated('k', 100000);
    assert_int_equal(bhi_kv_list_page(fixture.store, &kv_alice, &query, &fixture.arena, &found),
                     BHI_KV_OK);
    assert_int_equal(found.keys.count, 0);
    assert_int_equal(kv_set(&fixture, repeated('k', 256), KV_TEXT("")), BHI_KV_OK);
    query.cursor = repeated('k', 255);
    assert_int_equal(bhi_kv_list_page(fixture.store, &kv_alice, &query, &fixture.arena, &found),
                     BHI_KV_OK);
    assert_int_equal(found.keys.count, 1);
}

static void swap_without_expectation_only_creates(void **state)
{
    bhi_bytes none = {NULL, 0};
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), none, KV_TEXT("")), BHI_KV_OK);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), none, KV_TEXT("b")), BHI_KV_CAS_MISMATCH);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT(""));
}

static void swap_needs_exactly_the_expected_value(void **state)
{
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), KV_TEXT(""), KV_TEXT("a")),
                     BHI_KV_CAS_MISMATCH);
    kv_expect_absent(&fixture, KV_TEXT("k"));
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("ab")), BHI_KV_OK);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), KV_TEXT("a"), KV_TEXT("x")),
                     BHI_KV_CAS_MISMATCH);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), KV_TEXT("abc"), KV_TEXT("x")),
                     BHI_KV_CAS_MISMATCH);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("ab"));
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("k"), KV_TEXT("ab"), KV_TEXT("x")), BHI_KV_OK);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("x"));
}

static void clearing_counts_and_leaves_other_prefixes(void **state)
{
    set_many("a", 300);
    set_many("b", 20);
    assert_int_equal(kv_set(&fixture, KV_TEXT("abig"), repeated('v', 100000)), BHI_KV_OK);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("a")), 301);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("a")), 0);
    assert_int_equal(kv_clear(&fixture, repeated('b', 5000)), 0);
    assert_int_equal(list(&kv_alice, KV_TEXT("")).count, 20);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("")), 20);
    assert_int_equal(list(&kv_alice, KV_TEXT("")).count, 0);
    bhi_kv_write_spec spec = {.kind = BHI_KV_CLEAR_PREFIX, .key = KV_TEXT("a\0b")};
    assert_int_equal(kv_do(fixture.store, &kv_alice, &spec).verdict, BHI_KV_INVALID_KEY);
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), 0);
}

/* Scopes whose names share prefixes, or are the same bytes cut elsewhere. */
static void namespaces_never_leak_into_each_other(void **state)
{
    static const bhi_kv_scope scopes[] = {
        {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}},
        {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"b", 1}},
        {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bb", 2}},
        {{(const uint8_t *)"a", 1}, {(const uint8_t *)"a", 1}},
        {{(const uint8_t *)"b", 1}, {(const uint8_t *)"a", 1}},
        {{(const uint8_t *)"a-b", 3}, {(const uint8_t *)"b", 1}},
    };
    size_t count = sizeof scopes / sizeof *scopes;
    for (size_t i = 0; i < count; i++) {
        bhi_kv_write_spec spec = {BHI_KV_SET, KV_TEXT("b"), scopes[i].principal, {NULL, 0}, false};
        assert_int_equal(kv_do(fixture.store, &scopes[i], &spec).verdict, BHI_KV_OK);
    }
    for (size_t i = 0; i < count; i++) {
        bhi_kv_write_spec clear = {.kind = BHI_KV_CLEAR_PREFIX};
        assert_int_equal(list(&scopes[i], KV_TEXT("")).count, 1);
        assert_true(
            bhi_bytes_equal(kv_value(&fixture, &scopes[i], KV_TEXT("b")), scopes[i].principal));
        assert_int_equal(kv_do(fixture.store, &scopes[i], &clear).cleared_count, 1);
        assert_int_equal(list(&scopes[i], KV_TEXT("")).count, 0);
    }
    static const bhi_kv_scope torn = {{(const uint8_t *)"a\0b", 3}, {(const uint8_t *)"c", 1}};
    bhi_kv_keys keys;
    assert_int_equal(bhi_kv_list(fixture.store, &torn, KV_TEXT(""), &fixture.arena, &keys),
                     BHI_KV_FAILED);
}

static void the_quota_holds_to_the_byte(void **state)
{
    reopen_with(100, fixture.options.map_bytes_max);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 49)), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("b"), repeated('v', 50)), BHI_KV_QUOTA);
    kv_expect_absent(&fixture, KV_TEXT("b"));
    assert_int_equal(kv_set(&fixture, KV_TEXT("b"), repeated('v', 49)), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("c"), KV_TEXT("")), BHI_KV_QUOTA);
    assert_int_equal(kv_cas(fixture.store, KV_TEXT("a"), repeated('v', 49), repeated('v', 50)),
                     BHI_KV_QUOTA);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('w', 49)), BHI_KV_OK);
    bhi_kv_scope other = {KV_TEXT("bob"), KV_TEXT("notes")};
    bhi_kv_write_spec spec = {BHI_KV_SET, KV_TEXT("a"), repeated('v', 99), {NULL, 0}, false};
    assert_int_equal(kv_do(fixture.store, &other, &spec).verdict, BHI_KV_OK);
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), 3);
}

static void deleting_and_shrinking_give_quota_back(void **state)
{
    reopen_with(100, fixture.options.map_bytes_max);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 99)), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("b"), KV_TEXT("")), BHI_KV_QUOTA);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 98)), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("b"), KV_TEXT("")), BHI_KV_OK);
    assert_int_equal(kv_delete(&fixture, KV_TEXT("a")), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("c"), repeated('v', 98)), BHI_KV_OK);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("")), 2);
    assert_int_equal(kv_set(&fixture, KV_TEXT("d"), repeated('v', 99)), BHI_KV_OK);
}

static void a_namespace_above_a_lowered_quota_may_still_shrink(void **state)
{
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 99)), BHI_KV_OK);
    assert_int_equal(kv_set(&fixture, KV_TEXT("b"), repeated('v', 99)), BHI_KV_OK);
    reopen_with(100, fixture.options.map_bytes_max);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 100)), BHI_KV_QUOTA);
    assert_int_equal(kv_set(&fixture, KV_TEXT("a"), repeated('v', 50)), BHI_KV_OK);
    assert_int_equal(kv_delete(&fixture, KV_TEXT("b")), BHI_KV_OK);
}

/* Add pairs of this size until one is refused; returns how many there are. */
static int fill_up(const char *prefix, size_t value_bytes)
{
    int count = 0;
    bhi_bytes value = repeated('v', value_bytes);
    bhi_kv_verdict verdict;
    while ((verdict = kv_set(&fixture, numbered(prefix, count), value)) == BHI_KV_OK)
        count++;
    assert_int_equal(verdict, BHI_KV_QUOTA);
    return count;
}

static void a_full_file_refuses_and_keeps_what_it_had(void **state)
{
    reopen_with(0, SMALL_MAP);
    int count = fill_up("full", 10000);
    assert_in_range(count, 10, 104);
    for (int i = 0; i < count; i++)
        kv_expect(&fixture, numbered("full", i), repeated('v', 10000));
    kv_expect_absent(&fixture, numbered("full", count));
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), count);
}

static void a_full_file_can_be_emptied_and_used_again(void **state)
{
    reopen_with(0, SMALL_MAP);
    for (int round = 0; round < 2; round++) {
        int count = fill_up("full", 10000);
        int small_count = fill_up("small", 1500);
        for (int i = 0; i < count; i++)
            assert_int_equal(kv_delete(&fixture, numbered("full", i)), BHI_KV_OK);
        assert_int_equal(kv_clear(&fixture, KV_TEXT("")), small_count);
        assert_int_equal(kv_set(&fixture, KV_TEXT("k"), repeated('v', 10000)), BHI_KV_OK);
        assert_int_equal(kv_clear(&fixture, KV_TEXT("")), 1);
    }
}

/* The list of so many freed pages needs several pages in a row, and there are none. */
static void a_full_file_has_a_reserve_for_clearing_it(void **state)
{
    reopen_with(0, (uint64_t)16 << 20);
    int count = fill_up("large", 500000);
    count += fill_up("full", 12000);
    count += fill_up("small", 1500);
    assert_int_equal(kv_clear(&fixture, KV_TEXT("")), count);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), repeated('v', 500000)), BHI_KV_OK);
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), 1);
}

static void reading_an_absent_key_leaves_the_value_alone(void **state)
{
    bool is_found = true;
    bhi_bytes value = KV_TEXT("untouched");
    assert_int_equal(
        bhi_kv_get(fixture.store, &kv_alice, KV_TEXT("k"), &fixture.arena, &is_found, &value),
        BHI_KV_OK);
    assert_false(is_found);
    assert_true(bhi_bytes_equal_text(value, "untouched"));
}

/* A long run of random writes agrees with a plain table of what should be there. */
static void random_writes_agree_with_a_model(void **state)
{
    enum { KEYS = 40, STEPS = 600 };
    size_t lens[KEYS];
    unsigned seed = 12345;
    memset(lens, 0xff, sizeof lens);
    for (int step = 0; step < STEPS; step++) {
        int number = rand_r(&seed) % KEYS;
        size_t len = (size_t)(rand_r(&seed) % (step % 50 == 0 ? 60000 : 300));
        bhi_bytes key = numbered("m", number);
        int action = rand_r(&seed) % 20;
        if (action == 0) {
            uint64_t expected = 0;
            for (int i = number / 10 * 10; i < number / 10 * 10 + 10; i++) {
                expected += lens[i] != SIZE_MAX;
                lens[i] = SIZE_MAX;
            }
            key.len--; /* ten neighbours share it */
            assert_int_equal(kv_clear(&fixture, key), expected);
        } else if (action < 6) {
            assert_int_equal(kv_delete(&fixture, key), BHI_KV_OK);
            lens[number] = SIZE_MAX;
        } else {
            assert_int_equal(kv_set(&fixture, key, repeated('r', len)), BHI_KV_OK);
            lens[number] = len;
        }
    }
    size_t count = 0;
    for (int i = 0; i < KEYS; i++) {
        bhi_bytes value = kv_value(&fixture, &kv_alice, numbered("m", i));
        assert_int_equal(value.data == NULL ? SIZE_MAX : value.len, lens[i]);
        count += lens[i] != SIZE_MAX;
    }
    kv_fixture_close(&fixture);
    assert_int_equal(kv_fixture_check_sizes(&fixture), count);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_value_that_was_set_is_read_back_and_replaced),
        CASE(an_empty_value_is_not_an_absent_one),
        CASE(deleting_removes_and_a_missing_key_is_success),
        CASE(pairs_survive_a_reopen),
        CASE(a_key_of_256_bytes_is_the_longest),
        CASE(the_longest_names_and_key_fit_together),
        CASE(a_value_of_one_mebibyte_is_the_largest),
        CASE(keys_are_listed_in_ascending_byte_order),
        CASE(a_list_of_1024_keys_is_the_longest),
        CASE(pages_follow_each_other_until_the_last),
        CASE(a_key_inserted_behind_the_cursor_is_missed),
        CASE(any_string_is_a_cursor),
        CASE(swap_without_expectation_only_creates),
        CASE(swap_needs_exactly_the_expected_value),
        CASE(clearing_counts_and_leaves_other_prefixes),
        CASE(namespaces_never_leak_into_each_other),
        CASE(the_quota_holds_to_the_byte),
        CASE(deleting_and_shrinking_give_quota_back),
        CASE(a_namespace_above_a_lowered_quota_may_still_shrink),
        CASE(a_full_file_refuses_and_keeps_what_it_had),
        CASE(a_full_file_can_be_emptied_and_used_again),
        CASE(a_full_file_has_a_reserve_for_clearing_it),
        CASE(reading_an_absent_key_leaves_the_value_alone),
        CASE(random_writes_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
