/* host/fs_ledger.c - see the header. */
#include "host/fs_ledger.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/assert.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

typedef struct file_key {
    uint64_t device, inode;
} file_key;

/* An open file: for all that hold it. */
struct bhi_fs_held_file {
    UT_hash_handle hh;
    bool is_refused;
    bool is_nameless; /* its bytes go with the last that holds it */
    uint32_t holders; /* open files, and a removal that goes on */
    file_key key;
};

void bhi_fs_ledger_init(bhi_fs_ledger *ledger, uint64_t bytes_max, uint64_t entries_max)
{
    *ledger = (bhi_fs_ledger){.bytes_max = bytes_max, .entries_max = entries_max};
    pthread_mutex_init(&ledger->lock, NULL);
    pthread_mutex_init(&ledger->held_lock, NULL);
}

void bhi_fs_ledger_deinit(bhi_fs_ledger *ledger)
{
    BHI_ASSERT(ledger->held == NULL);
    pthread_mutex_destroy(&ledger->held_lock);
    pthread_mutex_destroy(&ledger->lock);
}

void bhi_fs_ledger_unlock(bhi_fs_ledger *ledger)
{
    pthread_mutex_unlock(&ledger->lock);
}

bool bhi_fs_ledger_has_room(const bhi_fs_ledger *ledger, uint64_t bytes, uint64_t entries)
{
    return ledger->bytes <= ledger->bytes_max && bytes <= ledger->bytes_max - ledger->bytes &&
           ledger->entries <= ledger->entries_max &&
           entries <= ledger->entries_max - ledger->entries;
}

static uint64_t changed(uint64_t value, uint64_t minus, uint64_t plus)
{
    value = value > minus ? value - minus : 0; /* somebody else changed the tree meanwhile */
    return value + plus;
}

void bhi_fs_ledger_lock(bhi_fs_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    pthread_mutex_lock(&ledger->held_lock);
    ledger->bytes = changed(ledger->bytes, ledger->bytes_let_go, 0);
    ledger->bytes_let_go = 0;
    pthread_mutex_unlock(&ledger->held_lock);
}

void bhi_fs_ledger_settle(bhi_fs_ledger *ledger, uint64_t bytes_before, uint64_t bytes_after)
{
    ledger->bytes = changed(ledger->bytes, bytes_before, bytes_after);
}

void bhi_fs_ledger_add_entries(bhi_fs_ledger *ledger, int64_t entries)
{
    ledger->entries = entries < 0 ? changed(ledger->entries, (uint64_t)-entries, 0)
                                  : changed(ledger->entries, 0, (uint64_t)entries);
}

/* ---- files that are held open ---- */

/* With held_lock. */
static bhi_fs_held_file *find_held(bhi_fs_ledger *ledger, const struct stat *about)
{
    file_key key = {about->st_dev, about->st_ino};
    bhi_fs_held_file *found;
    HASH_FIND(hh, ledger->held, &key, sizeof key, found);
    return found;
}

/* With both locks. A name that went before gave the bytes back: they are taken again. */
static bhi_fs_held_file *add_held(bhi_fs_ledger *ledger, const struct stat *about)
{
    bhi_fs_held_file *added = calloc(1, sizeof *added);
    if (added == NULL)
        return NULL;
    added->key = (file_key){about->st_dev, about->st_ino};
    added->is_nameless = about->st_nlink == 0;
    HASH_ADD(hh, ledger->held, key, sizeof added->key, added);
    if (added->is_refused) {
        free(added);
        return NULL;
    }
    if (added->is_nameless)
        ledger->bytes += (uint64_t)about->st_size;
    return added;
}

bhi_fs_held_file *bhi_fs_ledger_hold(bhi_fs_ledger *ledger, int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return NULL;
    pthread_mutex_lock(&ledger->held_lock);
    bhi_fs_held_file *file = find_held(ledger, &about);
    if (file == NULL)
        file = add_held(ledger, &about);
    if (file != NULL)
        file->holders++;
    pthread_mutex_unlock(&ledger->held_lock);
    return file;
}

/* With held_lock: the last that holds it goes. `bytes`: of the file. */
static void forget_held(bhi_fs_ledger *ledger, bhi_fs_held_file *file, uint64_t bytes)
{
    if (file->is_nameless)
        ledger->bytes_let_go += bytes;
    HASH_DEL(ledger->held, file);
    free(file);
}

/* The size is looked at when nobody else holds the file any more, and so can change it. */
void bhi_fs_ledger_let_go(bhi_fs_ledger *ledger, bhi_fs_held_file *file, int fd)
{
    struct stat about;
    if (file == NULL)
        return;
    pthread_mutex_lock(&ledger->held_lock);
    if (--file->holders == 0)
        forget_held(ledger, file, fstat(fd, &about) == 0 ? (uint64_t)about.st_size : 0);
    pthread_mutex_unlock(&ledger->held_lock);
}

static bhi_fs_held_file *find_and_hold(bhi_fs_ledger *ledger, const struct stat *about)
{
    pthread_mutex_lock(&ledger->held_lock);
    bhi_fs_held_file *file = find_held(ledger, about);
    if (file != NULL)
        file->holders++;
    pthread_mutex_unlock(&ledger->held_lock);
    return file;
}

bhi_fs_removal bhi_fs_ledger_begin_removal(bhi_fs_ledger *ledger, int at_fd, const char *name)
{
    bhi_fs_removal removal = {0};
    struct stat about;
    if (ledger == NULL || fstatat(at_fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(about.st_mode) || about.st_nlink != 1)
        return removal;
    removal.held = find_and_hold(ledger, &about);
    *(removal.held != NULL ? &removal.held_bytes : &removal.bytes) = (uint64_t)about.st_size;
    return removal;
}

void bhi_fs_ledger_end_removal(bhi_fs_ledger *ledger, bhi_fs_removal removal, bool is_gone)
{
    if (ledger == NULL)
        return;
    if (is_gone)
        bhi_fs_ledger_settle(ledger, removal.bytes, 0);
    if (removal.held == NULL)
        return;
    pthread_mutex_lock(&ledger->held_lock);
    removal.held->is_nameless = removal.held->is_nameless || is_gone;
    if (--removal.held->holders == 0)
        forget_held(ledger, removal.held, removal.held_bytes);
    pthread_mutex_unlock(&ledger->held_lock);
}
