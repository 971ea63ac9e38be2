/* host/kv_store.c - the store: an environment, a queue and the writer thread. See kv_store.h.
 *
 * Group commit needs no timer: while one transaction waits for the disk, the next batch gathers in
 * the queue. A write that arrives alone is committed alone, at once.
 *
 * If a transaction fails for a reason that may lie in one of its writes (the file is full, a page
 * is damaged), nothing of it took effect and each write gets a transaction of its own, so that one
 * write's trouble is only its own. If the disk fails, retrying would only hurt: all are FAILED.
 */
#include "host/kv_store.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "host/kv_env.h"
#include "host/kv_queue.h"

#define MAP_BYTES_DEFAULT       ((uint64_t)16 << 30)
#define MAP_BYTES_MIN           ((uint64_t)64 << 10)
#define MAP_BYTES_LIMIT         ((uint64_t)1 << 46) /* half of what x86-64 can address */
#define NAMESPACE_BYTES_DEFAULT ((uint64_t)1 << 30)
#define READERS_DEFAULT         512
#define QUEUE_WRITES_DEFAULT    1024
#define QUEUE_BYTES_DEFAULT     ((uint64_t)64 << 20)
#define BATCH_WRITES_DEFAULT    256
#define BATCH_BYTES_DEFAULT     ((uint64_t)16 << 20)

struct bhi_kv_store {
    uint64_t namespace_bytes_max;
    pthread_t writer;
    bhi_kv_env env;
    bhi_kv_queue queue;
    /* Of the writer thread: */
    bool is_full_logged; /* since the last commit */
    bool may_turn_over;  /* something was committed since the last time */
    /* Counters that the writer adds to; relaxed, they order nothing. */
    _Atomic uint64_t transactions;
    _Atomic uint64_t batches_split;
};

bhi_kv_env *bhi_kv_store_env(bhi_kv_store *store)
{
    return &store->env;
}

/* Do the writes from `first` up to `end` in one transaction. */
static int run_transaction(bhi_kv_store *store, bhi_link *first, bhi_link *end)
{
    MDB_txn *txn;
    int rc = bhi_kv_env_begin(&store->env, 0, &txn);
    if (rc != 0)
        return rc;
    for (bhi_link *link = first; link != end && rc == 0; link = link->next) {
        bhi_kv_write *write = BHI_CONTAINER_OF(link, bhi_kv_write, link);
        rc = bhi_kv_apply(&store->env, txn, store->namespace_bytes_max, write);
    }
    if (rc != 0) {
        bhi_kv_env_abort(&store->env, txn);
        return rc;
    }
    atomic_fetch_add_explicit(&store->transactions, 1, memory_order_relaxed);
    rc = bhi_kv_env_commit(&store->env, txn);
    if (rc == 0) {
        store->is_full_logged = false;
        store->may_turn_over = true;
    }
    return rc;
}

static bool makes_room(bhi_link *link)
{
    bhi_kv_write_kind kind = BHI_CONTAINER_OF(link, bhi_kv_write, link)->kind;
    return kind == BHI_KV_DELETE || kind == BHI_KV_CLEAR_PREFIX;
}

/* In a full file, a write that makes room may use the reserve. */
static int run_with_reserve(bhi_kv_store *store, bhi_link *link)
{
    int rc = bhi_kv_env_open_reserve(&store->env);
    if (rc != 0)
        return rc;
    rc = run_transaction(store, link, link->next);
    int closing_rc = bhi_kv_env_close_reserve(&store->env);
    (void)closing_rc; /* logged; what was committed is durable all the same */
    return rc;
}

/* In a full file, the last writes may have made room that a refused write would never see: it
 * commits nothing, and pages become free only as transactions are committed. */
static int run_after_turn_over(bhi_kv_store *store, bhi_link *link)
{
    if (!store->may_turn_over)
        return MDB_MAP_FULL;
    store->may_turn_over = false;
    int rc = bhi_kv_env_turn_over(&store->env);
    return rc != 0 ? rc : run_transaction(store, link, link->next);
}

/* Guests can fill the file at will, so that is logged once and not per write. */
static void log_failure(bhi_kv_store *store, int rc, bool is_full)
{
    if (is_full && store->is_full_logged)
        return;
    store->is_full_logged = is_full;
    bhi_log(BHI_LOG_WARN, "kv store: a write failed: %s", mdb_strerror(rc));
}

static void answer_failure(bhi_kv_store *store, int rc, bhi_link *first, bhi_link *end)
{
    bool is_full = rc == MDB_MAP_FULL || rc == MDB_TXN_FULL;
    log_failure(store, rc, is_full);
    for (bhi_link *link = first; link != end; link = link->next) {
        bhi_kv_write *write = BHI_CONTAINER_OF(link, bhi_kv_write, link);
        write->answer = (bhi_kv_answer){is_full ? BHI_KV_QUOTA : BHI_KV_FAILED, 0};
    }
}

static void run_alone(bhi_kv_store *store, bhi_link *link)
{
    int rc = run_transaction(store, link, link->next);
    if (rc == MDB_MAP_FULL)
        rc = makes_room(link) ? run_with_reserve(store, link) : run_after_turn_over(store, link);
    if (rc != 0)
        answer_failure(store, rc, link, link->next);
}

/* May a smaller transaction succeed? LMDB's own codes, except that its environment is dead. */
static bool may_be_split(int rc)
{
    return rc < 0 && rc != MDB_PANIC && rc != MDB_READERS_FULL;
}

static void run_batch(bhi_kv_store *store)
{
    bhi_link *batch = &store->queue.batch;
    bhi_link *first = batch->next;
    if (first->next == batch) {
        run_alone(store, first);
        return;
    }
    int rc = run_transaction(store, first, batch);
    if (rc == 0)
        return;
    if (!may_be_split(rc)) {
        answer_failure(store, rc, first, batch);
        return;
    }
    atomic_fetch_add_explicit(&store->batches_split, 1, memory_order_relaxed);
    for (bhi_link *link = first; link != batch; link = link->next)
        run_alone(store, link);
}

static void *writer_main(void *arg)
{
    bhi_kv_store *store = arg;
    while (bhi_kv_queue_take(&store->queue)) {
        run_batch(store);
        bhi_kv_queue_answer(&store->queue);
    }
    return NULL;
}

/* Signals are for other threads: the writer inherits a mask that blocks them all. */
static bh_status start_writer(bhi_kv_store *store, bh_error *reterr)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&store->writer, NULL, writer_main, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return BH_OK;
    return bhi_fail(reterr, BH_E_LIMIT, "kv store: cannot start the writer thread: %s",
                    strerror(rc));
}

static bhi_kv_store_options with_defaults(const bhi_kv_store_options *options)
{
    bhi_kv_store_options filled = *options;
    if (filled.map_bytes_max == 0)
        filled.map_bytes_max = MAP_BYTES_DEFAULT;
    if (filled.namespace_bytes_max == 0)
        filled.namespace_bytes_max = NAMESPACE_BYTES_DEFAULT;
    if (filled.readers_max == 0)
        filled.readers_max = READERS_DEFAULT;
    if (filled.queue_writes_max == 0)
        filled.queue_writes_max = QUEUE_WRITES_DEFAULT;
    if (filled.queue_bytes_max == 0)
        filled.queue_bytes_max = QUEUE_BYTES_DEFAULT;
    if (filled.batch_writes_max == 0)
        filled.batch_writes_max = BATCH_WRITES_DEFAULT;
    if (filled.batch_bytes_max == 0)
        filled.batch_bytes_max = BATCH_BYTES_DEFAULT;
    return filled;
}

static bh_status check_options(const bhi_kv_store_options *options, bh_error *reterr)
{
    if (options->directory == NULL || options->directory[0] == '\0')
        return bhi_fail(reterr, BH_E_ARG, "kv store: no directory given");
    if (options->map_bytes_max < MAP_BYTES_MIN || options->map_bytes_max > MAP_BYTES_LIMIT)
        return bhi_fail(reterr, BH_E_ARG, "kv store: a map of %llu bytes; expected %llu to %llu",
                        (unsigned long long)options->map_bytes_max,
                        (unsigned long long)MAP_BYTES_MIN, (unsigned long long)MAP_BYTES_LIMIT);
    return BH_OK;
}

static void fill(bhi_kv_store *store, const bhi_kv_store_options *options)
{
    store->namespace_bytes_max = options->namespace_bytes_max;
    store->queue.writes_max = options->queue_writes_max;
    store->queue.bytes_max = options->queue_bytes_max;
    store->queue.batch_writes_max = options->batch_writes_max;
    store->queue.batch_bytes_max = options->batch_bytes_max;
    bhi_kv_queue_init(&store->queue);
}

bh_status bhi_kv_store_open(const bhi_kv_store_options *options, bhi_kv_store **ret_store,
                            bh_error *reterr)
{
    bhi_kv_store_options filled = with_defaults(options);
    bh_status status = check_options(&filled, reterr);
    if (status != BH_OK)
        return status;
    bhi_kv_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "kv store: out of memory");
    fill(store, &filled);
    status = bhi_kv_env_open(&store->env, &filled, reterr);
    if (status == BH_OK) {
        status = start_writer(store, reterr);
        if (status != BH_OK)
            bhi_kv_env_close(&store->env);
    }
    if (status != BH_OK) {
        bhi_kv_queue_deinit(&store->queue);
        free(store);
        return status;
    }
    *ret_store = store;
    return BH_OK;
}

void bhi_kv_store_close(bhi_kv_store *store)
{
    if (store == NULL)
        return;
    bhi_kv_queue_close(&store->queue);
    pthread_join(store->writer, NULL);
    bhi_kv_queue_deinit(&store->queue);
    bhi_kv_env_close(&store->env);
    free(store);
}

bh_status bhi_kv_store_submit(bhi_kv_store *store, bhi_kv_write *take_write, bhi_kv_done_cb done_cb,
                              void *arg, uint64_t *ret_ticket, bh_error *reterr)
{
    take_write->done_cb = done_cb;
    take_write->arg = arg;
    return bhi_kv_queue_push(&store->queue, take_write, ret_ticket, reterr);
}

bool bhi_kv_store_abandon(bhi_kv_store *store, uint64_t ticket)
{
    return bhi_kv_queue_abandon(&store->queue, ticket);
}

void bhi_kv_store_stats(bhi_kv_store *store, bhi_kv_stats *ret_stats)
{
    bhi_kv_queue *queue = &store->queue;
    pthread_mutex_lock(&queue->lock);
    *ret_stats = (bhi_kv_stats){
        .writes_answered = queue->answered_count,
        .writes_refused = queue->refused_count,
        .queued_writes = queue->waiting_writes,
        .queued_bytes = queue->waiting_bytes,
    };
    pthread_mutex_unlock(&queue->lock);
    ret_stats->transactions = atomic_load_explicit(&store->transactions, memory_order_relaxed);
    ret_stats->batches_split = atomic_load_explicit(&store->batches_split, memory_order_relaxed);
}
