/* wasm/restorability.c - the questions whose answers decide, in order; the first "no" is final. */
#include "wasm/restorability.h"

#include <stdarg.h>
#include <stdio.h>

#include "wasm/sections.h"

const char *bhi_restorable_name(bhi_restorable restorable)
{
    static const char *const names[] = {"yes", "yes, with its tables", "no"};
    return (unsigned)restorable < sizeof names / sizeof *names ? names[restorable] : "unknown";
}

__attribute__((format(printf, 3, 4))) static void
judge(bhi_restorability *r, bhi_restorable restorable, const char *format, ...)
{
    if (r->restorable >= restorable)
        return;
    r->restorable = restorable;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->reason, sizeof r->reason, format, arguments);
    va_end(arguments);
}

static void judge_imports(bhi_restorability *r, const bhi_wasm_module *module)
{
    if (module->imported_memories > 0)
        judge(r, BHI_RESTORABLE_NO, "it imports a memory, whose owner is elsewhere");
    if (module->imported_tables > 0)
        judge(r, BHI_RESTORABLE_NO, "it imports a table, whose owner is elsewhere");
    for (uint32_t i = 0; i < module->imports_count; i++)
        if (module->imports[i].kind == BHI_WASM_GLOBAL && module->imports[i].is_mutable)
            judge(r, BHI_RESTORABLE_NO, "it imports a mutable global, whose owner is elsewhere");
}

static void judge_memories(bhi_restorability *r, const bhi_wasm_module *module)
{
    if (r->memories > 1)
        judge(r, BHI_RESTORABLE_NO, "it has %u memories", r->memories);
    for (uint32_t i = 0; i < module->memories_count; i++) {
        const bhi_wasm_limits *memory = &module->memories[i];
        if (memory->is_shared)
            judge(r, BHI_RESTORABLE_NO, "memory %u is shared between threads", i);
        if (memory->is_64)
            judge(r, BHI_RESTORABLE_NO, "memory %u has 64-bit addresses", i);
        if (memory->page_bytes_log2 != 16)
            judge(r, BHI_RESTORABLE_NO, "memory %u has pages of another size than 64 KiB", i);
    }
}

/* Numbers, vectors and function references can be read and written back; others hold objects. */
static void judge_globals(bhi_restorability *r, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->globals_count; i++) {
        const bhi_wasm_global *global = &module->globals[i];
        bool is_known =
            global->value_type >= BHI_WASM_V128 || global->value_type == BHI_WASM_FUNCREF;
        if (global->is_mutable && !is_known)
            judge(r, BHI_RESTORABLE_NO, "global %u is mutable and holds a reference to an object",
                  module->imported_globals + i);
    }
}

static void judge_tables(bhi_restorability *r, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->tables_count; i++) {
        if (module->tables[i].element_type != BHI_WASM_FUNCREF)
            judge(r, BHI_RESTORABLE_NO, "table %u holds something else than functions",
                  module->imported_tables + i);
        if (module->tables[i].limits.is_64 || module->tables[i].limits.is_shared)
            judge(r, BHI_RESTORABLE_NO, "table %u is shared or has 64-bit indices",
                  module->imported_tables + i);
    }
}

static void judge_code(bhi_restorability *r)
{
    static const bhi_restorable verdicts[BHI_CODE_CHANGES] = {
        [BHI_CODE_TABLE_SET] = BHI_RESTORABLE_TABLES,
        [BHI_CODE_TABLE_INIT] = BHI_RESTORABLE_TABLES,
        [BHI_CODE_TABLE_COPY] = BHI_RESTORABLE_TABLES,
        [BHI_CODE_TABLE_FILL] = BHI_RESTORABLE_TABLES,
        [BHI_CODE_TABLE_GROW] = BHI_RESTORABLE_TABLES,
        [BHI_CODE_ELEM_DROP] = BHI_RESTORABLE_NO, /* a dropped segment does not come back */
        [BHI_CODE_DATA_DROP] = BHI_RESTORABLE_NO,
    };
    for (unsigned i = 0; i < BHI_CODE_CHANGES; i++)
        if (r->scan.counts[i] > 0)
            judge(r, verdicts[i], "its code has %s, first at byte %zu",
                  bhi_code_change_name((bhi_code_change)i), r->scan.first_place[i]);
}

static void judge_amounts(bhi_restorability *r, const bhi_wasm_module *module)
{
    if (r->globals_mutable > BHI_RESTORABLE_GLOBALS_MAX)
        judge(r, BHI_RESTORABLE_NO, "it has %u mutable globals, more than %d", r->globals_mutable,
              BHI_RESTORABLE_GLOBALS_MAX);
    if (r->restorable != BHI_RESTORABLE_TABLES)
        return;
    uint64_t entries = 0; /* cannot overflow: other tables than 32-bit ones were refused */
    for (uint32_t i = 0; i < module->tables_count; i++)
        entries += module->tables[i].limits.min;
    if (entries > BHI_RESTORABLE_TABLE_ENTRIES_MAX)
        judge(r, BHI_RESTORABLE_NO, "its code changes tables of %llu entries, more than %d",
              (unsigned long long)entries, BHI_RESTORABLE_TABLE_ENTRIES_MAX);
}

/* One mark per global, since one may be exported several times. */
static bh_status count_globals(bhi_restorability *r, const bhi_wasm_module *module,
                               bhi_arena *arena, bh_error *reterr)
{
    uint32_t total = module->imported_globals + module->globals_count;
    bool *is_exported = bhi_arena_calloc(arena, total, sizeof *is_exported);
    if (is_exported == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to judge a module");
    for (uint32_t i = 0; i < module->exports_count; i++)
        if (module->exports[i].kind == BHI_WASM_GLOBAL)
            is_exported[module->exports[i].index] = true;
    uint32_t at = 0;
    for (uint32_t i = 0; i < module->imports_count; i++) {
        if (module->imports[i].kind != BHI_WASM_GLOBAL)
            continue;
        r->globals_mutable += module->imports[i].is_mutable;
        r->globals_mutable_exported += module->imports[i].is_mutable && is_exported[at];
        at++;
    }
    for (uint32_t i = 0; i < module->globals_count; i++) {
        r->globals_mutable += module->globals[i].is_mutable;
        r->globals_mutable_exported += module->globals[i].is_mutable && is_exported[at + i];
    }
    return BH_OK;
}

bh_status bhi_restorability_read(const bhi_wasm_module *module, bhi_arena *arena,
                                 bhi_restorability *ret_restorability, bh_error *reterr)
{
    bhi_restorability r = {
        .memories = module->imported_memories + module->memories_count,
        .tables = module->imported_tables + module->tables_count,
    };
    bh_status status = bhi_code_scan_read(module, &r.scan, reterr);
    if (status == BH_OK)
        status = count_globals(&r, module, arena, reterr);
    if (status != BH_OK)
        return status;
    judge_imports(&r, module);
    judge_memories(&r, module);
    judge_globals(&r, module);
    judge_tables(&r, module);
    judge_code(&r);
    judge_amounts(&r, module);
    *ret_restorability = r;
    return BH_OK;
}
