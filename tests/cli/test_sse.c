/* tests/cli/test_sse.c - events are the same however the stream is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/sse.h"

static char told[1024];
static int events_max;

static bool tell(void *arg, const bhi_sse_event *event)
{
    size_t len = strlen(told);
    assert_int_equal(event->data_len, strlen(event->data));
    snprintf(told + len, sizeof told - len, "<%s|%s|%s>", event->id, event->event, event->data);
    return --events_max != 0;
}

static void expect(const char *stream, const char *events)
{
    size_t len = strlen(stream);
    for (size_t piece = 1; piece <= len; piece++) {
        bhi_sse sse = {.event_cb = tell};
        told[0] = '\0';
        events_max = -1;
        for (size_t at = 0; at < len; at += piece)
            assert_true(bhi_sse_read(&sse, stream + at, len - at < piece ? len - at : piece));
        assert_string_equal(told, events);
        bhi_sse_deinit(&sse);
    }
}

static void events_are_the_same_in_pieces_of_any_size(void **state)
{
    expect("id: 1\nevent: message\ndata: {}\n\nid: 2\nevent: message\ndata: [\"a: b\"]\n\n",
           "<1|message|{}><2|message|[\"a: b\"]>");
    expect(":\n\nevent: lost\ndata: 7\n\n:\n\n", "<|lost|7>");
}

static void fields_that_are_not_known_are_passed_over(void **state)
{
    expect("retry: 5\nid:1\nidle: 2\ndata\ndata:  x\n\nfoo: 1\n\n", "<1|| x>");
}

static void an_event_that_is_not_complete_is_not_told(void **state)
{
    expect("id: 1\nevent: message\ndata: {}\n", "");
    expect("", "");
    expect("\n\n\n\n", "");
}

static void whoever_is_told_may_stop(void **state)
{
    static const char stream[] = "id: 1\n\nid: 2\n\nid: 3\n\n";
    bhi_sse sse = {.event_cb = tell};
    told[0] = '\0';
    events_max = 2;
    assert_false(bhi_sse_read(&sse, stream, strlen(stream)));
    assert_string_equal(told, "<1||><2||>");
    bhi_sse_deinit(&sse);
}

static void an_event_has_16_mib_and_not_one_byte_more(void **state)
{
    size_t len = BHI_SSE_EVENT_BYTES_MAX;
    char *stream = malloc(len + 1);
    assert_non_null(stream);
    memset(stream, 'x', len + 1);
    bhi_sse sse = {.event_cb = tell};
    assert_true(bhi_sse_read(&sse, stream, len));
    assert_false(bhi_sse_read(&sse, stream, 1));
    bhi_sse_deinit(&sse);
    assert_false(bhi_sse_read(&sse, stream, len + 1));
    bhi_sse_deinit(&sse);
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_in_pieces_of_any_size),
        cmocka_unit_test(fields_that_are_not_known_are_passed_over),
        cmocka_unit_test(an_event_that_is_not_complete_is_not_told),
        cmocka_unit_test(whoever_is_told_may_stop),
        cmocka_unit_test(an_event_has_16_mib_and_not_one_byte_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
