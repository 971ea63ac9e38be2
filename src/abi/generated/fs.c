/* abi/generated/fs.c - imports of astrid:fs/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_file_handle(bhi_guest *guest, uint32_t handle, bhi_fs_file_handle **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_FS_FILE_HANDLE);
    return *ret != NULL;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_fs_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_FS_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_bytes_result(bhi_guest *guest, uint8_t *at, const bhi_fs_bytes_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_u32_result(bhi_guest *guest, uint8_t *at, const bhi_fs_u32_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    bhi_put_u32(at + 4, value->ok);
    return true;
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_fs_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool put_datetime(bhi_guest *guest, uint8_t *at, const bhi_fs_datetime *value)
{
    bhi_put_u64(at, (uint64_t)value->seconds);
    bhi_put_u32(at + 8, value->nanoseconds);
    return true;
}

static bool put_datetime_option(bhi_guest *guest, uint8_t *at, bool is_some,
                                const bhi_fs_datetime *value)
{
    at[0] = is_some;
    return !is_some || put_datetime(guest, at + 8, value);
}

static bool put_file_stat(bhi_guest *guest, uint8_t *at, const bhi_fs_file_stat *value)
{
    bhi_put_u64(at, value->size);
    at[8] = (uint8_t)value->kind;
    bhi_put_u32(at + 12, value->mode);
    return put_datetime_option(guest, at + 16, value->has_modified, &value->modified) &&
           put_datetime_option(guest, at + 40, value->has_created, &value->created) &&
           put_datetime_option(guest, at + 64, value->has_accessed, &value->accessed);
}

static bool put_file_stat_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_fs_file_stat_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    return put_file_stat(guest, at + 8, &value->ok);
}

static bool lift_open_mode(bhi_guest *guest, uint32_t found, bhi_fs_open_mode *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 4, "astrid:fs/host@1.0.0#open-mode", &tag))
        return false;
    *ret = (bhi_fs_open_mode)tag;
    return true;
}

static bool put_file_handle_result(bhi_guest *guest, uint8_t *at,
                                   const bhi_fs_file_handle_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_FS_FILE_HANDLE, value->ok);
}

static bool put_bool_result(bhi_guest *guest, uint8_t *at, const bhi_fs_bool_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    at[4] = value->ok;
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
                                 const bhi_fs_text_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_text_list(guest, at + 4, value->ok);
}

static bool put_u64_result(bhi_guest *guest, uint8_t *at, const bhi_fs_u64_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    bhi_put_u64(at + 8, value->ok);
    return true;
}

static bool put_text_result(bhi_guest *guest, uint8_t *at, const bhi_fs_text_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

bool bhi_import_fs_file_handle_read_at(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.read-at",
                                ours != NULL && ours->file_handle_read_at != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_fs_bytes_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t offset = values[1].u64;
    uint32_t max_bytes = values[2].u32;
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->file_handle_read_at(guest, self, offset, max_bytes, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_write_at(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.write-at",
                                ours != NULL && ours->file_handle_write_at != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_bytes data = {0};
    bhi_fs_u32_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t offset = values[1].u64;
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[2].u32, values[3].u32, &data) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->file_handle_write_at(guest, self, offset, data, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_sync_data(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.sync-data",
                                ours != NULL && ours->file_handle_sync_data != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->file_handle_sync_data(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_sync_all(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.sync-all",
                                ours != NULL && ours->file_handle_sync_all != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->file_handle_sync_all(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_stat(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.stat",
                                ours != NULL && ours->file_handle_stat != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_fs_file_stat_result ret = {0};
    uint8_t area[96] = {0};
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->file_handle_stat(guest, self, &ret) &&
        put_file_stat_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_set_len(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#[method]file-handle.set-len",
                                ours != NULL && ours->file_handle_set_len != NULL))
        return false;
    bhi_fs_file_handle *self = NULL;
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t size = values[1].u64;
    bool is_done =
        lift_file_handle(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->file_handle_set_len(guest, self, size, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_open(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-open",
                                ours != NULL && ours->fs_open != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_open_mode mode = 0;
    bhi_fs_file_handle_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        lift_open_mode(guest, values[2].u32, &mode) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->fs_open(guest, path, mode, &ret) &&
        put_file_handle_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_exists(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-exists",
                                ours != NULL && ours->fs_exists != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_bool_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_exists(guest, path, &ret) &&
        put_bool_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_mkdir(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-mkdir",
                                ours != NULL && ours->fs_mkdir != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_mkdir(guest, path, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_mkdir_all(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-mkdir-all",
                                ours != NULL && ours->fs_mkdir_all != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_mkdir_all(guest, path, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_readdir(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-readdir",
                                ours != NULL && ours->fs_readdir != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_text_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_readdir(guest, path, &ret) &&
        put_text_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_stat(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-stat",
                                ours != NULL && ours->fs_stat != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_file_stat_result ret = {0};
    uint8_t area[96] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->fs_stat(guest, path, &ret) &&
        put_file_stat_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_stat_symlink(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-stat-symlink",
                                ours != NULL && ours->fs_stat_symlink != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_file_stat_result ret = {0};
    uint8_t area[96] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->fs_stat_symlink(guest, path, &ret) &&
        put_file_stat_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_unlink(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-unlink",
                                ours != NULL && ours->fs_unlink != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_unlink(guest, path, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_read_file(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#read-file",
                                ours != NULL && ours->read_file != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_bytes_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->read_file(guest, path, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_write_file(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#write-file",
                                ours != NULL && ours->write_file != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_bytes content = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lift_bytes(guest, values[2].u32, values[3].u32, &content) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->write_file(guest, path, content, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_append(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-append",
                                ours != NULL && ours->fs_append != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_bytes content = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lift_bytes(guest, values[2].u32, values[3].u32, &content) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->fs_append(guest, path, content, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_copy(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-copy",
                                ours != NULL && ours->fs_copy != NULL))
        return false;
    bhi_bytes src = {0};
    bhi_bytes dst = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &src) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &dst) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->fs_copy(guest, src, dst, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_rename(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-rename",
                                ours != NULL && ours->fs_rename != NULL))
        return false;
    bhi_bytes src = {0};
    bhi_bytes dst = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &src) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &dst) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->fs_rename(guest, src, dst, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_remove_dir_all(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-remove-dir-all",
                                ours != NULL && ours->fs_remove_dir_all != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_u64_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->fs_remove_dir_all(guest, path, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_canonicalize(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-canonicalize",
                                ours != NULL && ours->fs_canonicalize != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_canonicalize(guest, path, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_read_link(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-read-link",
                                ours != NULL && ours->fs_read_link != NULL))
        return false;
    bhi_bytes path = {0};
    bhi_fs_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &path) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->fs_read_link(guest, path, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_hard_link(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_fs_host *ours = guest->host == NULL ? NULL : guest->host->fs;
    if (!bhi_guest_begin_import(guest, "astrid:fs/host@1.0.0#fs-hard-link",
                                ours != NULL && ours->fs_hard_link != NULL))
        return false;
    bhi_bytes src = {0};
    bhi_bytes link_path = {0};
    bhi_fs_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &src) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &link_path) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->fs_hard_link(guest, src, link_path, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_fs_file_handle_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_FS_FILE_HANDLE,
                         "astrid:fs/host@1.0.0#[resource-drop]file-handle");
}
