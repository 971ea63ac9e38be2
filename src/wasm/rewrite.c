/* wasm/rewrite.c - copy a module section by section; see rewrite.h for the three that change.
 *
 * The module was read before, so its sections are well-formed; what is read again here goes through
 * the same checked reader all the same. The new module is at most as long as the old one plus its
 * new exports, so its buffer is allocated once.
 */
#include "wasm/rewrite.h"

#include <stdio.h>

#include "base/assert.h"
#include "wasm/sections.h"

enum { LEB_BYTES_MAX = 5, PREAMBLE_BYTES = 8, OFFSET_OPERANDS_MAX = 32 };

typedef struct rewriter {
    const bhi_wasm_module *module;
    bhi_arena *arena;
    bhi_wasm_reader reader; /* over the given module */
    bhi_rewrite rewrite;
    uint8_t *to;
    size_t used, size;
    bool has_exports; /* the export section is written */
} rewriter;

void bhi_rewrite_global_name(uint32_t index, char ret_name[BHI_REWRITE_NAME_BYTES])
{
    snprintf(ret_name, BHI_REWRITE_NAME_BYTES, BHI_REWRITE_PREFIX "global:%u", index);
}

void bhi_rewrite_table_name(uint32_t index, char ret_name[BHI_REWRITE_NAME_BYTES])
{
    snprintf(ret_name, BHI_REWRITE_NAME_BYTES, BHI_REWRITE_PREFIX "table:%u", index);
}

/* ---- writing ---- */

static void put_bytes(rewriter *r, const void *bytes, size_t len)
{
    BHI_ASSERT(len <= r->size - r->used);
    if (len > 0)
        memcpy(r->to + r->used, bytes, len);
    r->used += len;
}

static void put_u32(rewriter *r, uint32_t value)
{
    uint8_t leb[LEB_BYTES_MAX];
    size_t len = 0;
    do {
        leb[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
    put_bytes(r, leb, len);
}

static void put_export(rewriter *r, const char *name, bhi_wasm_kind kind, uint32_t index)
{
    uint8_t byte = (uint8_t)kind;
    put_u32(r, (uint32_t)strlen(name));
    put_bytes(r, name, strlen(name));
    put_bytes(r, &byte, 1);
    put_u32(r, index);
}

/* A section's id, and five bytes where end_section writes its size, padded. */
static size_t begin_section(rewriter *r, uint8_t id)
{
    static const uint8_t room[LEB_BYTES_MAX];
    put_bytes(r, &id, 1);
    put_bytes(r, room, sizeof room);
    return r->used;
}

static void end_section(rewriter *r, size_t begin)
{
    size_t size = r->used - begin;
    for (int i = 0; i < LEB_BYTES_MAX; i++)
        r->to[begin - LEB_BYTES_MAX + (size_t)i] =
            (uint8_t)((size >> (7 * i) & 0x7f) | (i < LEB_BYTES_MAX - 1 ? 0x80 : 0));
}

/* ---- exports ---- */

static uint32_t added_exports(const bhi_rewrite *rewrite)
{
    return rewrite->globals_count + rewrite->tables_count + rewrite->has_memory +
           rewrite->has_start;
}

/* `old` is the body of the given export section, or empty. */
static void write_exports(rewriter *r, bhi_bytes old)
{
    bhi_wasm_reader reader = bhi_wasm_reader_of(old, 0, NULL);
    uint32_t old_count = old.len > 0 ? bhi_wasm_read_u32(&reader, "exports") : 0;
    bhi_bytes old_items = bhi_wasm_read_bytes(&reader, old.len - reader.offset, "exports");
    char name[BHI_REWRITE_NAME_BYTES];
    const bhi_rewrite *rewrite = &r->rewrite;
    r->has_exports = true;
    size_t begin = begin_section(r, BHI_WASM_SECTION_EXPORT);
    put_u32(r, old_count + added_exports(rewrite));
    put_bytes(r, old_items.data, old_items.len);
    if (rewrite->has_memory)
        put_export(r, BHI_REWRITE_MEMORY, BHI_WASM_MEMORY, 0);
    if (rewrite->has_start)
        put_export(r, BHI_REWRITE_START, BHI_WASM_FUNC, r->module->start_func);
    for (uint32_t i = 0; i < rewrite->globals_count; i++) {
        bhi_rewrite_global_name(rewrite->globals[i], name);
        put_export(r, name, BHI_WASM_GLOBAL, rewrite->globals[i]);
    }
    for (uint32_t i = 0; i < rewrite->tables_count; i++) {
        bhi_rewrite_table_name(rewrite->tables[i], name);
        put_export(r, name, BHI_WASM_TABLE, rewrite->tables[i]);
    }
    end_section(r, begin);
}

/* ---- data ---- */

typedef struct stack {
    uint32_t values[OFFSET_OPERANDS_MAX];
    uint32_t count;
} stack;

static bool apply(stack *s, uint8_t opcode)
{
    if (s->count < 2)
        return false;
    uint32_t right = s->values[--s->count];
    uint32_t *left = &s->values[s->count - 1];
    if (opcode == 0x6a)
        *left += right;
    else if (opcode == 0x6b)
        *left -= right;
    else
        *left *= right;
    return true;
}

/* i32.const, i32.add, i32.sub, i32.mul: all that the engine accepts in a module which imports no
 * globals. */
static uint32_t read_offset(bhi_wasm_reader *data)
{
    stack s = {.count = 0};
    size_t place = bhi_wasm_reader_place(data);
    bool is_known = true;
    uint8_t opcode = 0;
    while (is_known && bhi_wasm_reader_is_ok(data)) {
        opcode = bhi_wasm_read_u8(data, "an offset");
        if (opcode == 0x0b)
            break;
        if (opcode == 0x41 && s.count < OFFSET_OPERANDS_MAX)
            s.values[s.count++] = (uint32_t)bhi_wasm_read_s32(data, "a constant");
        else
            is_known = opcode >= 0x6a && opcode <= 0x6c && apply(&s, opcode);
    }
    if (!is_known || s.count != 1)
        bhi_wasm_reader_fail(data, place,
                             "the offset of a data segment is no i32 arithmetic on constants");
    return s.values[0];
}

/* Passive segments stay; active ones keep everything up to their length. */
static void write_segment(rewriter *r, bhi_wasm_reader *data)
{
    size_t begin = data->offset;
    uint32_t flags = bhi_wasm_read_index(data, 3, "data segment form");
    if (flags == 2 && bhi_wasm_read_u32(data, "a memory index") != 0)
        bhi_wasm_reader_fail(data, bhi_wasm_reader_place(data), "a segment of another memory");
    uint32_t offset = flags == 1 ? 0 : read_offset(data);
    size_t length_at = data->offset;
    uint32_t len = bhi_wasm_read_u32(data, "a length");
    bhi_bytes bytes = bhi_wasm_read_bytes(data, len, "data");
    if (!bhi_wasm_reader_is_ok(data))
        return;
    if (flags == 1) {
        put_bytes(r, data->bytes.data + begin, data->offset - begin);
        return;
    }
    put_bytes(r, data->bytes.data + begin, length_at - begin);
    put_u32(r, 0);
    r->rewrite.segments[r->rewrite.segments_count++] = (bhi_wasm_segment){offset, bytes};
}

static void write_data(rewriter *r, bhi_wasm_reader *data)
{
    uint32_t count = bhi_wasm_read_u32(data, "data segments");
    r->rewrite.segments = bhi_wasm_reader_alloc(data, r->arena, count, sizeof *r->rewrite.segments);
    size_t begin = begin_section(r, BHI_WASM_SECTION_DATA);
    put_u32(r, count);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(data); i++)
        write_segment(r, data);
    end_section(r, begin);
}

/* ---- sections ---- */

static bool comes_after_exports(uint8_t id)
{
    return id == BHI_WASM_SECTION_START || id == BHI_WASM_SECTION_ELEMENT ||
           id == BHI_WASM_SECTION_DATA_COUNT || id == BHI_WASM_SECTION_CODE ||
           id == BHI_WASM_SECTION_DATA;
}

static void write_section(rewriter *r)
{
    size_t begin = r->reader.offset;
    uint8_t id = bhi_wasm_read_u8(&r->reader, "a section");
    uint32_t size = bhi_wasm_read_u32(&r->reader, "a section's size");
    bhi_wasm_reader section = bhi_wasm_reader_take(&r->reader, size, "a section");
    if (!r->has_exports && comes_after_exports(id))
        write_exports(r, (bhi_bytes){0});
    if (id == BHI_WASM_SECTION_EXPORT)
        write_exports(r, section.bytes);
    else if (id == BHI_WASM_SECTION_DATA)
        write_data(r, &section);
    else if (id != BHI_WASM_SECTION_START)
        put_bytes(r, r->reader.bytes.data + begin, r->reader.offset - begin);
    if (id == BHI_WASM_SECTION_DATA)
        bhi_wasm_reader_give_back(&r->reader, &section, "the data section");
}

/* ---- what is exported ---- */

static void choose_globals(rewriter *r)
{
    const bhi_wasm_module *module = r->module;
    r->rewrite.globals = bhi_wasm_reader_alloc(&r->reader, r->arena, module->globals_count,
                                               sizeof *r->rewrite.globals);
    for (uint32_t i = 0; i < module->globals_count && r->rewrite.globals != NULL; i++)
        if (module->globals[i].is_mutable)
            r->rewrite.globals[r->rewrite.globals_count++] = module->imported_globals + i;
}

static void choose_tables(rewriter *r)
{
    const bhi_wasm_module *module = r->module;
    r->rewrite.tables = bhi_wasm_reader_alloc(&r->reader, r->arena, module->tables_count,
                                              sizeof *r->rewrite.tables);
    for (uint32_t i = 0; i < module->tables_count && r->rewrite.tables != NULL; i++)
        r->rewrite.tables[r->rewrite.tables_count++] = module->imported_tables + i;
}

static void choose_exports(rewriter *r, bhi_restorable restorable)
{
    const bhi_wasm_module *module = r->module;
    r->rewrite.has_memory = module->imported_memories == 0 && module->memories_count > 0;
    r->rewrite.has_start = module->has_start;
    if (restorable != BHI_RESTORABLE_NO)
        choose_globals(r);
    if (restorable == BHI_RESTORABLE_TABLES)
        choose_tables(r);
}

static bh_status check_names(const bhi_wasm_module *module, bh_error *reterr)
{
    size_t len = strlen(BHI_REWRITE_PREFIX);
    for (uint32_t i = 0; i < module->exports_count; i++) {
        bhi_bytes name = module->exports[i].name;
        if (name.len >= len && memcmp(name.data, BHI_REWRITE_PREFIX, len) == 0)
            return bhi_fail(reterr, BH_E_MODULE,
                            "export \"%.*s\": names that begin with " BHI_REWRITE_PREFIX
                            " are reserved",
                            (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
    }
    return BH_OK;
}

bh_status bhi_rewrite_module(const bhi_wasm_module *module, bhi_restorable restorable,
                             bhi_arena *arena, bhi_rewrite *ret_rewrite, bh_error *reterr)
{
    bh_status status = check_names(module, reterr);
    if (status != BH_OK)
        return status;
    rewriter r = {
        .module = module, .arena = arena, .reader = bhi_wasm_reader_of(module->bytes, 0, reterr)};
    choose_exports(&r, restorable);
    /* New exports, and the padded sizes of the sections that are written anew. */
    r.size = module->bytes.len + 4 * LEB_BYTES_MAX + 2 +
             (size_t)added_exports(&r.rewrite) * (BHI_REWRITE_NAME_BYTES + 2 * LEB_BYTES_MAX + 1);
    r.to = bhi_wasm_reader_alloc(&r.reader, arena, 1, r.size);
    if (r.to != NULL)
        put_bytes(&r, bhi_wasm_read_bytes(&r.reader, PREAMBLE_BYTES, "a preamble").data,
                  PREAMBLE_BYTES);
    while (bhi_wasm_reader_is_ok(&r.reader) && !bhi_wasm_reader_at_end(&r.reader))
        write_section(&r);
    if (!bhi_wasm_reader_is_ok(&r.reader))
        return r.reader.status;
    if (!r.has_exports)
        write_exports(&r, (bhi_bytes){0});
    r.rewrite.wasm = (bhi_bytes){r.to, r.used};
    *ret_rewrite = r.rewrite;
    return BH_OK;
}
