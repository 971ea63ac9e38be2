/* engine/memory.h - linear memories of our own, one region per instance.
 *
 * An address range of the engine's full reservation is mapped; the image that the instance starts
 * from lies at its beginning. The base never moves. Growth is charged to the lease: beyond its
 * limit the guest's memory.grow answers -1.
 */
#ifndef BHI_ENGINE_MEMORY_H
#define BHI_ENGINE_MEMORY_H

#include "engine/wasmtime_api.h"
#include "os/region.h"

typedef struct bhi_memory {
    bhi_guest *guest;        /* told base and size                                      */
    bhi_image *image;        /* borrowed until the memory exists; NULL: it starts empty */
    bool is_restorable;      /* the region to be made                                   */
    bhi_region region;       /* zeroed before the memory exists                         */
    size_t capacity;         /* it can grow to this without moving                      */
    uint64_t bytes_max;      /* the lease's limit                                       */
    bool was_growth_refused; /* in this call, because of the limit                      */
    bh_status open_status;   /* why the memory could not be made                        */
} bhi_memory;

/* Set the creator of `config`. New memories register with the memory announced by
 * bhi_memory_announce on the instantiating thread (the engine names no store). */
void bhi_memory_configure(wasm_config_t *config);

/* The memory to fill when the engine next creates one on this thread; NULL: refuse. */
void bhi_memory_announce(bhi_memory *memory);

#endif
