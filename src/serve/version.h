/* serve/version.h - one loaded version of a capsule, and who still uses it.
 *
 * The catalog uses the version that it offers; every exchange uses the one that it called, and
 * readers the one that they read. A version that was replaced is retired: its waiters are answered
 * at once, its leases finish, and when the last user has let go a task says so.
 *
 * V1  A version ends after its last user, exactly once: by retiring's task, or at the last release
 *     of one that was never retired.
 *
 * Threads: any, for every function.
 */
#ifndef BHI_SERVE_VERSION_H
#define BHI_SERVE_VERSION_H

#include <bulkhead/capsule.h>

#include "worker/worker.h"

typedef struct bhi_version {
    bh_capsule *capsule;  /* one reference, ours */
    uint64_t loaded_ns;   /* of the monotonic clock */
    atomic_uint users;    /* releases publish, the last one acquires */
    atomic_bool must_end; /* relaxed: its invocations are to be cancelled, by the sweep that is
                             posted after it was set */
    atomic_uint ended;    /* relaxed: invocations that ended because of that */
    bhi_worker
        *gone_worker;    /* these two: set before the catalog lets go, so before the last user */
    bhi_task *gone_task; /* NULL: not retired */
} bhi_version;

/* Used once, by the caller. Takes the capsule, also on failure. NULL: out of memory. */
bhi_version *bhi_version_create(bh_capsule *take_capsule);

/* Only by who uses it already, or while somebody who does is kept from letting go. */
bhi_version *bhi_version_use(bhi_version *version);
/* Takes NULL. */
void bhi_version_release(bhi_version *version);

/* The catalog's use ends: no lease is granted any more, waiters hear BH_E_CLOSED. When the last
 * user is gone `task` is posted to `worker`, and whoever runs it ends the version. */
void bhi_version_retire(bhi_version *take_version, bhi_worker *worker, bhi_task *task);
/* Without users. Takes NULL. */
void bhi_version_end(bhi_version *version);

#endif
