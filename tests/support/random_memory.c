/* support/random_memory.c - statements that read, write and grow memory. */
#include "support/random_guest_parts.h"

enum { BULK_BYTES_MAX = 8192 };

/* Alignment up to the natural one, and a small offset. */
static void put_memarg(generator *g, wasm_writer *w, uint32_t natural_log2)
{
    wasm_put_u32(w, below(g, natural_log2 + 1));
    wasm_put_u32(w, below(g, 32));
}

void put_load(generator *g, wasm_writer *w)
{
    static const uint8_t natural[] = {2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2};
    uint32_t which = below(g, sizeof natural);
    put_address(g, w, 64);
    WASM(w, (uint8_t)(0x28 + which));
    put_memarg(g, w, natural[which]);
    if (which == 2)
        WASM(w, 0xbc); /* i32.reinterpret_f32 */
    if (which == 3)
        WASM(w, 0xbd); /* i64.reinterpret_f64 */
    if (which == 0 || which == 2 || (which >= 4 && which <= 7))
        WASM(w, 0xad);
    put_mix(w);
}

void put_store(generator *g, wasm_writer *w)
{
    static const uint8_t natural[] = {2, 3, 2, 3, 0, 1, 0, 1, 2};
    uint32_t which = below(g, sizeof natural);
    put_address(g, w, 64);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    if (which == 0 || which == 2 || which == 4 || which == 5)
        WASM(w, 0xa7);
    if (which == 2)
        WASM(w, 0xbe); /* f32.reinterpret_i32 */
    if (which == 3)
        WASM(w, 0xbf); /* f64.reinterpret_i64 */
    WASM(w, (uint8_t)(0x36 + which));
    put_memarg(g, w, natural[which]);
}

void put_load_v128(generator *g, wasm_writer *w)
{
    static const struct {
        uint8_t opcode, natural;
    } forms[] = {{0, 4}, {1, 3}, {2, 3}, {3, 3}, {4, 3},  {5, 3},
                 {6, 3}, {7, 0}, {8, 1}, {9, 2}, {10, 3}, {92, 2}};
    uint32_t which = below(g, sizeof forms / sizeof forms[0]);
    put_address(g, w, 64);
    wasm_prefixed(w, 0xfd, forms[which].opcode);
    put_memarg(g, w, forms[which].natural);
    wasm_indexed(w, 0x22, LOCAL_V);
    put_mix_lane(w, (uint8_t)below(g, 2));
}

void put_store_v128(generator *g, wasm_writer *w)
{
    put_address(g, w, 64);
    put_sum_v128(w);
    wasm_prefixed(w, 0xfd, 11);
    put_memarg(g, w, 4);
}

void put_store_lane(generator *g, wasm_writer *w)
{
    uint32_t log2 = below(g, 4);
    put_address(g, w, 64);
    put_sum_v128(w);
    wasm_prefixed(w, 0xfd, 88 + log2);
    put_memarg(g, w, log2);
    WASM(w, (uint8_t)below(g, 16 >> log2));
}

void put_store_across(generator *g, wasm_writer *w)
{
    bool is_wide = below(g, 2) == 0;
    uint32_t boundary = 4096 * (1 + below(g, memory_min_bytes(g) / 4096 - 1));
    wasm_i32(w, boundary - 1 - below(g, is_wide ? 15 : 7));
    if (is_wide)
        put_sum_v128(w);
    else
        wasm_indexed(w, 0x20, LOCAL_SUM);
    if (is_wide)
        wasm_prefixed(w, 0xfd, 11);
    else
        WASM(w, 0x37); /* i64.store */
    WASM(w, 0, 0);
}

void put_store_many(generator *g, wasm_writer *w)
{
    put_masked(g, w, 511);
    put_masked(g, w, 7);
    WASM(w, 0x76); /* i32.shr_u */
    wasm_indexed(w, 0x21, LOCAL_N);
    WASM(w, 0x03, EMPTY_BLOCK);
    wasm_indexed(w, 0x20, LOCAL_N);
    wasm_i32(w, below(g, 4) == 0 ? 8192 : 4096);
    WASM(w, 0x6c);
    put_masked(g, w, 0xfff);
    WASM(w, 0x6a);
    put_reduce(w, 64);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0x37, 0, 0);
    put_loop_end(w);
}

void put_memory_size(generator *g, wasm_writer *w)
{
    (void)g;
    WASM(w, 0x3f, 0);
    put_mix_i32(w);
}

/* In the last page. */
static void put_grown_address(wasm_writer *w)
{
    WASM(w, 0x3f, 0);
    wasm_i32(w, 1);
    WASM(w, 0x6b);
    wasm_i32(w, 16);
    WASM(w, 0x74);
    wasm_indexed(w, 0x20, LOCAL_A);
    wasm_i32(w, 0xfff8);
    WASM(w, 0x71, 0x6a);
}

/* What was grown is read first: it must be zeros. */
static void put_grown_read(wasm_writer *w)
{
    put_cover(w, GUEST_GROWN_READ);
    put_grown_address(w);
    WASM(w, 0x29, 3, 0); /* i64.load */
    put_mix(w);
    put_grown_address(w);
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0x37, 3, 0); /* i64.store */
}

/* Now and then by more than keeps its memory after a restore. */
void put_memory_grow(generator *g, wasm_writer *w)
{
    put_masked(g, w, 3);
    WASM(w, 0x45); /* i32.eqz */
    wasm_i32(w, below(g, 4) == 0 ? 6 : 1 + below(g, 2));
    WASM(w, 0x6c, 0x40, 0); /* i32.mul, memory.grow */
    wasm_indexed(w, 0x22, LOCAL_T);
    put_mix_i32(w);
    wasm_indexed(w, 0x20, LOCAL_T);
    wasm_i32(w, UINT32_MAX);
    WASM(w, 0x46, 0x04, EMPTY_BLOCK); /* i32.eq, if */
    put_cover(w, GUEST_GROW_REFUSED);
    WASM(w, 0x05); /* else */
    wasm_indexed(w, 0x20, LOCAL_T);
    WASM(w, 0x3f, 0, 0x49, 0x04, EMPTY_BLOCK); /* i32.lt_u memory.size, if */
    put_grown_read(w);
    WASM(w, END, END);
}

static void put_bulk_length(generator *g, wasm_writer *w)
{
    static const uint32_t masks[] = {0xf, 0xff, 0xfff, BULK_BYTES_MAX - 1};
    put_masked(g, w, masks[below(g, 4)]);
}

void put_memory_fill(generator *g, wasm_writer *w)
{
    put_address(g, w, BULK_BYTES_MAX);
    put_sum_i32(w);
    put_bulk_length(g, w);
    wasm_prefixed(w, 0xfc, 11);
    WASM(w, 0);
}

void put_memory_copy(generator *g, wasm_writer *w)
{
    put_address(g, w, BULK_BYTES_MAX);
    put_address(g, w, BULK_BYTES_MAX);
    put_bulk_length(g, w);
    wasm_prefixed(w, 0xfc, 10);
    WASM(w, 0, 0);
}

void put_memory_init(generator *g, wasm_writer *w)
{
    put_address(g, w, PASSIVE_BYTES);
    put_masked(g, w, PASSIVE_BYTES / 2 - 1);
    put_masked(g, w, PASSIVE_BYTES / 2 - 1);
    wasm_prefixed(w, 0xfc, 8);
    wasm_put_u32(w, g->data_active);
    WASM(w, 0);
}

/* The first bytes lie inside: none of them may be written. */
void put_store_past_end(generator *g, wasm_writer *w)
{
    put_memory_bytes(w);
    wasm_i32(w, 1 + below(g, 7));
    WASM(w, 0x6b);
    wasm_i64(w, UINT64_MAX / 3);
    WASM(w, 0x37, 0, 0);
}
