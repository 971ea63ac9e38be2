/* bulkhead/kv.h - the key-value store: one namespace per principal and capsule. Included by
 * capsule.h. */
#ifndef BULKHEAD_SDK_KV_H
#define BULKHEAD_SDK_KV_H

#include "capsule.h"

typedef enum capsule_kv_status {
    CAPSULE_KV_OK,
    CAPSULE_KV_INVALID_KEY, /* a key is 1 to 256 bytes of UTF-8 without control characters */
    CAPSULE_KV_TOO_LARGE,   /* a value over 1 MiB, more than 1024 keys to list at once */
    CAPSULE_KV_QUOTA,
    CAPSULE_KV_CAS_MISMATCH,
    CAPSULE_KV_UNKNOWN /* capsule_error_text says more */
} capsule_kv_status;

typedef struct capsule_key_page {
    capsule_list keys;
    capsule_option next_cursor; /* none on the last page */
} capsule_key_page;

/* None when the key does not exist; an empty value is some. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_get(capsule_bytes key, capsule_option *ret_value);
/* Durable when it returns. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_set(capsule_bytes key, capsule_bytes value);
/* A missing key is fine. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_delete(capsule_bytes key);
/* Write `value` if the key still holds `expected` (none: if it does not exist), else
 * CAPSULE_KV_CAS_MISMATCH. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_cas(capsule_bytes key, capsule_option expected,
                                                  capsule_bytes value);
/* The keys that begin with `prefix`; the empty prefix is every key. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_list_keys(capsule_bytes prefix,
                                                        capsule_list *ret_keys);
/* At most `limit` of them after `cursor` (none: from the start); 0 is the host's maximum. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_list_keys_page(capsule_bytes prefix,
                                                             capsule_option cursor, uint32_t limit,
                                                             capsule_key_page *ret_page);
/* Delete every key that begins with `prefix`. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_clear_prefix(capsule_bytes prefix,
                                                           uint64_t *ret_count);

/* "cas-mismatch"; static. */
const char *capsule_kv_status_name(capsule_kv_status status);

#endif
