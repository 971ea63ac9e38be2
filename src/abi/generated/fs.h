/* abi/generated/fs.h - the types and host functions of astrid:fs/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_FS_H
#define BHI_ABI_GENERATED_FS_H

#include "abi/generated/types.h"

/* Why a file call failed. */
typedef enum bhi_fs_error_code_tag {
    BHI_FS_ERROR_CODE_NOT_FOUND,
    BHI_FS_ERROR_CODE_ACCESS,
    BHI_FS_ERROR_CODE_CAPABILITY_DENIED,
    BHI_FS_ERROR_CODE_BOUNDARY_ESCAPE,
    BHI_FS_ERROR_CODE_INVALID_PATH,
    BHI_FS_ERROR_CODE_WOULD_BLOCK,
    BHI_FS_ERROR_CODE_IS_DIRECTORY,
    BHI_FS_ERROR_CODE_NOT_DIRECTORY,
    BHI_FS_ERROR_CODE_NOT_EMPTY,
    BHI_FS_ERROR_CODE_TOO_LARGE,
    BHI_FS_ERROR_CODE_QUOTA,
    BHI_FS_ERROR_CODE_CROSS_VFS,
    BHI_FS_ERROR_CODE_ALREADY_EXISTS,
    BHI_FS_ERROR_CODE_CLOSED,
    BHI_FS_ERROR_CODE_UNKNOWN,
} bhi_fs_error_code_tag;

typedef struct bhi_fs_error_code {
    bhi_fs_error_code_tag tag;
    bhi_bytes unknown;
} bhi_fs_error_code;

/* What kind of entry it is. */
typedef enum bhi_fs_file_type {
    BHI_FS_FILE_TYPE_TYPE_UNKNOWN,
    BHI_FS_FILE_TYPE_REGULAR,
    BHI_FS_FILE_TYPE_DIRECTORY,
    BHI_FS_FILE_TYPE_SYMLINK,
    BHI_FS_FILE_TYPE_BLOCK_DEVICE,
    BHI_FS_FILE_TYPE_CHARACTER_DEVICE,
    BHI_FS_FILE_TYPE_FIFO,
    BHI_FS_FILE_TYPE_SOCKET,
} bhi_fs_file_type;

/* A time since the start of 1970. */
typedef struct bhi_fs_datetime {
    int64_t seconds;
    uint32_t nanoseconds;
} bhi_fs_datetime;

typedef struct bhi_fs_datetime_option {
    bool is_some;
    bhi_fs_datetime value;
} bhi_fs_datetime_option;

/* What is known about an entry. */
typedef struct bhi_fs_file_stat {
    uint64_t size;
    bhi_fs_file_type kind;
    uint32_t mode;
    bool has_modified;
    bhi_fs_datetime modified;
    bool has_created;
    bhi_fs_datetime created;
    bool has_accessed;
    bhi_fs_datetime accessed;
} bhi_fs_file_stat;

/* How a file is opened: `write` truncates, `append` creates, the others need it to exist. */
typedef enum bhi_fs_open_mode {
    BHI_FS_OPEN_MODE_READ,
    BHI_FS_OPEN_MODE_WRITE,
    BHI_FS_OPEN_MODE_APPEND,
    BHI_FS_OPEN_MODE_READ_WRITE,
} bhi_fs_open_mode;

typedef struct bhi_fs_bytes_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_fs_error_code error;
    };
} bhi_fs_bytes_result;

typedef struct bhi_fs_u32_result {
    bool is_ok;
    union {
        uint32_t ok;
        bhi_fs_error_code error;
    };
} bhi_fs_u32_result;

typedef struct bhi_fs_unit_result {
    bool is_ok;
    bhi_fs_error_code error;
} bhi_fs_unit_result;

typedef struct bhi_fs_file_stat_result {
    bool is_ok;
    union {
        bhi_fs_file_stat ok;
        bhi_fs_error_code error;
    };
} bhi_fs_file_stat_result;

typedef struct bhi_fs_file_handle_result {
    bool is_ok;
    union {
        bhi_fs_file_handle *ok;
        bhi_fs_error_code error;
    };
} bhi_fs_file_handle_result;

typedef struct bhi_fs_bool_result {
    bool is_ok;
    union {
        bool ok;
        bhi_fs_error_code error;
    };
} bhi_fs_bool_result;

typedef struct bhi_fs_text_list_result {
    bool is_ok;
    union {
        bhi_text_list ok;
        bhi_fs_error_code error;
    };
} bhi_fs_text_list_result;

typedef struct bhi_fs_u64_result {
    bool is_ok;
    union {
        uint64_t ok;
        bhi_fs_error_code error;
    };
} bhi_fs_u64_result;

typedef struct bhi_fs_text_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_fs_error_code error;
    };
} bhi_fs_text_result;

/* Files of the workspace, the principal's home and its temporary directory. */
typedef struct bhi_fs_host {
    void (*file_handle_drop)(void *file_handle);
    /* Read at an offset; empty is the end of the file. */
    bool (*file_handle_read_at)(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset,
                                uint32_t max_bytes, bhi_fs_bytes_result *ret);
    /* Write at an offset; answers how many bytes were taken. */
    bool (*file_handle_write_at)(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset,
                                 bhi_bytes data, bhi_fs_u32_result *ret);
    /* Make the contents durable. */
    bool (*file_handle_sync_data)(bhi_guest *guest, bhi_fs_file_handle *self,
                                  bhi_fs_unit_result *ret);
    /* Make the contents and the metadata durable. */
    bool (*file_handle_sync_all)(bhi_guest *guest, bhi_fs_file_handle *self,
                                 bhi_fs_unit_result *ret);
    /* Describe the open file. */
    bool (*file_handle_stat)(bhi_guest *guest, bhi_fs_file_handle *self,
                             bhi_fs_file_stat_result *ret);
    /* Cut or extend the file to `size` bytes. */
    bool (*file_handle_set_len)(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t size,
                                bhi_fs_unit_result *ret);
    /* Open a regular file. At most 16 are open at a time. */
    bool (*fs_open)(bhi_guest *guest, bhi_bytes path, bhi_fs_open_mode mode,
                    bhi_fs_file_handle_result *ret);
    /* Say whether a path leads to something; links are followed. */
    bool (*fs_exists)(bhi_guest *guest, bhi_bytes path, bhi_fs_bool_result *ret);
    /* Make a directory whose parent exists. */
    bool (*fs_mkdir)(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret);
    /* Make a directory and what is missing above it. */
    bool (*fs_mkdir_all)(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret);
    /* The names in a directory, in no order, at most 4096. */
    bool (*fs_readdir)(bhi_guest *guest, bhi_bytes path, bhi_fs_text_list_result *ret);
    /* Describe an entry; links are followed. */
    bool (*fs_stat)(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret);
    /* Describe an entry; a final link is described itself. */
    bool (*fs_stat_symlink)(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret);
    /* Remove a file or a link, never a directory. */
    bool (*fs_unlink)(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret);
    /* Read a whole file of at most 10 MiB. */
    bool (*read_file)(bhi_guest *guest, bhi_bytes path, bhi_fs_bytes_result *ret);
    /* Replace a whole file by at most 10 MiB. */
    bool (*write_file)(bhi_guest *guest, bhi_bytes path, bhi_bytes content,
                       bhi_fs_unit_result *ret);
    /* Add to the end of a file, creating it if needed. */
    bool (*fs_append)(bhi_guest *guest, bhi_bytes path, bhi_bytes content, bhi_fs_unit_result *ret);
    /* Copy a regular file over the target. */
    bool (*fs_copy)(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret);
    /* Move within one mount, replacing a file at the target at once. */
    bool (*fs_rename)(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret);
    /* Remove a directory with everything in it; answers how many entries went. */
    bool (*fs_remove_dir_all)(bhi_guest *guest, bhi_bytes path, bhi_fs_u64_result *ret);
    /* The path with its links resolved, in scheme form. */
    bool (*fs_canonicalize)(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret);
    /* Where a link points, in scheme form. */
    bool (*fs_read_link)(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret);
    /* Give a file a second name in the same mount. */
    bool (*fs_hard_link)(bhi_guest *guest, bhi_bytes src, bhi_bytes link_path,
                         bhi_fs_unit_result *ret);
} bhi_fs_host;

#endif
