/* host/kv_store.h - durable key-value pairs of capsules, one namespace per principal and capsule.
 *
 * The store is one LMDB environment in one directory. Reads run on the caller's thread against the
 * last committed state and never wait for a write. Writes go through a bounded queue to the store's
 * one writer thread, which puts everything that is queued into one transaction and answers each
 * write when the disk has acknowledged that transaction.
 *
 * K1  A write is answered OK only after the commit that covers it is durable.
 * K2  Every submitted write is answered exactly once, unless its submitter abandons it.
 * K3  Writes take effect in queue order; a later one sees the effects of the earlier ones.
 * K4  The size kept for a namespace is the sum of key and value bytes in it: both change in the
 *     same transaction.
 * K5  No operation reads or changes a pair outside its scope.
 *
 * Several processes may use one directory at once: compare-and-swap is atomic across them. Within
 * one process a directory is open at most once, and a store is not usable after fork.
 *
 * Threads:   every function from any thread unless it says otherwise.
 * Failure:   a verdict is for the guest; a bh_status is the host's. The cause of FAILED is logged.
 * Trust:     the directory is the owner's. A file of another program, of another format or cut
 *            short is refused at open; other damage inside the file is found when it is read, as
 *            far as LMDB checks its pages.
 */
#ifndef BHI_HOST_KV_STORE_H
#define BHI_HOST_KV_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

#define BHI_KV_PRINCIPAL_BYTES_MAX 64
#define BHI_KV_CAPSULE_BYTES_MAX   64
#define BHI_KV_KEY_BYTES_MAX       256
#define BHI_KV_VALUE_BYTES_MAX     ((size_t)1 << 20)
#define BHI_KV_LIST_KEYS_MAX       1024 /* of a list, and of one page */

typedef struct bhi_kv_store bhi_kv_store;

typedef struct bhi_kv_store_options {
    const char *directory;        /* created with mode 0700, missing parents too */
    uint64_t map_bytes_max;       /* the data file; address space, not memory   default 16 GiB */
    uint64_t namespace_bytes_max; /* key and value bytes of one namespace       default 1 GiB */
    uint32_t readers_max;         /* reads at one moment, over all processes; the first process
                                     to open the directory decides              default 512 */
    uint32_t queue_writes_max;    /* writes waiting; one more is E_LIMIT        default 1024 */
    uint64_t queue_bytes_max;     /* memory of writes waiting                   default 64 MiB */
    uint32_t batch_writes_max;    /* writes of one transaction                  default 256 */
    uint64_t batch_bytes_max;     /* the same in memory; one write always fits  default 16 MiB */
} bhi_kv_store_options;           /* 0 means the default */

/* Open or create the store and start its writer. Copies `options`. Blocks: on the disk, and while
 * another process opens the same directory or writes to it.
 * Fails with BH_E_ARG (no directory, too small a map, already open in this process), BH_E_IO,
 * BH_E_CORRUPT (not a store of this program, or cut short), BH_E_UNSUPPORTED (a newer format),
 * BH_E_LIMIT, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_kv_store_open(const bhi_kv_store_options *options,
                                        bhi_kv_store **ret_store, bh_error *reterr);

/* Finish and answer the writes that are queued, then stop the writer and free the store. Blocks.
 * No other call may run or follow, except submits by callbacks, which get BH_E_CLOSED. Takes NULL.
 * Not from a callback. */
void bhi_kv_store_close(bhi_kv_store *store);

typedef enum bhi_kv_verdict {
    BHI_KV_OK,
    BHI_KV_INVALID_KEY,  /* a key or prefix breaks the rules of the contract */
    BHI_KV_TOO_LARGE,    /* the value, or the list of keys */
    BHI_KV_QUOTA,        /* the namespace, or the data file, is full */
    BHI_KV_CAS_MISMATCH, /* the current value is not the expected one */
    BHI_KV_FAILED        /* the store failed; a write had no effect */
} bhi_kv_verdict;

/* Whose pairs. Both are checked by who makes the scope: 1 to 64 bytes without NUL; a scope that
 * breaks this is answered FAILED. */
typedef struct bhi_kv_scope {
    bhi_bytes principal;
    bhi_bytes capsule;
} bhi_kv_scope;

typedef struct bhi_kv_keys {
    bhi_bytes *items; /* ascending in byte order */
    size_t count;
} bhi_kv_keys;

/* The value of `key`, copied into `arena`. An empty value is found; *ret_value is written only
 * when found. INVALID_KEY, FAILED. */
BH_MUST_USE bhi_kv_verdict bhi_kv_get(bhi_kv_store *store, const bhi_kv_scope *scope, bhi_bytes key,
                                      bhi_arena *arena, bool *ret_is_found, bhi_bytes *ret_value);

/* All keys that begin with the bytes of `prefix`, "" for all. TOO_LARGE when they are more than
 * BHI_KV_LIST_KEYS_MAX; INVALID_KEY for a prefix with a NUL; FAILED. */
BH_MUST_USE bhi_kv_verdict bhi_kv_list(bhi_kv_store *store, const bhi_kv_scope *scope,
                                       bhi_bytes prefix, bhi_arena *arena, bhi_kv_keys *ret_keys);

typedef struct bhi_kv_page_query {
    bhi_bytes prefix;
    bhi_bytes cursor; /* keys after this one; any bytes are legal */
    bool has_cursor;
    uint32_t limit; /* 0 and everything larger mean BHI_KV_LIST_KEYS_MAX */
} bhi_kv_page_query;

typedef struct bhi_kv_page {
    bhi_kv_keys keys;
    bool has_next;
    bhi_bytes next_cursor; /* the last key of this page */
} bhi_kv_page;

/* One page of keys. Pages are no snapshot: a key inserted behind the cursor is missed.
 * INVALID_KEY for a prefix with a NUL; FAILED. */
BH_MUST_USE bhi_kv_verdict bhi_kv_list_page(bhi_kv_store *store, const bhi_kv_scope *scope,
                                            const bhi_kv_page_query *query, bhi_arena *arena,
                                            bhi_kv_page *ret_page);

typedef enum bhi_kv_write_kind {
    BHI_KV_SET,          /* key := value */
    BHI_KV_DELETE,       /* a missing key is success */
    BHI_KV_CLEAR_PREFIX, /* delete what begins with `key`; "" clears the namespace */
    BHI_KV_CAS           /* key := value if its value is `expected`, or absent without one */
} bhi_kv_write_kind;

typedef struct bhi_kv_write_spec {
    bhi_kv_write_kind kind;
    bhi_bytes key;
    bhi_bytes value;
    bhi_bytes expected; /* of CAS */
    bool has_expected;
} bhi_kv_write_spec;

/* One write, with its own copies of everything in the spec. */
typedef struct bhi_kv_write bhi_kv_write;

/* Check and copy a write. INVALID_KEY, TOO_LARGE, CAS_MISMATCH (an expected value longer than any
 * value can be), FAILED (memory, scope). */
BH_MUST_USE bhi_kv_verdict bhi_kv_write_create(const bhi_kv_scope *scope,
                                               const bhi_kv_write_spec *spec,
                                               bhi_kv_write **ret_write);

/* Only for a write that was never submitted. Takes NULL. */
void bhi_kv_write_destroy(bhi_kv_write *write);

typedef struct bhi_kv_answer {
    bhi_kv_verdict verdict;
    uint64_t cleared_count; /* pairs that CLEAR_PREFIX deleted */
} bhi_kv_answer;

/* Called on the writer thread with no lock held, never inside the submit; `answer` is valid during
 * the call. Every write behind it waits for its return: hand the answer over and return. */
typedef void (*bhi_kv_done_cb)(void *arg, const bhi_kv_answer *answer);

/* Queue a write. *ret_ticket (may be NULL) names it for bhi_kv_store_abandon.
 * Fails with BH_E_LIMIT (the queue is full), BH_E_CLOSED; then the write is destroyed and the
 * callback never called. */
BH_MUST_USE bh_status bhi_kv_store_submit(bhi_kv_store *store, bhi_kv_write *take_write,
                                          bhi_kv_done_cb done_cb, void *arg, uint64_t *ret_ticket,
                                          bh_error *reterr);

/* Give up a submitted write. True: its callback has not been called and never will be. False: it
 * has been called, and has returned (a call in progress is waited for, except from a callback), or
 * there is no such ticket. The effect of an abandoned write is unspecified: whole or none. */
bool bhi_kv_store_abandon(bhi_kv_store *store, uint64_t ticket);

typedef struct bhi_kv_stats {
    uint64_t writes_answered; /* abandoned ones too */
    uint64_t transactions;    /* committed, or tried to */
    uint64_t batches_split;   /* batches that did not fit and were retried one by one */
    uint64_t writes_refused;  /* submits that found the queue full */
    uint32_t queued_writes;
    uint64_t queued_bytes;
} bhi_kv_stats;

void bhi_kv_store_stats(bhi_kv_store *store, bhi_kv_stats *ret_stats);

#endif
