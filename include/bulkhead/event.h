/* bulkhead/event.h - publish a message to the subscribers and handlers of its topic.
 *
 * Subscribers (capsules that poll) get a message on their queues. Handlers (hooks that a manifest
 * binds to topics) are called one after the other as a chain, by capsules that were started
 * (bh_capsule_start); each may change the payload for the next, end the chain, or deny the message.
 * A handler that fails denies it too, unless its manifest says otherwise.
 */
#ifndef BULKHEAD_EVENT_H
#define BULKHEAD_EVENT_H

#include <bulkhead/outcome.h>
#include <bulkhead/runtime.h>

#define BH_EVENT_BYTES_MAX (1u << 20) /* topic and payload together */

#define BH_VERDICT_MAP(X) /* name, printed as, one line */                                         \
    X(NONE, "none", "no handler is bound to the topic")                                            \
    X(CONTINUED, "continued", "every handler let it go on")                                        \
    X(FINAL, "final", "a handler ended the chain")                                                 \
    X(DENIED, "denied", "a handler denied it")                                                     \
    X(FAILED, "failed", "a handler failed, which denies it")

typedef enum bh_verdict {
#define BH_VERDICT_ENUM(name, printed, text) BH_VERDICT_##name,
    BH_VERDICT_MAP(BH_VERDICT_ENUM)
#undef BH_VERDICT_ENUM
        BH_VERDICT_COUNT
} bh_verdict;

/* "denied"; "unknown" for a value outside the enum. */
BH_API const char *bh_verdict_name(bh_verdict verdict);

typedef struct bh_event {
    const char *topic;   /* 1 to 8 segments of a-z, 0-9, '_', '-' between dots, at most 256 bytes */
    const void *payload; /* JSON text, nested at most 1,024 deep */
    size_t payload_len;
    const char *principal; /* on whose behalf, verified by the caller; NULL: the host itself */
    uint32_t timeout_ms;   /* the longest to wait for the handlers; 0: as long as they take    */
} bh_event;

/* How one handler ended. */
typedef struct bh_event_step {
    const char *capsule;
    const char *action;
    bh_status status; /* other than BH_OK: it was not called, and why */
    bh_outcome outcome;
    bool is_failure; /* it failed; the chain ended here, or its manifest says to go on */
} bh_event_step;

/* Zero it before the first use. */
typedef struct bh_event_result {
    bh_verdict verdict;
    const char *by;      /* the capsule that ended the chain, or "" */
    const char *reason;  /* of a denial or a failure, or ""          */
    const char *payload; /* as the last handler left it; NUL-terminated */
    size_t payload_len;
    const bh_event_step *steps; /* the handlers that had their turn */
    size_t steps_count;
    void *storage; /* private */
} bh_event_result;

/* Publish. With `result` (may be NULL) waits until the handlers are done; without, returns at once.
 * Borrows the event. Fails with BH_E_ARG (topic, principal, payload not JSON), BH_E_LIMIT (size),
 * BH_E_SATURATED (the handlers have too much to do; subscribers got it, no handler ran),
 * BH_E_DEADLINE (timeout_ms is over; the handlers go on), BH_E_NOMEM. Not from a callback of ours.
 */
BH_API BH_MUST_USE bh_status bh_publish(bh_runtime *runtime, const bh_event *event,
                                        bh_event_result *result, bh_error *reterr);
BH_API void bh_event_result_deinit(bh_event_result *result);

#endif
