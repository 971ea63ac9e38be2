/* base/ring.c - see the header. */
#include "base/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

bool bhi_ring_init(bhi_ring *ring, size_t capacity)
{
    *ring = (bhi_ring){.data = malloc(capacity), .capacity = capacity};
    if (ring->data != NULL)
        return true;
    *ring = (bhi_ring){0};
    return false;
}

void bhi_ring_deinit(bhi_ring *ring)
{
    free(ring->data);
    *ring = (bhi_ring){0};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

const uint8_t *bhi_ring_front(const bhi_ring *ring, size_t *ret_size)
{
    *ret_size = smaller(ring->len, ring->capacity - ring->start);
    return ring->data + ring->start;
}

uint8_t *bhi_ring_back(const bhi_ring *ring, size_t *ret_size)
{
    size_t end = ring->start + ring->len;
    bool has_wrapped = end >= ring->capacity;
    end -= has_wrapped ? ring->capacity : 0;
    *ret_size = has_wrapped ? bhi_ring_room(ring) : ring->capacity - end;
    return ring->data + end;
}

void bhi_ring_filled(bhi_ring *ring, size_t size)
{
    BHI_ASSERT(size <= bhi_ring_room(ring)); /* R1 */
    ring->len += size;
}

void bhi_ring_take(bhi_ring *ring, uint8_t *to, size_t size)
{
    BHI_ASSERT(size <= ring->len);
    while (size > 0) {
        size_t part;
        const uint8_t *from = bhi_ring_front(ring, &part);
        part = smaller(part, size);
        if (to != NULL) {
            memcpy(to, from, part);
            to += part;
        }
        ring->start += part;
        if (ring->start == ring->capacity)
            ring->start = 0;
        ring->len -= part;
        size -= part;
    }
}

void bhi_ring_put(bhi_ring *ring, const uint8_t *from, size_t size)
{
    BHI_ASSERT(size <= bhi_ring_room(ring));
    while (size > 0) {
        size_t part;
        uint8_t *to = bhi_ring_back(ring, &part);
        part = smaller(part, size);
        if (from == NULL) {
            memset(to, 0, part);
        } else {
            memcpy(to, from, part);
            from += part;
        }
        bhi_ring_filled(ring, part);
        size -= part;
    }
}
