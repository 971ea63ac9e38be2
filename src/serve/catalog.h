/* serve/catalog.h - the capsules that a service offers, by name.
 *
 * The list is fixed by load: an entry keeps its name, its path and its index. What it offers
 * changes with reload and unload:
 *
 *   READY ◄── reload ──► FAILED      a reload that fails leaves a READY entry as it is
 *     │ ▲                   │
 *     └─┴─ unload ─► UNLOADED ◄─┘
 *
 * A capsule that does not load stays in the catalog with its error, so that callers learn why
 * instead of "not found".
 *
 * Threads: load starts threads of its own and joins them; everything else from any thread.
 */
#ifndef BHI_SERVE_CATALOG_H
#define BHI_SERVE_CATALOG_H

#include <pthread.h>

#include "base/error.h"
#include "serve/version.h"

#define BHI_CATALOG_CAPSULES_MAX 4096

typedef enum bhi_entry_state {
    BHI_ENTRY_READY,
    BHI_ENTRY_FAILED,
    BHI_ENTRY_UNLOADED,
    BHI_ENTRY_STATES
} bhi_entry_state;

typedef struct bhi_catalog_entry {
    char *path; /* set once */
    char *name; /* set once: the capsule's, or the directory's when it failed to load at first */
    uint32_t index;        /* set once: in the catalog */
    pthread_mutex_t mutex; /* guards what follows, held for a few instructions */
    bhi_entry_state state; /* guarded by mutex */
    bhi_version *version;  /* guarded by mutex; NULL unless READY */
    bh_error error;        /* guarded by mutex; of FAILED */
    bool is_changing;      /* guarded by mutex; a reload or an unload has not ended */
    atomic_ullong reloads, reload_failures; /* relaxed */
} bhi_catalog_entry;

typedef struct bhi_catalog {
    bhi_catalog_entry *entries; /* sorted by name, loaded before failed */
    uint32_t count;
    bh_runtime *runtime;                /* borrowed until destroy */
    bh_capsule_options capsule_options; /* of every load */
} bhi_catalog;

/* `path` is a capsule (directory with a Capsule.toml, or a .wasm file) or a directory whose
 * immediate subdirectories are. Capsules load in parallel. Of two with one name the first path in
 * byte order wins and the other fails. Blocks: compiles. Fails with BH_E_NOT_FOUND (no capsules at
 * `path`), BH_E_LIMIT (too many), BH_E_IO, BH_E_NOMEM; with the first error when every one
 * fails to load. */
BH_MUST_USE bh_status bhi_catalog_load(bh_runtime *runtime, const char *path,
                                       const bh_capsule_options *options, bhi_catalog **ret_catalog,
                                       bh_error *reterr);

/* Takes NULL; closes and releases the capsules. */
void bhi_catalog_destroy(bhi_catalog *catalog);

/* NULL when there is no such capsule. */
bhi_catalog_entry *bhi_catalog_find(const bhi_catalog *catalog, const char *name);

/* READY: the caller uses *ret_version until bhi_version_release. FAILED and UNLOADED: *ret_version
 * is NULL and *ret_why, when given, says why. */
bhi_entry_state bhi_catalog_take(bhi_catalog_entry *entry, bhi_version **ret_version,
                                 bh_error *ret_why);

/* "ready", "failed", "unloaded" */
const char *bhi_entry_state_name(bhi_entry_state state);

/* Only who began a change may swap or fail, until it ends the change. False: another one runs. */
BH_MUST_USE bool bhi_catalog_begin_change(bhi_catalog_entry *entry);
void bhi_catalog_end_change(bhi_catalog_entry *entry);
/* Offer `take_version` from now on, or nothing when it is NULL. Returns what was offered before,
 * with the catalog's use of it, or NULL. */
bhi_version *bhi_catalog_swap(bhi_catalog_entry *entry, bhi_version *take_version);
/* A load failed: a READY entry stays as it is, any other is FAILED with this error. */
void bhi_catalog_fail(bhi_catalog_entry *entry, const bh_error *error);

#endif
