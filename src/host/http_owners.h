/* host/http_owners.h - whose connections are whose.
 *
 * A kept connection may hold bytes that nobody expects: a response that came twice, a body that
 * should not have been sent. Whoever uses it next would take them for an answer. So connections are
 * reused by their owner only, who can at most deceive itself. libcurl keeps the connections of one
 * owner in a share handle of its own.
 *
 * O-H1  Two owners never use the same connection.
 * O-H2  At most BHI_HTTP_OWNERS_MAX owners are kept that have no transfer; the one used least
 *       recently goes first, with its connections. It may go earlier, when there are too many
 *       connections.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_OWNERS_H
#define BHI_HOST_HTTP_OWNERS_H

#include <curl/curl.h>

#include "base/bytes.h"
#include "base/list.h"

enum { BHI_HTTP_OWNERS_MAX = 64 };

typedef struct bhi_http_owner {
    bhi_link link;
    CURLSH *connections;
    uint32_t transfers_count;
    size_t len;
    uint8_t name[];
} bhi_http_owner;

typedef struct bhi_http_owners {
    bhi_link all; /* the one used last is first */
    uint32_t count;
} bhi_http_owners;

void bhi_http_owners_init(bhi_http_owners *owners);
/* No transfer runs any more. */
void bhi_http_owners_deinit(bhi_http_owners *owners);

/* For one transfer, until leave. NULL: no memory. */
bhi_http_owner *bhi_http_owners_enter(bhi_http_owners *owners, bhi_bytes name);
void bhi_http_owners_leave(bhi_http_owners *owners, bhi_http_owner *owner);
/* Closes the connections of the owner without a transfer that was used least recently. False: each
 * has one. */
bool bhi_http_owners_drop_oldest(bhi_http_owners *owners);

#endif
