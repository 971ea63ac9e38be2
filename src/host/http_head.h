/* host/http_head.h - the head of a response, line by line: status and headers, bounded.
 *
 * Interim responses (1xx) are skipped, but what they cost counts. Names are in lower case; values
 * are Latin-1 on the wire and UTF-8 here. Everything is kept in the arena given.
 *
 * H-H1  After a line that was refused nothing of the head may be used.
 * H-H2  Lines that come after the head (trailers) are counted and dropped.
 */
#ifndef BHI_HOST_HTTP_HEAD_H
#define BHI_HOST_HTTP_HEAD_H

#include "abi/generated/http.h"
#include "base/arena.h"

enum {
    BHI_HTTP_RESPONSE_HEADERS_MAX = 256,
    BHI_HTTP_RESPONSE_HEAD_BYTES_MAX = 64 << 10, /* of one transfer, interim heads included */
};

typedef struct bhi_http_head {
    bhi_arena *arena;
    bhi_http_key_value_pair *headers;
    uint32_t count, capacity;
    uint32_t bytes;
    uint16_t status; /* 0: no status line yet */
    bool is_complete;
} bhi_http_head;

typedef enum bhi_http_line {
    BHI_HTTP_LINE_TAKEN,
    BHI_HTTP_LINE_LAST, /* the head is complete */
    BHI_HTTP_LINE_MALFORMED,
    BHI_HTTP_LINE_TOO_LARGE, /* one of the limits above */
    BHI_HTTP_LINE_NO_MEMORY
} bhi_http_line;

/* For a new transfer; memory of an earlier one stays the arena's. */
void bhi_http_head_begin(bhi_http_head *head, bhi_arena *arena);
/* A line with its line end. */
bhi_http_line bhi_http_head_add(bhi_http_head *head, bhi_bytes line);

/* The first header of that name (in lower case), or NULL. */
const bhi_bytes *bhi_http_head_find(const bhi_http_head *head, const char *name);

#endif
