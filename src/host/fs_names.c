/* host/fs_names.c - calls on names: directories, links, what stands behind a path.
 *
 * What changes a tree that is counted holds the tree's ledger from the look before to the look
 * after, so that what is counted is what happened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>

#include "abi/utf8.h"
#include "host/fs_call.h"
#include "host/fs_tree.h"

/* ---- what calls have in common ---- */

static void fail(bhi_fs_call *call, bhi_fs_error_code_tag tag)
{
    call->tag = tag;
}

static void end(bhi_fs_call *call, int failed)
{
    call->is_ok = failed == 0;
    if (failed != 0)
        call->tag = bhi_fs_error_of(errno);
}

bhi_fs_rights bhi_fs_rights_of(const bhi_fs_call *call, bool reads, bool writes)
{
    return (bhi_fs_rights){reads ? bhi_lease_files_read_rights(call->files) : NULL,
                           writes ? bhi_lease_files_write_rights(call->files) : NULL};
}

int bhi_fs_root_of(bhi_fs_call *call, const bhi_fs_path *path)
{
    return bhi_lease_files_root(call->files, path->root, &call->tag);
}

int bhi_fs_parent_of(bhi_fs_call *call, const bhi_fs_path *path, bool reads, bool writes)
{
    int root_fd = bhi_fs_root_of(call, path);
    bhi_fs_rights rights = bhi_fs_rights_of(call, reads, writes);
    return root_fd < 0 ? -1 : bhi_fs_open_parent(root_fd, path, &rights, &call->tag);
}

static int open_followed(bhi_fs_call *call, const bhi_fs_path *path, int flags)
{
    int root_fd = bhi_fs_root_of(call, path);
    bhi_fs_rights rights = bhi_fs_rights_of(call, true, false);
    return root_fd < 0 ? -1 : bhi_fs_open(root_fd, path, &rights, flags, &call->tag);
}

static bhi_fs_ledger *lock_ledger(bhi_fs_call *call)
{
    bhi_fs_ledger *ledger = bhi_lease_files_ledger(call->files, call->path.root);
    if (ledger != NULL)
        bhi_fs_ledger_lock(ledger);
    return ledger;
}

static void unlock_ledger(bhi_fs_ledger *ledger)
{
    if (ledger != NULL)
        bhi_fs_ledger_unlock(ledger);
}

static bool has_room_for_entry(bhi_fs_call *call, const bhi_fs_ledger *ledger)
{
    if (ledger == NULL || bhi_fs_ledger_has_room(ledger, 0, 1))
        return true;
    fail(call, BHI_FS_ERROR_CODE_QUOTA);
    return false;
}

static void add_entries(bhi_fs_ledger *ledger, int64_t entries)
{
    if (ledger != NULL)
        bhi_fs_ledger_add_entries(ledger, entries);
}

/* ---- stat ---- */

static bhi_fs_file_type type_of(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return BHI_FS_FILE_TYPE_REGULAR;
    case S_IFDIR:
        return BHI_FS_FILE_TYPE_DIRECTORY;
    case S_IFLNK:
        return BHI_FS_FILE_TYPE_SYMLINK;
    case S_IFBLK:
        return BHI_FS_FILE_TYPE_BLOCK_DEVICE;
    case S_IFCHR:
        return BHI_FS_FILE_TYPE_CHARACTER_DEVICE;
    case S_IFIFO:
        return BHI_FS_FILE_TYPE_FIFO;
    case S_IFSOCK:
        return BHI_FS_FILE_TYPE_SOCKET;
    default:
        return BHI_FS_FILE_TYPE_TYPE_UNKNOWN;
    }
}

static bhi_fs_datetime time_of(const struct statx_timestamp *time)
{
    return (bhi_fs_datetime){time->tv_sec, time->tv_nsec};
}

void bhi_fs_fill_stat(int fd, const char *name, int flags, bhi_fs_call *call)
{
    struct statx about;
    int failed = statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &about);
    end(call, failed);
    if (failed != 0)
        return;
    call->stat = (bhi_fs_file_stat){.size = about.stx_size,
                                    .kind = type_of(about.stx_mode),
                                    .mode = about.stx_mode,
                                    .has_modified = (about.stx_mask & STATX_MTIME) != 0,
                                    .modified = time_of(&about.stx_mtime),
                                    .has_created = (about.stx_mask & STATX_BTIME) != 0,
                                    .created = time_of(&about.stx_btime),
                                    .has_accessed = (about.stx_mask & STATX_ATIME) != 0,
                                    .accessed = time_of(&about.stx_atime)};
}

void bhi_fs_run_stat(bhi_fs_call *call)
{
    int fd = open_followed(call, &call->path, O_PATH);
    if (fd < 0)
        return;
    bhi_fs_fill_stat(fd, "", AT_EMPTY_PATH, call);
    close(fd);
}

void bhi_fs_run_stat_symlink(bhi_fs_call *call)
{
    int fd = bhi_fs_parent_of(call, &call->path, true, false);
    if (fd < 0)
        return;
    bhi_fs_fill_stat(fd, call->path.name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, call);
    close(fd);
}

void bhi_fs_run_exists(bhi_fs_call *call)
{
    int fd = open_followed(call, &call->path, O_PATH);
    call->number = fd >= 0;
    call->is_ok = fd >= 0 || call->tag == BHI_FS_ERROR_CODE_NOT_FOUND ||
                  call->tag == BHI_FS_ERROR_CODE_NOT_DIRECTORY;
    if (fd >= 0)
        close(fd);
}

/* ---- directories ---- */

static void make_directory(bhi_fs_call *call, int fd, const char *name)
{
    bhi_fs_ledger *ledger = lock_ledger(call);
    if (has_room_for_entry(call, ledger)) {
        end(call, mkdirat(fd, name, 0700));
        add_entries(ledger, call->is_ok);
    }
    unlock_ledger(ledger);
}

void bhi_fs_run_mkdir(bhi_fs_call *call)
{
    if (call->path.name[0] == 0) {
        fail(call, BHI_FS_ERROR_CODE_ALREADY_EXISTS);
        return;
    }
    int fd = bhi_fs_parent_of(call, &call->path, false, true);
    if (fd < 0)
        return;
    make_directory(call, fd, call->path.name);
    close(fd);
}

/* Is it a directory already? Whether it may be written matters only where something is made. */
static bool is_directory(bhi_fs_call *call, const bhi_fs_path *path)
{
    int root_fd = bhi_fs_root_of(call, path);
    bhi_fs_rights none = {0};
    int fd = root_fd < 0 ? -1 : bhi_fs_open(root_fd, path, &none, O_PATH | O_DIRECTORY, &call->tag);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* `path` with its first `components` components. */
static void cut_path(const bhi_fs_path *path, int components, bhi_fs_path *ret_part)
{
    char whole[BHI_FS_PATH_BYTES_MAX + 300];
    snprintf(whole, sizeof whole, "%s/%s", path->parent, path->name);
    char *at = whole + (path->parent[0] == '.' && path->parent[1] == 0 ? 2 : 0);
    char *name = at;
    for (int i = 1; i < components; i++)
        name = strchr(name, '/') + 1;
    char *behind = strchr(name, '/');
    if (behind != NULL)
        *behind = 0;
    ret_part->root = path->root;
    snprintf(ret_part->name, sizeof ret_part->name, "%s", name);
    snprintf(ret_part->parent, sizeof ret_part->parent, "%.*s", (int)(name - at), at);
    size_t len = strlen(ret_part->parent);
    if (len > 0)
        ret_part->parent[len - 1] = 0;
    else
        strcpy(ret_part->parent, ".");
}

static int count_components(const bhi_fs_path *path)
{
    int count = path->name[0] != 0;
    if (strcmp(path->parent, ".") == 0)
        return count;
    count++;
    for (const char *at = path->parent; *at != 0; at++)
        count += *at == '/';
    return count;
}

/* A directory on the way to one that may be written may be made, too. */
static int open_parent_on_the_way(bhi_fs_call *call, const bhi_fs_path *part)
{
    char place[BHI_FS_PATH_BYTES_MAX + 1], whole[BHI_FS_PATH_BYTES_MAX + 300];
    int fd = bhi_fs_parent_of(call, part, false, true);
    if (fd >= 0 || call->tag != BHI_FS_ERROR_CODE_CAPABILITY_DENIED)
        return fd;
    int root_fd = bhi_fs_root_of(call, part);
    fd = root_fd < 0 ? -1 : bhi_fs_open_parent(root_fd, part, &(bhi_fs_rights){0}, &call->tag);
    if (fd < 0)
        return -1;
    bool has_place = bhi_fs_place_of(root_fd, fd, place);
    snprintf(whole, sizeof whole, "%s/%s", has_place ? place : "", part->name);
    if (has_place && bhi_fs_leads_to(*bhi_lease_files_write_rights(call->files), part->root, whole))
        return fd;
    close(fd);
    fail(call, BHI_FS_ERROR_CODE_CAPABILITY_DENIED);
    return -1;
}

/* False: it stays with the call's tag. */
static bool make_part(bhi_fs_call *call, const bhi_fs_path *part)
{
    if (is_directory(call, part))
        return true;
    if (call->tag != BHI_FS_ERROR_CODE_NOT_FOUND)
        return false;
    int fd = open_parent_on_the_way(call, part);
    if (fd < 0)
        return false;
    make_directory(call, fd, part->name);
    close(fd);
    return call->is_ok ||
           (call->tag == BHI_FS_ERROR_CODE_ALREADY_EXISTS && is_directory(call, part));
}

void bhi_fs_run_mkdir_all(bhi_fs_call *call)
{
    bool is_made = bhi_fs_root_of(call, &call->path) >= 0;
    int count = count_components(&call->path);
    for (int i = 1; i <= count && is_made; i++) {
        bhi_fs_path part;
        cut_path(&call->path, i, &part);
        is_made = make_part(call, &part);
    }
    call->is_ok = is_made;
}

/* A name that a guest can say, too. */
static bool is_shown(const char *name)
{
    bhi_bytes text = bhi_bytes_of(name);
    bhi_fs_path path;
    return bhi_utf8_is_valid(text) && bhi_fs_path_parse(text, &path);
}

static bool add_name(bhi_fs_call *call, const char *name, size_t *inout_capacity)
{
    size_t len = strlen(name) + 1;
    if (call->data_len + len > *inout_capacity) {
        size_t capacity = (*inout_capacity + len) * 2 + 1024;
        uint8_t *grown = realloc(call->data, capacity);
        if (grown == NULL)
            return false;
        call->data = grown;
        *inout_capacity = capacity;
    }
    memcpy(call->data + call->data_len, name, len);
    call->data_len += len;
    call->number++;
    return true;
}

static void read_names(bhi_fs_call *call, DIR *directory)
{
    size_t capacity = 0;
    call->is_ok = true;
    for (const struct dirent *entry = readdir(directory); entry != NULL && call->is_ok;
         entry = readdir(directory)) {
        if (!is_shown(entry->d_name))
            continue;
        if (call->number == BHI_FS_NAMES_MAX)
            call->is_ok = false;
        else
            call->is_ok = add_name(call, entry->d_name, &capacity);
    }
    if (!call->is_ok)
        fail(call, call->number == BHI_FS_NAMES_MAX ? BHI_FS_ERROR_CODE_TOO_LARGE
                                                    : BHI_FS_ERROR_CODE_UNKNOWN);
}

void bhi_fs_run_readdir(bhi_fs_call *call)
{
    int fd = open_followed(call, &call->path, O_RDONLY | O_DIRECTORY);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    read_names(call, directory);
    closedir(directory);
}

static bool may_go_on(void *arg)
{
    const bhi_fs_call *call = arg;
    return !atomic_load_explicit(&call->is_abandoned, memory_order_relaxed);
}

static void remove_tree(bhi_fs_call *call, int parent_fd)
{
    uint64_t removed;
    int fd = openat(parent_fd, call->path.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        fail(call, errno == ELOOP ? BHI_FS_ERROR_CODE_NOT_DIRECTORY : bhi_fs_error_of(errno));
        return;
    }
    bhi_fs_ledger *ledger = lock_ledger(call);
    errno = bhi_fs_tree_empty(fd, ledger, may_go_on, call, &removed);
    int failed = errno != 0 ? -1 : unlinkat(parent_fd, call->path.name, AT_REMOVEDIR);
    end(call, failed);
    removed += failed == 0;
    add_entries(ledger, -(int64_t)removed);
    unlock_ledger(ledger);
    close(fd);
    call->number = removed;
}

void bhi_fs_run_remove_dir_all(bhi_fs_call *call)
{
    if (call->path.name[0] == 0) {
        fail(call, BHI_FS_ERROR_CODE_ACCESS); /* a root stays */
        return;
    }
    int fd = bhi_fs_parent_of(call, &call->path, false, true);
    if (fd < 0)
        return;
    remove_tree(call, fd);
    close(fd);
}

/* ---- names of files ---- */

void bhi_fs_run_unlink(bhi_fs_call *call)
{
    int fd = bhi_fs_parent_of(call, &call->path, false, true);
    if (fd < 0)
        return;
    bhi_fs_ledger *ledger = lock_ledger(call);
    bhi_fs_removal removal = bhi_fs_ledger_begin_removal(ledger, fd, call->path.name);
    end(call, call->path.name[0] == 0 ? (errno = EISDIR, -1) : unlinkat(fd, call->path.name, 0));
    bhi_fs_ledger_end_removal(ledger, removal, call->is_ok);
    add_entries(ledger, call->is_ok ? -1 : 0);
    unlock_ledger(ledger);
    close(fd);
}

static bool is_readable(bhi_fs_call *call, const bhi_fs_path *path)
{
    int fd = bhi_fs_parent_of(call, path, true, false);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The name, or some below it. */
static bool is_readable_in_part(bhi_fs_call *call, const bhi_fs_path *path, int parent_fd)
{
    char place[BHI_FS_PATH_BYTES_MAX + 1], whole[BHI_FS_PATH_BYTES_MAX + 300];
    if (is_readable(call, path))
        return true;
    if (!bhi_fs_place_of(bhi_fs_root_of(call, path), parent_fd, place))
        return true; /* moved away meanwhile: who knows */
    snprintf(whole, sizeof whole, "%s/%s", place, path->name);
    return bhi_fs_leads_to(*bhi_lease_files_read_rights(call->files), path->root, whole);
}

/* Two names in one root, with rights to both: to write, and what may not be read does not get a
 * name that may. False: the call's tag says why. */
static bool open_both_parents(bhi_fs_call *call, int *ret_from, int *ret_to)
{
    if (call->path.root != call->other.root) {
        fail(call, BHI_FS_ERROR_CODE_CROSS_VFS);
        return false;
    }
    if (call->path.name[0] == 0 || call->other.name[0] == 0) {
        fail(call, BHI_FS_ERROR_CODE_ACCESS);
        return false;
    }
    *ret_from = bhi_fs_parent_of(call, &call->path, false, true);
    *ret_to = *ret_from < 0 ? -1 : bhi_fs_parent_of(call, &call->other, false, true);
    if (*ret_to >= 0 && is_readable_in_part(call, &call->other, *ret_to) &&
        !is_readable(call, &call->path)) {
        fail(call, BHI_FS_ERROR_CODE_CAPABILITY_DENIED);
        close(*ret_to);
        *ret_to = -1;
    }
    if (*ret_to < 0 && *ret_from >= 0)
        close(*ret_from);
    return *ret_to >= 0;
}

/* EXDEV is another file system here, not an escape; EINVAL a directory below itself. */
static void end_two(bhi_fs_call *call, int failed)
{
    end(call, failed);
    if (failed != 0 && errno == EXDEV)
        fail(call, BHI_FS_ERROR_CODE_CROSS_VFS);
    if (failed != 0 && errno == EINVAL)
        fail(call, BHI_FS_ERROR_CODE_INVALID_PATH);
}

void bhi_fs_run_rename(bhi_fs_call *call)
{
    int from, to;
    struct stat about;
    if (!open_both_parents(call, &from, &to))
        return;
    bhi_fs_ledger *ledger = lock_ledger(call);
    bhi_fs_removal removal = bhi_fs_ledger_begin_removal(ledger, to, call->other.name);
    bool is_replaced = fstatat(to, call->other.name, &about, AT_SYMLINK_NOFOLLOW) == 0;
    end_two(call, renameat(from, call->path.name, to, call->other.name));
    /* Two names of one file: nothing happens. */
    bool is_moved = call->is_ok && fstatat(from, call->path.name, &about, AT_SYMLINK_NOFOLLOW) != 0;
    bhi_fs_ledger_end_removal(ledger, removal, is_moved);
    add_entries(ledger, is_moved && is_replaced ? -1 : 0);
    unlock_ledger(ledger);
    close(from);
    close(to);
}

void bhi_fs_run_hard_link(bhi_fs_call *call)
{
    int from, to;
    struct stat about;
    if (!open_both_parents(call, &from, &to))
        return;
    bhi_fs_ledger *ledger = lock_ledger(call);
    if (fstatat(from, call->path.name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(about.st_mode)) {
        fail(call, BHI_FS_ERROR_CODE_IS_DIRECTORY);
    } else if (has_room_for_entry(call, ledger)) {
        end_two(call, linkat(from, call->path.name, to, call->other.name, 0));
        add_entries(ledger, call->is_ok);
    }
    unlock_ledger(ledger);
    close(from);
    close(to);
}

/* ---- where things are ---- */

static void answer_place(bhi_fs_call *call, const char *place)
{
    char *text = NULL;
    int len = asprintf(&text, "%s%s", bhi_fs_root_names[call->path.root], place);
    call->is_ok = len >= 0 && bhi_utf8_is_valid((bhi_bytes){(uint8_t *)text, (size_t)len});
    if (!call->is_ok) {
        if (len >= 0)
            free(text);
        return;
    }
    call->data = (uint8_t *)text;
    call->data_len = (size_t)len;
}

void bhi_fs_run_canonicalize(bhi_fs_call *call)
{
    char place[BHI_FS_PATH_BYTES_MAX + 1];
    int fd = open_followed(call, &call->path, O_PATH);
    if (fd < 0)
        return;
    fail(call, BHI_FS_ERROR_CODE_BOUNDARY_ESCAPE); /* moved away meanwhile */
    if (bhi_fs_place_of(bhi_fs_root_of(call, &call->path), fd, place))
        answer_place(call, place);
    close(fd);
}

/* Apply one relative path to another by the letter. False: it leaves the root. */
static bool join(char *place, const char *target)
{
    char rest[BHI_FS_PATH_BYTES_MAX + 1], *kept = NULL;
    snprintf(rest, sizeof rest, "%s", target);
    for (char *part = strtok_r(rest, "/", &kept); part != NULL; part = strtok_r(NULL, "/", &kept)) {
        char *slash = strrchr(place, '/');
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            if (place[0] == 0)
                return false;
            *(slash != NULL ? slash : place) = 0;
            continue;
        }
        size_t len = strlen(place);
        if (len + strlen(part) + 2 > BHI_FS_PATH_BYTES_MAX)
            return false;
        snprintf(place + len, BHI_FS_PATH_BYTES_MAX - len, "%s%s", len > 0 ? "/" : "", part);
    }
    return true;
}

static void answer_link(bhi_fs_call *call, int fd)
{
    char target[BHI_FS_PATH_BYTES_MAX + 1], place[BHI_FS_PATH_BYTES_MAX + 1];
    ssize_t len = readlinkat(fd, call->path.name, target, sizeof target - 1);
    if (len < 0) {
        fail(call, errno == EINVAL ? BHI_FS_ERROR_CODE_INVALID_PATH : bhi_fs_error_of(errno));
        return;
    }
    target[len] = 0;
    fail(call, BHI_FS_ERROR_CODE_BOUNDARY_ESCAPE);
    if (target[0] != '/' && bhi_fs_place_of(bhi_fs_root_of(call, &call->path), fd, place) &&
        join(place, target))
        answer_place(call, place);
}

void bhi_fs_run_read_link(bhi_fs_call *call)
{
    int fd = bhi_fs_parent_of(call, &call->path, true, false);
    if (fd < 0)
        return;
    answer_link(call, fd);
    close(fd);
}
