/* host/fs_tree.h - whole trees: what they hold, and their end. Links are never followed, depth
 * costs descriptors one at a time and no stack.
 *
 * Threads: any; calls block.
 */
#ifndef BHI_HOST_FS_TREE_H
#define BHI_HOST_FS_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/fs_ledger.h"

/* Names below a directory, and the bytes of regular files; a file with several names counts once
 * for each here, and its bytes are shared out between them. */
typedef struct bhi_fs_tree_size {
    uint64_t entries, bytes;
} bhi_fs_tree_size;

enum { BHI_FS_TREE_DEPTH_MAX = 80 }; /* more than paths may have components */

/* Counts what is there, and removes what a crash left of files that were being replaced: hidden
 * ones, untouched for an hour. The errno of a failure, or 0; EFBIG beyond `entries_max` entries or
 * BHI_FS_TREE_DEPTH_MAX. */
int bhi_fs_tree_take_stock(int directory_fd, uint64_t entries_max, bhi_fs_tree_size *ret_size);

/* Remove what is in the directory, and count how many entries went. The bytes go from `ledger`,
 * which is locked; NULL: nothing is counted. `may_go_on` (may be NULL) is asked between entries:
 * ECANCELED when it says no. What was removed before a failure stays removed. */
int bhi_fs_tree_empty(int directory_fd, bhi_fs_ledger *ledger, bool (*may_go_on)(void *arg),
                      void *arg, uint64_t *ret_entries);

#endif
