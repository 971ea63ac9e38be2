/* abi/lower.c - checked writing of what a guest gets. */
#include "abi/lower.h"

#include "abi/handles.h"
#include "abi/lift.h"
#include "base/assert.h"

bool bhi_lower_write(bhi_guest *guest, uint32_t address, const void *data, size_t size,
                     uint32_t align)
{
    uint8_t *to = bhi_guest_writable(guest, address, size, align);
    if (to == NULL)
        return false;
    if (size > 0)
        memcpy(to, data, size);
    return true;
}

bool bhi_lower_check_area(bhi_guest *guest, uint32_t address, uint32_t size, uint32_t align)
{
    return bhi_guest_readable(guest, address, size, align) != NULL;
}

bool bhi_put_list(bhi_guest *guest, uint8_t *at, size_t len, uint32_t size, uint32_t align,
                  uint32_t *ret_address)
{
    if (len > BHI_VALUE_BYTES_MAX / size)
        return bhi_guest_trap(guest, "a result of %zu elements of %u bytes is longer than 2^28 - 1",
                              len, (unsigned)size);
    /* An empty list is allocated too: the canonical ABI says so, and guests free it. */
    if (!bhi_guest_allocate(guest, align, (uint64_t)len * size, ret_address))
        return false;
    bhi_put_u32(at, *ret_address);
    bhi_put_u32(at + 4, (uint32_t)len);
    return true;
}

bool bhi_put_bytes(bhi_guest *guest, uint8_t *at, bhi_bytes bytes)
{
    uint32_t address;
    if (!bhi_put_list(guest, at, bytes.len, 1, 1, &address))
        return false;
    uint8_t *to = bhi_guest_allocated(guest, address, bytes.len);
    if (to != NULL && bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    return to != NULL;
}

bool bhi_lower_own(bhi_guest *guest, bhi_resource type, void *take_rep, uint32_t *ret_handle)
{
    bhi_resource_drop_fn drop = bhi_resource_drop(guest->host, type);
    BHI_ASSERT(take_rep != NULL && drop != NULL);
    *ret_handle =
        guest->handles == NULL ? 0 : bhi_handles_insert(guest->handles, type, take_rep, drop);
    if (*ret_handle != 0)
        return true;
    drop(take_rep);
    return bhi_guest_trap(guest, "no room for a handle of type %s: at most %d may be live",
                          bhi_resource_names[type], BHI_HANDLES_MAX);
}

bool bhi_put_own(bhi_guest *guest, uint8_t *at, bhi_resource type, void *take_rep)
{
    uint32_t handle;
    if (!bhi_lower_own(guest, type, take_rep, &handle))
        return false;
    bhi_put_u32(at, handle);
    return true;
}
