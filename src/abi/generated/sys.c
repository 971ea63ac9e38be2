/* abi/generated/sys.c - imports of astrid:sys/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_sys_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_SYS_ERROR_CODE_UNKNOWN:
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

static bool put_text_option_result(bhi_guest *guest, uint8_t *at,
                                   const bhi_sys_text_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_text_option(guest, at + 4, value->ok.is_some, value->ok.value);
}

static bool put_caller_context(bhi_guest *guest, uint8_t *at, const bhi_sys_caller_context *value)
{
    return put_text_option(guest, at, value->has_principal, value->principal) &&
           bhi_put_bytes(guest, at + 12, value->source_id) &&
           bhi_put_bytes(guest, at + 20, value->timestamp);
}

static bool put_caller_context_result(bhi_guest *guest, uint8_t *at,
                                      const bhi_sys_caller_context_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_caller_context(guest, at + 4, &value->ok);
}

static bool lift_log_level(bhi_guest *guest, uint32_t found, bhi_sys_log_level *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 5, "astrid:sys/host@1.0.0#log-level", &tag))
        return false;
    *ret = (bhi_sys_log_level)tag;
    return true;
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_sys_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool put_bytes_result(bhi_guest *guest, uint8_t *at, const bhi_sys_bytes_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool lift_capability_check_request(bhi_guest *guest, const bhi_core_value *values,
                                          bhi_sys_capability_check_request *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->source_uuid) &&
           bhi_lift_text(guest, values[2].u32, values[3].u32, &ret->capability);
}

static bool put_capability_check_response(bhi_guest *guest, uint8_t *at,
                                          const bhi_sys_capability_check_response *value)
{
    at[0] = value->allowed;
    return true;
}

static bool put_capability_check_response_result(
        bhi_guest *guest, uint8_t *at, const bhi_sys_capability_check_response_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_capability_check_response(guest, at + 4, &value->ok);
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

bool bhi_import_sys_get_config(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#get-config",
                                ours != NULL && ours->get_config != NULL))
        return false;
    bhi_bytes key = {0};
    bhi_sys_text_option_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &key) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->get_config(guest, key, &ret) &&
        put_text_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_get_caller(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#get-caller",
                                ours != NULL && ours->get_caller != NULL))
        return false;
    bhi_sys_caller_context_result ret = {0};
    uint8_t area[32] = {0};
    bool is_done =
        bhi_lower_check_area(guest, values[0].u32, sizeof area, 4) &&
        ours->get_caller(guest, &ret) &&
        put_caller_context_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[0].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_log(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#log",
                                ours != NULL && ours->log != NULL))
        return false;
    bhi_sys_log_level level = 0;
    bhi_bytes message = {0};
    bool is_done =
        lift_log_level(guest, values[0].u32, &level) &&
        bhi_lift_text(guest, values[1].u32, values[2].u32, &message) &&
        ours->log(guest, level, message);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_signal_ready(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#signal-ready",
                                ours != NULL && ours->signal_ready != NULL))
        return false;
    bool is_done = ours->signal_ready(guest);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_clock_ms(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#clock-ms",
                                ours != NULL && ours->clock_ms != NULL))
        return false;
    uint64_t ret = 0;
    bool is_done = ours->clock_ms(guest, &ret);
    if (is_done)
        values[0].u64 = ret;
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_clock_monotonic_ns(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#clock-monotonic-ns",
                                ours != NULL && ours->clock_monotonic_ns != NULL))
        return false;
    uint64_t ret = 0;
    bool is_done = ours->clock_monotonic_ns(guest, &ret);
    if (is_done)
        values[0].u64 = ret;
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_sleep_ns(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#sleep-ns",
                                ours != NULL && ours->sleep_ns != NULL))
        return false;
    bhi_sys_unit_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t duration_ns = values[0].u64;
    bool is_done =
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->sleep_ns(guest, duration_ns, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_random_bytes(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#random-bytes",
                                ours != NULL && ours->random_bytes != NULL))
        return false;
    bhi_sys_bytes_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t length = values[0].u64;
    bool is_done =
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->random_bytes(guest, length, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_check_capsule_capability(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#check-capsule-capability",
                                ours != NULL && ours->check_capsule_capability != NULL))
        return false;
    bhi_sys_capability_check_request request = {0};
    bhi_sys_capability_check_response_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_capability_check_request(guest, values, &request) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->check_capsule_capability(guest, &request, &ret) &&
        put_capability_check_response_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_sys_enumerate_capabilities(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_sys_host *ours = guest->host == NULL ? NULL : guest->host->sys;
    if (!bhi_guest_begin_import(guest, "astrid:sys/host@1.0.0#enumerate-capabilities",
                                ours != NULL && ours->enumerate_capabilities != NULL))
        return false;
    bhi_text_list ret = {0};
    uint8_t area[8] = {0};
    bool is_done =
        bhi_lower_check_area(guest, values[0].u32, sizeof area, 4) &&
        ours->enumerate_capabilities(guest, &ret) &&
        put_text_list(guest, area, ret) &&
        bhi_lower_write(guest, values[0].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}
