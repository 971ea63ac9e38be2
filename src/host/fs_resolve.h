/* host/fs_resolve.h - open what a path means, beneath its root, by the kernel's own rules.
 *
 * Every step from a root goes through openat2 with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS: no
 * "..", no symbolic link and no race leads out, whatever changes on disk meanwhile. Where rights
 * cover a part of a root only, the place that was really opened is compared with them.
 *
 * Threads: any; calls block.
 */
#ifndef BHI_HOST_FS_RESOLVE_H
#define BHI_HOST_FS_RESOLVE_H

#include <sys/types.h>

#include "abi/generated/fs.h"
#include "host/fs_path.h"

/* What one function needs: covered by each list that is not NULL. */
typedef struct bhi_fs_rights {
    const bhi_texts *read, *write;
} bhi_fs_rights;

/* The error of an errno; see the table in the interface's description. */
bhi_fs_error_code_tag bhi_fs_error_of(int os_code);

/* An O_PATH descriptor of the path's parent directory, whose entry path->name the rights cover; -1
 * with *ret_tag. */
int bhi_fs_open_parent(int root_fd, const bhi_fs_path *path, const bhi_fs_rights *rights,
                       bhi_fs_error_code_tag *ret_tag);

/* A descriptor of what the path leads to, links followed, covered by the rights. `flags` may not
 * create; O_CLOEXEC and O_NONBLOCK are added. */
int bhi_fs_open(int root_fd, const bhi_fs_path *path, const bhi_fs_rights *rights, int flags,
                bhi_fs_error_code_tag *ret_tag);

/* Where a descriptor is, relative to the root, "" for the root itself: in `ret_place`. False: it is
 * not below it (it was moved away), or has no name any more. */
bool bhi_fs_place_of(int root_fd, int fd, char ret_place[BHI_FS_PATH_BYTES_MAX + 1]);

#endif
