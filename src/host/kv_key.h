/* host/kv_key.h - which keys the contract allows, and where a pair lives in the database.
 *
 * A place is `principal NUL capsule NUL key`. Neither name contains a NUL, so no two scopes share a
 * place, and all places of one scope are neighbours in byte order.
 */
#ifndef BHI_HOST_KV_KEY_H
#define BHI_HOST_KV_KEY_H

#include "host/kv_store.h"

/* One byte more than a key can have, so that a cursor or prefix longer than every key still sorts
 * where it should after being cut. LMDB takes keys of up to 511 bytes. */
#define BHI_KV_TAIL_BYTES_MAX (BHI_KV_KEY_BYTES_MAX + 1)
#define BHI_KV_PLACE_BYTES_MAX                                                                     \
    (BHI_KV_PRINCIPAL_BYTES_MAX + 1 + BHI_KV_CAPSULE_BYTES_MAX + 1 + BHI_KV_TAIL_BYTES_MAX)

typedef struct bhi_kv_place {
    size_t namespace_len; /* up to and with the second NUL */
    size_t len;
    uint8_t bytes[BHI_KV_PLACE_BYTES_MAX];
} bhi_kv_place;

/* 1 to 256 bytes of UTF-8 in normal form C without NUL and without control characters (C0, DEL,
 * C1). */
bool bhi_kv_key_is_valid(bhi_bytes key);

/* Prefixes are literal bytes; only a NUL is refused. */
bool bhi_kv_prefix_is_valid(bhi_bytes prefix);

/* The place of `tail`, a key, prefix or cursor, cut after BHI_KV_TAIL_BYTES_MAX bytes. False when
 * the scope breaks its rules. */
BH_MUST_USE bool bhi_kv_place_init(bhi_kv_place *place, const bhi_kv_scope *scope, bhi_bytes tail);

bool bhi_kv_place_begins_with(bhi_bytes place, const bhi_kv_place *prefix);

#endif
