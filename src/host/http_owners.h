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
 *       connections; it stays while lookups of it may still run.
 * O-H3  A lookup of a name that nobody waits for any more goes on, on a thread of libcurl's. An
 *       owner that left BHI_HTTP_LOOKUPS_LEFT_MAX of those begins no further one, and while all
 *       together left BHI_HTTP_ALL_LOOKUPS_LEFT_MAX, nobody does who left one. Those that were
 *       under way together may be left together, and each owner may leave its first: how many
 *       threads there are grows with what runs at once and with the number of owners.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_OWNERS_H
#define BHI_HOST_HTTP_OWNERS_H

#include <curl/curl.h>

#include "base/bytes.h"
#include "base/list.h"

enum {
    BHI_HTTP_OWNERS_MAX = 64,
    BHI_HTTP_LOOKUPS_LEFT_MAX = 16,
    BHI_HTTP_ALL_LOOKUPS_LEFT_MAX = 256
};

typedef struct bhi_http_owner {
    bhi_link link;
    CURLSH *connections;
    uint32_t transfers_count;
    uint32_t lookups_left;                              /* ever */
    uint64_t lookups_end_ns[BHI_HTTP_LOOKUPS_LEFT_MAX]; /* when the latest are over, monotonic */
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
/* A lookup of the owner's is left to its thread, which takes no longer than until `end_ns`. */
void bhi_http_owner_leave_lookup(bhi_http_owner *owner, uint64_t end_ns);
/* O-H3: may the owner begin a lookup, which it may come to leave? */
bool bhi_http_owners_may_look_up(const bhi_http_owners *owners, const bhi_http_owner *owner,
                                 uint64_t now_ns);
/* Closes the connections of the owner without a transfer that was used least recently. False: there
 * is none. */
bool bhi_http_owners_drop_oldest(bhi_http_owners *owners);

#endif
