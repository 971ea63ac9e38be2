/* runtime/capsule.h - a loaded capsule, as the invocation pipeline sees it. */
#ifndef BHI_RUNTIME_CAPSULE_H
#define BHI_RUNTIME_CAPSULE_H

#include <bulkhead/capsule.h>

#include "abi/handles.h"
#include "host/log_bucket.h"
#include "host/sources.h"
#include "pool/pool.h"
#include "runtime/counters.h"
#include "runtime/manifest.h"
#include "runtime/runtime.h"
#include "worker/worker.h"

/* What initialisation may use, for every instance. */
#define BHI_BUILD_TIMEOUT_NS (10 * BHI_NS_PER_SECOND)
enum { BHI_TABLE_ELEMENTS_MAX = 100000, BHI_SERVED_WHY_BYTES = 192 };

struct bh_capsule {
    atomic_uint references;
    bh_runtime *runtime;
    bhi_arena arena; /* manifest and names */
    bhi_manifest manifest;
    bhi_grants grants;                     /* the manifest's wishes and the operator's grants */
    char session_id[37];                   /* UUID of this load, version 4 */
    bhi_source source;                     /* for whoever asks about its messages */
    bh_reuse reuse;                        /* asked for */
    bh_reuse served_as;                    /* in effect */
    char served_why[BHI_SERVED_WHY_BYTES]; /* why that is another one, or each instance initialises
                                            */
    bool is_carve_out; /* holds host processes: one instance, whose resources are kept, too */
    bool keeps_state;  /* a clean instance serves again as it is */
    bool is_tracked;   /* instances can be restored to the snapshot */
    bhi_code *code;
    bhi_snapshot *snapshot; /* NULL: each instance initialises */
    bhi_pool *pool;
    uint64_t wasm_bytes;
    bhi_log_bucket log_bucket;
    bhi_counters counters;
    bhi_host_totals host_totals;   /* of ended leases, and of run loops that go on */
    bhi_link keeper_link;          /* the keeper's; alone until it is added */
    atomic_bool is_run_loop;       /* relaxed: it takes no invocations; never false again */
    struct bhi_run_loop *run_loop; /* guarded by the supervisor's lock; NULL: never started */
    bool must_not_start;           /* guarded by the supervisor's lock */
    struct {                       /* of messages; guarded by the dispatcher's lock */
        uint32_t running;
        bool must_end;
        bool must_not_start;
        bhi_worker *idle_worker; /* who wants to know that none runs any more, or NULL */
        bhi_task *idle_task;
    } hooks;
};

static inline bool bhi_capsule_is_run_loop(const bh_capsule *capsule)
{
    return atomic_load_explicit(&capsule->is_run_loop, memory_order_relaxed);
}

/* Retain it unless the last reference is gone. True when retained. */
BH_MUST_USE bool bhi_capsule_retain_if_held(bh_capsule *capsule);
/* The same for one of `count` references that are not to keep it alive by themselves. */
BH_MUST_USE bool bhi_capsule_retain_if_held_beside(bh_capsule *capsule, unsigned count);
/* Release it unless this is the last reference. True when released. */
BH_MUST_USE bool bhi_capsule_release_unless_last(bh_capsule *capsule);

#endif
