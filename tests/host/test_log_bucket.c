/* How much a capsule may log, on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "host/log_bucket.h"

#define NS_PER_LINE (BHI_NS_PER_SECOND / BHI_LOG_LINES_PER_SECOND)
#define START_NS    (7 * BHI_NS_PER_SECOND)

static bhi_log_bucket bucket;

static int open_bucket(void **state)
{
    (void)state;
    bhi_log_bucket_init(&bucket, START_NS);
    return 0;
}

static int close_bucket(void **state)
{
    (void)state;
    bhi_log_bucket_deinit(&bucket);
    return 0;
}

static bool take(uint64_t now_ns)
{
    uint64_t suppressed = 0;
    bool may_log = bhi_log_bucket_take(&bucket, now_ns, &suppressed);
    assert_int_equal(suppressed, 0);
    return may_log;
}

/* How many of `count` lines are let through at one moment. */
static int passed_of(int count, uint64_t now_ns)
{
    uint64_t suppressed;
    int passed = 0;
    for (int i = 0; i < count; i++)
        passed += bhi_log_bucket_take(&bucket, now_ns, &suppressed);
    return passed;
}

static void a_burst_passes_and_one_line_more_does_not(void **state)
{
    (void)state;
    for (int i = 0; i < BHI_LOG_BURST_LINES; i++)
        assert_true(take(START_NS));
    assert_false(take(START_NS));
}

static void a_line_comes_back_when_its_time_is_over_and_not_before(void **state)
{
    (void)state;
    assert_int_equal(passed_of(BHI_LOG_BURST_LINES, START_NS), BHI_LOG_BURST_LINES);
    assert_int_equal(passed_of(1, START_NS + NS_PER_LINE - 1), 0);
    assert_int_equal(passed_of(2, START_NS + NS_PER_LINE), 1);
    assert_int_equal(passed_of(2, START_NS + 2 * NS_PER_LINE), 1);
}

static void time_short_of_a_line_is_kept_for_the_next_one(void **state)
{
    (void)state;
    assert_int_equal(passed_of(BHI_LOG_BURST_LINES, START_NS), BHI_LOG_BURST_LINES);
    uint64_t now_ns = START_NS;
    int passed = 0;
    for (int i = 0; i < 100; i++) /* 100 steps of 0.3 lines */
        passed += passed_of(1, now_ns += NS_PER_LINE * 3 / 10);
    assert_int_equal(passed, 30);
}

static void a_rest_earns_no_more_than_a_burst(void **state)
{
    (void)state;
    assert_int_equal(passed_of(BHI_LOG_BURST_LINES, START_NS), BHI_LOG_BURST_LINES);
    uint64_t later_ns = START_NS + 3600 * BHI_NS_PER_SECOND;
    assert_int_equal(passed_of(2 * BHI_LOG_BURST_LINES, later_ns), BHI_LOG_BURST_LINES);
    assert_int_equal(passed_of(10, UINT64_MAX), 10);
}

static void refused_lines_are_told_once_with_the_next_that_passes(void **state)
{
    (void)state;
    assert_int_equal(passed_of(BHI_LOG_BURST_LINES + 5, START_NS), BHI_LOG_BURST_LINES);
    uint64_t suppressed = 0;
    assert_true(bhi_log_bucket_take(&bucket, START_NS + BHI_NS_PER_SECOND, &suppressed));
    assert_int_equal(suppressed, 5);
    assert_true(bhi_log_bucket_take(&bucket, START_NS + BHI_NS_PER_SECOND, &suppressed));
    assert_int_equal(suppressed, 0);
}

static void a_clock_that_goes_back_gives_nothing_and_takes_nothing(void **state)
{
    (void)state;
    assert_int_equal(passed_of(BHI_LOG_BURST_LINES, START_NS), BHI_LOG_BURST_LINES);
    assert_int_equal(passed_of(1, 0), 0);
    assert_int_equal(passed_of(2, START_NS + NS_PER_LINE), 1);
}

enum { THREADS = 4, TRIES = 1000 };

static void *take_many(void *arg)
{
    int *passed = arg;
    *passed = passed_of(TRIES, START_NS);
    return NULL;
}

static void threads_share_one_burst(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int passed[THREADS], total = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &passed[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += passed[i];
    }
    assert_int_equal(total, BHI_LOG_BURST_LINES);
    uint64_t suppressed;
    assert_true(bhi_log_bucket_take(&bucket, START_NS + BHI_NS_PER_SECOND, &suppressed));
    assert_int_equal(suppressed, THREADS * TRIES - BHI_LOG_BURST_LINES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bucket, close_bucket)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_burst_passes_and_one_line_more_does_not),
        CASE(a_line_comes_back_when_its_time_is_over_and_not_before),
        CASE(time_short_of_a_line_is_kept_for_the_next_one),
        CASE(a_rest_earns_no_more_than_a_burst),
        CASE(refused_lines_are_told_once_with_the_next_that_passes),
        CASE(a_clock_that_goes_back_gives_nothing_and_takes_nothing),
        CASE(threads_share_one_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
