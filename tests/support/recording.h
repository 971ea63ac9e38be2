/* support/recording.h - what a guest of a third-party SDK answers, step by step, as another engine
 * recorded it: NAME.wasm and NAME.expected.json.
 *
 * A step is `install`, `upgrade`, `run` or `hook ACTION PAYLOAD`, with its result ("ok") or how it
 * trapped ("trap"), and the host calls it made.
 */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

#include <jansson.h>

#include "engine/engine.h"

typedef struct recorded_step {
    const char *text; /* as recorded, for messages */
    bhi_entry entry;
    char action[64]; /* of a hook */
    char *payload;   /* likewise */
    size_t payload_len;
    json_t *ok;         /* {"action", "data"}, or null of an entry point without a result */
    const char *trap;   /* the engine's reason, or NULL */
    json_t *host_calls; /* array */
} recorded_step;

typedef struct guest_recording {
    uint8_t *wasm;
    size_t wasm_len;
    json_t *json;
    recorded_step *steps;
    size_t steps_count;
} guest_recording;

/* Skips the test when the guest is absent. */
void recording_load(guest_recording *ret_recording, const char *name);
void recording_deinit(guest_recording *recording);

/* True when the step calls the host function `name`. */
bool recorded_step_calls(const recorded_step *step, const char *name);

/* What a guest answered to a step. */
typedef struct recorded_answer {
    bh_outcome outcome;
    bhi_bytes action;
    bool has_data;
    bhi_bytes data;
    const char *message;
} recorded_answer;

/* Fails the test unless the answer is the recorded one. */
void recorded_step_check(const recorded_step *step, const recorded_answer *answer);

#endif
