/* abi/lift.h - from guest values to host values: what the generated bindings are made of.
 *
 * A value comes from core values ("lift", the flat form) or from guest memory ("load", at its
 * canonical layout). Text and bytes become views into guest memory (G3); lists of anything else
 * become arrays in the guest's arena. A function that returns false or NULL has recorded the trap.
 *
 * L1  Nothing is read before its whole range is known to be inside the memory, and aligned.
 * L2  One host call lifts at most BHI_LIFT_ARENA_BYTES_MAX of arrays and BHI_LIFT_TEXT_BYTES_MAX of
 *     text: a list of overlapping strings must not buy more host memory or time than that.
 */
#ifndef BHI_ABI_LIFT_H
#define BHI_ABI_LIFT_H

#include "abi/generated/resources.h"
#include "abi/guest.h"

/* The longest string or list in bytes, by the canonical ABI (2^28 - 1). */
#define BHI_VALUE_BYTES_MAX      UINT32_C(0x0FFFFFFF)
#define BHI_LIFT_ARENA_BYTES_MAX ((size_t)4 << 20)
#define BHI_LIFT_TEXT_BYTES_MAX  ((uint64_t)64 << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guest memory is read as it is");

static inline uint16_t bhi_get_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t bhi_get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t bhi_get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

bool bhi_lift_bytes(bhi_guest *guest, uint32_t address, uint32_t len, bhi_bytes *ret);
/* As bytes, and known to be UTF-8. */
bool bhi_lift_text(bhi_guest *guest, uint32_t address, uint32_t len, bhi_bytes *ret);

/* The case of an enum or variant that has `count` cases; `type` is for the trap text. */
bool bhi_lift_case(bhi_guest *guest, uint32_t found, uint32_t count, const char *type,
                   uint32_t *ret);
bool bhi_lift_is_some(bhi_guest *guest, uint32_t found, bool *ret);

/* The host object behind a handle that the guest lends for this call. */
void *bhi_lift_borrow(bhi_guest *guest, uint32_t handle, bhi_resource type);

/* A whole import: the guest ends a handle, and the host drops its object. */
bool bhi_lift_drop(bhi_guest *guest, uint32_t handle, bhi_resource type, const char *function);

/* Guest memory of `len` elements of `size` bytes each. */
const uint8_t *bhi_lift_elements(bhi_guest *guest, uint32_t address, uint32_t len, uint32_t size,
                                 uint32_t align);
/* `len` zeroed host elements in the arena. Not NULL for 0. */
void *bhi_lift_array(bhi_guest *guest, uint32_t len, size_t size);

#endif
