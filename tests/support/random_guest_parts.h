/* support/random_guest_parts.h - what random_guest.c (the module) shares with the files that write
 * the bodies of its operations: choices made first, and the indices that they settle. */
#ifndef TEST_RANDOM_GUEST_PARTS_H
#define TEST_RANDOM_GUEST_PARTS_H

#include "support/random_guest.h"

enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b, FUNCREF = 0x70, END = 0x0b };
enum { EMPTY_BLOCK = 0x40 };

enum {
    TYPE_LOG,     /* (i32 i32 i32) -> () */
    TYPE_CLOCK,   /* () -> i64 */
    TYPE_RANDOM,  /* (i64 i32) -> () */
    TYPE_REALLOC, /* (i32 i32 i32 i32) -> i32, of the hook too */
    TYPE_VOID,    /* () -> () */
    TYPE_OP,      /* (i32 i32) -> i32 */
    TYPE_OTHER,   /* (i64) -> i64 */
    TYPE_POST,    /* (i32) -> () */
    TYPES
};

enum {
    FUNC_LOG,
    FUNC_CONFIG,
    FUNC_CLOCK,
    FUNC_RANDOM,
    FUNC_SLEEP,
    IMPORTS,
    FUNC_REALLOC = IMPORTS,
    FUNC_HOOK,
    FUNC_POST,
    FUNC_INITIALIZE,
    FUNC_START,
    FUNC_LEAF, /* three of TYPE_OP, and the last tail-calls the first: what tables hold */
    FUNC_TAIL = FUNC_LEAF + 3,
    FUNC_OTHER, /* of TYPE_OTHER */
    FUNC_OPS
};

enum {
    GLOBAL_HEAP,
    GLOBAL_COVERAGE, /* i64 */
    GLOBAL_SUM,      /* i64: what the answer is made of */
    GLOBAL_I32,
    GLOBAL_I64,
    GLOBAL_F32,
    GLOBAL_F64,
    GLOBAL_V128,
    GLOBAL_FUNC,
    GLOBAL_NAN,        /* f32 */
    GLOBAL_MINUS_ZERO, /* f64 */
    GLOBALS_MUTABLE,
    GLOBAL_CONSTANT = GLOBALS_MUTABLE, /* i32 */
    GLOBALS
};

/* Locals of every body that statements are written into. */
enum { LOCAL_A, LOCAL_B, LOCAL_SUM, LOCAL_T, LOCAL_N, LOCAL_V };

/* Places after `scratch` that the guest keeps its own things in. */
enum { AT_RESULT = 16, AT_ACTION = 48, AT_TEXT = 64, AT_KEY = 96, AT_AREA = 112, SCRATCH = 256 };

enum { PASSIVE_BYTES = 32, PASSIVE_FUNCS = 6, TABLE_SIZE_MIN = 8 };

typedef struct generator {
    random_numbers random;
    random_guest *guest;
    uint32_t memory_min, memory_max; /* wasm pages; the maximum 0: none is declared */
    uint32_t scratch, heap;
    uint32_t tables_count; /* 1 or 2 */
    uint32_t table_sizes[2];
    uint32_t data_active, elements_active; /* segments; a passive one follows each */
    bool changes_tables, grows_tables, drops;
    bool initialises_tables; /* _initialize or the start function changes one */
    bool is_initialising;    /* the body being written runs then */
} generator;

static inline uint32_t below(generator *g, uint32_t end)
{
    return random_below(&g->random, end);
}

static inline uint32_t memory_min_bytes(const generator *g)
{
    return (g->memory_min == 0 ? 1 : g->memory_min) << 16; /* the first call grows it from 0 */
}

/* ---- random_operands.c: each leaves what it names on the stack ---- */

/* Mix the i64, or the i32, or a lane of the v128 on the stack into the sum. */
void put_mix(wasm_writer *w);
void put_mix_i32(wasm_writer *w);
void put_mix_lane(wasm_writer *w, uint8_t lane);

/* The sum: 32 bits of it, or a vector of it. */
void put_sum_i32(wasm_writer *w);
void put_sum_v128(wasm_writer *w);

/* One of the operands; and-ed with the mask; below `end`. */
void put_operand(generator *g, wasm_writer *w);
void put_masked(generator *g, wasm_writer *w, uint32_t mask);
void put_index(generator *g, wasm_writer *w, uint32_t end);

/* memory.size in bytes */
void put_memory_bytes(wasm_writer *w);
/* An address that `room` bytes follow: some random one, or the one on the stack reduced. */
void put_address(generator *g, wasm_writer *w, uint32_t room);
void put_reduce(wasm_writer *w, uint32_t room);

/* A function for tables and globals, or null. */
void put_reference(generator *g, wasm_writer *w);

/* Set the feature's bit in the coverage global. */
void put_cover(wasm_writer *w, guest_feature feature);

/* Count LOCAL_N down and go round again while it is positive; closes the loop. */
void put_loop_end(wasm_writer *w);

/* ---- random_memory.c: statements ---- */

void put_load(generator *g, wasm_writer *w);
void put_store(generator *g, wasm_writer *w);
void put_load_v128(generator *g, wasm_writer *w);
void put_store_v128(generator *g, wasm_writer *w);
void put_store_lane(generator *g, wasm_writer *w);
void put_store_across(generator *g, wasm_writer *w);
void put_store_many(generator *g, wasm_writer *w);
void put_memory_size(generator *g, wasm_writer *w);
void put_memory_grow(generator *g, wasm_writer *w);
void put_memory_fill(generator *g, wasm_writer *w);
void put_memory_copy(generator *g, wasm_writer *w);
void put_memory_init(generator *g, wasm_writer *w);
void put_store_past_end(generator *g, wasm_writer *w);

/* ---- random_statements.c ---- */

/* One random statement, which leaves nothing on the stack; or the one of a feature. */
void put_statement(generator *g, wasm_writer *w);
void put_feature(generator *g, wasm_writer *w, guest_feature feature);

#endif
