/* bulkhead/fs.h - files. Included by capsule.h.
 *
 *   home://x       the principal's own, of this capsule; stays
 *   tmp://x        of this call; empty at its start, gone at its end
 *   workspace://x  the operator's directory, where one was granted; cwd://x and plain x are the
 * same
 *
 * The manifest's fs_read and fs_write say what of home and workspace may be used. Paths have at
 * most 4096 bytes and 64 components.
 */
#ifndef BULKHEAD_SDK_FS_H
#define BULKHEAD_SDK_FS_H

#include "capsule.h"

typedef enum capsule_fs_status {
    CAPSULE_FS_OK,
    CAPSULE_FS_NOT_FOUND,
    CAPSULE_FS_ACCESS,
    CAPSULE_FS_CAPABILITY_DENIED, /* not in the manifest, or no such root     */
    CAPSULE_FS_BOUNDARY_ESCAPE,   /* the path leads out of its root           */
    CAPSULE_FS_INVALID_PATH,
    CAPSULE_FS_WOULD_BLOCK,
    CAPSULE_FS_IS_DIRECTORY,
    CAPSULE_FS_NOT_DIRECTORY,
    CAPSULE_FS_NOT_EMPTY,
    CAPSULE_FS_TOO_LARGE, /* a whole file over 10 MiB, a write over 1 MB, over 4096 names */
    CAPSULE_FS_QUOTA,     /* storage, disk, or over 16 open files             */
    CAPSULE_FS_CROSS_VFS, /* the two paths have different roots               */
    CAPSULE_FS_ALREADY_EXISTS,
    CAPSULE_FS_CLOSED,
    CAPSULE_FS_UNKNOWN /* capsule_error_text says more */
} capsule_fs_status;

typedef enum capsule_file_type {
    CAPSULE_FILE_UNKNOWN,
    CAPSULE_FILE_REGULAR,
    CAPSULE_FILE_DIRECTORY,
    CAPSULE_FILE_SYMLINK,
    CAPSULE_FILE_BLOCK_DEVICE,
    CAPSULE_FILE_CHARACTER_DEVICE,
    CAPSULE_FILE_FIFO,
    CAPSULE_FILE_SOCKET
} capsule_file_type;

typedef struct capsule_file_time {
    bool is_known;
    int64_t seconds; /* since 1970 */
    uint32_t nanoseconds;
} capsule_file_time;

typedef struct capsule_file_stat {
    uint64_t size;
    capsule_file_type kind;
    uint32_t mode;
    capsule_file_time modified, created, accessed;
} capsule_file_stat;

/* Whole files, of at most 10 MiB. Writing replaces a file at once: readers see the old or the new.
 */
CAPSULE_MUST_USE capsule_fs_status capsule_read_file(capsule_bytes path, capsule_bytes *ret_data);
CAPSULE_MUST_USE capsule_fs_status capsule_write_file(capsule_bytes path, capsule_bytes data);
/* Adds all of it to the end, or nothing; creates the file if needed. */
CAPSULE_MUST_USE capsule_fs_status capsule_append_file(capsule_bytes path, capsule_bytes data);
CAPSULE_MUST_USE capsule_fs_status capsule_copy_file(capsule_bytes from, capsule_bytes to);

/* Links are followed, except by capsule_stat_link, remove, rename, link and read_link. */
CAPSULE_MUST_USE capsule_fs_status capsule_file_exists(capsule_bytes path, bool *ret_exists);
CAPSULE_MUST_USE capsule_fs_status capsule_stat(capsule_bytes path, capsule_file_stat *ret_stat);
CAPSULE_MUST_USE capsule_fs_status capsule_stat_link(capsule_bytes path,
                                                     capsule_file_stat *ret_stat);
CAPSULE_MUST_USE capsule_fs_status capsule_make_directory(capsule_bytes path);
CAPSULE_MUST_USE capsule_fs_status capsule_make_directories(capsule_bytes path);
/* Names, in no order. */
CAPSULE_MUST_USE capsule_fs_status capsule_read_directory(capsule_bytes path,
                                                          capsule_list *ret_names);
CAPSULE_MUST_USE capsule_fs_status capsule_remove_file(capsule_bytes path);
/* With everything in it; *ret_count entries went. */
CAPSULE_MUST_USE capsule_fs_status capsule_remove_tree(capsule_bytes path, uint64_t *ret_count);
CAPSULE_MUST_USE capsule_fs_status capsule_rename(capsule_bytes from, capsule_bytes to);
CAPSULE_MUST_USE capsule_fs_status capsule_hard_link(capsule_bytes from, capsule_bytes to);
/* With its scheme and without links. */
CAPSULE_MUST_USE capsule_fs_status capsule_canonical_path(capsule_bytes path,
                                                          capsule_bytes *ret_path);
CAPSULE_MUST_USE capsule_fs_status capsule_read_link(capsule_bytes path, capsule_bytes *ret_path);

/* Open files: at most 16; they end with the call that opened them. */
typedef uint32_t capsule_file; /* 0 is none */

typedef enum capsule_open_mode {
    CAPSULE_OPEN_READ,      /* it must exist            */
    CAPSULE_OPEN_WRITE,     /* created, or made empty   */
    CAPSULE_OPEN_APPEND,    /* created; writes go to the end whatever the offset */
    CAPSULE_OPEN_READ_WRITE /* it must exist            */
} capsule_open_mode;

CAPSULE_MUST_USE capsule_fs_status capsule_open(capsule_bytes path, capsule_open_mode mode,
                                                capsule_file *ret_file);
/* Up to 1,000,000 bytes; empty at the end. */
CAPSULE_MUST_USE capsule_fs_status capsule_file_read(capsule_file file, uint64_t offset,
                                                     uint32_t max, capsule_bytes *ret_data);
CAPSULE_MUST_USE capsule_fs_status capsule_file_write(capsule_file file, uint64_t offset,
                                                      capsule_bytes data, uint32_t *ret_written);
/* Durable when it returns: the contents; the metadata too. */
CAPSULE_MUST_USE capsule_fs_status capsule_file_sync_data(capsule_file file);
CAPSULE_MUST_USE capsule_fs_status capsule_file_sync(capsule_file file);
CAPSULE_MUST_USE capsule_fs_status capsule_file_stat_open(capsule_file file,
                                                          capsule_file_stat *ret_stat);
CAPSULE_MUST_USE capsule_fs_status capsule_file_set_size(capsule_file file, uint64_t size);
void capsule_file_close(capsule_file file);

/* "not-found"; static. */
const char *capsule_fs_status_name(capsule_fs_status status);

#endif
