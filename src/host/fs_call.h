/* host/fs_call.h - one call on files, as it travels to a thread of the pool and back.
 *
 * The call is the payload of a bhi_remote: it outlives a guest that was abandoned, and holds all
 * that its thread touches. Functions run_* block; they read what stands above "answer" and write
 * what stands below.
 */
#ifndef BHI_HOST_FS_CALL_H
#define BHI_HOST_FS_CALL_H

#include <stdatomic.h>

#include "host/fs_roots.h"
#include "host/fs_turns.h"
#include "worker/remote.h"

#define BHI_FS_FILE_BYTES_MAX (UINT64_C(10) << 20) /* of a whole file read or written at once */
#define BHI_FS_COPY_BYTES_MAX (UINT64_C(50) << 20)
enum { BHI_FS_IO_BYTES_MAX = 1000000, BHI_FS_NAMES_MAX = 4096, BHI_FS_HANDLES_MAX = 16 };

/* An open file, counted: its handle and the calls on it. */
struct bhi_fs_file_handle {
    atomic_uint references;
    int fd;
    bhi_lease_files *files;
    bhi_fs_held_file *held; /* NULL where nothing is counted */
    bhi_fs_root root;
    bhi_fs_open_mode mode;
};

bhi_fs_file_handle *bhi_fs_file_retain(bhi_fs_file_handle *file);
/* Takes NULL. On the lease's worker. */
void bhi_fs_file_release(bhi_fs_file_handle *file);

typedef struct bhi_fs_call bhi_fs_call;
struct bhi_fs_call {
    bhi_fs_turn turn;
    uv_work_t work;
    bhi_remote *remote;
    void (*run)(bhi_fs_call *call);
    bhi_lease_files *files; /* held */
    bhi_fs_path path, other;
    bhi_fs_file_handle *file; /* held; of calls on handles */
    uint8_t *data;            /* to write, ours; or what was read */
    size_t data_len;
    uint64_t offset;
    uint32_t size;
    bhi_fs_open_mode mode;
    atomic_bool is_abandoned; /* relaxed: long work looks at it */

    /* The answer. */
    bool is_ok;
    bhi_fs_error_code_tag tag;
    uint64_t number; /* bytes or entries; also a truth value */
    bhi_fs_file_stat stat;
    bhi_fs_file_handle *opened; /* ours until it is handed out */
    uint64_t read_bytes, written_bytes;
};

/* fs_file.c */
void bhi_fs_run_open(bhi_fs_call *call);
void bhi_fs_run_read_file(bhi_fs_call *call);  /* data */
void bhi_fs_run_write_file(bhi_fs_call *call); /* data */
void bhi_fs_run_append(bhi_fs_call *call);     /* data */
void bhi_fs_run_copy(bhi_fs_call *call);       /* path to other */
void bhi_fs_run_read_at(bhi_fs_call *call);    /* offset, size */
void bhi_fs_run_write_at(bhi_fs_call *call);   /* offset, data */
void bhi_fs_run_sync_data(bhi_fs_call *call);
void bhi_fs_run_sync_all(bhi_fs_call *call);
void bhi_fs_run_stat_file(bhi_fs_call *call);
void bhi_fs_run_set_len(bhi_fs_call *call); /* offset is the size */

/* fs_names.c */
void bhi_fs_run_exists(bhi_fs_call *call);
void bhi_fs_run_mkdir(bhi_fs_call *call);
void bhi_fs_run_mkdir_all(bhi_fs_call *call);
void bhi_fs_run_readdir(bhi_fs_call *call); /* data: names, a NUL behind each; number: how many */
void bhi_fs_run_stat(bhi_fs_call *call);
void bhi_fs_run_stat_symlink(bhi_fs_call *call);
void bhi_fs_run_unlink(bhi_fs_call *call);
void bhi_fs_run_rename(bhi_fs_call *call);
void bhi_fs_run_remove_dir_all(bhi_fs_call *call);
void bhi_fs_run_canonicalize(bhi_fs_call *call); /* data: the path */
void bhi_fs_run_read_link(bhi_fs_call *call);    /* data: the path */
void bhi_fs_run_hard_link(bhi_fs_call *call);

/* fs_names.c, for both: */
void bhi_fs_fill_stat(int fd, const char *name, int flags, bhi_fs_call *call);
/* The rights of reading, writing, or both. */
bhi_fs_rights bhi_fs_rights_of(const bhi_fs_call *call, bool reads, bool writes);
/* Descriptors of a path's root, and of its parent; -1 with the call's tag. */
int bhi_fs_root_of(bhi_fs_call *call, const bhi_fs_path *path);
int bhi_fs_parent_of(bhi_fs_call *call, const bhi_fs_path *path, bool reads, bool writes);

#endif
