/* engine/restore.c - an instance back to its snapshot: memory, size, globals, tables; and the
 * proof.
 *
 * The order matters: the region drops grown memory first, then the engine is told the smaller size
 * (it asks for it when memory grows by nothing), then come globals and tables.
 */
#include "base/assert.h"
#include "engine/instance.h"

/* The engine reads the memory's present size when it "grows" by zero. */
static bool refresh_size(bhi_instance *instance)
{
    bhi_memory *memory = &instance->memory;
    uint64_t bytes_max = memory->bytes_max;
    uint64_t before;
    memory->bytes_max = UINT64_MAX; /* the limit is a lease's, and this is none */
    wasmtime_error_t *error =
        wasmtime_memory_grow(instance->context, &instance->guest_memory, 0, &before);
    memory->bytes_max = bytes_max;
    instance->guest.memory_bytes = memory->region.bytes;
    if (error != NULL)
        wasmtime_error_delete(error);
    return error == NULL && wasmtime_memory_data_size(instance->context, &instance->guest_memory) ==
                                memory->region.bytes;
}

static bhi_restored restore_memory(bhi_instance *instance)
{
    bhi_region *region = &instance->memory.region;
    if (!instance->code->state.has_memory)
        return BHI_RESTORED;
    bool is_grown = region->bytes > bhi_region_image_bytes(region);
    bhi_restored how = bhi_region_restore(region);
    if (is_grown && how <= BHI_RESTORED_WHOLE && !refresh_size(instance))
        return BHI_RESTORE_FAILED;
    return how;
}

bhi_restored bhi_instance_restore(bhi_instance *instance)
{
    BHI_ASSERT(instance->phase == BHI_PHASE_READY && instance->is_tracked);
    bhi_restored how = restore_memory(instance);
    if (how <= BHI_RESTORED_WHOLE && !bhi_state_restore(&instance->state, instance->context))
        how = BHI_RESTORE_DEARER; /* a table grew */
    if (how > BHI_RESTORED_WHOLE)
        instance->phase = BHI_PHASE_DEAD;
    return how;
}

static bool is_range_restored(const bhi_region *region, uint64_t offset, uint64_t size)
{
    uint64_t image_bytes = bhi_region_image_bytes(region);
    if (region->bytes != image_bytes)
        return false;
    uint64_t begin = offset < image_bytes ? offset : image_bytes;
    uint64_t len = size < image_bytes - begin ? size : image_bytes - begin;
    return bhi_region_equals_image(region, begin, len);
}

static bool is_restored(bhi_instance *instance, uint64_t offset, uint64_t size)
{
    const bhi_region *region = &instance->memory.region;
    if (!bhi_state_is_as_kept(&instance->state, instance->context))
        return false;
    return !instance->code->state.has_memory ||
           (wasmtime_memory_data_size(instance->context, &instance->guest_memory) ==
                region->bytes &&
            is_range_restored(region, offset, size));
}

bool bhi_instance_is_restored(bhi_instance *instance, uint64_t offset, uint64_t size)
{
    BHI_ASSERT(instance->phase == BHI_PHASE_READY && instance->is_tracked);
    bool is_as_it_should = is_restored(instance, offset, size);
    instance->memory.region.is_suspect |= !is_as_it_should;
    return is_as_it_should;
}

uint64_t bhi_instance_table_entries(bhi_instance *instance)
{
    uint64_t entries = 0;
    for (uint32_t i = 0; i < instance->state.tables_count; i++)
        entries += wasmtime_table_size(instance->context, &instance->state.tables[i].table);
    return entries;
}
