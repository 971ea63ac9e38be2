/* tests/base/test_error.c - how errors are filled, cut and wrapped; what statuses say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bulkhead/outcome.h>

#include "base/error.h"

enum { TEXT_BYTES = sizeof((bh_error *)NULL)->text };

static void fill_with(bh_error *error, size_t len)
{
    char text[TEXT_BYTES + 8];
    memset(text, 'x', len);
    text[len] = 0;
    assert_int_equal(bhi_fail(error, BH_E_ARG, "%s", text), BH_E_ARG);
}

static void failure_fills_code_and_text(void **state)
{
    bh_error error;
    memset(&error, 0xff, sizeof error);
    assert_int_equal(bhi_fail(&error, BH_E_LIMIT, "expected %d, found %d", 1, 2), BH_E_LIMIT);
    assert_int_equal(error.code, BH_E_LIMIT);
    assert_int_equal(error.os_code, 0);
    assert_string_equal(error.text, "expected 1, found 2");
}

static void failure_without_an_error_only_returns_its_status(void **state)
{
    errno = ENOENT;
    assert_int_equal(bhi_fail(NULL, BH_E_LIMIT, "unseen"), BH_E_LIMIT);
    assert_int_equal(bhi_fail_os(NULL, "unseen"), BH_E_IO);
    assert_int_equal(bhi_fail_within(NULL, BH_E_MODULE, "unseen"), BH_E_MODULE);
}

static void text_is_cut_with_dots_one_past_its_maximum(void **state)
{
    bh_error error;
    fill_with(&error, TEXT_BYTES - 1);
    assert_int_equal(strlen(error.text), TEXT_BYTES - 1);
    assert_string_equal(error.text + TEXT_BYTES - 4, "xxx"); /* it just fits */
    fill_with(&error, TEXT_BYTES);
    assert_int_equal(strlen(error.text), TEXT_BYTES - 1);
    assert_string_equal(error.text + TEXT_BYTES - 5, "x...");
}

static void os_failure_says_the_cause(void **state)
{
    bh_error error;
    errno = ENOENT;
    assert_int_equal(bhi_fail_os(&error, "open %s", "a.wasm"), BH_E_IO);
    assert_int_equal(error.code, BH_E_IO);
    assert_int_equal(error.os_code, ENOENT);
    assert_string_equal(error.text, "open a.wasm: No such file or directory");
}

static void failure_within_puts_a_prefix_and_keeps_the_cause(void **state)
{
    bh_error error;
    errno = EACCES;
    assert_int_equal(bhi_fail_os(&error, "read"), BH_E_IO);
    assert_int_equal(bhi_fail_within(&error, BH_E_MODULE, "capsule %s", "echo"), BH_E_MODULE);
    assert_int_equal(error.code, BH_E_MODULE);
    assert_int_equal(error.os_code, EACCES);
    assert_string_equal(error.text, "capsule echo: read: Permission denied");
    fill_with(&error, TEXT_BYTES - 1);
    assert_int_equal(bhi_fail_within(&error, BH_E_ARG, "p"), BH_E_ARG);
    assert_memory_equal(error.text, "p: xx", 5);
    assert_string_equal(error.text + TEXT_BYTES - 5, "x...");
}

static void statuses_name_who_is_to_blame(void **state)
{
    assert_string_equal(bh_status_name(BH_OK), "OK");
    assert_string_equal(bh_status_name(BH_E_SATURATED), "E_SATURATED");
    assert_string_equal(bh_status_text(BH_E_NOMEM), "out of memory");
    assert_int_equal(bh_status_blame(BH_E_ARG), BH_BLAME_CALLER);
    assert_int_equal(bh_status_blame(BH_E_MODULE), BH_BLAME_GUEST);
    assert_true(bh_status_may_retry(BH_E_SATURATED));
    assert_false(bh_status_may_retry(BH_E_ARG));
}

static void values_outside_the_enums_are_unknown(void **state)
{
    assert_string_equal(bh_status_name(BH_STATUS_COUNT), "unknown");
    assert_string_equal(bh_status_text((bh_status)-1), "unknown");
    assert_int_equal(bh_status_blame((bh_status)1000), BH_BLAME_HOST);
    assert_false(bh_status_may_retry(BH_STATUS_COUNT));
    assert_string_equal(bh_outcome_name((bh_outcome)-1), "unknown");
    assert_false(bh_outcome_is_clean(BH_OUTCOME_COUNT)); /* in doubt, condemn */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_fills_code_and_text),
        cmocka_unit_test(failure_without_an_error_only_returns_its_status),
        cmocka_unit_test(text_is_cut_with_dots_one_past_its_maximum),
        cmocka_unit_test(os_failure_says_the_cause),
        cmocka_unit_test(failure_within_puts_a_prefix_and_keeps_the_cause),
        cmocka_unit_test(statuses_name_who_is_to_blame),
        cmocka_unit_test(values_outside_the_enums_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
