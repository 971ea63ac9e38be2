/* host/http_client_state.h - what http_client.c and http_transfer.c share; nobody else's. */
#ifndef BHI_HOST_HTTP_CLIENT_STATE_H
#define BHI_HOST_HTTP_CLIENT_STATE_H

#include "base/list.h"
#include "host/http_client.h"
#include "host/http_owners.h"
#include "host/http_recent_urls.h"
#include "host/http_sockets.h"

enum { BHI_HTTP_SPARES_MAX = 64 }; /* easy handles kept for reuse */

struct bhi_http_client {
    bhi_worker *worker;
    CURLM *multi;
    bhi_http_sockets sockets;
    uv_poll_t poll;   /* of the sockets' epoll descriptor; referenced while transfers run */
    uv_timer_t timer; /* libcurl's; the same */
    uv_idle_t look;   /* runs when libcurl wants to act at once, or something ended unseen */
    int handles_open;
    bool is_in_curl; /* its callbacks may run: no handle may be removed */
    bhi_link running, cancelled, ended, spares;
    uint32_t running_count; /* cancelled and ended ones too, until they are removed */
    uint32_t spares_count;
    bhi_http_owners owners;
    bhi_http_recent_urls recent_urls;
    uint64_t connections_opened;
    long kept_max; /* what libcurl was told to keep of each owner */
    bhi_http_seams seams;
};

struct bhi_http_transfer {
    bhi_link link; /* on one list of the client */
    bhi_http_client *client;
    CURL *easy;
    const bhi_http_transfer_ops *ops; /* NULL: cancelled */
    void *arg;
    CURLU *url;
    bhi_http_owner *owner;      /* NULL: none yet */
    struct curl_slist *resolve; /* of a test */
    uint32_t addresses_refused, addresses_tried;
    bool is_looking_up; /* a name, on a thread of libcurl's */
    bool is_connected;  /* a request is about to be sent or was */
    bool is_stopped;    /* a callback said so */
};

/* A spare one or a new one, set up; NULL: no memory. */
bhi_http_transfer *bhi_http_transfer_make(bhi_http_client *client,
                                          const bhi_http_transfer_spec *spec);
/* It is not with the multi handle any more. */
void bhi_http_transfer_recycle(bhi_http_transfer *transfer);
void bhi_http_transfer_destroy(bhi_http_transfer *transfer);
bhi_http_failure bhi_http_transfer_failure(const bhi_http_transfer *transfer, CURLcode code);

#endif
