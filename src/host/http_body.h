/* host/http_body.h - bytes that have arrived and were not read yet: a queue in one piece. */
#ifndef BHI_HOST_HTTP_BODY_H
#define BHI_HOST_HTTP_BODY_H

#include "base/bytes.h"

typedef struct bhi_http_body {
    uint8_t *bytes;
    size_t first; /* where the unread ones begin */
    size_t len;   /* how many they are */
    size_t capacity;
} bhi_http_body;

/* False: no memory, nothing was added. */
bool bhi_http_body_add(bhi_http_body *body, bhi_bytes bytes);
/* `size` is at most len; `to` NULL discards them. */
void bhi_http_body_take(bhi_http_body *body, uint8_t *to, size_t size);
void bhi_http_body_deinit(bhi_http_body *body);

#endif
