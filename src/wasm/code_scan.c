/* wasm/code_scan.c - a decoder of instruction lengths.
 *
 * Two tables give the operands of each opcode. Blocks are counted, so a body must end exactly at
 * the `end` of its outermost block; a body that was misread almost surely does not.
 */
#include "wasm/code_scan.h"

#include "wasm/sections.h"

typedef enum operands {
    UNKNOWN, /* zero: every opcode without a row is refused */
    PLAIN,
    BLOCK,
    END,
    INDEX,
    INDEX2,
    BR_TABLE,
    SELECT_TYPES,
    MEMORY,
    I32,
    I64,
    BYTES1,
    BYTES4,
    BYTES8,
    BYTES16,
    MEMORY_LANE,
    HEAP_TYPE,
    PREFIX_BULK,
    PREFIX_VECTOR
} operands;

static const uint8_t one_byte[256] = {
    [0x00 ... 0x01] = PLAIN, /* unreachable, nop */
    [0x02 ... 0x04] = BLOCK, /* block, loop, if */
    [0x05] = PLAIN,          /* else */
    [0x0b] = END,
    [0x0c ... 0x0d] = INDEX, /* br, br_if */
    [0x0e] = BR_TABLE,
    [0x0f] = PLAIN,  /* return */
    [0x10] = INDEX,  /* call */
    [0x11] = INDEX2, /* call_indirect */
    [0x12] = INDEX,  /* return_call */
    [0x13] = INDEX2, /* return_call_indirect */
    [0x1a ... 0x1b] = PLAIN,
    [0x1c] = SELECT_TYPES,
    [0x20 ... 0x26] = INDEX,  /* locals, globals, table.get, table.set */
    [0x28 ... 0x3e] = MEMORY, /* loads, stores */
    [0x3f ... 0x40] = INDEX,  /* memory.size, memory.grow */
    [0x41] = I32,
    [0x42] = I64,
    [0x43] = BYTES4,
    [0x44] = BYTES8,
    [0x45 ... 0xc4] = PLAIN, /* arithmetic, sign extension included */
    [0xd0] = HEAP_TYPE,      /* ref.null */
    [0xd1] = PLAIN,          /* ref.is_null */
    [0xd2] = INDEX,          /* ref.func */
    [0xfc] = PREFIX_BULK,
    [0xfd] = PREFIX_VECTOR,
};

static const uint8_t bulk[18] = {
    [0 ... 7] = PLAIN,   /* saturating conversions */
    [8] = INDEX2,        /* memory.init */
    [9] = INDEX,         /* data.drop */
    [10] = INDEX2,       /* memory.copy */
    [11] = INDEX,        /* memory.fill */
    [12] = INDEX2,       /* table.init */
    [13] = INDEX,        /* elem.drop */
    [14] = INDEX2,       /* table.copy */
    [15 ... 17] = INDEX, /* table.grow, table.size, table.fill */
};

static const uint8_t vector[256] = {
    [0x00 ... 0x0b] = MEMORY, [0x0c ... 0x0d] = BYTES16, /* v128.const, i8x16.shuffle */
    [0x0e ... 0x14] = PLAIN,  [0x15 ... 0x22] = BYTES1,  /* a lane */
    [0x23 ... 0x53] = PLAIN,  [0x54 ... 0x5b] = MEMORY_LANE,
    [0x5c ... 0x5d] = MEMORY, [0x5e ... 0x99] = PLAIN,
    [0x9b ... 0xa1] = PLAIN,  [0xa3 ... 0xa4] = PLAIN,
    [0xa7 ... 0xae] = PLAIN,  [0xb1] = PLAIN,
    [0xb5 ... 0xba] = PLAIN,  [0xbc ... 0xc1] = PLAIN,
    [0xc3 ... 0xc4] = PLAIN,  [0xc7 ... 0xce] = PLAIN,
    [0xd1] = PLAIN,           [0xd5 ... 0xe1] = PLAIN,
    [0xe3 ... 0xed] = PLAIN,  [0xef ... 0xff] = PLAIN,
};

static const struct {
    const char *name;
    uint8_t prefix; /* 0: `opcode` stands alone */
    uint8_t opcode;
} changes[BHI_CODE_CHANGES] = {
    [BHI_CODE_TABLE_SET] = {"table.set", 0, 0x26},
    [BHI_CODE_TABLE_INIT] = {"table.init", 0xfc, 12},
    [BHI_CODE_TABLE_COPY] = {"table.copy", 0xfc, 14},
    [BHI_CODE_TABLE_FILL] = {"table.fill", 0xfc, 17},
    [BHI_CODE_TABLE_GROW] = {"table.grow", 0xfc, 15},
    [BHI_CODE_ELEM_DROP] = {"elem.drop", 0xfc, 13},
    [BHI_CODE_DATA_DROP] = {"data.drop", 0xfc, 9},
};

const char *bhi_code_change_name(bhi_code_change change)
{
    return (unsigned)change < BHI_CODE_CHANGES ? changes[change].name : "unknown";
}

static void record(bhi_code_scan *scan, uint8_t prefix, uint32_t opcode, size_t place)
{
    scan->instructions++;
    for (unsigned i = 0; i < BHI_CODE_CHANGES; i++) {
        if (changes[i].prefix != prefix || changes[i].opcode != opcode)
            continue;
        if (scan->counts[i]++ == 0)
            scan->first_place[i] = place;
    }
}

/* A block's type: empty, one value type, or a type index. */
static void skip_block_type(bhi_wasm_reader *body)
{
    uint8_t first = bhi_wasm_reader_at_end(body) ? 0 : body->bytes.data[body->offset];
    if (first == 0x40)
        bhi_wasm_read_u8(body, "a block type");
    else if ((first & 0xc0) == 0x40) /* a negative number of one byte: a value type */
        bhi_wasm_read_value_type(body);
    else
        bhi_wasm_read_s33(body, "a block type");
}

/* Bit 6 of the alignment says that a memory index follows. */
static void skip_memory_operands(bhi_wasm_reader *body)
{
    if ((bhi_wasm_read_u32(body, "an alignment") & 0x40) != 0)
        bhi_wasm_read_u32(body, "a memory index");
    bhi_wasm_read_u64(body, "an offset");
}

static void skip_br_table(bhi_wasm_reader *body)
{
    uint32_t count = bhi_wasm_read_count(body, 1, BHI_WASM_ITEMS_MAX, "branch targets");
    for (uint64_t i = 0; i <= count && bhi_wasm_reader_is_ok(body); i++)
        bhi_wasm_read_u32(body, "a branch target");
}

static void skip_select_types(bhi_wasm_reader *body)
{
    uint32_t count = bhi_wasm_read_count(body, 1, BHI_WASM_ITEMS_MAX, "select types");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(body); i++)
        bhi_wasm_read_value_type(body);
}

static void skip_operands(bhi_wasm_reader *body, operands kind)
{
    switch (kind) {
    case BLOCK:
        skip_block_type(body);
        return;
    case INDEX2:
        bhi_wasm_read_u32(body, "an index");
        bhi_wasm_read_u32(body, "an index");
        return;
    case INDEX:
        bhi_wasm_read_u32(body, "an index");
        return;
    case BR_TABLE:
        skip_br_table(body);
        return;
    case SELECT_TYPES:
        skip_select_types(body);
        return;
    case MEMORY:
        skip_memory_operands(body);
        return;
    case MEMORY_LANE:
        skip_memory_operands(body);
        bhi_wasm_read_u8(body, "a lane");
        return;
    case I32:
        bhi_wasm_read_s32(body, "a constant");
        return;
    case I64:
        bhi_wasm_read_s64(body, "a constant");
        return;
    case HEAP_TYPE:
        bhi_wasm_skip_heap_type(body);
        return;
    case BYTES1:
    case BYTES4:
    case BYTES8:
    case BYTES16:
        bhi_wasm_read_bytes(body,
                            kind == BYTES1   ? 1
                            : kind == BYTES4 ? 4
                            : kind == BYTES8 ? 8
                                             : 16,
                            "an operand");
        return;
    default: /* PLAIN, END */
        return;
    }
}

/* One instruction with its operands: its kind of operands, END among them. */
static operands read_instruction(bhi_wasm_reader *body, bhi_code_scan *scan)
{
    size_t place = bhi_wasm_reader_place(body);
    uint32_t opcode = bhi_wasm_read_u8(body, "an instruction");
    uint8_t prefix = 0;
    operands kind = (operands)one_byte[opcode];
    if (kind == PREFIX_BULK || kind == PREFIX_VECTOR) {
        prefix = (uint8_t)opcode;
        opcode = bhi_wasm_read_u32(body, "an opcode");
        const uint8_t *rows = kind == PREFIX_BULK ? bulk : vector;
        uint32_t rows_count = kind == PREFIX_BULK ? sizeof bulk : sizeof vector;
        kind = opcode < rows_count ? (operands)rows[opcode] : UNKNOWN;
    }
    if (kind == UNKNOWN)
        bhi_wasm_reader_fail(body, place, "unknown or disabled instruction 0x%02x (prefix 0x%02x)",
                             opcode, prefix);
    skip_operands(body, kind);
    if (bhi_wasm_reader_is_ok(body))
        record(scan, prefix, opcode, place);
    return kind;
}

static void scan_body(bhi_wasm_reader *body, bhi_code_scan *scan)
{
    uint32_t locals = bhi_wasm_read_count(body, 2, BHI_WASM_ITEMS_MAX, "groups of locals");
    for (uint32_t i = 0; i < locals && bhi_wasm_reader_is_ok(body); i++) {
        bhi_wasm_read_u32(body, "a count of locals");
        bhi_wasm_read_value_type(body);
    }
    uint64_t depth = 1;
    while (depth > 0 && bhi_wasm_reader_is_ok(body)) {
        operands kind = read_instruction(body, scan);
        depth += kind == BLOCK;
        depth -= kind == END;
    }
}

bh_status bhi_code_scan_read(const bhi_wasm_module *module, bhi_code_scan *ret_scan,
                             bh_error *reterr)
{
    bhi_code_scan scan = {0};
    if (module->code.len == 0) {
        *ret_scan = scan;
        return BH_OK;
    }
    size_t origin = (size_t)(module->code.data - module->bytes.data);
    bhi_wasm_reader code = bhi_wasm_reader_of(module->code, origin, reterr);
    uint32_t count = bhi_wasm_read_count(&code, 2, BHI_WASM_ITEMS_MAX, "function bodies");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(&code); i++) {
        uint32_t size = bhi_wasm_read_u32(&code, "a body's size");
        bhi_wasm_reader body = bhi_wasm_reader_take(&code, size, "a body");
        scan_body(&body, &scan);
        bhi_wasm_reader_give_back(&code, &body, "a body");
    }
    if (bhi_wasm_reader_is_ok(&code))
        *ret_scan = scan;
    return code.status;
}
