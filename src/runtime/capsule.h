/* runtime/capsule.h - a loaded capsule, as the invocation pipeline sees it. */
#ifndef BHI_RUNTIME_CAPSULE_H
#define BHI_RUNTIME_CAPSULE_H

#include <bulkhead/capsule.h>

#include "abi/handles.h"
#include "host/log_bucket.h"
#include "pool/pool.h"
#include "runtime/counters.h"
#include "runtime/manifest.h"
#include "runtime/runtime.h"

/* What initialisation may use, for every instance. */
#define BHI_BUILD_TIMEOUT_NS (10 * BHI_NS_PER_SECOND)
enum { BHI_TABLE_ELEMENTS_MAX = 100000 };

struct bh_capsule {
    atomic_uint references;
    bh_runtime *runtime;
    bhi_arena arena; /* manifest and names */
    bhi_manifest manifest;
    bh_reuse reuse;
    bool is_carve_out; /* holds host processes: one instance, whose resources are kept, too */
    bool keeps_state;  /* a clean instance serves again as it is */
    bhi_code *code;
    bhi_pool *pool;
    uint64_t wasm_bytes;
    bhi_log_bucket log_bucket;
    bhi_counters counters;
    bhi_link keeper_link; /* the keeper's; alone until it is added */
};

/* The pool's item: an instance and the resources of its present lease. */
typedef struct bhi_pooled {
    bhi_instance *instance;
    bhi_handles *handles;
    bhi_budget build_budget;
} bhi_pooled;

/* An unbuilt instance with `lease` installed (is_initialising) and its build begun: poll it. Fails
 * with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_capsule_begin_build(bh_capsule *capsule, bhi_lease_context *lease,
                                              bhi_pooled **ret_pooled, bh_error *reterr);
/* Takes NULL. */
void bhi_pooled_destroy(bhi_pooled *pooled);

/* BH_OK when the build is done and good, else BH_E_BUILD with its cause. */
BH_MUST_USE bh_status bhi_pooled_check_built(const bhi_pooled *pooled, bh_error *reterr);

/* Retain it unless the last reference is gone. True when retained. */
BH_MUST_USE bool bhi_capsule_retain_if_held(bh_capsule *capsule);

/* The lease context of an initialisation: no principal, no store. */
void bhi_capsule_fill_init_lease(bh_capsule *capsule, bhi_lease_context *lease);

#endif
