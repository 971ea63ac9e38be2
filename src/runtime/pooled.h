/* runtime/pooled.h - the item of a capsule's pool: an instance and the resources of its lease.
 *
 *   begin_build ─► poll ... ─► check_built ─► (lease ─► restore) ... ─► destroy
 *
 * P4  What a lease left in a tracked instance is gone before the instance is idle again: it equals
 *     the capsule's snapshot, or is destroyed. Samples of restored instances are compared with it;
 *     one that differs is condemned and reported.
 */
#ifndef BHI_RUNTIME_POOLED_H
#define BHI_RUNTIME_POOLED_H

#include "runtime/lease.h"

typedef struct bhi_pooled {
    bhi_instance *instance;
    bhi_handles *handles;
    bhi_budget build_budget;
    uint32_t restores_to_sample; /* until one is verified                             */
    uint64_t verified_to;        /* where the next sample's window of memory begins */
} bhi_pooled;

/* What is wanted of a build beside the capsule's own choice. */
typedef enum bhi_build_kind {
    BHI_BUILD_LENT,    /* for the pool: from the snapshot, if there is one */
    BHI_BUILD_ALONE,   /* the same, and never restored: a run loop's       */
    BHI_BUILD_FIRST,   /* to take the snapshot from, its allocator primed   */
    BHI_BUILD_UNPRIMED /* the same for a guest whose allocator fails        */
} bhi_build_kind;

/* An unbuilt instance with `lease` installed (is_initialising) and its build begun: poll it. Fails
 * with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_pooled_begin_build(bh_capsule *capsule, bhi_build_kind kind,
                                             bhi_lease_context *lease, bhi_pooled **ret_pooled,
                                             bh_error *reterr);
/* Takes NULL. */
void bhi_pooled_destroy(bhi_pooled *pooled);

/* BH_OK when the build is done and good; else BH_E_BUILD, or what the host lacked, with its cause.
 */
BH_MUST_USE bh_status bhi_pooled_check_built(const bhi_pooled *pooled, bh_error *reterr);

/* Poll until the call or build in progress is done; one that does not wait, as initialisation does
 * not. Blocks. */
void bhi_pooled_run(bhi_pooled *pooled);

typedef enum bhi_restore_verdict {
    BHI_RESTORE_DONE,
    BHI_RESTORE_RETIRE, /* nothing is wrong: a new instance is cheaper            */
    BHI_RESTORE_CONDEMN /* it could not be restored, or differs from the snapshot */
} bhi_restore_verdict;

/* After a clean lease of a tracked instance: back to the snapshot, its handles ended and numbered
 * anew; samples are verified. Outside of every lock. */
BH_MUST_USE bhi_restore_verdict bhi_pooled_restore(bh_capsule *capsule, bhi_pooled *pooled);

/* At the end of a lease: restore the instance if its capsule asks for it. How the lease ended for
 * the pool: `outcome`, or RESTORE_FAILED; *ret_is_spent says that a clean one is not to be lent
 * again. */
BH_MUST_USE bh_outcome bhi_pooled_clear(bh_capsule *capsule, bhi_pooled *pooled, bh_outcome outcome,
                                        bool *ret_is_spent);

#endif
