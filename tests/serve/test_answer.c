/* Statuses in HTTP: the advice to try again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "serve/answer.h"

static void expect_retry(bh_status status, uint32_t retry_after_ms, const char *seconds)
{
    bh_error error;
    assert_int_equal(bhi_fail(&error, status, "why"), status);
    error.retry_after_ms = retry_after_ms;
    bhi_answer answer = bhi_answer_status(status, &error);
    const char *found = MHD_get_response_header(answer.response, MHD_HTTP_HEADER_RETRY_AFTER);
    if (seconds == NULL)
        assert_null(found);
    else
        assert_string_equal(found, seconds);
    bhi_answer_deinit(&answer);
}

static void a_known_time_is_rounded_up_to_seconds(void **state)
{
    expect_retry(BH_E_BREAKER, 1, "1");
    expect_retry(BH_E_BREAKER, 1000, "1");
    expect_retry(BH_E_BREAKER, 1001, "2");
    expect_retry(BH_E_BUILD, 250, "1");
    expect_retry(BH_E_BREAKER, UINT32_MAX, "4294968");
}

static void without_a_time_a_second_is_advised_where_a_retry_may_help(void **state)
{
    expect_retry(BH_E_SATURATED, 0, "1");
    expect_retry(BH_E_OVER_CAP, 0, "1");
    expect_retry(BH_E_CLOSED, 0, "1");
    expect_retry(BH_E_ARG, 0, NULL);
    expect_retry(BH_E_NESTED, 0, NULL);
}

static void the_body_has_the_time_only_when_it_is_known(void **state)
{
    json_t *error = bhi_error_json("breaker", "why", 1500);
    assert_int_equal(json_integer_value(json_object_get(error, "retry_after_ms")), 1500);
    assert_string_equal(json_string_value(json_object_get(error, "code")), "breaker");
    json_decref(error);
    error = bhi_error_json("breaker", "why", 0);
    assert_null(json_object_get(error, "retry_after_ms"));
    json_decref(error);
}

static void every_status_has_a_code_of_its_own(void **state)
{
    for (bh_status a = BH_OK; a < BH_STATUS_COUNT; a++) {
        assert_non_null(bhi_answer_code(a));
        for (bh_status b = BH_OK; b < a; b++)
            assert_string_not_equal(bhi_answer_code(a), bhi_answer_code(b));
    }
    assert_string_equal(bhi_answer_code(BH_STATUS_COUNT), "io");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_time_is_rounded_up_to_seconds),
        cmocka_unit_test(without_a_time_a_second_is_advised_where_a_retry_may_help),
        cmocka_unit_test(the_body_has_the_time_only_when_it_is_known),
        cmocka_unit_test(every_status_has_a_code_of_its_own),
    };
    return cmocka_run_group_tests_name("serve/answer", tests, NULL, NULL);
}
