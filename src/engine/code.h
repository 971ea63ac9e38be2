/* engine/code.h - the engine's own structs: what engine, code and cache share. */
#ifndef BHI_ENGINE_CODE_H
#define BHI_ENGINE_CODE_H

#include "engine/engine.h"
#include "engine/stacks.h"
#include "engine/ticker.h"
#include "engine/wasmtime_api.h"
#include "os/image.h"
#include "wasm/rewrite.h"

typedef struct bhi_code_cache bhi_code_cache;

struct bhi_engine {
    wasm_engine_t *wasm;
    wasmtime_instance_pre_t *driver; /* instantiated beside every guest */
    bhi_code_cache *cache;           /* NULL: none */
    bhi_stacks stacks;
    uint32_t slice_ticks;
    bhi_ticker ticker;
    bool has_ticker;
};

/* Names of core exports, NUL-terminated; NULL when absent. */
typedef struct bhi_code_exports {
    char *realloc;
    char *start; /* the start function, which the host runs */
    char *initialize;
    char *entries[BHI_ENTRY_COUNT];
    char *post_return; /* of the hook */
} bhi_code_exports;

/* The state of an instance beside its memory, as the rewritten module exports it. */
typedef struct bhi_code_state {
    bool has_memory;
    uint32_t *globals; /* indices in the module */
    uint32_t globals_count;
    uint32_t *tables;
    uint32_t tables_count;
} bhi_code_state;

struct bhi_code {
    atomic_uint references;
    bhi_engine *engine;
    wasmtime_module_t *module;
    wasmtime_instance_pre_t *guest;
    bhi_code_exports exports;
    bhi_code_state state;
    bhi_image *initial; /* memory before any guest code ran; NULL: of no bytes */
    bhi_code_stats stats;
    bhi_arena arena; /* holds names and indices */
};

/* engine/link.c: refuse an image that imports what we do not provide (all of it named), and an
 * entry point whose core type is not the expected one. */
BH_MUST_USE bh_status bhi_link_check(const bhi_capsule_image *image, bh_error *reterr);

/* engine/link.c: define the image's imports in `linker`, under the names the core module uses. */
BH_MUST_USE bh_status bhi_link_define(wasmtime_linker_t *linker, const bhi_capsule_image *image,
                                      bh_error *reterr);

/* engine/instance.c: the host functions behind the driver's imports. */
BH_MUST_USE bh_status bhi_driver_create(bhi_engine *engine, wasmtime_instance_pre_t **ret_driver,
                                        bh_error *reterr);

/* engine/call.c: what every import of a guest goes through; env is its const bhi_import. */
wasm_trap_t *bhi_import_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                           size_t values_count);

#endif
