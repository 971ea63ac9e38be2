/* host/kv_write.h - one write: what it asks, where it is queued, and its effect in a transaction.
 */
#ifndef BHI_HOST_KV_WRITE_H
#define BHI_HOST_KV_WRITE_H

#include "host/kv_env.h"
#include "host/kv_key.h"

struct bhi_kv_write {
    bhi_kv_write_kind kind;
    bool has_expected;
    bhi_bytes value; /* in the payload, as is `expected` */
    bhi_bytes expected;
    size_t bytes; /* of this struct with its payload */
    bhi_kv_done_cb done_cb;
    void *arg;
    uint64_t ticket;
    bhi_link link;        /* on the queue or the batch, under the store's lock */
    bool is_abandoned;    /* under the store's lock */
    bhi_kv_answer answer; /* of the writer thread */
    bhi_kv_place place;
    uint8_t payload[];
};

/* Do the write inside `txn` and set its answer. Other than 0: the transaction is spoilt and must be
 * aborted; the answer is not set. */
BH_MUST_USE int bhi_kv_apply(const bhi_kv_env *env, MDB_txn *txn, uint64_t namespace_bytes_max,
                             bhi_kv_write *write);

#endif
