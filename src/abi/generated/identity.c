/* abi/generated/identity.c - imports of astrid:identity/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_resolve_request(bhi_guest *guest, const bhi_core_value *values,
                                 bhi_identity_resolve_request *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->platform) &&
           bhi_lift_text(guest, values[2].u32, values[3].u32, &ret->platform_user_id);
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_identity_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_IDENTITY_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_text_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_resolve_response(bhi_guest *guest, uint8_t *at,
                                 const bhi_identity_resolve_response *value)
{
    return bhi_put_bytes(guest, at, value->user_id) &&
           put_text_option(guest, at + 8, value->has_display_name, value->display_name);
}

static bool put_resolve_response_result(bhi_guest *guest, uint8_t *at,
                                        const bhi_identity_resolve_response_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_resolve_response(guest, at + 4, &value->ok);
}

static bool lift_link_request(bhi_guest *guest, const bhi_core_value *values,
                              bhi_identity_link_request *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->platform) &&
           bhi_lift_text(guest, values[2].u32, values[3].u32, &ret->platform_user_id) &&
           bhi_lift_text(guest, values[4].u32, values[5].u32, &ret->astrid_user_id) &&
           bhi_lift_text(guest, values[6].u32, values[7].u32, &ret->method);
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_identity_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool lift_unlink_request(bhi_guest *guest, const bhi_core_value *values,
                                bhi_identity_unlink_request *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->platform) &&
           bhi_lift_text(guest, values[2].u32, values[3].u32, &ret->platform_user_id);
}

static bool lift_text_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                             bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, values[1].u32, values[2].u32, ret);
}

static bool lift_create_user_request(bhi_guest *guest, const bhi_core_value *values,
                                     bhi_identity_create_user_request *ret)
{
    return lift_text_option(guest, values, &ret->has_display_name, &ret->display_name);
}

static bool put_create_user_response(bhi_guest *guest, uint8_t *at,
                                     const bhi_identity_create_user_response *value)
{
    return bhi_put_bytes(guest, at, value->user_id);
}

static bool put_create_user_response_result(bhi_guest *guest, uint8_t *at,
                                            const bhi_identity_create_user_response_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_create_user_response(guest, at + 4, &value->ok);
}

static bool put_platform_link(bhi_guest *guest, uint8_t *at,
                              const bhi_identity_platform_link *value)
{
    return bhi_put_bytes(guest, at, value->platform) &&
           bhi_put_bytes(guest, at + 8, value->platform_user_id) &&
           bhi_put_bytes(guest, at + 16, value->linked_at) &&
           bhi_put_bytes(guest, at + 24, value->method);
}

static bool put_platform_link_list(bhi_guest *guest, uint8_t *image,
                                   bhi_identity_platform_link_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 32, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[32] = {0};
        bool is_written =
            put_platform_link(guest, at, &list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 32, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_platform_link_list_result(bhi_guest *guest, uint8_t *at,
                                          const bhi_identity_platform_link_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_platform_link_list(guest, at + 4, value->ok);
}

bool bhi_import_identity_resolve(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_identity_host *ours = guest->host == NULL ? NULL : guest->host->identity;
    if (!bhi_guest_begin_import(guest, "astrid:identity/host@1.0.0#identity-resolve",
                                ours != NULL && ours->identity_resolve != NULL))
        return false;
    bhi_identity_resolve_request request = {0};
    bhi_identity_resolve_response_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_resolve_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->identity_resolve(guest, &request, &ret) &&
        put_resolve_response_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_identity_link(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_identity_host *ours = guest->host == NULL ? NULL : guest->host->identity;
    if (!bhi_guest_begin_import(guest, "astrid:identity/host@1.0.0#identity-link",
                                ours != NULL && ours->identity_link != NULL))
        return false;
    bhi_identity_link_request request = {0};
    bhi_identity_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_link_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[8].u32, sizeof area, 4) &&
        ours->identity_link(guest, &request, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[8].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_identity_unlink(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_identity_host *ours = guest->host == NULL ? NULL : guest->host->identity;
    if (!bhi_guest_begin_import(guest, "astrid:identity/host@1.0.0#identity-unlink",
                                ours != NULL && ours->identity_unlink != NULL))
        return false;
    bhi_identity_unlink_request request = {0};
    bhi_identity_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_unlink_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->identity_unlink(guest, &request, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_identity_create_user(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_identity_host *ours = guest->host == NULL ? NULL : guest->host->identity;
    if (!bhi_guest_begin_import(guest, "astrid:identity/host@1.0.0#identity-create-user",
                                ours != NULL && ours->identity_create_user != NULL))
        return false;
    bhi_identity_create_user_request request = {0};
    bhi_identity_create_user_response_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_create_user_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->identity_create_user(guest, &request, &ret) &&
        put_create_user_response_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_identity_list_links(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_identity_host *ours = guest->host == NULL ? NULL : guest->host->identity;
    if (!bhi_guest_begin_import(guest, "astrid:identity/host@1.0.0#identity-list-links",
                                ours != NULL && ours->identity_list_links != NULL))
        return false;
    bhi_bytes astrid_user_id = {0};
    bhi_identity_platform_link_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &astrid_user_id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->identity_list_links(guest, astrid_user_id, &ret) &&
        put_platform_link_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
