/* runtime/runtime.c - open and close what capsules share. */
#include "os/mappings.h"
#include "runtime/runtime.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "host/fs_roots.h"
#include "host/host.h"
#include "host/sources.h"
#include "runtime/dispatcher.h"
#include "runtime/keeper.h"
#include "runtime/profiles.h"
#include "runtime/supervisor.h"

#ifndef BH_VERSION_TEXT
#error "BH_VERSION_TEXT comes from the build"
#endif

const char *bh_version(void)
{
    return BH_VERSION_TEXT;
}

const char *bh_engine_version(void)
{
    return bhi_engine_version();
}

void bhi_runtime_guest_log(void *arg, bhi_log_level level, bhi_bytes capsule, bhi_bytes principal,
                           bhi_bytes text)
{
    const bh_runtime *runtime = arg;
    if (runtime->guest_log_cb == NULL) {
        bhi_log(level, "[%.*s] (%.*s) %.*s", (int)capsule.len, (const char *)capsule.data,
                (int)principal.len, (const char *)principal.data, (int)text.len,
                (const char *)text.data);
        return;
    }
    /* The callback gets NUL-terminated texts; ids are short and the line is bounded. */
    char capsule_text[65], principal_text[65];
    snprintf(capsule_text, sizeof capsule_text, "%.*s", (int)capsule.len,
             (const char *)capsule.data);
    snprintf(principal_text, sizeof principal_text, "%.*s", (int)principal.len,
             (const char *)principal.data);
    char *line = strndup((const char *)text.data, text.len);
    if (line == NULL)
        return;
    runtime->guest_log_cb(runtime->guest_log_arg, (bh_log_level)level, capsule_text, principal_text,
                          line);
    free(line);
}

static bh_status open_store(bh_runtime *runtime, const bh_runtime_options *options,
                            bh_error *reterr)
{
    if (options->state_directory == NULL)
        return BH_OK;
    char directory[4096];
    int len = snprintf(directory, sizeof directory, "%s/kv", options->state_directory);
    if (len < 0 || (size_t)len >= sizeof directory)
        return bhi_fail(reterr, BH_E_ARG, "the state directory's path exceeds %zu bytes",
                        sizeof directory - 4);
    bhi_kv_store_options kv_options = {.directory = directory,
                                       .map_bytes_max = options->kv_map_bytes_max};
    bh_status status = bhi_kv_store_open(&kv_options, &runtime->kv, reterr);
    if (status != BH_OK)
        return status;
    return bhi_file_roots_open(options->state_directory, &runtime->file_roots, reterr);
}

static bh_status start_keeper(bh_runtime *runtime, const bh_runtime_options *options,
                              bh_error *reterr)
{
    bhi_keeper_options keeper_options = {.live_max = options->live_max,
                                         .resident_bytes_max = options->resident_bytes_max,
                                         .evict_ms = options->evict_ms};
    return bhi_keeper_create(&keeper_options, &runtime->keeper, reterr);
}

/* A debug build compares every restored instance with its snapshot, all of it. */
#ifdef NDEBUG
enum { VERIFY_EVERY_DEFAULT = 4096, IS_DEBUG_BUILD = 0 };
#else
enum { VERIFY_EVERY_DEFAULT = 1, IS_DEBUG_BUILD = 1 };
#endif

static void choose_verification(bh_runtime *runtime, const bh_runtime_options *options)
{
    runtime->verify_every =
        options->verify_every != 0 ? options->verify_every : VERIFY_EVERY_DEFAULT;
    runtime->is_verified_whole = options->verify_whole || IS_DEBUG_BUILD;
}

static bh_status open_dispatcher(bh_runtime *runtime, const bh_runtime_options *options,
                                 bh_error *reterr)
{
    uint32_t lanes = options->event_workers != 0 ? options->event_workers : 1;
    if (lanes > BHI_DISPATCH_LANES_MAX)
        return bhi_fail(reterr, BH_E_ARG, "event_workers is %u, at most %d are allowed", lanes,
                        BHI_DISPATCH_LANES_MAX);
    bh_status status = bhi_dispatcher_create(runtime, lanes, &runtime->dispatcher, reterr);
    if (status == BH_OK)
        bhi_bus_set_dispatch(runtime->bus, bhi_dispatcher_dispatch, runtime->dispatcher);
    return status;
}

static bh_status set_up(bh_runtime *runtime, const bh_runtime_options *options, bh_error *reterr)
{
    bhi_engine_options engine_options = {.tick_us = options->tick_us};
    char code_directory[4096];
    if (options->cache_directory != NULL) {
        int len =
            snprintf(code_directory, sizeof code_directory, "%s/code", options->cache_directory);
        if (len < 0 || (size_t)len >= sizeof code_directory)
            return bhi_fail(reterr, BH_E_ARG, "the cache directory's path exceeds %zu bytes",
                            sizeof code_directory - 6);
        engine_options.cache_directory = code_directory;
    }
    bh_status status = bhi_engine_create(&engine_options, &runtime->engine, reterr);
    if (status == BH_OK && options->profiles_file != NULL)
        status = bhi_profiles_load(options->profiles_file, &runtime->profiles, reterr);
    if (status == BH_OK)
        status = open_store(runtime, options, reterr);
    if (status == BH_OK)
        status = bhi_bus_create(&runtime->bus, reterr);
    if (status == BH_OK)
        status = bhi_rates_create(&runtime->rates, reterr);
    if (status == BH_OK)
        status = bhi_sources_create(&runtime->sources, reterr);
    if (status == BH_OK)
        status = bhi_supervisor_create(&options->run, &runtime->supervisor, reterr);
    if (status == BH_OK)
        status = open_dispatcher(runtime, options, reterr);
    return status == BH_OK ? start_keeper(runtime, options, reterr) : status;
}

bh_status bh_runtime_create(const bh_runtime_options *options, bh_runtime **ret_runtime,
                            bh_error *reterr)
{
    static const bh_runtime_options defaults = {0};
    if (ret_runtime == NULL)
        return bhi_fail(reterr, BH_E_ARG, "ret_runtime is NULL");
    if (options == NULL)
        options = &defaults;
    if (sodium_init() < 0)
        return bhi_fail(reterr, BH_E_UNSUPPORTED, "libsodium found no source of randomness");
    bh_runtime *runtime = calloc(1, sizeof *runtime);
    if (runtime == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a runtime");
    runtime->host = &bhi_host;
    runtime->guest_log_cb = options->guest_log_cb;
    runtime->guest_log_arg = options->guest_log_arg;
    choose_verification(runtime, options);
    if (options->mappings_max != 0)
        bhi_mappings_set_max(options->mappings_max);
    bh_status status = set_up(runtime, options, reterr);
    if (status != BH_OK) {
        bh_runtime_destroy(runtime);
        return status;
    }
    *ret_runtime = runtime;
    return BH_OK;
}

void bh_runtime_destroy(bh_runtime *runtime)
{
    if (runtime == NULL)
        return;
    bhi_supervisor_stop_all(runtime->supervisor); /* first: run loops publish */
    bhi_dispatcher_close(runtime->dispatcher);    /* then: hooks that it runs hold capsules */
    bhi_keeper_destroy(runtime->keeper);          /* then: it may still hold capsules */
    BHI_ASSERT(atomic_load(&runtime->capsules_count) == 0);
    bhi_dispatcher_destroy(runtime->dispatcher); /* now that no capsule asks it anything */
    bhi_supervisor_destroy(runtime->supervisor);
    if (runtime->kv != NULL)
        bhi_kv_store_close(runtime->kv);
    bhi_file_roots_close(runtime->file_roots);
    bhi_bus_destroy(runtime->bus);
    bhi_rates_destroy(runtime->rates);
    bhi_sources_destroy(runtime->sources);
    bhi_engine_destroy(runtime->engine);
    bhi_profiles_destroy(runtime->profiles);
    free(runtime);
}

/* The XDG base directory specification: a relative value is ignored. */
static bh_status xdg_directory(const char *variable, const char *below_home, char *ret_path,
                               size_t size, bh_error *reterr)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");
    int len;
    if (base != NULL && base[0] == '/')
        len = snprintf(ret_path, size, "%s/bulkhead", base);
    else if (home != NULL && home[0] == '/')
        len = snprintf(ret_path, size, "%s/%s/bulkhead", home, below_home);
    else
        return bhi_fail(reterr, BH_E_NOT_FOUND, "neither %s nor HOME names a directory; set one",
                        variable);
    if (len < 0 || (size_t)len >= size)
        return bhi_fail(reterr, BH_E_LIMIT, "the path from %s exceeds %zu bytes", variable, size);
    return BH_OK;
}

bh_status bh_default_state_directory(char *ret_path, size_t size, bh_error *reterr)
{
    return xdg_directory("XDG_STATE_HOME", ".local/state", ret_path, size, reterr);
}

bh_status bh_default_cache_directory(char *ret_path, size_t size, bh_error *reterr)
{
    return xdg_directory("XDG_CACHE_HOME", ".cache", ret_path, size, reterr);
}
