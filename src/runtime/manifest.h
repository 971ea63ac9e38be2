/* runtime/manifest.h - Capsule.toml: what a capsule is called, which file it runs, what it asks
 * for.
 *
 * Reading is strict: an unknown section or key, a value of another type, or a path that leaves the
 * capsule directory is refused with BH_E_MANIFEST and a text "FILE:LINE:COLUMN: what was expected".
 * Sections that only later parts of the runtime use (imports, exports, context_file, command,
 * mcp_server, skill, uplink, tool) are checked for their shape and otherwise ignored.
 *
 *   [package]    name = [a-z0-9-]{1,64} and version = semver are required; description and other
 *                informational keys
 *   [[component]] exactly one: file (or entrypoint) = path of the wasm inside the directory;
 *                hash = "blake3:HEX" is compared with the file when it is given
 *   [capsule]    reuse = "pristine" (default), "principal", "shared", "never"; live_max =
 *                most instances (instance_pool_size is another name; live_max wins); min_idle =
 *                instances kept warm (default 1); init-randomness = "accept" and warmup = an action
 *                are for restoring instances and change nothing while they are rebuilt; run =
 *                "loop" or "stub" says what the export `run` is (default: it is tried)
 *   [publish] PATTERN    topics that it may publish on
 *   [subscribe] PATTERN  topics that it may subscribe to; handler = an action with which its hook
 *                is called for each message; priority = lower comes first (default 100);
 *                on_failure = "deny" (default) or "continue": what becomes of a message whose
 *                handler fails
 *   [capabilities] net = hosts; fs_read and fs_write = "*", "cwd://PATH", "home://PATH"; uplink
 *   [env] KEY    {type, request, description, default, enum_values, placeholder}: what get-config
 *                answers. The value is, in this order: the process environment's
 *                BULKHEAD_CONFIG_<CAPSULE>__<KEY> in capitals with '-' as '_'; the default, JSON
 *                text unless it is a string; the only enum value; else the key is absent. A capsule
 *                whose name has "--" or ends in '-' gets nothing from the environment, because its
 *                variables could be taken for another capsule's.
 *
 * Pointers point into the arena. Threads: any; the environment is read and must not change.
 */
#ifndef BHI_RUNTIME_MANIFEST_H
#define BHI_RUNTIME_MANIFEST_H

#include <bulkhead/capsule.h>

#include "base/arena.h"
#include "base/error.h"
#include "host/grants.h"
#include "host/lease_context.h"

/* The parser finds lines by counting, so its time grows with the square of the size. */
#define BHI_MANIFEST_BYTES_MAX  (64u << 10)
#define BHI_COMPONENT_BYTES_MAX (64u << 20)
#define BHI_LIVE_MAX_MAX        10000

typedef enum bhi_env_source {
    BHI_ENV_UNSET, /* declared, no value: get-config answers none */
    BHI_ENV_DEFAULT,
    BHI_ENV_OPERATOR
} bhi_env_source;

/* One declared [env] key; its value, if any, is in the config. */
typedef struct bhi_manifest_env {
    const char *name;
    const char *type; /* "secret" values are never printed */
    bhi_env_source source;
} bhi_manifest_env;

/* What the export `run` is. */
typedef enum bhi_run {
    BHI_RUN_UNKNOWN, /* found out by running it: a stub returns without ever having waited */
    BHI_RUN_LOOP,
    BHI_RUN_STUB
} bhi_run;

typedef struct bhi_manifest {
    const char *name, *version, *description; /* description may be "" */
    const char *file;           /* the manifest's path in messages; a bare wasm file's own path */
    bool is_bare;               /* made up for a wasm file without a manifest */
    const char *component_file; /* inside the directory; the whole path when is_bare */
    uint32_t component_line, component_column; /* of the [[component]] table */
    bool has_component_hash;
    uint8_t component_hash[32];
    bh_reuse reuse;
    bool has_live_max;
    uint32_t live_max; /* 1 to BHI_LIVE_MAX_MAX; 0 unless has_live_max */
    uint32_t min_idle; /* at most live_max when that is set */
    bool accepts_init_randomness;
    const char *warmup_action;   /* NULL when none */
    const bhi_manifest_env *env; /* sorted by name */
    size_t env_count;
    bhi_config config;               /* the keys of env that have a value */
    const char *const *capabilities; /* sorted names that are held, NULL-terminated */
    bhi_grants grants;               /* what it asks for; nothing that only an operator gives */
    bhi_run run;
} bhi_manifest;

/* Read DIRECTORY/Capsule.toml. Blocks. Fails with BH_E_NOT_FOUND (no such directory, or no
 * Capsule.toml in it), BH_E_MANIFEST, BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_manifest_read(const char *directory, bhi_arena *arena,
                                        bhi_manifest *ret_manifest, bh_error *reterr);

/* The same for a manifest's text; `file` is what messages call it. Pure but for the environment.
 * Fails with BH_E_MANIFEST, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_manifest_parse(bhi_bytes text, const char *file, bhi_arena *arena,
                                         bhi_manifest *ret_manifest, bh_error *reterr);

/* The manifest of a bare wasm file: all defaults, named after the file (lower case, other
 * characters as '-'), version 0.0.0. Does not open the file. Fails with BH_E_ARG (no .wasm at the
 * end of the name), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_manifest_for_file(const char *wasm_path, bhi_arena *arena,
                                            bhi_manifest *ret_manifest, bh_error *reterr);

/* Whichever of the two `path` calls for. Fails as they do, and with BH_E_NOT_FOUND. */
BH_MUST_USE bh_status bhi_manifest_find(const char *path, bhi_arena *arena,
                                        bhi_manifest *ret_manifest, bh_error *reterr);

/* Read the component's bytes, at most BHI_COMPONENT_BYTES_MAX, and compare its hash. The file is
 * opened beneath `directory` (ignored when is_bare): "..", an absolute path or a symbolic link that
 * leaves it is refused whatever happens to the directory meanwhile. Blocks. Fails with
 * BH_E_NOT_FOUND, BH_E_MANIFEST (escape, hash), BH_E_LIMIT (size), BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_manifest_read_component(const char *directory,
                                                  const bhi_manifest *manifest, bhi_arena *arena,
                                                  bhi_bytes *ret_wasm, bh_error *reterr);

#endif
