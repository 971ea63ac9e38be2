/* abi/generated/elicit.c - imports of astrid:elicit/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_type(bhi_guest *guest, uint32_t found, bhi_elicit_type *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 4, "astrid:elicit/host@1.0.0#elicit-type", &tag))
        return false;
    *ret = (bhi_elicit_type)tag;
    return true;
}

static bool lift_text_list(bhi_guest *guest, uint32_t address, uint32_t len, bhi_text_list *ret)
{
    const uint8_t *at = bhi_lift_elements(guest, address, len, 8, 4);
    if (at == NULL)
        return false;
    bhi_bytes *data = bhi_lift_array(guest, len, sizeof *data);
    if (data == NULL)
        return false;
    for (uint32_t i = 0; i < len; i++, at += 8) {
        if (!bhi_lift_text(guest, bhi_get_u32(at), bhi_get_u32(at + 4), &data[i]))
            return false;
    }
    *ret = (bhi_text_list){data, len};
    return true;
}

static bool lift_text_list_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                                  bhi_text_list *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || lift_text_list(guest, values[1].u32, values[2].u32, ret);
}

static bool lift_text_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                             bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, values[1].u32, values[2].u32, ret);
}

static bool lift_request(bhi_guest *guest, const bhi_core_value *values, bhi_elicit_request *ret)
{
    return lift_type(guest, values[0].u32, &ret->kind) &&
           bhi_lift_text(guest, values[1].u32, values[2].u32, &ret->key) &&
           bhi_lift_text(guest, values[3].u32, values[4].u32, &ret->description) &&
           lift_text_list_option(guest, values + 5, &ret->has_options, &ret->options) &&
           lift_text_option(guest, values + 8, &ret->has_default_value, &ret->default_value);
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_elicit_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_ELICIT_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_text_list(bhi_guest *guest, uint8_t *image, bhi_text_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 8, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[8] = {0};
        bool is_written =
            bhi_put_bytes(guest, at, list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 8, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_response(bhi_guest *guest, uint8_t *at, const bhi_elicit_response *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_ELICIT_RESPONSE_VALUE:
        return bhi_put_bytes(guest, at + 4, value->value);
    case BHI_ELICIT_RESPONSE_VALUES:
        return put_text_list(guest, at + 4, value->values);
    default:
        return true;
    }
}

static bool put_response_result(bhi_guest *guest, uint8_t *at,
                                const bhi_elicit_response_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_response(guest, at + 4, &value->ok);
}

static bool put_bool_result(bhi_guest *guest, uint8_t *at, const bhi_elicit_bool_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    at[4] = value->ok;
    return true;
}

bool bhi_import_elicit_elicit(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_elicit_host *ours = guest->host == NULL ? NULL : guest->host->elicit;
    if (!bhi_guest_begin_import(guest, "astrid:elicit/host@1.0.0#elicit",
                                ours != NULL && ours->elicit != NULL))
        return false;
    bhi_elicit_request request = {0};
    bhi_elicit_response_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[11].u32, sizeof area, 4) &&
        ours->elicit(guest, &request, &ret) &&
        put_response_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[11].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_elicit_has_secret(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_elicit_host *ours = guest->host == NULL ? NULL : guest->host->elicit;
    if (!bhi_guest_begin_import(guest, "astrid:elicit/host@1.0.0#has-secret",
                                ours != NULL && ours->has_secret != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_elicit_bool_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->has_secret(guest, key, &ret) &&
        put_bool_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
