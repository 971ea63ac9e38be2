/* engine/code.c - one compiled capsule: check, rewrite, compile or load, link, lay out memory. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/code.h"
#include "engine/code_cache.h"
#include "engine/failure.h"

enum { WASM_PAGE_BYTES = 65536, WASM_PAGES_MAX = 65536 };

static const char *const entry_exports[BHI_ENTRY_COUNT] = {
    [BHI_ENTRY_HOOK] = "astrid-hook-trigger",
    [BHI_ENTRY_INSTALL] = "astrid-install",
    [BHI_ENTRY_UPGRADE] = "astrid-upgrade",
    [BHI_ENTRY_RUN] = "run",
};

const char *bhi_entry_export(bhi_entry entry)
{
    return entry_exports[entry];
}

bool bhi_code_has_entry(const bhi_code *code, bhi_entry entry)
{
    return code->exports.entries[entry] != NULL;
}

const bhi_code_stats *bhi_code_read_stats(const bhi_code *code)
{
    return &code->stats;
}

bh_status bhi_engine_validate(bhi_engine *engine, bhi_bytes wasm, bh_error *reterr)
{
    wasmtime_error_t *error = wasmtime_module_validate(engine->wasm, wasm.data, wasm.len);
    if (error != NULL)
        return bhi_fail_engine(reterr, BH_E_MODULE, "the module does not validate", error);
    return BH_OK;
}

void bhi_code_forget_initial_memory(bhi_code *code)
{
    bhi_image_release(code->initial);
    code->initial = NULL;
}

static bh_status compile(bhi_code *code, bhi_bytes wasm, bh_error *reterr)
{
    wasmtime_error_t *error =
        wasmtime_module_new(code->engine->wasm, wasm.data, wasm.len, &code->module);
    if (error != NULL)
        return bhi_fail_engine(reterr, BH_E_MODULE, "the module does not validate", error);
    if (code->engine->cache == NULL)
        return BH_OK;
    wasm_byte_vec_t bytes;
    error = wasmtime_module_serialize(code->module, &bytes);
    if (error != NULL) {
        wasmtime_error_delete(error); /* only the cache misses it */
        return BH_OK;
    }
    bhi_code_cache_put(code->engine->cache, wasm, (bhi_bytes){(uint8_t *)bytes.data, bytes.size});
    wasm_byte_vec_delete(&bytes);
    return BH_OK;
}

static bool load_from_cache(bhi_code *code, bhi_bytes wasm)
{
    uint8_t *storage;
    bhi_bytes bytes;
    if (code->engine->cache == NULL ||
        !bhi_code_cache_get(code->engine->cache, wasm, &storage, &bytes))
        return false;
    wasmtime_error_t *error =
        wasmtime_module_deserialize(code->engine->wasm, bytes.data, bytes.len, &code->module);
    free(storage);
    if (error == NULL)
        return true;
    wasmtime_error_delete(error); /* of another build of the engine: compile */
    return false;
}

static bh_status make_module(bhi_code *code, bhi_bytes wasm, bh_error *reterr)
{
    uint64_t began_ns = bhi_monotonic_ns();
    code->stats.is_from_cache = load_from_cache(code, wasm);
    bh_status status = code->stats.is_from_cache ? BH_OK : compile(code, wasm, reterr);
    code->stats.compile_ns = bhi_monotonic_ns() - began_ns;
    return status;
}

static bh_status link_module(bhi_code *code, const bhi_capsule_image *image, bh_error *reterr)
{
    wasmtime_linker_t *linker = wasmtime_linker_new(code->engine->wasm);
    bh_status status = bhi_link_define(linker, image, reterr);
    if (status == BH_OK) {
        wasmtime_error_t *error =
            wasmtime_linker_instantiate_pre(linker, code->module, &code->guest);
        if (error != NULL)
            status = bhi_fail_engine(reterr, BH_E_MODULE, "linking", error);
    }
    wasmtime_linker_delete(linker);
    return status;
}

/* Names are looked up as C strings later; one with a NUL inside would find another export. */
static bh_status keep_name(bhi_code *code, bhi_bytes name, char **ret_kept, bh_error *reterr)
{
    if (name.len == 0)
        return BH_OK;
    if (memchr(name.data, 0, name.len) != NULL)
        return bhi_fail(reterr, BH_E_MODULE,
                        "an export that the capsule needs has a NUL in its name");
    *ret_kept = bhi_arena_text(&code->arena, name);
    return *ret_kept != NULL ? BH_OK : bhi_fail(reterr, BH_E_NOMEM, "no memory for export names");
}

static bh_status keep_entry(bhi_code *code, const bhi_capsule_image *image, bhi_entry entry,
                            bh_error *reterr)
{
    const bhi_capsule_export *found = bhi_capsule_export_find(image, entry_exports[entry]);
    if (found == NULL)
        return BH_OK;
    bh_status status = keep_name(code, found->core, &code->exports.entries[entry], reterr);
    if (status != BH_OK || entry != BHI_ENTRY_HOOK)
        return status;
    return keep_name(code, found->post_return, &code->exports.post_return, reterr);
}

static bh_status keep_exports(bhi_code *code, const bhi_capsule_image *image, bh_error *reterr)
{
    bh_status status = keep_name(code, image->realloc, &code->exports.realloc, reterr);
    if (status == BH_OK)
        status = keep_name(code, image->initialize, &code->exports.initialize, reterr);
    for (int entry = 0; entry < BHI_ENTRY_COUNT && status == BH_OK; entry++)
        status = keep_entry(code, image, entry, reterr);
    return status;
}

/* ---- the module as it is compiled ---- */

static bh_status out_of_memory(bh_error *reterr)
{
    return bhi_fail(reterr, BH_E_NOMEM, "no memory for a capsule's code");
}

/* Code that the scan does not know cannot be judged: such a capsule is rebuilt, not restored. */
static bh_status judge(bhi_code *code, const bhi_wasm_module *module, bhi_arena *arena,
                       bh_error *reterr)
{
    bhi_restorability found;
    bh_error error;
    bh_status status = bhi_restorability_read(module, arena, &found, &error);
    if (status == BH_E_NOMEM)
        return out_of_memory(reterr);
    bool is_known = status == BH_OK;
    code->stats.restorable = is_known ? found.restorable : BHI_RESTORABLE_NO;
    snprintf(code->stats.not_restorable_why, sizeof code->stats.not_restorable_why, "%.*s",
             BHI_RESTORABILITY_REASON_BYTES - 1, is_known ? found.reason : error.text);
    return BH_OK;
}

static uint32_t *keep_indices(bhi_code *code, const uint32_t *indices, uint32_t count)
{
    uint32_t *kept = bhi_arena_calloc(&code->arena, count, sizeof *kept);
    if (kept != NULL && count > 0)
        memcpy(kept, indices, count * sizeof *kept);
    return kept;
}

static bh_status keep_state(bhi_code *code, const bhi_rewrite *rewrite, bh_error *reterr)
{
    code->state = (bhi_code_state){
        .has_memory = rewrite->has_memory,
        .globals = keep_indices(code, rewrite->globals, rewrite->globals_count),
        .globals_count = rewrite->globals_count,
        .tables = keep_indices(code, rewrite->tables, rewrite->tables_count),
        .tables_count = rewrite->tables_count,
    };
    if (rewrite->has_start)
        code->exports.start = bhi_arena_text(&code->arena, bhi_bytes_of(BHI_REWRITE_START));
    bool is_kept = code->state.globals != NULL && code->state.tables != NULL &&
                   (!rewrite->has_start || code->exports.start != NULL);
    return is_kept ? BH_OK : out_of_memory(reterr);
}

static bh_status apply_segments(bhi_image *image, const bhi_rewrite *rewrite, bh_error *reterr)
{
    size_t size = image != NULL ? image->size : 0;
    for (uint32_t i = 0; i < rewrite->segments_count; i++) {
        const bhi_wasm_segment *segment = &rewrite->segments[i];
        if (segment->bytes.len > size || segment->offset > size - segment->bytes.len)
            return bhi_fail(reterr, BH_E_MODULE,
                            "active data segment %u is out of bounds: %zu bytes at %u, the memory "
                            "has %zu",
                            i, segment->bytes.len, segment->offset, size);
        if (segment->bytes.len > 0)
            bhi_image_write(image, segment->offset, segment->bytes.data, segment->bytes.len);
    }
    return BH_OK;
}

static bh_status lay_out_memory(bhi_code *code, const bhi_wasm_module *module,
                                const bhi_rewrite *rewrite, bh_error *reterr)
{
    uint64_t pages = rewrite->has_memory ? module->memories[0].min : 0;
    if (pages > WASM_PAGES_MAX)
        return bhi_fail(reterr, BH_E_MODULE, "a memory of %llu pages, more than the limit of %d",
                        (unsigned long long)pages, WASM_PAGES_MAX);
    bh_status status = BH_OK;
    if (pages > 0)
        status = bhi_image_create((size_t)pages * WASM_PAGE_BYTES, &code->initial, reterr);
    if (status == BH_OK)
        status = apply_segments(code->initial, rewrite, reterr);
    if (status == BH_OK && code->initial != NULL)
        status = bhi_image_seal(code->initial, reterr);
    return status;
}

static bh_status rewrite_and_compile(bhi_code *code, const bhi_capsule_image *image,
                                     bhi_arena *arena, bh_error *reterr)
{
    bhi_rewrite rewrite;
    bh_status status = judge(code, &image->module, arena, reterr);
    if (status == BH_OK)
        status =
            bhi_rewrite_module(&image->module, code->stats.restorable, arena, &rewrite, reterr);
    if (status == BH_OK)
        status = keep_state(code, &rewrite, reterr);
    if (status == BH_OK)
        status = make_module(code, rewrite.wasm, reterr);
    return status == BH_OK ? lay_out_memory(code, &image->module, &rewrite, reterr) : status;
}

bh_status bhi_code_create(bhi_engine *engine, const bhi_capsule_image *image, bhi_code **ret_code,
                          bh_error *reterr)
{
    bh_status status = bhi_link_check(image, reterr);
    if (status != BH_OK)
        return status;
    bhi_code *code = calloc(1, sizeof *code);
    if (code == NULL)
        return out_of_memory(reterr);
    atomic_init(&code->references, 1);
    code->engine = engine;
    status = keep_exports(code, image, reterr);
    bhi_arena arena = {0};
    if (status == BH_OK)
        status = rewrite_and_compile(code, image, &arena, reterr);
    bhi_arena_deinit(&arena);
    if (status == BH_OK)
        status = link_module(code, image, reterr);
    if (status != BH_OK) {
        bhi_code_release(code);
        return status;
    }
    *ret_code = code;
    return BH_OK;
}

bhi_code *bhi_code_retain(bhi_code *code)
{
    atomic_fetch_add_explicit(&code->references, 1, memory_order_relaxed);
    return code;
}

void bhi_code_release(bhi_code *code)
{
    if (code == NULL || atomic_fetch_sub_explicit(&code->references, 1, memory_order_acq_rel) != 1)
        return;
    if (code->guest != NULL)
        wasmtime_instance_pre_delete(code->guest);
    if (code->module != NULL)
        wasmtime_module_delete(code->module);
    bhi_image_release(code->initial);
    bhi_arena_deinit(&code->arena);
    free(code);
}
