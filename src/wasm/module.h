/* wasm/module.h - what a core WebAssembly module declares, read with every bound checked.
 *
 * The reader is pure: bytes in, a description out, allocated in the caller's arena. It does not
 * validate code (the engine does); it must only never misread a module that the engine accepts.
 * Names and slices point into the given bytes, which must outlive the description.
 *
 * Source: WebAssembly core specification 3.0, chapter 5 (binary format).
 */
#ifndef BHI_WASM_MODULE_H
#define BHI_WASM_MODULE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

/* Most items of one kind that we read; beyond it the module is refused with BH_E_MODULE. */
enum { BHI_WASM_ITEMS_MAX = 1000000, BHI_WASM_MODULE_BYTES_MAX = 64 << 20 };

typedef enum bhi_wasm_kind {
    BHI_WASM_FUNC = 0,
    BHI_WASM_TABLE = 1,
    BHI_WASM_MEMORY = 2,
    BHI_WASM_GLOBAL = 3,
    BHI_WASM_TAG = 4
} bhi_wasm_kind;

typedef struct bhi_wasm_func_type {
    bhi_bytes params; /* one byte per value type, e.g. 0x7f = i32; 0 for one that no byte spells */
    bhi_bytes results;
} bhi_wasm_func_type;

typedef struct bhi_wasm_limits {
    uint64_t min;
    uint64_t max; /* UINT64_MAX when none is declared */
    bool is_shared;
    bool is_64;
    uint32_t page_bytes_log2; /* memories: 16 unless custom page sizes are used */
} bhi_wasm_limits;

typedef struct bhi_wasm_import {
    bhi_bytes module;
    bhi_bytes name;
    bhi_wasm_kind kind;
    uint32_t type;          /* FUNC: index of the type */
    bhi_wasm_limits limits; /* TABLE, MEMORY */
    uint8_t value_type;     /* GLOBAL: value type; TABLE: element type (0 as above) */
    bool is_mutable;        /* GLOBAL */
} bhi_wasm_import;

typedef struct bhi_wasm_export {
    bhi_bytes name;
    bhi_wasm_kind kind;
    uint32_t index;
} bhi_wasm_export;

typedef struct bhi_wasm_table {
    bhi_wasm_limits limits;
    uint8_t element_type; /* 0x70 funcref, 0x6f externref, 0 other */
} bhi_wasm_table;

typedef struct bhi_wasm_global {
    uint8_t value_type; /* 0 as in bhi_wasm_func_type */
    bool is_mutable;
} bhi_wasm_global;

typedef struct bhi_wasm_module {
    bhi_bytes bytes;           /* the whole module */
    bhi_wasm_func_type *types; /* types that are not functions have NULL data and type_is_func 0 */
    bool *type_is_func;
    uint32_t types_count;
    bhi_wasm_import *imports;
    uint32_t imports_count;
    uint32_t imported_funcs, imported_tables, imported_memories, imported_globals;
    uint32_t *func_types;   /* of defined functions */
    uint32_t funcs_count;   /* defined */
    bhi_wasm_table *tables; /* defined */
    uint32_t tables_count;
    bhi_wasm_limits *memories; /* defined */
    uint32_t memories_count;
    bhi_wasm_global *globals; /* defined */
    uint32_t globals_count;
    bhi_wasm_export *exports;
    uint32_t exports_count;
    bool has_start;
    uint32_t start_func;
    uint32_t element_segments_count;
    uint32_t data_segments_count;
    bhi_bytes code;     /* body of the code section, empty when absent */
    bhi_bytes elements; /* body of the element section, empty when absent */
    bhi_bytes name;     /* the module name of the "name" custom section, or empty */
    bhi_bytes features; /* the "target_features" custom section, empty when absent */
} bhi_wasm_module;

/* Fails with BH_E_MODULE (text has the byte offset and what was expected), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_wasm_module_read(bhi_bytes bytes, bhi_arena *arena,
                                           bhi_wasm_module *ret_module, bh_error *reterr);

/* NULL when there is no export of this name and kind. */
const bhi_wasm_export *bhi_wasm_export_find(const bhi_wasm_module *module, bhi_bytes name,
                                            bhi_wasm_kind kind);

/* The type of function `index` (imported ones first), NULL when out of range. */
const bhi_wasm_func_type *bhi_wasm_type_of_func(const bhi_wasm_module *module, uint32_t index);

/* Write a core type in the letters of abi/import.h ("iiI:i"); a type that has none becomes '?'.
 * Cut at the size. */
void bhi_wasm_signature(const bhi_wasm_func_type *type, char *ret_text, size_t size);

#endif
