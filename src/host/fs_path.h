/* host/fs_path.h - the paths that guests write, and what a manifest's entries cover.
 *
 *   home://x            the principal's files of this capsule
 *   tmp://x, /tmp/x     files of this lease
 *   workspace://x, cwd://x, x, /x    the operator's directory, where there is one
 *
 * Here a path is only taken apart. That it stays beneath its root is for the kernel to see to
 * (fs_resolve.h).
 *
 * Threads: any; nothing here keeps state.
 */
#ifndef BHI_HOST_FS_PATH_H
#define BHI_HOST_FS_PATH_H

#include "host/grants.h"

enum { BHI_FS_PATH_BYTES_MAX = 4096, BHI_FS_COMPONENTS_MAX = 64 };

/* Names of the host's, while it replaces a file or removes a tree; guests neither see nor name
 * them. Each is made of 128 random bits. */
#define BHI_FS_HIDDEN_PREFIX ".bulkhead-replacing-"
enum { BHI_FS_HIDDEN_NAME_BYTES = 64 };
void bhi_fs_make_hidden_name(char ret_name[BHI_FS_HIDDEN_NAME_BYTES]);

typedef enum bhi_fs_root {
    BHI_FS_HOME,
    BHI_FS_TMP,
    BHI_FS_WORKSPACE,
    BHI_FS_ROOT_COUNT
} bhi_fs_root;

/* "home://" */
extern const char *const bhi_fs_root_names[BHI_FS_ROOT_COUNT];

typedef struct bhi_fs_path {
    bhi_fs_root root;
    char parent[BHI_FS_PATH_BYTES_MAX + 1]; /* relative to the root; "." for the root itself */
    char name[256]; /* the last component; "" when the path is the root itself */
} bhi_fs_path;

/* False: no such scheme, not composed UTF-8 (NFC), a control character, too long or too deep, a
 * component of more than 255 bytes, a name of the host's, or a last component that is "." or "..".
 */
bool bhi_fs_path_parse(bhi_bytes text, bhi_fs_path *ret_path);

/* Whether entries of fs_read or fs_write cover a place: `place` is relative to the root, resolved,
 * "" for the root itself. Nothing in a lease's tmp needs an entry. */
bool bhi_fs_is_covered(bhi_texts entries, bhi_fs_root root, const char *place);
/* The place is on the way to one that an entry names: its directories may be made. */
bool bhi_fs_leads_to(bhi_texts entries, bhi_fs_root root, const char *place);
/* They cover all of the root. */
bool bhi_fs_is_covered_whole(bhi_texts entries, bhi_fs_root root);

#endif
