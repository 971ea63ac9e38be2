/* Percentiles out of buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serve/quantile.h"

static void without_any_duration_every_percentile_is_zero(void **state)
{
    bh_histogram histogram = {0};
    assert_int_equal(bhi_histogram_count(&histogram), 0);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 50), 0);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 100), 0);
}

static void a_percentile_is_interpolated_inside_its_bucket(void **state)
{
    bh_histogram histogram = {.counts = {[1] = 4}}; /* 512 to 1024 ns */
    assert_int_equal(bhi_histogram_count(&histogram), 4);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 25), 640);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 50), 768);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 100), 1024);
}

static void buckets_below_are_passed_over(void **state)
{
    bh_histogram histogram = {.counts = {[0] = 90, [4] = 10}}; /* to 512; 4096 to 8192 ns */
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 45), 256);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 90), 512);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 95), 6144);
}

static void the_bucket_without_a_bound_answers_its_beginning(void **state)
{
    bh_histogram histogram = {.counts = {[0] = 1, [BH_HISTOGRAM_BUCKETS - 1] = 1}};
    uint64_t begin_ns = bh_histogram_bound_ns(BH_HISTOGRAM_BUCKETS - 2);
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 99), begin_ns);
    histogram.counts[0] = 0;
    assert_int_equal(bhi_histogram_percentile_ns(&histogram, 1), begin_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_duration_every_percentile_is_zero),
        cmocka_unit_test(a_percentile_is_interpolated_inside_its_bucket),
        cmocka_unit_test(buckets_below_are_passed_over),
        cmocka_unit_test(the_bucket_without_a_bound_answers_its_beginning),
    };
    return cmocka_run_group_tests_name("serve/quantile", tests, NULL, NULL);
}
