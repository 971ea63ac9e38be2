/* cli/inspect_report.c - see inspect_report.h. */
#include "cli/inspect_report.h"

#include <stdio.h>
#include <string.h>

#include "abi/import.h"
#include "bulkhead_rust.h"
#include "cli/provided.h"
#include "runtime/manifest.h"
#include "wasm/capsule.h"
#include "wasm/restorability.h"

static json_t *text_json(bhi_bytes text)
{
    return json_stringn((const char *)text.data, text.len);
}

static json_t *optional_text(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *env_json(const bhi_manifest *manifest)
{
    static const char *const sources[] = {[BHI_ENV_UNSET] = "unset",
                                          [BHI_ENV_DEFAULT] = "default",
                                          [BHI_ENV_OPERATOR] = "environment"};
    json_t *list = json_array();
    for (size_t i = 0; i < manifest->env_count; i++) {
        const bhi_manifest_env *env = &manifest->env[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", env->name, "type",
                                              env->type, "value", sources[env->source]));
    }
    return list;
}

static json_t *capabilities_json(const bhi_manifest *manifest)
{
    json_t *list = json_array();
    for (const char *const *name = manifest->capabilities; *name != NULL; name++)
        json_array_append_new(list, json_string(*name));
    return list;
}

static json_t *manifest_json(const bhi_manifest *manifest)
{
    if (manifest->is_bare)
        return json_null();
    json_t *live_max =
        manifest->has_live_max ? json_integer((json_int_t)manifest->live_max) : json_null();
    return json_pack("{s:s, s:s, s:o, s:I, s:b, s:o, s:o, s:o}", "file", manifest->file, "reuse",
                     bh_reuse_name(manifest->reuse), "live_max", live_max, "min_idle",
                     (json_int_t)manifest->min_idle, "accepts_init_randomness",
                     manifest->accepts_init_randomness, "warmup",
                     optional_text(manifest->warmup_action), "env", env_json(manifest),
                     "capabilities", capabilities_json(manifest));
}

static json_t *hash_json(bhi_bytes wasm)
{
    uint8_t hash[32];
    char hex[65];
    bhr_blake3(wasm.data, wasm.len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return json_string(hex);
}

static json_t *imports_json(const bhi_capsule_image *image)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < image->imports_count; i++) {
        const bhi_capsule_import *import = &image->imports[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s}", "interface", text_json(import->interface), "name",
                            text_json(import->name), "status",
                            bhi_cli_provided_name(bhi_cli_provided_read(import))));
    }
    return list;
}

static json_t *exports_json(const bhi_capsule_image *image)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < image->exports_count; i++)
        json_array_append_new(list, text_json(image->exports[i].name));
    return list;
}

static const char *const entry_names[] = {"astrid-hook-trigger", "astrid-install", "astrid-upgrade",
                                          "run"};
enum { ENTRY_COUNT = sizeof entry_names / sizeof entry_names[0] };

/* Toolkits export entry points that the author did not write as one empty function. */
static bool is_stub(const bhi_capsule_image *image, size_t entry)
{
    const bhi_capsule_export *export = bhi_capsule_export_find(image, entry_names[entry]);
    for (size_t i = 1; i < ENTRY_COUNT && entry > 0; i++) {
        const bhi_capsule_export *other = bhi_capsule_export_find(image, entry_names[i]);
        if (i != entry && other != NULL && other->func_index == export->func_index)
            return true;
    }
    return false;
}

static json_t *entries_json(const bhi_capsule_image *image)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const char *state = "absent";
        if (bhi_capsule_export_find(image, entry_names[i]) != NULL)
            state = is_stub(image, i) ? "stub" : "present";
        json_object_set_new(object, entry_names[i], json_string(state));
    }
    return object;
}

static json_t *limits_json(const bhi_wasm_limits *limits)
{
    json_t *max = limits->max == UINT64_MAX ? json_null() : json_integer((json_int_t)limits->max);
    return json_pack("{s:I, s:o}", "min", (json_int_t)limits->min, "max", max);
}

static json_t *memories_json(const bhi_wasm_module *module)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < module->memories_count; i++) {
        json_t *memory = limits_json(&module->memories[i]);
        uint32_t log2 = module->memories[i].page_bytes_log2;
        json_object_set_new(memory, "page_bytes", json_integer((json_int_t)1 << log2));
        json_array_append_new(list, memory);
    }
    return list;
}

static json_t *tables_json(const bhi_wasm_module *module)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < module->tables_count; i++)
        json_array_append_new(list, limits_json(&module->tables[i].limits));
    return list;
}

/* A module whose code the scan does not know cannot be judged, but can still be described. */
static json_t *restorability_json(const bhi_wasm_module *module, bhi_arena *arena)
{
    bhi_restorability restorability;
    bh_error error = {0};
    if (bhi_restorability_read(module, arena, &restorability, &error) != BH_OK)
        return json_pack("{s:s, s:s}", "state", "unknown", "reason", error.text);
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I}", "state", bhi_restorable_name(restorability.restorable), "reason",
        restorability.reason, "globals_mutable", (json_int_t)restorability.globals_mutable,
        "globals_mutable_exported", (json_int_t)restorability.globals_mutable_exported);
    json_t *changes = json_object();
    for (int i = 0; i < BHI_CODE_CHANGES; i++)
        if (restorability.scan.counts[i] > 0)
            json_object_set_new(changes, bhi_code_change_name((bhi_code_change)i),
                                json_integer((json_int_t)restorability.scan.counts[i]));
    json_object_set_new(object, "instructions_that_change_tables_or_segments", changes);
    return object;
}

static json_t *report_json(const char *path, const bhi_manifest *manifest, bhi_bytes wasm,
                           const bhi_capsule_image *image, bhi_arena *arena)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
        manifest->name, "version", manifest->version, "description", manifest->description, "path",
        path, "component_file", manifest->component_file, "bytes", (json_int_t)wasm.len, "blake3",
        hash_json(wasm), "shape", image->is_component ? "component" : "core module", "manifest",
        manifest_json(manifest), "imports", imports_json(image), "exports", exports_json(image),
        "entry_points", entries_json(image), "memories", memories_json(&image->module), "tables",
        tables_json(&image->module), "restore", restorability_json(&image->module, arena));
}

bh_status bhi_cli_inspect_report(const char *path, bhi_arena *arena, json_t **ret_report,
                                 bh_error *reterr)
{
    bhi_manifest manifest;
    bhi_bytes wasm;
    bhi_capsule_image image;
    bh_status status = bhi_manifest_find(path, arena, &manifest, reterr);
    if (status == BH_OK)
        status = bhi_manifest_read_component(path, &manifest, arena, &wasm, reterr);
    if (status != BH_OK)
        return status;
    status = bhi_capsule_image_read(wasm, arena, &image, reterr);
    if (status != BH_OK)
        return bhi_fail_within(reterr, status, "%.80s", manifest.component_file);
    json_t *report = report_json(path, &manifest, wasm, &image, arena);
    if (report == NULL)
        return bhi_fail(reterr, BH_E_ARG, "%.160s: a path that is not UTF-8 has no report", path);
    *ret_report = report;
    return BH_OK;
}
