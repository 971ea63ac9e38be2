/* bulkhead/outcome.h - how an invocation ended, as data.
 *
 * `returned` and `refused` are clean: the instance (if any) may serve again. Every other outcome
 * condemns the instance: it is destroyed and never lent again.
 */
#ifndef BULKHEAD_OUTCOME_H
#define BULKHEAD_OUTCOME_H

#include <stdbool.h>

#include <bulkhead/export.h>

#define BH_OUTCOME_MAP(X) /* name, printed as, clean, one line */                                  \
    X(RETURNED, "returned", 1, "the guest returned a result")                                      \
    X(REFUSED, "refused", 1, "the guest was never entered")                                        \
    X(TRAPPED, "trapped", 0, "the guest trapped")                                                  \
    X(OUT_OF_FUEL, "out-of-fuel", 0, "the guest used up its fuel")                                 \
    X(DEADLINE, "deadline", 0, "the deadline passed while the guest ran or waited")                \
    X(CANCELLED, "cancelled", 0, "the caller or the shutdown cancelled the invocation")            \
    X(MEMORY_LIMIT, "memory-limit", 0, "the guest trapped after its memory limit was reached")     \
    X(HOST_FAILURE, "host-failure", 0, "the host could not carry out its part")                    \
    X(RESTORE_FAILED, "restore-failed", 0, "the instance could not be returned to its snapshot")

typedef enum bh_outcome {
#define BH_OUTCOME_ENUM(name, printed, clean, text) BH_OUTCOME_##name,
    BH_OUTCOME_MAP(BH_OUTCOME_ENUM)
#undef BH_OUTCOME_ENUM
        BH_OUTCOME_COUNT
} bh_outcome;

/* Static string, "unknown" for a value outside the enum. Any thread. */
BH_API const char *bh_outcome_name(bh_outcome outcome);
BH_API bool bh_outcome_is_clean(bh_outcome outcome);

#endif
