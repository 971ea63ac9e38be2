/* cli/sse.h - a stream of server-sent events, cut into events (WHATWG HTML, 9.2.6).
 *
 * Takes the stream in pieces of any size. What the daemon does not send is not read: lines end with
 * a line feed, and the fields are id, event and data.
 *
 * Threads: one.
 */
#ifndef BHI_CLI_SSE_H
#define BHI_CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

/* A message of 1 MiB, all of it escaped, fits. */
#define BHI_SSE_EVENT_BYTES_MAX ((size_t)16 << 20)

/* NUL-terminated, borrowed for the callback; "" when the event does not have it. */
typedef struct bhi_sse_event {
    const char *id, *event, *data;
    size_t data_len;
} bhi_sse_event;

/* False: read no further. */
typedef bool (*bhi_sse_event_cb)(void *arg, const bhi_sse_event *event);

/* Zeroed, with event_cb and arg set. */
typedef struct bhi_sse {
    bhi_sse_event_cb event_cb;
    void *arg;
    char *text; /* of the event that is not complete */
    size_t len, capacity;
} bhi_sse;

void bhi_sse_deinit(bhi_sse *sse);

/* False: event_cb said so, an event is longer than BHI_SSE_EVENT_BYTES_MAX, or memory is out. */
bool bhi_sse_read(bhi_sse *sse, const char *data, size_t len);

#endif
