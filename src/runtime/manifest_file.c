/* runtime/manifest_file.c - see manifest_file.h.
 *
 * The kernel resolves paths beneath the directory (openat2), so that nothing another process does
 * to the directory in between can lead outside. Where the kernel or a container's filter lacks that
 * call, the path is walked one name at a time, following no symbolic link at all.
 */
#include "runtime/manifest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not blocking: opening a FIFO must not wait for its other end. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static int open_walking(int directory_fd, const char *path)
{
    int fd = openat(directory_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0) {
        size_t len = strcspn(path, "/");
        char name[256];
        if (len == 0 || len >= sizeof name || (len == 2 && memcmp(path, "..", 2) == 0)) {
            close(fd);
            errno = len >= sizeof name ? ENAMETOOLONG : EXDEV;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        bool is_last = path[len] == '\0';
        int flags = is_last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;
        int next = openat(fd, name, flags | O_NOFOLLOW);
        close(fd);
        fd = next;
        if (is_last)
            break;
        path += len + 1;
    }
    return fd;
}

static int open_beneath(int directory_fd, const char *path)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, directory_fd, path, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_walking(directory_fd, path);
    return (int)fd;
}

static bh_status fail_open(bh_error *reterr)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no such file");
    case EXDEV:
    case ELOOP:
        return bhi_fail(reterr, BH_E_ARG, "the path leaves the capsule directory");
    default:
        return bhi_fail_os(reterr, "cannot be opened");
    }
}

/* Up to `size` bytes; stops early at the end of the file. */
static bool read_up_to(int fd, uint8_t *data, size_t size, size_t *ret_len)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, data + len, size - len);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return false;
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_len = len;
    return true;
}

static bh_status read_open_file(int fd, size_t bytes_max, bhi_arena *arena, bhi_bytes *ret_bytes,
                                bh_error *reterr)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return bhi_fail_os(reterr, "cannot be examined");
    if (!S_ISREG(about.st_mode))
        return bhi_fail(reterr, BH_E_IO, "is not a regular file");
    if ((uint64_t)about.st_size > bytes_max)
        return bhi_fail(reterr, BH_E_LIMIT, "is %llu bytes, more than the %zu allowed",
                        (unsigned long long)about.st_size, bytes_max);
    size_t size = (size_t)about.st_size;
    uint8_t *data = bhi_arena_alloc(arena, size + 1);
    if (data == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for %zu bytes", size);
    size_t len = 0;
    if (!read_up_to(fd, data, size + 1, &len)) /* one more, to see that it has not grown */
        return bhi_fail_os(reterr, "cannot be read");
    if (len != size)
        return bhi_fail(reterr, BH_E_IO, "changed while it was read");
    *ret_bytes = (bhi_bytes){data, len};
    return BH_OK;
}

bh_status bhi_manifest_read_file(int directory_fd, const char *path, size_t bytes_max,
                                 bhi_arena *arena, bhi_bytes *ret_bytes, bh_error *reterr)
{
    int fd = directory_fd == AT_FDCWD ? open(path, OPEN_FLAGS) : open_beneath(directory_fd, path);
    if (fd < 0)
        return fail_open(reterr);
    bh_status status = read_open_file(fd, bytes_max, arena, ret_bytes, reterr);
    close(fd);
    return status;
}
