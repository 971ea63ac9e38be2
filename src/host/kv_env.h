/* host/kv_env.h - the LMDB environment of the kv store: opening, checking, transactions, map size.
 *
 * The only kv file that knows about LMDB's map, its reader table and its other processes. Functions
 * that return int return 0, an LMDB code (negative) or an errno (positive).
 */
#ifndef BHI_HOST_KV_ENV_H
#define BHI_HOST_KV_ENV_H

#include <lmdb.h>
#include <pthread.h>
#include <sys/types.h>

#include "base/list.h"
#include "host/kv_store.h"

typedef struct bhi_kv_env {
    MDB_env *mdb;           /* NULL: not open */
    MDB_dbi pairs;          /* place -> value */
    MDB_dbi sizes;          /* place of the empty key -> bytes in the namespace, 8, little-endian */
    uint64_t map_bytes;     /* as configured; the map may be larger if another process made it so */
    uint64_t reserve_bytes; /* beyond it, for writes that make room */
    int directory_fd;       /* -1: none; locked while a process opens or closes */
    dev_t device;           /* of the directory, for the list of open ones */
    ino_t inode;
    bhi_link opened; /* on that list, under its lock */
    /* Shared while a transaction runs, exclusive while the map moves: LMDB unmaps the old map. */
    pthread_rwlock_t map_lock;
    bool is_broken; /* under map_lock: the map could not be moved, nothing may touch it */
} bhi_kv_env;

/* The environment of an open store. (kv_store.c) */
bhi_kv_env *bhi_kv_store_env(bhi_kv_store *store);

/* Open what `options` names (defaults already filled in). `env` is zeroed and does not move until
 * it is closed. */
BH_MUST_USE bh_status bhi_kv_env_open(bhi_kv_env *env, const bhi_kv_store_options *options,
                                      bh_error *reterr);
void bhi_kv_env_close(bhi_kv_env *env);

/* Begin a transaction (flags 0 or MDB_RDONLY); map_lock is held, shared, until it is committed or
 * aborted on the same thread. Clears the reader slots of dead processes and follows a map that
 * another process enlarged. */
BH_MUST_USE int bhi_kv_env_begin(bhi_kv_env *env, unsigned flags, MDB_txn **ret_txn);
BH_MUST_USE int bhi_kv_env_commit(bhi_kv_env *env, MDB_txn *take_txn);
void bhi_kv_env_abort(bhi_kv_env *env, MDB_txn *take_txn);

/* Enlarge the map by the reserve, and back. Not within a transaction of the calling thread. */
BH_MUST_USE int bhi_kv_env_open_reserve(bhi_kv_env *env);
BH_MUST_USE int bhi_kv_env_close_reserve(bhi_kv_env *env);

/* Commit a transaction that changes nothing but its number: LMDB reuses the pages that one
 * transaction freed only in the second one after it. Uses the reserve. */
BH_MUST_USE int bhi_kv_env_turn_over(bhi_kv_env *env);

/* False for a data file whose page size would crash LMDB. Before mdb_env_open. (kv_check.c) */
BH_MUST_USE bool bhi_kv_env_check_page_size(int directory_fd);

/* Refuse a data file that is shorter than its tree: reading a missing page would kill the process.
 * After mdb_env_open, before anything is read. (kv_check.c) */
BH_MUST_USE bh_status bhi_kv_env_check_length(bhi_kv_env *env, const char *directory,
                                              bh_error *reterr);

/* The status and text for a failure of LMDB while opening. */
BH_MUST_USE bh_status bhi_kv_env_fail(bh_error *reterr, int rc, const char *directory,
                                      const char *what);

#endif
