/* engine/snapshot.c - take it from an initialised instance, once per capsule. */
#include "engine/snapshot.h"

#include <stdlib.h>

#include "base/assert.h"
#include "engine/instance.h"

/* The copy goes from memory to memory: a guest's pointer is never given to a system call. */
static bh_status take_memory(bhi_snapshot *snapshot, const bhi_region *region, bh_error *reterr)
{
    if (region->bytes == 0)
        return BH_OK;
    bh_status status = bhi_image_create(region->bytes, &snapshot->image, reterr);
    if (status != BH_OK)
        return status;
    bhi_image_write(snapshot->image, 0, region->base, region->bytes);
    return bhi_image_seal(snapshot->image, reterr);
}

static bh_status take_globals(bhi_snapshot *snapshot, bhi_instance *instance, bh_error *reterr)
{
    const bhi_state *state = &instance->state;
    snapshot->globals = calloc(state->globals_count + 1, sizeof *snapshot->globals);
    if (snapshot->globals == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a snapshot");
    for (uint32_t i = 0; i < state->globals_count; i++)
        wasmtime_global_get(instance->context, &state->globals[i].global, &snapshot->globals[i]);
    return BH_OK;
}

bh_status bhi_snapshot_take(bhi_instance *instance, bhi_snapshot **ret_snapshot, bh_error *reterr)
{
    BHI_ASSERT(instance->phase == BHI_PHASE_READY && instance->snapshot == NULL);
    BHI_ASSERT(instance->code->stats.restorable != BHI_RESTORABLE_NO);
    bhi_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a snapshot");
    atomic_init(&snapshot->references, 1);
    snapshot->must_initialise = !bhi_state_has_kept_references(&instance->state, instance->context);
    snapshot->is_primed = instance->is_primed;
    bh_status status = take_memory(snapshot, &instance->memory.region, reterr);
    if (status == BH_OK)
        status = take_globals(snapshot, instance, reterr);
    if (status != BH_OK) {
        bhi_snapshot_release(snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return BH_OK;
}

bhi_snapshot *bhi_snapshot_retain(bhi_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void bhi_snapshot_release(bhi_snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    bhi_image_release(snapshot->image);
    free(snapshot->globals);
    free(snapshot);
}

bool bhi_snapshot_must_initialise(const bhi_snapshot *snapshot)
{
    return snapshot->must_initialise;
}

uint64_t bhi_snapshot_bytes(const bhi_snapshot *snapshot)
{
    return snapshot->image != NULL ? snapshot->image->size : 0;
}
