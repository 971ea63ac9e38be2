/* support/wasm_writer.h - bytes of a module that grows as it is written, and a small generator of
 * numbers to choose them by. */
#ifndef TEST_WASM_WRITER_H
#define TEST_WASM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct wasm_writer {
    uint8_t *data;
    size_t len, capacity;
} wasm_writer;

static inline void wasm_deinit(wasm_writer *w)
{
    free(w->data);
    *w = (wasm_writer){0};
}

static inline void wasm_put(wasm_writer *w, const void *bytes, size_t len)
{
    if (w->capacity - w->len < len) {
        w->capacity = 2 * (w->capacity + len);
        w->data = realloc(w->data, w->capacity);
        if (w->data == NULL)
            abort();
    }
    if (len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

/* WASM(w, 0x20, 0x00, ...): bytes as they stand. */
#define WASM(w, ...)                                                                               \
    wasm_put(w, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void wasm_put_u32(wasm_writer *w, uint32_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        WASM(w, (uint8_t)(byte | (value != 0 ? 0x80 : 0)));
    } while (value != 0);
}

static inline void wasm_put_s64(wasm_writer *w, int64_t value)
{
    bool is_done = false;
    while (!is_done) {
        uint8_t byte = value & 0x7f;
        value >>= 7; /* arithmetic, with every compiler of ours */
        is_done = (value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0);
        WASM(w, (uint8_t)(byte | (is_done ? 0 : 0x80)));
    }
}

static inline void wasm_put_name(wasm_writer *w, const char *name)
{
    wasm_put_u32(w, (uint32_t)strlen(name));
    wasm_put(w, name, strlen(name));
}

/* With its length in front. */
static inline void wasm_put_sized(wasm_writer *w, const wasm_writer *body)
{
    wasm_put_u32(w, (uint32_t)body->len);
    wasm_put(w, body->data, body->len);
}

/* Takes the body: it is empty afterwards. */
static inline void wasm_put_section(wasm_writer *w, uint8_t id, wasm_writer *take_body)
{
    WASM(w, id);
    wasm_put_sized(w, take_body);
    wasm_deinit(take_body);
}

/* ---- instructions with an immediate ---- */

static inline void wasm_i32(wasm_writer *w, uint32_t value)
{
    WASM(w, 0x41);
    wasm_put_s64(w, (int32_t)value);
}

static inline void wasm_i64(wasm_writer *w, uint64_t value)
{
    WASM(w, 0x42);
    wasm_put_s64(w, (int64_t)value);
}

static inline void wasm_indexed(wasm_writer *w, uint8_t opcode, uint32_t index)
{
    WASM(w, opcode);
    wasm_put_u32(w, index);
}

/* One of the instructions behind a prefix byte, of which 0xfc and 0xfd exist. */
static inline void wasm_prefixed(wasm_writer *w, uint8_t prefix, uint32_t opcode)
{
    wasm_indexed(w, prefix, opcode);
}

/* ---- numbers ---- */

typedef struct random_numbers {
    uint64_t state;
} random_numbers;

/* splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain) */
static inline uint64_t random_u64(random_numbers *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Below `end`, which is not 0. */
static inline uint32_t random_below(random_numbers *r, uint32_t end)
{
    return (uint32_t)(random_u64(r) >> 32) % end;
}

/* Once in `times`. */
static inline bool random_chance(random_numbers *r, uint32_t times)
{
    return random_below(r, times) == 0;
}

#endif
