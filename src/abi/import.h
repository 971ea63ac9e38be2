/* abi/import.h - the imports that this host knows, as one table (made by tools/witgen).
 *
 * A core module names an import by module and name, e.g. "astrid:kv/host@1.0.0" and "kv-get", or
 * "[resource-drop]pollable", or "[method]pollable.ready". `signature` is the core type in letters:
 * i = i32, I = i64, f = f32, F = f64; parameters, then ':', then results, e.g. "iii:" or ":I".
 */
#ifndef BHI_ABI_IMPORT_H
#define BHI_ABI_IMPORT_H

#include "abi/guest.h"

/* Arguments are read from `values`, results written over them. false: the guest traps. */
typedef bool (*bhi_import_fn)(bhi_guest *guest, bhi_core_value *values);

typedef struct bhi_import {
    const char *module;    /* "astrid:sys/host@1.0.0" */
    const char *name;      /* "sleep-ns" */
    const char *signature; /* "Ii:" */
    bhi_import_fn call;
} bhi_import;

/* Sorted by module, then name. */
extern const bhi_import bhi_imports[];
extern const size_t bhi_imports_count;

/* Every interface of the ABI, those without functions too: "astrid:guest/lifecycle@1.0.0". */
extern const char *const bhi_interfaces[];
extern const size_t bhi_interfaces_count;

/* NULL when unknown. */
const bhi_import *bhi_import_find(bhi_bytes module, bhi_bytes name);

/* A module we provide whose name differs from `module` only in its version, or NULL. */
const char *bhi_import_other_version(bhi_bytes module);

#endif
