/* host/http_head.c - see the header.
 *
 * libcurl hands over each line as it came. It has checked little, so this is strict: a header is
 * NAME ":" VALUE with a token for a name and no control characters in the value; continuation lines
 * are refused, as the standard asks of clients.
 */
#include "host/http_head.h"

#include "host/http_rules.h"

void bhi_http_head_begin(bhi_http_head *head, bhi_arena *arena)
{
    *head = (bhi_http_head){.arena = arena};
}

static bhi_bytes trimmed(bhi_bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (bhi_bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bhi_bytes without_line_end(bhi_bytes line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* "HTTP/1.1 200 OK": three digits after the first space. */
static bhi_http_line read_status(bhi_http_head *head, bhi_bytes line)
{
    size_t at = 0;
    while (at < line.len && line.data[at] != ' ')
        at++;
    if (line.len - at < 4)
        return BHI_HTTP_LINE_MALFORMED;
    unsigned status = 0;
    for (size_t i = 1; i <= 3; i++) {
        uint8_t digit = line.data[at + i];
        if (digit < '0' || digit > '9')
            return BHI_HTTP_LINE_MALFORMED;
        status = 10 * status + (digit - '0');
    }
    if (status < 100 || status == 101) /* nobody asked for another protocol */
        return BHI_HTTP_LINE_MALFORMED;
    head->status = (uint16_t)status;
    return BHI_HTTP_LINE_TAKEN;
}

static bool grow(bhi_http_head *head)
{
    uint32_t capacity = head->capacity == 0 ? 16 : 2 * head->capacity;
    bhi_http_key_value_pair *headers = bhi_arena_alloc(head->arena, capacity * sizeof *headers);
    if (headers == NULL)
        return false;
    if (head->count > 0)
        memcpy(headers, head->headers, head->count * sizeof *headers);
    head->headers = headers;
    head->capacity = capacity;
    return true;
}

static bool decode_latin1(bhi_arena *arena, bhi_bytes value, bhi_bytes *ret)
{
    uint8_t *to = bhi_arena_alloc(arena, 2 * value.len + 1);
    if (to == NULL)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c >= 0x80)
            to[len++] = (uint8_t)(0xc0 | c >> 6);
        to[len++] = c >= 0x80 ? (0x80 | (c & 0x3f)) : c;
    }
    *ret = (bhi_bytes){to, len};
    return true;
}

static bool lower_case(bhi_arena *arena, bhi_bytes name, bhi_bytes *ret)
{
    uint8_t *to = bhi_arena_alloc(arena, name.len);
    if (to == NULL)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        to[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }
    *ret = (bhi_bytes){to, name.len};
    return true;
}

static bool is_value(bhi_bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    return true;
}

static bhi_http_line add_header(bhi_http_head *head, bhi_bytes line)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (colon == NULL)
        return BHI_HTTP_LINE_MALFORMED;
    bhi_bytes name = {line.data, (size_t)(colon - line.data)};
    bhi_bytes value = trimmed((bhi_bytes){colon + 1, line.len - name.len - 1});
    if (!bhi_http_is_token(name) || !is_value(value))
        return BHI_HTTP_LINE_MALFORMED;
    if (head->count == BHI_HTTP_RESPONSE_HEADERS_MAX)
        return BHI_HTTP_LINE_TOO_LARGE;
    if (head->count == head->capacity && !grow(head))
        return BHI_HTTP_LINE_NO_MEMORY;
    bhi_http_key_value_pair *header = &head->headers[head->count];
    if (!lower_case(head->arena, name, &header->key) ||
        !decode_latin1(head->arena, value, &header->value))
        return BHI_HTTP_LINE_NO_MEMORY;
    head->count++;
    return BHI_HTTP_LINE_TAKEN;
}

/* An interim head makes way for the next one. */
static bhi_http_line end_head(bhi_http_head *head)
{
    bool is_interim = head->status < 200;
    if (head->status == 0)
        return BHI_HTTP_LINE_MALFORMED;
    if (!is_interim) {
        head->is_complete = true;
        return BHI_HTTP_LINE_LAST;
    }
    head->count = 0;
    head->status = 0;
    return BHI_HTTP_LINE_TAKEN;
}

bhi_http_line bhi_http_head_add(bhi_http_head *head, bhi_bytes line)
{
    if (line.len > BHI_HTTP_RESPONSE_HEAD_BYTES_MAX - head->bytes)
        return BHI_HTTP_LINE_TOO_LARGE;
    head->bytes += (uint32_t)line.len;
    if (head->is_complete)
        return BHI_HTTP_LINE_TAKEN; /* H-H2 */
    line = without_line_end(line);
    if (line.len == 0)
        return end_head(head);
    return head->status == 0 ? read_status(head, line) : add_header(head, line);
}

const bhi_bytes *bhi_http_head_find(const bhi_http_head *head, const char *name)
{
    for (uint32_t i = 0; i < head->count; i++)
        if (bhi_bytes_equal_text(head->headers[i].key, name))
            return &head->headers[i].value;
    return NULL;
}
