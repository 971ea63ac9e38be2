/* runtime/prepare.c - one instance is initialised, and all others start where it ended.
 *
 *   reuse      needs of the code            without it
 *   pristine   restorable, constant init    never
 *   principal  restorable, constant init    kept, rebuilt when the principal changes
 *   shared     constant init                initialised by each instance
 *   never      -
 *
 * Constant: initialisation read neither randomness nor a clock, or the manifest accepts that all
 * instances start with the same values of them.
 */
#include "runtime/prepare.h"

#include <stdio.h>

#include "base/log.h"
#include "runtime/pooled.h"

/* Say once, in words, why the capsule is not served as it asks. */
static void serve_without_snapshot(bh_capsule *capsule, const char *why)
{
    snprintf(capsule->served_why, sizeof capsule->served_why, "%s", why);
    if (capsule->reuse == BH_REUSE_PRISTINE)
        capsule->served_as = BH_REUSE_NEVER;
    bhi_log(BHI_LOG_WARN, "capsule %s: every instance is initialised anew, none is restored: %s",
            capsule->manifest.name, why);
}

/* Build here what the snapshot is taken from. A guest whose allocator fails is left unprimed. */
static bh_status build_first(bh_capsule *capsule, bhi_lease_context *lease, bhi_pooled **ret_pooled,
                             bh_error *reterr)
{
    bh_status status = BH_OK;
    for (int kind = BHI_BUILD_FIRST; kind <= BHI_BUILD_UNPRIMED; kind++) {
        bhi_pooled *pooled;
        status = bhi_pooled_begin_build(capsule, (bhi_build_kind)kind, lease, &pooled, reterr);
        if (status != BH_OK)
            return status;
        bhi_pooled_run(pooled);
        status = bhi_pooled_check_built(pooled, reterr);
        if (status == BH_OK) {
            *ret_pooled = pooled;
            return BH_OK;
        }
        bool failed_primed = bhi_instance_is_primed(pooled->instance);
        bhi_pooled_destroy(pooled);
        if (!failed_primed)
            return status;
    }
    return status;
}

/* The manifest's warm-up action belongs to initialisation: same limits, same host calls. */
static bh_status warm_up(const bh_capsule *capsule, bhi_pooled *pooled, bh_error *reterr)
{
    if (capsule->manifest.warmup_action == NULL)
        return BH_OK;
    if (!bhi_code_has_entry(capsule->code, BHI_ENTRY_HOOK))
        return bhi_fail(reterr, BH_E_BUILD, "warmup: the capsule exports no %s",
                        bhi_entry_export(BHI_ENTRY_HOOK));
    bhi_buffer answer = {0};
    bhi_hook_call call = {.action = bhi_bytes_of(capsule->manifest.warmup_action),
                          .result = &answer};
    bhi_instance_begin_hook(pooled->instance, &pooled->build_budget, &call);
    bhi_pooled_run(pooled);
    const bhi_call_result *result = bhi_instance_result(pooled->instance);
    bhi_buffer_deinit(&answer);
    if (result->outcome == BH_OUTCOME_RETURNED)
        return BH_OK;
    return bhi_fail(reterr, BH_E_BUILD, "the warm-up action \"%s\" ended as %s: %s",
                    capsule->manifest.warmup_action, bh_outcome_name(result->outcome),
                    result->message);
}

static const char *why_not_constant(const bh_capsule *capsule, const bhi_lease_context *lease)
{
    if (capsule->manifest.accepts_init_randomness)
        return NULL;
    if (lease->has_read_randomness)
        return "initialisation reads randomness, which would be the same in every lease (set "
               "init-randomness = \"accept\" if that does no harm)";
    if (lease->has_read_clock)
        return "initialisation reads a clock, which would stand still for every lease (set "
               "init-randomness = \"accept\" if that does no harm)";
    return NULL;
}

/* Each instance would have to repeat what only the first did. */
static const char *why_not_repeatable(const bh_capsule *capsule, const bhi_lease_context *lease,
                                      const bhi_snapshot *snapshot)
{
    if (!bhi_snapshot_must_initialise(snapshot))
        return NULL;
    if (capsule->manifest.warmup_action != NULL)
        return "initialisation or the warm-up changes a table: use no warm-up";
    if (lease->has_read_randomness || lease->has_read_clock)
        return "initialisation changes a table and reads randomness or a clock";
    return NULL;
}

static bh_status take_snapshot(bh_capsule *capsule, const bhi_lease_context *lease,
                               bhi_pooled *pooled, bh_error *reterr)
{
    const char *why = why_not_constant(capsule, lease);
    if (bhi_instance_table_entries(pooled->instance) > BHI_RESTORABLE_TABLE_ENTRIES_MAX)
        why = "initialisation makes more table entries than are put back after every lease";
    if (why == NULL) {
        bh_status status = bhi_snapshot_take(pooled->instance, &capsule->snapshot, reterr);
        if (status != BH_OK)
            return status;
        why = why_not_repeatable(capsule, lease, capsule->snapshot);
    }
    if (why != NULL) {
        bhi_snapshot_release(capsule->snapshot);
        capsule->snapshot = NULL;
        serve_without_snapshot(capsule, why);
    } else if (!bhi_snapshot_must_initialise(capsule->snapshot)) {
        bhi_code_forget_initial_memory(capsule->code);
    }
    return BH_OK;
}

static bh_status initialise_once(bh_capsule *capsule, bh_error *reterr)
{
    bhi_lease_context lease;
    bhi_pooled *pooled;
    bhi_capsule_fill_init_lease(capsule, &lease);
    bh_status status = build_first(capsule, &lease, &pooled, reterr);
    if (status != BH_OK)
        return status;
    status = warm_up(capsule, pooled, reterr);
    if (status == BH_OK)
        status = take_snapshot(capsule, &lease, pooled, reterr);
    bhi_pooled_destroy(pooled);
    return status;
}

bh_status bhi_capsule_prepare(bh_capsule *capsule, bh_error *reterr)
{
    const bhi_code_stats *code = bhi_code_read_stats(capsule->code);
    capsule->served_as = capsule->reuse;
    if (capsule->reuse == BH_REUSE_NEVER)
        return BH_OK;
    bh_status status = BH_OK;
    if (code->restorable == BHI_RESTORABLE_NO)
        serve_without_snapshot(capsule, code->not_restorable_why);
    else
        status = initialise_once(capsule, reterr);
    capsule->keeps_state = capsule->is_carve_out || capsule->served_as == BH_REUSE_SHARED ||
                           capsule->served_as == BH_REUSE_PRINCIPAL;
    capsule->is_tracked = capsule->snapshot != NULL &&
                          (capsule->is_carve_out || capsule->served_as != BH_REUSE_SHARED);
    return status;
}
