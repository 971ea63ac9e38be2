/* host/kv_env.c - see kv_env.h.
 *
 * LMDB forbids to open an environment twice in one process (closing one drops the file locks of
 * the other), so open ones are kept on a list. It also says that opening can fail while another
 * process opens or closes; every open and close of ours therefore holds a file lock on the
 * directory.
 *
 * A read-only transaction is not tied to its thread (MDB_NOTLS): it takes a reader slot for the
 * moment of one read, so the number of slots bounds concurrent reads, not threads.
 *
 * A delete needs free pages before it gives any back, so a full file could never be emptied. The
 * map is therefore opened with map_bytes, and enlarged by reserve_bytes for the single write that
 * makes room. Recording that F pages became free takes 8 F bytes in consecutive pages, at most
 * 1/512 of the map; twice that, and 4 MiB for the copies of tree pages, is the reserve.
 */
#include "host/kv_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define DATA_FILE_MODE     0600
#define DIRECTORY_MODE     0700
#define BEGIN_ATTEMPTS_MAX 8
#define RESERVE_BYTES_MIN  ((uint64_t)4 << 20)
#define RESERVE_SHARE      256
#define FORMAT_KEY         "bulkhead-kv-format"
#define FORMAT             "1"

/* In the unnamed database, beside the names of the others. */
static const MDB_val format_key = {sizeof FORMAT_KEY - 1, (void *)FORMAT_KEY};
static const MDB_val format_value = {sizeof FORMAT - 1, (void *)FORMAT};

static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;
static bhi_link opened_list = {&opened_list, &opened_list};

bh_status bhi_kv_env_fail(bh_error *reterr, int rc, const char *directory, const char *what)
{
    switch (rc) {
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
    case MDB_PANIC:
        return bhi_fail(reterr, BH_E_CORRUPT,
                        "kv store: %s %s/data.mdb: %s; restore it from a backup, or move it away "
                        "to start empty",
                        what, directory, mdb_strerror(rc));
    case ENOMEM:
        return bhi_fail(reterr, BH_E_NOMEM, "kv store: %s %s: no room for the map; lower its size",
                        what, directory);
    case MDB_READERS_FULL:
    case MDB_MAP_FULL:
        return bhi_fail(reterr, BH_E_LIMIT, "kv store: %s %s: %s", what, directory,
                        mdb_strerror(rc));
    default:
        errno = rc > 0 ? rc : EIO;
        return bhi_fail_os(reterr, "kv store: %s %s", what, directory);
    }
}

/* Create one directory; its name is then as durable as what will be written in it. */
static int make_directory(const char *path)
{
    if (mkdir(path, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? 0 : -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent_fd = fd < 0 ? -1 : openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = parent_fd < 0 ? -1 : fsync(parent_fd);
    int os_code = errno;
    if (fd >= 0)
        close(fd);
    if (parent_fd >= 0)
        close(parent_fd);
    errno = os_code;
    return rc;
}

/* Create the directory and its missing parents. */
static bh_status make_directories(const char *directory, bh_error *reterr)
{
    char *path = strdup(directory);
    if (path == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "kv store: out of memory");
    int rc = 0;
    for (char *end = strchr(path + 1, '/'); end != NULL && rc == 0; end = strchr(end + 1, '/')) {
        *end = '\0';
        rc = make_directory(path);
        *end = '/';
    }
    if (rc == 0)
        rc = make_directory(path);
    bh_status status = BH_OK;
    if (rc != 0)
        status = bhi_fail_os(reterr, "kv store: cannot create the directory %s", directory);
    free(path);
    return status;
}

/* Put the environment on the list of open ones. */
static bh_status enlist(bhi_kv_env *env, const char *directory, bh_error *reterr)
{
    struct stat status;
    if (fstat(env->directory_fd, &status) != 0)
        return bhi_fail_os(reterr, "kv store: cannot read the status of %s", directory);
    env->device = status.st_dev;
    env->inode = status.st_ino;
    bool is_open = false;
    pthread_mutex_lock(&opened_lock);
    for (bhi_link *link = opened_list.next; link != &opened_list; link = link->next) {
        bhi_kv_env *other = BHI_CONTAINER_OF(link, bhi_kv_env, opened);
        is_open |= other->device == env->device && other->inode == env->inode;
    }
    if (!is_open)
        bhi_list_push_back(&opened_list, &env->opened);
    pthread_mutex_unlock(&opened_lock);
    if (is_open)
        return bhi_fail(reterr, BH_E_ARG,
                        "kv store: %s is already open in this process; share the open store",
                        directory);
    return BH_OK;
}

/* Refuse a file of another program or of another format, and mark a new one. */
static int check_format(MDB_txn *txn, bool *ret_is_foreign, bool *ret_is_newer)
{
    MDB_dbi root;
    MDB_stat stat;
    MDB_val key = format_key;
    MDB_val format = format_value;
    MDB_val found;
    int rc = mdb_dbi_open(txn, NULL, 0, &root);
    if (rc == 0)
        rc = mdb_stat(txn, root, &stat);
    if (rc != 0)
        return rc;
    rc = mdb_get(txn, root, &key, &found);
    *ret_is_foreign = rc == MDB_NOTFOUND && stat.ms_entries > 0;
    *ret_is_newer = rc == 0 && (found.mv_size != format.mv_size ||
                                memcmp(found.mv_data, format.mv_data, format.mv_size) != 0);
    if (rc == MDB_NOTFOUND && !*ret_is_foreign)
        rc = mdb_put(txn, root, &key, &format, 0);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bh_status open_databases(bhi_kv_env *env, const char *directory, bh_error *reterr)
{
    MDB_txn *txn;
    bool is_foreign = false;
    bool is_newer = false;
    int rc = bhi_kv_env_begin(env, 0, &txn);
    if (rc != 0)
        return bhi_kv_env_fail(reterr, rc, directory, "cannot read");
    rc = check_format(txn, &is_foreign, &is_newer);
    bool is_ours = !is_foreign && !is_newer;
    if (rc == 0 && is_ours)
        rc = mdb_dbi_open(txn, "pairs", MDB_CREATE, &env->pairs);
    if (rc == 0 && is_ours)
        rc = mdb_dbi_open(txn, "sizes", MDB_CREATE, &env->sizes);
    if (rc == 0 && is_ours)
        rc = bhi_kv_env_commit(env, txn);
    else
        bhi_kv_env_abort(env, txn);
    if (rc != 0)
        return bhi_kv_env_fail(reterr, rc, directory, "cannot read");
    if (is_foreign)
        return bhi_fail(reterr, BH_E_CORRUPT,
                        "kv store: %s/data.mdb is a database of another program; use a directory "
                        "of its own",
                        directory);
    if (is_newer)
        return bhi_fail(reterr, BH_E_UNSUPPORTED,
                        "kv store: %s/data.mdb has another format than " FORMAT
                        "; open it with the version that wrote it",
                        directory);
    return BH_OK;
}

static int create_environment(bhi_kv_env *env, const bhi_kv_store_options *options)
{
    int rc = mdb_env_create(&env->mdb);
    if (rc != 0) {
        env->mdb = NULL;
        return rc;
    }
    if ((rc = mdb_env_set_maxdbs(env->mdb, 2)) != 0 ||
        (rc = mdb_env_set_maxreaders(env->mdb, options->readers_max)) != 0 ||
        (rc = mdb_env_set_mapsize(env->mdb, (size_t)env->map_bytes)) != 0)
        return rc;
    return mdb_env_open(env->mdb, options->directory, MDB_NOTLS, DATA_FILE_MODE);
}

/* The part of opening that other processes must not disturb. */
static bh_status open_locked(bhi_kv_env *env, const bhi_kv_store_options *options, bh_error *reterr)
{
    const char *directory = options->directory;
    int rc = MDB_INVALID;
    if (bhi_kv_env_check_page_size(env->directory_fd))
        rc = create_environment(env, options);
    if (rc != 0)
        return bhi_kv_env_fail(reterr, rc, directory, "cannot open");
    int data_fd;
    int dead_readers;
    if (mdb_env_get_fd(env->mdb, &data_fd) == 0)
        (void)fcntl(data_fd, F_SETFD, FD_CLOEXEC); /* children must not inherit the file */
    rc = mdb_reader_check(env->mdb, &dead_readers);
    if (rc != 0)
        return bhi_kv_env_fail(reterr, rc, directory, "cannot clear the readers of");
    bh_status status = bhi_kv_env_check_length(env, directory, reterr);
    if (status == BH_OK)
        status = open_databases(env, directory, reterr);
    /* The names of new files are as durable as their contents. */
    if (status == BH_OK && fsync(env->directory_fd) != 0)
        status = bhi_fail_os(reterr, "kv store: cannot sync %s", directory);
    return status;
}

static void init_map_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    /* Else a steady stream of reads could keep the map from moving for ever. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static int lock_directory(const bhi_kv_env *env)
{
    int rc;
    do
        rc = flock(env->directory_fd, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static bh_status open_directory(bhi_kv_env *env, const char *directory, bh_error *reterr)
{
    bh_status status = make_directories(directory, reterr);
    if (status != BH_OK)
        return status;
    env->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (env->directory_fd < 0)
        return bhi_fail_os(reterr, "kv store: cannot open the directory %s", directory);
    status = enlist(env, directory, reterr);
    if (status == BH_OK && lock_directory(env) != 0)
        status = bhi_fail_os(reterr, "kv store: cannot lock the directory %s", directory);
    return status;
}

bh_status bhi_kv_env_open(bhi_kv_env *env, const bhi_kv_store_options *options, bh_error *reterr)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    bhi_link_init(&env->opened);
    init_map_lock(&env->map_lock);
    env->directory_fd = -1;
    env->map_bytes = options->map_bytes_max / page_bytes * page_bytes;
    env->reserve_bytes =
        RESERVE_BYTES_MIN + env->map_bytes / RESERVE_SHARE / page_bytes * page_bytes;
    bh_status status = open_directory(env, options->directory, reterr);
    if (status == BH_OK) {
        status = open_locked(env, options, reterr);
        flock(env->directory_fd, LOCK_UN);
    }
    if (status != BH_OK)
        bhi_kv_env_close(env);
    return status;
}

void bhi_kv_env_close(bhi_kv_env *env)
{
    if (env->mdb != NULL) {
        /* Without the lock closing is still right, only an open elsewhere may fail. */
        (void)lock_directory(env);
        mdb_env_close(env->mdb);
        env->mdb = NULL;
    }
    pthread_mutex_lock(&opened_lock);
    bhi_list_remove(&env->opened);
    pthread_mutex_unlock(&opened_lock);
    if (env->directory_fd >= 0)
        close(env->directory_fd); /* gives the file lock back */
    env->directory_fd = -1;
    pthread_rwlock_destroy(&env->map_lock);
}

/* Move the map: to `bytes`, or for 0 to what another process made of it; LMDB never makes it
 * smaller than what is in use. */
static int move_map(bhi_kv_env *env, uint64_t bytes)
{
    pthread_rwlock_wrlock(&env->map_lock);
    int rc = MDB_PANIC;
    if (!env->is_broken)
        rc = mdb_env_set_mapsize(env->mdb, (size_t)bytes);
    if (rc != 0 && !env->is_broken) {
        env->is_broken = true; /* LMDB has dropped the old map */
        bhi_log(BHI_LOG_ERROR, "kv store: the map cannot be moved (%s); restart the process",
                mdb_strerror(rc));
    }
    pthread_rwlock_unlock(&env->map_lock);
    return rc;
}

int bhi_kv_env_open_reserve(bhi_kv_env *env)
{
    return move_map(env, env->map_bytes + env->reserve_bytes);
}

int bhi_kv_env_close_reserve(bhi_kv_env *env)
{
    return move_map(env, env->map_bytes);
}

/* Another process wrote past the end of our map. First map just what is in use, to keep our own
 * limit; if that process goes on growing the file, map as much as it does. */
static int follow_map(bhi_kv_env *env, int attempt)
{
    return move_map(env, attempt == 0 ? env->map_bytes : 0);
}

int bhi_kv_env_begin(bhi_kv_env *env, unsigned flags, MDB_txn **ret_txn)
{
    int rc = MDB_PANIC;
    for (int attempt = 0; attempt < BEGIN_ATTEMPTS_MAX; attempt++) {
        pthread_rwlock_rdlock(&env->map_lock);
        rc = env->is_broken ? MDB_PANIC : mdb_txn_begin(env->mdb, NULL, flags, ret_txn);
        if (rc == 0)
            return 0;
        int dead_readers = 0;
        if (rc == MDB_READERS_FULL)
            (void)mdb_reader_check(env->mdb, &dead_readers);
        pthread_rwlock_unlock(&env->map_lock);
        bool may_retry =
            dead_readers > 0 || (rc == MDB_MAP_RESIZED && follow_map(env, attempt) == 0);
        if (!may_retry)
            break;
    }
    return rc;
}

int bhi_kv_env_commit(bhi_kv_env *env, MDB_txn *take_txn)
{
    int rc = mdb_txn_commit(take_txn);
    pthread_rwlock_unlock(&env->map_lock);
    return rc;
}

void bhi_kv_env_abort(bhi_kv_env *env, MDB_txn *take_txn)
{
    mdb_txn_abort(take_txn);
    pthread_rwlock_unlock(&env->map_lock);
}

/* Writing what is there already makes the transaction one that LMDB commits. */
static int rewrite_format(bhi_kv_env *env)
{
    MDB_txn *txn;
    MDB_dbi root;
    MDB_val key = format_key;
    MDB_val format = format_value;
    int rc = bhi_kv_env_begin(env, 0, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &root);
    if (rc == 0)
        rc = mdb_put(txn, root, &key, &format, 0);
    if (rc == 0)
        return bhi_kv_env_commit(env, txn);
    bhi_kv_env_abort(env, txn);
    return rc;
}

int bhi_kv_env_turn_over(bhi_kv_env *env)
{
    int rc = bhi_kv_env_open_reserve(env);
    if (rc != 0)
        return rc;
    rc = rewrite_format(env);
    int closing_rc = bhi_kv_env_close_reserve(env);
    return rc != 0 ? rc : closing_rc;
}
