/* runtime/lease.h - SET: the lease context of a call, filled from its capsule and its runtime. */
#ifndef BHI_RUNTIME_LEASE_H
#define BHI_RUNTIME_LEASE_H

#include "runtime/capsule.h"

/* What differs from one call of a capsule to the next. */
typedef struct bhi_lease_call {
    bhi_bytes principal; /* outlives the lease */
    bool has_caller;
    bool is_run_loop;
    uint64_t called_at_ns, deadline_ns;
    const atomic_bool *is_cancelled;
    bhi_worker *worker;
    bhi_task *task;
} bhi_lease_call;

/* Replaces the context whole. */
void bhi_lease_context_fill(bhi_lease_context *lease, bh_capsule *capsule,
                            const bhi_lease_call *call);

/* The lease context of an initialisation: no principal, no store. */
void bhi_capsule_fill_init_lease(bh_capsule *capsule, bhi_lease_context *lease);

#endif
