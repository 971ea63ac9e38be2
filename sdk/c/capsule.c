/* capsule.c - a capsule's exports and its scratch memory; the canonical ABI by hand.
 *
 * Exports are named as the canonical ABI names them for a core module: the host allocates the
 * arguments with cabi_realloc, calls the hook, reads the result area, and may call post-return.
 *
 * Scratch memory holds arguments, results and capsule_alloc: a fixed block that is used from its
 * start in every call, so that a call dirties few pages and always the same ones, and malloc for
 * what does not fit.
 *
 * S1  Scratch is emptied by post-return or, because a host may skip that, by the first allocation
 *     after a hook returned. Nothing of a call is used after that: the host has read the result.
 */
#include <bulkhead/capsule.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "call.h"

#define EXPORT(function) __attribute__((export_name(function)))

/* capsule-result */
typedef struct core_capsule_result {
    capsule_bytes action;
    core_option data;
} core_capsule_result;
AT(core_capsule_result, data, 8);
_Static_assert(sizeof(core_capsule_result) == 20, "canonical ABI size of capsule-result");

/* --- scratch --------------------------------------------------------------------------------- */

enum { SCRATCH_BYTES = 64 << 10, SCRATCH_ALIGN = 16, PAGE_BYTES = 4096, CHUNK_BYTES = 16 << 10 };

/* From the heap, when the block is full. */
typedef struct scratch_chunk {
    struct scratch_chunk *next;
    size_t used, bytes; /* of what follows */
    _Alignas(SCRATCH_ALIGN) uint8_t data[];
} scratch_chunk;

static _Alignas(PAGE_BYTES) struct {
    core_capsule_result result;
    capsule_bytes error_text;
    scratch_chunk *chunks; /* the newest first */
    size_t used;           /* of the block */
    size_t last;           /* where the block's latest allocation begins */
    bool is_stale;         /* S1: a hook returned since the last reset */
    _Alignas(SCRATCH_ALIGN) uint8_t block[SCRATCH_BYTES];
} scratch;

void capsule_scratch_reset(void)
{
    while (scratch.chunks != NULL) {
        scratch_chunk *chunk = scratch.chunks;
        scratch.chunks = chunk->next;
        free(chunk);
    }
    scratch.used = scratch.last = 0;
    scratch.error_text = (capsule_bytes){0};
    scratch.is_stale = false;
}

static void add_chunk(size_t size)
{
    scratch_chunk *chunk = NULL;
    size_t bytes = size < CHUNK_BYTES ? CHUNK_BYTES : size;
    if (bytes <= SIZE_MAX - sizeof(*chunk))
        chunk = malloc(sizeof(*chunk) + bytes);
    if (chunk == NULL)
        __builtin_trap();
    chunk->next = scratch.chunks;
    chunk->used = 0;
    chunk->bytes = bytes;
    scratch.chunks = chunk;
}

/* Where an allocation begins in so much that is used of so many bytes; SIZE_MAX: it does not fit.
 */
static size_t place(size_t used, size_t bytes, size_t align, size_t size)
{
    size_t from = (used + align - 1) & ~(align - 1);
    return from <= bytes && size <= bytes - from ? from : SIZE_MAX;
}

static uint8_t *chunk_alloc(size_t align, size_t size)
{
    scratch_chunk *chunk = scratch.chunks;
    if (chunk == NULL || place(chunk->used, chunk->bytes, align, size) == SIZE_MAX)
        add_chunk(size);
    chunk = scratch.chunks;
    size_t from = place(chunk->used, chunk->bytes, align, size);
    chunk->used = from + size;
    return chunk->data + from;
}

static uint8_t *scratch_alloc(size_t align, size_t size)
{
    if (scratch.is_stale)
        capsule_scratch_reset();
    if (align == 0 || align > SCRATCH_ALIGN || (align & (align - 1)) != 0)
        __builtin_trap();
    size_t from = place(scratch.used, SCRATCH_BYTES, align, size);
    if (from == SIZE_MAX)
        return chunk_alloc(align, size);
    scratch.last = from;
    scratch.used = from + size;
    return scratch.block + from;
}

/* Grow or shrink the block's latest allocation where it stands. */
static bool resize_in_place(const uint8_t *old, size_t new_size)
{
    if (old != scratch.block + scratch.last || scratch.used == 0 ||
        new_size > SCRATCH_BYTES - scratch.last)
        return false;
    scratch.used = scratch.last + new_size;
    return true;
}

EXPORT("cabi_realloc")
void *capsule_cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size);

void *capsule_cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size)
{
    if (old == NULL)
        return scratch_alloc(align, new_size);
    if (resize_in_place(old, new_size))
        return old;
    uint8_t *moved = scratch_alloc(align, new_size);
    memcpy(moved, old, old_size < new_size ? old_size : new_size);
    return moved;
}

void *capsule_alloc(size_t size)
{
    return memset(scratch_alloc(SCRATCH_ALIGN, size), 0, size);
}

/* --- text ------------------------------------------------------------------------------------ */

/* Formatting can cut a character or let in bytes from a guest's guest; the host traps on either. */
void capsule_force_utf8(capsule_bytes text)
{
    while (text.len > 0) {
        size_t length = capsule_utf8_length(text);
        if (length == 0)
            *text.data = '?';
        length += length == 0;
        text.data += length;
        text.len -= length;
    }
}

static capsule_bytes format_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0) /* an encoding error: only a wide character can cause one */
        return capsule_text("");
    capsule_bytes text = {scratch_alloc(1, (size_t)len + 1), (size_t)len};
    vsnprintf((char *)text.data, text.len + 1, format, arguments);
    capsule_force_utf8(text);
    return text;
}

capsule_bytes capsule_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    capsule_bytes text = format_text(format, arguments);
    va_end(arguments);
    return text;
}

/* --- results --------------------------------------------------------------------------------- */

capsule_result capsule_continue(capsule_bytes data)
{
    return (capsule_result){capsule_text("continue"), capsule_some(data)};
}

capsule_result capsule_pass(void)
{
    return (capsule_result){capsule_text("continue"), CAPSULE_NONE};
}

capsule_result capsule_final(capsule_bytes data)
{
    return (capsule_result){capsule_text("final"), capsule_some(data)};
}

capsule_result capsule_deny(const char *reason, ...)
{
    va_list arguments;
    va_start(arguments, reason);
    capsule_bytes text = format_text(reason, arguments);
    va_end(arguments);
    return (capsule_result){capsule_text("deny"), capsule_some(text)};
}

/* --- entry points ---------------------------------------------------------------------------- */

EXPORT("astrid-hook-trigger")
core_capsule_result *capsule_enter_hook(uint8_t *action, size_t action_len, uint8_t *payload,
                                        size_t payload_len);
EXPORT("cabi_post_astrid-hook-trigger") void capsule_leave_hook(core_capsule_result *result);

core_capsule_result *capsule_enter_hook(uint8_t *action, size_t action_len, uint8_t *payload,
                                        size_t payload_len)
{
    capsule_result result =
        capsule_hook((capsule_bytes){action, action_len}, (capsule_bytes){payload, payload_len});
    scratch.result.action = result.action;
    scratch.result.data.is_some = result.data.is_some;
    scratch.result.data.value = result.data.value;
    scratch.is_stale = true;
    return &scratch.result;
}

void capsule_leave_hook(core_capsule_result *result)
{
    capsule_scratch_reset();
}

/* --- host calls (call.h) -----------------------------------------------------------------------
 */

int capsule_call_failure(const core_error *error, int unknown)
{
    int status = error->code + 1;
    if (status == unknown)
        scratch.error_text = error->text;
    return status;
}

capsule_bytes capsule_error_text(void)
{
    return scratch.error_text;
}
