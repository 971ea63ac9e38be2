/* tests/runtime/test_sizing.c - who decides how many instances a pool may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/sizing.h"

static const char *const ours = "BULKHEAD_INSTANCE_POOL_SIZE";
static const char *const theirs = "ASTRID_CAPSULE_INSTANCE_POOL_SIZE";

static int clear_environment(void **state)
{
    (void)state;
    unsetenv(ours);
    unsetenv(theirs);
    return 0;
}

static bhi_sizing choose(uint32_t option, const bhi_manifest *manifest, bool is_carve_out)
{
    bhi_sizing sizing = {0};
    bh_error error = {0};
    if (bhi_sizing_choose(option, manifest, is_carve_out, &sizing, &error) != BH_OK)
        fail_msg("%s", error.text);
    return sizing;
}

static void
the_option_comes_before_the_manifest_before_the_environment_before_the_processors(void **state)
{
    bhi_manifest says_five = {.has_live_max = true, .live_max = 5, .min_idle = 1};
    bhi_manifest says_nothing = {.min_idle = 1};
    uint32_t of_processors = choose(0, &says_nothing, false).live_max;
    assert_true(of_processors >= 8 && of_processors <= 64);
    setenv(theirs, "7", 1);
    assert_int_equal(choose(0, &says_nothing, false).live_max, 7);
    setenv(ours, "6", 1);
    assert_int_equal(choose(0, &says_nothing, false).live_max, 6);
    assert_int_equal(choose(0, &says_five, false).live_max, 5);
    assert_int_equal(choose(3, &says_five, false).live_max, 3);
}

static void min_idle_is_at_most_the_ceiling(void **state)
{
    bhi_manifest warm = {.min_idle = 4};
    assert_int_equal(choose(9, &warm, false).min_idle, 4);
    assert_int_equal(choose(4, &warm, false).min_idle, 4); /* then nothing is ever evicted */
    assert_int_equal(choose(2, &warm, false).min_idle, 2);
    bhi_manifest cold = {.min_idle = 0};
    assert_int_equal(choose(2, &cold, false).min_idle, 0);
}

static void a_carve_out_has_one_instance_whatever_is_asked(void **state)
{
    bhi_manifest wants_many = {.has_live_max = true, .live_max = 50, .min_idle = 0};
    setenv(ours, "20", 1);
    bhi_sizing sizing = choose(30, &wants_many, true);
    assert_int_equal(sizing.live_max, 1);
    assert_int_equal(sizing.min_idle, 1);
}

static void a_variable_that_is_no_size_is_refused_by_name(void **state)
{
    static const char *const bad[] = {"0", "-1", "x", "8x", " 8", "10001", "99999999999999999999"};
    bhi_manifest manifest = {.min_idle = 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bhi_sizing sizing;
        bh_error error = {0};
        setenv(ours, bad[i], 1);
        assert_int_equal(bhi_sizing_choose(0, &manifest, false, &sizing, &error), BH_E_ARG);
        assert_non_null(strstr(error.text, "BULKHEAD_INSTANCE_POOL_SIZE from 1 to 10000"));
        assert_non_null(strstr(error.text, bad[i]));
        assert_int_equal(bhi_sizing_choose(2, &manifest, false, &sizing, NULL), BH_OK);
    }
    setenv(ours, "", 1); /* as good as absent */
    assert_true(choose(0, &manifest, false).live_max >= 8);
    setenv(ours, "10000", 1);
    assert_int_equal(choose(0, &manifest, false).live_max, 10000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, clear_environment, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_option_comes_before_the_manifest_before_the_environment_before_the_processors),
        CASE(min_idle_is_at_most_the_ceiling),
        CASE(a_carve_out_has_one_instance_whatever_is_asked),
        CASE(a_variable_that_is_no_size_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
