/* serve/catalog.c - find the capsule directories, load them with one thread per core, sort.
 *
 * Loading threads take the next index from one counter and write only the entry they took, so
 * the entries need no lock; joining the threads publishes them.
 */
#include "serve/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
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
    bh_runtime *runtime;
    bhi_catalog *catalog;
    atomic_uint next; /* relaxed: only the number matters, the join publishes the entries */
} loading;

static void load_entry(bh_runtime *runtime, bhi_catalog_entry *entry)
{
    bh_error error = {0};
    if (bh_capsule_load(runtime, entry->path, NULL, &entry->capsule, &error) == BH_OK) {
        entry->name = bh_capsule_name(entry->capsule);
        return;
    }
    const char *slash = strrchr(entry->path, '/');
    entry->name = slash != NULL && slash[1] != '\0' ? slash + 1 : entry->path;
    entry->error = error;
}

static void *load_some(void *arg)
{
    loading *work = arg;
    for (;;) {
        unsigned index = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
        if (index >= work->catalog->count)
            return NULL;
        load_entry(work->runtime, &work->catalog->entries[index]);
    }
}

static void load_all(bh_runtime *runtime, bhi_catalog *catalog)
{
    loading work = {.runtime = runtime, .catalog = catalog};
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
        order = (a->capsule == NULL) - (b->capsule == NULL);
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
        if (entry->capsule == NULL || first->capsule == NULL ||
            strcmp(entry->name, first->name) != 0) {
            kept = i;
            continue;
        }
        bh_status status =
            bhi_fail(&entry->error, BH_E_MANIFEST,
                     "a capsule named \"%s\" was already loaded from %s", first->name, first->path);
        (void)status; /* kept in the entry */
        const char *slash = strrchr(entry->path, '/');
        entry->name = slash != NULL ? slash + 1 : entry->path;
        bh_capsule_release(entry->capsule);
        entry->capsule = NULL;
    }
    sort_entries(catalog); /* failed ones are known by their directory's name now */
}

/* BH_OK when at least one capsule loaded; the failures are logged either way. */
static bh_status report_failures(const bhi_catalog *catalog, bh_error *reterr)
{
    const bhi_catalog_entry *first = NULL;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const bhi_catalog_entry *entry = &catalog->entries[i];
        if (entry->capsule != NULL)
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

bh_status bhi_catalog_load(bh_runtime *runtime, const char *path, bhi_catalog **ret_catalog,
                           bh_error *reterr)
{
    bhi_catalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    bh_status status = find_capsules(catalog, path, reterr);
    if (status == BH_OK) {
        load_all(runtime, catalog);
        sort_entries(catalog);
        fail_duplicates(catalog);
        status = report_failures(catalog, reterr);
    }
    if (status != BH_OK) {
        bhi_catalog_destroy(catalog);
        return status;
    }
    for (uint32_t i = 0; i < catalog->count; i++)
        catalog->entries[i].index = i;
    *ret_catalog = catalog;
    return BH_OK;
}

void bhi_catalog_destroy(bhi_catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (uint32_t i = 0; i < catalog->count; i++) {
        if (catalog->entries[i].capsule != NULL)
            bh_capsule_close(catalog->entries[i].capsule);
        bh_capsule_release(catalog->entries[i].capsule);
        free(catalog->entries[i].path);
    }
    free(catalog->entries);
    free(catalog);
}

const bhi_catalog_entry *bhi_catalog_find(const bhi_catalog *catalog, const char *name)
{
    uint32_t low = 0, high = catalog->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(catalog->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const bhi_catalog_entry *entry = &catalog->entries[low];
    return low < catalog->count && strcmp(entry->name, name) == 0 ? entry : NULL;
}
