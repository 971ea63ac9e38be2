/* host/fs_tree.c - a walk that keeps its way in a growing array of open directories.
 *
 * A tree may be deeper than a process may open descriptors. Removing goes down by moving: a
 * directory found below is renamed up into the directory being emptied, so that at most two are
 * open at a time. Counting cannot move anything: it gives up on trees that are too deep, which
 * guests cannot name, but can put together by moving one below another.
 */
#include "host/fs_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/fs_path.h"

enum { DEPTH_MAX = BHI_FS_TREE_DEPTH_MAX, LEFT_OVER_SECONDS = 3600 };

static bool is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static DIR *open_directory(int at_fd, const char *name)
{
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL && fd >= 0)
        close(fd);
    return directory;
}

/* The next name that is not "." or ".."; NULL at the end. */
static const struct dirent *next_entry(DIR *directory)
{
    const struct dirent *entry;
    do
        entry = readdir(directory);
    while (entry != NULL && is_dot(entry->d_name));
    return entry;
}

/* ---- take stock ---- */

static void add(bhi_fs_tree_size *size, const struct stat *about)
{
    size->entries++;
    if (S_ISREG(about->st_mode) && about->st_nlink > 0)
        size->bytes += (uint64_t)about->st_size / about->st_nlink;
}

static bool is_left_over(const char *name, const struct stat *about)
{
    return S_ISREG(about->st_mode) &&
           strncmp(name, BHI_FS_HIDDEN_PREFIX, strlen(BHI_FS_HIDDEN_PREFIX)) == 0 &&
           about->st_mtime < time(NULL) - LEFT_OVER_SECONDS;
}

/* Depth first; only the way down is open. */
static int take_stock(DIR **way, int *inout_depth, uint64_t entries_max, bhi_fs_tree_size *size)
{
    while (*inout_depth >= 0) {
        DIR *here = way[*inout_depth];
        const struct dirent *entry = next_entry(here);
        struct stat about;
        if (entry == NULL) {
            closedir(here);
            --*inout_depth;
            continue;
        }
        if (fstatat(dirfd(here), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* gone meanwhile */
        if (is_left_over(entry->d_name, &about) && unlinkat(dirfd(here), entry->d_name, 0) == 0)
            continue;
        add(size, &about);
        if (size->entries > entries_max)
            return EFBIG;
        if (!S_ISDIR(about.st_mode))
            continue;
        if (*inout_depth + 1 == DEPTH_MAX)
            return EFBIG;
        DIR *below = open_directory(dirfd(here), entry->d_name);
        if (below == NULL)
            return errno;
        way[++*inout_depth] = below;
    }
    return 0;
}

int bhi_fs_tree_take_stock(int directory_fd, uint64_t entries_max, bhi_fs_tree_size *ret_size)
{
    *ret_size = (bhi_fs_tree_size){0};
    DIR **way = calloc(DEPTH_MAX, sizeof(DIR *));
    if (way == NULL)
        return ENOMEM;
    int depth = 0;
    way[0] = open_directory(directory_fd, ".");
    int failed = way[0] == NULL ? errno : take_stock(way, &depth, entries_max, ret_size);
    while (depth >= 0 && way[0] != NULL)
        closedir(way[depth--]);
    free(way);
    return failed;
}

/* ---- empty ---- */

typedef struct emptying {
    int top_fd;
    bool (*may_go_on)(void *arg);
    void *arg;
    bhi_fs_ledger *ledger; /* may be NULL */
    uint64_t removed;      /* entries */
} emptying;

static int remove_file(emptying *work, int at_fd, const char *name)
{
    bhi_fs_removal removal = bhi_fs_ledger_begin_removal(work->ledger, at_fd, name);
    int failed = unlinkat(at_fd, name, 0) == 0 || errno == ENOENT ? 0 : errno;
    bhi_fs_ledger_end_removal(work->ledger, removal, failed == 0);
    work->removed += failed == 0;
    return failed;
}

/* Up to the top, under a name that no guest can have made. */
static int move_up(emptying *work, int from_fd, const char *name)
{
    char new_name[BHI_FS_HIDDEN_NAME_BYTES];
    bhi_fs_make_hidden_name(new_name);
    return renameat(from_fd, name, work->top_fd, new_name) == 0 ? 0 : errno;
}

static int remove_entry(emptying *work, int at_fd, const char *name)
{
    struct stat about;
    if (fstatat(at_fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISDIR(about.st_mode))
        return remove_file(work, at_fd, name);
    if (unlinkat(at_fd, name, AT_REMOVEDIR) == 0) {
        work->removed++;
        return 0;
    }
    if (errno != ENOTEMPTY && errno != EEXIST)
        return errno == ENOENT ? 0 : errno;
    return at_fd == work->top_fd ? EEXIST : move_up(work, at_fd, name);
}

/* Everything in one directory below the top; directories in it that are not empty move up. */
static int empty_below(emptying *work, const char *name)
{
    DIR *below = open_directory(work->top_fd, name);
    if (below == NULL)
        return errno == ENOENT ? 0 : errno;
    int failed = 0;
    for (const struct dirent *entry = next_entry(below); entry != NULL && failed == 0;
         entry = next_entry(below)) {
        if (work->may_go_on != NULL && !work->may_go_on(work->arg))
            failed = ECANCELED;
        else
            failed = remove_entry(work, dirfd(below), entry->d_name);
    }
    closedir(below);
    if (failed == 0 && unlinkat(work->top_fd, name, AT_REMOVEDIR) == 0)
        work->removed++;
    return failed;
}

/* One pass over the top. */
static int empty_top(emptying *work, bool *ret_found)
{
    DIR *top = open_directory(work->top_fd, ".");
    if (top == NULL)
        return errno;
    int failed = 0;
    *ret_found = false;
    for (const struct dirent *entry = next_entry(top); entry != NULL && failed == 0;
         entry = next_entry(top)) {
        *ret_found = true;
        if (work->may_go_on != NULL && !work->may_go_on(work->arg))
            failed = ECANCELED;
        else
            failed = remove_entry(work, work->top_fd, entry->d_name);
        if (failed == EEXIST)
            failed = empty_below(work, entry->d_name);
    }
    closedir(top);
    return failed;
}

int bhi_fs_tree_empty(int directory_fd, bhi_fs_ledger *ledger, bool (*may_go_on)(void *arg),
                      void *arg, uint64_t *ret_entries)
{
    *ret_entries = 0;
    int top_fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top_fd < 0)
        return errno;
    emptying work = {.top_fd = top_fd, .may_go_on = may_go_on, .arg = arg, .ledger = ledger};
    bool has_found = true;
    int failed = 0;
    while (has_found && failed == 0)
        failed = empty_top(&work, &has_found);
    close(top_fd);
    *ret_entries = work.removed;
    return failed;
}
