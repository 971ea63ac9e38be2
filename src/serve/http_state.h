/* serve/http_state.h - the inside of a bhi_http, for the files that make it up: http.c drives the
 * daemon, drain.c ends it, exchange.c receives and answers requests, exchange_work.c does what they
 * ask for, change.c reloads and unloads, event_publish.c and event_stream.c speak with the bus,
 * hangup.c and linger.c watch sockets. */
#ifndef BHI_SERVE_HTTP_STATE_H
#define BHI_SERVE_HTTP_STATE_H

#include <stdatomic.h>

#include "serve/http.h"

typedef enum http_phase {
    HTTP_SERVING,
    HTTP_DRAINING,   /* no new connections, running requests may finish */
    HTTP_CANCELLING, /* running invocations are cancelled               */
    HTTP_STOPPED     /* the daemon is gone, handles are closing         */
} http_phase;

struct bhi_http {
    bhi_http_options options; /* set once */
    struct MHD_Daemon *daemon;
    int socket;        /* closed by us once the daemon was quiesced, else by the daemon */
    atomic_int wanted; /* http_phase that another thread asks for; release, read with acquire */
    bhi_task sweep;    /* posted by whoever wants versions to end */
    bhi_task control;  /* posted by other threads after they set `wanted` */
    bhi_task drive;    /* runs the daemon after what it started has run */
    uv_poll_t poll;    /* on the daemon's epoll descriptor */
    uv_timer_t timer;  /* the daemon's own timeouts */
    uv_timer_t drain_timer;
    uint32_t handles_open; /* uv handles whose close callback is still to come */
    http_phase phase;
    uint32_t turn;        /* counts calls of run_daemon; a turn may run the daemon twice */
    bool is_closing_now;  /* the time for polite ends is over */
    bool has_queued_late; /* an answer was queued outside the daemon's fast path */
    bhi_link exchanges;   /* every live exchange */
    bhi_link spares;      /* exchanges kept for the next request */
    bhi_link lingers;
    bhi_link changes; /* reloads and unloads that have not ended */
    bhi_link streams; /* of events */
    uint32_t streams_count;
    uint32_t spare_count;
    uint32_t running; /* invocations, reloads and unloads started and not done */
    uint32_t connections;
    size_t body_bytes; /* capacity of all bodies */
};

/* Run the daemon soon, after the tasks that are ready now. */
void bhi_http_schedule(bhi_http *http);

/* drain.c: look whether the end of a drain has come; never inside a callback of the daemon. */
void bhi_http_advance(bhi_http *http);
void bhi_http_stop(bhi_http *http); /* S2 holds, no callback of the daemon is running */
void bhi_http_init_control(bhi_http *http);

/* Close callbacks: of a handle that keeps the listener from ending, and of the listener's own. */
void bhi_http_handle_closed(bhi_http *http);
void bhi_http_own_handle_closed(uv_handle_t *handle);

#endif
