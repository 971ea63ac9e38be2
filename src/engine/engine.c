/* engine/engine.c - the process-wide part: configuration, epoch, driver, cache.
 *
 * Every proposal that capsules do not need is off: the code scan (wasm/code_scan.h) decodes what is
 * left, and a module with more must not run. What a build without the features cannot switch is off
 * already. The configuration is spelled out again as text, because it is part of the name of
 * cached code.
 */
#include "engine/engine.h"

#include <bulkhead_rust.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/code.h"
#include "engine/code_cache.h"
#include "engine/memory.h"
#include "os/fault.h"

#define ENGINE_VERSION "48.0.8"

/* An SDK guest recurses deep in its own shadow stack and expects its own limit to hit first. Each
 * entry into the guest may use a whole limit of its own, and there are two on one fiber when a host
 * call runs the guest's realloc; no third, because imports trap there. The rest is for the host
 * functions. Overflowing a fiber would end the process. */
enum { WASM_STACK_BYTES = 1 << 20, HOST_STACK_BYTES = 1 << 19 };
enum { FIBER_STACK_BYTES = 2 * WASM_STACK_BYTES + HOST_STACK_BYTES };
enum { TICK_US_DEFAULT = 1000, TICK_US_MIN = 100, TICK_US_MAX = 100000, SLICE_TICKS_DEFAULT = 2 };

/* Change it whenever configure changes what code looks like. */
#define SETTINGS                                                                                   \
    "wasmtime " ENGINE_VERSION "; fuel epoch simd bulk reftypes tailcall; own-memory; 2"

/* The engine's compile threads synchronise in ways that the thread sanitizer does not see. */
#if defined(__SANITIZE_THREAD__)
#define IS_THREAD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_THREAD_SANITIZED true
#endif
#endif
#ifndef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED false
#endif

static wasm_config_t *configure(bhi_engine *engine, const bhi_engine_options *options)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_gc_support_set(config, false); /* funcref values only: no collector is built */
    wasmtime_config_consume_fuel_set(config, true);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_max_wasm_stack_set(config, WASM_STACK_BYTES);
    wasmtime_config_async_stack_size_set(config, FIBER_STACK_BYTES);
    wasmtime_config_memory_may_move_set(config, false);
    wasmtime_config_memory_init_cow_set(config,
                                        false); /* it would panic with memories of our own */
    wasmtime_config_parallel_compilation_set(config,
                                             !options->is_compile_serial && !IS_THREAD_SANITIZED);
    wasmtime_config_wasm_function_references_set(config, false);
    wasmtime_config_wasm_gc_set(config, false);
    wasmtime_config_wasm_exceptions_set(config, false);
    wasmtime_config_wasm_relaxed_simd_set(config, false);
    wasmtime_config_wasm_multi_memory_set(config, false);
    wasmtime_config_wasm_memory64_set(config, false);
    wasmtime_config_wasm_tail_call_set(config, true);
    wasmtime_config_wasm_custom_page_sizes_set(config, false);
    wasmtime_config_wasm_wide_arithmetic_set(config, false);
    bhi_memory_configure(config);
    bhi_stacks_configure(&engine->stacks, config);
    return config;
}

static void advance_epoch(void *arg)
{
    wasmtime_engine_increment_epoch(arg);
}

const char *bhi_engine_version(void)
{
    return ENGINE_VERSION;
}

/* A cache that cannot be used, or not safely, only costs time. */
static void open_cache(bhi_engine *engine, const char *directory)
{
    bh_error error;
    if (bhi_code_cache_open(directory, SETTINGS, &engine->cache, &error) != BH_OK)
        bhi_log(BHI_LOG_WARN, "compiling without a cache: %s", error.text);
}

static bh_status set_up(bhi_engine *engine, const bhi_engine_options *options, bh_error *reterr)
{
    engine->wasm = wasm_engine_new_with_config(configure(engine, options));
    if (engine->wasm == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "the engine could not be created");
    bh_status status = bhi_driver_create(engine, &engine->driver, reterr);
    if (status == BH_OK)
        status = bhi_fault_install(reterr);
    if (status != BH_OK)
        return status;
    if (options->cache_directory != NULL)
        open_cache(engine, options->cache_directory);
    uint32_t tick_us = options->tick_us == 0 ? TICK_US_DEFAULT : options->tick_us;
    status = bhi_ticker_init(&engine->ticker, tick_us, advance_epoch, engine->wasm, reterr);
    engine->has_ticker = status == BH_OK;
    return status;
}

bh_status bhi_engine_create(const bhi_engine_options *options, bhi_engine **ret_engine,
                            bh_error *reterr)
{
    static const bhi_engine_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    if (bhr_wasmtime_val_bytes() != sizeof(wasmtime_val_t))
        return bhi_fail(reterr, BH_E_UNSUPPORTED,
                        "built with headers of another engine feature "
                        "set: a value has %zu bytes here and %zu in the engine",
                        sizeof(wasmtime_val_t), bhr_wasmtime_val_bytes());
    if (options->tick_us != 0 && (options->tick_us < TICK_US_MIN || options->tick_us > TICK_US_MAX))
        return bhi_fail(reterr, BH_E_ARG, "tick_us is %u, expected %d to %d", options->tick_us,
                        TICK_US_MIN, TICK_US_MAX);
    bhi_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the engine");
    engine->slice_ticks = options->slice_ticks == 0 ? SLICE_TICKS_DEFAULT : options->slice_ticks;
    bhi_stacks_init(&engine->stacks);
    bh_status status = set_up(engine, options, reterr);
    if (status != BH_OK) {
        bhi_engine_destroy(engine);
        return status;
    }
    *ret_engine = engine;
    return BH_OK;
}

void bhi_engine_destroy(bhi_engine *engine)
{
    if (engine == NULL)
        return;
    if (engine->has_ticker)
        bhi_ticker_deinit(&engine->ticker);
    bhi_code_cache_close(engine->cache);
    if (engine->driver != NULL)
        wasmtime_instance_pre_delete(engine->driver);
    if (engine->wasm != NULL)
        wasm_engine_delete(engine->wasm);
    bhi_stacks_deinit(&engine->stacks);
    free(engine);
}
