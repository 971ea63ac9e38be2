/* runtime/pooled.c - build, restore, verify and destroy what a pool lends. */
#include "runtime/pooled.h"

#include <sodium.h>
#include <stdlib.h>

#include <bulkhead/invocation.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"

/* A sample compares this much of the memory, a window that moves on from one to the next. */
enum { VERIFY_WINDOW_BYTES = 64 << 10 };

/* ---- build and destroy ---- */

void bhi_pooled_destroy(bhi_pooled *pooled)
{
    if (pooled == NULL)
        return;
    /* Abandoned host calls may still use their handles. */
    if (pooled->instance != NULL)
        bhi_instance_abandon(pooled->instance, BH_OUTCOME_CANCELLED);
    bhi_handles_destroy(pooled->handles);
    bhi_instance_destroy(pooled->instance);
    free(pooled);
}

static bh_status create_parts(bh_capsule *capsule, bhi_build_kind kind, bhi_pooled *pooled,
                              bh_error *reterr)
{
    bhi_instance_options options = {
        .snapshot = kind == BHI_BUILD_LENT || kind == BHI_BUILD_ALONE ? capsule->snapshot : NULL,
        .is_tracked = kind == BHI_BUILD_LENT && capsule->is_tracked,
        .must_prime = kind == BHI_BUILD_FIRST,
    };
    bh_status status = bhi_instance_create(capsule->code, capsule->runtime->host, &options,
                                           &pooled->instance, reterr);
    return status == BH_OK ? bhi_handles_create(&pooled->handles, reterr) : status;
}

/* Anywhere in the period: short-lived instances are sampled as often as others. */
static void choose_first_sample(const bh_capsule *capsule, bhi_pooled *pooled)
{
    uint32_t every = capsule->runtime->verify_every;
    pooled->restores_to_sample = 1 + randombytes_uniform(every);
}

bh_status bhi_pooled_begin_build(bh_capsule *capsule, bhi_build_kind kind, bhi_lease_context *lease,
                                 bhi_pooled **ret_pooled, bh_error *reterr)
{
    bhi_pooled *pooled = calloc(1, sizeof *pooled);
    if (pooled == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an instance");
    bh_status status = create_parts(capsule, kind, pooled, reterr);
    if (status != BH_OK) {
        bhi_pooled_destroy(pooled);
        return status;
    }
    bhi_guest *guest = bhi_instance_guest(pooled->instance);
    guest->lease = lease;
    guest->handles = pooled->handles;
    pooled->build_budget = (bhi_budget){
        .fuel = BH_FUEL_DEFAULT,
        .deadline_ns = bhi_deadline_after(bhi_monotonic_ns(), BHI_BUILD_TIMEOUT_NS),
        .memory_bytes_max = BH_MEMORY_BYTES_DEFAULT,
        .table_elements_max = BHI_TABLE_ELEMENTS_MAX,
    };
    bhi_instance_begin_build(pooled->instance, &pooled->build_budget);
    choose_first_sample(capsule, pooled);
    *ret_pooled = pooled;
    return BH_OK;
}

bh_status bhi_pooled_check_built(const bhi_pooled *pooled, bh_error *reterr)
{
    const bhi_call_result *result = bhi_instance_result(pooled->instance);
    if (result->outcome == BH_OUTCOME_RETURNED)
        return BH_OK;
    if (result->host_status != BH_OK)
        return bhi_fail(reterr, result->host_status, "no instance can be built: %s",
                        result->message);
    return bhi_fail(reterr, BH_E_BUILD, "initialisation ended as %s: %s",
                    bh_outcome_name(result->outcome), result->message);
}

void bhi_pooled_run(bhi_pooled *pooled)
{
    bhi_poll poll;
    while ((poll = bhi_instance_poll(pooled->instance)) == BHI_POLL_YIELDED) {
    }
    BHI_ASSERT(poll == BHI_POLL_DONE);
}

/* ---- restore ---- */

/* The first time says it in the log; the counters say how often. */
static void report_once(bh_capsule *capsule, atomic_uint_fast64_t *counter, const char *what)
{
    if (atomic_fetch_add_explicit(counter, 1, memory_order_relaxed) == 0)
        bhi_log(BHI_LOG_WARN, "capsule %s: %s", capsule->manifest.name, what);
}

static bool must_verify(const bh_capsule *capsule, bhi_pooled *pooled)
{
    uint32_t every = capsule->runtime->verify_every;
    if (every == UINT32_MAX || --pooled->restores_to_sample > 0)
        return false;
    pooled->restores_to_sample = every;
    return true;
}

/* P4 for this instance, or for the part of it that a sample looks at. */
static bool verify(bh_capsule *capsule, bhi_pooled *pooled)
{
    bhi_instance *instance = pooled->instance;
    bhi_count(&capsule->counters.verified, 1);
    if (capsule->runtime->is_verified_whole)
        return bhi_instance_is_restored(instance, 0, UINT64_MAX);
    bool is_restored = bhi_instance_is_restored(instance, pooled->verified_to, VERIFY_WINDOW_BYTES);
    pooled->verified_to += VERIFY_WINDOW_BYTES;
    if (pooled->verified_to >= bhi_instance_memory_bytes(instance))
        pooled->verified_to = 0;
    return is_restored;
}

static bhi_restore_verdict condemn_mismatch(bh_capsule *capsule)
{
    bhi_count(&capsule->counters.mismatches, 1);
    bhi_log(BHI_LOG_ERROR,
            "capsule %s: a restored instance differs from its snapshot: it is destroyed; this is a "
            "defect of the runtime, please report it",
            capsule->manifest.name);
#ifndef NDEBUG
    BHI_ASSERT(!"P4: an idle instance equals its snapshot");
#endif
    return BHI_RESTORE_CONDEMN;
}

bhi_restore_verdict bhi_pooled_restore(bh_capsule *capsule, bhi_pooled *pooled)
{
    bhi_counters *counters = &capsule->counters;
    bhi_handles_reset(pooled->handles); /* their numbers would tell of the leases before */
    switch (bhi_instance_restore(pooled->instance)) {
    case BHI_RESTORED:
        break;
    case BHI_RESTORED_WHOLE:
        report_once(capsule, &counters->restores_whole,
                    "leases write too many pages, or memory mappings ran out: instances are "
                    "restored as a whole, which takes longer");
        break;
    case BHI_RESTORE_DEARER:
        report_once(capsule, &counters->restores_dearer,
                    "leases write so much, or grow tables, that a new instance is cheaper than a "
                    "restored one: instances are rebuilt");
        return BHI_RESTORE_RETIRE;
    case BHI_RESTORE_FAILED:
        report_once(capsule, &counters->restores_failed,
                    "an instance could not be restored and was destroyed: the operating system "
                    "gave no memory or mappings");
        return BHI_RESTORE_CONDEMN;
    }
    if (!must_verify(capsule, pooled) || verify(capsule, pooled))
        return BHI_RESTORE_DONE;
    return condemn_mismatch(capsule);
}

bh_outcome bhi_pooled_clear(bh_capsule *capsule, bhi_pooled *pooled, bh_outcome outcome,
                            bool *ret_is_spent)
{
    *ret_is_spent = false;
    if (outcome == BH_OUTCOME_REFUSED || !bh_outcome_is_clean(outcome) || capsule->keeps_state)
        return outcome;
    if (!capsule->is_tracked) {
        *ret_is_spent = true;
        return outcome;
    }
    bhi_restore_verdict verdict = bhi_pooled_restore(capsule, pooled);
    *ret_is_spent = verdict == BHI_RESTORE_RETIRE;
    return verdict == BHI_RESTORE_CONDEMN ? BH_OUTCOME_RESTORE_FAILED : outcome;
}
