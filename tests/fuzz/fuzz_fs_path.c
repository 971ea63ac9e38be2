/* Any bytes as a guest's path, and as an entry of fs_read: what is taken for a path has no name of
 * the host, no empty component, and ends in a plain name; what an entry covers stays covered by
 * what covers more. */
#include <stdlib.h>
#include <string.h>

#include "host/fs_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_component(const char *name, size_t len)
{
    if (len == 0 || len > 255 || memchr(name, 0, len) != NULL ||
        strncmp(name, BHI_FS_HIDDEN_PREFIX, sizeof BHI_FS_HIDDEN_PREFIX - 1) == 0)
        abort();
}

static void check_parent(const char *parent)
{
    if (parent[0] == '/' || strlen(parent) > BHI_FS_PATH_BYTES_MAX)
        abort();
    for (const char *at = parent; at != NULL;) {
        const char *slash = strchr(at, '/');
        check_component(at, slash != NULL ? (size_t)(slash - at) : strlen(at));
        at = slash != NULL ? slash + 1 : NULL;
    }
}

static void check_entry(bhi_bytes entry, const bhi_fs_path *path)
{
    bhi_texts entries = {&entry, 1};
    bool is_covered = bhi_fs_is_covered(entries, path->root, path->name);
    if (bhi_fs_is_covered_whole(entries, path->root) && !is_covered)
        abort();
    bhi_fs_leads_to(entries, path->root, path->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_fs_path path;
    bhi_bytes text = {size == 0 ? (const uint8_t *)"" : data, size};
    if (!bhi_fs_path_parse(text, &path))
        return 0;
    check_parent(path.parent);
    if (path.name[0] != 0)
        check_component(path.name, strlen(path.name));
    if (strchr(path.name, '/') != NULL || strcmp(path.name, "..") == 0 ||
        strcmp(path.name, ".") == 0)
        abort();
    check_entry(text, &path);
    return 0;
}
