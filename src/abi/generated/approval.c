/* abi/generated/approval.c - imports of astrid:approval/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_request(bhi_guest *guest, const bhi_core_value *values, bhi_approval_request *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->action) &&
           bhi_lift_text(guest, values[2].u32, values[3].u32, &ret->target_resource);
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_approval_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_APPROVAL_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_response(bhi_guest *guest, uint8_t *at, const bhi_approval_response *value)
{
    at[0] = (uint8_t)value->decision;
    return true;
}

static bool put_response_result(bhi_guest *guest, uint8_t *at,
                                const bhi_approval_response_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_response(guest, at + 4, &value->ok);
}

bool bhi_import_approval_request_approval(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_approval_host *ours = guest->host == NULL ? NULL : guest->host->approval;
    if (!bhi_guest_begin_import(guest, "astrid:approval/host@1.0.0#request-approval",
                                ours != NULL && ours->request_approval != NULL))
        return false;
    bhi_approval_request request = {0};
    bhi_approval_response_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->request_approval(guest, &request, &ret) &&
        put_response_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
