/* serve/catalog.c - find the capsule directories, load them with one thread per core, sort.
 *
 * Loading threads take the next index from one counter and write only the entry they took, so
 * the entries need no lock; joining the threads publishes them. The locks are made last, when the
 * entries have their places.
 */
#include "serve/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { LOADERS_MAX = 64 };

static char *join_path(const char *directory, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static bool is_capsule(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    if (S_ISREG(info.st_mode))
        return true;
    char *manifest = join_path(path, "Capsule.toml");
    bool exists = manifest != NULL && stat(manifest, &info) == 0;
    free(manifest);
    return exists;
}

static bh_status add_entry(bhi_catalog *catalog, char *take_path, bh_error *reterr)
{
    if (take_path == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    if (catalog->count == BHI_CATALOG_CAPSULES_MAX) {
        free(take_path);
        return bhi_fail(reterr, BH_E_LIMIT, "a service has at most %d capsules",
                        BHI_CATALOG_CAPSULES_MAX);
    }
    size_t bytes = (catalog->count + 1u) * sizeof *catalog->entries;
    bhi_catalog_entry *entries = realloc(catalog->entries, bytes);
    if (entries == NULL) {
        free(take_path);
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    }
    catalog->entries = entries;
    entries[catalog->count++] = (bhi_catalog_entry){.path = take_path};
    return BH_OK;
}

static bh_status add_subdirectories(bhi_catalog *catalog, const char *path, bh_error *reterr)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, NULL);
    if (count < 0)
        return bhi_fail_os(reterr, "%s: expected a directory of capsules", path);
    bh_status status = BH_OK;
    for (int i = 0; i < count; i++) {
        char *child = names[i]->d_name[0] == '.' ? NULL : join_path(path, names[i]->d_name);
        struct stat info;
        bool is_wanted =
            child != NULL && stat(child, &info) == 0 && S_ISDIR(info.st_mode) && is_capsule(child);
        if (status == BH_OK && is_wanted)
            status = add_entry(catalog, child, reterr);
        else
            free(child);
        free(names[i]);
    }
    free(names);
    if (status == BH_OK && catalog->count == 0)
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "%s: expected a capsule, or subdirectories with a Capsule.toml; found none",
                        path);
    return status;
}

static bh_status find_capsules(bhi_catalog *catalog, const char *path, bh_error *reterr)
{
    if (access(path, F_OK) != 0)
        return bhi_fail(reterr, BH_E_NOT_FOUND, "%s: no such file or directory", path);
    if (is_capsule(path))
        return add_entry(catalog, strdup(path), reterr);
    return add_subdirectories(catalog, path, reterr);
}

typedef struct loading {
    bhi_catalog *catalog;
    atomic_uint next; /* relaxed: only the number matters, the join publishes the entries */
} loading;

static const char *directory_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void set_failed(bhi_catalog_entry *entry, const bh_error *error)
{
    free(entry->name);
    entry->name = strdup(directory_name(entry->path));
    entry->state = BHI_ENTRY_FAILED;
    entry->error = *error;
}

static void load_entry(const bhi_catalog *catalog, bhi_catalog_entry *entry)
{
    bh_error error = {0};
    bh_capsule *capsule;
    bh_status status =
        bh_capsule_load(catalog->runtime, entry->path, &catalog->capsule_options, &capsule, &error);
    if (status == BH_OK) {
        entry->name = strdup(bh_capsule_name(capsule));
        entry->version = bhi_version_create(capsule);
        if (entry->name != NULL && entry->version != NULL)
            return;
        bhi_version_release(entry->version);
        entry->version = NULL;
        status = bhi_fail(&error, BH_E_NOMEM, "out of memory for a capsule");
    }
    set_failed(entry, &error);
}

static void *load_some(void *arg)
{
    loading *work = arg;
    for (;;) {
        unsigned index = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
        if (index >= work->catalog->count)
            return NULL;
        load_entry(work->catalog, &work->catalog->entries[index]);
    }
}

static void load_all(bhi_catalog *catalog)
{
    loading work = {.catalog = catalog};
    pthread_t threads[LOADERS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = cores > LOADERS_MAX ? LOADERS_MAX : cores < 1 ? 1 : (unsigned)cores;
    unsigned started = 0;
    while (started + 1 < wanted && started + 1 < catalog->count &&
           pthread_create(&threads[started], NULL, load_some, &work) == 0)
        started++;
    load_some(&work); /* this thread helps, and does it all when none could be started */
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

static int compare_entries(const void *left, const void *right)
{
    const bhi_catalog_entry *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = (a->version == NULL) - (b->version == NULL);
    return order != 0 ? order : strcmp(a->path, b->path);
}

static void sort_entries(bhi_catalog *catalog)
{
    qsort(catalog->entries, catalog->count, sizeof *catalog->entries, compare_entries);
}

/* Entries are sorted: equal names are neighbours, and the first of them is kept. */
static void fail_duplicates(bhi_catalog *catalog)
{
    for (uint32_t i = 1, kept = 0; i < catalog->count; i++) {
        bhi_catalog_entry *entry = &catalog->entries[i], *first = &catalog->entries[kept];
        if (entry->version == NULL || first->version == NULL ||
            strcmp(entry->name, first->name) != 0) {
            kept = i;
            continue;
        }
        bh_error error;
        bh_status status =
            bhi_fail(&error, BH_E_MANIFEST, "a capsule named \"%s\" was already loaded from %s",
                     first->name, first->path);
        (void)status; /* kept in the entry */
        bhi_version_release(entry->version);
        entry->version = NULL;
        set_failed(entry, &error);
    }
}

/* After the names are known to differ: of two with one name the later would take over. */
static void start_entries(bhi_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        bhi_catalog_entry *entry = &catalog->entries[i];
        bh_error error;
        if (entry->version == NULL || bh_capsule_start(entry->version->capsule, &error) == BH_OK)
            continue;
        bhi_version_release(entry->version);
        entry->version = NULL;
        set_failed(entry, &error);
    }
}

static bool has_names(const bhi_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->count; i++)
        if (catalog->entries[i].name == NULL)
            return false;
    return true;
}

/* Failed ones are known by their directory's name, so sorting comes twice. */
static bh_status order_entries(bhi_catalog *catalog, bh_error *reterr)
{
    if (has_names(catalog)) {
        sort_entries(catalog);
        fail_duplicates(catalog);
    }
    if (!has_names(catalog))
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    sort_entries(catalog);
    return BH_OK;
}

/* BH_OK when at least one capsule loaded; the failures are logged either way. */
static bh_status report_failures(const bhi_catalog *catalog, bh_error *reterr)
{
    const bhi_catalog_entry *first = NULL;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const bhi_catalog_entry *entry = &catalog->entries[i];
        if (entry->version != NULL)
            continue;
        bhi_log(BHI_LOG_ERROR, "capsule %s failed to load: %s", entry->path, entry->error.text);
        if (failed++ == 0)
            first = entry;
    }
    if (failed < catalog->count)
        return BH_OK;
    bh_status code = first->error.code == BH_OK ? BH_E_MODULE : first->error.code;
    return bhi_fail(reterr, code, "no capsule loaded; %s: %s", first->path, first->error.text);
}

static void init_entries(bhi_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        catalog->entries[i].index = i;
        pthread_mutex_init(&catalog->entries[i].mutex, NULL);
    }
}

bh_status bhi_catalog_load(bh_runtime *runtime, const char *path, const bh_capsule_options *options,
                           bhi_catalog **ret_catalog, bh_error *reterr)
{
    bhi_catalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    catalog->runtime = runtime;
    catalog->capsule_options = *options;
    bh_status status = find_capsules(catalog, path, reterr);
    if (status == BH_OK) {
        load_all(catalog);
        status = order_entries(catalog, reterr);
    }
    if (status == BH_OK) {
        start_entries(catalog);
        sort_entries(catalog); /* failed ones are known by their directory's name */
    }
    if (status == BH_OK)
        status = report_failures(catalog, reterr);
    init_entries(catalog);
    if (status != BH_OK) {
        bhi_catalog_destroy(catalog);
        return status;
    }
    *ret_catalog = catalog;
    return BH_OK;
}

void bhi_catalog_destroy(bhi_catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (uint32_t i = 0; i < catalog->count; i++) {
        bhi_version_release(catalog->entries[i].version);
        pthread_mutex_destroy(&catalog->entries[i].mutex);
        free(catalog->entries[i].path);
        free(catalog->entries[i].name);
    }
    free(catalog->entries);
    free(catalog);
}

bhi_catalog_entry *bhi_catalog_find(const bhi_catalog *catalog, const char *name)
{
    uint32_t low = 0, high = catalog->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(catalog->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bhi_catalog_entry *entry = &catalog->entries[low];
    return low < catalog->count && strcmp(entry->name, name) == 0 ? entry : NULL;
}

/* ---- what an entry offers ---- */

const char *bhi_entry_state_name(bhi_entry_state state)
{
    static const char *const names[BHI_ENTRY_STATES] = {"ready", "failed", "unloaded"};
    return (unsigned)state < BHI_ENTRY_STATES ? names[state] : "unknown";
}

bhi_entry_state bhi_catalog_take(bhi_catalog_entry *entry, bhi_version **ret_version,
                                 bh_error *ret_why)
{
    pthread_mutex_lock(&entry->mutex);
    bhi_entry_state state = entry->state;
    *ret_version = entry->version == NULL ? NULL : bhi_version_use(entry->version);
    if (state == BHI_ENTRY_FAILED && ret_why != NULL)
        *ret_why = entry->error;
    pthread_mutex_unlock(&entry->mutex);
    if (state == BHI_ENTRY_UNLOADED) {
        bh_status status = bhi_fail(ret_why, BH_E_NOT_FOUND,
                                    "capsule \"%s\" is unloaded; to load it again: bulkhead reload "
                                    "%s, or POST /v1/capsules/%s/reload",
                                    entry->name, entry->name, entry->name);
        (void)status; /* in *ret_why */
    }
    return state;
}

bool bhi_catalog_begin_change(bhi_catalog_entry *entry)
{
    pthread_mutex_lock(&entry->mutex);
    bool is_first = !entry->is_changing;
    entry->is_changing = true;
    pthread_mutex_unlock(&entry->mutex);
    return is_first;
}

void bhi_catalog_end_change(bhi_catalog_entry *entry)
{
    pthread_mutex_lock(&entry->mutex);
    entry->is_changing = false;
    pthread_mutex_unlock(&entry->mutex);
}

bhi_version *bhi_catalog_swap(bhi_catalog_entry *entry, bhi_version *take_version)
{
    pthread_mutex_lock(&entry->mutex);
    bhi_version *before = entry->version;
    entry->version = take_version;
    entry->state = take_version != NULL ? BHI_ENTRY_READY : BHI_ENTRY_UNLOADED;
    pthread_mutex_unlock(&entry->mutex);
    return before;
}

void bhi_catalog_fail(bhi_catalog_entry *entry, const bh_error *error)
{
    pthread_mutex_lock(&entry->mutex);
    if (entry->state != BHI_ENTRY_READY) {
        entry->state = BHI_ENTRY_FAILED;
        entry->error = *error;
    }
    pthread_mutex_unlock(&entry->mutex);
}
