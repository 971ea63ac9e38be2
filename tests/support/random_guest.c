/* support/random_guest.c - the module around the statements: sections in their order, realloc, the
 * hook, and what initialises. */
#include <stdio.h>

#include "support/random_guest_parts.h"

const char *const guest_feature_texts[GUEST_FEATURES_COUNT] = {
#define X(name, text) [GUEST_##name] = text,
    GUEST_FEATURES(X)
#undef X
};

/* ---- choices ---- */

static void choose_memory(generator *g)
{
    static const uint32_t sizes[] = {0, 1, 1, 2, 3, 4, 6, 8, 20};
    g->memory_min = sizes[below(g, sizeof sizes / sizeof sizes[0])];
    if (below(g, 3) == 0)
        g->memory_max = (g->memory_min == 0 ? 1 : g->memory_min) + below(g, 4);
    g->scratch = 8 * below(g, (0x10000 - SCRATCH - 4096) / 8);
    g->heap = g->scratch + SCRATCH + below(g, 2000);
    uint32_t end = g->memory_min << 16;
    bool may_grow = g->memory_max == 0 || g->memory_max > g->memory_min;
    if (g->memory_min > 0 && below(g, 2) == 0)
        g->heap = end - (may_grow ? below(g, 4000) : 30000 + below(g, 4000));
    g->guest->memory_pages = g->memory_min;
}

static void choose(generator *g)
{
    random_guest *guest = g->guest;
    choose_memory(g);
    g->tables_count = 1 + below(g, 2);
    for (uint32_t i = 0; i < 2; i++)
        g->table_sizes[i] = TABLE_SIZE_MIN + below(g, 20);
    g->data_active = g->memory_min == 0 ? 0 : below(g, 6);
    g->elements_active = g->tables_count + below(g, 2);
    g->changes_tables = below(g, 2) == 0;
    g->grows_tables = g->changes_tables && below(g, 3) == 0;
    g->initialises_tables = below(g, 3) == 0;
    g->drops = below(g, 16) == 0;
    guest->has_initialize = below(g, 2) == 0;
    guest->has_start = below(g, 3) == 0;
    guest->ops_count = GUEST_OPS_FIXED + 6 + below(g, GUEST_OPS_MAX - GUEST_OPS_FIXED - 6);
    guest->funcs_count = FUNC_OPS + guest->ops_count;
}

/* ---- types, imports, functions ---- */

static void put_types(wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, TYPES);
    WASM(&body, 0x60, 3, I32, I32, I32, 0);
    WASM(&body, 0x60, 0, 1, I64);
    WASM(&body, 0x60, 2, I64, I32, 0);
    WASM(&body, 0x60, 4, I32, I32, I32, I32, 1, I32);
    WASM(&body, 0x60, 0, 0);
    WASM(&body, 0x60, 2, I32, I32, 1, I32);
    WASM(&body, 0x60, 1, I64, 1, I64);
    WASM(&body, 0x60, 1, I32, 0);
    wasm_put_section(w, 1, &body);
}

static void put_imports(wasm_writer *w)
{
    static const struct {
        const char *name;
        uint8_t type;
    } imports[IMPORTS] = {
        [FUNC_LOG] = {"log", TYPE_LOG},
        [FUNC_CONFIG] = {"get-config", TYPE_LOG},
        [FUNC_CLOCK] = {"clock-monotonic-ns", TYPE_CLOCK},
        [FUNC_RANDOM] = {"random-bytes", TYPE_RANDOM},
        [FUNC_SLEEP] = {"sleep-ns", TYPE_RANDOM},
    };
    wasm_writer body = {0};
    WASM(&body, IMPORTS);
    for (int i = 0; i < IMPORTS; i++) {
        wasm_put_name(&body, "astrid:sys/host@1.0.0");
        wasm_put_name(&body, imports[i].name);
        WASM(&body, 0, imports[i].type);
    }
    wasm_put_section(w, 2, &body);
}

static void put_functions(const generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    wasm_put_u32(&body, g->guest->funcs_count - IMPORTS);
    WASM(&body, TYPE_REALLOC, TYPE_REALLOC, TYPE_POST, TYPE_VOID, TYPE_VOID);
    WASM(&body, TYPE_OP, TYPE_OP, TYPE_OP, TYPE_OP, TYPE_OTHER);
    for (uint32_t i = 0; i < g->guest->ops_count; i++)
        WASM(&body, TYPE_OP);
    wasm_put_section(w, 3, &body);
}

/* ---- state ---- */

static void put_tables(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    wasm_put_u32(&body, g->tables_count);
    for (uint32_t i = 0; i < g->tables_count; i++) {
        bool has_max = below(g, 2) == 0;
        WASM(&body, FUNCREF, has_max);
        wasm_put_u32(&body, g->table_sizes[i]);
        if (has_max)
            wasm_put_u32(&body, g->table_sizes[i] + below(g, 3));
    }
    wasm_put_section(w, 4, &body);
}

static void put_memory(const generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, 1, g->memory_max != 0);
    wasm_put_u32(&body, g->memory_min);
    if (g->memory_max != 0)
        wasm_put_u32(&body, g->memory_max);
    wasm_put_section(w, 5, &body);
}

static void put_any_bits(generator *g, wasm_writer *w, size_t size)
{
    for (size_t i = 0; i < size; i++)
        WASM(w, (uint8_t)below(g, 256));
}

static void put_globals(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, GLOBALS, I32, 1);
    wasm_i32(&body, g->heap);
    WASM(&body, END, I64, 1, 0x42, 0, END, I64, 1); /* coverage, then the sum */
    wasm_i64(&body, random_u64(&g->random));
    WASM(&body, END, I32, 1);
    wasm_i32(&body, (uint32_t)random_u64(&g->random));
    WASM(&body, END, I64, 1);
    wasm_i64(&body, random_u64(&g->random));
    WASM(&body, END, F32, 1, 0x43);
    put_any_bits(g, &body, 4);
    WASM(&body, END, F64, 1, 0x44);
    put_any_bits(g, &body, 8);
    WASM(&body, END, V128, 1, 0xfd, 12);
    put_any_bits(g, &body, 16);
    WASM(&body, END, FUNCREF, 1);
    put_reference(g, &body);
    WASM(&body, END, F32, 1, 0x43, 0x01, 0x02, 0xa0, 0xff, END); /* signalling, negative */
    WASM(&body, F64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x80, END, I32, 0);
    wasm_i32(&body, (uint32_t)random_u64(&g->random));
    WASM(&body, END);
    wasm_put_section(w, 6, &body);
}

/* ---- exports ---- */

static void put_export(wasm_writer *w, const char *name, uint8_t kind, uint32_t index)
{
    wasm_put_name(w, name);
    WASM(w, kind);
    wasm_put_u32(w, index);
}

/* Every function, so that an entry of a table can be told by its index. */
static void put_function_exports(const generator *g, wasm_writer *w)
{
    char name[16];
    for (uint32_t i = 0; i < g->guest->funcs_count; i++) {
        snprintf(name, sizeof name, "f%u", i);
        put_export(w, name, 0, i);
    }
}

static void put_exports(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    bool has_post = below(g, 2) == 0;
    wasm_put_u32(&body, g->guest->funcs_count + 4 + has_post + g->guest->has_initialize);
    put_function_exports(g, &body);
    put_export(&body, "memory", 2, 0);
    put_export(&body, "coverage", 3, GLOBAL_COVERAGE);
    put_export(&body, "cabi_realloc", 0, FUNC_REALLOC);
    put_export(&body, "astrid-hook-trigger", 0, FUNC_HOOK);
    if (has_post)
        put_export(&body, "cabi_post_astrid-hook-trigger", 0, FUNC_POST);
    if (g->guest->has_initialize)
        put_export(&body, "_initialize", 0, FUNC_INITIALIZE);
    wasm_put_section(w, 7, &body);
}

/* ---- segments ---- */

/* A constant below `end`, at times as arithmetic. */
static void put_offset(generator *g, wasm_writer *w, uint32_t end)
{
    uint32_t offset = below(g, end), part = (uint32_t)random_u64(&g->random);
    switch (below(g, 4)) {
    case 0:
        wasm_i32(w, part);
        wasm_i32(w, offset - part);
        WASM(w, 0x6a);
        break;
    case 1:
        wasm_i32(w, offset / 3);
        wasm_i32(w, 3);
        WASM(w, 0x6c);
        wasm_i32(w, part);
        wasm_i32(w, part - offset % 3);
        WASM(w, 0x6b, 0x6a);
        break;
    default:
        wasm_i32(w, offset);
        break;
    }
    WASM(w, END);
}

/* The first three entries of table 0 are of the operations' type, its last is null. */
static void put_elements(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    wasm_put_u32(&body, g->elements_active + 1);
    WASM(&body, 0, 0x41, 0, END, 3, FUNC_LEAF, FUNC_LEAF + 1, FUNC_LEAF + 2);
    for (uint32_t i = 1; i < g->elements_active; i++) {
        uint32_t table = i % g->tables_count, count = 1 + below(g, 3);
        WASM(&body, 6); /* active, in a table, expressions */
        wasm_put_u32(&body, table);
        wasm_i32(&body, 3 + below(g, g->table_sizes[table] - 3 - count));
        WASM(&body, END, FUNCREF);
        wasm_put_u32(&body, count);
        for (uint32_t j = 0; j < count; j++) {
            put_reference(g, &body);
            WASM(&body, END);
        }
    }
    WASM(&body, 5, FUNCREF, PASSIVE_FUNCS);
    for (int i = 0; i < PASSIVE_FUNCS; i++) {
        put_reference(g, &body);
        WASM(&body, END);
    }
    wasm_put_section(w, 9, &body);
}

/* They overlap now and then, since all but the first are near a page's start. */
static void put_data(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    wasm_put_u32(&body, g->data_active + 1);
    for (uint32_t i = 0; i < g->data_active; i++) {
        bool is_anywhere = below(g, 2) == 0;
        WASM(&body, 0);
        put_offset(g, &body, is_anywhere ? (g->memory_min << 16) - 512 : 300);
        uint32_t len = below(g, 500);
        wasm_put_u32(&body, len);
        put_any_bits(g, &body, len);
    }
    WASM(&body, 1);
    wasm_put_u32(&body, PASSIVE_BYTES);
    put_any_bits(g, &body, PASSIVE_BYTES);
    wasm_put_section(w, 11, &body);
}

/* ---- functions ---- */

/* Takes the body. */
static void put_function(wasm_writer *w, wasm_writer *take_body)
{
    wasm_put_sized(w, take_body);
    wasm_deinit(take_body);
}

/* The parameters: old, old size, alignment, size. Never frees. */
static void put_realloc(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, 1, 1, I32);
    WASM(&body, 0x23, GLOBAL_HEAP, 0x20, 2, 0x6a, 0x41, 1, 0x6b, 0x41, 0, 0x20, 2, 0x6b, 0x71);
    WASM(&body, 0x22, 4, 0x20, 3, 0x6a, 0x24, GLOBAL_HEAP); /* the heap ends after it */
    WASM(&body, 0x23, GLOBAL_HEAP, 0x3f, 0, 0x41, 16, 0x74, 0x4b, 0x04, EMPTY_BLOCK);
    WASM(&body, 0x23, GLOBAL_HEAP, 0x3f, 0, 0x41, 16, 0x74, 0x6b);
    wasm_i32(&body, 65535);
    WASM(&body, 0x6a, 0x41, 16, 0x76, 0x40, 0, 0x41, 0x7f, 0x46);
    WASM(&body, 0x04, EMPTY_BLOCK, 0x00, END, END);
    if (below(g, 8) == 0) /* one more page for every eighth length */
        WASM(&body, 0x20, 3, 0x41, 7, 0x71, 0x41, 3, 0x46, 0x40, 0, 0x1a);
    WASM(&body, 0x20, 4, END);
    put_function(w, &body);
}

/* Locals of the hook after its parameters. */
enum { HOOK_PAYLOAD = 2, HOOK_PAYLOAD_LEN, HOOK_END, HOOK_OP, HOOK_A, HOOK_B };

/* A block for each operation; the innermost leads to the first. */
static void put_dispatch(const generator *g, wasm_writer *w)
{
    uint32_t count = g->guest->ops_count;
    WASM(w, 0x02, I32);
    for (uint32_t i = 0; i < count; i++)
        WASM(w, 0x02, EMPTY_BLOCK);
    wasm_indexed(w, 0x20, HOOK_OP);
    wasm_indexed(w, 0x0e, count - 1); /* br_table */
    for (uint32_t i = 0; i < count; i++)
        wasm_put_u32(w, i);
    for (uint32_t i = 0; i < count; i++) {
        WASM(w, END, 0x20, HOOK_A, 0x20, HOOK_B);
        wasm_indexed(w, 0x10, FUNC_OPS + i);
        wasm_indexed(w, 0x0c, count - 1 - i);
    }
    WASM(w, END);
}

static void put_records_loop(const generator *g, wasm_writer *w)
{
    WASM(w, 0x20, HOOK_PAYLOAD, 0x20, HOOK_PAYLOAD_LEN, 0x6a, 0x21, HOOK_END);
    WASM(w, 0x03, EMPTY_BLOCK, 0x20, HOOK_PAYLOAD, 0x41, GUEST_RECORD_BYTES, 0x6a);
    WASM(w, 0x20, HOOK_END, 0x4d, 0x04, EMPTY_BLOCK); /* i32.le_u, if */
    WASM(w, 0x20, HOOK_PAYLOAD, 0x2d, 0, 0);
    wasm_i32(w, g->guest->ops_count);
    WASM(w, 0x70, 0x21, HOOK_OP);
    WASM(w, 0x20, HOOK_PAYLOAD, 0x28, 0, 1, 0x21, HOOK_A);
    WASM(w, 0x20, HOOK_PAYLOAD, 0x28, 0, 5, 0x21, HOOK_B);
    WASM(w, 0x23, GLOBAL_SUM, 0x42, 5, 0x89);
    put_dispatch(g, w);
    WASM(w, 0xad, 0x85, 0x24, GLOBAL_SUM);
    WASM(w, 0x20, HOOK_PAYLOAD, 0x41, GUEST_RECORD_BYTES, 0x6a, 0x21, HOOK_PAYLOAD);
    WASM(w, 0x0c, 1, END, END);
}

static void put_store_at(const generator *g, wasm_writer *w, uint32_t at, uint32_t value)
{
    wasm_i32(w, g->scratch + at);
    wasm_i32(w, value);
    WASM(w, 0x36, 0, 0);
}

/* The action "go", and the sum in letters. */
static void put_answer(const generator *g, wasm_writer *w)
{
    put_store_at(g, w, AT_ACTION, 'g' | 'o' << 8);
    put_store_at(g, w, AT_RESULT, g->scratch + AT_ACTION);
    put_store_at(g, w, AT_RESULT + 4, 2);
    put_store_at(g, w, AT_RESULT + 8, 1);
    put_store_at(g, w, AT_RESULT + 12, g->scratch + AT_TEXT);
    put_store_at(g, w, AT_RESULT + 16, 16);
    for (uint32_t i = 0; i < 16; i++) {
        wasm_i32(w, g->scratch + AT_TEXT + i);
        WASM(w, 0x23, GLOBAL_SUM);
        wasm_i64(w, 4 * i);
        WASM(w, 0x88, 0xa7, 0x41, 15, 0x71); /* i64.shr_u */
        wasm_i32(w, 'a');
        WASM(w, 0x6a, 0x3a, 0, 0);
    }
    wasm_i32(w, g->scratch + AT_RESULT);
}

static void put_hook(const generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, 1, 4, I32);
    put_records_loop(g, &body);
    put_answer(g, &body);
    WASM(&body, END);
    put_function(w, &body);
}

static void put_post_return(wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, 0, 0x23, GLOBAL_I64, 0x42, 3, 0x7c, 0x24, GLOBAL_I64);
    WASM(&body, 0x20, 0, 0x23, GLOBAL_I32, 0x36, 2, 0, END);
    put_function(w, &body);
}

/* Its locals are those that statements expect. */
static void put_initialiser(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    WASM(&body, 4, 2, I32, 1, I64, 2, I32, 1, V128);
    WASM(&body, 0x3f, 0, 0x45, 0x40, 0, 0x1a); /* memory of no pages gets one */
    for (uint8_t local = LOCAL_A; local <= LOCAL_B; local++) {
        wasm_i32(&body, (uint32_t)random_u64(&g->random));
        WASM(&body, 0x21, local);
    }
    g->is_initialising = true;
    for (uint32_t i = 1 + below(g, 8); i > 0; i--)
        put_statement(g, &body);
    if (g->changes_tables && g->initialises_tables)
        put_feature(g, &body, GUEST_TABLE_SET);
    g->is_initialising = false;
    WASM(&body, END);
    put_function(w, &body);
}

static void put_leaves(wasm_writer *w)
{
    for (uint8_t i = 0; i < 3; i++) {
        wasm_writer leaf = {0};
        WASM(&leaf, 0, 0x20, 0, 0x41, i, 0x6a, 0x20, 1, 0x6c, END);
        put_function(w, &leaf);
    }
    wasm_writer tail = {0}, other = {0};
    WASM(&tail, 0, 0x20, 1, 0x20, 0, 0x12, FUNC_LEAF, END); /* return_call */
    put_function(w, &tail);
    WASM(&other, 0, 0x20, 0, 0x42, 9, 0x7e, END);
    put_function(w, &other);
}

static void put_edge(generator *g, wasm_writer *w)
{
    WASM(w, 0x20, LOCAL_B, 0x41, 0x7f, 0x46, 0x04, EMPTY_BLOCK);
    put_cover(w, GUEST_TRAP_STORE);
    put_store_past_end(g, w);
    WASM(w, END);
}

static void put_op(generator *g, wasm_writer *w, uint32_t op)
{
    wasm_writer body = {0};
    WASM(&body, 3, 1, I64, 2, I32, 1, V128);
    WASM(&body, 0x20, LOCAL_A, 0xad, 0x42, 32, 0x86, 0x20, LOCAL_B, 0xad, 0x84, 0x21, LOCAL_SUM);
    if (op == GUEST_OP_MANY)
        put_feature(g, &body, GUEST_STORE_MANY);
    else if (op == GUEST_OP_SPIN)
        put_feature(g, &body, GUEST_SPIN);
    else if (op == GUEST_OP_EDGE)
        put_edge(g, &body);
    for (uint32_t i = op < GUEST_OPS_FIXED ? 0 : 1 + below(g, 3); i > 0; i--)
        put_statement(g, &body);
    WASM(&body, 0x20, LOCAL_SUM, 0x20, LOCAL_SUM, 0x42, 32, 0x88, 0x85, 0xa7, END);
    put_function(w, &body);
}

static void put_code(generator *g, wasm_writer *w)
{
    wasm_writer body = {0};
    wasm_put_u32(&body, g->guest->funcs_count - IMPORTS);
    put_realloc(g, &body);
    put_hook(g, &body);
    put_post_return(&body);
    put_initialiser(g, &body);
    put_initialiser(g, &body);
    put_leaves(&body);
    for (uint32_t op = 0; op < g->guest->ops_count; op++)
        put_op(g, &body, op);
    wasm_put_section(w, 10, &body);
}

/* ---- the whole ---- */

void random_guest_init(random_guest *guest, uint64_t seed)
{
    *guest = (random_guest){.restorable = BHI_RESTORABLE_YES};
    generator g = {.random = {seed}, .guest = guest};
    wasm_writer *w = &guest->wasm;
    choose(&g);
    WASM(w, 0, 'a', 's', 'm', 1, 0, 0, 0);
    put_types(w);
    put_imports(w);
    put_functions(&g, w);
    put_tables(&g, w);
    put_memory(&g, w);
    put_globals(&g, w);
    put_exports(&g, w);
    if (guest->has_start) {
        wasm_writer start = {0};
        wasm_put_u32(&start, FUNC_START);
        wasm_put_section(w, 8, &start);
    }
    put_elements(&g, w);
    wasm_writer data_count = {0};
    wasm_put_u32(&data_count, g.data_active + 1);
    wasm_put_section(w, 12, &data_count);
    put_code(&g, w);
    put_data(&g, w);
}

void random_guest_deinit(random_guest *guest)
{
    wasm_deinit(&guest->wasm);
}

void random_guest_put_record(wasm_writer *payload, uint8_t op, uint32_t a, uint32_t b)
{
    WASM(payload, op);
    wasm_put(payload, &a, sizeof a);
    wasm_put(payload, &b, sizeof b);
}

void random_guest_put_records(wasm_writer *payload, random_numbers *r, uint32_t records)
{
    for (uint32_t i = random_below(r, records + 1); i > 0; i--) {
        uint64_t operands = random_u64(r);
        random_guest_put_record(payload, (uint8_t)random_below(r, 256), (uint32_t)operands,
                                (uint32_t)(operands >> 32));
    }
}
