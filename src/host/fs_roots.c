/* host/fs_roots.c - homes by principal and capsule, a tmp for each lease. */
#include "host/fs_roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "host/fs_tree.h"
#include "host/principal.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

enum { CAPSULE_BYTES_MAX = 64, TMP_NAME_BYTES = 33, IDLE_HOMES_MAX = 256 };

/* A home that leases have open, or had lately: what it holds is counted once. */
typedef struct home {
    UT_hash_handle hh;
    bool is_refused;
    uint32_t users; /* guarded by the roots' lock, as is the link */
    bhi_link link;  /* on the idle ones when it has no users */
    bhi_fs_ledger ledger;
    size_t key_len;
    char key[BHI_PRINCIPAL_BYTES_MAX + 1 + CAPSULE_BYTES_MAX + 1]; /* PRINCIPAL/CAPSULE */
} home;

struct bhi_file_roots {
    atomic_uint references; /* the runtime's, and one of each lease's files */
    int home_fd, all_tmp_fd, tmp_fd;
    char tmp_name[TMP_NAME_BYTES]; /* of tmp_fd in all_tmp_fd */
    pthread_mutex_t lock;
    home *homes;         /* guarded by lock, as what follows */
    bhi_link idle_homes; /* the longest idle first */
    uint32_t idle_count;
};

struct bhi_lease_files {
    atomic_uint references;
    bhi_file_roots *roots;
    uv_loop_t *loop;
    bhi_arena arena;
    char principal[BHI_PRINCIPAL_BYTES_MAX + 1], capsule[CAPSULE_BYTES_MAX + 1];
    bhi_texts read, write;
    const char *workspace;
    uint64_t home_bytes_max;
    int fds[BHI_FS_ROOT_COUNT]; /* -1: not opened yet */
    home *home;                 /* used, once it is opened */
    char tmp_name[TMP_NAME_BYTES];
    bhi_fs_ledger tmp_ledger;
    uv_work_t removal;
};

/* ---- the runtime's ---- */

static bool has_openat2(void)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != ENOSYS;
}

/* An existing or new directory, of nobody else. */
static int open_made(int at_fd, const char *name)
{
    if (mkdirat(at_fd, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- the directories of temporary ones ---- */

static void make_tmp_name(char ret_name[TMP_NAME_BYTES])
{
    uint8_t random[(TMP_NAME_BYTES - 1) / 2];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(ret_name, TMP_NAME_BYTES, random, sizeof random);
}

/* Whoever uses one holds a lock on it; another one is left over. Returns 0 or an errno. */
static int remove_unless_used(int all_tmp_fd, const char *name)
{
    uint64_t removed;
    int fd = openat(all_tmp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    bool is_used = flock(fd, LOCK_EX | LOCK_NB) != 0;
    int failed = is_used ? 0 : bhi_fs_tree_empty(fd, NULL, NULL, NULL, &removed);
    if (!is_used && failed == 0 && unlinkat(all_tmp_fd, name, AT_REMOVEDIR) != 0)
        failed = errno;
    close(fd);
    return failed;
}

/* F2 */
static int remove_left_over(int all_tmp_fd)
{
    int failed = 0;
    int fd = openat(all_tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        failed = errno;
        if (fd >= 0)
            close(fd);
        return failed;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        int failed_here = remove_unless_used(all_tmp_fd, entry->d_name);
        failed = failed == 0 ? failed_here : failed;
    }
    closedir(directory);
    return failed;
}

/* A new directory, locked before anybody took it for left over; -1 with errno. */
static int open_own_tmp(int all_tmp_fd, char ret_name[TMP_NAME_BYTES])
{
    for (int tries = 0; tries < 100; tries++) {
        struct stat about;
        make_tmp_name(ret_name);
        int fd = open_made(all_tmp_fd, ret_name);
        if (fd < 0 && errno != ENOENT)
            return -1;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &about) == 0 &&
            about.st_nlink > 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    errno = EBUSY;
    return -1;
}

static bh_status open_both(bhi_file_roots *roots, const char *state_directory, bh_error *reterr)
{
    int state_fd = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (state_fd < 0)
        return bhi_fail_os(reterr, "open %.160s", state_directory);
    roots->home_fd = open_made(state_fd, "home");
    if (roots->home_fd >= 0)
        roots->all_tmp_fd = open_made(state_fd, "tmp");
    if (roots->all_tmp_fd >= 0)
        roots->tmp_fd = open_own_tmp(roots->all_tmp_fd, roots->tmp_name);
    int failed = errno;
    close(state_fd);
    errno = failed;
    if (roots->home_fd < 0 || roots->tmp_fd < 0)
        return bhi_fail_os(reterr, "make home and tmp in %.160s", state_directory);
    return BH_OK;
}

bh_status bhi_file_roots_open(const char *state_directory, bhi_file_roots **ret_roots,
                              bh_error *reterr)
{
    if (!has_openat2())
        return bhi_fail(reterr, BH_E_UNSUPPORTED,
                        "files of capsules need openat2: Linux 5.6 or later");
    bhi_file_roots *roots = calloc(1, sizeof *roots);
    if (roots == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the roots of files");
    atomic_init(&roots->references, 1);
    bhi_link_init(&roots->idle_homes);
    pthread_mutex_init(&roots->lock, NULL);
    roots->home_fd = roots->all_tmp_fd = roots->tmp_fd = -1;
    bh_status status = open_both(roots, state_directory, reterr);
    if (status != BH_OK) {
        bhi_file_roots_close(roots);
        return status;
    }
    int failed = remove_left_over(roots->all_tmp_fd);
    if (failed != 0)
        bhi_log(BHI_LOG_WARN, "what a crash left in %.160s/tmp could not be removed: %s",
                state_directory, strerror(failed));
    *ret_roots = roots;
    return BH_OK;
}

/* ---- homes ---- */

static home *make_home(bhi_file_roots *roots, const char *key, uint64_t bytes_max)
{
    home *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    strcpy(made->key, key);
    made->key_len = strlen(key);
    bhi_link_init(&made->link);
    bhi_fs_ledger_init(&made->ledger, bytes_max, BHI_FS_HOME_ENTRIES_MAX);
    HASH_ADD_KEYPTR(hh, roots->homes, made->key, made->key_len, made);
    if (!made->is_refused)
        return made;
    bhi_fs_ledger_deinit(&made->ledger);
    free(made);
    return NULL;
}

static home *use_home(bhi_lease_files *files)
{
    bhi_file_roots *roots = files->roots;
    char key[sizeof((home *)0)->key];
    home *found;
    snprintf(key, sizeof key, "%s/%s", files->principal, files->capsule);
    pthread_mutex_lock(&roots->lock);
    HASH_FIND(hh, roots->homes, key, strlen(key), found);
    if (found == NULL)
        found = make_home(roots, key, files->home_bytes_max);
    if (found != NULL && found->users++ == 0 && !bhi_link_is_alone(&found->link)) {
        bhi_list_remove(&found->link);
        roots->idle_count--;
    }
    pthread_mutex_unlock(&roots->lock);
    if (found == NULL)
        return NULL;
    bhi_fs_ledger_lock(&found->ledger);
    found->ledger.bytes_max = files->home_bytes_max; /* another owner's run loop may have had it */
    bhi_fs_ledger_unlock(&found->ledger);
    return found;
}

static void forget_longest_idle(bhi_file_roots *roots)
{
    home *old = BHI_CONTAINER_OF(bhi_list_first(&roots->idle_homes), home, link);
    bhi_list_remove(&old->link);
    roots->idle_count--;
    HASH_DEL(roots->homes, old);
    bhi_fs_ledger_deinit(&old->ledger);
    free(old);
}

static void leave_home(bhi_file_roots *roots, home *left)
{
    pthread_mutex_lock(&roots->lock);
    if (--left->users == 0) {
        bhi_list_push_back(&roots->idle_homes, &left->link);
        if (++roots->idle_count > IDLE_HOMES_MAX)
            forget_longest_idle(roots);
    }
    pthread_mutex_unlock(&roots->lock);
}

void bhi_file_roots_close(bhi_file_roots *roots)
{
    if (roots == NULL ||
        atomic_fetch_sub_explicit(&roots->references, 1, memory_order_acq_rel) != 1)
        return;
    while (roots->idle_count > 0)
        forget_longest_idle(roots);
    BHI_ASSERT(roots->homes == NULL); /* users hold a reference to the roots */
    if (roots->home_fd >= 0)
        close(roots->home_fd);
    if (roots->tmp_fd >= 0) {
        unlinkat(roots->all_tmp_fd, roots->tmp_name, AT_REMOVEDIR); /* what is left stays */
        close(roots->tmp_fd);
    }
    if (roots->all_tmp_fd >= 0)
        close(roots->all_tmp_fd);
    pthread_mutex_destroy(&roots->lock);
    free(roots);
}

/* Once for as long as the home is remembered. */
static int count_home(home *counted, int fd)
{
    bhi_fs_tree_size size;
    int failed = 0;
    bhi_fs_ledger_lock(&counted->ledger);
    if (!counted->ledger.is_counted) {
        failed = bhi_fs_tree_take_stock(fd, 2 * BHI_FS_HOME_ENTRIES_MAX, &size);
        bool is_beyond = failed == EFBIG; /* full: nothing is added, but what is there may go */
        counted->ledger.bytes = is_beyond ? UINT64_MAX / 2 : size.bytes;
        counted->ledger.entries = is_beyond ? UINT64_MAX / 2 : size.entries;
        counted->ledger.is_counted = failed == 0 || is_beyond;
        failed = is_beyond ? 0 : failed;
    }
    bhi_fs_ledger_unlock(&counted->ledger);
    return failed;
}

static int open_home(bhi_lease_files *files)
{
    int principal_fd = open_made(files->roots->home_fd, files->principal);
    if (principal_fd < 0)
        return -1;
    int fd = open_made(principal_fd, files->capsule);
    close(principal_fd);
    if (fd < 0)
        return -1;
    if (files->home == NULL) /* it is kept where counting failed before */
        files->home = use_home(files);
    int failed = files->home == NULL ? ENOMEM : count_home(files->home, fd);
    if (failed == 0)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

/* ---- tmp ---- */

static int open_tmp(bhi_lease_files *files)
{
    make_tmp_name(files->tmp_name);
    if (mkdirat(files->roots->tmp_fd, files->tmp_name, 0700) != 0) {
        files->tmp_name[0] = 0;
        return -1;
    }
    files->tmp_ledger.is_counted = true;
    int fd = openat(files->roots->tmp_fd, files->tmp_name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        int os_code = errno;
        unlinkat(files->roots->tmp_fd, files->tmp_name, AT_REMOVEDIR);
        files->tmp_name[0] = 0;
        errno = os_code;
    }
    return fd;
}

/* ---- a lease's ---- */

static bhi_texts copy_texts(bhi_arena *arena, bhi_texts texts, bool *inout_is_whole)
{
    bhi_bytes *items = bhi_arena_calloc(arena, texts.count + 1, sizeof *items);
    for (size_t i = 0; i < texts.count && items != NULL; i++) {
        items[i] = bhi_arena_copy(arena, texts.items[i]);
        *inout_is_whole = *inout_is_whole && items[i].data != NULL;
    }
    *inout_is_whole = *inout_is_whole && items != NULL;
    return (bhi_texts){items, items != NULL ? texts.count : 0};
}

static void copy_name(char *to, size_t size, bhi_bytes name)
{
    BHI_ASSERT(name.len > 0 && name.len < size && memchr(name.data, '/', name.len) == NULL &&
               name.data[0] != '.'); /* it becomes a directory's name */
    memcpy(to, name.data, name.len);
    to[name.len] = 0;
}

bhi_lease_files *bhi_lease_files_create(const bhi_lease_files_options *options)
{
    bhi_lease_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return NULL;
    bool is_whole = true;
    atomic_init(&files->references, 1);
    files->roots = options->roots;
    if (files->roots != NULL)
        atomic_fetch_add_explicit(&files->roots->references, 1, memory_order_relaxed);
    files->loop = options->loop;
    files->home_bytes_max = options->home_bytes_max;
    files->fds[0] = files->fds[1] = files->fds[2] = -1;
    copy_name(files->principal, sizeof files->principal, options->principal);
    copy_name(files->capsule, sizeof files->capsule, options->capsule);
    files->read = copy_texts(&files->arena, options->grants->fs_read, &is_whole);
    files->write = copy_texts(&files->arena, options->grants->fs_write, &is_whole);
    if (options->grants->workspace != NULL) {
        files->workspace = bhi_arena_text(&files->arena, bhi_bytes_of(options->grants->workspace));
        is_whole = is_whole && files->workspace != NULL;
    }
    bhi_fs_ledger_init(&files->tmp_ledger, BHI_FS_TMP_BYTES_MAX, BHI_FS_TMP_ENTRIES_MAX);
    if (is_whole)
        return files;
    bhi_lease_files_release(files);
    return NULL;
}

bhi_lease_files *bhi_lease_files_retain(bhi_lease_files *files)
{
    atomic_fetch_add_explicit(&files->references, 1, memory_order_relaxed);
    return files;
}

static void free_files(bhi_lease_files *files)
{
    for (int i = 0; i < BHI_FS_ROOT_COUNT; i++)
        if (files->fds[i] >= 0)
            close(files->fds[i]);
    if (files->home != NULL)
        leave_home(files->roots, files->home);
    bhi_file_roots_close(files->roots);
    bhi_fs_ledger_deinit(&files->tmp_ledger);
    bhi_arena_deinit(&files->arena);
    free(files);
}

/* On a thread of the pool. */
static void remove_tmp(uv_work_t *work)
{
    bhi_lease_files *files = work->data;
    uint64_t removed;
    int fd = files->fds[BHI_FS_TMP];
    int failed = fd < 0 ? 0 : bhi_fs_tree_empty(fd, NULL, NULL, NULL, &removed);
    if (failed == 0 && unlinkat(files->roots->tmp_fd, files->tmp_name, AT_REMOVEDIR) != 0)
        failed = errno;
    if (failed != 0)
        bhi_log(BHI_LOG_WARN, "a temporary directory could not be removed: %s", strerror(failed));
}

static void removed_cb(uv_work_t *work, int status)
{
    free_files(work->data);
}

void bhi_lease_files_release(bhi_lease_files *files)
{
    if (files == NULL ||
        atomic_fetch_sub_explicit(&files->references, 1, memory_order_acq_rel) != 1)
        return;
    files->removal.data = files;
    if (files->tmp_name[0] == 0 ||
        uv_queue_work(files->loop, &files->removal, remove_tmp, removed_cb) != 0)
        free_files(files);
}

const char *bhi_lease_files_principal(const bhi_lease_files *files)
{
    return files->principal;
}

bool bhi_lease_files_are_of(const bhi_lease_files *files, bhi_bytes principal)
{
    return bhi_bytes_equal_text(principal, files->principal);
}

static int open_root(bhi_lease_files *files, bhi_fs_root root)
{
    switch (root) {
    case BHI_FS_HOME:
        return open_home(files);
    case BHI_FS_TMP:
        return open_tmp(files);
    default:
        return open(files->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
}

int bhi_lease_files_root(bhi_lease_files *files, bhi_fs_root root, bhi_fs_error_code_tag *ret_tag)
{
    bool is_there = root == BHI_FS_WORKSPACE ? files->workspace != NULL : files->roots != NULL;
    if (!is_there) {
        *ret_tag = BHI_FS_ERROR_CODE_CAPABILITY_DENIED;
        return -1;
    }
    if (files->fds[root] < 0)
        files->fds[root] = open_root(files, root);
    if (files->fds[root] < 0)
        *ret_tag = bhi_fs_error_of(errno);
    return files->fds[root];
}

bhi_fs_ledger *bhi_lease_files_ledger(bhi_lease_files *files, bhi_fs_root root)
{
    if (root == BHI_FS_HOME)
        return &files->home->ledger;
    return root == BHI_FS_TMP ? &files->tmp_ledger : NULL;
}

const bhi_texts *bhi_lease_files_read_rights(const bhi_lease_files *files)
{
    return &files->read;
}

const bhi_texts *bhi_lease_files_write_rights(const bhi_lease_files *files)
{
    return &files->write;
}
