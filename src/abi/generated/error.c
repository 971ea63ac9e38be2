/* abi/generated/error.c - imports of astrid:io/error@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_error(bhi_guest *guest, uint32_t handle, bhi_error_error **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_ERROR_ERROR);
    return *ret != NULL;
}

bool bhi_import_error_to_debug_string(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_error_host *ours = guest->host == NULL ? NULL : guest->host->error;
    if (!bhi_guest_begin_import(guest, "astrid:io/error@1.0.0#[method]error.to-debug-string",
                                ours != NULL && ours->error_to_debug_string != NULL))
        return false;
    bhi_error_error *self = NULL;
    bhi_bytes ret = {0};
    uint8_t area[8] = {0};
    bool is_done =
        lift_error(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->error_to_debug_string(guest, self, &ret) &&
        bhi_put_bytes(guest, area, ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_error_error_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_ERROR_ERROR,
                         "astrid:io/error@1.0.0#[resource-drop]error");
}
