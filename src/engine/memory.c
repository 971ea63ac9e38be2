/* engine/memory.c - the engine's memory callbacks on a region. */
#include "engine/memory.h"

#include <stdio.h>

static _Thread_local bhi_memory *announced;

void bhi_memory_announce(bhi_memory *memory)
{
    announced = memory;
}

static uint8_t *get_memory_cb(void *env, size_t *ret_bytes, size_t *ret_capacity)
{
    const bhi_memory *memory = env;
    *ret_bytes = memory->region.bytes;
    *ret_capacity = memory->capacity;
    return memory->region.base;
}

static wasmtime_error_t *over_limit(bhi_memory *memory, size_t wanted)
{
    memory->was_growth_refused = true;
    char text[128];
    snprintf(text, sizeof text, "%zu bytes of memory exceed the limit of %llu", wanted,
             (unsigned long long)memory->bytes_max);
    return wasmtime_error_new(text);
}

static wasmtime_error_t *grow_memory_cb(void *env, size_t new_bytes)
{
    bhi_memory *memory = env;
    if (new_bytes > memory->bytes_max || new_bytes > memory->capacity)
        return over_limit(memory, new_bytes);
    if (!bhi_region_grow(&memory->region, new_bytes))
        return wasmtime_error_new("the operating system gave no memory");
    memory->guest->memory_bytes = new_bytes;
    return NULL;
}

static void release_memory_cb(void *env)
{
    bhi_memory *memory = env;
    bhi_region_close(&memory->region);
    memory->guest->memory = NULL;
    memory->guest->memory_bytes = 0;
}

static wasmtime_error_t *new_memory_cb(void *env, const wasm_memorytype_t *type, size_t minimum,
                                       size_t maximum, size_t reserved, size_t guard,
                                       wasmtime_linear_memory_t *ret_memory)
{
    (void)env, (void)type, (void)maximum;
    bhi_memory *memory = announced;
    announced = NULL; /* one per instance */
    if (memory == NULL)
        return wasmtime_error_new("an instance has at most one memory");
    size_t bytes = memory->image != NULL ? memory->image->size : 0;
    if (bytes < minimum)
        return wasmtime_error_new("the image is smaller than the memory");
    if (bytes > memory->bytes_max)
        return over_limit(memory, bytes);
    memory->capacity = reserved > bytes ? reserved : bytes;
    bh_error error;
    memory->open_status = bhi_region_open(&memory->region, memory->image, memory->capacity + guard,
                                          memory->is_restorable, &error);
    if (memory->open_status != BH_OK)
        return wasmtime_error_new(error.text);
    memory->guest->memory = memory->region.base;
    memory->guest->memory_bytes = bytes;
    *ret_memory = (wasmtime_linear_memory_t){
        .env = memory,
        .get_memory = get_memory_cb,
        .grow_memory = grow_memory_cb,
        .finalizer = release_memory_cb,
    };
    return NULL;
}

void bhi_memory_configure(wasm_config_t *config)
{
    wasmtime_memory_creator_t creator = {.new_memory = new_memory_cb};
    wasmtime_config_host_memory_creator_set(config, &creator);
}
