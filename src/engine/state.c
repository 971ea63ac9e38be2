/* engine/state.c - read, compare and write globals and tables through their handles. */
#include "engine/state.h"

#include <stdlib.h>

#include "base/assert.h"
#include "engine/failure.h"

static bool find(wasmtime_context_t *context, const wasmtime_instance_t *instance, const char *name,
                 wasmtime_extern_kind_t kind, wasmtime_extern_t *ret_item)
{
    if (!wasmtime_instance_export_get(context, instance, name, strlen(name), ret_item))
        return false;
    bool is_right = ret_item->kind == kind;
    wasmtime_extern_delete(ret_item); /* owns nothing for these kinds */
    return is_right;
}

static bool find_all(bhi_state *state, const bhi_code *code, wasmtime_context_t *context,
                     const wasmtime_instance_t *instance)
{
    char name[BHI_REWRITE_NAME_BYTES];
    wasmtime_extern_t item;
    for (uint32_t i = 0; i < state->globals_count; i++) {
        bhi_rewrite_global_name(code->state.globals[i], name);
        if (!find(context, instance, name, WASMTIME_EXTERN_GLOBAL, &item))
            return false;
        state->globals[i].global = item.of.global;
    }
    for (uint32_t i = 0; i < state->tables_count; i++) {
        bhi_rewrite_table_name(code->state.tables[i], name);
        if (!find(context, instance, name, WASMTIME_EXTERN_TABLE, &item))
            return false;
        state->tables[i].table = item.of.table;
    }
    return true;
}

bh_status bhi_state_open(bhi_state *state, const bhi_code *code, wasmtime_context_t *context,
                         const wasmtime_instance_t *instance, bh_error *reterr)
{
    *state = (bhi_state){.globals_count = code->state.globals_count,
                         .tables_count = code->state.tables_count};
    state->globals = calloc(state->globals_count + 1, sizeof *state->globals);
    state->tables = calloc(state->tables_count + 1, sizeof *state->tables);
    if (state->globals == NULL || state->tables == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an instance's state");
    if (!find_all(state, code, context, instance))
        return bhi_fail(reterr, BH_E_BUILD, "the rewritten module lacks an export");
    return bhi_state_keep(state, context, reterr);
}

void bhi_state_close(bhi_state *state)
{
    for (uint32_t i = 0; state->tables != NULL && i < state->tables_count; i++)
        free(state->tables[i].entries);
    free(state->tables);
    free(state->globals);
    *state = (bhi_state){0};
}

/* ---- values ---- */

static wasmtime_func_t read_entry(wasmtime_context_t *context, const wasmtime_table_t *table,
                                  uint64_t index)
{
    wasmtime_val_t value;
    bool is_inside = wasmtime_table_get(context, table, index, &value);
    BHI_ASSERT(is_inside && value.kind == WASMTIME_FUNCREF);
    return value.of.funcref;
}

static bool is_same_func(const wasmtime_func_t *a, const wasmtime_func_t *b)
{
    return a->store_id == b->store_id && (a->store_id == 0 || a->__private == b->__private);
}

static bool is_same(const wasmtime_val_t *a, const wasmtime_val_t *b)
{
    switch (a->kind) {
    case WASMTIME_I32:
    case WASMTIME_F32: /* by its bits */
        return memcmp(&a->of, &b->of, 4) == 0;
    case WASMTIME_I64:
    case WASMTIME_F64:
        return memcmp(&a->of, &b->of, 8) == 0;
    case WASMTIME_V128:
        return memcmp(&a->of, &b->of, 16) == 0;
    default:
        BHI_ASSERT(a->kind == WASMTIME_FUNCREF);
        return is_same_func(&a->of.funcref, &b->of.funcref);
    }
}

/* ---- remembering ---- */

static bool keep_table(bhi_kept_table *kept, wasmtime_context_t *context)
{
    uint64_t size = wasmtime_table_size(context, &kept->table);
    if (kept->entries == NULL || size != kept->size) {
        free(kept->entries);
        kept->entries = calloc(size + 1, sizeof *kept->entries);
    }
    kept->size = size;
    for (uint64_t i = 0; kept->entries != NULL && i < size; i++)
        kept->entries[i] = read_entry(context, &kept->table, i);
    return kept->entries != NULL;
}

bh_status bhi_state_keep(bhi_state *state, wasmtime_context_t *context, bh_error *reterr)
{
    for (uint32_t i = 0; i < state->globals_count; i++)
        wasmtime_global_get(context, &state->globals[i].global, &state->globals[i].value);
    for (uint32_t i = 0; i < state->tables_count; i++)
        if (!keep_table(&state->tables[i], context))
            return bhi_fail(reterr, BH_E_NOMEM, "no memory for an instance's tables");
    return BH_OK;
}

/* ---- restoring ---- */

static void restore_global(const bhi_kept_global *kept, wasmtime_context_t *context)
{
    wasmtime_val_t now;
    wasmtime_global_get(context, &kept->global, &now);
    if (is_same(&now, &kept->value))
        return;
    wasmtime_error_t *error = wasmtime_global_set(context, &kept->global, &kept->value);
    BHI_ASSERT(error == NULL); /* it is mutable and of this type */
}

static bool restore_table(const bhi_kept_table *kept, wasmtime_context_t *context)
{
    if (wasmtime_table_size(context, &kept->table) != kept->size)
        return false;
    for (uint64_t i = 0; i < kept->size; i++) {
        wasmtime_func_t now = read_entry(context, &kept->table, i);
        if (is_same_func(&now, &kept->entries[i]))
            continue;
        wasmtime_val_t value = {.kind = WASMTIME_FUNCREF, .of.funcref = kept->entries[i]};
        wasmtime_error_t *error = wasmtime_table_set(context, &kept->table, i, &value);
        BHI_ASSERT(error == NULL); /* it came from there */
    }
    return true;
}

bool bhi_state_restore(const bhi_state *state, wasmtime_context_t *context)
{
    for (uint32_t i = 0; i < state->globals_count; i++)
        restore_global(&state->globals[i], context);
    bool is_restored = true;
    for (uint32_t i = 0; i < state->tables_count && is_restored; i++)
        is_restored = restore_table(&state->tables[i], context);
    return is_restored;
}

/* ---- comparing ---- */

static bool is_table_as_kept(const bhi_kept_table *kept, wasmtime_context_t *context)
{
    bool is_same_table = wasmtime_table_size(context, &kept->table) == kept->size;
    for (uint64_t i = 0; i < kept->size && is_same_table; i++) {
        wasmtime_func_t now = read_entry(context, &kept->table, i);
        is_same_table = is_same_func(&now, &kept->entries[i]);
    }
    return is_same_table;
}

static bool are_globals_as_kept(const bhi_state *state, wasmtime_context_t *context,
                                bool only_references)
{
    for (uint32_t i = 0; i < state->globals_count; i++) {
        const bhi_kept_global *kept = &state->globals[i];
        if (only_references && kept->value.kind != WASMTIME_FUNCREF)
            continue;
        wasmtime_val_t now;
        wasmtime_global_get(context, &kept->global, &now);
        if (!is_same(&now, &kept->value))
            return false;
    }
    return true;
}

static bool are_tables_as_kept(const bhi_state *state, wasmtime_context_t *context)
{
    for (uint32_t i = 0; i < state->tables_count; i++)
        if (!is_table_as_kept(&state->tables[i], context))
            return false;
    return true;
}

bool bhi_state_is_as_kept(const bhi_state *state, wasmtime_context_t *context)
{
    return are_globals_as_kept(state, context, false) && are_tables_as_kept(state, context);
}

bool bhi_state_has_kept_references(const bhi_state *state, wasmtime_context_t *context)
{
    return are_globals_as_kept(state, context, true) && are_tables_as_kept(state, context);
}
