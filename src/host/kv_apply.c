/* host/kv_apply.c - the effect of one write inside a transaction. See kv_write.h.
 *
 * Every change of a pair changes the size of its namespace in the same transaction (K4). A write
 * that the guest is refused (quota, compare-and-swap) leaves the transaction as it was, so the
 * other writes of the batch are not disturbed; a failure of LMDB spoils the transaction.
 *
 * A write that does not make its namespace larger is never refused for the quota: after the limit
 * was lowered, a namespace above it can still be emptied and edited.
 */
#include "host/kv_write.h"

#include <endian.h>

static MDB_val place_of(bhi_kv_write *write)
{
    return (MDB_val){write->place.len, write->place.bytes};
}

static MDB_val namespace_of(bhi_kv_write *write)
{
    return (MDB_val){write->place.namespace_len, write->place.bytes};
}

static uint64_t key_bytes(MDB_val place, const bhi_kv_write *write)
{
    return place.mv_size - write->place.namespace_len;
}

static int read_size(const bhi_kv_env *env, MDB_txn *txn, bhi_kv_write *write, uint64_t *ret_bytes)
{
    MDB_val place = namespace_of(write);
    MDB_val record;
    uint64_t bytes = 0;
    int rc = mdb_get(txn, env->sizes, &place, &record);
    if (rc == 0 && record.mv_size != sizeof bytes)
        return MDB_CORRUPTED;
    if (rc == 0)
        memcpy(&bytes, record.mv_data, sizeof bytes);
    *ret_bytes = le64toh(bytes);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A namespace without bytes has no record. */
static int write_size(const bhi_kv_env *env, MDB_txn *txn, bhi_kv_write *write, uint64_t bytes)
{
    MDB_val place = namespace_of(write);
    uint64_t stored = htole64(bytes);
    MDB_val record = {sizeof stored, &stored};
    if (bytes > 0)
        return mdb_put(txn, env->sizes, &place, &record, 0);
    int rc = mdb_del(txn, env->sizes, &place, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int discharge(const bhi_kv_env *env, MDB_txn *txn, bhi_kv_write *write,
                     uint64_t removed_bytes)
{
    uint64_t bytes;
    int rc = read_size(env, txn, write, &bytes);
    if (rc != 0)
        return rc;
    if (removed_bytes > bytes)
        return MDB_CORRUPTED;
    return write_size(env, txn, write, bytes - removed_bytes);
}

/* Put the value in place of the current one (NULL: there is none). */
static int replace(const bhi_kv_env *env, MDB_txn *txn, uint64_t namespace_bytes_max,
                   bhi_kv_write *write, const MDB_val *current)
{
    MDB_val place = place_of(write);
    MDB_val value = {write->value.len, (void *)write->value.data};
    uint64_t old_bytes;
    int rc = read_size(env, txn, write, &old_bytes);
    if (rc != 0)
        return rc;
    uint64_t removed = current == NULL ? 0 : key_bytes(place, write) + current->mv_size;
    if (removed > old_bytes)
        return MDB_CORRUPTED;
    uint64_t bytes = old_bytes - removed + key_bytes(place, write) + value.mv_size;
    if (bytes > namespace_bytes_max && bytes > old_bytes) {
        write->answer.verdict = BHI_KV_QUOTA;
        return 0;
    }
    rc = mdb_put(txn, env->pairs, &place, &value, 0);
    if (rc == 0 && bytes != old_bytes)
        rc = write_size(env, txn, write, bytes);
    return rc;
}

static bool is_expected(const bhi_kv_write *write, const MDB_val *current)
{
    if (current == NULL || !write->has_expected)
        return current == NULL && !write->has_expected;
    return bhi_bytes_equal(write->expected, (bhi_bytes){current->mv_data, current->mv_size});
}

static int apply_set(const bhi_kv_env *env, MDB_txn *txn, uint64_t namespace_bytes_max,
                     bhi_kv_write *write)
{
    MDB_val place = place_of(write);
    MDB_val found;
    int rc = mdb_get(txn, env->pairs, &place, &found);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    const MDB_val *current = rc == 0 ? &found : NULL;
    if (write->kind == BHI_KV_CAS && !is_expected(write, current)) {
        write->answer.verdict = BHI_KV_CAS_MISMATCH;
        return 0;
    }
    return replace(env, txn, namespace_bytes_max, write, current);
}

static int apply_delete(const bhi_kv_env *env, MDB_txn *txn, bhi_kv_write *write)
{
    MDB_val place = place_of(write);
    MDB_val current;
    int rc = mdb_get(txn, env->pairs, &place, &current);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    uint64_t removed = key_bytes(place, write) + current.mv_size;
    rc = mdb_del(txn, env->pairs, &place, NULL);
    return rc != 0 ? rc : discharge(env, txn, write, removed);
}

static bool begins_with(MDB_val place, const bhi_kv_place *prefix)
{
    return bhi_kv_place_begins_with((bhi_bytes){place.mv_data, place.mv_size}, prefix);
}

/* Delete from the first pair with the prefix on; `removed` and the count grow along. */
static int delete_run(MDB_cursor *cursor, bhi_kv_write *write, uint64_t *removed)
{
    MDB_val place = place_of(write);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &place, &value, MDB_SET_RANGE);
    while (rc == 0 && begins_with(place, &write->place)) {
        *removed += key_bytes(place, write) + value.mv_size;
        write->answer.cleared_count++;
        rc = mdb_cursor_del(cursor, 0);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &place, &value, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply_clear(const bhi_kv_env *env, MDB_txn *txn, bhi_kv_write *write)
{
    MDB_cursor *cursor;
    uint64_t removed = 0;
    int rc = mdb_cursor_open(txn, env->pairs, &cursor);
    if (rc != 0)
        return rc;
    rc = delete_run(cursor, write, &removed);
    mdb_cursor_close(cursor);
    if (rc != 0 || write->answer.cleared_count == 0)
        return rc;
    return discharge(env, txn, write, removed);
}

int bhi_kv_apply(const bhi_kv_env *env, MDB_txn *txn, uint64_t namespace_bytes_max,
                 bhi_kv_write *write)
{
    write->answer = (bhi_kv_answer){BHI_KV_OK, 0};
    switch (write->kind) {
    case BHI_KV_SET:
    case BHI_KV_CAS:
        return apply_set(env, txn, namespace_bytes_max, write);
    case BHI_KV_DELETE:
        return apply_delete(env, txn, write);
    case BHI_KV_CLEAR_PREFIX:
        return apply_clear(env, txn, write);
    }
    return MDB_INCOMPATIBLE;
}
