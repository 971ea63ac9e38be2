/* host/fs_resolve.c - openat2, and where a descriptor is. */
#include "host/fs_resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

bhi_fs_error_code_tag bhi_fs_error_of(int os_code)
{
    switch (os_code) {
    case ENOENT:
        return BHI_FS_ERROR_CODE_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
    case EBADF: /* reading what was opened for writing, or the reverse */
        return BHI_FS_ERROR_CODE_ACCESS;
    case EXDEV:
        return BHI_FS_ERROR_CODE_BOUNDARY_ESCAPE;
    case ENAMETOOLONG:
    case ELOOP:
        return BHI_FS_ERROR_CODE_INVALID_PATH;
    case EISDIR:
        return BHI_FS_ERROR_CODE_IS_DIRECTORY;
    case ENOTDIR:
        return BHI_FS_ERROR_CODE_NOT_DIRECTORY;
    case ENOTEMPTY:
        return BHI_FS_ERROR_CODE_NOT_EMPTY;
    case EEXIST:
        return BHI_FS_ERROR_CODE_ALREADY_EXISTS;
    case EFBIG:
        return BHI_FS_ERROR_CODE_TOO_LARGE;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EMLINK:
        return BHI_FS_ERROR_CODE_QUOTA;
    default:
        return BHI_FS_ERROR_CODE_UNKNOWN;
    }
}

/* EAGAIN: something was renamed while the kernel looked; it asks to be asked again. */
static int open_beneath(int root_fd, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    enum { TRIES = 64 };
    int fd = -1;
    for (int i = 0; i < TRIES; i++) {
        fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

static ssize_t read_place(int fd, char *text, size_t size)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, text, size - 1);
    if (len >= 0)
        text[len] = 0;
    return len;
}

bool bhi_fs_place_of(int root_fd, int fd, char ret_place[BHI_FS_PATH_BYTES_MAX + 1])
{
    char root[BHI_FS_PATH_BYTES_MAX + 1], place[2 * BHI_FS_PATH_BYTES_MAX];
    ssize_t root_len = read_place(root_fd, root, sizeof root);
    ssize_t len = read_place(fd, place, sizeof place);
    if (root_len < 0 || len < root_len || memcmp(root, place, (size_t)root_len) != 0)
        return false;
    const char *rest = place + root_len;
    if (*rest != 0 && *rest != '/')
        return false;
    rest += *rest == '/';
    if (strlen(rest) > BHI_FS_PATH_BYTES_MAX)
        return false;
    strcpy(ret_place, rest);
    return true;
}

static bool is_needed(const bhi_texts *entries, bhi_fs_root root)
{
    return entries != NULL && !bhi_fs_is_covered_whole(*entries, root);
}

static bool is_covered(const bhi_texts *entries, bhi_fs_root root, const char *place)
{
    return entries == NULL || bhi_fs_is_covered(*entries, root, place);
}

/* Whether `name` in the directory `fd` ("" for fd itself) is covered. */
static bool has_rights(int root_fd, int fd, const bhi_fs_path *path, const char *name,
                       const bhi_fs_rights *rights)
{
    char place[BHI_FS_PATH_BYTES_MAX + 1], whole[BHI_FS_PATH_BYTES_MAX + 300];
    if (!is_needed(rights->read, path->root) && !is_needed(rights->write, path->root))
        return true;
    if (!bhi_fs_place_of(root_fd, fd, place))
        return false;
    snprintf(whole, sizeof whole, "%s%s%s", place, place[0] != 0 && name[0] != 0 ? "/" : "", name);
    return is_covered(rights->read, path->root, whole) &&
           is_covered(rights->write, path->root, whole);
}

static int keep_if_covered(int root_fd, int fd, const bhi_fs_path *path, const char *name,
                           const bhi_fs_rights *rights, bhi_fs_error_code_tag *ret_tag)
{
    if (fd < 0) {
        *ret_tag = bhi_fs_error_of(errno);
        return -1;
    }
    if (has_rights(root_fd, fd, path, name, rights))
        return fd;
    close(fd);
    *ret_tag = BHI_FS_ERROR_CODE_CAPABILITY_DENIED;
    return -1;
}

int bhi_fs_open_parent(int root_fd, const bhi_fs_path *path, const bhi_fs_rights *rights,
                       bhi_fs_error_code_tag *ret_tag)
{
    int fd = open_beneath(root_fd, path->parent, O_PATH | O_DIRECTORY);
    return keep_if_covered(root_fd, fd, path, path->name, rights, ret_tag);
}

int bhi_fs_open(int root_fd, const bhi_fs_path *path, const bhi_fs_rights *rights, int flags,
                bhi_fs_error_code_tag *ret_tag)
{
    char whole[BHI_FS_PATH_BYTES_MAX + 300];
    snprintf(whole, sizeof whole, "%s%s%s", path->parent, path->name[0] != 0 ? "/" : "",
             path->name);
    int fd = open_beneath(root_fd, whole, flags | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK));
    return keep_if_covered(root_fd, fd, path, "", rights, ret_tag);
}
