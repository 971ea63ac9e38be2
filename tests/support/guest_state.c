/* support/guest_state.c - see the header. */
#include "support/guest_state.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "engine/instance.h"

void guest_funcs_read(bhi_instance *instance, uint32_t count, guest_funcs *ret_funcs)
{
    BHI_ASSERT(count <= GUEST_FUNCS_MAX);
    *ret_funcs = (guest_funcs){.count = count};
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        wasmtime_extern_t item;
        int len = snprintf(name, sizeof name, "f%u", i);
        bool is_found = wasmtime_instance_export_get(instance->context, &instance->guest_instance,
                                                     name, (size_t)len, &item);
        BHI_ASSERT(is_found && item.kind == WASMTIME_EXTERN_FUNC);
        ret_funcs->handles[i] = item.of.func.__private;
        wasmtime_extern_delete(&item);
    }
}

static int32_t index_of(const guest_funcs *funcs, const wasmtime_func_t *func)
{
    if (func->store_id == 0)
        return GUEST_FUNC_NULL;
    for (uint32_t i = 0; i < funcs->count; i++)
        if (funcs->handles[i] == func->__private)
            return (int32_t)i;
    return GUEST_FUNC_UNKNOWN;
}

static guest_value value_of(const guest_funcs *funcs, const wasmtime_val_t *value)
{
    static const uint8_t sizes[] = {
        [WASMTIME_I32] = 4, [WASMTIME_I64] = 8,   [WASMTIME_F32] = 4,
        [WASMTIME_F64] = 8, [WASMTIME_V128] = 16, [WASMTIME_FUNCREF] = 0,
    };
    BHI_ASSERT(value->kind < sizeof sizes);
    guest_value ret = {.kind = value->kind};
    memcpy(ret.bits, &value->of, sizes[value->kind]);
    if (value->kind == WASMTIME_FUNCREF)
        ret.func = index_of(funcs, &value->of.funcref);
    return ret;
}

static void read_table(bhi_instance *instance, const guest_funcs *funcs, uint32_t index,
                       guest_table *ret_table)
{
    const wasmtime_table_t *table = &instance->state.tables[index].table;
    ret_table->size = wasmtime_table_size(instance->context, table);
    BHI_ASSERT(ret_table->size <= GUEST_STATE_ENTRIES);
    for (uint64_t i = 0; i < ret_table->size; i++) {
        wasmtime_val_t value;
        bool is_inside = wasmtime_table_get(instance->context, table, i, &value);
        BHI_ASSERT(is_inside && value.kind == WASMTIME_FUNCREF);
        ret_table->entries[i] = index_of(funcs, &value.of.funcref);
    }
}

static void copy_memory(guest_state *state)
{
    state->owned_memory = malloc(state->memory_bytes + 1);
    BHI_ASSERT(state->owned_memory != NULL);
    if (state->memory_bytes > 0)
        memcpy(state->owned_memory, state->memory, state->memory_bytes);
    state->memory = state->owned_memory;
}

void guest_state_read(bhi_instance *instance, const guest_funcs *funcs, bool copies_memory,
                      guest_state *ret_state)
{
    guest_state *state = ret_state;
    *state = (guest_state){
        .memory = instance->memory.region.base,
        .memory_bytes = instance->memory.region.bytes,
        .engine_bytes = wasmtime_memory_data_size(instance->context, &instance->guest_memory),
        .globals_count = instance->state.globals_count,
        .tables_count = instance->state.tables_count,
    };
    BHI_ASSERT(state->globals_count <= GUEST_STATE_GLOBALS);
    BHI_ASSERT(state->tables_count <= GUEST_STATE_TABLES);
    for (uint32_t i = 0; i < state->globals_count; i++) {
        wasmtime_val_t value;
        wasmtime_global_get(instance->context, &instance->state.globals[i].global, &value);
        state->globals[i] = value_of(funcs, &value);
    }
    for (uint32_t i = 0; i < state->tables_count; i++)
        read_table(instance, funcs, i, &state->tables[i]);
    if (copies_memory)
        copy_memory(state);
}

void guest_state_deinit(guest_state *state)
{
    free(state->owned_memory);
    *state = (guest_state){0};
}

/* ---- comparing ---- */

__attribute__((format(printf, 2, 3))) static bool differ(char *ret_difference, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_difference, GUEST_DIFFERENCE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_same_memory(const guest_state *a, const guest_state *b, char *ret_difference)
{
    if (a->memory_bytes != b->memory_bytes || a->engine_bytes != b->engine_bytes ||
        a->memory_bytes != a->engine_bytes)
        return differ(ret_difference, "memory size: %llu (%llu to the engine) and %llu (%llu)",
                      (unsigned long long)a->memory_bytes, (unsigned long long)a->engine_bytes,
                      (unsigned long long)b->memory_bytes, (unsigned long long)b->engine_bytes);
    if (a->memory_bytes == 0 || memcmp(a->memory, b->memory, a->memory_bytes) == 0)
        return true;
    uint64_t at = 0;
    while (a->memory[at] == b->memory[at])
        at++;
    return differ(ret_difference, "memory at 0x%llx: %02x and %02x", (unsigned long long)at,
                  a->memory[at], b->memory[at]);
}

static bool is_same_value(const guest_value *a, const guest_value *b)
{
    return a->kind == b->kind && memcmp(a->bits, b->bits, sizeof a->bits) == 0 &&
           a->func == b->func && a->func != GUEST_FUNC_UNKNOWN;
}

static bool are_same_globals(const guest_state *a, const guest_state *b, char *ret_difference)
{
    for (uint32_t i = 0; i < a->globals_count; i++) {
        const guest_value *left = &a->globals[i], *right = &b->globals[i];
        if (is_same_value(left, right))
            continue;
        uint64_t left_bits, right_bits;
        memcpy(&left_bits, left->bits, sizeof left_bits);
        memcpy(&right_bits, right->bits, sizeof right_bits);
        return differ(ret_difference, "global %u: 0x%llx and 0x%llx, function %d and %d", i,
                      (unsigned long long)left_bits, (unsigned long long)right_bits, left->func,
                      right->func);
    }
    return true;
}

static bool is_same_table(const guest_table *a, const guest_table *b, uint32_t index,
                          char *ret_difference)
{
    if (a->size != b->size)
        return differ(ret_difference, "table %u size: %llu and %llu", index,
                      (unsigned long long)a->size, (unsigned long long)b->size);
    for (uint32_t i = 0; i < a->size; i++)
        if (a->entries[i] != b->entries[i] || a->entries[i] == GUEST_FUNC_UNKNOWN)
            return differ(ret_difference, "table %u entry %u: function %d and %d", index, i,
                          a->entries[i], b->entries[i]);
    return true;
}

bool guest_state_equals(const guest_state *a, const guest_state *b,
                        char ret_difference[GUEST_DIFFERENCE_BYTES])
{
    if (a->globals_count != b->globals_count || a->tables_count != b->tables_count)
        return differ(ret_difference, "instances of two guests");
    bool is_same = is_same_memory(a, b, ret_difference) && are_same_globals(a, b, ret_difference);
    for (uint32_t i = 0; i < a->tables_count && is_same; i++)
        is_same = is_same_table(&a->tables[i], &b->tables[i], i, ret_difference);
    return is_same;
}

uint64_t guest_coverage(bhi_instance *instance)
{
    static const char name[] = "coverage";
    wasmtime_extern_t item;
    bool is_found = wasmtime_instance_export_get(instance->context, &instance->guest_instance, name,
                                                 sizeof name - 1, &item);
    BHI_ASSERT(is_found && item.kind == WASMTIME_EXTERN_GLOBAL);
    wasmtime_val_t value;
    wasmtime_global_get(instance->context, &item.of.global, &value);
    wasmtime_extern_delete(&item);
    return (uint64_t)value.of.i64;
}
