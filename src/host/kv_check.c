/* host/kv_check.c - what LMDB takes from the data file on trust. See kv_env.h.
 *
 * LMDB divides by the page size that the meta page names, so that is checked before it opens.
 *
 * LMDB reads through a map and does not compare the file's length with the last page it uses, so a
 * file that was cut short (a partial copy, a full disk while restoring) would end in SIGBUS.
 *
 * A healthy file may be shorter by pages that were used and given back within one transaction:
 * they were never written, and each is on the free list. To read the free list without touching
 * missing pages, the file is first lengthened with zeros, which LMDB recognises as damage; if the
 * free list does not account for every missing page, the file gets its old length back.
 *
 * The write lock is held throughout, so no other process writes meanwhile.
 */
#include "host/kv_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The beginning of LMDB's data file, format 1, in the machine's byte order: a page header of 16
 * bytes, the magic number and the format (4 each), an address and the map's size (a word each),
 * then the page size (4). */
#define META_AT        16
#define PAGE_BYTES_AT  (META_AT + 8 + 2 * sizeof(size_t))
#define META_MAGIC     UINT32_C(0xBEEFC0DE)
#define PAGE_BYTES_MIN 256
#define PAGE_BYTES_MAX 65536

#define FREE_LIST_DBI 0 /* LMDB's own; readable, but not with a public name */

/* True for anything that LMDB itself refuses, or takes for new. */
static bool may_be_opened(int fd, off_t meta_page_at, uint32_t *ret_page_bytes)
{
    uint8_t head[PAGE_BYTES_AT + sizeof(uint32_t)];
    uint32_t magic;
    if (pread(fd, head, sizeof head, meta_page_at) != (ssize_t)sizeof head)
        return true;
    memcpy(&magic, head + META_AT, sizeof magic);
    memcpy(ret_page_bytes, head + PAGE_BYTES_AT, sizeof *ret_page_bytes);
    uint32_t bytes = *ret_page_bytes;
    return magic != META_MAGIC ||
           (bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && (bytes & (bytes - 1)) == 0);
}

bool bhi_kv_env_check_page_size(int directory_fd)
{
    int fd = openat(directory_fd, "data.mdb", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    uint32_t first_bytes = 0;
    uint32_t second_bytes = 0;
    bool is_right = may_be_opened(fd, 0, &first_bytes) &&
                    may_be_opened(fd, (off_t)first_bytes, &second_bytes) &&
                    (second_bytes == 0 || second_bytes == first_bytes);
    close(fd);
    return is_right;
}

/* The numbers from first_page on in one record, a count followed by page numbers. */
static size_t count_in_record(MDB_val record, size_t first_page)
{
    size_t len = record.mv_size / sizeof(size_t);
    size_t pages = 0;
    if (len > 0)
        memcpy(&pages, record.mv_data, sizeof pages);
    size_t count = 0;
    for (size_t i = 1; i < len && i <= pages; i++) {
        size_t page;
        memcpy(&page, (const char *)record.mv_data + i * sizeof page, sizeof page);
        count += page >= first_page;
    }
    return count;
}

/* Count the free pages from first_page on. */
static int count_free_pages(MDB_env *mdb, size_t first_page, size_t *ret_count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int rc = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, FREE_LIST_DBI, &cursor);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    MDB_val key;
    MDB_val record;
    size_t count = 0;
    while ((rc = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) == 0)
        count += count_in_record(record, first_page);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    *ret_count = count;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Lengthen the file, or give it its old length back: MDB_CORRUPTED. */
static int mend_length(MDB_env *mdb, int fd, off_t found_bytes, off_t wanted_bytes,
                       size_t page_bytes)
{
    size_t first_missing = (size_t)found_bytes / page_bytes;
    size_t missing = (size_t)wanted_bytes / page_bytes - first_missing;
    size_t free_pages = 0;
    if (ftruncate(fd, wanted_bytes) != 0)
        return errno;
    int rc = count_free_pages(mdb, first_missing, &free_pages);
    if (rc == 0 && free_pages == missing)
        return 0;
    if (ftruncate(fd, found_bytes) != 0)
        return errno;
    return MDB_CORRUPTED;
}

static int check_length_locked(MDB_env *mdb)
{
    int fd;
    struct stat status;
    MDB_envinfo info;
    MDB_stat stat;
    int rc;
    if ((rc = mdb_env_get_fd(mdb, &fd)) != 0 || (rc = mdb_env_info(mdb, &info)) != 0 ||
        (rc = mdb_env_stat(mdb, &stat)) != 0)
        return rc;
    if (fstat(fd, &status) != 0)
        return errno;
    off_t wanted_bytes;
    if (__builtin_add_overflow(info.me_last_pgno, 1, &wanted_bytes) ||
        __builtin_mul_overflow(wanted_bytes, stat.ms_psize, &wanted_bytes))
        return MDB_CORRUPTED;
    if (status.st_size >= wanted_bytes)
        return 0;
    return mend_length(mdb, fd, status.st_size, wanted_bytes, stat.ms_psize);
}

bh_status bhi_kv_env_check_length(bhi_kv_env *env, const char *directory, bh_error *reterr)
{
    MDB_txn *lock;
    int rc = bhi_kv_env_begin(env, 0, &lock);
    if (rc == 0) {
        rc = check_length_locked(env->mdb);
        bhi_kv_env_abort(env, lock);
    }
    if (rc == MDB_CORRUPTED)
        return bhi_fail(reterr, BH_E_CORRUPT,
                        "kv store: %s/data.mdb is cut short or damaged; restore it from a backup, "
                        "or move it away to start empty",
                        directory);
    return rc == 0 ? BH_OK : bhi_kv_env_fail(reterr, rc, directory, "cannot check");
}
