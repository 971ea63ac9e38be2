/* engine/link.c - which imports of a capsule are ours, and the functions behind them.
 *
 * All that is missing is named in one error, so that an author does not learn it one by one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/import.h"
#include "engine/code.h"
#include "engine/failure.h"

/* Text that ends with how many did not fit. */
typedef struct missing_list {
    char text[430];
    size_t used;
    size_t named, count;
} missing_list;

static bool starts_with(bhi_bytes bytes, const char *prefix)
{
    size_t len = strlen(prefix);
    return bytes.len >= len && memcmp(bytes.data, prefix, len) == 0;
}

/* Whole or not at all. */
static bool append(missing_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool append(missing_list *list, const char *format, ...)
{
    size_t room = sizeof list->text - list->used;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(list->text + list->used, room, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= room) {
        list->text[list->used] = 0;
        return false;
    }
    list->used += (size_t)len;
    return true;
}

static bool is_missing(const bhi_capsule_import *import)
{
    return bhi_import_find(import->interface, import->name) == NULL;
}

static void explain_interface(missing_list *list, bhi_bytes interface)
{
    const char *ours = bhi_import_other_version(interface);
    if (ours != NULL)
        append(list, "; this host provides %s", ours);
    else if (starts_with(interface, "wasi"))
        append(list, "; WASI is not provided");
}

/* "interface (name, name; why)" for all that is missing of the interface of import `first`. */
static void name_interface(missing_list *list, const bhi_capsule_image *image, uint32_t first)
{
    bhi_bytes interface = image->imports[first].interface;
    if (!append(list, "%s%.*s (", list->named == 0 ? "" : ", ", (int)interface.len,
                (const char *)interface.data))
        return;
    const char *separator = "";
    for (uint32_t i = first; i < image->imports_count; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        if (!bhi_bytes_equal(import->interface, interface) || !is_missing(import))
            continue;
        list->named += append(list, "%s%.*s", separator, (int)import->name.len,
                              (const char *)import->name.data);
        separator = ", ";
    }
    explain_interface(list, interface);
    append(list, ")");
}

static bool is_first_missing(const bhi_capsule_image *image, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        if (is_missing(import) &&
            bhi_bytes_equal(import->interface, image->imports[index].interface))
            return false;
    }
    return true;
}

static missing_list list_missing(const bhi_capsule_image *image)
{
    missing_list list = {.used = 0};
    for (uint32_t i = 0; i < image->imports_count; i++) {
        if (!is_missing(&image->imports[i]))
            continue;
        list.count++;
        if (is_first_missing(image, i))
            name_interface(&list, image, i);
    }
    return list;
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
    missing_list missing = list_missing(image);
    if (missing.named < missing.count)
        return bhi_fail(reterr, BH_E_MODULE,
                        "%zu imports are not provided: %s ... and %zu more: bulkhead inspect lists "
                        "them all",
                        missing.count, missing.text, missing.count - missing.named);
    if (missing.count > 0)
        return bhi_fail(reterr, BH_E_MODULE, "%zu import%s not provided: %s", missing.count,
                        missing.count == 1 ? " is" : "s are", missing.text);
    bh_status status = BH_OK;
    for (uint32_t i = 0; i < image->imports_count && status == BH_OK; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        status = check_signature(import, bhi_import_find(import->interface, import->name), reterr);
    }
    return status;
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
