/* kv.c - the wrappers of astrid:kv/host. */
#include "call.h"

typedef struct core_key_page {
    capsule_list keys;
    core_option next_cursor;
} core_key_page;
AT(core_key_page, next_cursor, 8);

/* Every result<_, error-code> whose payload aligns to 4. */
typedef struct kv_result {
    uint8_t is_error;
    union {
        core_error error;
        core_option option;
        core_key_page page;
        capsule_list list;
    } as;
} kv_result;
AT(kv_result, as, 4);
AT(kv_result, as.error.text, 8);
_Static_assert(sizeof(kv_result) == 24, "the largest is result<key-page, error-code>");

#define KV(function) IMPORT("kv/host", function)

KV("kv-get") void kv_get(const uint8_t *key, size_t key_len, kv_result *ret);
KV("kv-set")
void kv_set(const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len,
            kv_result *ret);
KV("kv-delete") void kv_delete(const uint8_t *key, size_t key_len, kv_result *ret);
KV("kv-list-keys") void kv_list_keys(const uint8_t *prefix, size_t prefix_len, kv_result *ret);
KV("kv-list-keys-page")
void kv_list_keys_page(const uint8_t *prefix, size_t prefix_len, uint32_t has_cursor,
                       const uint8_t *cursor, size_t cursor_len, uint32_t limit, kv_result *ret);
KV("kv-clear-prefix")
void kv_clear_prefix(const uint8_t *prefix, size_t prefix_len, core_result_u64 *ret);
KV("kv-cas")
void kv_cas(const uint8_t *key, size_t key_len, uint32_t has_expected, const uint8_t *expected,
            size_t expected_len, const uint8_t *value, size_t value_len, kv_result *ret);

static capsule_kv_status kv_status(const kv_result *result)
{
    return result->is_error
               ? (capsule_kv_status)capsule_call_failure(&result->as.error, CAPSULE_KV_UNKNOWN)
               : CAPSULE_KV_OK;
}

capsule_kv_status capsule_kv_get(capsule_bytes key, capsule_option *ret_value)
{
    kv_result result;
    kv_get(key.data, key.len, &result);
    if (!result.is_error)
        *ret_value = capsule_call_option(&result.as.option);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_set(capsule_bytes key, capsule_bytes value)
{
    kv_result result;
    kv_set(key.data, key.len, value.data, value.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_delete(capsule_bytes key)
{
    kv_result result;
    kv_delete(key.data, key.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_cas(capsule_bytes key, capsule_option expected, capsule_bytes value)
{
    kv_result result;
    kv_cas(key.data, key.len, expected.is_some, expected.value.data, expected.value.len, value.data,
           value.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_list_keys(capsule_bytes prefix, capsule_list *ret_keys)
{
    kv_result result;
    kv_list_keys(prefix.data, prefix.len, &result);
    if (!result.is_error)
        *ret_keys = result.as.list;
    return kv_status(&result);
}

capsule_kv_status capsule_kv_list_keys_page(capsule_bytes prefix, capsule_option cursor,
                                            uint32_t limit, capsule_key_page *ret_page)
{
    kv_result result;
    kv_list_keys_page(prefix.data, prefix.len, cursor.is_some, cursor.value.data, cursor.value.len,
                      limit, &result);
    const core_key_page *page = &result.as.page;
    if (!result.is_error)
        *ret_page = (capsule_key_page){page->keys, capsule_call_option(&page->next_cursor)};
    return kv_status(&result);
}

capsule_kv_status capsule_kv_clear_prefix(capsule_bytes prefix, uint64_t *ret_count)
{
    core_result_u64 result;
    kv_clear_prefix(prefix.data, prefix.len, &result);
    if (result.is_error)
        return (capsule_kv_status)capsule_call_failure(&result.as.error, CAPSULE_KV_UNKNOWN);
    *ret_count = result.as.value;
    return CAPSULE_KV_OK;
}

const char *capsule_kv_status_name(capsule_kv_status status)
{
    static const char *const names[] = {"ok",    "invalid-key",  "too-large",
                                        "quota", "cas-mismatch", "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
