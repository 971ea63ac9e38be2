/* host/fs_file.c - calls on the contents of files.
 *
 * A file is created only by its own name, never through a symbolic link: an existing link is
 * followed, beneath the root, to a file that exists. Whole files are replaced by a rename, so
 * readers see the old contents or the new.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/fs_call.h"

enum { CHUNK_BYTES = 256 << 10 };

bhi_fs_file_handle *bhi_fs_file_retain(bhi_fs_file_handle *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void bhi_fs_file_release(bhi_fs_file_handle *file)
{
    if (file == NULL || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1)
        return;
    bhi_fs_ledger_let_go(bhi_lease_files_ledger(file->files, file->root), file->held, file->fd);
    close(file->fd);
    bhi_lease_files_release(file->files);
    free(file);
}

static void fail_os(bhi_fs_call *call)
{
    call->is_ok = false;
    call->tag = bhi_fs_error_of(errno);
}

static void fail(bhi_fs_call *call, bhi_fs_error_code_tag tag)
{
    call->is_ok = false;
    call->tag = tag;
}

/* ---- what is counted: files that are held, so that their bytes are, too ---- */

static uint64_t size_of(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 ? (uint64_t)about.st_size : 0;
}

static bhi_fs_ledger *lock_of(bhi_lease_files *files, bhi_fs_root root)
{
    bhi_fs_ledger *ledger = bhi_lease_files_ledger(files, root);
    if (ledger != NULL)
        bhi_fs_ledger_lock(ledger);
    return ledger;
}

static void unlock(bhi_fs_ledger *ledger)
{
    if (ledger != NULL)
        bhi_fs_ledger_unlock(ledger);
}

static bool has_room(bhi_fs_call *call, const bhi_fs_ledger *ledger, uint64_t bytes,
                     uint64_t entries)
{
    if (ledger == NULL || bhi_fs_ledger_has_room(ledger, bytes, entries))
        return true;
    fail(call, BHI_FS_ERROR_CODE_QUOTA);
    return false;
}

/* Room to grow a file from its size. */
static bool has_room_to_grow(bhi_fs_call *call, const bhi_fs_ledger *ledger, uint64_t from,
                             uint64_t to)
{
    return to <= from || has_room(call, ledger, to - from, 0);
}

static void settle(bhi_fs_ledger *ledger, uint64_t before, uint64_t after)
{
    if (ledger != NULL)
        bhi_fs_ledger_settle(ledger, before, after);
}

/* ---- opening ---- */

/* Regular files only: anything else may block, or is a door to somewhere else. */
static bool is_regular(bhi_fs_call *call, int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        fail_os(call);
    else if (S_ISDIR(about.st_mode))
        fail(call, BHI_FS_ERROR_CODE_IS_DIRECTORY);
    else if (!S_ISREG(about.st_mode))
        fail(call, BHI_FS_ERROR_CODE_UNKNOWN);
    else
        return true;
    return false;
}

static int keep_regular(bhi_fs_call *call, int fd)
{
    if (fd < 0 || is_regular(call, fd))
        return fd;
    close(fd);
    return -1;
}

static int open_existing(bhi_fs_call *call, bool reads, bool writes, int flags)
{
    int root_fd = bhi_fs_root_of(call, &call->path);
    bhi_fs_rights rights = bhi_fs_rights_of(call, reads, writes);
    if (root_fd < 0)
        return -1;
    return keep_regular(call, bhi_fs_open(root_fd, &call->path, &rights, flags, &call->tag));
}

/* Create it, and count the entry; -1 with errno EEXIST when it is there, or with the call's tag. */
static int create(bhi_fs_call *call, int parent_fd, int flags)
{
    bhi_fs_ledger *ledger = lock_of(call->files, call->path.root);
    int fd = -1;
    if (has_room(call, ledger, 0, 1)) {
        fd = openat(parent_fd, call->path.name,
                    flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0)
            fail_os(call);
        else if (ledger != NULL)
            bhi_fs_ledger_add_entries(ledger, 1);
    }
    unlock(ledger);
    return fd;
}

/* An existing file, or a new one. */
static int open_or_create(bhi_fs_call *call, int flags)
{
    int fd = open_existing(call, false, true, flags);
    if (fd >= 0 || call->tag != BHI_FS_ERROR_CODE_NOT_FOUND || call->path.name[0] == 0)
        return fd;
    int parent_fd = bhi_fs_parent_of(call, &call->path, false, true);
    if (parent_fd < 0)
        return -1;
    fd = create(call, parent_fd, flags);
    close(parent_fd);
    if (fd < 0 && call->tag == BHI_FS_ERROR_CODE_ALREADY_EXISTS) /* just now, or a dangling link */
        fd = open_existing(call, false, true, flags);
    return fd;
}

static int open_as(bhi_fs_call *call)
{
    switch (call->mode) {
    case BHI_FS_OPEN_MODE_READ:
        return open_existing(call, true, false, O_RDONLY);
    case BHI_FS_OPEN_MODE_READ_WRITE:
        return open_existing(call, true, true, O_RDWR);
    case BHI_FS_OPEN_MODE_APPEND:
        return open_or_create(call, O_WRONLY | O_APPEND);
    case BHI_FS_OPEN_MODE_WRITE:
        break;
    }
    return open_or_create(call, O_WRONLY);
}

/* Takes the descriptor, also where it fails: no memory. */
static bhi_fs_file_handle *make_handle(bhi_fs_call *call, int fd)
{
    bhi_fs_file_handle *file = malloc(sizeof *file);
    if (file == NULL) {
        close(fd);
        return NULL;
    }
    *file = (bhi_fs_file_handle){.fd = fd,
                                 .files = bhi_lease_files_retain(call->files),
                                 .root = call->path.root,
                                 .mode = call->mode};
    atomic_init(&file->references, 1);
    bhi_fs_ledger *ledger = lock_of(call->files, file->root);
    if (ledger != NULL)
        file->held = bhi_fs_ledger_hold(ledger, fd);
    unlock(ledger);
    if (ledger == NULL || file->held != NULL)
        return file;
    bhi_fs_file_release(file); /* the call holds the files, too: not the last */
    return NULL;
}

/* Of a held file. */
static bool set_size(bhi_fs_call *call, const bhi_fs_file_handle *file, uint64_t size)
{
    bhi_fs_ledger *ledger = lock_of(call->files, file->root);
    uint64_t before = size_of(file->fd);
    bool is_done = false;
    if (has_room_to_grow(call, ledger, before, size)) {
        is_done = ftruncate(file->fd, (off_t)size) == 0;
        if (!is_done)
            fail_os(call);
        settle(ledger, before, size_of(file->fd));
    }
    unlock(ledger);
    return is_done;
}

void bhi_fs_run_open(bhi_fs_call *call)
{
    int fd = open_as(call);
    if (fd < 0)
        return;
    bhi_fs_file_handle *file = make_handle(call, fd);
    if (file == NULL) {
        fail(call, BHI_FS_ERROR_CODE_UNKNOWN);
        return;
    }
    call->is_ok = call->mode != BHI_FS_OPEN_MODE_WRITE || set_size(call, file, 0);
    if (call->is_ok)
        call->opened = file;
    else
        bhi_fs_file_release(file);
}

/* ---- whole files ---- */

/* Until the end; one byte more than is allowed tells too large. */
static void read_all(bhi_fs_call *call, int fd)
{
    size_t capacity = size_of(fd) + 1;
    if (capacity > BHI_FS_FILE_BYTES_MAX + 1) {
        fail(call, BHI_FS_ERROR_CODE_TOO_LARGE);
        return;
    }
    call->data = malloc(capacity);
    ssize_t got = call->data == NULL ? -1 : 1;
    while (got > 0) {
        if (call->data_len == capacity) { /* it grew */
            capacity = BHI_FS_FILE_BYTES_MAX + 1;
            uint8_t *grown = realloc(call->data, capacity);
            if (grown == NULL)
                break;
            call->data = grown;
        }
        got = read(fd, call->data + call->data_len, capacity - call->data_len);
        call->data_len += got > 0 ? (size_t)got : 0;
        if (call->data_len > BHI_FS_FILE_BYTES_MAX) {
            fail(call, BHI_FS_ERROR_CODE_TOO_LARGE);
            return;
        }
    }
    call->is_ok = got == 0;
    call->read_bytes = call->data_len;
    if (!call->is_ok)
        fail_os(call);
}

void bhi_fs_run_read_file(bhi_fs_call *call)
{
    int fd = open_existing(call, true, false, O_RDONLY);
    if (fd < 0)
        return;
    read_all(call, fd);
    close(fd);
}

/* What fills a new file: 0, or -1 with errno. */
typedef int (*fill_fn)(bhi_fs_call *call, int fd, void *arg);

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno != EINTR)
            return -1;
        data += put > 0 ? put : 0;
        len -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int fill_with_data(bhi_fs_call *call, int fd, void *arg)
{
    (void)arg;
    return write_all(fd, call->data, call->data_len);
}

/* The new file under a name of ours, then under its own; `mode` 0: that of new ones. */
static int replace_uncounted(bhi_fs_call *call, int parent_fd, const char *name, mode_t mode,
                             fill_fn fill, void *arg)
{
    char temporary[BHI_FS_HIDDEN_NAME_BYTES];
    bhi_fs_make_hidden_name(temporary);
    int fd = openat(parent_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int failed = fill(call, fd, arg);
    if (failed == 0 && mode != 0)
        failed = fchmod(fd, mode);
    if (failed == 0)
        failed = renameat(parent_fd, temporary, parent_fd, name);
    int os_code = errno;
    if (failed != 0)
        unlinkat(parent_fd, temporary, 0);
    close(fd);
    errno = os_code;
    return failed;
}

/* `bytes` of contents; a regular file that was there gives back its own. */
static void replace(bhi_fs_call *call, const bhi_fs_path *path, uint64_t bytes, fill_fn fill,
                    void *arg)
{
    struct stat about;
    int parent_fd = bhi_fs_parent_of(call, path, false, true);
    if (parent_fd < 0)
        return;
    bhi_fs_ledger *ledger = lock_of(call->files, path->root);
    bool is_there = fstatat(parent_fd, path->name, &about, AT_SYMLINK_NOFOLLOW) == 0;
    bhi_fs_removal removal = bhi_fs_ledger_begin_removal(ledger, parent_fd, path->name);
    uint64_t back = removal.bytes;
    if (path->name[0] == 0 || (is_there && S_ISDIR(about.st_mode))) {
        fail(call, BHI_FS_ERROR_CODE_IS_DIRECTORY);
    } else if (has_room(call, ledger, bytes > back ? bytes - back : 0, !is_there)) {
        mode_t mode = is_there && S_ISREG(about.st_mode) ? about.st_mode & 0777 : 0;
        call->is_ok = replace_uncounted(call, parent_fd, path->name, mode, fill, arg) == 0;
        if (!call->is_ok)
            fail_os(call);
        if (call->is_ok && ledger != NULL) {
            settle(ledger, 0, bytes);
            bhi_fs_ledger_add_entries(ledger, !is_there);
        }
    }
    bhi_fs_ledger_end_removal(ledger, removal, call->is_ok);
    unlock(ledger);
    close(parent_fd);
    if (call->is_ok)
        call->written_bytes = bytes;
}

void bhi_fs_run_write_file(bhi_fs_call *call)
{
    replace(call, &call->path, call->data_len, fill_with_data, NULL);
}

/* All of it, or nothing. */
static void append(bhi_fs_call *call, bhi_fs_ledger *ledger, int fd)
{
    uint64_t size = size_of(fd);
    if (!has_room_to_grow(call, ledger, size, size + call->data_len))
        return;
    ssize_t put = write(fd, call->data, call->data_len);
    call->is_ok = put == (ssize_t)call->data_len;
    if (put >= 0 && !call->is_ok && ftruncate(fd, (off_t)size) == 0)
        errno = ENOSPC;
    if (!call->is_ok)
        fail_os(call);
    settle(ledger, size, size_of(fd));
    call->written_bytes = call->is_ok ? call->data_len : 0;
}

void bhi_fs_run_append(bhi_fs_call *call)
{
    int fd = open_or_create(call, O_WRONLY | O_APPEND);
    if (fd < 0)
        return;
    bhi_fs_ledger *ledger = lock_of(call->files, call->path.root);
    bhi_fs_held_file *held = ledger == NULL ? NULL : bhi_fs_ledger_hold(ledger, fd);
    if (ledger == NULL || held != NULL)
        append(call, ledger, fd);
    else
        fail(call, BHI_FS_ERROR_CODE_UNKNOWN);
    unlock(ledger);
    bhi_fs_ledger_let_go(ledger, held, fd);
    close(fd);
}

typedef struct copying {
    int from_fd;
    uint64_t bytes;
} copying;

static int fill_with_copy(bhi_fs_call *call, int fd, void *arg)
{
    copying *copy = arg;
    uint8_t *chunk = malloc(CHUNK_BYTES);
    uint64_t left = copy->bytes;
    int failed = chunk == NULL ? -1 : 0;
    while (left > 0 && failed == 0) {
        ssize_t got = read(copy->from_fd, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES);
        if (got == 0) /* it shrank */
            break;
        failed = got < 0 ? -1 : write_all(fd, chunk, (size_t)got);
        left -= got > 0 ? (uint64_t)got : 0;
        if (atomic_load_explicit(&call->is_abandoned, memory_order_relaxed)) {
            errno = ECANCELED;
            failed = -1;
        }
    }
    if (failed == 0 && left > 0)
        failed = ftruncate(fd, (off_t)copy->bytes); /* what is counted is what is there */
    free(chunk);
    return failed;
}

void bhi_fs_run_copy(bhi_fs_call *call)
{
    copying copy = {.from_fd = open_existing(call, true, false, O_RDONLY)};
    if (copy.from_fd < 0)
        return;
    copy.bytes = size_of(copy.from_fd);
    if (copy.bytes > BHI_FS_COPY_BYTES_MAX)
        fail(call, BHI_FS_ERROR_CODE_TOO_LARGE);
    else if (bhi_fs_root_of(call, &call->other) >= 0)
        replace(call, &call->other, copy.bytes, fill_with_copy, &copy);
    close(copy.from_fd);
}

/* ---- handles ---- */

static bool may_read(const bhi_fs_file_handle *file)
{
    return file->mode == BHI_FS_OPEN_MODE_READ || file->mode == BHI_FS_OPEN_MODE_READ_WRITE;
}

static bool may_write(const bhi_fs_file_handle *file)
{
    return file->mode != BHI_FS_OPEN_MODE_READ;
}

void bhi_fs_run_read_at(bhi_fs_call *call)
{
    if (!may_read(call->file)) {
        fail(call, BHI_FS_ERROR_CODE_ACCESS);
        return;
    }
    call->data = malloc(call->size + 1);
    ssize_t got = call->data == NULL
                      ? -1
                      : pread(call->file->fd, call->data, call->size, (off_t)call->offset);
    call->is_ok = got >= 0;
    if (!call->is_ok)
        fail_os(call);
    call->data_len = call->is_ok ? (size_t)got : 0;
    call->read_bytes = call->data_len;
}

/* How far a write reaches: appending ones begin at the end. */
static uint64_t end_of_write(const bhi_fs_call *call, uint64_t size)
{
    uint64_t from = call->file->mode == BHI_FS_OPEN_MODE_APPEND ? size : call->offset;
    return from + call->data_len;
}

void bhi_fs_run_write_at(bhi_fs_call *call)
{
    const bhi_fs_file_handle *file = call->file;
    if (!may_write(file)) {
        fail(call, BHI_FS_ERROR_CODE_ACCESS);
        return;
    }
    bhi_fs_ledger *ledger = lock_of(call->files, file->root);
    uint64_t before = size_of(file->fd);
    if (has_room_to_grow(call, ledger, before, end_of_write(call, before))) {
        ssize_t put = pwrite(file->fd, call->data, call->data_len, (off_t)call->offset);
        call->is_ok = put >= 0;
        if (!call->is_ok)
            fail_os(call);
        call->number = call->written_bytes = call->is_ok ? (uint64_t)put : 0;
        settle(ledger, before, size_of(file->fd));
    }
    unlock(ledger);
}

void bhi_fs_run_set_len(bhi_fs_call *call)
{
    const bhi_fs_file_handle *file = call->file;
    if (!may_write(file)) {
        fail(call, BHI_FS_ERROR_CODE_ACCESS);
        return;
    }
    call->is_ok = set_size(call, file, call->offset);
}

void bhi_fs_run_sync_data(bhi_fs_call *call)
{
    call->is_ok = fdatasync(call->file->fd) == 0;
    if (!call->is_ok)
        fail_os(call);
}

void bhi_fs_run_sync_all(bhi_fs_call *call)
{
    call->is_ok = fsync(call->file->fd) == 0;
    if (!call->is_ok)
        fail_os(call);
}

void bhi_fs_run_stat_file(bhi_fs_call *call)
{
    bhi_fs_fill_stat(call->file->fd, "", AT_EMPTY_PATH, call);
}
