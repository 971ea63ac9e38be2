/* wasm/reader.c - the cursor of reader.h.
 *
 * LEB128 follows the core specification 5.2.2: at most ceil(N/7) bytes, and in the last of them
 * the bits beyond N must be zero, or copies of the sign. Padding within that length is legal, and
 * toolchains emit it for indices that a linker fills in.
 */
#include "wasm/reader.h"

#include <stdarg.h>
#include <stdio.h>

/* A message quotes names of the guest: keep it one line and free of terminal commands. */
static void blank_control_bytes(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void bhi_wasm_reader_fail(bhi_wasm_reader *reader, size_t place, const char *format, ...)
{
    if (reader->status != BH_OK)
        return;
    char text[sizeof reader->reterr->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    blank_control_bytes(text);
    reader->status = bhi_fail(reader->reterr, BH_E_MODULE, "at byte %zu: %s", place, text);
    reader->offset = reader->bytes.len;
}

uint8_t bhi_wasm_read_u8(bhi_wasm_reader *reader, const char *what)
{
    if (bhi_wasm_reader_at_end(reader)) {
        bhi_wasm_reader_fail(reader, bhi_wasm_reader_place(reader), "expected %s, found the end",
                             what);
        return 0;
    }
    return reader->bytes.data[reader->offset++];
}

static uint64_t read_leb(bhi_wasm_reader *reader, unsigned bits, bool is_signed, const char *what)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = bhi_wasm_read_u8(reader, what);
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0 && shift < bits);
    bool is_negative = is_signed && (byte & 0x40) != 0;
    if (shift > bits) {
        unsigned used = bits + 7 - shift; /* bits of the last byte that belong to the value */
        unsigned first = is_signed ? used - 1 : used;
        uint8_t rest = (uint8_t)((byte & 0x7f) >> first);
        uint8_t ones = (uint8_t)(0x7f >> first);
        if ((byte & 0x80) != 0 || (rest != 0 && !(is_signed && rest == ones)))
            bhi_wasm_reader_fail(reader, place, "%s does not fit %u bits", what, bits);
    }
    if (is_negative && shift < 64)
        value |= UINT64_MAX << shift;
    return bhi_wasm_reader_is_ok(reader) ? value : 0;
}

uint32_t bhi_wasm_read_u32(bhi_wasm_reader *reader, const char *what)
{
    return (uint32_t)read_leb(reader, 32, false, what);
}

uint64_t bhi_wasm_read_u64(bhi_wasm_reader *reader, const char *what)
{
    return read_leb(reader, 64, false, what);
}

int32_t bhi_wasm_read_s32(bhi_wasm_reader *reader, const char *what)
{
    return (int32_t)(int64_t)read_leb(reader, 32, true, what);
}

int64_t bhi_wasm_read_s33(bhi_wasm_reader *reader, const char *what)
{
    return (int64_t)read_leb(reader, 33, true, what);
}

int64_t bhi_wasm_read_s64(bhi_wasm_reader *reader, const char *what)
{
    return (int64_t)read_leb(reader, 64, true, what);
}

bhi_bytes bhi_wasm_read_bytes(bhi_wasm_reader *reader, size_t len, const char *what)
{
    size_t left = reader->bytes.len - reader->offset;
    if (len > left) {
        bhi_wasm_reader_fail(reader, bhi_wasm_reader_place(reader),
                             "expected %zu bytes of %s, found the end after %zu", len, what, left);
        return (bhi_bytes){0};
    }
    if (len == 0)
        return (bhi_bytes){0};
    bhi_bytes bytes = {reader->bytes.data + reader->offset, len};
    reader->offset += len;
    return bytes;
}

/* Length of the well-formed UTF-8 sequence at `text`, 0 when there is none (Unicode table 3-7). */
static size_t utf8_sequence(const uint8_t *text, size_t left)
{
    uint8_t lead = text[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) == 0xe0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || len > left)
        return 0;
    uint8_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < second_min || text[1] > second_max)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bhi_bytes bhi_wasm_read_name(bhi_wasm_reader *reader, const char *what)
{
    uint32_t len = bhi_wasm_read_u32(reader, what);
    size_t place = bhi_wasm_reader_place(reader);
    bhi_bytes name = bhi_wasm_read_bytes(reader, len, what);
    size_t step;
    for (size_t i = 0; i < name.len; i += step) {
        step = utf8_sequence(name.data + i, name.len - i);
        if (step == 0) {
            bhi_wasm_reader_fail(reader, place + i, "%s is not UTF-8", what);
            return (bhi_bytes){0};
        }
    }
    return name;
}

uint32_t bhi_wasm_read_index(bhi_wasm_reader *reader, uint64_t limit, const char *what)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint32_t index = bhi_wasm_read_u32(reader, what);
    if (index < limit)
        return index;
    bhi_wasm_reader_fail(reader, place, "%s %u is out of range: there are %llu", what, index,
                         (unsigned long long)limit);
    return 0;
}

uint32_t bhi_wasm_read_count(bhi_wasm_reader *reader, size_t item_bytes_min, uint32_t max,
                             const char *what)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint32_t count = bhi_wasm_read_u32(reader, what);
    size_t left = reader->bytes.len - reader->offset;
    if (count > max)
        bhi_wasm_reader_fail(reader, place, "%u %s, more than the limit of %u", count, what, max);
    else if (count > left / item_bytes_min)
        bhi_wasm_reader_fail(reader, place, "%u %s cannot fit the %zu bytes left", count, what,
                             left);
    return bhi_wasm_reader_is_ok(reader) ? count : 0;
}

bhi_wasm_reader bhi_wasm_reader_take(bhi_wasm_reader *reader, size_t len, const char *what)
{
    size_t place = bhi_wasm_reader_place(reader);
    bhi_bytes bytes = bhi_wasm_read_bytes(reader, len, what);
    bhi_wasm_reader taken = bhi_wasm_reader_of(bytes, place, reader->reterr);
    taken.status = reader->status;
    return taken;
}

void bhi_wasm_reader_give_back(bhi_wasm_reader *reader, bhi_wasm_reader *taken, const char *what)
{
    if (bhi_wasm_reader_is_ok(taken) && !bhi_wasm_reader_at_end(taken))
        bhi_wasm_reader_fail(taken, bhi_wasm_reader_place(taken), "%zu bytes too many in %s",
                             taken->bytes.len - taken->offset, what);
    if (!bhi_wasm_reader_is_ok(reader) || bhi_wasm_reader_is_ok(taken))
        return;
    reader->status = taken->status;
    reader->offset = reader->bytes.len;
}

void *bhi_wasm_reader_alloc(bhi_wasm_reader *reader, bhi_arena *arena, size_t count, size_t size)
{
    if (!bhi_wasm_reader_is_ok(reader))
        return NULL;
    void *memory = bhi_arena_calloc(arena, count, size);
    if (memory == NULL) {
        reader->status = bhi_fail(reader->reterr, BH_E_NOMEM,
                                  "no memory for %zu items of %zu bytes", count, size);
        reader->offset = reader->bytes.len;
    }
    return memory;
}
