/* wasm/segments.c - constant expressions, element segments and data segments. */
#include "wasm/sections.h"

/* The operand of one constant instruction other than i32.const. */
static void skip_constant(bhi_wasm_reader *reader, uint8_t opcode, size_t place)
{
    switch (opcode) {
    case 0x42: /* i64.const */
        bhi_wasm_read_s64(reader, "a constant");
        return;
    case 0x43: /* f32.const */
        bhi_wasm_read_bytes(reader, 4, "a constant");
        return;
    case 0x44: /* f64.const */
        bhi_wasm_read_bytes(reader, 8, "a constant");
        return;
    case 0x23: /* global.get */
    case 0xd2: /* ref.func */
        bhi_wasm_read_u32(reader, "an index");
        return;
    case 0xd0: /* ref.null */
        bhi_wasm_skip_heap_type(reader);
        return;
    case 0xfd: /* v128.const is the only constant vector instruction */
        if (bhi_wasm_read_u32(reader, "an opcode") == 12) {
            bhi_wasm_read_bytes(reader, 16, "a constant");
            return;
        }
        break;
    case 0x6a: /* i32.add, sub, mul and their i64 forms: extended constants */
    case 0x6b:
    case 0x6c:
    case 0x7c:
    case 0x7d:
    case 0x7e:
        return;
    default:
        break;
    }
    bhi_wasm_reader_fail(reader, place, "opcode 0x%02x in a constant expression", opcode);
}

bool bhi_wasm_read_const_expression(bhi_wasm_reader *reader, int32_t *ret_value)
{
    uint32_t instructions = 0;
    bool is_i32 = false;
    while (bhi_wasm_reader_is_ok(reader)) {
        size_t place = bhi_wasm_reader_place(reader);
        uint8_t opcode = bhi_wasm_read_u8(reader, "a constant expression");
        if (opcode == 0x0b)
            break;
        is_i32 = instructions++ == 0 && opcode == 0x41;
        if (opcode == 0x41)
            *ret_value = bhi_wasm_read_s32(reader, "a constant");
        else
            skip_constant(reader, opcode, place);
    }
    return is_i32 && bhi_wasm_reader_is_ok(reader);
}

static void read_functions(bhi_wasm_reader *reader, bhi_arena *arena, bhi_wasm_element *element)
{
    if (arena != NULL)
        element->funcs = bhi_wasm_reader_alloc(reader, arena, element->count, sizeof(uint32_t));
    for (uint32_t i = 0; i < element->count && bhi_wasm_reader_is_ok(reader); i++) {
        uint32_t func = bhi_wasm_read_u32(reader, "a function index");
        if (element->funcs != NULL)
            element->funcs[i] = func;
    }
}

/* Flags (5.5.12): bit 0 passive or declarative, bit 1 explicit table, or declarative when bit 0 is
 * set, bit 2 expressions instead of indices. */
bhi_wasm_element bhi_wasm_read_element(bhi_wasm_reader *reader, bhi_arena *arena)
{
    bhi_wasm_element element = {.place = bhi_wasm_reader_place(reader)};
    uint32_t flags = bhi_wasm_read_index(reader, 8, "element segment form");
    element.is_active = (flags & 1) == 0;
    element.is_indices = (flags & 4) == 0;
    if (element.is_active && (flags & 2) != 0)
        element.table = bhi_wasm_read_u32(reader, "a table index");
    if (element.is_active)
        element.is_constant = bhi_wasm_read_const_expression(reader, &element.offset);
    if ((flags & 3) != 0 && !element.is_indices)
        bhi_wasm_read_reference_type(reader);
    size_t place = bhi_wasm_reader_place(reader);
    if ((flags & 3) != 0 && element.is_indices && bhi_wasm_read_u8(reader, "an element kind") != 0)
        bhi_wasm_reader_fail(reader, place, "an element kind other than function");
    element.count = bhi_wasm_read_count(reader, 1, BHI_WASM_ITEMS_MAX, "elements");
    if (element.is_indices)
        read_functions(reader, arena, &element);
    int32_t ignored;
    for (uint32_t i = 0; !element.is_indices && i < element.count; i++)
        bhi_wasm_read_const_expression(reader, &ignored);
    return element;
}

/* Flags: 0 active in memory 0, 1 passive, 2 active in a named memory. */
void bhi_wasm_skip_data(bhi_wasm_reader *reader)
{
    int32_t ignored;
    uint32_t flags = bhi_wasm_read_index(reader, 3, "data segment form");
    if (flags == 2)
        bhi_wasm_read_u32(reader, "a memory index");
    if (flags != 1)
        bhi_wasm_read_const_expression(reader, &ignored);
    bhi_wasm_read_bytes(reader, bhi_wasm_read_u32(reader, "a length"), "data");
}
