/* tests/bus/test_rates.c - bytes per second, and that a claimed message is paid for twice: by who
 * claims and in the claimed name. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bus/rates.h"

enum { LIMIT = 100 };
#define START (7 * BHI_NS_PER_SECOND)

static bhi_publish_rates *rates;

static int open_rates(void **state)
{
    return bhi_rates_create(&rates, NULL) == BH_OK ? 0 : -1;
}

static int close_rates(void **state)
{
    bhi_rates_destroy(rates);
    return 0;
}

static const char source[] = "00000000-0000-4000-8000-000000000001";

static bhi_rate_window *pin(const char *principal)
{
    bhi_rate_window *window = bhi_rates_pin(rates, bhi_bytes_of(source), bhi_bytes_of(principal));
    assert_non_null(window);
    return window;
}

static bool charge_at(const char *principal, const char *claimed, uint64_t bytes, uint64_t now_ns)
{
    bhi_rate_charge charge = {.bytes = bytes, .bytes_per_s_max = LIMIT, .now_ns = now_ns};
    bhi_rate_window *own = pin(principal), *other = claimed == NULL ? NULL : pin(claimed);
    bool is_taken = bhi_rates_take(own, other, &charge);
    bhi_rates_unpin(rates, other);
    bhi_rates_unpin(rates, own);
    return is_taken;
}

static bool charge(const char *principal, const char *claimed, uint64_t bytes)
{
    return charge_at(principal, claimed, bytes, START);
}

static void a_principal_publishes_so_many_bytes_per_second(void **state)
{
    assert_true(charge("alice", NULL, 100));
    assert_false(charge("alice", NULL, 1));
    assert_true(charge("bob", NULL, 99));
    assert_false(charge("bob", NULL, 2));
    assert_true(charge("bob", NULL, 1)); /* what was refused cost nothing */
    assert_false(charge_at("alice", NULL, 1, START + BHI_NS_PER_SECOND - 1));
    assert_true(charge_at("alice", NULL, 100, START + BHI_NS_PER_SECOND));
    assert_false(charge("carol", NULL, LIMIT + 1));
}

/* Whenever a window began, less than a second holds less than two. */
static void a_second_holds_at_most_two_windows(void **state)
{
    uint64_t taken[40] = {0};
    for (int tenth = 0; tenth < 40; tenth++)
        while (charge_at("alice", NULL, 10, START + (uint64_t)tenth * BHI_NS_PER_SECOND / 10))
            taken[tenth] += 10;
    for (int from = 0; from + 10 <= 40; from++) {
        uint64_t sum = 0;
        for (int tenth = from; tenth < from + 10; tenth++)
            sum += taken[tenth];
        assert_in_range(sum, LIMIT, 2 * LIMIT);
    }
}

static void the_clock_is_read_when_none_is_given(void **state)
{
    assert_true(charge_at("alice", NULL, LIMIT, 0));
    assert_false(charge_at("alice", NULL, LIMIT, 0));
    assert_true(charge_at("alice", NULL, LIMIT, bhi_monotonic_ns() + BHI_NS_PER_SECOND));
}

static void more_pairs_than_are_kept_forget_the_longest_unused(void **state)
{
    char name[16];
    for (int i = 0; i < BHI_RATES_MAX; i++) {
        snprintf(name, sizeof name, "p%d", i);
        assert_true(charge(name, NULL, LIMIT));
    }
    assert_false(charge("p0", NULL, 1)); /* used again: p1 is the oldest now */
    assert_true(charge("new", NULL, 1));
    assert_false(charge("p0", NULL, 1));
    assert_true(charge("p1", NULL, 1));
}

/* Else an uplink would empty its own window by claiming many names. */
static void a_window_that_is_pinned_is_not_forgotten(void **state)
{
    bhi_rate_charge one = {.bytes = 1, .bytes_per_s_max = LIMIT, .now_ns = START};
    bhi_rate_window *pinned = pin("uplink");
    char name[16];
    assert_true(charge("uplink", NULL, LIMIT));
    for (int i = 0; i < BHI_RATES_MAX + 10; i++) {
        snprintf(name, sizeof name, "p%d", i);
        assert_true(charge(name, NULL, 1));
    }
    assert_false(bhi_rates_take(pinned, NULL, &one));
    bhi_rates_unpin(rates, pinned);
}

static void new_names_buy_an_uplink_no_new_budget(void **state)
{
    char name[16];
    for (int i = 0; i < LIMIT; i++) {
        snprintf(name, sizeof name, "claimed-%d", i);
        assert_true(charge("uplink", name, 1));
    }
    assert_false(charge("uplink", "one-more", 1));
    assert_false(charge("uplink", NULL, 1));
}

static void a_claimed_name_has_one_budget_whoever_claims_it(void **state)
{
    assert_true(charge("alice", "bob", 60));
    assert_false(charge("carol", "bob", 41));
    assert_true(charge("carol", NULL, LIMIT)); /* what was refused cost carol nothing */
    assert_true(charge("dave", "bob", 40));
}

static void what_the_claimer_cannot_pay_costs_the_claimed_name_nothing(void **state)
{
    assert_true(charge("alice", NULL, 50));
    assert_false(charge("alice", "bob", 51));
    assert_true(charge("carol", "bob", LIMIT));
}

static void sources_do_not_share_budgets(void **state)
{
    static const char another[] = "00000000-0000-4000-8000-000000000002";
    bhi_rate_charge all = {.bytes = LIMIT, .bytes_per_s_max = LIMIT, .now_ns = START};
    bhi_rate_window *theirs =
        bhi_rates_pin(rates, bhi_bytes_of(another), BHI_BYTES_LITERAL("alice"));
    assert_true(charge("alice", NULL, LIMIT));
    assert_true(bhi_rates_take(theirs, NULL, &all));
    bhi_rates_unpin(rates, theirs);
}

/* ---- threads ---- */

enum { THREADS = 4, TRIES = 5000 };

static void *charge_often(void *arg)
{
    bhi_rate_charge one = {.bytes = 1, .bytes_per_s_max = THREADS * TRIES / 2, .now_ns = START};
    intptr_t taken = 0;
    for (int i = 0; i < TRIES; i++) {
        bhi_rate_window *window = pin("alice");
        taken += bhi_rates_take(window, NULL, &one);
        bhi_rates_unpin(rates, window);
    }
    return (void *)taken;
}

static void threads_together_get_one_budget(void **state)
{
    pthread_t threads[THREADS];
    intptr_t sum = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, charge_often, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *taken;
        pthread_join(threads[i], &taken);
        sum += (intptr_t)taken;
    }
    assert_int_equal(sum, THREADS * TRIES / 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_rates, close_rates)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_principal_publishes_so_many_bytes_per_second),
        CASE(a_second_holds_at_most_two_windows),
        CASE(the_clock_is_read_when_none_is_given),
        CASE(more_pairs_than_are_kept_forget_the_longest_unused),
        CASE(a_window_that_is_pinned_is_not_forgotten),
        CASE(new_names_buy_an_uplink_no_new_budget),
        CASE(a_claimed_name_has_one_budget_whoever_claims_it),
        CASE(what_the_claimer_cannot_pay_costs_the_claimed_name_nothing),
        CASE(sources_do_not_share_budgets),
        CASE(threads_together_get_one_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
