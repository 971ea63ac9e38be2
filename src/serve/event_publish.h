/* serve/event_publish.h - POST /v1/events/{topic}: publish, and wait for the handlers when asked.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_SERVE_EVENT_PUBLISH_H
#define BHI_SERVE_EVENT_PUBLISH_H

#include <bulkhead/event.h>

#include "serve/answer.h"
#include "serve/http_state.h"

typedef struct bhi_event_publish bhi_event_publish;

typedef struct bhi_event_publish_request {
    bh_event event; /* borrowed for the call; timeout_ms bounds the waiting */
    bool must_wait;
    void (*done_cb)(void *arg, bhi_answer take_answer); /* once, never inside start */
    void *arg;
} bhi_event_publish_request;

/* NULL: it is done, and *ret_answer says how; done_cb is not called. Else the handlers run. */
bhi_event_publish *bhi_event_publish_start(bhi_http *http, const bhi_event_publish_request *request,
                                           bhi_answer *ret_answer);
/* Nobody waits any more: done_cb is called soon. The handlers go on. */
void bhi_event_publish_cancel(bhi_event_publish *publish);

#endif
