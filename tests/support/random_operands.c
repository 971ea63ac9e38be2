/* support/random_operands.c - what statements are made of: operands, addresses, the sum.
 *
 * Addresses are such that most accesses lie inside the memory: near a place that was chosen when
 * the guest was written, so that calls write few pages, or anywhere, reduced by the present size.
 */
#include "support/random_guest_parts.h"

void put_cover(wasm_writer *w, guest_feature feature)
{
    wasm_indexed(w, 0x23, GLOBAL_COVERAGE);
    wasm_i64(w, UINT64_C(1) << feature);
    WASM(w, 0x84); /* i64.or */
    wasm_indexed(w, 0x24, GLOBAL_COVERAGE);
}

void put_mix(wasm_writer *w)
{
    wasm_indexed(w, 0x20, LOCAL_SUM);
    wasm_i64(w, 7);
    WASM(w, 0x89, 0x85); /* i64.rotl, i64.xor */
    wasm_indexed(w, 0x21, LOCAL_SUM);
}

void put_mix_i32(wasm_writer *w)
{
    WASM(w, 0xad); /* i64.extend_i32_u */
    put_mix(w);
}

void put_operand(generator *g, wasm_writer *w)
{
    wasm_indexed(w, 0x20, below(g, 2) == 0 ? LOCAL_A : LOCAL_B);
}

void put_masked(generator *g, wasm_writer *w, uint32_t mask)
{
    put_operand(g, w);
    wasm_i32(w, mask);
    WASM(w, 0x71); /* i32.and */
}

/* Below `end`. */
void put_index(generator *g, wasm_writer *w, uint32_t end)
{
    put_operand(g, w);
    wasm_i32(w, end);
    WASM(w, 0x70); /* i32.rem_u */
}

void put_sum_i32(wasm_writer *w)
{
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0xa7); /* i32.wrap_i64 */
}

/* memory.size in bytes */
void put_memory_bytes(wasm_writer *w)
{
    WASM(w, 0x3f, 0);
    wasm_i32(w, 16);
    WASM(w, 0x74); /* i32.shl */
}

/* Reduce the address on the stack so that `room` bytes follow it. */
void put_reduce(wasm_writer *w, uint32_t room)
{
    put_memory_bytes(w);
    wasm_i32(w, room);
    WASM(w, 0x6b, 0x70); /* i32.sub, i32.rem_u */
}

void put_address(generator *g, wasm_writer *w, uint32_t room)
{
    if (below(g, 3) == 0) {
        put_operand(g, w);
        wasm_i32(w, (uint32_t)random_u64(&g->random) | 1);
        WASM(w, 0x6c); /* i32.mul */
        put_reduce(w, room);
        return;
    }
    put_masked(g, w, below(g, 2) == 0 ? 0xfff : 0x3f);
    wasm_i32(w, below(g, memory_min_bytes(g) - 4096 - room));
    WASM(w, 0x6a); /* i32.add */
}

void put_reference(generator *g, wasm_writer *w)
{
    uint32_t which = below(g, 12);
    if (which < 2)
        WASM(w, 0xd0, FUNCREF); /* ref.null */
    else
        wasm_indexed(w, 0xd2,
                     which < 10    ? FUNC_LEAF + which % 4
                     : which == 10 ? (uint32_t)FUNC_OTHER
                                   : (uint32_t)FUNC_CLOCK);
}

void put_mix_lane(wasm_writer *w, uint8_t lane)
{
    WASM(w, 0xfd, 0x1d, lane); /* i64x2.extract_lane */
    put_mix(w);
}

void put_sum_v128(wasm_writer *w)
{
    wasm_indexed(w, 0x20, LOCAL_SUM);
    WASM(w, 0xfd, 0x12); /* i64x2.splat */
    wasm_indexed(w, 0x20, LOCAL_V);
    WASM(w, 0xfd, 0x51); /* v128.xor */
}

/* Count LOCAL_N down and go round again while it is positive; closes the loop. */
void put_loop_end(wasm_writer *w)
{
    wasm_indexed(w, 0x20, LOCAL_N);
    wasm_i32(w, 1);
    WASM(w, 0x6b);
    wasm_indexed(w, 0x22, LOCAL_N);
    wasm_i32(w, 0);
    WASM(w, 0x4a, 0x0d, 0, END); /* i32.gt_s, br_if */
}
