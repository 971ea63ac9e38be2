/* host/fs_ledger.h - how much a tree of files may hold, and holds.
 *
 * Bytes are the sizes of regular files, entries their names and those of directories. A ledger's
 * lock is held while a file of its tree changes: what is counted is then what the kernel says
 * before and after, whoever else writes there.
 *
 * Q1  A regular file's bytes are counted for as long as it has a name in the tree or is held open:
 *     removing the name of an open file frees nothing, on disk and here.
 *
 * Threads: any, for every function. Letting go of a file never waits for the lock.
 */
#ifndef BHI_HOST_FS_LEDGER_H
#define BHI_HOST_FS_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bhi_fs_held_file bhi_fs_held_file;

typedef struct bhi_fs_ledger {
    pthread_mutex_t lock;
    uint64_t bytes, bytes_max; /* guarded by lock, as what follows */
    uint64_t entries, entries_max;
    bool is_counted;           /* bytes and entries are known */
    pthread_mutex_t held_lock; /* inside lock, or alone */
    bhi_fs_held_file *held;    /* guarded by held_lock, as what follows */
    uint64_t bytes_let_go;     /* of files without a name, since lock was taken last */
} bhi_fs_ledger;

void bhi_fs_ledger_init(bhi_fs_ledger *ledger, uint64_t bytes_max, uint64_t entries_max);
/* No file of it is held any more. */
void bhi_fs_ledger_deinit(bhi_fs_ledger *ledger);

void bhi_fs_ledger_lock(bhi_fs_ledger *ledger);
void bhi_fs_ledger_unlock(bhi_fs_ledger *ledger);

/* With the lock held: is there room for so much more? */
bool bhi_fs_ledger_has_room(const bhi_fs_ledger *ledger, uint64_t bytes, uint64_t entries);
/* With the lock held: what was there before an operation, and after it. */
void bhi_fs_ledger_settle(bhi_fs_ledger *ledger, uint64_t bytes_before, uint64_t bytes_after);
void bhi_fs_ledger_add_entries(bhi_fs_ledger *ledger, int64_t entries);

/* With the lock held: the regular file behind `fd` stays open for a while. NULL: no memory. */
bhi_fs_held_file *bhi_fs_ledger_hold(bhi_fs_ledger *ledger, int fd);
/* Before `fd`, which is the held file's, is closed. Without the lock; `file` may be NULL. */
void bhi_fs_ledger_let_go(bhi_fs_ledger *ledger, bhi_fs_held_file *file, int fd);

/* A name that is about to go: what is given back with it. */
typedef struct bhi_fs_removal {
    uint64_t bytes;         /* 0: not a regular file, it has another name, or is held */
    bhi_fs_held_file *held; /* of which this is the last name; NULL: of none */
    uint64_t held_bytes;
} bhi_fs_removal;

/* With the lock held, around whatever removes or replaces a name in the directory `at_fd`. The end
 * gives the bytes back when the name is gone. Without a ledger (NULL) nothing is counted. */
bhi_fs_removal bhi_fs_ledger_begin_removal(bhi_fs_ledger *ledger, int at_fd, const char *name);
void bhi_fs_ledger_end_removal(bhi_fs_ledger *ledger, bhi_fs_removal removal, bool is_gone);

#endif
