/* base/buffer.h - bytes that grow and are kept for the next use. Zeroed bytes are an empty one. */
#ifndef BHI_BASE_BUFFER_H
#define BHI_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct bhi_buffer {
    uint8_t *data;
    size_t capacity;
} bhi_buffer;

static inline void bhi_buffer_deinit(bhi_buffer *buffer)
{
    free(buffer->data);
    *buffer = (bhi_buffer){0};
}

/* Make room for `size` bytes; what it held is lost. false: out of memory, nothing changed. */
static inline bool bhi_buffer_reserve(bhi_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity)
        return true;
    if (size > SIZE_MAX - size / 4)
        return false;
    size_t capacity = size < 256 ? 256 : size + size / 4;
    uint8_t *data = malloc(capacity);
    if (data == NULL)
        return false;
    free(buffer->data);
    *buffer = (bhi_buffer){data, capacity};
    return true;
}

#endif
