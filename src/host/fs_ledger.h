/* host/fs_ledger.h - how much a tree of files may hold, and holds.
 *
 * Bytes are the sizes of regular files, entries their names and those of directories. A ledger's
 * lock is held while a file of its tree changes: what is counted is then what the kernel says
 * before and after, whoever else writes there.
 *
 * Threads: any, for every function.
 */
#ifndef BHI_HOST_FS_LEDGER_H
#define BHI_HOST_FS_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bhi_fs_ledger {
    pthread_mutex_t lock;
    uint64_t bytes, bytes_max; /* guarded by lock, as what follows */
    uint64_t entries, entries_max;
    bool is_counted; /* bytes and entries are known */
} bhi_fs_ledger;

void bhi_fs_ledger_init(bhi_fs_ledger *ledger, uint64_t bytes_max, uint64_t entries_max);
void bhi_fs_ledger_deinit(bhi_fs_ledger *ledger);

void bhi_fs_ledger_lock(bhi_fs_ledger *ledger);
void bhi_fs_ledger_unlock(bhi_fs_ledger *ledger);

/* With the lock held: is there room for so much more? */
bool bhi_fs_ledger_has_room(const bhi_fs_ledger *ledger, uint64_t bytes, uint64_t entries);
/* With the lock held: what was there before an operation, and after it. */
void bhi_fs_ledger_settle(bhi_fs_ledger *ledger, uint64_t bytes_before, uint64_t bytes_after);
void bhi_fs_ledger_add_entries(bhi_fs_ledger *ledger, int64_t entries);

#endif
