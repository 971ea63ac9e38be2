/* engine/stacks.h - the stacks that fibers run on, kept for the next fiber.
 *
 * An instance holds on to the stack of its last call; a destroyed instance gives it back here, so
 * that a rebuilt one starts on warm pages instead of a new mapping. What an earlier guest left on a
 * stack is host memory: no guest can read it.
 *
 * Threads: any.
 */
#ifndef BHI_ENGINE_STACKS_H
#define BHI_ENGINE_STACKS_H

#include <pthread.h>

#include "engine/wasmtime_api.h"

/* More free stacks than this are unmapped. */
enum { BHI_STACKS_FREE_MAX = 64 };

typedef struct bhi_stack bhi_stack;

typedef struct bhi_stacks {
    pthread_mutex_t lock;
    bhi_stack *free;     /* guarded by lock: all of one size */
    uint32_t free_count; /* guarded by lock */
} bhi_stacks;

void bhi_stacks_init(bhi_stacks *stacks);
/* Every fiber is gone by now. */
void bhi_stacks_deinit(bhi_stacks *stacks);

/* Let fibers of `config`'s engine run on them; `stacks` outlives the engine. */
void bhi_stacks_configure(bhi_stacks *stacks, wasm_config_t *config);

#endif
