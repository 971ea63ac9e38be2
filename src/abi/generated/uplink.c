/* abi/generated/uplink.c - imports of astrid:uplink/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_profile(bhi_guest *guest, uint32_t found, bhi_uplink_profile *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 4, "astrid:uplink/host@1.0.0#uplink-profile", &tag))
        return false;
    *ret = (bhi_uplink_profile)tag;
    return true;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_uplink_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_UPLINK_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_text_result(bhi_guest *guest, uint8_t *at, const bhi_uplink_text_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_bool_result(bhi_guest *guest, uint8_t *at, const bhi_uplink_bool_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    at[4] = value->ok;
    return true;
}

bool bhi_import_uplink_register(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_uplink_host *ours = guest->host == NULL ? NULL : guest->host->uplink;
    if (!bhi_guest_begin_import(guest, "astrid:uplink/host@1.0.0#uplink-register",
                                ours != NULL && ours->uplink_register != NULL))
        return false;
    bhi_bytes name = {0};
    bhi_bytes platform = {0};
    bhi_uplink_profile profile = 0;
    bhi_uplink_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &name) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &platform) &&
        lift_profile(guest, values[4].u32, &profile) &&
        bhi_lower_check_area(guest, values[5].u32, sizeof area, 4) &&
        ours->uplink_register(guest, name, platform, profile, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[5].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_uplink_send(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_uplink_host *ours = guest->host == NULL ? NULL : guest->host->uplink;
    if (!bhi_guest_begin_import(guest, "astrid:uplink/host@1.0.0#uplink-send",
                                ours != NULL && ours->uplink_send != NULL))
        return false;
    bhi_bytes uplink_id = {0};
    bhi_bytes platform_user_id = {0};
    bhi_bytes content = {0};
    bhi_uplink_bool_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &uplink_id) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &platform_user_id) &&
        bhi_lift_text(guest, values[4].u32, values[5].u32, &content) &&
        bhi_lower_check_area(guest, values[6].u32, sizeof area, 4) &&
        ours->uplink_send(guest, uplink_id, platform_user_id, content, &ret) &&
        put_bool_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[6].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
