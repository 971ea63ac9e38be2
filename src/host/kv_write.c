/* host/kv_write.c - checking and copying a write. See kv_store.h.
 *
 * A write owns copies of its bytes because the guest that asked for it may be gone, with its
 * memory, before the writer comes to it.
 */
#include "host/kv_write.h"

#include <stdlib.h>

static bool has_value(const bhi_kv_write_spec *spec)
{
    return spec->kind == BHI_KV_SET || spec->kind == BHI_KV_CAS;
}

static bool has_expected(const bhi_kv_write_spec *spec)
{
    return spec->kind == BHI_KV_CAS && spec->has_expected;
}

static bhi_kv_verdict check_spec(const bhi_kv_write_spec *spec)
{
    bool is_key_valid = spec->kind == BHI_KV_CLEAR_PREFIX ? bhi_kv_prefix_is_valid(spec->key)
                                                          : bhi_kv_key_is_valid(spec->key);
    if (!is_key_valid)
        return BHI_KV_INVALID_KEY;
    if (has_value(spec) && spec->value.len > BHI_KV_VALUE_BYTES_MAX)
        return BHI_KV_TOO_LARGE;
    if (has_expected(spec) && spec->expected.len > BHI_KV_VALUE_BYTES_MAX)
        return BHI_KV_CAS_MISMATCH;
    return BHI_KV_OK;
}

static bhi_bytes copy_to(uint8_t *place, bhi_bytes bytes)
{
    if (bytes.len > 0)
        memcpy(place, bytes.data, bytes.len);
    return (bhi_bytes){place, bytes.len};
}

bhi_kv_verdict bhi_kv_write_create(const bhi_kv_scope *scope, const bhi_kv_write_spec *spec,
                                   bhi_kv_write **ret_write)
{
    bhi_kv_verdict verdict = check_spec(spec);
    if (verdict != BHI_KV_OK)
        return verdict;
    bhi_bytes value = has_value(spec) ? spec->value : (bhi_bytes){NULL, 0};
    bhi_bytes expected = has_expected(spec) ? spec->expected : (bhi_bytes){NULL, 0};
    size_t bytes = sizeof(bhi_kv_write) + value.len + expected.len;
    bhi_kv_write *write = malloc(bytes);
    if (write == NULL)
        return BHI_KV_FAILED;
    memset(write, 0, sizeof *write);
    if (!bhi_kv_place_init(&write->place, scope, spec->key)) {
        free(write);
        return BHI_KV_FAILED;
    }
    write->kind = spec->kind;
    write->has_expected = has_expected(spec);
    write->value = copy_to(write->payload, value);
    write->expected = copy_to(write->payload + value.len, expected);
    write->bytes = bytes;
    bhi_link_init(&write->link);
    *ret_write = write;
    return BHI_KV_OK;
}

void bhi_kv_write_destroy(bhi_kv_write *write)
{
    free(write);
}
