/* engine/memory.h - linear memories of our own, one per instance.
 *
 * An address range of the engine's full reservation is mapped without access; the part in use is
 * opened for reading and writing. The base never moves. Growth is charged to the lease: beyond its
 * limit the guest's memory.grow answers -1.
 */
#ifndef BHI_ENGINE_MEMORY_H
#define BHI_ENGINE_MEMORY_H

#include "engine/wasmtime_api.h"

typedef struct bhi_memory {
    bhi_guest *guest; /* told base and size; NULL once it let go of the memory */
    uint8_t *base;
    size_t bytes;            /* in use, a multiple of the wasm page */
    size_t capacity;         /* it can grow to this without moving */
    size_t mapped_bytes;     /* capacity and guard; without access beyond `bytes` */
    uint64_t bytes_max;      /* the lease's limit */
    bool was_growth_refused; /* in this call, because of the limit */
} bhi_memory;

/* Set the creator of `config`. New memories register with the memory announced by
 * bhi_memory_announce on the instantiating thread (the engine names no store). */
void bhi_memory_configure(wasm_config_t *config);

/* The memory to fill when the engine next creates one on this thread; NULL: refuse. */
void bhi_memory_announce(bhi_memory *memory);

#endif
