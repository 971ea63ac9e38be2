/* abi/generated/kv.h - the types and host functions of astrid:kv/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_KV_H
#define BHI_ABI_GENERATED_KV_H

#include "abi/generated/types.h"

/* Why a store call failed. */
typedef enum bhi_kv_error_code_tag {
    BHI_KV_ERROR_CODE_INVALID_KEY,
    BHI_KV_ERROR_CODE_TOO_LARGE,
    BHI_KV_ERROR_CODE_QUOTA,
    BHI_KV_ERROR_CODE_CAS_MISMATCH,
    BHI_KV_ERROR_CODE_UNKNOWN,
} bhi_kv_error_code_tag;

typedef struct bhi_kv_error_code {
    bhi_kv_error_code_tag tag;
    bhi_bytes unknown;
} bhi_kv_error_code;

/* Some keys, and the cursor to go on from when there are more. */
typedef struct bhi_kv_key_page {
    bhi_text_list keys;
    bool has_next_cursor;
    bhi_bytes next_cursor;
} bhi_kv_key_page;

typedef struct bhi_kv_bytes_option_result {
    bool is_ok;
    union {
        bhi_bytes_option ok;
        bhi_kv_error_code error;
    };
} bhi_kv_bytes_option_result;

typedef struct bhi_kv_unit_result {
    bool is_ok;
    bhi_kv_error_code error;
} bhi_kv_unit_result;

typedef struct bhi_kv_text_list_result {
    bool is_ok;
    union {
        bhi_text_list ok;
        bhi_kv_error_code error;
    };
} bhi_kv_text_list_result;

typedef struct bhi_kv_key_page_result {
    bool is_ok;
    union {
        bhi_kv_key_page ok;
        bhi_kv_error_code error;
    };
} bhi_kv_key_page_result;

typedef struct bhi_kv_u64_result {
    bool is_ok;
    union {
        uint64_t ok;
        bhi_kv_error_code error;
    };
} bhi_kv_u64_result;

/* A durable map of the capsule, one per principal. */
typedef struct bhi_kv_host {
    /* The value of a key; `none` when it has none. */
    bool (*kv_get)(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret);
    /* Set a value of at most 1 MiB; durable when the call returns. */
    bool (*kv_set)(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret);
    /* Remove a key; a missing one is no failure. */
    bool (*kv_delete)(bhi_guest *guest, bhi_bytes key, bhi_kv_unit_result *ret);
    /* All keys that begin with `prefix`; more than 1024 is `too-large`. */
    bool (*kv_list_keys)(bhi_guest *guest, bhi_bytes prefix, bhi_kv_text_list_result *ret);
    /* The next `limit` keys after `cursor`; 0 asks for 1024. */
    bool (*kv_list_keys_page)(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                              uint32_t limit, bhi_kv_key_page_result *ret);
    /* Remove all keys that begin with `prefix`; answers how many. */
    bool (*kv_clear_prefix)(bhi_guest *guest, bhi_bytes prefix, bhi_kv_u64_result *ret);
    /* Set a value only if the present one is `expected`; `none` expects no value. */
    bool (*kv_cas)(bhi_guest *guest, bhi_bytes key, bhi_bytes_option expected, bhi_bytes new,
                   bhi_kv_unit_result *ret);
} bhi_kv_host;

#endif
