/* abi/utf8.c - UTF-8 validation.
 *
 * Most text is ASCII, so runs of it are skipped 32 bytes, then 8 bytes, at a time. A sequence is
 * decided by its first byte, which fixes its length and the range of the second byte (the table of
 * well-formed sequences); all later bytes are plain continuations.
 */
#include "abi/utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 32) {
        uint64_t word = word_at(at) | word_at(at + 8) | word_at(at + 16) | word_at(at + 24);
        if ((word & HIGH_BITS) != 0)
            break;
        at += 32;
    }
    while (end - at >= 8 && (word_at(at) & HIGH_BITS) == 0)
        at += 8;
    while (at < end && *at < 0x80)
        at++;
    return at;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static bool is_second_byte(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xE0: /* else overlong */
        return second >= 0xA0 && second <= 0xBF;
    case 0xED: /* else a surrogate */
        return second >= 0x80 && second <= 0x9F;
    case 0xF0: /* else overlong */
        return second >= 0x90 && second <= 0xBF;
    case 0xF4: /* else above U+10FFFF */
        return second >= 0x80 && second <= 0x8F;
    default:
        return is_continuation(second);
    }
}

/* The length of the sequence at `at`, which begins with a byte of 0x80 or more; 0: ill-formed. */
static size_t sequence_len(const uint8_t *at, const uint8_t *end)
{
    size_t len = at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    if (len == 0 || (size_t)(end - at) < len || !is_second_byte(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return len;
}

bool bhi_utf8_is_valid(bhi_bytes bytes)
{
    if (bytes.len == 0)
        return true;
    const uint8_t *at = bytes.data;
    const uint8_t *end = at + bytes.len;
    while ((at = skip_ascii(at, end)) < end) {
        /* Text that is not ASCII stays so for a while: no word-wise look between sequences. */
        while (at < end && *at >= 0x80) {
            size_t len = sequence_len(at, end);
            if (len == 0)
                return false;
            at += len;
        }
    }
    return true;
}
