/* tests/bus/test_rates.c - a claimed message is paid for twice: by who claims and in the claimed
 * name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bus/rates.h"

enum { LIMIT = 100 };

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

static bool charge_from(const char *source, const char *principal, const char *claimed,
                        uint64_t bytes)
{
    bhi_rate_charge charge = {.source_id = bhi_bytes_of(source),
                              .principal = bhi_bytes_of(principal),
                              .claimed = bhi_bytes_of(claimed),
                              .bytes = bytes,
                              .bytes_per_s_max = LIMIT,
                              .now_ns = 7 * BHI_NS_PER_SECOND};
    return bhi_rates_take(rates, &charge);
}

static bool charge(const char *principal, const char *claimed, uint64_t bytes)
{
    return charge_from("00000000-0000-4000-8000-000000000001", principal, claimed, bytes);
}

static void new_names_buy_an_uplink_no_new_budget(void **state)
{
    char name[16];
    for (int i = 0; i < LIMIT; i++) {
        snprintf(name, sizeof name, "claimed-%d", i);
        assert_true(charge("uplink", name, 1));
    }
    assert_false(charge("uplink", "one-more", 1));
    assert_false(charge("uplink", "", 1));
}

static void a_claimed_name_has_one_budget_whoever_claims_it(void **state)
{
    assert_true(charge("alice", "bob", 60));
    assert_false(charge("carol", "bob", 41));
    assert_true(charge("carol", "", LIMIT)); /* what was refused cost carol nothing */
    assert_true(charge("dave", "bob", 40));
}

static void what_the_claimer_cannot_pay_costs_the_claimed_name_nothing(void **state)
{
    assert_true(charge("alice", "", 50));
    assert_false(charge("alice", "bob", 51));
    assert_true(charge("carol", "bob", LIMIT));
}

static void sources_do_not_share_budgets(void **state)
{
    assert_true(charge("alice", "", LIMIT));
    assert_true(charge_from("00000000-0000-4000-8000-000000000002", "alice", "", LIMIT));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_rates, close_rates)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(new_names_buy_an_uplink_no_new_budget),
        CASE(a_claimed_name_has_one_budget_whoever_claims_it),
        CASE(what_the_claimer_cannot_pay_costs_the_claimed_name_nothing),
        CASE(sources_do_not_share_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
