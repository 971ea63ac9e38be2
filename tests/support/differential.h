/* support/differential.h - a restored instance against a fresh one.
 *
 * For every seed: a random guest; a template instance of it, whose snapshot is taken; two tracked
 * instances from the snapshot, which are lent out in turn; and for every lease one fresh instance,
 * built from nothing. Both make the lease's calls, and must agree on how each ends and on all state
 * after it. The tracked one is then restored, and must equal an instance that was just built. One
 * that cannot go on is replaced by another from the snapshot, of which the same is asked.
 */
#ifndef TEST_DIFFERENTIAL_H
#define TEST_DIFFERENTIAL_H

#include "support/subject.h"

/* What happened on the host's side, how it is called in the table. */
#define RUN_FEATURES(X)                                                                            \
    X(CLASS_YES, "guest restorable")                                                               \
    X(CLASS_TABLES, "guest restorable with its tables")                                            \
    X(CLASS_NO, "guest not restorable")                                                            \
    X(MUST_INITIALISE, "every instance initialises (tables)")                                      \
    X(PRIMED, "snapshot primed")                                                                   \
    X(UNPRIMED, "snapshot unprimed")                                                               \
    X(WARMED_UP, "snapshot after a warm-up call")                                                  \
    X(HAS_START, "guest with a start function")                                                    \
    X(HAS_INITIALIZE, "guest with _initialize")                                                    \
    X(NO_PAGES, "snapshot of no memory")                                                           \
    X(COPIED, "image without a file")                                                              \
    X(MANY_CALLS, "lease of several calls")                                                        \
    X(RETURNED, "call returned")                                                                   \
    X(TRAPPED, "call trapped")                                                                     \
    X(OUT_OF_FUEL, "call out of fuel")                                                             \
    X(MEMORY_LIMIT, "call over its memory limit")                                                  \
    X(ABANDONED_YIELDED, "call abandoned between two slices")                                      \
    X(ABANDONED_WAITING, "call abandoned in a host call")                                          \
    X(YIELDED, "call yielded")                                                                     \
    X(WAITED, "call waited")                                                                       \
    X(RESTORED, "restored by open pages")                                                          \
    X(RESTORED_WHOLE, "restored whole")                                                            \
    X(DEARER, "not restored: a new instance is cheaper")                                           \
    X(TABLE_GREW, "not restored: a table grew")                                                    \
    X(GROWTH_DROPPED, "restored after memory grew")                                                \
    X(TOO_MANY_OPEN, "whole because of too many open pages")                                       \
    X(MAPPINGS_SHORT, "whole for want of mappings")                                                \
    X(FRESH, "tracked from its first restore on")                                                  \
    X(TRACKED_AGAIN, "fresh again after whole restores")                                           \
    X(PAGES_CLOSED, "pages closed again")                                                          \
    X(CLOSED_WRITTEN, "closed page written again")                                                 \
    X(LEARNED, "instance built with learned pages open")                                           \
    X(REBUILT, "instance replaced from the snapshot")

typedef enum run_feature {
#define X(name, text) RUN_##name,
    RUN_FEATURES(X)
#undef X
        RUN_FEATURES_COUNT
} run_feature;

/* Ways to spoil an instance behind the engine's back, each of which must be noticed. */
typedef enum spoil {
    SPOIL_NOTHING,
    SPOIL_CLOSED_PAGE, /* a byte of a page that no restore looks at */
    SPOIL_OPEN_PAGE,
    SPOIL_GROWN, /* a byte above the image: seen when memory grows again */
    SPOIL_GLOBAL,
    SPOIL_SIZE,
    SPOIL_TABLE,
    SPOIL_RESTORE, /* leave the restore out */
    SPOILS
} spoil;

typedef struct differential {
    bhi_engine *engine;
    bool is_verbose;
    spoil spoil; /* after every restore, from the third on */
    uint64_t spoiled;
    uint64_t seeds, calls, restores, builds;
    uint64_t guest_features[GUEST_FEATURES_COUNT]; /* calls that executed it */
    uint64_t run_features[RUN_FEATURES_COUNT];
    char failure[512]; /* of the last seed */
} differential;

/* Fails with the text in `failure`. */
bool differential_open(differential *d);
void differential_close(differential *d);

/* False: `failure` says where this seed's instances differ. */
bool differential_run(differential *d, uint64_t seed);

/* Print what was reached how often; the number of features that were never. */
int differential_print(const differential *d);

#endif
