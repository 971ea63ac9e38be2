/* base/arena.c - a list of blocks, newest first; allocation bumps a mark in the newest. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES_MIN = 4096 };

typedef struct bhi_arena_block {
    struct bhi_arena_block *older;
    size_t capacity;
    alignas(max_align_t) uint8_t bytes[];
} bhi_arena_block;

typedef struct bhi_arena_deferred {
    void (*release)(void *arg);
    void *arg;
    struct bhi_arena_deferred *earlier;
} bhi_arena_deferred;

static void run_deferred(bhi_arena *arena)
{
    bhi_arena_deferred *deferred = arena->deferred;
    arena->deferred = NULL;
    for (; deferred != NULL; deferred = deferred->earlier)
        deferred->release(deferred->arg);
}

void bhi_arena_deinit(bhi_arena *arena)
{
    run_deferred(arena);
    while (arena->block != NULL) {
        bhi_arena_block *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    *arena = (bhi_arena){0};
}

void bhi_arena_reset(bhi_arena *arena)
{
    run_deferred(arena);
    while (arena->block != NULL && arena->block->older != NULL) {
        bhi_arena_block *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    arena->used = 0;
    arena->total = 0;
}

static bool add_block(bhi_arena *arena, size_t size)
{
    size_t capacity = size > BLOCK_BYTES_MIN ? size : BLOCK_BYTES_MIN;
    bhi_arena_block *block = malloc(sizeof *block + capacity);
    if (block == NULL)
        return false;
    block->older = arena->block;
    block->capacity = capacity;
    arena->block = block;
    arena->used = 0;
    return true;
}

void *bhi_arena_alloc(bhi_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    bool fits = arena->block != NULL && arena->block->capacity - arena->used >= size;
    if (!fits && !add_block(arena, size))
        return NULL;
    void *memory = arena->block->bytes + arena->used;
    arena->used += size;
    arena->total += size;
    return memory;
}

void *bhi_arena_calloc(bhi_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = bhi_arena_alloc(arena, bytes);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}

bool bhi_arena_defer(bhi_arena *arena, void (*release)(void *arg), void *arg)
{
    bhi_arena_deferred *deferred = bhi_arena_alloc(arena, sizeof *deferred);
    if (deferred == NULL)
        return false;
    *deferred = (bhi_arena_deferred){release, arg, arena->deferred};
    arena->deferred = deferred;
    return true;
}

bhi_bytes bhi_arena_copy(bhi_arena *arena, bhi_bytes bytes)
{
    uint8_t *copy = bhi_arena_alloc(arena, bytes.len + 1);
    if (copy == NULL)
        return (bhi_bytes){0};
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = 0;
    return (bhi_bytes){copy, bytes.len};
}

char *bhi_arena_text(bhi_arena *arena, bhi_bytes bytes)
{
    return (char *)bhi_arena_copy(arena, bytes).data;
}

char *bhi_arena_printf(bhi_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = len < 0 ? NULL : bhi_arena_alloc(arena, (size_t)len + 1);
    if (text == NULL)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}
