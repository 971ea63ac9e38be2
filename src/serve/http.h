/* serve/http.h - one worker's HTTP listener: a libmicrohttpd daemon driven from the worker's loop.
 *
 * libmicrohttpd keeps its own epoll descriptor; the loop watches that one descriptor and calls the
 * daemon when it is readable, when a timeout of its own is due, and when answers wait (the drive
 * task).
 *
 *   SERVING ── drain ──► DRAINING ── deadline or cancel ──► CANCELLING
 *                            └────── no exchange left ──────────┴──────► STOPPED
 *
 * S1  Every exchange that libmicrohttpd knows is on the list `exchanges`, once, until both
 *     libmicrohttpd and the invocation, reload or unload have let go of it.
 * S2  The daemon is stopped only while no invocation, reload or unload runs: a suspended connection
 *     may not be stopped.
 * S3  Bodies held for all exchanges of a worker stay below body_bytes_max.
 * S4  A request that finds its capsule's version replaced before the guest was entered begins again
 *     on the one that took its place, with what is left of its time: a reload refuses nobody.
 *
 * Threads: create and destroy while the worker's loop does not run; drain, cancel and sweep are
 * called from any thread; everything else is the worker's own.
 */
#ifndef BHI_SERVE_HTTP_H
#define BHI_SERVE_HTTP_H

#include <microhttpd.h>

#include "serve/catalog.h"
#include "serve/metrics.h"
#include "worker/worker.h"

typedef struct bhi_http bhi_http;

typedef struct bhi_http_limits {
    size_t payload_bytes_max; /* of one request                                            */
    size_t body_bytes_max;    /* of all requests that a worker holds                       */
    uint32_t connections_max; /* per worker; more wait in the kernel's queue               */
    uint32_t idle_timeout_s;  /* a connection that neither sends nor receives for this long */
    uint32_t drain_ms;        /* how long a drain waits before it cancels                  */
    uint32_t linger_ms;       /* how long unread bytes are swallowed after an early answer, and how
                                 long cancelled requests get to receive their answer */
} bhi_http_limits;

typedef struct bhi_http_options {
    bhi_worker *worker;
    uint32_t worker_index; /* in the metrics */
    int take_socket;       /* listening; closed by us */
    const bhi_catalog *catalog;
    bhi_metrics *metrics;
    bhi_http *const *peers; /* all listeners of the service, this one included; until destroy */
    uint32_t peers_count;
    bhi_http_limits limits;
    void (*stopped_cb)(void *arg); /* on the worker's thread, once, after the last handle closed */
    void *arg;
} bhi_http_options;

/* Fails with BH_E_NOMEM, BH_E_IO. */
BH_MUST_USE bh_status bhi_http_create(const bhi_http_options *options, bhi_http **ret_http,
                                      bh_error *reterr);
/* Takes NULL. Only after stopped_cb, or when the loop never ran. */
void bhi_http_destroy(bhi_http *http);

/* Stop accepting; let requests finish until drain_ms have passed, then cancel them; then
 * stopped_cb. A second call changes nothing. Any thread. */
void bhi_http_drain(bhi_http *http);
/* Cancel what a drain still waits for. Any thread. */
void bhi_http_cancel(bhi_http *http);
/* Cancel the invocations of versions that must end. Any thread; the listener may have stopped. */
void bhi_http_sweep(bhi_http *http);

#endif
