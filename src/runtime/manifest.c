/* runtime/manifest.c - see manifest.h.
 *
 * Reading has three steps: the TOML text becomes JSON with places; that is checked against the
 * tables of manifest_keys.c; then it is simply taken apart. The JSON lives only in here.
 */
#include "runtime/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulkhead_rust.h"
#include "runtime/manifest_grants.h"
#include "runtime/manifest_env.h"
#include "runtime/manifest_file.h"
#include "runtime/manifest_keys.h"

#define MANIFEST_NAME "Capsule.toml"

/* The text of an error is short: a long path keeps its end. */
enum { PATH_SHOWN_BYTES_MAX = 80, NAME_BYTES_MAX = 64 };

static const char *shown_path(bhi_arena *arena, const char *directory, const char *name)
{
    const char *slash = directory[0] == '\0' || directory[strlen(directory) - 1] == '/' ? "" : "/";
    char *path = bhi_arena_printf(arena, "%s%s%s", directory, slash, name);
    if (path == NULL)
        return name;
    for (char *c = path; *c != '\0'; c++)
        if ((uint8_t)*c < 0x20)
            *c = '?';
    size_t len = strlen(path);
    if (len <= PATH_SHOWN_BYTES_MAX)
        return path;
    char *cut = path + len - PATH_SHOWN_BYTES_MAX;
    memcpy(cut, "...", 3);
    return cut;
}

static bh_reuse reuse_of(const char *name)
{
    static const struct {
        const char *name;
        bh_reuse reuse;
    } names[] = {
        {"principal", BH_REUSE_PRINCIPAL}, {"shared", BH_REUSE_SHARED}, {"never", BH_REUSE_NEVER}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].reuse;
    return BH_REUSE_PRISTINE;
}

static uint32_t count_of(const json_t *node, uint32_t otherwise)
{
    return node == NULL ? otherwise : (uint32_t)json_integer_value(bhi_manifest_value(node));
}

static void take_package(bhi_manifest_reader *reader, const json_t *package, bhi_manifest *manifest)
{
    manifest->name = bhi_manifest_text(reader, package, "name", "");
    manifest->version = bhi_manifest_text(reader, package, "version", "");
    manifest->description = bhi_manifest_text(reader, package, "description", "");
}

static uint8_t hex_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static void take_component(bhi_manifest_reader *reader, const json_t *component,
                           bhi_manifest *manifest)
{
    const char *entrypoint = bhi_manifest_text(reader, component, "entrypoint", "");
    manifest->component_file = bhi_manifest_text(reader, component, "file", entrypoint);
    manifest->component_line = bhi_manifest_line(component);
    manifest->component_column = bhi_manifest_column(component);
    const char *hash = bhi_manifest_text(reader, component, "hash", NULL);
    if (hash == NULL)
        return;
    const char *digits = strchr(hash, ':') + 1; /* the key's check has seen it */
    manifest->has_component_hash = true;
    for (size_t i = 0; i < sizeof manifest->component_hash; i++)
        manifest->component_hash[i] =
            (uint8_t)(hex_digit(digits[2 * i]) << 4 | hex_digit(digits[2 * i + 1]));
}

static void take_capsule(bhi_manifest_reader *reader, const json_t *capsule, bhi_manifest *manifest)
{
    const json_t *live_max = bhi_manifest_member(capsule, "live_max");
    if (live_max == NULL)
        live_max = bhi_manifest_member(capsule, "instance_pool_size");
    const json_t *min_idle = bhi_manifest_member(capsule, "min_idle");
    manifest->reuse = reuse_of(bhi_manifest_text(reader, capsule, "reuse", ""));
    manifest->has_live_max = live_max != NULL;
    manifest->live_max = count_of(live_max, 0);
    manifest->min_idle = count_of(min_idle, 1);
    manifest->accepts_init_randomness = bhi_manifest_member(capsule, "init-randomness") != NULL;
    manifest->warmup_action = bhi_manifest_text(reader, capsule, "warmup", NULL);
    const char *run = bhi_manifest_text(reader, capsule, "run", NULL);
    manifest->run = run == NULL                ? BHI_RUN_UNKNOWN
                    : strcmp(run, "loop") == 0 ? BHI_RUN_LOOP
                                               : BHI_RUN_STUB;
    if (manifest->has_live_max && manifest->min_idle > manifest->live_max)
        bhi_manifest_fail(reader, min_idle,
                          "expected at most live_max (%u) for \"min_idle\", "
                          "found %u",
                          (unsigned)manifest->live_max, (unsigned)manifest->min_idle);
}

static bool is_held(const json_t *node)
{
    const json_t *value = bhi_manifest_value(node);
    return json_is_true(value) || json_array_size(value) > 0;
}

/* Capabilities of the root and of the component, merged. The table of keys is sorted. */
static void take_capabilities(bhi_manifest_reader *reader, const json_t *root,
                              const json_t *component, bhi_manifest *manifest)
{
    const bhi_manifest_key *keys = bhi_manifest_capability_keys;
    size_t count = 0;
    while (keys[count].name != NULL)
        count++;
    const char **held = bhi_arena_calloc(reader->arena, count + 1, sizeof *held);
    if (held == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    const json_t *of_component = bhi_manifest_member(component, "capabilities");
    size_t held_count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_held(bhi_manifest_member(root, keys[i].name)) ||
            is_held(bhi_manifest_member(of_component, keys[i].name)))
            held[held_count++] = keys[i].name;
    manifest->capabilities = held;
}

static void take_root(bhi_manifest_reader *reader, const json_t *root, bhi_manifest *manifest)
{
    const json_t *components = bhi_manifest_value(bhi_manifest_member(root, "component"));
    const json_t *component = json_array_get(components, 0);
    take_package(reader, bhi_manifest_member(root, "package"), manifest);
    take_component(reader, component, manifest);
    take_capsule(reader, bhi_manifest_member(root, "capsule"), manifest);
    take_capabilities(reader, bhi_manifest_member(root, "capabilities"), component, manifest);
    bhi_manifest_read_grants(reader, root, component, &manifest->grants);
    bhi_manifest_resolve_env(reader, bhi_manifest_member(root, "env"), manifest);
}

bh_status bhi_manifest_parse(bhi_bytes text, const char *file, bhi_arena *arena,
                             bhi_manifest *ret_manifest, bh_error *reterr)
{
    bhi_manifest_reader reader = {.arena = arena, .file = file, .reterr = reterr};
    bhi_manifest manifest = {.file = file};
    json_t *root = bhi_manifest_read_nodes(&reader, text, BHI_MANIFEST_BYTES_MAX);
    if (reader.status == BH_OK)
        bhi_manifest_check_table(&reader, "the manifest", root, bhi_manifest_keys);
    if (reader.status == BH_OK)
        take_root(&reader, root, &manifest);
    json_decref(root);
    if (reader.status == BH_OK)
        *ret_manifest = manifest;
    return reader.status;
}

static bh_status open_directory(const char *directory, int *ret_fd, bh_error *reterr)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "no directory %.160s: expected a capsule directory or a .wasm file",
                        directory);
    if (fd < 0)
        return bhi_fail_os(reterr, "cannot open %.160s", directory);
    *ret_fd = fd;
    return BH_OK;
}

bh_status bhi_manifest_read(const char *directory, bhi_arena *arena, bhi_manifest *ret_manifest,
                            bh_error *reterr)
{
    int fd = -1;
    bh_status status = open_directory(directory, &fd, reterr);
    if (status != BH_OK)
        return status;
    const char *file = shown_path(arena, directory, MANIFEST_NAME);
    bhi_bytes text;
    status =
        bhi_manifest_read_file(fd, MANIFEST_NAME, BHI_MANIFEST_BYTES_MAX, arena, &text, reterr);
    close(fd);
    if (status == BH_E_NOT_FOUND)
        return bhi_fail(reterr, status, "%s does not exist: expected a capsule directory", file);
    if (status == BH_E_LIMIT || status == BH_E_ARG)
        status = BH_E_MANIFEST; /* the file is at fault, not the caller or the machine */
    if (status != BH_OK)
        return bhi_fail_within(reterr, status, "%s", file);
    return bhi_manifest_parse(text, file, arena, ret_manifest, reterr);
}

static char name_character(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

bh_status bhi_manifest_for_file(const char *wasm_path, bhi_arena *arena, bhi_manifest *ret_manifest,
                                bh_error *reterr)
{
    static const char *const no_capabilities[] = {NULL};
    const char *slash = strrchr(wasm_path, '/');
    const char *base = slash == NULL ? wasm_path : slash + 1;
    size_t len = strlen(base);
    if (len < 6 || strcmp(base + len - 5, ".wasm") != 0)
        return bhi_fail(reterr, BH_E_ARG,
                        "expected a capsule directory or a .wasm file, found %.160s", wasm_path);
    len = len - 5 > NAME_BYTES_MAX ? NAME_BYTES_MAX : len - 5;
    char *name = bhi_arena_text(arena, (bhi_bytes){(const uint8_t *)base, len});
    char *path = bhi_arena_text(arena, bhi_bytes_of(wasm_path));
    if (name == NULL || path == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the manifest of %.160s", wasm_path);
    for (char *c = name; *c != '\0'; c++)
        *c = name_character(*c);
    *ret_manifest = (bhi_manifest){.name = name,
                                   .version = "0.0.0",
                                   .description = "",
                                   .file = shown_path(arena, "", path),
                                   .is_bare = true,
                                   .component_file = path,
                                   .component_line = 1,
                                   .component_column = 1,
                                   .min_idle = 1,
                                   .capabilities = no_capabilities};
    return BH_OK;
}

bh_status bhi_manifest_find(const char *path, bhi_arena *arena, bhi_manifest *ret_manifest,
                            bh_error *reterr)
{
    struct stat about;
    if (stat(path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "%.160s does not exist: expected a capsule directory or a .wasm file",
                        path);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return bhi_manifest_read(path, arena, ret_manifest, reterr);
    return bhi_manifest_for_file(path, arena, ret_manifest, reterr);
}

static bh_status check_component_hash(const bhi_manifest *manifest, bhi_bytes wasm,
                                      bh_error *reterr)
{
    uint8_t hash[32];
    char found[17];
    if (!manifest->has_component_hash)
        return BH_OK;
    bhr_blake3(wasm.data, wasm.len, hash);
    if (memcmp(hash, manifest->component_hash, sizeof hash) == 0)
        return BH_OK;
    for (size_t i = 0; i < 8; i++)
        snprintf(found + 2 * i, 3, "%02x", hash[i]);
    return bhi_fail(
        reterr, BH_E_MANIFEST,
        "%s:%u:%u: %.64s is not the file that \"hash\" names: its BLAKE3 begins with %s",
        manifest->file, (unsigned)manifest->component_line, (unsigned)manifest->component_column,
        manifest->component_file, found);
}

static bh_status read_bare(const bhi_manifest *manifest, bhi_arena *arena, bhi_bytes *ret_wasm,
                           bh_error *reterr)
{
    bh_status status = bhi_manifest_read_file(AT_FDCWD, manifest->component_file,
                                              BHI_COMPONENT_BYTES_MAX, arena, ret_wasm, reterr);
    return status == BH_OK ? BH_OK : bhi_fail_within(reterr, status, "%s", manifest->file);
}

bh_status bhi_manifest_read_component(const char *directory, const bhi_manifest *manifest,
                                      bhi_arena *arena, bhi_bytes *ret_wasm, bh_error *reterr)
{
    if (manifest->is_bare)
        return read_bare(manifest, arena, ret_wasm, reterr);
    int fd = -1;
    bh_status status = open_directory(directory, &fd, reterr);
    if (status != BH_OK)
        return status;
    bhi_bytes wasm;
    status = bhi_manifest_read_file(fd, manifest->component_file, BHI_COMPONENT_BYTES_MAX, arena,
                                    &wasm, reterr);
    close(fd);
    if (status == BH_E_ARG)
        status = BH_E_MANIFEST;
    if (status != BH_OK)
        return bhi_fail_within(reterr, status, "%s:%u:%u: component %.64s%s", manifest->file,
                               (unsigned)manifest->component_line,
                               (unsigned)manifest->component_column, manifest->component_file,
                               status == BH_E_NOT_FOUND ? " (build the capsule first?)" : "");
    status = check_component_hash(manifest, wasm, reterr);
    if (status == BH_OK)
        *ret_wasm = wasm;
    return status;
}
