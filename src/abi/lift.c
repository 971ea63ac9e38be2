/* abi/lift.c - checked reading of what a guest passes. */
#include "abi/lift.h"

#include <inttypes.h>

#include "abi/generated/host.h"
#include "abi/handles.h"
#include "abi/utf8.h"

bool bhi_lift_bytes(bhi_guest *guest, uint32_t address, uint32_t len, bhi_bytes *ret)
{
    if (len > BHI_VALUE_BYTES_MAX)
        return bhi_guest_trap(guest, "a value of %" PRIu32 " bytes is longer than 2^28 - 1", len);
    const uint8_t *data = bhi_guest_readable(guest, address, len, 1);
    *ret = (bhi_bytes){data, len};
    return data != NULL;
}

bool bhi_lift_text(bhi_guest *guest, uint32_t address, uint32_t len, bhi_bytes *ret)
{
    if (!bhi_lift_bytes(guest, address, len, ret))
        return false;
    guest->lifted_text_bytes += len;
    if (guest->lifted_text_bytes > BHI_LIFT_TEXT_BYTES_MAX)
        return bhi_guest_trap(guest, "the text in one call is longer than %d MiB",
                              (int)(BHI_LIFT_TEXT_BYTES_MAX >> 20));
    if (bhi_utf8_is_valid(*ret))
        return true;
    return bhi_guest_trap(guest, "the string of %" PRIu32 " bytes at %" PRIu32 " is not UTF-8", len,
                          address);
}

bool bhi_lift_case(bhi_guest *guest, uint32_t found, uint32_t count, const char *type,
                   uint32_t *ret)
{
    *ret = found;
    return found < count ||
           bhi_guest_trap(guest, "%s has no case %" PRIu32 ", only %" PRIu32 " cases", type, found,
                          count);
}

bool bhi_lift_is_some(bhi_guest *guest, uint32_t found, bool *ret)
{
    *ret = found == 1;
    return found <= 1 || bhi_guest_trap(guest, "an option has no case %" PRIu32, found);
}

static bool trap_on_handle(bhi_guest *guest, uint32_t handle, bhi_resource type)
{
    return bhi_guest_trap(guest, "%" PRIu32 " is not a live handle of type %s", handle,
                          bhi_resource_names[type]);
}

void *bhi_lift_borrow(bhi_guest *guest, uint32_t handle, bhi_resource type)
{
    void *rep = guest->handles == NULL ? NULL : bhi_handles_get(guest->handles, type, handle);
    if (rep == NULL)
        trap_on_handle(guest, handle, type);
    return rep;
}

static bool check_drop(bhi_guest *guest, const void *rep, bhi_resource type)
{
    const struct bhi_host_table *host = guest->host;
    const char *why =
        host == NULL || host->refuse_drop == NULL ? NULL : host->refuse_drop(type, rep);
    return why == NULL || bhi_guest_trap(guest, "a handle of type %s is dropped too early: %s",
                                         bhi_resource_names[type], why);
}

bool bhi_lift_drop(bhi_guest *guest, uint32_t handle, bhi_resource type, const char *function)
{
    if (!bhi_guest_check_may_leave(guest, function))
        return false;
    const void *rep = bhi_lift_borrow(guest, handle, type);
    return rep != NULL && check_drop(guest, rep, type) &&
           bhi_handles_drop(guest->handles, type, handle);
}

const uint8_t *bhi_lift_elements(bhi_guest *guest, uint32_t address, uint32_t len, uint32_t size,
                                 uint32_t align)
{
    uint64_t bytes = (uint64_t)len * size;
    if (bytes > BHI_VALUE_BYTES_MAX) {
        bhi_guest_trap(guest, "a list of %" PRIu64 " bytes is longer than 2^28 - 1", bytes);
        return NULL;
    }
    return bhi_guest_readable(guest, address, bytes, align);
}

void *bhi_lift_array(bhi_guest *guest, uint32_t len, size_t size)
{
    size_t room = BHI_LIFT_ARENA_BYTES_MAX - guest->arena.total;
    if (guest->arena.total > BHI_LIFT_ARENA_BYTES_MAX || len > room / size) {
        bhi_guest_trap(guest, "the lists in one call take more than %d MiB",
                       (int)(BHI_LIFT_ARENA_BYTES_MAX >> 20));
        return NULL;
    }
    void *array = bhi_arena_calloc(&guest->arena, len, size);
    if (array == NULL)
        bhi_guest_trap(guest, "the host has no memory for a list of %" PRIu32 " elements", len);
    return array;
}
