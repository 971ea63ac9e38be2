/* abi/generated/exports.c - lowering and lifting for a guest's exports.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/exports.h"

#include "abi/lift.h"
#include "abi/lower.h"

static bool load_text_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some, bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, bhi_get_u32(at + 4), bhi_get_u32(at + 8), ret);
}

static bool load_capsule_result(bhi_guest *guest, const uint8_t *at,
                                bhi_lifecycle_capsule_result *ret)
{
    return bhi_lift_text(guest, bhi_get_u32(at), bhi_get_u32(at + 4), &ret->action) &&
           load_text_option(guest, at + 8, &ret->has_data, &ret->data);
}

bool bhi_lower_astrid_hook_trigger(bhi_guest *guest, bhi_bytes action, bhi_bytes payload,
                                   uint32_t action_address, uint32_t payload_address)
{
    return bhi_lower_write(guest, action_address, action.data, action.len, 1) &&
           bhi_lower_write(guest, payload_address, payload.data, payload.len, 1);
}

bool bhi_lift_astrid_hook_trigger(bhi_guest *guest, uint32_t result_address,
                                  bhi_capsule_result *ret)
{
    guest->lifted_text_bytes = 0;
    const uint8_t *at = bhi_guest_readable(guest, result_address, 20, 4);
    *ret = (bhi_capsule_result){0};
    return at != NULL && load_capsule_result(guest, at, ret);
}
