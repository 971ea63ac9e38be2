/* support/random_guest.h - a random guest module for every seed, written byte by byte.
 *
 * It has the canonical shape: memory, cabi_realloc (a bump allocator in a global), the hook,
 * perhaps _initialize and a start function which work at random too. Its hook reads the payload as
 * a list of records: which of the guest's operations to run, with which two operands. So one module
 * serves any number of call sequences. What a hook answers depends on all that its operations read.
 *
 * Each statement of an operation belongs to a feature. A mutable global, exported as "coverage",
 * gets the feature's bit when the statement runs; it is state like any other.
 */
#ifndef TEST_RANDOM_GUEST_H
#define TEST_RANDOM_GUEST_H

#include "base/bytes.h"
#include "support/wasm_writer.h"
#include "wasm/restorability.h"

/* A feature, how it is called in the table. */
#define GUEST_FEATURES(X)                                                                          \
    X(LOAD, "load, 32 and 64 bits and parts")                                                      \
    X(STORE, "store, 32 and 64 bits and parts")                                                    \
    X(LOAD_V128, "v128.load and its forms")                                                        \
    X(STORE_V128, "v128.store")                                                                    \
    X(STORE_LANE, "v128.store_lane")                                                               \
    X(STORE_ACROSS, "unaligned store across pages of 4 KiB")                                       \
    X(STORE_MANY, "stores to many pages")                                                          \
    X(MEMORY_SIZE, "memory.size")                                                                  \
    X(MEMORY_GROW, "memory.grow")                                                                  \
    X(GROW_REFUSED, "memory.grow that answers -1")                                                 \
    X(GROWN_READ, "grown memory read before it is written")                                        \
    X(MEMORY_FILL, "memory.fill")                                                                  \
    X(MEMORY_COPY, "memory.copy")                                                                  \
    X(MEMORY_INIT, "memory.init of a passive segment")                                             \
    X(GLOBAL_I32, "i32 global")                                                                    \
    X(GLOBAL_I64, "i64 global")                                                                    \
    X(GLOBAL_F32, "f32 global, any bits")                                                          \
    X(GLOBAL_F64, "f64 global, any bits")                                                          \
    X(GLOBAL_NAN, "NaN with a payload in a global")                                                \
    X(GLOBAL_MINUS_ZERO, "-0.0 in a global")                                                       \
    X(GLOBAL_V128, "v128 global")                                                                  \
    X(GLOBAL_FUNC, "funcref global")                                                               \
    X(GLOBAL_CONSTANT, "immutable global")                                                         \
    X(TABLE_GET, "table.get and table.size")                                                       \
    X(TABLE_SET, "table.set")                                                                      \
    X(TABLE_FILL, "table.fill")                                                                    \
    X(TABLE_COPY, "table.copy")                                                                    \
    X(TABLE_INIT, "table.init of a passive segment")                                               \
    X(TABLE_GROW, "table.grow")                                                                    \
    X(CALL, "call")                                                                                \
    X(CALL_INDIRECT, "call_indirect")                                                              \
    X(RETURN_CALL, "return_call")                                                                  \
    X(LOOP, "loop with stores")                                                                    \
    X(SPIN, "loop longer than a slice")                                                            \
    X(HOST_LOG, "host call: log")                                                                  \
    X(HOST_CONFIG, "host call: get-config, result in guest memory")                                \
    X(HOST_CLOCK, "host call: clock")                                                              \
    X(HOST_RANDOM, "host call: random-bytes, result in guest memory")                              \
    X(HOST_SLEEP, "host call that suspends")                                                       \
    X(TRAP_UNREACHABLE, "trap: unreachable")                                                       \
    X(TRAP_LOAD, "trap: load out of bounds")                                                       \
    X(TRAP_STORE, "trap: store out of bounds")                                                     \
    X(TRAP_BULK, "trap: bulk memory out of bounds")                                                \
    X(TRAP_DIVIDE, "trap: division by zero")                                                       \
    X(TRAP_TYPE, "trap: indirect call of another type")                                            \
    X(TRAP_NULL, "trap: indirect call of null")                                                    \
    X(TRAP_TABLE, "trap: table out of bounds")                                                     \
    X(DATA_DROP, "data.drop")                                                                      \
    X(ELEM_DROP, "elem.drop")

typedef enum guest_feature {
#define X(name, text) GUEST_##name,
    GUEST_FEATURES(X)
#undef X
        GUEST_FEATURES_COUNT
} guest_feature;
_Static_assert(GUEST_FEATURES_COUNT <= 64, "one bit each");

extern const char *const guest_feature_texts[GUEST_FEATURES_COUNT];

enum { GUEST_RECORD_BYTES = 9, GUEST_OPS_MAX = 40 };

/* The first operations of every guest: stores to many pages; a loop, long when the second operand
 * is all ones; a store past the end of memory, then too. */
enum { GUEST_OP_MANY, GUEST_OP_SPIN, GUEST_OP_EDGE, GUEST_OPS_FIXED };

typedef struct random_guest {
    wasm_writer wasm;
    bhi_restorable restorable; /* as what it must be classified */
    uint32_t ops_count;
    uint32_t funcs_count; /* exported as "f0", "f1", ... */
    uint32_t memory_pages;
    bool has_initialize, has_start;
} random_guest;

void random_guest_init(random_guest *guest, uint64_t seed);
void random_guest_deinit(random_guest *guest);

static inline bhi_bytes random_guest_bytes(const random_guest *guest)
{
    return (bhi_bytes){guest->wasm.data, guest->wasm.len};
}

/* Append a record to a payload. */
void random_guest_put_record(wasm_writer *payload, uint8_t op, uint32_t a, uint32_t b);
/* A payload of up to `records` records, chosen at random. */
void random_guest_put_records(wasm_writer *payload, random_numbers *r, uint32_t records);

#endif
