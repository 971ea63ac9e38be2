/* wasm/code_scan.h - instructions that change state which a restore of memory does not reach.
 *
 * Memory, its size and globals are restored by the host. Tables and segments can only be changed
 * by a handful of instructions, so the code is decoded once, at load, to find them.
 *
 * The decoder knows the features the engine is built with: MVP, sign extension, saturating
 * conversions, multi-value, bulk memory, reference types, 128-bit SIMD (not relaxed), tail calls.
 * Any other opcode is refused, never skipped by a guess: after one wrong length the rest of a body
 * would be misread.
 *
 * Source: WebAssembly core specification 3.0, 5.4 (instructions).
 */
#ifndef BHI_WASM_CODE_SCAN_H
#define BHI_WASM_CODE_SCAN_H

#include "wasm/module.h"

typedef enum bhi_code_change {
    BHI_CODE_TABLE_SET,
    BHI_CODE_TABLE_INIT,
    BHI_CODE_TABLE_COPY,
    BHI_CODE_TABLE_FILL,
    BHI_CODE_TABLE_GROW,
    BHI_CODE_ELEM_DROP,
    BHI_CODE_DATA_DROP,
    BHI_CODE_CHANGES
} bhi_code_change;

typedef struct bhi_code_scan {
    uint64_t instructions;
    uint32_t counts[BHI_CODE_CHANGES];    /* occurrences in the code */
    size_t first_place[BHI_CODE_CHANGES]; /* byte offset in the module, where counted */
} bhi_code_scan;

/* "table.set" */
const char *bhi_code_change_name(bhi_code_change change);

/* Fails with BH_E_MODULE: an unknown opcode or a malformed body, with its byte offset. */
BH_MUST_USE bh_status bhi_code_scan_read(const bhi_wasm_module *module, bhi_code_scan *ret_scan,
                                         bh_error *reterr);

#endif
