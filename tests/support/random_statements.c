/* support/random_statements.c - statements on globals and tables, calls, traps; and the table that
 * chooses among all. Those on memory are in random_memory.c. */
#include "support/random_guest_parts.h"

enum { TRAP_CHANCE = 64 };

/* ---- globals ---- */

static void put_global_i32(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x23, GLOBAL_I32);
    put_sum_i32(w);
    WASM(w, 0x6a);
    wasm_indexed(w, 0x24, GLOBAL_I32);
    wasm_indexed(w, 0x23, GLOBAL_I32);
    put_mix_i32(w);
}

static void put_global_i64(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x23, GLOBAL_I64);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0x7c); /* i64.add */
    wasm_indexed(w, 0x24, GLOBAL_I64);
    wasm_indexed(w, 0x23, GLOBAL_I64);
    put_mix(w);
}

static void put_global_f32(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x23, GLOBAL_F32);
    WASM(w, 0xbc);
    put_mix_i32(w);
    put_sum_i32(w);
    WASM(w, 0xbe);
    wasm_indexed(w, 0x24, GLOBAL_F32);
}

static void put_global_f64(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x23, GLOBAL_F64);
    WASM(w, 0xbd);
    put_mix(w);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0xbf);
    wasm_indexed(w, 0x24, GLOBAL_F64);
}

/* Quiet or signalling: the bits count. */
static void put_global_nan(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x23, GLOBAL_NAN);
    WASM(w, 0xbc);
    put_mix_i32(w);
    put_masked(g, w, 0x807fffff);
    wasm_i32(w, 0x7f800001);
    WASM(w, 0x72, 0xbe); /* i32.or, f32.reinterpret_i32 */
    wasm_indexed(w, 0x24, GLOBAL_NAN);
}

static void put_global_minus_zero(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x23, GLOBAL_MINUS_ZERO);
    WASM(w, 0xbd);
    put_mix(w);
    WASM(w, 0x44, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(below(g, 2) == 0 ? 0x80 : 0));
    wasm_indexed(w, 0x24, GLOBAL_MINUS_ZERO);
}

static void put_global_v128(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x23, GLOBAL_V128);
    put_mix_lane(w, (uint8_t)below(g, 2));
    wasm_indexed(w, 0x23, GLOBAL_V128);
    if (below(g, 2) == 0) { /* one half, or both */
        wasm_indexed(w, 0x20, LOCAL_SUM);
        WASM(w, 0xfd, 0x1e, (uint8_t)below(g, 2)); /* i64x2.replace_lane */
    } else {
        put_sum_v128(w);
        WASM(w, 0xfd, 0xce, 0x01); /* i64x2.add */
    }
    wasm_indexed(w, 0x24, GLOBAL_V128);
}

static void put_global_func(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x23, GLOBAL_FUNC);
    WASM(w, 0xd1); /* ref.is_null */
    put_mix_i32(w);
    if (g->is_initialising && !g->initialises_tables)
        return;
    put_reference(g, w);
    wasm_indexed(w, 0x24, GLOBAL_FUNC);
}

static void put_global_constant(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x23, GLOBAL_CONSTANT);
    put_mix_i32(w);
}

/* ---- tables ---- */

static uint32_t some_table(generator *g)
{
    return below(g, g->tables_count);
}

static void put_table_get(generator *g, wasm_writer *w)
{
    uint32_t table = some_table(g);
    put_index(g, w, g->table_sizes[table]);
    wasm_indexed(w, 0x25, table);
    WASM(w, 0xd1);
    put_mix_i32(w);
    wasm_prefixed(w, 0xfc, 16); /* table.size */
    wasm_put_u32(w, table);
    put_mix_i32(w);
}

static void put_table_set(generator *g, wasm_writer *w)
{
    uint32_t table = some_table(g);
    put_index(g, w, g->table_sizes[table]);
    put_reference(g, w);
    wasm_indexed(w, 0x26, table);
}

static void put_table_fill(generator *g, wasm_writer *w)
{
    uint32_t table = some_table(g);
    put_index(g, w, g->table_sizes[table] - 3);
    put_reference(g, w);
    put_masked(g, w, 3);
    wasm_prefixed(w, 0xfc, 17);
    wasm_put_u32(w, table);
}

static void put_table_copy(generator *g, wasm_writer *w)
{
    uint32_t to = some_table(g), from = some_table(g);
    put_index(g, w, g->table_sizes[to] - 3);
    put_index(g, w, g->table_sizes[from] - 3);
    put_masked(g, w, 3);
    wasm_prefixed(w, 0xfc, 14);
    wasm_put_u32(w, to);
    wasm_put_u32(w, from);
}

static void put_table_init(generator *g, wasm_writer *w)
{
    uint32_t table = some_table(g);
    put_index(g, w, g->table_sizes[table] - 3);
    put_index(g, w, PASSIVE_FUNCS - 3);
    put_masked(g, w, 3);
    wasm_prefixed(w, 0xfc, 12);
    wasm_put_u32(w, g->elements_active);
    wasm_put_u32(w, table);
}

/* Seldom: after it the instance is not restored but replaced. */
static void put_table_grow(generator *g, wasm_writer *w)
{
    put_reference(g, w);
    put_masked(g, w, 15);
    WASM(w, 0x45);
    wasm_prefixed(w, 0xfc, 15);
    wasm_put_u32(w, some_table(g));
    put_mix_i32(w);
}

/* ---- calls and loops ---- */

static void put_call_of(wasm_writer *w, uint32_t func)
{
    wasm_indexed(w, 0x20, LOCAL_A);
    wasm_indexed(w, 0x20, LOCAL_B);
    wasm_indexed(w, 0x10, func);
    put_mix_i32(w);
}

static void put_call(generator *g, wasm_writer *w)
{
    put_call_of(w, FUNC_LEAF + below(g, 3));
}

static void put_return_call(generator *g, wasm_writer *w)
{
    (void)g;
    put_call_of(w, FUNC_TAIL);
}

/* An entry that holds a function of the right type at first. */
static void put_call_indirect(generator *g, wasm_writer *w)
{
    uint32_t index = below(g, 3);
    wasm_i32(w, index);
    WASM(w, 0x25, 0, 0xd1, 0x45, 0x04, EMPTY_BLOCK); /* table.get, is_null, eqz, if */
    wasm_indexed(w, 0x20, LOCAL_A);
    wasm_indexed(w, 0x20, LOCAL_B);
    wasm_i32(w, index);
    WASM(w, 0x11, TYPE_OP, 0);
    put_mix_i32(w);
    WASM(w, END);
}

static void put_loop(generator *g, wasm_writer *w)
{
    uint32_t base = below(g, memory_min_bytes(g) - 64 * 512);
    put_masked(g, w, 63);
    wasm_indexed(w, 0x21, LOCAL_N);
    WASM(w, 0x03, EMPTY_BLOCK);
    wasm_indexed(w, 0x20, LOCAL_N);
    wasm_i32(w, 1 + below(g, 500));
    WASM(w, 0x6c);
    wasm_i32(w, base);
    WASM(w, 0x6a);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0x3c, 0, 0); /* i64.store8 */
    wasm_indexed(w, 0x20, LOCAL_SUM);
    wasm_i64(w, random_u64(&g->random));
    WASM(w, 0x7c);
    wasm_indexed(w, 0x21, LOCAL_SUM);
    put_loop_end(w);
}

/* Short, unless the second operand is all ones. */
static void put_spin(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x20, LOCAL_A);
    wasm_i32(w, 0xfffff);
    wasm_i32(w, 0x3ff);
    wasm_indexed(w, 0x20, LOCAL_B);
    wasm_i32(w, UINT32_MAX);
    WASM(w, 0x46, 0x1b, 0x71); /* i32.eq, select, i32.and */
    wasm_indexed(w, 0x21, LOCAL_N);
    WASM(w, 0x03, EMPTY_BLOCK);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    wasm_i64(w, random_u64(&g->random) | 1);
    WASM(w, 0x7e); /* i64.mul */
    wasm_i64(w, 1);
    WASM(w, 0x7c);
    wasm_indexed(w, 0x21, LOCAL_SUM);
    put_loop_end(w);
}

/* ---- host calls ---- */

static void put_place(const generator *g, wasm_writer *w, uint32_t at)
{
    wasm_i32(w, g->scratch + at);
}

static void put_load_at(const generator *g, wasm_writer *w, uint32_t at)
{
    put_place(g, w, at);
    WASM(w, 0x28, 0, 0);
}

static void put_host_log(generator *g, wasm_writer *w)
{
    put_place(g, w, AT_KEY); /* four letters */
    put_sum_i32(w);
    wasm_i32(w, 0x0f0f0f0f);
    WASM(w, 0x71);
    wasm_i32(w, 0x61616161);
    WASM(w, 0x6a, 0x36, 0, 0);
    put_masked(g, w, 3);
    put_place(g, w, AT_KEY);
    wasm_i32(w, 4);
    wasm_indexed(w, 0x10, FUNC_LOG);
}

/* "key0" to "key3" */
static void put_host_config(generator *g, wasm_writer *w)
{
    put_place(g, w, AT_KEY);
    put_masked(g, w, 3);
    wasm_i32(w, 24);
    WASM(w, 0x74);
    wasm_i32(w, 0x3079656b);
    WASM(w, 0x6a, 0x36, 0, 0);
    put_place(g, w, AT_KEY);
    wasm_i32(w, 4);
    put_place(g, w, AT_AREA);
    wasm_indexed(w, 0x10, FUNC_CONFIG);
    put_load_at(g, w, AT_AREA + 4); /* is there a value? */
    WASM(w, 0x04, EMPTY_BLOCK);
    put_load_at(g, w, AT_AREA + 12); /* its length */
    put_mix_i32(w);
    put_load_at(g, w, AT_AREA + 8);
    WASM(w, 0x28, 0, 0);
    put_mix_i32(w);
    WASM(w, END);
}

static void put_host_clock(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_indexed(w, 0x10, FUNC_CLOCK);
    put_mix(w);
}

static void put_host_random(generator *g, wasm_writer *w)
{
    put_masked(g, w, below(g, 2) == 0 ? 0xfff : 0x1f);
    wasm_i32(w, 8);
    WASM(w, 0x72, 0xad);
    put_place(g, w, AT_AREA);
    wasm_indexed(w, 0x10, FUNC_RANDOM);
    put_load_at(g, w, AT_AREA + 4);
    WASM(w, 0x29, 0, 0);
    put_mix(w);
}

static void put_host_sleep(generator *g, wasm_writer *w)
{
    wasm_i64(w, 1);
    put_place(g, w, AT_AREA);
    wasm_indexed(w, 0x10, FUNC_SLEEP);
    put_load_at(g, w, AT_AREA);
    put_mix_i32(w);
}

/* ---- traps ---- */

static void put_trap_load(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_i32(w, 0xfffffff0);
    WASM(w, 0x28, 0, 31, 0x1a);
}

static void put_trap_bulk(generator *g, wasm_writer *w)
{
    put_memory_bytes(w);
    wasm_i32(w, 1 + below(g, 60));
    WASM(w, 0x6b);
    wasm_i32(w, 0x55);
    wasm_i32(w, 64);
    wasm_prefixed(w, 0xfc, 11);
    WASM(w, 0);
}

static void put_trap_divide(generator *g, wasm_writer *w)
{
    put_operand(g, w);
    wasm_i32(w, 0);
    WASM(w, 0x6e, 0x1a); /* i32.div_u, drop */
}

static void put_trap_type(generator *g, wasm_writer *w)
{
    (void)g;
    wasm_i64(w, 1);
    wasm_i32(w, 0);
    WASM(w, 0x11, TYPE_OTHER, 0, 0x1a);
}

static void put_trap_null(generator *g, wasm_writer *w)
{
    wasm_i64(w, 1);
    wasm_i32(w, g->table_sizes[0] - 1);
    WASM(w, 0x11, TYPE_OTHER, 0, 0x1a);
}

static void put_trap_table(generator *g, wasm_writer *w)
{
    put_operand(g, w);
    wasm_i32(w, 0x40000000);
    WASM(w, 0x72, 0x25, 0, 0x1a); /* i32.or, table.get, drop */
    (void)g;
}

static void put_trap_unreachable(generator *g, wasm_writer *w)
{
    (void)g;
    WASM(w, 0x00);
}

/* ---- segments ---- */

static void put_data_drop(generator *g, wasm_writer *w)
{
    wasm_prefixed(w, 0xfc, 9);
    wasm_put_u32(w, g->data_active);
}

static void put_elem_drop(generator *g, wasm_writer *w)
{
    wasm_prefixed(w, 0xfc, 13);
    wasm_put_u32(w, g->elements_active);
}

/* ---- choosing ---- */

typedef enum statement_kind { ALWAYS, IN_CALLS, TABLES, GROWS, DROPS, TRAPS, NEVER } statement_kind;

typedef struct statement {
    statement_kind kind;
    void (*put)(generator *g, wasm_writer *w);
} statement;

static const statement statements[GUEST_FEATURES_COUNT] = {
    [GUEST_LOAD] = {ALWAYS, put_load},
    [GUEST_STORE] = {ALWAYS, put_store},
    [GUEST_LOAD_V128] = {ALWAYS, put_load_v128},
    [GUEST_STORE_V128] = {ALWAYS, put_store_v128},
    [GUEST_STORE_LANE] = {ALWAYS, put_store_lane},
    [GUEST_STORE_ACROSS] = {ALWAYS, put_store_across},
    [GUEST_STORE_MANY] = {ALWAYS, put_store_many},
    [GUEST_MEMORY_SIZE] = {ALWAYS, put_memory_size},
    [GUEST_MEMORY_GROW] = {ALWAYS, put_memory_grow},
    [GUEST_GROW_REFUSED] = {NEVER, NULL}, /* by memory.grow, as is the next */
    [GUEST_GROWN_READ] = {NEVER, NULL},
    [GUEST_MEMORY_FILL] = {ALWAYS, put_memory_fill},
    [GUEST_MEMORY_COPY] = {ALWAYS, put_memory_copy},
    [GUEST_MEMORY_INIT] = {ALWAYS, put_memory_init},
    [GUEST_GLOBAL_I32] = {ALWAYS, put_global_i32},
    [GUEST_GLOBAL_I64] = {ALWAYS, put_global_i64},
    [GUEST_GLOBAL_F32] = {ALWAYS, put_global_f32},
    [GUEST_GLOBAL_F64] = {ALWAYS, put_global_f64},
    [GUEST_GLOBAL_NAN] = {ALWAYS, put_global_nan},
    [GUEST_GLOBAL_MINUS_ZERO] = {ALWAYS, put_global_minus_zero},
    [GUEST_GLOBAL_V128] = {ALWAYS, put_global_v128},
    [GUEST_GLOBAL_FUNC] = {ALWAYS, put_global_func},
    [GUEST_GLOBAL_CONSTANT] = {ALWAYS, put_global_constant},
    [GUEST_TABLE_GET] = {ALWAYS, put_table_get},
    [GUEST_TABLE_SET] = {TABLES, put_table_set},
    [GUEST_TABLE_FILL] = {TABLES, put_table_fill},
    [GUEST_TABLE_COPY] = {TABLES, put_table_copy},
    [GUEST_TABLE_INIT] = {TABLES, put_table_init},
    [GUEST_TABLE_GROW] = {GROWS, put_table_grow},
    [GUEST_CALL] = {ALWAYS, put_call},
    [GUEST_CALL_INDIRECT] = {IN_CALLS, put_call_indirect},
    [GUEST_RETURN_CALL] = {ALWAYS, put_return_call},
    [GUEST_LOOP] = {ALWAYS, put_loop},
    [GUEST_SPIN] = {ALWAYS, put_spin},
    [GUEST_HOST_LOG] = {ALWAYS, put_host_log},
    [GUEST_HOST_CONFIG] = {ALWAYS, put_host_config},
    [GUEST_HOST_CLOCK] = {ALWAYS, put_host_clock},
    [GUEST_HOST_RANDOM] = {ALWAYS, put_host_random},
    [GUEST_HOST_SLEEP] = {IN_CALLS, put_host_sleep},
    [GUEST_TRAP_UNREACHABLE] = {TRAPS, put_trap_unreachable},
    [GUEST_TRAP_LOAD] = {TRAPS, put_trap_load},
    [GUEST_TRAP_STORE] = {TRAPS, put_store_past_end},
    [GUEST_TRAP_BULK] = {TRAPS, put_trap_bulk},
    [GUEST_TRAP_DIVIDE] = {TRAPS, put_trap_divide},
    [GUEST_TRAP_TYPE] = {TRAPS, put_trap_type},
    [GUEST_TRAP_NULL] = {TRAPS, put_trap_null},
    [GUEST_TRAP_TABLE] = {TRAPS, put_trap_table},
    [GUEST_DATA_DROP] = {DROPS, put_data_drop},
    [GUEST_ELEM_DROP] = {DROPS, put_elem_drop},
};

static bool may_have(const generator *g, statement_kind kind)
{
    bool may_change_tables = !g->is_initialising || g->initialises_tables;
    switch (kind) {
    case ALWAYS:
        return true;
    case IN_CALLS:
    case TRAPS:
        return !g->is_initialising;
    case TABLES:
        return g->changes_tables && may_change_tables;
    case GROWS:
        return g->grows_tables && may_change_tables;
    case DROPS:
        return g->drops && !g->is_initialising;
    default:
        return false;
    }
}

/* What it makes of the module's class. */
static void judge(generator *g, statement_kind kind)
{
    bhi_restorable restorable = kind == DROPS                     ? BHI_RESTORABLE_NO
                                : kind == TABLES || kind == GROWS ? BHI_RESTORABLE_TABLES
                                                                  : BHI_RESTORABLE_YES;
    if (restorable > g->guest->restorable)
        g->guest->restorable = restorable;
}

void put_feature(generator *g, wasm_writer *w, guest_feature feature)
{
    const statement *chosen = &statements[feature];
    judge(g, chosen->kind);
    if (chosen->kind == TRAPS) { /* for few operands, and marked before */
        put_index(g, w, TRAP_CHANCE);
        wasm_i32(w, below(g, TRAP_CHANCE));
        WASM(w, 0x46, 0x04, EMPTY_BLOCK);
        put_cover(w, feature);
    }
    chosen->put(g, w);
    if (chosen->kind == TRAPS)
        WASM(w, END);
    else
        put_cover(w, feature);
}

void put_statement(generator *g, wasm_writer *w)
{
    guest_feature feature;
    do
        feature = (guest_feature)below(g, GUEST_FEATURES_COUNT);
    while (!may_have(g, statements[feature].kind));
    put_feature(g, w, feature);
}
