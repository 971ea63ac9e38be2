/* host/http_body.c - see the header. What is unread moves to the front when the end is reached, and
 * the memory doubles only when more than half of it is unread: so each byte moves a bounded number
 * of times. */
#include "host/http_body.h"

#include <stdlib.h>

static bool make_room(bhi_http_body *body, size_t size)
{
    if (body->capacity - body->first - body->len >= size)
        return true;
    if (2 * (body->len + size) > body->capacity) {
        size_t capacity = body->capacity == 0 ? 4096 : body->capacity;
        while (capacity < 2 * (body->len + size))
            capacity *= 2;
        uint8_t *bytes = realloc(body->bytes, capacity);
        if (bytes == NULL)
            return false;
        body->bytes = bytes;
        body->capacity = capacity;
    }
    memmove(body->bytes, body->bytes + body->first, body->len);
    body->first = 0;
    return true;
}

bool bhi_http_body_add(bhi_http_body *body, bhi_bytes bytes)
{
    if (bytes.len == 0)
        return true;
    if (!make_room(body, bytes.len))
        return false;
    memcpy(body->bytes + body->first + body->len, bytes.data, bytes.len);
    body->len += bytes.len;
    return true;
}

void bhi_http_body_take(bhi_http_body *body, uint8_t *to, size_t size)
{
    if (to != NULL && size > 0)
        memcpy(to, body->bytes + body->first, size);
    body->first += size;
    body->len -= size;
    if (body->len == 0)
        body->first = 0;
}

void bhi_http_body_deinit(bhi_http_body *body)
{
    free(body->bytes);
    *body = (bhi_http_body){0};
}
