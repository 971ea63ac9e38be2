/* Counters and the text of a scrape, over a catalog whose capsules need not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/metrics.h"

static bhi_catalog_entry entries[] = {
    {.name = "a", .index = 0, .mutex = PTHREAD_MUTEX_INITIALIZER, .state = BHI_ENTRY_FAILED},
    {.name = "b", .index = 1, .mutex = PTHREAD_MUTEX_INITIALIZER, .state = BHI_ENTRY_UNLOADED}};
static bhi_catalog catalog = {.entries = entries, .count = 2};

static int open_runtime(void **state)
{
    (void)state;
    return bh_runtime_create(NULL, &catalog.runtime, NULL) == BH_OK ? 0 : -1;
}

static int close_runtime(void **state)
{
    (void)state;
    bh_runtime_destroy(catalog.runtime);
    return 0;
}

static bhi_metrics *create_metrics(uint32_t workers)
{
    bhi_metrics *metrics;
    bh_error error;
    assert_int_equal(bhi_metrics_create(&catalog, workers, &metrics, &error), BH_OK);
    return metrics;
}

static void expect_line(bhi_metrics *metrics, const char *line, bool is_there)
{
    size_t len;
    char *text = bhi_metrics_text(metrics, &len);
    assert_non_null(text);
    assert_int_equal(strlen(text), len);
    char whole[800];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if ((strstr(text, whole) != NULL) != is_there)
        fail_msg("%s line \"%s\" in:\n%s", is_there ? "no" : "unexpected", line, text);
    free(text);
}

static void workers_are_added_up(void **state)
{
    bhi_metrics *metrics = create_metrics(3);
    bhi_metrics_count_invocation(metrics, 0, 0, "go", BH_OUTCOME_RETURNED);
    bhi_metrics_count_invocation(metrics, 2, 0, "go", BH_OUTCOME_RETURNED);
    bhi_metrics_count_invocation(metrics, 1, 0, "go", BH_OUTCOME_TRAPPED);
    bhi_metrics_count_invocation(metrics, 1, 1, "go", BH_OUTCOME_RETURNED);
    bhi_metrics_count_response(metrics, 0, 200);
    bhi_metrics_count_response(metrics, 1, 200);
    bhi_metrics_count_response(metrics, 1, 599);
    bhi_metrics_count_response(metrics, 1, 600); /* no such status: ignored */
    bhi_metrics_count_response(metrics, 1, 0);
    bhi_metrics_set_connections(metrics, 0, 2);
    bhi_metrics_set_connections(metrics, 2, 5);
    expect_line(metrics,
                "bulkhead_invocations_total{capsule=\"a\",action=\"go\",outcome=\"returned\"} 2",
                true);
    expect_line(metrics,
                "bulkhead_invocations_total{capsule=\"a\",action=\"go\",outcome=\"trapped\"} 1",
                true);
    expect_line(metrics,
                "bulkhead_invocations_total{capsule=\"b\",action=\"go\",outcome=\"returned\"} 1",
                true);
    expect_line(metrics, "bulkhead_http_responses_total{code=\"200\"} 2", true);
    expect_line(metrics, "bulkhead_http_responses_total{code=\"599\"} 1", true);
    expect_line(metrics, "bulkhead_http_connections 7", true);
    expect_line(metrics, "bulkhead_capsules{state=\"unloaded\"} 1", true);
    bhi_metrics_destroy(metrics);
}

static void count_numbered(bhi_metrics *metrics, int number)
{
    char action[32];
    snprintf(action, sizeof action, "action-%d", number);
    bhi_metrics_count_invocation(metrics, 0, 0, action, BH_OUTCOME_RETURNED);
}

static void actions_beyond_the_bound_are_counted_as_other(void **state)
{
    bhi_metrics *metrics = create_metrics(1);
    for (int i = 0; i < BHI_METRICS_ACTIONS_MAX; i++)
        count_numbered(metrics, i);
    expect_line(
        metrics,
        "bulkhead_invocations_total{capsule=\"a\",action=\"action-63\",outcome=\"returned\"} "
        "1",
        true);
    expect_line(metrics,
                "bulkhead_invocations_total{capsule=\"a\",action=\"other\",outcome=\"returned\"} 1",
                false);
    count_numbered(metrics, BHI_METRICS_ACTIONS_MAX);
    count_numbered(metrics, 63); /* a known one keeps its own line */
    expect_line(metrics,
                "bulkhead_invocations_total{capsule=\"a\",action=\"other\",outcome=\"returned\"} 1",
                true);
    expect_line(
        metrics,
        "bulkhead_invocations_total{capsule=\"a\",action=\"action-63\",outcome=\"returned\"} "
        "2",
        true);
    bhi_metrics_destroy(metrics);
}

static void label_values_are_escaped(void **state)
{
    char text[32];
    bhi_metrics_escape("a\"b\\c\nd", text, sizeof text);
    assert_string_equal(text, "a\\\"b\\\\c\\nd");
    bhi_metrics_escape("ab\"", text, 4); /* an escape is never cut in half */
    assert_string_equal(text, "ab");
    bhi_metrics *metrics = create_metrics(1);
    bhi_metrics_count_invocation(metrics, 0, 0, "\"} 1\nx", BH_OUTCOME_RETURNED);
    expect_line(
        metrics,
        "bulkhead_invocations_total{capsule=\"a\",action=\"\\\"} 1\\nx\",outcome=\"returned\"} 1",
        true);
    bhi_metrics_destroy(metrics);
}

static void the_longest_action_is_escaped_whole(void **state)
{
    char action[257], line[800], *end = line;
    memset(action, '"', 256);
    action[256] = '\0';
    end += sprintf(end, "bulkhead_invocations_total{capsule=\"b\",action=\"");
    for (int i = 0; i < 256; i++)
        end += sprintf(end, "\\\"");
    sprintf(end, "\",outcome=\"cancelled\"} 1");
    bhi_metrics *metrics = create_metrics(1);
    bhi_metrics_count_invocation(metrics, 0, 1, action, BH_OUTCOME_CANCELLED);
    expect_line(metrics, line, true);
    bhi_metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_added_up),
        cmocka_unit_test(actions_beyond_the_bound_are_counted_as_other),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(the_longest_action_is_escaped_whole),
    };
    return cmocka_run_group_tests_name("serve/metrics", tests, open_runtime, close_runtime);
}
