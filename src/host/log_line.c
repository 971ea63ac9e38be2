/* host/log_line.c - see the header. */
#include "host/log_line.h"

#include <stdio.h>

#include "abi/utf8.h"

/* The character at `at` if it would break a line or steer a terminal: C0, DEL, C1 and the two
 * separators of Unicode; else -1. The text is UTF-8. */
static int control_at(bhi_bytes text, size_t at, size_t *ret_len)
{
    const uint8_t *c = text.data + at;
    size_t left = text.len - at;
    *ret_len = 1;
    if (c[0] < 0x20 || c[0] == 0x7f)
        return c[0];
    if (left >= 2 && c[0] == 0xc2 && c[1] < 0xa0) {
        *ret_len = 2;
        return c[1];
    }
    if (left >= 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)) {
        *ret_len = 3;
        return 0x2000 | (c[2] & 0x3f);
    }
    return -1;
}

static size_t write_escape(char *line, int control, bool is_byte)
{
    if (control == '\n' || control == '\t')
        return (size_t)sprintf(line, "\\%c", control == '\n' ? 'n' : 't');
    return (size_t)sprintf(line, is_byte ? "\\x%02x" : "\\u%04x", (unsigned)control);
}

static bhi_bytes cut(bhi_bytes message)
{
    bhi_bytes text = message;
    if (text.len > BHI_LOG_LINE_BYTES_MAX)
        text.len = BHI_LOG_LINE_BYTES_MAX;
    while (text.len < message.len && text.len > 0 && (message.data[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

bhi_bytes bhi_log_line(bhi_arena *arena, bhi_bytes message)
{
    bhi_bytes text = cut(message);
    bool is_utf8 = bhi_utf8_is_valid(text);
    char *line = bhi_arena_alloc(arena, text.len * 4 + 1);
    size_t used = 0, taken = 1;
    for (size_t i = 0; line != NULL && i < text.len; i += taken) {
        bool is_byte = text.data[i] < 0x80 || !is_utf8;
        bool is_foreign = is_byte && text.data[i] >= 0x80;
        int control = is_foreign ? text.data[i] : control_at(text, i, &taken);
        if (control >= 0)
            used += write_escape(line + used, control, is_byte);
        else
            line[used++] = (char)text.data[i];
    }
    return (bhi_bytes){(uint8_t *)line, used};
}
