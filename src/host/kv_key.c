/* host/kv_key.c - see kv_key.h.
 *
 * Nearly all keys are ASCII, for which every rule is a comparison of bytes; all ASCII text is in
 * normal form C. Other keys go through utf8proc, which refuses malformed UTF-8, and are compared
 * with their own normal form.
 */
#include "host/kv_key.h"

#include <utf8proc.h>

/* No code point has a canonical decomposition of more than four code points. */
#define DECOMPOSED_MAX ((size_t)BHI_KV_KEY_BYTES_MAX * 4)

static bool is_control(utf8proc_int32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

static bool is_plain_ascii(bhi_bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] >= 0x80 || is_control(key.data[i]))
            return false;
    }
    return true;
}

static bool is_normal_text(bhi_bytes key)
{
    utf8proc_int32_t buffer[DECOMPOSED_MAX + 1]; /* reencode ends its text with a NUL */
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_ssize_t count = utf8proc_decompose(key.data, (utf8proc_ssize_t)key.len, buffer,
                                                (utf8proc_ssize_t)DECOMPOSED_MAX, options);
    if (count < 0 || (size_t)count > DECOMPOSED_MAX)
        return false;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        if (is_control(buffer[i]))
            return false;
    }
    utf8proc_ssize_t len = utf8proc_reencode(buffer, count, options);
    return len >= 0 && bhi_bytes_equal(key, (bhi_bytes){(const uint8_t *)buffer, (size_t)len});
}

bool bhi_kv_key_is_valid(bhi_bytes key)
{
    if (key.len == 0 || key.len > BHI_KV_KEY_BYTES_MAX)
        return false;
    return is_plain_ascii(key) || is_normal_text(key);
}

static bool has_nul(bhi_bytes bytes)
{
    return bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL;
}

bool bhi_kv_prefix_is_valid(bhi_bytes prefix)
{
    return !has_nul(prefix);
}

static bool is_name(bhi_bytes name, size_t len_max)
{
    return name.len > 0 && name.len <= len_max && !has_nul(name);
}

static void append(bhi_kv_place *place, bhi_bytes bytes)
{
    if (bytes.len > 0)
        memcpy(place->bytes + place->len, bytes.data, bytes.len);
    place->len += bytes.len;
}

bool bhi_kv_place_init(bhi_kv_place *place, const bhi_kv_scope *scope, bhi_bytes tail)
{
    if (!is_name(scope->principal, BHI_KV_PRINCIPAL_BYTES_MAX) ||
        !is_name(scope->capsule, BHI_KV_CAPSULE_BYTES_MAX))
        return false;
    bhi_bytes nul = {(const uint8_t *)"", 1};
    if (tail.len > BHI_KV_TAIL_BYTES_MAX)
        tail.len = BHI_KV_TAIL_BYTES_MAX;
    place->len = 0;
    append(place, scope->principal);
    append(place, nul);
    append(place, scope->capsule);
    append(place, nul);
    place->namespace_len = place->len;
    append(place, tail);
    return true;
}

bool bhi_kv_place_begins_with(bhi_bytes place, const bhi_kv_place *prefix)
{
    return place.len >= prefix->len && memcmp(place.data, prefix->bytes, prefix->len) == 0;
}
