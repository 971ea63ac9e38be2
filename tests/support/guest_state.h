/* support/guest_state.h - all the state of one instance, and how two of them differ.
 *
 * It is read past the restoring code: memory from the region, its size once from the region and
 * once from the engine, globals and tables through the engine. A function is told by its index,
 * which is the same in every instance: the random guests export each of theirs by it.
 */
#ifndef TEST_GUEST_STATE_H
#define TEST_GUEST_STATE_H

#include "engine/engine.h"
#include "support/random_guest.h"

enum { GUEST_STATE_GLOBALS = 16, GUEST_STATE_TABLES = 2, GUEST_STATE_ENTRIES = 1000 };
enum { GUEST_FUNCS_MAX = 64, GUEST_FUNC_NULL = -1, GUEST_FUNC_UNKNOWN = -2 };
enum { GUEST_DIFFERENCE_BYTES = 160 };

/* The engine's handles of one instance's functions. */
typedef struct guest_funcs {
    const void *handles[GUEST_FUNCS_MAX];
    uint32_t count;
} guest_funcs;

void guest_funcs_read(bhi_instance *instance, uint32_t count, guest_funcs *ret_funcs);

typedef struct guest_value {
    uint8_t kind;
    uint8_t bits[16]; /* of a number */
    int32_t func;     /* of a reference */
} guest_value;

typedef struct guest_table {
    uint64_t size;
    int32_t entries[GUEST_STATE_ENTRIES];
} guest_table;

typedef struct guest_state {
    const uint8_t *memory; /* borrowed from the instance, or owned */
    uint8_t *owned_memory;
    uint64_t memory_bytes, engine_bytes;
    uint32_t globals_count, tables_count;
    guest_value globals[GUEST_STATE_GLOBALS];
    guest_table tables[GUEST_STATE_TABLES];
} guest_state;

/* Memory is borrowed until the instance runs or ends, unless it is to be copied. */
void guest_state_read(bhi_instance *instance, const guest_funcs *funcs, bool copies_memory,
                      guest_state *ret_state);
void guest_state_deinit(guest_state *state);

/* True when they are equal; else the text says where they first differ. */
bool guest_state_equals(const guest_state *a, const guest_state *b,
                        char ret_difference[GUEST_DIFFERENCE_BYTES]);

/* The bits of the guest's "coverage" global. */
uint64_t guest_coverage(bhi_instance *instance);

#endif
