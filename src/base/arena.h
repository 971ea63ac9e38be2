/* base/arena.h - memory freed all at once: one arena per invocation, load or parse.
 *
 * The first block is kept by reset, so an arena in steady state makes no allocator call.
 * Threads: one at a time.
 */
#ifndef BHI_BASE_ARENA_H
#define BHI_BASE_ARENA_H

#include <bulkhead/export.h>

#include "base/bytes.h"

struct bhi_arena_block;
struct bhi_arena_deferred;

typedef struct bhi_arena {
    struct bhi_arena_block *block; /* the newest block, linked to older ones; NULL when empty */
    size_t used;                   /* bytes used of `block` */
    size_t total;                  /* bytes handed out since the last reset */
    struct bhi_arena_deferred *deferred; /* calls to make at the next reset, the latest first */
} bhi_arena;

/* Zeroed bytes are an empty arena. */
void bhi_arena_deinit(bhi_arena *arena);

/* Forget everything handed out; keep the oldest block. */
void bhi_arena_reset(bhi_arena *arena);

/* `size` bytes, not zeroed, aligned for any type; NULL when memory is out. */
void *bhi_arena_alloc(bhi_arena *arena, size_t size);

/* `count` zeroed elements of `size` bytes; NULL when memory is out or the product overflows. */
void *bhi_arena_calloc(bhi_arena *arena, size_t count, size_t size);

/* Call `release` with `arg` when the arena is reset or deinitialised, the latest first: for what
 * lives as long as the arena's memory. False, and no call, when memory is out. */
BH_MUST_USE bool bhi_arena_defer(bhi_arena *arena, void (*release)(void *arg), void *arg);

/* A copy of `bytes`, followed by a NUL that the length does not count; data is NULL when memory
 * is out. */
bhi_bytes bhi_arena_copy(bhi_arena *arena, bhi_bytes bytes);
char *bhi_arena_text(bhi_arena *arena, bhi_bytes bytes);
char *bhi_arena_printf(bhi_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
