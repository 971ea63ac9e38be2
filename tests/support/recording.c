/* support/recording.c - see the header. */
#include "support/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/guest_files.h"

/* ---- reading ---- */

/* "<70002 chars>" stands for a text of that many characters; 0: it is the text itself. */
static size_t elided_chars(const char *text)
{
    size_t count = 0;
    int end = 0;
    bool is_elided = sscanf(text, "<%zu chars>%n", &count, &end) == 1 && end > 0;
    return is_elided && text[end] == '\0' ? count : 0;
}

static const char *expected_data(const recorded_step *step)
{
    return json_string_value(json_object_get(step->ok, "data"));
}

/* A long payload is recorded as its beginning and "...": a JSON string of one repeated letter,
 * which the guest answers unchanged, so its length is that of the answer. */
static void expand_payload(recorded_step *step, const char *shown)
{
    const char *data = expected_data(step);
    size_t chars = data == NULL ? 0 : elided_chars(data);
    size_t shown_len = strlen(shown) - strlen("...");
    assert_in_range(chars, shown_len + 1, 1 << 20);
    step->payload = test_malloc(chars);
    memcpy(step->payload, shown, shown_len);
    memset(step->payload + shown_len, shown[shown_len - 1], chars - shown_len);
    step->payload[chars - 1] = '"';
    step->payload_len = chars;
}

static void read_payload(recorded_step *step, const char *shown)
{
    size_t len = strlen(shown);
    if (len >= 3 && strcmp(shown + len - 3, "...") == 0) {
        expand_payload(step, shown);
        return;
    }
    step->payload = test_malloc(len + 1);
    memcpy(step->payload, shown, len + 1);
    step->payload_len = len;
}

static bhi_entry entry_of(const char *text)
{
    static const char *const names[] = {
        [BHI_ENTRY_INSTALL] = "install", [BHI_ENTRY_UPGRADE] = "upgrade", [BHI_ENTRY_RUN] = "run"};
    for (int entry = BHI_ENTRY_INSTALL; entry <= BHI_ENTRY_RUN; entry++) {
        if (strcmp(text, names[entry]) == 0)
            return (bhi_entry)entry;
    }
    return BHI_ENTRY_HOOK;
}

static void read_step(recorded_step *step, const json_t *json)
{
    const char *trap = json_string_value(json_object_get(json, "trap"));
    static const char prefix[] = "wasm trap: "; /* the recording engine's word, not ours */
    *step = (recorded_step){
        .text = json_string_value(json_object_get(json, "step")),
        .ok = json_object_get(json, "ok"),
        .trap = trap == NULL ? NULL : trap + sizeof prefix - 1,
        .host_calls = json_object_get(json, "host_calls"),
    };
    assert_non_null(step->text);
    assert_true(json_is_array(step->host_calls));
    assert_true(trap == NULL ? step->ok != NULL : strncmp(trap, prefix, sizeof prefix - 1) == 0);
    step->entry = entry_of(step->text);
    if (step->entry != BHI_ENTRY_HOOK)
        return;
    int payload_at = 0;
    assert_int_equal(sscanf(step->text, "hook %63s%n", step->action, &payload_at), 1);
    assert_int_equal(step->text[payload_at], ' ');
    read_payload(step, step->text + payload_at + 1);
}

void recording_load(guest_recording *ret_recording, const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.wasm", name);
    guest_file wasm = guest_file_load(file);
    snprintf(file, sizeof file, "%s.expected.json", name);
    guest_file expected = guest_file_load(file);
    json_error_t error;
    json_t *json =
        json_loadb((const char *)expected.bytes.data, expected.bytes.len, JSON_ALLOW_NUL, &error);
    guest_file_free(&expected);
    if (json == NULL)
        fail_msg("%s:%d: %s", file, error.line, error.text);
    size_t count = json_array_size(json);
    assert_int_not_equal(count, 0);
    *ret_recording = (guest_recording){.wasm = wasm.memory,
                                       .wasm_len = wasm.bytes.len,
                                       .json = json,
                                       .steps = test_calloc(count, sizeof(recorded_step)),
                                       .steps_count = count};
    for (size_t i = 0; i < count; i++)
        read_step(&ret_recording->steps[i], json_array_get(json, i));
}

void recording_deinit(guest_recording *recording)
{
    for (size_t i = 0; i < recording->steps_count; i++) {
        if (recording->steps[i].payload != NULL)
            test_free(recording->steps[i].payload);
    }
    test_free(recording->steps);
    json_decref(recording->json);
    free(recording->wasm);
}

bool recorded_step_calls(const recorded_step *step, const char *name)
{
    size_t i;
    json_t *call;
    json_array_foreach(step->host_calls, i, call)
    {
        if (strcmp(json_string_value(json_object_get(call, "call")), name) == 0)
            return true;
    }
    return false;
}

/* ---- comparing ---- */

static size_t count_chars(bhi_bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.data[i] & 0xc0) != 0x80;
    return count;
}

/* The order of keys follows a hash table's, which differs between instances. */
static bool is_same_json(const char *expected, bhi_bytes found)
{
    json_t *a = json_loads(expected, JSON_DECODE_ANY, NULL);
    json_t *b = json_loadb((const char *)found.data, found.len, JSON_DECODE_ANY, NULL);
    bool is_same = a != NULL && b != NULL && json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return is_same;
}

static bool is_same_data(const recorded_step *step, bhi_bytes found)
{
    const char *expected = expected_data(step);
    size_t chars = elided_chars(expected);
    if (chars > 0)
        return count_chars(found) == chars;
    if (strcmp(step->action, "stats") == 0)
        return is_same_json(expected, found);
    return bhi_bytes_equal_text(found, expected);
}

static void check_data(const recorded_step *step, const recorded_answer *answer)
{
    bool is_expected = expected_data(step) != NULL;
    if (answer->has_data != is_expected)
        fail_msg("%s: expected %s data", step->text, is_expected ? "some" : "no");
    if (is_expected && !is_same_data(step, answer->data))
        fail_msg("%s: expected data %s, found %.*s", step->text, expected_data(step),
                 answer->data.len < 500 ? (int)answer->data.len : 500, answer->data.data);
}

void recorded_step_check(const recorded_step *step, const recorded_answer *answer)
{
    bh_outcome expected = step->trap != NULL ? BH_OUTCOME_TRAPPED : BH_OUTCOME_RETURNED;
    if (answer->outcome != expected)
        fail_msg("%s: expected it %s, found it %s: %s", step->text, bh_outcome_name(expected),
                 bh_outcome_name(answer->outcome), answer->message);
    if (step->trap != NULL) {
        assert_string_equal(answer->message, step->trap);
        return;
    }
    if (step->entry != BHI_ENTRY_HOOK) {
        assert_true(json_is_null(step->ok));
        return;
    }
    const char *action = json_string_value(json_object_get(step->ok, "action"));
    if (!bhi_bytes_equal_text(answer->action, action))
        fail_msg("%s: expected action %s, found %.*s", step->text, action, (int)answer->action.len,
                 answer->action.data);
    check_data(step, answer);
}
