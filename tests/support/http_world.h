/* support/http_world.h - a peer, a worker that the test turns by hand, and the guest probe_http.
 *
 * The capsule's manifest grants net = ["127.0.0.1", "::1", "granted.test", "localhost"]; the
 * operator lets 127.0.0.1 and granted.test be private on the peer's port. Every name below .test is
 * 127.0.0.1 unless the test says otherwise.
 */
#ifndef TEST_HTTP_WORLD_H
#define TEST_HTTP_WORLD_H

#include <stdbool.h>

#include "host/http_client.h"
#include "runtime/invocation.h"
#include "support/http_peer.h"
#include "support/runtime_fixture.h"

typedef struct http_world {
    runtime_fixture fixture;
    http_peer *peer;
    bhi_worker *worker;
    bhi_http_client *client;
    bh_capsule *probe;
    const char *resolved[4]; /* "HOST:ADDRESS" on the peer's port, for each new transfer */
    unsigned resolves;       /* transfers begun */
    unsigned descriptors;    /* before it was opened; close checks that none is left */
} http_world;

/* One call of the probe. */
typedef struct http_call {
    http_world *world;
    bh_request request;
    bhi_invocation *invocation; /* NULL once done */
    bool is_done;
    bh_status status;
    bh_outcome outcome;
    bool is_denied; /* the guest answered "deny" */
    char *data;     /* terminated; of the answer */
    size_t len;
    char *payload;
} http_call;

void http_world_open(http_world *world);
/* `net` and `private_hosts` as TOML lists; PORT in the second is the peer's port. */
void http_world_open_with(http_world *world, const char *net, const char *private_hosts);
void http_world_close(http_world *world);

/* Start one call; the payload has the peer's port for PORT. */
http_call *http_start(http_world *world, const char *action, const char *payload);
http_call *http_start_for(http_world *world, bh_capsule *capsule, const char *principal,
                          const char *action, const char *payload);
/* Turn the worker until it is done. */
void http_finish(http_call *call);
void http_free(http_call *call);
/* Turn the worker until so many requests wait at the peer for a permit, or were read in all. */
void http_turn_until_waiters(http_world *world, unsigned count);
void http_turn_until_requests(http_world *world, unsigned count);

/* The whole call; the answer is valid until the next one. "deny: REASON" when denied; fails the
 * test when the guest trapped. */
const char *http_ask(http_world *world, const char *action, const char *payload);
void http_expect(http_world *world, const char *action, const char *payload, const char *answer);

/* Open descriptors of this process. */
unsigned count_descriptors(void);

#endif
