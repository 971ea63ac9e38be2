/* serve/change.h - reload and unload: replace, or take away, what an entry of the catalog offers.
 *
 *   LOADING (a thread of the pool) ── published ──► DRAINING ── last user gone ──► done
 *      └─ does not load: done                          └─ deadline: cancelled ──┘
 *
 * The new version is offered before the old one is closed, so no request finds none (S4). An unload
 * begins at DRAINING. A load cannot be interrupted; whoever asked for the change may leave, the
 * change goes on.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_SERVE_CHANGE_H
#define BHI_SERVE_CHANGE_H

#include "serve/answer.h"
#include "serve/http_state.h"

typedef struct bhi_change_request {
    bhi_catalog_entry *entry;
    bool is_unload;
    uint32_t drain_ms; /* leases of the old version that last longer are cancelled; 0: all */
    void (*done_cb)(void *arg, bhi_answer take_answer); /* once, never inside start */
    void *arg;
} bhi_change_request;

/* Copies the request. The listener may not stop before done_cb. False: *ret_refusal says why (409
 * while another change of the entry runs, or out of memory), and done_cb is not called. */
BH_MUST_USE bool bhi_change_start(bhi_http *http, const bhi_change_request *request,
                                  bhi_answer *ret_refusal);

/* The time for drains is over: what still runs on replaced versions is cancelled. */
void bhi_change_cancel_all(bhi_http *http);

#endif
