/* wasm/capsule.h - a capsule's bytes, component or core module, as one core module and its binding.
 *
 * A capsule component made by the standard toolchain is one core module behind a shim and a fix-up
 * module. Flattening checks that it has exactly that shape, resolves which host function each
 * import of the main module really is (through aliases, shim and fix-up), and finds the core
 * exports behind each lifted export. Other shapes are refused with BH_E_MODULE and a text that
 * names what was found and where. A core module that follows the canonical ABI's naming
 * ("astrid:kv/host@1.0.0" "kv-get", "cabi_realloc", "cabi_post_NAME") is read directly.
 *
 * Slices point into the given bytes or the arena; both must outlive the result.
 */
#ifndef BHI_WASM_CAPSULE_H
#define BHI_WASM_CAPSULE_H

#include "wasm/module.h"

/* What import `index` of the main module is bound to. For the main module of a component this is
 * what the component really wires, whatever the core import is called. */
typedef struct bhi_capsule_import {
    bhi_bytes core_module, core_name; /* as the core module spells it */
    bhi_bytes interface;              /* "astrid:kv/host@1.0.0" */
    bhi_bytes name;      /* "kv-get", "[method]pollable.ready", "[resource-drop]pollable" */
    bhi_bytes signature; /* letters of abi/import.h */
} bhi_capsule_import;

/* A lifted export: names of core exports of the main module, empty when absent. */
typedef struct bhi_capsule_export {
    bhi_bytes name;        /* "astrid-hook-trigger" */
    bhi_bytes core;        /* the core function's export name */
    bhi_bytes post_return; /* "" when there is none */
    uint32_t func_index;   /* index of the core function, to tell stubs that share one */
} bhi_capsule_export;

typedef struct bhi_capsule_image {
    bool is_component;
    bhi_bytes core;              /* the main core module's bytes */
    bhi_wasm_module module;      /* read from them */
    bhi_capsule_import *imports; /* one per import of the module, same order; all functions */
    uint32_t imports_count;
    bhi_capsule_export *exports;
    uint32_t exports_count;
    bhi_bytes memory;     /* export name of the canonical memory; "" when the guest has none */
    bhi_bytes realloc;    /* export name of realloc; "" when absent */
    bhi_bytes initialize; /* "_initialize" to call after instantiation, or "" */
} bhi_capsule_image;

/* Fails with BH_E_MODULE, BH_E_NOMEM. Which imports are provided is not judged here. */
BH_MUST_USE bh_status bhi_capsule_image_read(bhi_bytes bytes, bhi_arena *arena,
                                             bhi_capsule_image *ret_image, bh_error *reterr);

/* NULL when the capsule does not export `name`. */
const bhi_capsule_export *bhi_capsule_export_find(const bhi_capsule_image *image, const char *name);

#endif
