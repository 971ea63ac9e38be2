/* serve/event_stream.h - GET /v1/events: messages as server-sent events (WHATWG HTML, 9.2).
 *
 *   id: SEQUENCE
 *   event: message
 *   data: {"topic": ..., "payload": ..., "principal": ..., "attribution": ..., "source": ...}
 *
 * A client that reads too slowly loses messages and is told by "event: lost" with their number. A
 * stream ends when its client leaves or the service drains.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_SERVE_EVENT_STREAM_H
#define BHI_SERVE_EVENT_STREAM_H

#include "serve/answer.h"
#include "serve/http_state.h"

enum { BHI_EVENT_STREAMS_MAX = 256 }; /* of one worker */

typedef struct bhi_event_stream_request {
    const char *topic;     /* a pattern; what is none is refused                     */
    const char *principal; /* its messages and the host's; NULL: everybody's        */
    struct MHD_Connection *connection;
} bhi_event_stream_request;

/* The answer to queue: the stream, or a refusal. */
bhi_answer bhi_event_stream_open(bhi_http *http, const bhi_event_stream_request *request);

/* The service drains: every stream ends. */
void bhi_event_stream_end_all(bhi_http *http);

#endif
