/* tests/pool/test_breaker.c - when builds are held back because instances fail too often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/breaker.h"

enum { TOLERATED = 4 };

static const uint64_t start_ns = UINT64_C(5000000000);

static void condemn(bhi_breaker *breaker, int times, uint64_t now_ns)
{
    for (int i = 0; i < times; i++)
        bhi_breaker_condemned(breaker, now_ns);
}

static bhi_breaker opened_breaker(void)
{
    bhi_breaker breaker;
    bhi_breaker_init(&breaker, TOLERATED);
    condemn(&breaker, TOLERATED + 1, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_OPEN);
    return breaker;
}

static void breaker_opens_one_past_what_is_tolerated_at_once(void **state)
{
    bhi_breaker breaker;
    bhi_breaker_init(&breaker, TOLERATED);
    condemn(&breaker, TOLERATED, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_CLOSED);
    condemn(&breaker, 1, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_OPEN);
}

static void breaker_stays_closed_at_the_tolerated_rate(void **state)
{
    bhi_breaker breaker;
    bhi_breaker_init(&breaker, TOLERATED);
    uint64_t now_ns = start_ns;
    for (int i = 0; i < 1000; i++) {
        condemn(&breaker, 1, now_ns);
        assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_CLOSED);
        now_ns += BHI_BREAKER_WINDOW_NS / TOLERATED;
    }
    for (int i = 0; i < 2 * TOLERATED; i++) /* twice as fast */
        condemn(&breaker, 1, now_ns += BHI_BREAKER_WINDOW_NS / TOLERATED / 2);
    assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_OPEN);
}

static void breaker_tolerates_its_default_and_may_be_off(void **state)
{
    bhi_breaker breaker;
    bhi_breaker_init(&breaker, 0);
    condemn(&breaker, BHI_BREAKER_CONDEMNED_DEFAULT, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_CLOSED);
    condemn(&breaker, 1, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_OPEN);
    bhi_breaker_init(&breaker, BHI_BREAKER_OFF);
    condemn(&breaker, 100000, start_ns);
    assert_int_equal(bhi_breaker_at(&breaker, start_ns), BHI_BREAKER_CLOSED);
}

static void open_breaker_is_half_open_after_its_cooldown_whatever_ends_meanwhile(void **state)
{
    bhi_breaker breaker = opened_breaker();
    uint64_t last_ns = start_ns + BHI_BREAKER_COOLDOWN_NS - 1;
    bhi_breaker_clean(&breaker, last_ns); /* began before it opened */
    condemn(&breaker, 100, last_ns);
    assert_int_equal(bhi_breaker_at(&breaker, last_ns), BHI_BREAKER_OPEN);
    assert_int_equal(bhi_breaker_at(&breaker, last_ns + 1), BHI_BREAKER_HALF_OPEN);
}

static void half_open_breaker_closes_with_a_clean_end_and_forgets_what_was(void **state)
{
    bhi_breaker breaker = opened_breaker();
    uint64_t now_ns = start_ns + BHI_BREAKER_COOLDOWN_NS;
    bhi_breaker_clean(&breaker, now_ns);
    assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_CLOSED);
    condemn(&breaker, TOLERATED, now_ns);
    assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_CLOSED);
    condemn(&breaker, 1, now_ns);
    assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_OPEN);
    assert_int_equal(breaker.open_until_ns, now_ns + BHI_BREAKER_COOLDOWN_NS); /* the first again */
}

static void each_opening_in_a_row_lasts_twice_as_long_up_to_the_most(void **state)
{
    bhi_breaker breaker = opened_breaker();
    uint64_t cooldown_ns = BHI_BREAKER_COOLDOWN_NS, now_ns = start_ns;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(breaker.open_until_ns, now_ns + cooldown_ns);
        now_ns = breaker.open_until_ns;
        assert_int_equal(bhi_breaker_at(&breaker, now_ns), BHI_BREAKER_HALF_OPEN);
        condemn(&breaker, 1, now_ns); /* one is enough */
        cooldown_ns = cooldown_ns * 2 < BHI_BREAKER_COOLDOWN_MOST_NS ? cooldown_ns * 2
                                                                     : BHI_BREAKER_COOLDOWN_MOST_NS;
    }
    assert_int_equal(cooldown_ns, BHI_BREAKER_COOLDOWN_MOST_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breaker_opens_one_past_what_is_tolerated_at_once),
        cmocka_unit_test(breaker_stays_closed_at_the_tolerated_rate),
        cmocka_unit_test(breaker_tolerates_its_default_and_may_be_off),
        cmocka_unit_test(open_breaker_is_half_open_after_its_cooldown_whatever_ends_meanwhile),
        cmocka_unit_test(half_open_breaker_closes_with_a_clean_end_and_forgets_what_was),
        cmocka_unit_test(each_opening_in_a_row_lasts_twice_as_long_up_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
