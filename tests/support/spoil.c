/* support/spoil.c - see the header. */
#include "support/spoil.h"

#include "engine/instance.h"

static bool spoil_page(bhi_region *region, bool wants_open)
{
    uint32_t pages = (uint32_t)(bhi_region_image_bytes(region) / BHI_PAGE_BYTES);
    for (uint32_t page = 0; page < pages && region->mode == BHI_REGION_TRACKED; page++) {
        bool is_open = (region->is_open[page / 64] >> (page % 64) & 1) != 0;
        uint8_t *at = region->base + (size_t)page * BHI_PAGE_BYTES;
        if (is_open != wants_open)
            continue;
        if (!is_open && !bhi_pages_protect(at, BHI_PAGE_BYTES, BHI_ACCESS_WRITE))
            return false;
        at[BHI_PAGE_BYTES - 1] ^= 1;
        return is_open || bhi_pages_protect(at, BHI_PAGE_BYTES, BHI_ACCESS_READ);
    }
    return false;
}

/* The first 64 KiB above the image, as if they had not been zeroed when memory shrank. */
static bool spoil_grown(const bhi_region *region)
{
    enum { BYTES = 1 << 16 };
    uint8_t *at = region->base + bhi_region_image_bytes(region);
    if (!bhi_pages_protect(at, BYTES, BHI_ACCESS_WRITE))
        return false;
    memset(at, 1, BYTES);
    return bhi_pages_protect(at, BYTES, BHI_ACCESS_NONE);
}

static bool spoil_global(bhi_instance *instance)
{
    for (uint32_t i = 0; i < instance->state.globals_count; i++) {
        wasmtime_val_t value;
        wasmtime_global_get(instance->context, &instance->state.globals[i].global, &value);
        if (value.kind != WASMTIME_F32)
            continue;
        value.of.f32 = -value.of.f32;
        wasmtime_error_t *error =
            wasmtime_global_set(instance->context, &instance->state.globals[i].global, &value);
        return error == NULL;
    }
    return false;
}

static bool spoil_size(bhi_instance *instance)
{
    uint64_t before;
    instance->memory.bytes_max = UINT64_MAX;
    wasmtime_error_t *error =
        wasmtime_memory_grow(instance->context, &instance->guest_memory, 1, &before);
    if (error != NULL)
        wasmtime_error_delete(error); /* it is at its declared maximum */
    return error == NULL;
}

static bool spoil_table(bhi_instance *instance)
{
    if (instance->state.tables_count == 0)
        return false;
    const wasmtime_table_t *table = &instance->state.tables[0].table;
    wasmtime_val_t first, third;
    if (!wasmtime_table_get(instance->context, table, 0, &first) ||
        !wasmtime_table_get(instance->context, table, 2, &third))
        return false;
    return wasmtime_table_set(instance->context, table, 2, &first) == NULL &&
           first.of.funcref.__private != third.of.funcref.__private;
}

bool spoil_instance(bhi_instance *instance, spoil how)
{
    switch (how) {
    case SPOIL_CLOSED_PAGE:
    case SPOIL_OPEN_PAGE:
        return spoil_page(&instance->memory.region, how == SPOIL_OPEN_PAGE);
    case SPOIL_GROWN:
        return spoil_grown(&instance->memory.region);
    case SPOIL_GLOBAL:
        return spoil_global(instance);
    case SPOIL_SIZE:
        return spoil_size(instance);
    case SPOIL_TABLE:
        return spoil_table(instance);
    default:
        return false;
    }
}
