/* wasm/restorability.h - whether the state of a module's instances can be put back exactly.
 *
 * Judged from what the module declares and from the instructions it contains, without running it.
 * The answer errs on the safe side: an instruction in code that is never reached counts.
 */
#ifndef BHI_WASM_RESTORABILITY_H
#define BHI_WASM_RESTORABILITY_H

#include "wasm/code_scan.h"

typedef enum bhi_restorable {
    BHI_RESTORABLE_YES,    /* memory and mutable globals are the whole state */
    BHI_RESTORABLE_TABLES, /* also tables, whose entries the code may change; if one grows, the
                              instance must be destroyed: tables do not shrink */
    BHI_RESTORABLE_NO      /* rebuild for every lease */
} bhi_restorable;

enum { BHI_RESTORABILITY_REASON_BYTES = 128 };

/* Most mutable globals, and most table entries where the code changes tables: each is read and
 * written back one by one at every restore. Toolchains make one global, and one table entry per
 * function whose address is taken. */
enum { BHI_RESTORABLE_GLOBALS_MAX = 1024, BHI_RESTORABLE_TABLE_ENTRIES_MAX = 4096 };

typedef struct bhi_restorability {
    bhi_restorable restorable;
    char reason[BHI_RESTORABILITY_REASON_BYTES]; /* why it is not YES; "" for YES */
    uint32_t memories;                           /* imported ones included, as below */
    uint32_t tables;
    uint32_t globals_mutable;
    uint32_t globals_mutable_exported;
    bhi_code_scan scan;
} bhi_restorability;

/* "yes", "yes, with its tables", "no" */
const char *bhi_restorable_name(bhi_restorable restorable);

/* Uses the arena for scratch space. Fails with BH_E_MODULE when the code
 * holds an instruction that the scan does not know, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_restorability_read(const bhi_wasm_module *module, bhi_arena *arena,
                                             bhi_restorability *ret_restorability,
                                             bh_error *reterr);

#endif
