/* wasm/rewrite.h - a module whose whole state the host can reach, and run its start itself.
 *
 * The rewritten module differs from the given one in four ways:
 * - internal state is exported under reserved names: the memory, mutable globals, and tables that
 *   the code may change;
 * - the start function is exported instead of being the start section: the host runs it;
 * - active data segments keep their place and offset and lose their bytes: the host puts them into
 *   memory, once for all instances;
 * - nothing else: code, indices, names and custom sections stay byte for byte.
 *
 * So an instance of it, given these segments and one call of the start function, is in the state
 * in which an instance of the original begins.
 */
#ifndef BHI_WASM_REWRITE_H
#define BHI_WASM_REWRITE_H

#include "wasm/restorability.h"

/* Reserved: a module that exports a name which begins so is refused. */
#define BHI_REWRITE_PREFIX "bulkhead:"
#define BHI_REWRITE_MEMORY BHI_REWRITE_PREFIX "memory"
#define BHI_REWRITE_START  BHI_REWRITE_PREFIX "start"

enum { BHI_REWRITE_NAME_BYTES = 32 };

/* "bulkhead:global:7" and "bulkhead:table:0"; indices count imported ones first. */
void bhi_rewrite_global_name(uint32_t index, char ret_name[BHI_REWRITE_NAME_BYTES]);
void bhi_rewrite_table_name(uint32_t index, char ret_name[BHI_REWRITE_NAME_BYTES]);

/* An active data segment of memory 0. */
typedef struct bhi_wasm_segment {
    uint32_t offset;
    bhi_bytes bytes; /* of the given module */
} bhi_wasm_segment;

typedef struct bhi_rewrite {
    bhi_bytes wasm;             /* the rewritten module, in the arena */
    bhi_wasm_segment *segments; /* to be applied in this order */
    uint32_t segments_count;
    bool has_memory; /* exported as BHI_REWRITE_MEMORY, as are the following: */
    bool has_start;
    uint32_t *globals; /* indices of the exported globals */
    uint32_t globals_count;
    uint32_t *tables;
    uint32_t tables_count;
} bhi_rewrite;

/* Rewrite `module`, whose state was judged as `restorable`: tables are exported only for
 * BHI_RESTORABLE_TABLES, globals not for BHI_RESTORABLE_NO. Fails with BH_E_MODULE: a reserved
 * name, or a segment whose offset is no arithmetic on constants; BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_rewrite_module(const bhi_wasm_module *module, bhi_restorable restorable,
                                         bhi_arena *arena, bhi_rewrite *ret_rewrite,
                                         bh_error *reterr);

#endif
