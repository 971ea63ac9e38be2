/* host/http_exchange.h - one request of a guest and its answer, redirects included.
 *
 * Sends the request, follows redirects by hand so that each hop is checked as the first one was,
 * and tells its owner of the answer's body. The owner (http_request.c, http_stream.c) waits on the
 * waitable, which it gives a meaning with is_ready.
 *
 *   begin ─► WAITING ── head of the answer ─► ANSWERED ── end of the body ─► ENDED
 *               │  ▲                              │
 *               │  └── redirect                   │
 *               └────────────────► FAILED ◄───────┘
 *
 * X1  Every hop's host is granted, and every peer is public unless the host may be private.
 * X2  Credentials are sent to the origin they were meant for only.
 * X3  After cancel, or once ENDED or FAILED, no transfer runs.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_EXCHANGE_H
#define BHI_HOST_HTTP_EXCHANGE_H

#include "host/counters.h"
#include "host/http_client.h"
#include "host/http_head.h"
#include "host/http_rules.h"
#include "host/http_url.h"
#include "host/waitable.h"
#include "worker/timer.h"

enum {
    BHI_HTTP_REDIRECTS_MAX = 10,
    BHI_HTTP_REQUEST_MS_MAX = 30000,             /* http-request, from start to end */
    BHI_HTTP_CONNECT_MS_MAX = 30000,             /* each hop of http-stream-start */
    BHI_HTTP_HEAD_MS_MAX = 120000,               /* http-stream-start, all hops */
    BHI_HTTP_CHUNK_MS_MAX = 120000,              /* each read-chunk */
    BHI_HTTP_REDIRECT_BODY_BYTES_MAX = 64 << 10, /* read to keep the connection */
};

typedef enum bhi_http_state {
    BHI_HTTP_WAITING,
    BHI_HTTP_ANSWERED,
    BHI_HTTP_ENDED,
    BHI_HTTP_FAILED
} bhi_http_state;

typedef struct bhi_http_exchange bhi_http_exchange;

typedef struct bhi_http_exchange_ops {
    /* Bytes of the answer's body. To refuse them: bhi_http_exchange_refuse, and TAKE_NONE. */
    bhi_http_taken (*body)(bhi_http_exchange *exchange, bhi_bytes bytes);
    /* ENDED or FAILED; may be NULL. */
    void (*ended)(bhi_http_exchange *exchange);
} bhi_http_exchange_ops;

struct bhi_http_exchange {
    const bhi_http_exchange_ops *ops;
    bhi_waitable waitable; /* notified when the state changes */
    bhi_http_state state;
    bhi_http_error_code error; /* of FAILED */
    bhi_http_head head;        /* of the answer, from ANSWERED on */

    bool is_over_quota; /* the owner's: refuse it, once it is known to be allowed */
    bhi_http_client *client;
    bhi_arena *arena; /* the owner's: what is sent, and the answer's head */
    const bhi_grants *grants;
    bhi_host_counters *counters;
    bhi_bytes owner; /* capsule NUL principal, in the arena */
    bhi_timer *timer;
    bhi_http_transfer *transfer; /* NULL: none runs */
    bhi_http_url url;
    struct curl_slist *headers; /* in the arena */
    bhi_bytes body;
    bool has_body;
    char method[BHI_HTTP_METHOD_BYTES_MAX + 1];
    uint32_t redirects;
    uint32_t redirect_body_bytes;
    bool is_redirect;    /* what comes now is a redirect's answer */
    bool may_be_private; /* the present host */
    bool has_reason;     /* `error` says why the transfer is stopped */
};

/* Check the request, copy it into the arena, and send it; `exchange` is zeroed but for ops,
 * waitable.is_ready, arena and is_over_quota. False with *ret_error when it is refused; nothing
 * runs then, and there is nothing to cancel. */
BH_MUST_USE bool bhi_http_exchange_begin(bhi_http_exchange *exchange, bhi_guest *guest,
                                         const bhi_http_request_data *request,
                                         bhi_http_error_code *ret_error);
/* From now: FAILED with `timeout` after so long, unless stop_timer comes first. False: no memory.
 */
BH_MUST_USE bool bhi_http_exchange_start_timer(bhi_http_exchange *exchange, bhi_worker *worker,
                                               uint32_t ms_max);
void bhi_http_exchange_stop_timer(bhi_http_exchange *exchange);

/* In `body`: what the exchange fails with. */
void bhi_http_exchange_refuse(bhi_http_exchange *exchange, bhi_http_error_code error);
void bhi_http_exchange_resume(bhi_http_exchange *exchange);

/* Stop what runs and let go of everything; no callback comes any more. May be repeated. */
void bhi_http_exchange_cancel(bhi_http_exchange *exchange);

/* The limits that tests may shorten. */
static inline uint32_t bhi_http_limit_ms(uint32_t seam_ms, uint32_t ms_max)
{
    return seam_ms != 0 ? seam_ms : ms_max;
}

#endif
