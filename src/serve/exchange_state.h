/* serve/exchange_state.h - the inside of an exchange, for the two files that make it up: exchange.c
 * talks with libmicrohttpd, exchange_work.c does what the request asks for. */
#ifndef BHI_SERVE_EXCHANGE_STATE_H
#define BHI_SERVE_EXCHANGE_STATE_H

#include "runtime/invocation.h"
#include "serve/answer.h"
#include "serve/event_publish.h"
#include "serve/exchange.h"
#include "serve/hangup.h"
#include "serve/path.h"

enum {
    BHI_EXCHANGE_PRINCIPAL_BYTES =
        72 /* more than the longest valid one (64), so that too long stays too long */
};

typedef enum exchange_phase {
    EXCHANGE_RECEIVING,
    EXCHANGE_STARTED,   /* the work runs, the daemon will ask again */
    EXCHANGE_SUSPENDED, /* the work runs, the daemon waits for a resume */
    EXCHANGE_DONE,      /* the work is done, the answer not queued */
    EXCHANGE_ANSWERED
} exchange_phase;

typedef struct bhi_exchange {
    bhi_link link; /* on exchanges or spares of the http */
    bhi_http *http;
    struct MHD_Connection *connection; /* NULL once the daemon let go */
    exchange_phase phase;
    bool wants_octets;
    bool is_refused;       /* `answer` is a refusal, to be queued once the body was read */
    bool must_linger;      /* answered before its body was read */
    uint32_t timeout_ms;   /* as the request says, 0 when it does not */
    bool no_wait;          /* refuse at once when no instance is to be had */
    uint32_t drain_ms;     /* of a reload or unload */
    uint32_t started_turn; /* of the http, when the work was started */
    uint64_t received_bytes;
    bhi_catalog_entry *entry; /* of an action, reload or unload */
    bhi_path path;
    bool has_principal;
    char principal[BHI_EXCHANGE_PRINCIPAL_BYTES];
    uint8_t *body;
    size_t body_len, body_capacity;
    bhi_answer answer; /* refusal or result, until queued */

    bhi_invocation *invocation; /* NULL unless one runs */
    bhi_version *version;       /* what it runs on; ours to release when it is done */
    uint64_t deadline_ns;       /* of the request, however often its invocation begins again */
    bool is_cancelled; /* by the client's leaving, a drain or a sweep: it does not begin again */
    bool is_swept;     /* cancelled for the sake of its version */
    bool is_changing;  /* a reload or unload runs */
    bhi_event_publish *publish; /* NULL unless a message's handlers are waited for */
    bhi_hangup *hangup;
} bhi_exchange;

/* exchange.c: queue `answer`; let go after both sides have. */
enum MHD_Result bhi_exchange_queue_answer(bhi_exchange *exchange);
void bhi_exchange_recycle(bhi_exchange *exchange);

/* exchange_work.c: start what the path asks for; the daemon asks again for the answer. */
enum MHD_Result bhi_exchange_start(bhi_exchange *exchange);
bool bhi_exchange_is_working(const bhi_exchange *exchange);
/* Cancel the invocation, if there is one. A reload or unload goes on. */
void bhi_exchange_cancel(bhi_exchange *exchange);
/* Take the connection out of the daemon's hands until the work is done. */
enum MHD_Result bhi_exchange_suspend(bhi_exchange *exchange);

#endif
