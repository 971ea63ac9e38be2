/* bytes.c - what runs of bytes need beyond memcmp. */
#include "bulkhead/bytes.h"

bool capsule_equal_secret(capsule_bytes a, capsule_bytes b)
{
    if (a.len != b.len)
        return false;
    /* volatile: the compiler may not leave the loop at the first difference */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference |= a.data[i] ^ b.data[i];
    return difference == 0;
}

bool capsule_parse_u64(capsule_bytes text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (text.len == 0)
        return false;
    *ret_value = value;
    return true;
}

/* The range of the second byte excludes overlong forms, surrogates and what is beyond U+10FFFF
 * (Unicode, table 3-7). */
static size_t sequence_length(uint8_t lead, uint8_t *ret_second_min, uint8_t *ret_second_max)
{
    *ret_second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *ret_second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t capsule_utf8_length(capsule_bytes text)
{
    if (text.len == 0)
        return 0;
    uint8_t second_min, second_max;
    size_t length = sequence_length(text.data[0], &second_min, &second_max);
    if (length > text.len)
        return 0;
    if (length > 1 && (text.data[1] < second_min || text.data[1] > second_max))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_ascii_word(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool capsule_is_utf8(capsule_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8 && is_ascii_word(text.data + at)) {
            at += 8;
            continue;
        }
        size_t length = capsule_utf8_length((capsule_bytes){text.data + at, text.len - at});
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}
