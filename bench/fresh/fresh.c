/* bench/fresh/fresh.c - see fresh.h. */
#include "fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>
#include <wasmtime.h>

struct bench_fresh {
    wasm_engine_t *engine;
    wasmtime_instance_pre_t *pre;
};

static wasm_engine_t *create_engine(void)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_gc_support_set(config, false);
    wasmtime_config_consume_fuel_set(config, true);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_memory_init_cow_set(config, true);
    wasmtime_pooling_allocation_config_t *pooling = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pooling, 1 << 20);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pooling, 1 << 16);
    wasmtime_pooling_allocation_config_total_core_instances_set(pooling, 16);
    wasmtime_pooling_allocation_config_total_memories_set(pooling, 16);
    wasmtime_pooling_allocation_config_total_tables_set(pooling, 16);
    wasmtime_pooling_allocation_strategy_set(config, pooling);
    wasmtime_pooling_allocation_config_delete(pooling);
    return wasm_engine_new_with_config(config);
}

static bool report(const char *what, wasmtime_error_t *error)
{
    if (error == NULL)
        return true;
    wasm_name_t text;
    wasmtime_error_message(error, &text);
    fprintf(stderr, "bench: fresh peer: %s: %.*s\n", what, (int)text.size, text.data);
    wasm_byte_vec_delete(&text);
    wasmtime_error_delete(error);
    return false;
}

bench_fresh *bench_fresh_create(const uint8_t *wasm, size_t wasm_len)
{
    bench_fresh *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return NULL;
    fresh->engine = create_engine();
    wasmtime_module_t *module = NULL;
    if (!report("compiling", wasmtime_module_new(fresh->engine, wasm, wasm_len, &module))) {
        bench_fresh_destroy(fresh);
        return NULL;
    }
    wasmtime_linker_t *linker = wasmtime_linker_new(fresh->engine);
    bool is_ok =
        report("imports", wasmtime_linker_define_unknown_imports_as_traps(linker, module)) &&
        report("linking", wasmtime_linker_instantiate_pre(linker, module, &fresh->pre));
    wasmtime_linker_delete(linker);
    wasmtime_module_delete(module);
    if (is_ok)
        return fresh;
    bench_fresh_destroy(fresh);
    return NULL;
}

void bench_fresh_destroy(bench_fresh *fresh)
{
    if (fresh == NULL)
        return;
    if (fresh->pre != NULL)
        wasmtime_instance_pre_delete(fresh->pre);
    wasm_engine_delete(fresh->engine);
    free(fresh);
}

typedef struct fresh_call {
    wasmtime_context_t *context;
    wasmtime_instance_t instance;
    wasmtime_memory_t memory;
    wasmtime_func_t realloc, hook;
} fresh_call;

static bool find(fresh_call *call, const char *name, wasmtime_extern_t *ret_item)
{
    return wasmtime_instance_export_get(call->context, &call->instance, name, strlen(name),
                                        ret_item);
}

static bool call_func(fresh_call *call, const wasmtime_func_t *func, wasmtime_val_raw_t *values,
                      size_t count)
{
    wasm_trap_t *trap = NULL;
    if (!report("calling", wasmtime_func_call_unchecked(call->context, func, values, count, &trap)))
        return false;
    if (trap != NULL)
        wasm_trap_delete(trap);
    return trap == NULL;
}

static bool open_call(bench_fresh *fresh, wasmtime_store_t *store, fresh_call *call)
{
    call->context = wasmtime_store_context(store);
    wasm_trap_t *trap = NULL;
    wasmtime_extern_t item;
    if (!report("fuel", wasmtime_context_set_fuel(call->context, 10000000000)))
        return false;
    wasmtime_context_set_epoch_deadline(call->context, 1000000);
    if (!report("instantiating", wasmtime_instance_pre_instantiate(fresh->pre, call->context,
                                                                   &call->instance, &trap)) ||
        trap != NULL)
        return false;
    wasmtime_val_raw_t none[1];
    if (find(call, "_initialize", &item) && !call_func(call, &item.of.func, none, 1))
        return false;
    if (!find(call, "memory", &item))
        return false;
    call->memory = item.of.memory;
    if (!find(call, "cabi_realloc", &item))
        return false;
    call->realloc = item.of.func;
    if (!find(call, "astrid-hook-trigger", &item))
        return false;
    call->hook = item.of.func;
    return true;
}

static bool put(fresh_call *call, const void *bytes, size_t len, uint32_t *ret_address)
{
    wasmtime_val_raw_t values[4] = {{.i32 = 0}, {.i32 = 0}, {.i32 = 1}, {.i32 = (int32_t)len}};
    if (!call_func(call, &call->realloc, values, 4))
        return false;
    *ret_address = (uint32_t)values[0].i32;
    if (*ret_address + len > wasmtime_memory_data_size(call->context, &call->memory))
        return false;
    memcpy(wasmtime_memory_data(call->context, &call->memory) + *ret_address, bytes, len);
    return true;
}

static bool take(fresh_call *call, uint32_t result, void *ret_data, size_t size, size_t *ret_len)
{
    size_t memory_bytes = wasmtime_memory_data_size(call->context, &call->memory);
    const uint8_t *memory = wasmtime_memory_data(call->context, &call->memory);
    uint32_t area[5];
    if (result + sizeof area > memory_bytes)
        return false;
    memcpy(area, memory + result, sizeof area);
    if (area[3] + (uint64_t)area[4] > memory_bytes || area[4] > size)
        return false;
    memcpy(ret_data, memory + area[3], area[4]);
    *ret_len = area[4];
    return true;
}

bool bench_fresh_invoke(bench_fresh *fresh, const char *action, const void *payload,
                        size_t payload_len, void *ret_data, size_t size, size_t *ret_len)
{
    wasmtime_store_t *store = wasmtime_store_new(fresh->engine, NULL, NULL);
    fresh_call call;
    uint32_t action_at, payload_at;
    bool is_ok = open_call(fresh, store, &call) && put(&call, action, strlen(action), &action_at) &&
                 put(&call, payload, payload_len, &payload_at);
    if (is_ok) {
        wasmtime_val_raw_t values[4] = {{.i32 = (int32_t)action_at},
                                        {.i32 = (int32_t)strlen(action)},
                                        {.i32 = (int32_t)payload_at},
                                        {.i32 = (int32_t)payload_len}};
        is_ok = call_func(&call, &call.hook, values, 4) &&
                take(&call, (uint32_t)values[0].i32, ret_data, size, ret_len);
    }
    wasmtime_store_delete(store);
    return is_ok;
}
