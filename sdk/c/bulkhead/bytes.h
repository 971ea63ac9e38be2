/* bulkhead/bytes.h - runs of bytes. Pure: builds natively too. */
#ifndef BULKHEAD_SDK_BYTES_H
#define BULKHEAD_SDK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. Not NUL-terminated. Text is bytes that are UTF-8. */
typedef struct capsule_bytes {
    uint8_t *data;
    size_t len;
} capsule_bytes;

/* Bytes or nothing. */
typedef struct capsule_option {
    bool is_some;
    capsule_bytes value; /* when is_some */
} capsule_option;

typedef struct capsule_list {
    capsule_bytes *items;
    size_t count;
} capsule_list;

#define CAPSULE_NONE ((capsule_option){0})

/* The bytes of a C string, which must not be written through the result. */
static inline capsule_bytes capsule_text(const char *text)
{
    return (capsule_bytes){(uint8_t *)(uintptr_t)text, strlen(text)};
}

static inline capsule_option capsule_some(capsule_bytes value)
{
    return (capsule_option){true, value};
}

static inline bool capsule_equal(capsule_bytes a, capsule_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool capsule_equal_text(capsule_bytes a, const char *text)
{
    return capsule_equal(a, capsule_text(text));
}

/* capsule_equal whose time tells nothing but the lengths: for signatures and tokens. */
bool capsule_equal_secret(capsule_bytes a, capsule_bytes b);

/* Decimal digits and nothing else, at most 2^64 - 1. false: anything else. */
bool capsule_parse_u64(capsule_bytes text, uint64_t *ret_value);

/* How many bytes the UTF-8 character at the start of `text` has; 0 when it is not one. */
size_t capsule_utf8_length(capsule_bytes text);
bool capsule_is_utf8(capsule_bytes text);

#endif
