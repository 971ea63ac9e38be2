/* Any bytes as a core module that is judged, rewritten and read again, with the engine beside it:
 * what the engine takes is never refused or misread here, and stays valid when it is rewritten. */
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine.h"
#include "wasm/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct subject {
    bhi_bytes bytes;
    bhi_wasm_module module;
    bhi_restorability restorability;
    bool is_valid; /* for the engine */
} subject;

static bhi_engine *shared_engine(void)
{
    static bhi_engine *engine;
    bhi_engine_options options = {.is_compile_serial = true};
    if (engine == NULL && bhi_engine_create(&options, &engine, NULL) != BH_OK)
        abort();
    return engine;
}

static bh_status read_subject(bhi_bytes bytes, bhi_arena *arena, subject *ret, bh_error *error)
{
    *ret = (subject){.bytes = bytes};
    ret->is_valid = bhi_engine_validate(shared_engine(), bytes, NULL) == BH_OK;
    bh_status status = bhi_wasm_module_read(bytes, arena, &ret->module, error);
    if (status == BH_OK)
        status = bhi_restorability_read(&ret->module, arena, &ret->restorability, error);
    return status;
}

static bool says(const bh_error *error, const char *text)
{
    return strstr(error->text, text) != NULL;
}

static void check_export(const bhi_wasm_module *module, const char *name, bhi_wasm_kind kind,
                         uint32_t index)
{
    bhi_bytes bytes = {(const uint8_t *)name, strlen(name)};
    const bhi_wasm_export *found = bhi_wasm_export_find(module, bytes, kind);
    BHI_ASSERT(found != NULL && found->index == index);
}

static void check_exports(const subject *old, const subject *new, const bhi_rewrite *rewrite)
{
    char name[BHI_REWRITE_NAME_BYTES];
    const bhi_wasm_module *module = &new->module;
    uint32_t added =
        rewrite->globals_count + rewrite->tables_count + rewrite->has_memory + rewrite->has_start;
    BHI_ASSERT(module->exports_count == old->module.exports_count + added);
    for (uint32_t i = 0; i < old->module.exports_count; i++) {
        const bhi_wasm_export *before = &old->module.exports[i], *after = &module->exports[i];
        BHI_ASSERT(bhi_bytes_equal(before->name, after->name));
        BHI_ASSERT(before->kind == after->kind && before->index == after->index);
    }
    if (rewrite->has_memory)
        check_export(module, BHI_REWRITE_MEMORY, BHI_WASM_MEMORY, 0);
    if (rewrite->has_start)
        check_export(module, BHI_REWRITE_START, BHI_WASM_FUNC, old->module.start_func);
    for (uint32_t i = 0; i < rewrite->globals_count; i++) {
        bhi_rewrite_global_name(rewrite->globals[i], name);
        check_export(module, name, BHI_WASM_GLOBAL, rewrite->globals[i]);
    }
    for (uint32_t i = 0; i < rewrite->tables_count; i++) {
        bhi_rewrite_table_name(rewrite->tables[i], name);
        check_export(module, name, BHI_WASM_TABLE, rewrite->tables[i]);
    }
}

static void check_same(const subject *old, const subject *new)
{
    const bhi_wasm_module *before = &old->module, *after = &new->module;
    BHI_ASSERT(bhi_bytes_equal(before->code, after->code));
    BHI_ASSERT(bhi_bytes_equal(before->elements, after->elements));
    BHI_ASSERT(before->types_count == after->types_count);
    BHI_ASSERT(before->imports_count == after->imports_count);
    BHI_ASSERT(before->funcs_count == after->funcs_count);
    BHI_ASSERT(before->tables_count == after->tables_count);
    BHI_ASSERT(before->memories_count == after->memories_count);
    BHI_ASSERT(before->globals_count == after->globals_count);
    BHI_ASSERT(before->data_segments_count == after->data_segments_count);
    BHI_ASSERT(!after->has_start);
    BHI_ASSERT(old->restorability.restorable == new->restorability.restorable);
    BHI_ASSERT(old->restorability.scan.instructions == new->restorability.scan.instructions);
}

static void check_segments(const subject *old, const bhi_rewrite *rewrite)
{
    BHI_ASSERT(rewrite->segments_count <= old->module.data_segments_count);
    for (uint32_t i = 0; i < rewrite->segments_count; i++) {
        bhi_bytes bytes = rewrite->segments[i].bytes;
        BHI_ASSERT(bytes.len == 0 ||
                   (bytes.data >= old->bytes.data &&
                    bytes.len <= old->bytes.len - (size_t)(bytes.data - old->bytes.data)));
    }
}

static void check_rewrite(const subject *old, bhi_restorable restorable, bhi_arena *arena)
{
    bhi_rewrite rewrite;
    bh_error error = {0};
    bh_status status = bhi_rewrite_module(&old->module, restorable, arena, &rewrite, &error);
    if (status != BH_OK) {
        BHI_ASSERT(status == error.code && error.text[0] != '\0');
        BHI_ASSERT(!old->is_valid || says(&error, "are reserved") ||
                   says(&error, "the offset of a data segment"));
        return;
    }
    subject new;
    BHI_ASSERT(read_subject(rewrite.wasm, arena, &new, &error) == BH_OK);
    BHI_ASSERT(new.is_valid || !old->is_valid);
    check_same(old, &new);
    check_exports(old, &new, &rewrite);
    check_segments(old, &rewrite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_arena arena = {0};
    subject given;
    bh_error error = {0};
    if (read_subject((bhi_bytes){data, size}, &arena, &given, &error) == BH_OK) {
        for (int i = BHI_RESTORABLE_YES; i <= BHI_RESTORABLE_NO; i++)
            check_rewrite(&given, (bhi_restorable)i, &arena);
    } else if (given.is_valid) {
        /* An import of an exact function, which the engine's parser takes although the proposal is
         * off, is the only thing that is refused. */
        BHI_ASSERT(says(&error, "unknown kind 0x20"));
    }
    bhi_arena_deinit(&arena);
    return 0;
}
