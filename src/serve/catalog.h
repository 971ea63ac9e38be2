/* serve/catalog.h - the capsules that a service offers, by name.
 *
 * Immutable after load. A capsule that does not load stays in the catalog with its error, so that
 * callers learn why instead of "not found".
 *
 * Threads: load starts threads of its own and joins them; find and the entries from any thread.
 */
#ifndef BHI_SERVE_CATALOG_H
#define BHI_SERVE_CATALOG_H

#include <bulkhead/capsule.h>

#include "base/error.h"

#define BHI_CATALOG_CAPSULES_MAX 4096

typedef struct bhi_catalog_entry {
    char *path;
    const char *name;    /* the capsule's, or the directory's when it failed */
    bh_capsule *capsule; /* NULL: failed, and `error` says why */
    bh_error error;
    uint32_t index; /* in the catalog */
} bhi_catalog_entry;

typedef struct bhi_catalog {
    bhi_catalog_entry *entries; /* sorted by name, loaded before failed */
    uint32_t count;
} bhi_catalog;

/* `path` is a capsule (directory with a Capsule.toml, or a .wasm file) or a directory whose
 * immediate subdirectories are. Capsules load in parallel. Of two with one name the first path in
 * byte order wins and the other fails. Blocks: compiles. Fails with BH_E_NOT_FOUND (no capsules at
 * `path`), BH_E_LIMIT (too many), BH_E_IO, BH_E_NOMEM; with the first error when every one
 * fails to load. */
BH_MUST_USE bh_status bhi_catalog_load(bh_runtime *runtime, const char *path,
                                       bhi_catalog **ret_catalog, bh_error *reterr);

/* Takes NULL; closes and releases the capsules. */
void bhi_catalog_destroy(bhi_catalog *catalog);

/* NULL when there is no such capsule. */
const bhi_catalog_entry *bhi_catalog_find(const bhi_catalog *catalog, const char *name);

#endif
