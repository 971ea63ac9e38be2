/* engine/link.c - which imports of a capsule are ours, and the functions behind them.
 *
 * All that is missing is named in one error, so that an author does not learn it one by one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "abi/import.h"
#include "engine/code.h"
#include "engine/failure.h"

typedef struct missing_list {
    char text[160];
    size_t used;
    size_t count;
} missing_list;

static void add_missing(missing_list *list, const bhi_capsule_import *import)
{
    list->count++;
    int len = snprintf(list->text + list->used, sizeof list->text - list->used, "%s%.*s#%.*s",
                       list->used == 0 ? "" : ", ", (int)import->interface.len,
                       (const char *)import->interface.data, (int)import->name.len,
                       (const char *)import->name.data);
    size_t room = sizeof list->text - list->used;
    list->used += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static bool starts_with(bhi_bytes bytes, const char *prefix)
{
    size_t len = strlen(prefix);
    return bytes.len >= len && memcmp(bytes.data, prefix, len) == 0;
}

static bh_status refuse_known_reason(const bhi_capsule_import *import, bh_error *reterr)
{
    if (starts_with(import->interface, "wasi"))
        return bhi_fail(reterr, BH_E_MODULE,
                        "imports %.*s#%.*s: WASI is not provided; use the "
                        "astrid interfaces instead",
                        (int)import->interface.len, (const char *)import->interface.data,
                        (int)import->name.len, (const char *)import->name.data);
    const char *ours = bhi_import_other_version(import->interface);
    if (ours != NULL)
        return bhi_fail(reterr, BH_E_MODULE, "imports %.*s, but this host provides %s",
                        (int)import->interface.len, (const char *)import->interface.data, ours);
    return BH_OK;
}

static bh_status check_signature(const bhi_capsule_import *import, const bhi_import *ours,
                                 bh_error *reterr)
{
    if (bhi_bytes_equal_text(import->signature, ours->signature))
        return BH_OK;
    return bhi_fail(reterr, BH_E_MODULE, "import %s#%s has the core type %.*s, expected %s",
                    ours->module, ours->name, (int)import->signature.len,
                    (const char *)import->signature.data, ours->signature);
}

static bh_status check_imports(const bhi_capsule_image *image, bh_error *reterr)
{
    missing_list missing = {.used = 0};
    for (uint32_t i = 0; i < image->imports_count; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        const bhi_import *ours = bhi_import_find(import->interface, import->name);
        bh_status status = ours != NULL ? check_signature(import, ours, reterr)
                                        : refuse_known_reason(import, reterr);
        if (status != BH_OK)
            return status;
        if (ours == NULL)
            add_missing(&missing, import);
    }
    if (missing.count == 0)
        return BH_OK;
    return bhi_fail(reterr, BH_E_MODULE, "%zu imports are not provided: %s", missing.count,
                    missing.text);
}

/* An unchecked call with another type would corrupt the process, so each type is checked here. */
static bh_status check_func_type(const bhi_capsule_image *image, bhi_bytes name,
                                 const char *expected, bh_error *reterr)
{
    const bhi_wasm_export *found = bhi_wasm_export_find(&image->module, name, BHI_WASM_FUNC);
    if (found == NULL)
        return bhi_fail(reterr, BH_E_MODULE, "export %.*s is not a function", (int)name.len,
                        (const char *)name.data);
    const bhi_wasm_func_type *type = bhi_wasm_type_of_func(&image->module, found->index);
    char actual[64] = "?";
    if (type != NULL)
        bhi_wasm_signature(type, actual, sizeof actual);
    if (strcmp(actual, expected) == 0)
        return BH_OK;
    return bhi_fail(reterr, BH_E_MODULE, "export %.*s has the core type %s, expected %s",
                    (int)name.len, (const char *)name.data, actual, expected);
}

static bh_status check_entry(const bhi_capsule_image *image, bhi_entry entry, bh_error *reterr)
{
    const bhi_capsule_export *found = bhi_capsule_export_find(image, bhi_entry_export(entry));
    if (found == NULL)
        return BH_OK;
    const char *expected = entry == BHI_ENTRY_HOOK ? "iiii:i" : ":";
    bh_status status = check_func_type(image, found->core, expected, reterr);
    if (status != BH_OK || entry != BHI_ENTRY_HOOK || found->post_return.len == 0)
        return status;
    return check_func_type(image, found->post_return, "i:", reterr);
}

static bh_status check_hook_support(const bhi_capsule_image *image, bh_error *reterr)
{
    if (bhi_capsule_export_find(image, bhi_entry_export(BHI_ENTRY_HOOK)) == NULL)
        return BH_OK;
    if (image->realloc.len == 0)
        return bhi_fail(reterr, BH_E_MODULE, "export cabi_realloc is missing: %s needs it",
                        bhi_entry_export(BHI_ENTRY_HOOK));
    if (image->memory.len == 0)
        return bhi_fail(reterr, BH_E_MODULE, "export memory is missing: %s needs it",
                        bhi_entry_export(BHI_ENTRY_HOOK));
    return BH_OK;
}

static bh_status check_helpers(const bhi_capsule_image *image, bh_error *reterr)
{
    bh_status status = BH_OK;
    if (image->realloc.len > 0)
        status = check_func_type(image, image->realloc, "iiii:i", reterr);
    if (status == BH_OK && image->initialize.len > 0)
        status = check_func_type(image, image->initialize, ":", reterr);
    return status == BH_OK ? check_hook_support(image, reterr) : status;
}

bh_status bhi_link_check(const bhi_capsule_image *image, bh_error *reterr)
{
    bh_status status = check_imports(image, reterr);
    bool has_entry = false;
    for (int entry = 0; entry < BHI_ENTRY_COUNT && status == BH_OK; entry++) {
        status = check_entry(image, entry, reterr);
        has_entry |= bhi_capsule_export_find(image, bhi_entry_export(entry)) != NULL;
    }
    if (status == BH_OK && !has_entry)
        return bhi_fail(reterr, BH_E_MODULE,
                        "no entry point: expected an export %s, run, "
                        "astrid-install or astrid-upgrade",
                        bhi_entry_export(BHI_ENTRY_HOOK));
    return status == BH_OK ? check_helpers(image, reterr) : status;
}

static void fill_types(wasm_valtype_vec_t *types, const char *letters, size_t count)
{
    wasm_valtype_vec_new_uninitialized(types, count);
    for (size_t i = 0; i < count; i++) {
        wasm_valkind_t kind = letters[i] == 'i'   ? WASM_I32
                              : letters[i] == 'I' ? WASM_I64
                              : letters[i] == 'f' ? WASM_F32
                                                  : WASM_F64;
        types->data[i] = wasm_valtype_new(kind);
    }
}

static wasm_functype_t *type_of_signature(const char *signature)
{
    const char *colon = strchr(signature, ':');
    wasm_valtype_vec_t params, results;
    fill_types(&params, signature, (size_t)(colon - signature));
    fill_types(&results, colon + 1, strlen(colon + 1));
    return wasm_functype_new(&params, &results);
}

bh_status bhi_link_define(wasmtime_linker_t *linker, const bhi_capsule_image *image,
                          bh_error *reterr)
{
    /* A core module may import the same name twice; the definition is the same. */
    wasmtime_linker_allow_shadowing(linker, true);
    for (uint32_t i = 0; i < image->imports_count; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        const bhi_import *ours = bhi_import_find(import->interface, import->name);
        wasm_functype_t *type = type_of_signature(ours->signature);
        wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(
            linker, (const char *)import->core_module.data, import->core_module.len,
            (const char *)import->core_name.data, import->core_name.len, type, bhi_import_cb,
            (void *)ours, NULL);
        wasm_functype_delete(type);
        if (error != NULL)
            return bhi_fail_engine(reterr, BH_E_MODULE, "linking", error);
    }
    return BH_OK;
}
