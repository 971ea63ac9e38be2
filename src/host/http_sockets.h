/* host/http_sockets.h - which descriptors libcurl waits for, on one epoll descriptor of our own.
 *
 * The loop watches that one descriptor. libcurl stops and starts waiting for a connection with
 * every request; here a connection that it stopped waiting for stays registered until something
 * arrives or it is closed, so that a request on a kept connection costs no epoll_ctl.
 *
 * H-S1  Only descriptors that were announced by `opened` stay registered: we learn when they close.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_SOCKETS_H
#define BHI_HOST_HTTP_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct bhi_http_socket bhi_http_socket;

typedef struct bhi_http_sockets {
    int epoll;
    bhi_http_socket *items; /* by descriptor */
    size_t count;
    uint32_t open_count; /* ours */
} bhi_http_sockets;

typedef struct bhi_http_event {
    int descriptor;
    uint32_t events; /* EPOLLIN, ... */
} bhi_http_event;

enum { BHI_HTTP_EVENTS_MAX = 64 };

/* Fails with BH_E_IO. */
BH_MUST_USE bh_status bhi_http_sockets_init(bhi_http_sockets *sockets, bh_error *reterr);
/* Descriptors that are still open stay so. */
void bhi_http_sockets_deinit(bhi_http_sockets *sockets);

/* Wait for `events` of a descriptor from now on; 0: for nothing. False: no memory, or the kernel
 * refused. */
BH_MUST_USE bool bhi_http_sockets_watch(bhi_http_sockets *sockets, int descriptor, uint32_t events);

/* We opened it, and shall hear `closing` before it is closed. False: no memory. */
BH_MUST_USE bool bhi_http_sockets_opened(bhi_http_sockets *sockets, int descriptor);
void bhi_http_sockets_closing(bhi_http_sockets *sockets, int descriptor);

/* What happened, without waiting: at most BHI_HTTP_EVENTS_MAX events. */
size_t bhi_http_sockets_poll(bhi_http_sockets *sockets, bhi_http_event *ret_events);

#endif
