/* abi/lower.h - from host values to guest values: what the generated bindings are made of.
 *
 * A compound value is first put together as an image in host memory, while its strings and lists
 * are allocated in the guest, and then written in one piece. So no pointer into guest memory is
 * held across a realloc (G3), and the bytes between fields are always zero.
 *
 * L3  A host value is trusted: text is UTF-8, cases exist, objects are not NULL.
 * L4  The guest's realloc is not: its answers are checked like any other address.
 */
#ifndef BHI_ABI_LOWER_H
#define BHI_ABI_LOWER_H

#include "abi/generated/resources.h"
#include "abi/guest.h"

static inline void bhi_put_u16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void bhi_put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void bhi_put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

/* Copy text or bytes into the guest; put address and length at `at`. */
bool bhi_put_bytes(bhi_guest *guest, uint8_t *at, bhi_bytes bytes);

/* Allocate a list of `len` elements in the guest; put address and length at `at`. */
bool bhi_put_list(bhi_guest *guest, uint8_t *at, size_t len, uint32_t size, uint32_t align,
                  uint32_t *ret_address);

/* Give the guest a new handle of `take_rep`, which the host then drops in every case. */
bool bhi_lower_own(bhi_guest *guest, bhi_resource type, void *take_rep, uint32_t *ret_handle);
bool bhi_put_own(bhi_guest *guest, uint8_t *at, bhi_resource type, void *take_rep);

/* Whether the guest's result area can be written. Checked before the host function runs, so that a
 * call with a bad one has no effect. */
bool bhi_lower_check_area(bhi_guest *guest, uint32_t address, uint32_t size, uint32_t align);

/* Copy `size` bytes into the guest at an address that it chose. */
bool bhi_lower_write(bhi_guest *guest, uint32_t address, const void *data, size_t size,
                     uint32_t align);

#endif
