/* base/ring.h - a bounded queue of bytes in one piece of memory. Zeroed bytes are one without room.
 *
 * R1  start < capacity, len <= capacity; the queued bytes begin at start and wrap around.
 */
#ifndef BHI_BASE_RING_H
#define BHI_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bhi_ring {
    uint8_t *data;
    size_t capacity;
    size_t start; /* of the oldest byte */
    size_t len;   /* queued */
} bhi_ring;

/* false: no memory. */
bool bhi_ring_init(bhi_ring *ring, size_t capacity);
void bhi_ring_deinit(bhi_ring *ring);

static inline size_t bhi_ring_room(const bhi_ring *ring)
{
    return ring->capacity - ring->len;
}

/* The queued bytes that lie together, oldest first: *ret_size of them, 0 when it is empty. */
const uint8_t *bhi_ring_front(const bhi_ring *ring, size_t *ret_size);
/* Free bytes that lie together, where the next queued byte goes: fill some, then say how many. */
uint8_t *bhi_ring_back(const bhi_ring *ring, size_t *ret_size);
void bhi_ring_filled(bhi_ring *ring, size_t size);

/* Take the oldest `size` bytes, at most len; `to` NULL discards them. */
void bhi_ring_take(bhi_ring *ring, uint8_t *to, size_t size);
/* Queue `size` bytes, at most room; `from` NULL means zeroes. */
void bhi_ring_put(bhi_ring *ring, const uint8_t *from, size_t size);

#endif
