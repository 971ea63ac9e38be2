/* abi/generated/kv.c - imports of astrid:kv/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_kv_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_KV_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_bytes_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_bytes_option_result(bhi_guest *guest, uint8_t *at,
                                    const bhi_kv_bytes_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_bytes_option(guest, at + 4, value->ok.is_some, value->ok.value);
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_kv_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
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

static bool put_text_list_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_kv_text_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_text_list(guest, at + 4, value->ok);
}

static bool lift_text_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                             bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, values[1].u32, values[2].u32, ret);
}

static bool put_text_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_key_page(bhi_guest *guest, uint8_t *at, const bhi_kv_key_page *value)
{
    return put_text_list(guest, at, value->keys) &&
           put_text_option(guest, at + 8, value->has_next_cursor, value->next_cursor);
}

static bool put_key_page_result(bhi_guest *guest, uint8_t *at, const bhi_kv_key_page_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_key_page(guest, at + 4, &value->ok);
}

static bool put_u64_result(bhi_guest *guest, uint8_t *at, const bhi_kv_u64_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    bhi_put_u64(at + 8, value->ok);
    return true;
}

static bool lift_bytes_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                              bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_bytes(guest, values[1].u32, values[2].u32, ret);
}

bool bhi_import_kv_get(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-get",
                                ours != NULL && ours->kv_get != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_kv_bytes_option_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->kv_get(guest, key, &ret) &&
        put_bytes_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_set(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-set",
                                ours != NULL && ours->kv_set != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_bytes value = {0};
    bhi_kv_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        bhi_lift_bytes(guest, values[2].u32, values[3].u32, &value) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->kv_set(guest, key, value, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_delete(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-delete",
                                ours != NULL && ours->kv_delete != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_kv_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->kv_delete(guest, key, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_list_keys(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-list-keys",
                                ours != NULL && ours->kv_list_keys != NULL))
        return false;
    bhi_bytes prefix = {0};
    bhi_kv_text_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &prefix) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->kv_list_keys(guest, prefix, &ret) &&
        put_text_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_list_keys_page(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-list-keys-page",
                                ours != NULL && ours->kv_list_keys_page != NULL))
        return false;
    bhi_bytes prefix = {0};
    bhi_text_option cursor = {0};
    bhi_kv_key_page_result ret = {0};
    uint8_t area[24] = {0};
    uint32_t limit = values[5].u32;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &prefix) &&
        lift_text_option(guest, values + 2, &cursor.is_some, &cursor.value) &&
        bhi_lower_check_area(guest, values[6].u32, sizeof area, 4) &&
        ours->kv_list_keys_page(guest, prefix, cursor, limit, &ret) &&
        put_key_page_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[6].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_clear_prefix(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-clear-prefix",
                                ours != NULL && ours->kv_clear_prefix != NULL))
        return false;
    bhi_bytes prefix = {0};
    bhi_kv_u64_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &prefix) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->kv_clear_prefix(guest, prefix, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_kv_cas(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_kv_host *ours = guest->host == NULL ? NULL : guest->host->kv;
    if (!bhi_guest_begin_import(guest, "astrid:kv/host@1.0.0#kv-cas",
                                ours != NULL && ours->kv_cas != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_bytes_option expected = {0};
    bhi_bytes new = {0};
    bhi_kv_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        lift_bytes_option(guest, values + 2, &expected.is_some, &expected.value) &&
        bhi_lift_bytes(guest, values[5].u32, values[6].u32, &new) &&
        bhi_lower_check_area(guest, values[7].u32, sizeof area, 4) &&
        ours->kv_cas(guest, key, expected, new, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[7].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
