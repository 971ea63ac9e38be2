/* wasm/reader.h - a cursor over WebAssembly bytes that cannot leave them.
 *
 * A failure sticks: the first one is recorded with its byte offset, the cursor jumps to its end,
 * and every later read gives zeros. So a parser reads straight on, tests the cursor where a value
 * decides something (an index, a loop bound), and reports once.
 *
 * B1  No read touches a byte outside the given ones.
 * B2  A loop over a count ends: counts never exceed the bytes left, and a failed cursor counts 0.
 */
#ifndef BHI_WASM_READER_H
#define BHI_WASM_READER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

typedef struct bhi_wasm_reader {
    bhi_bytes bytes;
    size_t offset;    /* of the next byte in `bytes` */
    size_t origin;    /* what offsets in messages count from: the place of `bytes` in the file */
    bh_status status; /* BH_OK until the first failure */
    bh_error *reterr;
} bhi_wasm_reader;

static inline bhi_wasm_reader bhi_wasm_reader_of(bhi_bytes bytes, size_t origin, bh_error *reterr)
{
    return (bhi_wasm_reader){.bytes = bytes, .origin = origin, .reterr = reterr};
}

static inline bool bhi_wasm_reader_is_ok(const bhi_wasm_reader *reader)
{
    return reader->status == BH_OK;
}

static inline bool bhi_wasm_reader_at_end(const bhi_wasm_reader *reader)
{
    return reader->offset >= reader->bytes.len;
}

/* Where the next byte lies in the file. */
static inline size_t bhi_wasm_reader_place(const bhi_wasm_reader *reader)
{
    return reader->origin + reader->offset;
}

/* Record BH_E_MODULE "at byte PLACE: TEXT", unless a failure is recorded already. */
void bhi_wasm_reader_fail(bhi_wasm_reader *reader, size_t place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads; `what` completes "expected WHAT". */
uint8_t bhi_wasm_read_u8(bhi_wasm_reader *reader, const char *what);
uint32_t bhi_wasm_read_u32(bhi_wasm_reader *reader, const char *what); /* LEB128, at most 5 bytes */
uint64_t bhi_wasm_read_u64(bhi_wasm_reader *reader, const char *what);
int32_t bhi_wasm_read_s32(bhi_wasm_reader *reader, const char *what);
int64_t bhi_wasm_read_s33(bhi_wasm_reader *reader, const char *what);
int64_t bhi_wasm_read_s64(bhi_wasm_reader *reader, const char *what);
bhi_bytes bhi_wasm_read_bytes(bhi_wasm_reader *reader, size_t len, const char *what);
bhi_bytes bhi_wasm_read_name(bhi_wasm_reader *reader, const char *what); /* checked UTF-8 */

/* An index below `limit`. */
uint32_t bhi_wasm_read_index(bhi_wasm_reader *reader, uint64_t limit, const char *what);

/* How many items follow, each of at least `item_bytes_min` bytes: refused above `max` and above
 * what the bytes left can hold, so that a lying count costs nothing. */
uint32_t bhi_wasm_read_count(bhi_wasm_reader *reader, size_t item_bytes_min, uint32_t max,
                             const char *what);

/* A cursor over the next `len` bytes, which `reader` skips. It carries on a failure. */
bhi_wasm_reader bhi_wasm_reader_take(bhi_wasm_reader *reader, size_t len, const char *what);

/* End of a taken cursor: it must be used up; its failure becomes that of `reader`. */
void bhi_wasm_reader_give_back(bhi_wasm_reader *reader, bhi_wasm_reader *taken, const char *what);

/* Zeroed arena memory; NULL after a failure, which is then recorded. */
void *bhi_wasm_reader_alloc(bhi_wasm_reader *reader, bhi_arena *arena, size_t count, size_t size);

#endif
