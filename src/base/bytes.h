/* base/bytes.h - a borrowed run of bytes. Text is a run of bytes known to be UTF-8. */
#ifndef BHI_BASE_BYTES_H
#define BHI_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bhi_bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
} bhi_bytes;

#define BHI_BYTES_LITERAL(text) ((bhi_bytes){(const uint8_t *)(text), sizeof(text) - 1})

static inline bhi_bytes bhi_bytes_of(const char *text)
{
    return (bhi_bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool bhi_bytes_equal(bhi_bytes a, bhi_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bhi_bytes_equal_text(bhi_bytes a, const char *text)
{
    return bhi_bytes_equal(a, bhi_bytes_of(text));
}

/* Whether text[at] belongs to a control character: C0, DEL, or either byte of C1, which terminals
 * obey too. */
static inline bool bhi_is_control(const char *text, size_t len, size_t at)
{
    const unsigned char *c = (const unsigned char *)text + at;
    return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && at + 1 < len && c[1] < 0xa0) ||
           (c[0] >= 0x80 && c[0] < 0xa0 && at > 0 && c[-1] == 0xc2);
}

#endif
