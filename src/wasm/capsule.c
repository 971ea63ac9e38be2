/* wasm/capsule.c - core modules used directly, and the choice between them and components. */
#include "wasm/capsule.h"

#include "wasm/component.h"
#include "wasm/flatten.h"

bhi_bytes bhi_capsule_signature(const bhi_wasm_func_type *type, bhi_arena *arena)
{
    size_t len = type->params.len + 1 + type->results.len;
    char *text = bhi_arena_alloc(arena, len + 1);
    if (text == NULL)
        return (bhi_bytes){0};
    bhi_wasm_signature(type, text, len + 1);
    return (bhi_bytes){(const uint8_t *)text, len};
}

static bh_status out_of_memory(bh_error *reterr)
{
    return bhi_fail(reterr, BH_E_NOMEM, "no memory to read a core module");
}

/* A core module's imports are named as the canonical ABI names them. */
static bh_status take_imports(bhi_capsule_image *image, bhi_arena *arena, bh_error *reterr)
{
    const bhi_wasm_module *module = &image->module;
    if (module->imports_count > BHI_FLATTEN_NAMES_MAX)
        return bhi_fail(reterr, BH_E_MODULE, "the module has %u imports, the limit is %d",
                        module->imports_count, BHI_FLATTEN_NAMES_MAX);
    image->imports = bhi_arena_calloc(arena, module->imports_count, sizeof *image->imports);
    if (image->imports == NULL)
        return out_of_memory(reterr);
    for (uint32_t i = 0; i < module->imports_count; i++) {
        const bhi_wasm_import *import = &module->imports[i];
        if (import->kind != BHI_WASM_FUNC)
            return bhi_fail(reterr, BH_E_MODULE,
                            "import \"%.*s\" \"%.*s\" is no function: a capsule imports only those",
                            (int)import->module.len, (const char *)import->module.data,
                            (int)import->name.len, (const char *)import->name.data);
        bhi_bytes signature = bhi_capsule_signature(&module->types[import->type], arena);
        if (signature.data == NULL)
            return out_of_memory(reterr);
        image->imports[i] = (bhi_capsule_import){.core_module = import->module,
                                                 .core_name = import->name,
                                                 .interface = import->module,
                                                 .name = import->name,
                                                 .signature = signature};
    }
    image->imports_count = module->imports_count;
    return BH_OK;
}

/* A function that the module exports under a name with a meaning, checked for its core type. */
static bh_status take_helper(const bhi_wasm_module *module, const char *name, const char *signature,
                             bhi_bytes *ret_name, bh_error *reterr)
{
    const bhi_wasm_export *export = bhi_wasm_export_find(module, bhi_bytes_of(name), BHI_WASM_FUNC);
    if (export == NULL)
        return BH_OK;
    char found[16];
    bhi_wasm_signature(bhi_wasm_type_of_func(module, export->index), found, sizeof found);
    if (strcmp(found, signature) != 0)
        return bhi_fail(reterr, BH_E_MODULE, "export \"%s\" has core type %s, expected %s", name,
                        found, signature);
    if (export->index < module->imported_funcs)
        return bhi_fail(reterr, BH_E_MODULE, "export \"%s\" is an import", name);
    *ret_name = export->name;
    return BH_OK;
}

static bh_status take_export(bhi_capsule_image *image, const char *name, bh_error *reterr)
{
    const bhi_wasm_module *module = &image->module;
    const bhi_wasm_export *core = bhi_wasm_export_find(module, bhi_bytes_of(name), BHI_WASM_FUNC);
    if (core == NULL)
        return BH_OK;
    if (core->index < module->imported_funcs)
        return bhi_fail(reterr, BH_E_MODULE, "export \"%s\" is an import", name);
    char post_name[64] = "cabi_post_";
    strncat(post_name, name, sizeof post_name - strlen(post_name) - 1);
    bhi_capsule_export export = {.name = core->name, .core = core->name, .func_index = core->index};
    bhi_wasm_func_type post_type = {.params = bhi_wasm_type_of_func(module, core->index)->results};
    char post_signature[16];
    bhi_wasm_signature(&post_type, post_signature, sizeof post_signature);
    bh_status status = take_helper(module, post_name, post_signature, &export.post_return, reterr);
    if (status == BH_OK)
        image->exports[image->exports_count++] = export;
    return status;
}

static bh_status take_exports(bhi_capsule_image *image, bhi_arena *arena, bh_error *reterr)
{
    static const char *const names[] = {"astrid-hook-trigger", "run", "astrid-install",
                                        "astrid-upgrade"};
    enum { NAMES = sizeof names / sizeof *names };
    image->exports = bhi_arena_calloc(arena, NAMES, sizeof *image->exports);
    if (image->exports == NULL)
        return out_of_memory(reterr);
    bh_status status = BH_OK;
    for (size_t i = 0; i < NAMES && status == BH_OK; i++)
        status = take_export(image, names[i], reterr);
    return status;
}

static bh_status read_core(bhi_bytes bytes, bhi_arena *arena, bhi_capsule_image *ret_image,
                           bh_error *reterr)
{
    bhi_capsule_image image = {.core = bytes};
    bh_status status = bhi_wasm_module_read(bytes, arena, &image.module, reterr);
    if (status == BH_OK)
        status = take_imports(&image, arena, reterr);
    if (status == BH_OK)
        status = take_exports(&image, arena, reterr);
    if (status == BH_OK)
        status = take_helper(&image.module, "cabi_realloc", "iiii:i", &image.realloc, reterr);
    if (status == BH_OK)
        status = take_helper(&image.module, "_initialize", ":", &image.initialize, reterr);
    if (status != BH_OK)
        return status;
    const bhi_wasm_export *memory =
        bhi_wasm_export_find(&image.module, BHI_BYTES_LITERAL("memory"), BHI_WASM_MEMORY);
    if (memory != NULL)
        image.memory = memory->name;
    *ret_image = image;
    return BH_OK;
}

bh_status bhi_capsule_image_read(bhi_bytes bytes, bhi_arena *arena, bhi_capsule_image *ret_image,
                                 bh_error *reterr)
{
    if (bhi_component_is(bytes))
        return bhi_flatten(bytes, arena, ret_image, reterr);
    return read_core(bytes, arena, ret_image, reterr);
}

const bhi_capsule_export *bhi_capsule_export_find(const bhi_capsule_image *image, const char *name)
{
    for (uint32_t i = 0; i < image->exports_count; i++)
        if (bhi_bytes_equal_text(image->exports[i].name, name))
            return &image->exports[i];
    return NULL;
}
