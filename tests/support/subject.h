/* support/subject.h - one instance of a random guest under test: its build and its calls.
 *
 * What its host calls answer depends on the call's host_seed alone, so that two subjects which make
 * the same call see the same world.
 */
#ifndef TEST_SUBJECT_H
#define TEST_SUBJECT_H

#include "host/lease_context.h"
#include "support/guest_state.h"

typedef enum abandon_at { ABANDON_NEVER, ABANDON_YIELDED, ABANDON_WAITING } abandon_at;

typedef struct call_plan {
    wasm_writer payload;
    uint64_t fuel;
    uint64_t memory_bytes_max;
    uint64_t host_seed;
    bool skip_post_return;
    abandon_at abandon;
} call_plan;

typedef struct subject {
    bhi_lease_context lease; /* first: host calls get from it back to the subject by a cast */
    bhi_instance *instance;
    guest_funcs funcs;
    bhi_budget budget;
    bhi_hook_call hook;
    bhi_buffer result;
    random_numbers host;
    uint64_t logged; /* a hash of what the call logged */
    uint32_t yields, waits;
    bool was_abandoned; /* the last call, between two polls */
} subject;

/* Create and build; whether it returned is in the result. False, and the text: it cannot be made.
 */
bool subject_build(subject *s, bhi_code *code, const bhi_instance_options *options,
                   uint32_t funcs_count, bh_error *reterr);
void subject_deinit(subject *s);

static inline bool subject_is_built(const subject *s)
{
    return s->instance != NULL && bhi_instance_result(s->instance)->outcome == BH_OUTCOME_RETURNED;
}

/* Make the call to its end, as planned. */
const bhi_call_result *subject_call(subject *s, const call_plan *plan);

/* Compare how the last calls ended: outcome, fuel, answer, messages, log. */
bool subject_ended_as(const subject *a, const subject *b,
                      char ret_difference[GUEST_DIFFERENCE_BYTES]);

#endif
