/* tests/pool/test_turns.c - places in the line of principals, one step at a time (P9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pool/turns.h"

enum { CAPACITY = BHI_TURNS_LINGERING_MOST + 64, WAITERS = BHI_TURNS_LINGERING_MOST + 16 };

typedef struct line {
    bhi_turns turns;
    bhi_principals principals;
    void *memory;
    bhi_waiter waiters[WAITERS];
    char names[WAITERS][16];
    int used;
} line;

static line *create_line(void)
{
    line *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->memory = calloc(1, bhi_principals_memory_bytes(CAPACITY));
    assert_non_null(l->memory);
    bhi_principals_init(&l->principals, CAPACITY, 1, l->memory);
    bhi_turns_init(&l->turns, &l->principals);
    return l;
}

static void destroy_line(line *l)
{
    free(l->memory);
    free(l);
}

static bhi_principal *record_of(line *l, const char *name)
{
    return bhi_principals_find_or_add(&l->principals, bhi_bytes_of(name));
}

static bhi_waiter *add(line *l, const char *name, uint32_t weight, bool is_capped)
{
    bhi_waiter *waiter = &l->waiters[l->used++];
    bhi_link_init(&waiter->link);
    waiter->weight = weight;
    bhi_turns_add(&l->turns, record_of(l, name), waiter, is_capped);
    return waiter;
}

/* Serves whose turn it is; the first letter of its name, or '-'. */
static char serve(line *l)
{
    bhi_principal *principal = bhi_turns_next(&l->turns);
    if (principal == NULL)
        return '-';
    char letter = (char)principal->text[0];
    bhi_turns_serve(&l->turns, principal);
    return letter;
}

static void expect_order(line *l, const char *expected)
{
    for (; *expected != '\0'; expected++)
        assert_int_equal(serve(l), *expected);
}

static void principal_that_begins_to_wait_goes_before_those_that_had_a_turn_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 4; i++)
        add(l, "a", 1, false);
    expect_order(l, "a");
    add(l, "b", 1, false);
    add(l, "b", 1, false);
    expect_order(l, "babaa-");
    destroy_line(l);
}

static void principal_that_asks_again_within_the_round_is_not_fresh_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 4; i++)
        add(l, "a", 1, false);
    for (int i = 0; i < 4; i++)
        add(l, "c", 1, false);
    expect_order(l, "ac");
    add(l, "b", 1, false);
    expect_order(l, "b");
    add(l, "b", 1, false); /* a and c had no turn since */
    expect_order(l, "acb");
    expect_order(l, "ac"); /* b's round is over */
    add(l, "b", 1, false);
    expect_order(l, "bac-");
    destroy_line(l);
}

static void weight_is_the_number_of_grants_of_a_turn_and_the_latest_counts_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 6; i++)
        add(l, "a", 3, false);
    for (int i = 0; i < 4; i++)
        add(l, "b", 0, false); /* one */
    expect_order(l, "aaab");
    add(l, "a", 2, false); /* lighter: its turn is cut, too */
    expect_order(l, "aabaabb-");
    destroy_line(l);
}

static void somebody_old_is_served_after_so_many_fresh_in_a_row_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 3; i++)
        add(l, "old", 1, false);
    expect_order(l, "o");
    for (int i = 0; i < BHI_TURNS_FRESH_MOST + 10; i++) {
        snprintf(l->names[i], sizeof l->names[i], "n%d", i);
        add(l, l->names[i], 1, false);
    }
    for (int i = 0; i < BHI_TURNS_FRESH_MOST; i++) /* at the maximum */
        assert_int_equal(serve(l), 'n');
    expect_order(l, "on"); /* one past it */
    destroy_line(l);
}

static void capped_principal_is_passed_over_and_comes_back_with_a_whole_turn_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 3; i++)
        add(l, "a", 2, true);
    add(l, "b", 1, false);
    assert_true(bhi_turns_may_serve(&l->turns));
    expect_order(l, "b-");
    assert_false(bhi_turns_may_serve(&l->turns));
    assert_int_equal(l->turns.waiting, 3);
    bhi_turns_uncap(&l->turns, record_of(l, "a"));
    add(l, "c", 1, false);
    expect_order(l, "caa");
    bhi_turns_cap(&l->turns, record_of(l, "a"));
    expect_order(l, "-");
    bhi_turns_uncap(&l->turns, record_of(l, "a"));
    expect_order(l, "a-");
    destroy_line(l);
}

/* Both are old; what is served in between must not cost a a round. */
static void principal_that_was_capped_waits_for_one_round_only_P9(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 4; i++)
        add(l, "a", 1, false);
    for (int i = 0; i < 8; i++)
        add(l, "b", 1, false);
    expect_order(l, "ab");
    for (int i = 0; i < 3; i++) {
        bhi_turns_cap(&l->turns, record_of(l, "a"));
        expect_order(l, "b");
        bhi_turns_uncap(&l->turns, record_of(l, "a"));
        expect_order(l, "ba");
    }
    destroy_line(l);
}

static void principal_whose_last_waiter_gives_up_before_its_turn_is_forgotten(void **state)
{
    line *l = create_line();
    add(l, "a", 1, false);
    bhi_waiter *gone = add(l, "b", 1, false), *capped = add(l, "c", 1, true);
    bhi_turns_remove(&l->turns, gone);
    bhi_turns_remove(&l->turns, capped);
    assert_int_equal(l->turns.capped_waiting, 0);
    assert_true(l->principals.count <= 2); /* a, and the last one let go */
    expect_order(l, "a-");
    assert_true(l->principals.count <= 1);
    destroy_line(l);
}

static void principals_are_remembered_up_to_a_maximum_the_longest_goes_first(void **state)
{
    line *l = create_line();
    add(l, "old", 1, false);
    add(l, "old", 1, false);
    expect_order(l, "o");
    for (int i = 0; i < BHI_TURNS_FRESH_MOST; i++) {
        snprintf(l->names[i], sizeof l->names[i], "n%d", i);
        add(l, l->names[i], 1, false);
        expect_order(l, "n");
    }
    assert_int_equal(l->turns.lingering_count, BHI_TURNS_FRESH_MOST);
    for (int i = BHI_TURNS_FRESH_MOST; i <= BHI_TURNS_LINGERING_MOST; i++) {
        snprintf(l->names[i], sizeof l->names[i], "n%d", i);
        l->turns.fresh_in_a_row = 0; /* else the old one would have its turn, and end the round */
        add(l, l->names[i], 1, false);
        expect_order(l, "n");
    }
    assert_int_equal(l->turns.lingering_count, BHI_TURNS_LINGERING_MOST); /* one past it */
    assert_int_equal(record_of(l, "n0")->place, BHI_PLACE_NOWHERE);
    assert_int_equal(record_of(l, "n1")->place, BHI_PLACE_OLD);
    destroy_line(l);
}

static void closing_takes_everybody_capped_or_not_P8(void **state)
{
    line *l = create_line();
    for (int i = 0; i < 3; i++)
        add(l, "a", 1, true);
    for (int i = 0; i < 3; i++)
        add(l, "b", 1, false);
    expect_order(l, "b");
    for (int i = 0; i < 5; i++)
        assert_non_null(bhi_turns_take_any(&l->turns));
    assert_null(bhi_turns_take_any(&l->turns));
    assert_int_equal(l->turns.waiting + l->turns.capped_waiting + l->turns.lingering_count, 0);
    assert_true(l->principals.count <= 1);
    destroy_line(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(principal_that_begins_to_wait_goes_before_those_that_had_a_turn_P9),
        cmocka_unit_test(principal_that_asks_again_within_the_round_is_not_fresh_P9),
        cmocka_unit_test(weight_is_the_number_of_grants_of_a_turn_and_the_latest_counts_P9),
        cmocka_unit_test(somebody_old_is_served_after_so_many_fresh_in_a_row_P9),
        cmocka_unit_test(capped_principal_is_passed_over_and_comes_back_with_a_whole_turn_P9),
        cmocka_unit_test(principal_that_was_capped_waits_for_one_round_only_P9),
        cmocka_unit_test(principal_whose_last_waiter_gives_up_before_its_turn_is_forgotten),
        cmocka_unit_test(principals_are_remembered_up_to_a_maximum_the_longest_goes_first),
        cmocka_unit_test(closing_takes_everybody_capped_or_not_P8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
