/* fs.c - the wrappers of astrid:fs/host. */
#include "call.h"

/* option<datetime> */
typedef struct core_time {
    uint8_t is_some;
    int64_t seconds;
    uint32_t nanoseconds;
} core_time;
AT(core_time, seconds, 8);
_Static_assert(sizeof(core_time) == 24, "canonical ABI size of option<datetime>");

/* file-stat */
typedef struct core_stat {
    uint64_t size;
    uint8_t kind;
    uint32_t mode;
    core_time modified, created, accessed;
} core_stat;
AT(core_stat, kind, 8);
AT(core_stat, mode, 12);
AT(core_stat, modified, 16);
_Static_assert(sizeof(core_stat) == 88, "canonical ABI size of file-stat");

typedef struct fs_stat_result {
    uint8_t is_error;
    union {
        core_error error;
        core_stat stat;
    } as;
} fs_stat_result;
AT(fs_stat_result, as, 8);
AT(fs_stat_result, as.error.text, 12);

/* Every other result<_, error-code> but that of u64. */
typedef struct fs_result {
    uint8_t is_error;
    union {
        core_error error;
        capsule_bytes bytes;
        capsule_list list;
        uint32_t number;
        uint8_t boolean;
    } as;
} fs_result;
AT(fs_result, as, 4);
AT(fs_result, as.error.text, 8);
_Static_assert(sizeof(fs_result) == 16, "canonical ABI size of result<list, error-code>");

#define FS(function)     IMPORT("fs/host", function)
#define PATH(name)       const uint8_t *name, size_t name##_len
#define ARGUMENTS(bytes) bytes.data, bytes.len

FS("fs-open") void fs_open(PATH(path), uint32_t mode, fs_result *ret);
FS("fs-exists") void fs_exists(PATH(path), fs_result *ret);
FS("fs-mkdir") void fs_mkdir(PATH(path), fs_result *ret);
FS("fs-mkdir-all") void fs_mkdir_all(PATH(path), fs_result *ret);
FS("fs-readdir") void fs_readdir(PATH(path), fs_result *ret);
FS("fs-stat") void fs_stat(PATH(path), fs_stat_result *ret);
FS("fs-stat-symlink") void fs_stat_symlink(PATH(path), fs_stat_result *ret);
FS("fs-unlink") void fs_unlink(PATH(path), fs_result *ret);
FS("read-file") void fs_read_file(PATH(path), fs_result *ret);
FS("write-file") void fs_write_file(PATH(path), PATH(data), fs_result *ret);
FS("fs-append") void fs_append(PATH(path), PATH(data), fs_result *ret);
FS("fs-copy") void fs_copy(PATH(from), PATH(to), fs_result *ret);
FS("fs-rename") void fs_rename(PATH(from), PATH(to), fs_result *ret);
FS("fs-remove-dir-all") void fs_remove_dir_all(PATH(path), core_result_u64 *ret);
FS("fs-canonicalize") void fs_canonicalize(PATH(path), fs_result *ret);
FS("fs-read-link") void fs_read_link(PATH(path), fs_result *ret);
FS("fs-hard-link") void fs_hard_link(PATH(from), PATH(to), fs_result *ret);
FS("[method]file-handle.read-at")
void file_read_at(capsule_file self, uint64_t offset, uint32_t max, fs_result *ret);
FS("[method]file-handle.write-at")
void file_write_at(capsule_file self, uint64_t offset, PATH(data), fs_result *ret);
FS("[method]file-handle.sync-data") void file_sync_data(capsule_file self, fs_result *ret);
FS("[method]file-handle.sync-all") void file_sync_all(capsule_file self, fs_result *ret);
FS("[method]file-handle.stat") void file_stat(capsule_file self, fs_stat_result *ret);
FS("[method]file-handle.set-len")
void file_set_len(capsule_file self, uint64_t size, fs_result *ret);
FS("[resource-drop]file-handle") void file_drop(capsule_file self);

static capsule_fs_status fs_status(const fs_result *result)
{
    return result->is_error
               ? (capsule_fs_status)capsule_call_failure(&result->as.error, CAPSULE_FS_UNKNOWN)
               : CAPSULE_FS_OK;
}

static capsule_fs_status take_bytes(const fs_result *result, capsule_bytes *ret_bytes)
{
    if (!result->is_error)
        *ret_bytes = result->as.bytes;
    return fs_status(result);
}

static capsule_file_time time_of(const core_time *time)
{
    return (capsule_file_time){time->is_some != 0, time->seconds, time->nanoseconds};
}

static capsule_fs_status take_stat(const fs_stat_result *result, capsule_file_stat *ret_stat)
{
    if (result->is_error)
        return (capsule_fs_status)capsule_call_failure(&result->as.error, CAPSULE_FS_UNKNOWN);
    const core_stat *stat = &result->as.stat;
    *ret_stat = (capsule_file_stat){.size = stat->size,
                                    .kind = (capsule_file_type)stat->kind,
                                    .mode = stat->mode,
                                    .modified = time_of(&stat->modified),
                                    .created = time_of(&stat->created),
                                    .accessed = time_of(&stat->accessed)};
    return CAPSULE_FS_OK;
}

capsule_fs_status capsule_read_file(capsule_bytes path, capsule_bytes *ret_data)
{
    fs_result result;
    fs_read_file(ARGUMENTS(path), &result);
    return take_bytes(&result, ret_data);
}

capsule_fs_status capsule_write_file(capsule_bytes path, capsule_bytes data)
{
    fs_result result;
    fs_write_file(ARGUMENTS(path), ARGUMENTS(data), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_append_file(capsule_bytes path, capsule_bytes data)
{
    fs_result result;
    fs_append(ARGUMENTS(path), ARGUMENTS(data), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_copy_file(capsule_bytes from, capsule_bytes to)
{
    fs_result result;
    fs_copy(ARGUMENTS(from), ARGUMENTS(to), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_file_exists(capsule_bytes path, bool *ret_exists)
{
    fs_result result;
    fs_exists(ARGUMENTS(path), &result);
    if (!result.is_error)
        *ret_exists = result.as.boolean != 0;
    return fs_status(&result);
}

capsule_fs_status capsule_stat(capsule_bytes path, capsule_file_stat *ret_stat)
{
    fs_stat_result result;
    fs_stat(ARGUMENTS(path), &result);
    return take_stat(&result, ret_stat);
}

capsule_fs_status capsule_stat_link(capsule_bytes path, capsule_file_stat *ret_stat)
{
    fs_stat_result result;
    fs_stat_symlink(ARGUMENTS(path), &result);
    return take_stat(&result, ret_stat);
}

capsule_fs_status capsule_make_directory(capsule_bytes path)
{
    fs_result result;
    fs_mkdir(ARGUMENTS(path), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_make_directories(capsule_bytes path)
{
    fs_result result;
    fs_mkdir_all(ARGUMENTS(path), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_read_directory(capsule_bytes path, capsule_list *ret_names)
{
    fs_result result;
    fs_readdir(ARGUMENTS(path), &result);
    if (!result.is_error)
        *ret_names = result.as.list;
    return fs_status(&result);
}

capsule_fs_status capsule_remove_file(capsule_bytes path)
{
    fs_result result;
    fs_unlink(ARGUMENTS(path), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_remove_tree(capsule_bytes path, uint64_t *ret_count)
{
    core_result_u64 result;
    fs_remove_dir_all(ARGUMENTS(path), &result);
    if (result.is_error)
        return (capsule_fs_status)capsule_call_failure(&result.as.error, CAPSULE_FS_UNKNOWN);
    *ret_count = result.as.value;
    return CAPSULE_FS_OK;
}

capsule_fs_status capsule_rename(capsule_bytes from, capsule_bytes to)
{
    fs_result result;
    fs_rename(ARGUMENTS(from), ARGUMENTS(to), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_hard_link(capsule_bytes from, capsule_bytes to)
{
    fs_result result;
    fs_hard_link(ARGUMENTS(from), ARGUMENTS(to), &result);
    return fs_status(&result);
}

capsule_fs_status capsule_canonical_path(capsule_bytes path, capsule_bytes *ret_path)
{
    fs_result result;
    fs_canonicalize(ARGUMENTS(path), &result);
    return take_bytes(&result, ret_path);
}

capsule_fs_status capsule_read_link(capsule_bytes path, capsule_bytes *ret_path)
{
    fs_result result;
    fs_read_link(ARGUMENTS(path), &result);
    return take_bytes(&result, ret_path);
}

capsule_fs_status capsule_open(capsule_bytes path, capsule_open_mode mode, capsule_file *ret_file)
{
    fs_result result;
    fs_open(ARGUMENTS(path), mode, &result);
    if (!result.is_error)
        *ret_file = result.as.number;
    return fs_status(&result);
}

capsule_fs_status capsule_file_read(capsule_file file, uint64_t offset, uint32_t max,
                                    capsule_bytes *ret_data)
{
    fs_result result;
    file_read_at(file, offset, max, &result);
    return take_bytes(&result, ret_data);
}

capsule_fs_status capsule_file_write(capsule_file file, uint64_t offset, capsule_bytes data,
                                     uint32_t *ret_written)
{
    fs_result result;
    file_write_at(file, offset, ARGUMENTS(data), &result);
    if (!result.is_error)
        *ret_written = result.as.number;
    return fs_status(&result);
}

capsule_fs_status capsule_file_sync_data(capsule_file file)
{
    fs_result result;
    file_sync_data(file, &result);
    return fs_status(&result);
}

capsule_fs_status capsule_file_sync(capsule_file file)
{
    fs_result result;
    file_sync_all(file, &result);
    return fs_status(&result);
}

capsule_fs_status capsule_file_stat_open(capsule_file file, capsule_file_stat *ret_stat)
{
    fs_stat_result result;
    file_stat(file, &result);
    return take_stat(&result, ret_stat);
}

capsule_fs_status capsule_file_set_size(capsule_file file, uint64_t size)
{
    fs_result result;
    file_set_len(file, size, &result);
    return fs_status(&result);
}

void capsule_file_close(capsule_file file)
{
    file_drop(file);
}

const char *capsule_fs_status_name(capsule_fs_status status)
{
    static const char *const names[] = {
        "ok",           "not-found",   "access",       "capability-denied", "boundary-escape",
        "invalid-path", "would-block", "is-directory", "not-directory",     "not-empty",
        "too-large",    "quota",       "cross-vfs",    "already-exists",    "closed",
        "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
