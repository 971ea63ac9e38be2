/* host/fs_roots.h - the directories that stand behind home://, tmp:// and workspace://.
 *
 *   STATE/home/PRINCIPAL/CAPSULE/   kept; one ledger for all leases that use it at once
 *   STATE/tmp/RANDOM/RANDOM/        of one lease, gone at its end; above it, of one runtime, which
 *                                   holds a lock on it: several may use a state directory
 *   the operator's workspace        written through
 *
 * A bhi_lease_files is what one lease has open of them, counted: calls that were abandoned finish
 * on their thread and hold it until then. The last one removes the temporary directory.
 *
 * F1  Two principals, or two capsules, never share a home or a tmp.
 * F2  A tmp does not outlive its lease and the calls that it began, once their worker's loop has
 *     turned; what a crash left is removed when roots are opened again.
 *
 * Threads: open and close by whoever has the runtime; lease files by the lease's worker, and by the
 *          one thread that works for it meanwhile.
 */
#ifndef BHI_HOST_FS_ROOTS_H
#define BHI_HOST_FS_ROOTS_H

#include <uv.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/error.h"
#include "host/fs_ledger.h"
#include "host/fs_resolve.h"

#define BHI_FS_TMP_BYTES_MAX (UINT64_C(64) << 20)
enum { BHI_FS_TMP_ENTRIES_MAX = 4096, BHI_FS_HOME_ENTRIES_MAX = 65536 };

typedef struct bhi_file_roots bhi_file_roots;
typedef struct bhi_lease_files bhi_lease_files;

/* Makes STATE/home and STATE/tmp, and removes what is left over in the latter. Blocks. Fails with
 * BH_E_NOMEM, BH_E_IO, BH_E_UNSUPPORTED (a kernel without openat2). */
BH_MUST_USE bh_status bhi_file_roots_open(const char *state_directory, bhi_file_roots **ret_roots,
                                          bh_error *reterr);
/* They go with the last lease's files, which a worker may still be cleaning up. Takes NULL. */
void bhi_file_roots_close(bhi_file_roots *roots);

typedef struct bhi_lease_files_options {
    bhi_file_roots *roots; /* NULL: no home and no tmp */
    bhi_bytes principal, capsule;
    const bhi_grants *grants;
    uint64_t home_bytes_max;
    uv_loop_t *loop; /* of the lease's worker, where the end of a tmp is begun */
} bhi_lease_files_options;

/* Copies the options. NULL: no memory. */
bhi_lease_files *bhi_lease_files_create(const bhi_lease_files_options *options);
bhi_lease_files *bhi_lease_files_retain(bhi_lease_files *files);
/* On the lease's worker. Takes NULL. */
void bhi_lease_files_release(bhi_lease_files *files);

const char *bhi_lease_files_principal(const bhi_lease_files *files);
/* Is it this principal's? */
bool bhi_lease_files_are_of(const bhi_lease_files *files, bhi_bytes principal);

/* Blocks: opens, or makes, what is needed. -1 with *ret_tag. The descriptor is the files'. */
int bhi_lease_files_root(bhi_lease_files *files, bhi_fs_root root, bhi_fs_error_code_tag *ret_tag);
/* Of a root that was opened; NULL: nothing is counted there. */
bhi_fs_ledger *bhi_lease_files_ledger(bhi_lease_files *files, bhi_fs_root root);
const bhi_texts *bhi_lease_files_read_rights(const bhi_lease_files *files);
const bhi_texts *bhi_lease_files_write_rights(const bhi_lease_files *files);

#endif
