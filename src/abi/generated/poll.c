/* abi/generated/poll.c - imports of astrid:io/poll@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_pollable(bhi_guest *guest, uint32_t handle, bhi_poll_pollable **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_POLL_POLLABLE);
    return *ret != NULL;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_poll_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_POLL_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_poll_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool lift_pollable_list(bhi_guest *guest, uint32_t address, uint32_t len,
                               bhi_poll_pollable_list *ret)
{
    const uint8_t *at = bhi_lift_elements(guest, address, len, 4, 4);
    if (at == NULL)
        return false;
    bhi_poll_pollable **data = bhi_lift_array(guest, len, sizeof *data);
    if (data == NULL)
        return false;
    for (uint32_t i = 0; i < len; i++, at += 4) {
        if (!lift_pollable(guest, bhi_get_u32(at), &data[i]))
            return false;
    }
    *ret = (bhi_poll_pollable_list){data, len};
    return true;
}

static bool put_u32_list(bhi_guest *guest, uint8_t *image, bhi_u32_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 4, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[4] = {0};
        bhi_put_u32(at, list.data[i]);
        bool is_written = bhi_lower_write(guest, address + (uint32_t)i * 4, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_u32_list_result(bhi_guest *guest, uint8_t *at,
                                const bhi_poll_u32_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_u32_list(guest, at + 4, value->ok);
}

bool bhi_import_poll_pollable_ready(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_poll_host *ours = guest->host == NULL ? NULL : guest->host->poll;
    if (!bhi_guest_begin_import(guest, "astrid:io/poll@1.0.0#[method]pollable.ready",
                                ours != NULL && ours->pollable_ready != NULL))
        return false;
    bhi_poll_pollable *self = NULL;
    bool ret = 0;
    bool is_done =
        lift_pollable(guest, values[0].u32, &self) &&
        ours->pollable_ready(guest, self, &ret);
    if (is_done)
        values[0].u32 = ret;
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_poll_pollable_block(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_poll_host *ours = guest->host == NULL ? NULL : guest->host->poll;
    if (!bhi_guest_begin_import(guest, "astrid:io/poll@1.0.0#[method]pollable.block",
                                ours != NULL && ours->pollable_block != NULL))
        return false;
    bhi_poll_pollable *self = NULL;
    bhi_poll_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_pollable(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->pollable_block(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_poll_poll(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_poll_host *ours = guest->host == NULL ? NULL : guest->host->poll;
    if (!bhi_guest_begin_import(guest, "astrid:io/poll@1.0.0#poll",
                                ours != NULL && ours->poll != NULL))
        return false;
    bhi_poll_pollable_list pollables = {0};
    bhi_poll_u32_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_pollable_list(guest, values[0].u32, values[1].u32, &pollables) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->poll(guest, pollables, &ret) &&
        put_u32_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_poll_pollable_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_POLL_POLLABLE,
                         "astrid:io/poll@1.0.0#[resource-drop]pollable");
}
