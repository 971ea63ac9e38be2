/* host/fs_path.c - schemes off, slashes collapsed, the last component cut. */
#include "host/fs_path.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

const char *const bhi_fs_root_names[BHI_FS_ROOT_COUNT] = {
    [BHI_FS_HOME] = "home://", [BHI_FS_TMP] = "tmp://", [BHI_FS_WORKSPACE] = "workspace://"};

static bool cut_prefix(bhi_bytes *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = (bhi_bytes){text->data + len, text->len - len};
    return true;
}

static bool has_scheme(bhi_bytes text)
{
    for (size_t i = 0; i + 2 < text.len && text.data[i] != '/'; i++)
        if (memcmp(text.data + i, "://", 3) == 0)
            return true;
    return false;
}

/* Where a path leads; the rest stays in *inout_text. False: an unknown scheme. */
static bool cut_root(bhi_bytes *inout_text, bhi_fs_root *ret_root)
{
    static const struct {
        const char *prefix;
        bhi_fs_root root;
    } schemes[] = {{"home://", BHI_FS_HOME},
                   {"tmp://", BHI_FS_TMP},
                   {"/tmp/", BHI_FS_TMP},
                   {"workspace://", BHI_FS_WORKSPACE},
                   {"cwd://", BHI_FS_WORKSPACE}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (cut_prefix(inout_text, schemes[i].prefix)) {
            *ret_root = schemes[i].root;
            return true;
        }
    *ret_root = BHI_FS_WORKSPACE;
    if (bhi_bytes_equal_text(*inout_text, "/tmp")) {
        *ret_root = BHI_FS_TMP;
        inout_text->len = 0;
    }
    return !has_scheme(*inout_text);
}

static bool is_clean(bhi_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (bhi_is_control((const char *)text.data, text.len, i))
            return false;
    return true;
}

static bool is_composed(bhi_bytes text)
{
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t len = utf8proc_map(text.data, (utf8proc_ssize_t)text.len, &composed,
                                        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    bool is_same = len == (utf8proc_ssize_t)text.len && memcmp(composed, text.data, text.len) == 0;
    free(composed);
    return is_same;
}

/* The next component, without the slashes around it; empty at the end. */
static bhi_bytes next_component(bhi_bytes *inout_rest)
{
    while (inout_rest->len > 0 && inout_rest->data[0] == '/')
        *inout_rest = (bhi_bytes){inout_rest->data + 1, inout_rest->len - 1};
    size_t len = 0;
    while (len < inout_rest->len && inout_rest->data[len] != '/')
        len++;
    bhi_bytes component = {inout_rest->data, len};
    *inout_rest = (bhi_bytes){inout_rest->data + len, inout_rest->len - len};
    return component;
}

static void append(char *text, size_t *inout_len, bhi_bytes component)
{
    if (*inout_len > 0)
        text[(*inout_len)++] = '/';
    memcpy(text + *inout_len, component.data, component.len);
    *inout_len += component.len;
}

bool bhi_fs_path_parse(bhi_bytes text, bhi_fs_path *ret_path)
{
    if (text.len > BHI_FS_PATH_BYTES_MAX || !is_clean(text) ||
        (text.len > 0 && !is_composed(text)) || !cut_root(&text, &ret_path->root))
        return false;
    size_t parent_len = 0, components = 0;
    bhi_bytes last = {0};
    for (bhi_bytes part = next_component(&text); part.len > 0; part = next_component(&text)) {
        bhi_bytes rest = part;
        if (++components > BHI_FS_COMPONENTS_MAX || part.len >= sizeof ret_path->name ||
            cut_prefix(&rest, BHI_FS_HIDDEN_PREFIX))
            return false;
        if (last.len > 0)
            append(ret_path->parent, &parent_len, last);
        last = part;
    }
    if (bhi_bytes_equal_text(last, "..") || bhi_bytes_equal_text(last, "."))
        return false;
    if (last.len > 0)
        memcpy(ret_path->name, last.data, last.len);
    ret_path->name[last.len] = 0;
    strcpy(ret_path->parent + parent_len, parent_len == 0 ? "." : "");
    return true;
}

void bhi_fs_make_hidden_name(char ret_name[BHI_FS_HIDDEN_NAME_BYTES])
{
    uint8_t random[16];
    char digits[33];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(digits, sizeof digits, random, sizeof random);
    snprintf(ret_name, BHI_FS_HIDDEN_NAME_BYTES, BHI_FS_HIDDEN_PREFIX "%s", digits);
}

/* ---- entries ---- */

/* The components of `entry` are the first ones of `place`. */
static bool is_prefix(bhi_bytes entry, bhi_bytes place)
{
    bhi_bytes wanted = next_component(&entry);
    while (wanted.len > 0) {
        if (!bhi_bytes_equal(wanted, next_component(&place)) || bhi_bytes_equal_text(wanted, ".."))
            return false;
        wanted = next_component(&entry);
    }
    return true;
}

static bool covers(bhi_bytes entry, bhi_fs_root root, const char *place)
{
    bhi_fs_root of;
    if (bhi_bytes_equal_text(entry, "*"))
        return root == BHI_FS_WORKSPACE;
    return has_scheme(entry) && cut_root(&entry, &of) && of == root &&
           is_prefix(entry, bhi_bytes_of(place));
}

bool bhi_fs_is_covered(bhi_texts entries, bhi_fs_root root, const char *place)
{
    for (size_t i = 0; i < entries.count; i++)
        if (covers(entries.items[i], root, place))
            return true;
    return root == BHI_FS_TMP;
}

bool bhi_fs_leads_to(bhi_texts entries, bhi_fs_root root, const char *place)
{
    for (size_t i = 0; i < entries.count; i++) {
        bhi_fs_root of;
        bhi_bytes entry = entries.items[i];
        if (has_scheme(entry) && cut_root(&entry, &of) && of == root) {
            if (is_prefix(bhi_bytes_of(place), entry))
                return true;
        }
    }
    return false;
}

bool bhi_fs_is_covered_whole(bhi_texts entries, bhi_fs_root root)
{
    return bhi_fs_is_covered(entries, root, "");
}
