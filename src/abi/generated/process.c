/* abi/generated/process.c - imports of astrid:process/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_handle(bhi_guest *guest, uint32_t handle, bhi_process_handle **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_PROCESS_HANDLE);
    return *ret != NULL;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_process_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_PROCESS_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_s32_option(bhi_guest *guest, uint8_t *at, bool is_some, int32_t value)
{
    at[0] = is_some;
    if (is_some)
        bhi_put_u32(at + 4, (uint32_t)value);
    return true;
}

static bool put_exit_info(bhi_guest *guest, uint8_t *at, const bhi_process_exit_info *value)
{
    return put_s32_option(guest, at, value->has_exit_code, value->exit_code) &&
           put_s32_option(guest, at + 8, value->has_signal, value->signal);
}

static bool put_exit_info_option(bhi_guest *guest, uint8_t *at, bool is_some,
                                 const bhi_process_exit_info *value)
{
    at[0] = is_some;
    return !is_some || put_exit_info(guest, at + 4, value);
}

static bool put_read_logs_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_process_read_logs_result *value)
{
    at[16] = value->running;
    return bhi_put_bytes(guest, at, value->stdout_) &&
           bhi_put_bytes(guest, at + 8, value->stderr_) &&
           put_exit_info_option(guest, at + 20, value->has_exit, &value->exit);
}

static bool put_read_logs_result_result(bhi_guest *guest, uint8_t *at,
                                        const bhi_process_read_logs_result_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_read_logs_result(guest, at + 4, &value->ok);
}

static bool put_u32_result(bhi_guest *guest, uint8_t *at, const bhi_process_u32_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    bhi_put_u32(at + 4, value->ok);
    return true;
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_process_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool lift_signal(bhi_guest *guest, uint32_t found, bhi_process_signal *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 7, "astrid:process/host@1.0.0#process-signal", &tag))
        return false;
    *ret = (bhi_process_signal)tag;
    return true;
}

static bool put_kill_result(bhi_guest *guest, uint8_t *at, const bhi_process_kill_result *value)
{
    at[0] = value->killed;
    return put_exit_info_option(guest, at + 4, value->has_exit, &value->exit) &&
           bhi_put_bytes(guest, at + 24, value->stdout_) &&
           bhi_put_bytes(guest, at + 32, value->stderr_);
}

static bool put_kill_result_result(bhi_guest *guest, uint8_t *at,
                                   const bhi_process_kill_result_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_kill_result(guest, at + 4, &value->ok);
}

static bool lift_u64_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                            uint64_t *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    if (*ret_is_some)
        *ret = values[1].u64;
    return true;
}

static bool put_exit_info_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_process_exit_info_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_exit_info(guest, at + 4, &value->ok);
}

static bool put_result(bhi_guest *guest, uint8_t *at, const bhi_process_result *value)
{
    return bhi_put_bytes(guest, at, value->stdout_) &&
           bhi_put_bytes(guest, at + 8, value->stderr_) &&
           put_exit_info(guest, at + 16, &value->exit);
}

static bool put_result_result(bhi_guest *guest, uint8_t *at, const bhi_process_result_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_result(guest, at + 4, &value->ok);
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

static bool load_bytes_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some,
                              bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_bytes(guest, bhi_get_u32(at + 4), bhi_get_u32(at + 8), ret);
}

static bool load_env_var(bhi_guest *guest, const uint8_t *at, bhi_process_env_var *ret)
{
    return bhi_lift_text(guest, bhi_get_u32(at), bhi_get_u32(at + 4), &ret->key) &&
           bhi_lift_text(guest, bhi_get_u32(at + 8), bhi_get_u32(at + 12), &ret->value);
}

static bool lift_env_var_list(bhi_guest *guest, uint32_t address, uint32_t len,
                              bhi_process_env_var_list *ret)
{
    const uint8_t *at = bhi_lift_elements(guest, address, len, 16, 4);
    if (at == NULL)
        return false;
    bhi_process_env_var *data = bhi_lift_array(guest, len, sizeof *data);
    if (data == NULL)
        return false;
    for (uint32_t i = 0; i < len; i++, at += 16) {
        if (!load_env_var(guest, at, &data[i]))
            return false;
    }
    *ret = (bhi_process_env_var_list){data, len};
    return true;
}

static bool load_text_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some, bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, bhi_get_u32(at + 4), bhi_get_u32(at + 8), ret);
}

static bool load_u64_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some, uint64_t *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    if (*ret_is_some)
        *ret = bhi_get_u64(at + 8);
    return true;
}

static bool load_u32_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some, uint32_t *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    if (*ret_is_some)
        *ret = bhi_get_u32(at + 4);
    return true;
}

static bool load_resource_limits(bhi_guest *guest, const uint8_t *at,
                                 bhi_process_resource_limits *ret)
{
    return load_u64_option(guest, at, &ret->has_max_memory_bytes, &ret->max_memory_bytes) &&
           load_u64_option(guest, at + 16, &ret->has_max_cpu_secs, &ret->max_cpu_secs) &&
           load_u32_option(guest, at + 32, &ret->has_max_pids, &ret->max_pids) &&
           load_u32_option(guest, at + 40, &ret->has_max_open_files, &ret->max_open_files);
}

static bool load_resource_limits_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some,
                                        bhi_process_resource_limits *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    return !*ret_is_some || load_resource_limits(guest, at + 8, ret);
}

static bool load_bool_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some, bool *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    if (*ret_is_some)
        *ret = at[1] != 0;
    return true;
}

static bool lift_overflow_policy(bhi_guest *guest, uint32_t found, bhi_process_overflow_policy *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 2, "astrid:process/host@1.0.0#overflow-policy", &tag))
        return false;
    *ret = (bhi_process_overflow_policy)tag;
    return true;
}

static bool load_overflow_policy_option(bhi_guest *guest, const uint8_t *at, bool *ret_is_some,
                                        bhi_process_overflow_policy *ret)
{
    if (!bhi_lift_is_some(guest, at[0], ret_is_some))
        return false;
    return !*ret_is_some || lift_overflow_policy(guest, at[1], ret);
}

static bool load_spawn_request(bhi_guest *guest, const uint8_t *at, bhi_process_spawn_request *ret)
{
    return bhi_lift_text(guest, bhi_get_u32(at), bhi_get_u32(at + 4), &ret->cmd) &&
           lift_text_list(guest, bhi_get_u32(at + 8), bhi_get_u32(at + 12), &ret->args) &&
           load_bytes_option(guest, at + 16, &ret->has_stdin_, &ret->stdin_) &&
           lift_env_var_list(guest, bhi_get_u32(at + 28), bhi_get_u32(at + 32), &ret->env) &&
           load_text_option(guest, at + 36, &ret->has_cwd, &ret->cwd) &&
           load_resource_limits_option(guest, at + 48, &ret->has_limits, &ret->limits) &&
           load_text_option(guest, at + 104, &ret->has_label, &ret->label) &&
           load_bool_option(guest, at + 116, &ret->has_keep_stdin_open, &ret->keep_stdin_open) &&
           load_overflow_policy_option(guest, at + 118, &ret->has_overflow, &ret->overflow) &&
           load_u32_option(guest, at + 120, &ret->has_log_ring_bytes, &ret->log_ring_bytes) &&
           load_u64_option(guest, at + 128, &ret->has_max_lifetime_ms, &ret->max_lifetime_ms) &&
           load_u64_option(guest, at + 144, &ret->has_idle_timeout_ms, &ret->idle_timeout_ms) &&
           load_u64_option(guest, at + 160, &ret->has_exit_retention_ms, &ret->exit_retention_ms);
}

static bool put_handle_result(bhi_guest *guest, uint8_t *at, const bhi_process_handle_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_PROCESS_HANDLE, value->ok);
}

static bool put_text_result(bhi_guest *guest, uint8_t *at, const bhi_process_text_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool lift_text_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                             bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_text(guest, values[1].u32, values[2].u32, ret);
}

static bool put_u32_option(bhi_guest *guest, uint8_t *at, bool is_some, uint32_t value)
{
    at[0] = is_some;
    if (is_some)
        bhi_put_u32(at + 4, value);
    return true;
}

static bool put_u64_option(bhi_guest *guest, uint8_t *at, bool is_some, uint64_t value)
{
    at[0] = is_some;
    if (is_some)
        bhi_put_u64(at + 8, value);
    return true;
}

static bool put_info(bhi_guest *guest, uint8_t *at, const bhi_process_info *value)
{
    at[32] = (uint8_t)value->phase;
    bhi_put_u64(at + 56, value->age_ms);
    bhi_put_u64(at + 64, value->idle_ms);
    bhi_put_u64(at + 72, value->buffered_bytes);
    bhi_put_u64(at + 80, value->bytes_dropped);
    at[88] = value->stdin_open;
    return bhi_put_bytes(guest, at, value->id) &&
           bhi_put_bytes(guest, at + 8, value->label) &&
           bhi_put_bytes(guest, at + 16, value->command) &&
           put_u32_option(guest, at + 24, value->has_os_pid, value->os_pid) &&
           put_exit_info_option(guest, at + 36, value->has_exit, &value->exit) &&
           put_u64_option(guest, at + 96, value->has_cpu_ms, value->cpu_ms) &&
           put_u64_option(guest, at + 112, value->has_mem_bytes_peak, value->mem_bytes_peak);
}

static bool put_info_list(bhi_guest *guest, uint8_t *image, bhi_process_info_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 128, 8, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[128] = {0};
        bool is_written =
            put_info(guest, at, &list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 128, at, sizeof at, 8);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_info_list_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_process_info_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_info_list(guest, at + 4, value->ok);
}

static bool put_info_result(bhi_guest *guest, uint8_t *at, const bhi_process_info_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    return put_info(guest, at + 8, &value->ok);
}

static bool lift_log_stream(bhi_guest *guest, uint32_t found, bhi_process_log_stream *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 2, "astrid:process/host@1.0.0#log-stream", &tag))
        return false;
    *ret = (bhi_process_log_stream)tag;
    return true;
}

static bool lift_log_cursor(bhi_guest *guest, const bhi_core_value *values,
                            bhi_process_log_cursor *ret)
{
    return lift_text_option(guest, values, &ret->has_token, &ret->token);
}

static bool put_text_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_log_cursor(bhi_guest *guest, uint8_t *at, const bhi_process_log_cursor *value)
{
    return put_text_option(guest, at, value->has_token, value->token);
}

static bool put_log_chunk(bhi_guest *guest, uint8_t *at, const bhi_process_log_chunk *value)
{
    bhi_put_u64(at + 24, value->bytes_dropped);
    at[32] = value->drained_eof;
    return bhi_put_bytes(guest, at, value->data) && put_log_cursor(guest, at + 8, &value->next);
}

static bool put_log_chunk_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_process_log_chunk_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    return put_log_chunk(guest, at + 8, &value->ok);
}

bool bhi_import_process_handle_read_logs(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#[method]process-handle.read-logs",
                                ours != NULL && ours->process_handle_read_logs != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_process_read_logs_result_result ret = {0};
    uint8_t area[44] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->process_handle_read_logs(guest, self, &ret) &&
        put_read_logs_result_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_write_stdin(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest,
                                "astrid:process/host@1.0.0#[method]process-handle.write-stdin",
                                ours != NULL && ours->process_handle_write_stdin != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_bytes data = {0};
    bhi_process_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &data) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->process_handle_write_stdin(guest, self, data, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_close_stdin(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest,
                                "astrid:process/host@1.0.0#[method]process-handle.close-stdin",
                                ours != NULL && ours->process_handle_close_stdin != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->process_handle_close_stdin(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_signal(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#[method]process-handle.signal",
                                ours != NULL && ours->process_handle_signal != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_process_signal sig = 0;
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        lift_signal(guest, values[1].u32, &sig) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->process_handle_signal(guest, self, sig, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_kill(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#[method]process-handle.kill",
                                ours != NULL && ours->process_handle_kill != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_process_kill_result_result ret = {0};
    uint8_t area[44] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->process_handle_kill(guest, self, &ret) &&
        put_kill_result_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_wait(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#[method]process-handle.wait",
                                ours != NULL && ours->process_handle_wait != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_u64_option timeout_ms = {0};
    bhi_process_exit_info_result ret = {0};
    uint8_t area[20] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &timeout_ms.is_some, &timeout_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->process_handle_wait(guest, self, timeout_ms, &ret) &&
        put_exit_info_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_wait_with_output(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest,
                                "astrid:process/host@1.0.0#[method]process-handle.wait-with-output",
                                ours != NULL && ours->process_handle_wait_with_output != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_u64_option timeout_ms = {0};
    bhi_process_result_result ret = {0};
    uint8_t area[36] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &timeout_ms.is_some, &timeout_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->process_handle_wait_with_output(guest, self, timeout_ms, &ret) &&
        put_result_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_os_pid(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#[method]process-handle.os-pid",
                                ours != NULL && ours->process_handle_os_pid != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_process_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->process_handle_os_pid(guest, self, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_subscribe_exit(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest,
                                "astrid:process/host@1.0.0#[method]process-handle.subscribe-exit",
                                ours != NULL && ours->process_handle_subscribe_exit != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        ours->process_handle_subscribe_exit(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_subscribe_logs(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest,
                                "astrid:process/host@1.0.0#[method]process-handle.subscribe-logs",
                                ours != NULL && ours->process_handle_subscribe_logs != NULL))
        return false;
    bhi_process_handle *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_handle(guest, values[0].u32, &self) &&
        ours->process_handle_subscribe_logs(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_spawn(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#spawn",
                                ours != NULL && ours->spawn != NULL))
        return false;
    bhi_process_spawn_request request = {0};
    bhi_process_result_result ret = {0};
    uint8_t area[36] = {0};
    const uint8_t *at = bhi_guest_readable(guest, values[0].u32, 176, 8);
    bool is_done =
        at != NULL &&
        load_spawn_request(guest, at, &request) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->spawn(guest, &request, &ret) &&
        put_result_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_spawn_background(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#spawn-background",
                                ours != NULL && ours->spawn_background != NULL))
        return false;
    bhi_process_spawn_request request = {0};
    bhi_process_handle_result ret = {0};
    uint8_t area[16] = {0};
    const uint8_t *at = bhi_guest_readable(guest, values[0].u32, 176, 8);
    bool is_done =
        at != NULL &&
        load_spawn_request(guest, at, &request) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->spawn_background(guest, &request, &ret) &&
        put_handle_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_spawn_persistent(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#spawn-persistent",
                                ours != NULL && ours->spawn_persistent != NULL))
        return false;
    bhi_process_spawn_request request = {0};
    bhi_process_text_result ret = {0};
    uint8_t area[16] = {0};
    const uint8_t *at = bhi_guest_readable(guest, values[0].u32, 176, 8);
    bool is_done =
        at != NULL &&
        load_spawn_request(guest, at, &request) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->spawn_persistent(guest, &request, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_attach(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#attach",
                                ours != NULL && ours->attach != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_handle_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->attach(guest, id, &ret) &&
        put_handle_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_list_processes(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#list-processes",
                                ours != NULL && ours->list_processes != NULL))
        return false;
    bhi_text_option label_filter = {0};
    bhi_process_info_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_text_option(guest, values, &label_filter.is_some, &label_filter.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->list_processes(guest, label_filter, &ret) &&
        put_info_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_status(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#status",
                                ours != NULL && ours->status != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_info_result ret = {0};
    uint8_t area[136] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->status(guest, id, &ret) &&
        put_info_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_status_many(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#status-many",
                                ours != NULL && ours->status_many != NULL))
        return false;
    bhi_text_list ids = {0};
    bhi_process_info_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_text_list(guest, values[0].u32, values[1].u32, &ids) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->status_many(guest, ids, &ret) &&
        put_info_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_read_logs(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#read-logs",
                                ours != NULL && ours->read_logs != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_read_logs_result_result ret = {0};
    uint8_t area[44] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->read_logs(guest, id, &ret) &&
        put_read_logs_result_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_read_since(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#read-since",
                                ours != NULL && ours->read_since != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_log_stream which_stream = 0;
    bhi_process_log_cursor cursor = {0};
    bhi_process_log_chunk_result ret = {0};
    uint8_t area[48] = {0};
    uint32_t max_bytes = values[6].u32;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        lift_log_stream(guest, values[2].u32, &which_stream) &&
        lift_log_cursor(guest, values + 3, &cursor) &&
        bhi_lower_check_area(guest, values[7].u32, sizeof area, 8) &&
        ours->read_since(guest, id, which_stream, &cursor, max_bytes, &ret) &&
        put_log_chunk_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[7].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_write_stdin(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#write-stdin",
                                ours != NULL && ours->write_stdin != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_bytes data = {0};
    bhi_process_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lift_bytes(guest, values[2].u32, values[3].u32, &data) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->write_stdin(guest, id, data, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_close_stdin(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#close-stdin",
                                ours != NULL && ours->close_stdin != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->close_stdin(guest, id, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_signal(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#signal",
                                ours != NULL && ours->signal != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_signal sig = 0;
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        lift_signal(guest, values[2].u32, &sig) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->signal(guest, id, sig, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_wait(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#wait",
                                ours != NULL && ours->wait != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_exit_info_result ret = {0};
    uint8_t area[20] = {0};
    uint64_t timeout_ms = values[2].u64;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->wait(guest, id, timeout_ms, &ret) &&
        put_exit_info_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_stop(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#stop",
                                ours != NULL && ours->stop != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_u64_option grace_ms = {0};
    bhi_process_exit_info_result ret = {0};
    uint8_t area[20] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        lift_u64_option(guest, values + 2, &grace_ms.is_some, &grace_ms.value) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->stop(guest, id, grace_ms, &ret) &&
        put_exit_info_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_release_process(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#release-process",
                                ours != NULL && ours->release_process != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->release_process(guest, id, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_watch(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#watch",
                                ours != NULL && ours->watch != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_text_option suffix = {0};
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        lift_text_option(guest, values + 2, &suffix.is_some, &suffix.value) &&
        bhi_lower_check_area(guest, values[5].u32, sizeof area, 4) &&
        ours->watch(guest, id, suffix, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[5].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_unwatch(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_process_host *ours = guest->host == NULL ? NULL : guest->host->process;
    if (!bhi_guest_begin_import(guest, "astrid:process/host@1.0.0#unwatch",
                                ours != NULL && ours->unwatch != NULL))
        return false;
    bhi_bytes id = {0};
    bhi_process_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &id) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->unwatch(guest, id, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_process_handle_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_PROCESS_HANDLE,
                         "astrid:process/host@1.0.0#[resource-drop]process-handle");
}
