/* probe_fs.c - one action per function of fs, through the SDK; arguments are split at '|'.
 *
 * A failure is denied with the name of its status.
 *
 *   read PATH · write PATH|DATA · append PATH|DATA · copy FROM|TO · exists PATH · stat PATH
 *   lstat PATH · mkdir PATH · mkdirs PATH · list PATH (sorted, one per line) · remove PATH
 *   tree PATH · rename FROM|TO · link FROM|TO · canonical PATH · readlink PATH
 *   open MODE|PATH       r, w, a, rw: opens and closes
 *   handle PATH          every method of a handle; answers what it read at the end
 *   many PATH|COUNT      opens the file COUNT times at once
 *   big PATH|BYTES       writes so many bytes · grow PATH|BYTES: set-len · writeat PATH|OFFSET|DATA
 *   sync PATH · readat PATH|OFFSET|MAX: how many bytes
 *   deep COUNT           makes home://d/d/... COUNT deep
 *   keep PATH            opens, and returns without closing
 *   nameless PATH|BYTES|THEN  makes a file of BYTES, removes its name, then resizes it to THEN
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static capsule_bytes cut(capsule_bytes *rest)
{
    uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '|', rest->len);
    capsule_bytes part = *rest;
    if (end != NULL)
        part.len = (size_t)(end - rest->data);
    size_t taken = part.len + (end != NULL);
    *rest = (capsule_bytes){rest->data + taken, rest->len - taken};
    return part;
}

static uint64_t number(capsule_bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    return value;
}

static capsule_result answer(capsule_fs_status status, capsule_bytes data)
{
    if (status != CAPSULE_FS_OK)
        return capsule_deny("%s", capsule_fs_status_name(status));
    return capsule_continue(data);
}

static capsule_result unit(capsule_fs_status status)
{
    return answer(status, capsule_text("ok"));
}

static capsule_result do_read(capsule_bytes rest)
{
    capsule_bytes data = {0};
    capsule_fs_status status = capsule_read_file(rest, &data);
    return answer(status, data);
}

static capsule_result do_write(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    return unit(capsule_write_file(path, rest));
}

static capsule_result do_append(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    return unit(capsule_append_file(path, rest));
}

static capsule_result do_copy(capsule_bytes rest)
{
    capsule_bytes from = cut(&rest);
    return unit(capsule_copy_file(from, rest));
}

static capsule_result do_exists(capsule_bytes rest)
{
    bool exists = false;
    capsule_fs_status status = capsule_file_exists(rest, &exists);
    return answer(status, capsule_text(exists ? "true" : "false"));
}

static const char *const kinds[] = {"unknown", "regular",   "directory", "symlink",
                                    "block",   "character", "fifo",      "socket"};

static capsule_result show_stat(capsule_fs_status status, const capsule_file_stat *stat)
{
    return answer(status, capsule_format("%s %" PRIu64 " %o %d%d%d", kinds[stat->kind], stat->size,
                                         (unsigned)stat->mode & 07777, stat->modified.is_known,
                                         stat->created.is_known, stat->accessed.is_known));
}

static capsule_result do_stat(capsule_bytes rest)
{
    capsule_file_stat stat = {0};
    capsule_fs_status status = capsule_stat(rest, &stat);
    return show_stat(status, &stat);
}

static capsule_result do_lstat(capsule_bytes rest)
{
    capsule_file_stat stat = {0};
    capsule_fs_status status = capsule_stat_link(rest, &stat);
    return show_stat(status, &stat);
}

static capsule_result do_mkdir(capsule_bytes rest)
{
    return unit(capsule_make_directory(rest));
}

static capsule_result do_mkdirs(capsule_bytes rest)
{
    return unit(capsule_make_directories(rest));
}

static int compare(const void *a, const void *b)
{
    const capsule_bytes *left = a, *right = b;
    int order = memcmp(left->data, right->data, left->len < right->len ? left->len : right->len);
    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static capsule_result do_list(capsule_bytes rest)
{
    capsule_list names = {0};
    capsule_fs_status status = capsule_read_directory(rest, &names);
    if (status != CAPSULE_FS_OK)
        return unit(status);
    capsule_bytes *sorted = capsule_alloc(names.count * sizeof *sorted);
    memcpy(sorted, names.items, names.count * sizeof *sorted);
    qsort(sorted, names.count, sizeof *sorted, compare);
    capsule_bytes text = {capsule_alloc(names.count * 260), 0};
    for (size_t i = 0; i < names.count; i++) {
        memcpy(text.data + text.len, sorted[i].data, sorted[i].len);
        text.len += sorted[i].len;
        text.data[text.len++] = '\n';
    }
    return capsule_continue(text);
}

static capsule_result do_remove(capsule_bytes rest)
{
    return unit(capsule_remove_file(rest));
}

static capsule_result do_tree(capsule_bytes rest)
{
    uint64_t count = 0;
    capsule_fs_status status = capsule_remove_tree(rest, &count);
    return answer(status, capsule_format("%" PRIu64, count));
}

static capsule_result do_rename(capsule_bytes rest)
{
    capsule_bytes from = cut(&rest);
    return unit(capsule_rename(from, rest));
}

static capsule_result do_link(capsule_bytes rest)
{
    capsule_bytes from = cut(&rest);
    return unit(capsule_hard_link(from, rest));
}

static capsule_result do_canonical(capsule_bytes rest)
{
    capsule_bytes path = {0};
    capsule_fs_status status = capsule_canonical_path(rest, &path);
    return answer(status, path);
}

static capsule_result do_readlink(capsule_bytes rest)
{
    capsule_bytes path = {0};
    capsule_fs_status status = capsule_read_link(rest, &path);
    return answer(status, path);
}

static capsule_open_mode mode_of(capsule_bytes text)
{
    if (capsule_equal_text(text, "rw"))
        return CAPSULE_OPEN_READ_WRITE;
    return capsule_equal_text(text, "w")   ? CAPSULE_OPEN_WRITE
           : capsule_equal_text(text, "a") ? CAPSULE_OPEN_APPEND
                                           : CAPSULE_OPEN_READ;
}

static capsule_result do_open(capsule_bytes rest)
{
    capsule_file file = 0;
    capsule_open_mode mode = mode_of(cut(&rest));
    capsule_fs_status status = capsule_open(rest, mode, &file);
    if (status == CAPSULE_FS_OK)
        capsule_file_close(file);
    return unit(status);
}

static capsule_result do_keep(capsule_bytes rest)
{
    capsule_file file = 0;
    return unit(capsule_open(rest, CAPSULE_OPEN_READ, &file));
}

#define CHECK(call)                                                                                \
    if ((status = (call)) != CAPSULE_FS_OK)                                                        \
    return capsule_deny("%s: %s", #call, capsule_fs_status_name(status))

static capsule_result do_handle(capsule_bytes rest)
{
    capsule_fs_status status;
    capsule_file file = 0;
    capsule_file_stat stat;
    capsule_bytes data;
    uint32_t written;
    CHECK(capsule_open(rest, CAPSULE_OPEN_WRITE, &file));
    CHECK(capsule_file_write(file, 0, capsule_text("hello world"), &written));
    CHECK(capsule_file_sync_data(file));
    CHECK(capsule_file_sync(file));
    if (capsule_file_read(file, 0, 10, &data) != CAPSULE_FS_ACCESS)
        return capsule_deny("a write-only handle was read");
    capsule_file_close(file);
    CHECK(capsule_open(rest, CAPSULE_OPEN_READ_WRITE, &file));
    CHECK(capsule_file_write(file, 6, capsule_text("there"), &written));
    CHECK(capsule_file_set_size(file, 13));
    CHECK(capsule_file_set_size(file, 11));
    CHECK(capsule_file_stat_open(file, &stat));
    CHECK(capsule_file_read(file, 0, 100, &data));
    capsule_file_close(file);
    CHECK(capsule_open(rest, CAPSULE_OPEN_APPEND, &file));
    CHECK(capsule_file_write(file, 0, capsule_text("!"), &written));
    capsule_file_close(file);
    CHECK(capsule_open(rest, CAPSULE_OPEN_READ, &file));
    if (capsule_file_write(file, 0, capsule_text("x"), &written) != CAPSULE_FS_ACCESS ||
        capsule_file_set_size(file, 0) != CAPSULE_FS_ACCESS)
        return capsule_deny("a read-only handle was written");
    CHECK(capsule_file_read(file, 6, 100, &data));
    capsule_bytes end;
    CHECK(capsule_file_read(file, 12, 100, &end));
    return capsule_continue(capsule_format("%.*s %u %u %u", (int)data.len, (const char *)data.data,
                                           (unsigned)written, (unsigned)stat.size,
                                           (unsigned)end.len));
}

static capsule_result do_many(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    capsule_fs_status status = CAPSULE_FS_OK;
    for (uint64_t left = number(rest); left > 0 && status == CAPSULE_FS_OK; left--) {
        capsule_file file;
        status = capsule_open(path, CAPSULE_OPEN_READ, &file);
    }
    return unit(status);
}

static capsule_result do_big(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    size_t len = number(rest);
    return unit(capsule_write_file(path, (capsule_bytes){capsule_alloc(len), len}));
}

static capsule_result do_grow(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    capsule_file file = 0;
    capsule_fs_status status = capsule_open(path, CAPSULE_OPEN_APPEND, &file);
    return unit(status == CAPSULE_FS_OK ? capsule_file_set_size(file, number(rest)) : status);
}

static capsule_result do_nameless(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    uint64_t bytes = number(cut(&rest));
    capsule_file file = 0;
    capsule_fs_status status = capsule_open(path, CAPSULE_OPEN_WRITE, &file);
    if (status == CAPSULE_FS_OK)
        status = capsule_file_set_size(file, bytes);
    if (status == CAPSULE_FS_OK)
        status = capsule_remove_file(path);
    return unit(status == CAPSULE_FS_OK ? capsule_file_set_size(file, number(rest)) : status);
}

static capsule_fs_status remove_by(capsule_bytes how, capsule_bytes path)
{
    uint64_t gone;
    if (capsule_equal_text(how, "remove"))
        return capsule_remove_file(path);
    if (capsule_equal_text(how, "replace"))
        return capsule_write_file(path, capsule_text(""));
    if (capsule_equal_text(how, "tree"))
        return capsule_remove_tree(capsule_text("home://held"), &gone);
    capsule_fs_status status = capsule_write_file(capsule_text("home://other"), capsule_text(""));
    return status == CAPSULE_FS_OK ? capsule_rename(capsule_text("home://other"), path) : status;
}

/* Its name goes while two handles have the file open: is there room for its bytes again before,
 * and after, they are closed? */
static capsule_result do_held(capsule_bytes rest)
{
    capsule_bytes how = cut(&rest), path = capsule_text("home://held/file"), bytes;
    capsule_file files[2];
    capsule_fs_status status, after[3];
    size_t size = number(rest);
    bytes = (capsule_bytes){capsule_alloc(size), size};
    CHECK(capsule_make_directories(capsule_text("home://held")));
    CHECK(capsule_open(path, CAPSULE_OPEN_WRITE, &files[0]));
    CHECK(capsule_file_set_size(files[0], size));
    CHECK(capsule_open(path, CAPSULE_OPEN_READ, &files[1]));
    CHECK(remove_by(how, path));
    for (int i = 0; i < 3; i++) {
        after[i] = capsule_write_file(capsule_text("home://more"), bytes);
        if (i < 2)
            capsule_file_close(files[i]);
    }
    return capsule_continue(capsule_format("%s %s %s", capsule_fs_status_name(after[0]),
                                           capsule_fs_status_name(after[1]),
                                           capsule_fs_status_name(after[2])));
}

static capsule_result do_writeat(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    uint64_t offset = number(cut(&rest));
    capsule_file file = 0;
    uint32_t written = 0;
    capsule_fs_status status = capsule_open(path, CAPSULE_OPEN_READ_WRITE, &file);
    if (status == CAPSULE_FS_OK && rest.len > 0 && rest.data[0] == '#')
        rest = (capsule_bytes){capsule_alloc(number((capsule_bytes){rest.data + 1, rest.len - 1})),
                               number((capsule_bytes){rest.data + 1, rest.len - 1})};
    if (status == CAPSULE_FS_OK)
        status = capsule_file_write(file, offset, rest, &written);
    return answer(status, capsule_format("%u", (unsigned)written));
}

static capsule_result do_readat(capsule_bytes rest)
{
    capsule_bytes path = cut(&rest);
    uint64_t offset = number(cut(&rest));
    capsule_file file = 0;
    capsule_bytes data = {0};
    capsule_fs_status status = capsule_open(path, CAPSULE_OPEN_READ, &file);
    if (status == CAPSULE_FS_OK)
        status = capsule_file_read(file, offset, (uint32_t)number(rest), &data);
    return answer(status, capsule_format("%zu", data.len));
}

static capsule_result do_deep(capsule_bytes rest)
{
    capsule_bytes path = {capsule_alloc(2 * number(rest) + 16), 0};
    memcpy(path.data, "home://", 7);
    path.len = 7;
    for (uint64_t left = number(rest); left > 0; left--) {
        memcpy(path.data + path.len, "d/", 2);
        path.len += 2;
    }
    return unit(capsule_make_directories(path));
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    static const struct {
        const char *action;
        capsule_result (*run)(capsule_bytes rest);
    } actions[] = {
        {"read", do_read},         {"write", do_write},       {"append", do_append},
        {"copy", do_copy},         {"exists", do_exists},     {"stat", do_stat},
        {"lstat", do_lstat},       {"mkdir", do_mkdir},       {"mkdirs", do_mkdirs},
        {"list", do_list},         {"remove", do_remove},     {"tree", do_tree},
        {"rename", do_rename},     {"link", do_link},         {"canonical", do_canonical},
        {"readlink", do_readlink}, {"open", do_open},         {"keep", do_keep},
        {"handle", do_handle},     {"many", do_many},         {"big", do_big},
        {"grow", do_grow},         {"writeat", do_writeat},   {"readat", do_readat},
        {"deep", do_deep},         {"nameless", do_nameless}, {"held", do_held}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (capsule_equal_text(action, actions[i].action))
            return actions[i].run(payload);
    return capsule_deny("no such action");
}
