/* cli/payload.c - see payload.h. */
#include "cli/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <bulkhead/invocation.h>

enum { FIRST_BYTES = 64 << 10 };

/* A pipe does not say how much it holds: the buffer doubles, up to one byte past the limit. */
static bh_status read_stream(int fd, const char *name, bhi_arena *arena, bhi_bytes *ret_payload,
                             bh_error *reterr)
{
    size_t capacity = FIRST_BYTES, len = 0;
    uint8_t *data = bhi_arena_alloc(arena, capacity);
    while (data != NULL && len <= BH_PAYLOAD_BYTES_MAX) {
        if (len == capacity) {
            uint8_t *more = bhi_arena_alloc(arena, 2 * capacity);
            if (more != NULL)
                memcpy(more, data, len);
            data = more;
            capacity *= 2;
            continue;
        }
        ssize_t got = read(fd, data + len, capacity - len);
        if (got == 0) {
            *ret_payload = (bhi_bytes){data, len};
            return BH_OK;
        }
        if (got < 0 && errno != EINTR)
            return bhi_fail_os(reterr, "cannot read the payload from %.160s", name);
        len += got > 0 ? (size_t)got : 0;
    }
    if (data == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the payload");
    return bhi_fail(reterr, BH_E_LIMIT,
                    "%.160s: expected a payload of at most %u bytes, found more", name,
                    BH_PAYLOAD_BYTES_MAX);
}

static bh_status read_path(const char *path, bhi_arena *arena, bhi_bytes *ret_payload,
                           bh_error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "no payload file %.160s (--payload @FILE reads a file)", path);
    if (fd < 0)
        return bhi_fail_os(reterr, "cannot open the payload file %.160s", path);
    bh_status status = read_stream(fd, path, arena, ret_payload, reterr);
    close(fd);
    return status;
}

bh_status bhi_cli_read_payload(const char *argument, bhi_arena *arena, bhi_bytes *ret_payload,
                               bh_error *reterr)
{
    if (argument != NULL && strcmp(argument, "-") == 0)
        return read_stream(STDIN_FILENO, "standard input", arena, ret_payload, reterr);
    if (argument != NULL && argument[0] == '@')
        return read_path(argument + 1, arena, ret_payload, reterr);
    *ret_payload = argument == NULL ? (bhi_bytes){0} : bhi_bytes_of(argument);
    return BH_OK;
}
