/* runtime/manifest_file.h - whole files, read from where they are allowed to be. */
#ifndef BHI_RUNTIME_MANIFEST_FILE_H
#define BHI_RUNTIME_MANIFEST_FILE_H

#include "base/arena.h"
#include "base/error.h"

/* Read a regular file of at most `bytes_max` bytes. With `directory_fd` of AT_FDCWD `path` is any
 * path; otherwise it is resolved beneath that directory and may not leave it by "..", a leading '/'
 * or a symbolic link. Messages do not repeat the path. Fails with BH_E_NOT_FOUND, BH_E_ARG (it
 * leaves the directory), BH_E_LIMIT, BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_manifest_read_file(int directory_fd, const char *path, size_t bytes_max,
                                             bhi_arena *arena, bhi_bytes *ret_bytes,
                                             bh_error *reterr);

#endif
