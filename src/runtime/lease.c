/* runtime/lease.c - see lease.h. */
#include "runtime/lease.h"

#include "runtime/profiles.h"

static void limit_cb(bhi_lease_context *lease)
{
    const bhi_profile *profile = bhi_profiles_find(lease->limit_arg, lease->principal);
    lease->publish_bytes_per_s_max = profile->publish_bytes_per_s_max;
    lease->storage_bytes_max = profile->storage_bytes_max;
}

void bhi_lease_context_fill(bhi_lease_context *lease, bh_capsule *capsule,
                            const bhi_lease_call *call)
{
    *lease = (bhi_lease_context){
        .capsule = bhi_bytes_of(capsule->manifest.name),
        .principal = call->principal,
        .called_at_ns = call->called_at_ns,
        .deadline_ns = call->deadline_ns,
        .has_caller = call->has_caller,
        .config = &capsule->manifest.config,
        .capabilities = capsule->manifest.capabilities,
        .kv = capsule->runtime->kv,
        .grants = &capsule->grants,
        .session_id = bhi_bytes_of(capsule->session_id),
        .bus = capsule->runtime->bus,
        .rates = capsule->runtime->rates,
        .sources = capsule->runtime->sources,
        .file_roots = capsule->runtime->file_roots,
        .limit_cb = limit_cb,
        .limit_arg = capsule->runtime->profiles,
        .attribution = BHI_ATTRIBUTION_VERIFIED,
        .is_run_loop = call->is_run_loop,
        .log_bucket = &capsule->log_bucket,
        .log_cb = bhi_runtime_guest_log,
        .log_arg = capsule->runtime,
        .is_cancelled = call->is_cancelled,
        .worker = call->worker,
        .task = call->task,
    };
    limit_cb(lease);
}

void bhi_capsule_fill_init_lease(bh_capsule *capsule, bhi_lease_context *lease)
{
    *lease = (bhi_lease_context){
        .capsule = bhi_bytes_of(capsule->manifest.name),
        .is_initialising = true,
        .config = &capsule->manifest.config,
        .capabilities = capsule->manifest.capabilities,
        .log_bucket = &capsule->log_bucket,
        .log_cb = bhi_runtime_guest_log,
        .log_arg = capsule->runtime,
    };
}
