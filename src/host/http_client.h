/* host/http_client.h - HTTP/1.1 transfers of one worker, over connections that are kept.
 *
 * Knows no guest and no rules: whoever starts a transfer says in callbacks which peers may be
 * connected to, and takes the response as it comes. No redirect is followed, nothing is stored
 * (cookies, HSTS), nothing is decompressed, no proxy and no environment variable is heeded; TLS
 * certificates are verified.
 *
 * C1  done comes exactly once for each started transfer that was not cancelled, from the loop or
 *     from the client's end; never inside a call of the client. The transfer is gone by then.
 * C2  After cancel no callback comes. It may be called from any callback.
 * C3  may_connect is asked of every peer that bytes are sent to, also of a kept connection.
 * C4  A connection serves one owner only.
 * C5  BHI_HTTP_CONNECTIONS_KEPT_MAX connections are kept beside those of transfers, whoever's they
 *     are. Beyond that an owner without a transfer loses its own, and one with a transfer keeps
 *     a single one.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_CLIENT_H
#define BHI_HOST_HTTP_CLIENT_H

#include <curl/curl.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "host/http_url.h"
#include "worker/worker.h"

typedef struct bhi_http_client bhi_http_client;
typedef struct bhi_http_transfer bhi_http_transfer;

enum {
    BHI_HTTP_TRANSFERS_MAX = 4096,      /* of one worker, at once */
    BHI_HTTP_CONNECTIONS_KEPT_MAX = 256 /* of one worker, idle */
};

/* One per worker: bhi_worker_service(worker, &bhi_http_client_kind, ...). */
extern const bhi_service_kind bhi_http_client_kind;

typedef enum bhi_http_failure {
    BHI_HTTP_DONE,    /* the whole response has come */
    BHI_HTTP_STOPPED, /* a callback said so */
    BHI_HTTP_DNS_FAILED,
    BHI_HTTP_PEER_REFUSED, /* may_connect refused every address */
    BHI_HTTP_TLS_FAILED,
    BHI_HTTP_TIMED_OUT, /* no connection within connect_ms_max */
    BHI_HTTP_CONNECTION_FAILED,
    BHI_HTTP_MALFORMED, /* no HTTP response */
    BHI_HTTP_TRUNCATED, /* the response ended too early */
    BHI_HTTP_NO_MEMORY,
    BHI_HTTP_CLOSED /* the client is closed */
} bhi_http_failure;

typedef enum bhi_http_taken {
    BHI_HTTP_TAKE_MORE,
    BHI_HTTP_TAKE_LATER, /* nothing was taken; no more until bhi_http_transfer_resume */
    BHI_HTTP_TAKE_NONE   /* end the transfer: BHI_HTTP_STOPPED */
} bhi_http_taken;

typedef struct bhi_http_transfer_ops {
    bool (*may_connect)(void *arg, const struct sockaddr *peer);
    bool (*line)(void *arg, bhi_bytes line); /* of a head or trailer; false: STOPPED */
    bhi_http_taken (*body)(void *arg, bhi_bytes bytes);
    void (*done)(void *arg, bhi_http_failure failure);
} bhi_http_transfer_ops;

/* All but the owner's and the method's text is borrowed until done or cancel. */
typedef struct bhi_http_transfer_spec {
    bhi_bytes owner; /* connections are kept and reused within (http_owners.h) */
    CURLU *url;
    const char *method;
    struct curl_slist *headers;
    bhi_bytes body;
    bool has_body; /* send Content-Length even if it is 0 */
    uint32_t connect_ms_max;
    const bhi_http_transfer_ops *ops;
    void *arg;
} bhi_http_transfer_spec;

/* Fails with BH_E_LIMIT (BHI_HTTP_TRANSFERS_MAX), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_http_transfer_start(bhi_http_client *client,
                                              const bhi_http_transfer_spec *spec,
                                              bhi_http_transfer **ret_transfer, bh_error *reterr);
void bhi_http_transfer_cancel(bhi_http_transfer *transfer);
/* After BHI_HTTP_TAKE_LATER; body may be called before it returns. */
void bhi_http_transfer_resume(bhi_http_transfer *transfer);

/* What tests replace. */
typedef struct bhi_http_seams {
    struct curl_slist *(*resolve)(void *arg); /* "HOST:PORT:ADDRESS" for each new transfer */
    void *arg;
    bool (*is_public)(const struct sockaddr *address);
    const char *ca_file; /* instead of the system's certificates; NULL: those */
    uint32_t request_ms_max, connect_ms_max, head_ms_max, chunk_ms_max;
    uint32_t lookup_ms_max; /* how long a lookup may run that nobody waits for */
} bhi_http_seams;
bhi_http_seams *bhi_http_client_seams(bhi_http_client *client);

/* As bhi_http_url_parse; those that were asked for lately are known. */
bhi_http_url_verdict bhi_http_client_parse_url(bhi_http_client *client, bhi_bytes text,
                                               bhi_http_url *ret_url);

typedef struct bhi_http_client_stats {
    uint64_t connections_opened;
    uint32_t transfers_running;
} bhi_http_client_stats;
void bhi_http_client_read_stats(const bhi_http_client *client, bhi_http_client_stats *ret_stats);

#endif
