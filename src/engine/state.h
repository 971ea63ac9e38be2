/* engine/state.h - the globals and tables of one instance, and what they are put back to.
 *
 * Numbers can be carried from one instance to another. References to functions belong to one store:
 * they can only be put back where they came from. So each instance remembers its own.
 */
#ifndef BHI_ENGINE_STATE_H
#define BHI_ENGINE_STATE_H

#include "engine/code.h"

typedef struct bhi_kept_global {
    wasmtime_global_t global;
    wasmtime_val_t value; /* as remembered */
} bhi_kept_global;

typedef struct bhi_kept_table {
    wasmtime_table_t table;
    uint64_t size; /* as remembered, as are: */
    wasmtime_func_t *entries;
} bhi_kept_table;

typedef struct bhi_state {
    bhi_kept_global *globals;
    uint32_t globals_count;
    bhi_kept_table *tables;
    uint32_t tables_count;
} bhi_state;

/* Find what `code` exports of `instance`, and remember it as it is. Fails with BH_E_NOMEM,
 * BH_E_BUILD. */
BH_MUST_USE bh_status bhi_state_open(bhi_state *state, const bhi_code *code,
                                     wasmtime_context_t *context,
                                     const wasmtime_instance_t *instance, bh_error *reterr);
void bhi_state_close(bhi_state *state);

/* Remember it as it is now. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_state_keep(bhi_state *state, wasmtime_context_t *context,
                                     bh_error *reterr);

/* Put back what is remembered. False: a table grew, and tables do not shrink. */
BH_MUST_USE bool bhi_state_restore(const bhi_state *state, wasmtime_context_t *context);

/* Whether globals and tables are as remembered; the second of references to functions alone. */
bool bhi_state_is_as_kept(const bhi_state *state, wasmtime_context_t *context);
bool bhi_state_has_kept_references(const bhi_state *state, wasmtime_context_t *context);

#endif
