/* tests/runtime/test_run_limits.c - L1 and L2, driven by numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "runtime/run_limits.h"

static bh_run_options options_of(bh_run_options wanted)
{
    bh_run_options options;
    assert_int_equal(bhi_run_options_choose(&wanted, &options, NULL), BH_OK);
    return options;
}

static void options_have_their_defaults(void **state)
{
    (void)state;
    bh_run_options options = options_of((bh_run_options){0});
    assert_int_equal(options.cpu_window_ms, 5000);
    assert_int_equal(options.backoff_ms, 2000);
    assert_int_equal(options.backoff_ms_max, 120000);
    assert_int_equal(options.restarts_max, 5);
    assert_int_equal(options.restarts_window_ms, 600000);
    assert_int_equal(options.decision_ms_max, 5000);
}

static void sixty_four_restarts_may_be_allowed_and_one_more_not(void **state)
{
    (void)state;
    bh_run_options wanted = {.restarts_max = 64}, options;
    bh_error error;
    assert_int_equal(options_of(wanted).restarts_max, 64);
    wanted.restarts_max = 65;
    assert_int_equal(bhi_run_options_choose(&wanted, &options, &error), BH_E_ARG);
    assert_non_null(strstr(error.text, "at most 64"));
}

/* ---- L1 ---- */

static void the_third_silent_window_in_a_row_is_the_last(void **state)
{
    (void)state;
    bhi_run_window window = {0};
    for (int i = 0; i < 29; i++)
        assert_false(bhi_run_window_note(&window, 100, 10, false));
    assert_true(bhi_run_window_note(&window, 100, 10, false));
}

static void progress_in_a_window_starts_the_count_again(void **state)
{
    (void)state;
    bhi_run_window window = {0};
    for (int i = 0; i < 29; i++)
        assert_false(bhi_run_window_note(&window, 100, 10, i == 25));
    assert_false(bhi_run_window_note(&window, 100, 10, false)); /* the window with progress ends */
    for (int i = 0; i < 29; i++)
        assert_false(bhi_run_window_note(&window, 100, 10, false));
    assert_true(bhi_run_window_note(&window, 100, 10, false));
}

static void what_takes_no_time_never_ends_a_run(void **state)
{
    (void)state;
    bhi_run_window window = {0};
    for (int i = 0; i < 100000; i++)
        assert_false(bhi_run_window_note(&window, 100, 0, false));
    assert_int_equal(window.silent, 0);
}

/* ---- L2 ---- */

static uint64_t ms(uint64_t count)
{
    return count * BHI_NS_PER_MS;
}

static void backoffs_double_up_to_their_ceiling_and_the_budget_ends_them(void **state)
{
    (void)state;
    static const uint32_t expected[] = {2000, 4000, 8000, 16000, 20000};
    bh_run_options options = options_of((bh_run_options){.backoff_ms_max = 20000});
    bhi_restarts restarts = {0};
    uint32_t delay_ms;
    for (int i = 0; i < 5; i++) {
        assert_true(bhi_restarts_take(&restarts, &options, ms(1000), ms(1), &delay_ms));
        assert_int_equal(delay_ms, expected[i]);
    }
    assert_false(bhi_restarts_take(&restarts, &options, ms(1000), ms(1), &delay_ms));
}

static void a_run_that_lasts_resets_the_backoff_and_not_the_budget(void **state)
{
    (void)state;
    bh_run_options options = options_of((bh_run_options){.backoff_ms_max = 10000});
    bhi_restarts restarts = {0};
    uint32_t delay_ms;
    for (int i = 0; i < 5; i++) {
        uint64_t ran_ns = i == 3 ? ms(10000) : i == 2 ? ms(10000) - 1 : ms(1);
        assert_true(bhi_restarts_take(&restarts, &options, ms(11000), ran_ns, &delay_ms));
        assert_int_equal(delay_ms, i == 3 || i == 0 ? 2000 : i == 2 ? 8000 : 4000);
    }
    assert_false(bhi_restarts_take(&restarts, &options, ms(11000), ms(10000), &delay_ms));
}

static void a_restart_leaves_the_budget_when_its_window_has_passed(void **state)
{
    (void)state;
    bh_run_options options =
        options_of((bh_run_options){.restarts_max = 2, .restarts_window_ms = 1000});
    bhi_restarts restarts = {0};
    uint32_t delay_ms;
    assert_true(bhi_restarts_take(&restarts, &options, ms(100), ms(1), &delay_ms));
    assert_true(bhi_restarts_take(&restarts, &options, ms(600), ms(1), &delay_ms));
    assert_false(bhi_restarts_take(&restarts, &options, ms(1100) - 1, ms(1), &delay_ms));
    assert_true(bhi_restarts_take(&restarts, &options, ms(1100), ms(1), &delay_ms));
    assert_false(bhi_restarts_take(&restarts, &options, ms(1599), ms(1), &delay_ms));
    assert_true(bhi_restarts_take(&restarts, &options, ms(1600), ms(1), &delay_ms));
}

static void the_largest_budget_counts_right_around_the_ring(void **state)
{
    (void)state;
    bh_run_options options =
        options_of((bh_run_options){.restarts_max = 64, .restarts_window_ms = 64});
    bhi_restarts restarts = {0};
    uint32_t delay_ms;
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(bhi_restarts_take(&restarts, &options, ms(100 + i), ms(1), &delay_ms));
    assert_false(bhi_restarts_take(&restarts, &options, ms(1099), ms(1), &delay_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_their_defaults),
        cmocka_unit_test(sixty_four_restarts_may_be_allowed_and_one_more_not),
        cmocka_unit_test(the_third_silent_window_in_a_row_is_the_last),
        cmocka_unit_test(progress_in_a_window_starts_the_count_again),
        cmocka_unit_test(what_takes_no_time_never_ends_a_run),
        cmocka_unit_test(backoffs_double_up_to_their_ceiling_and_the_budget_ends_them),
        cmocka_unit_test(a_run_that_lasts_resets_the_backoff_and_not_the_budget),
        cmocka_unit_test(a_restart_leaves_the_budget_when_its_window_has_passed),
        cmocka_unit_test(the_largest_budget_counts_right_around_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
