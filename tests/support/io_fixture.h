/* support/io_fixture.h - guest probe_io on a runtime with the host of support/socket_host.h.
 *
 * The probe keeps its memory (reuse = "shared") and has one instance. Close checks that no test
 * left a connection or a descriptor behind.
 */
#ifndef TESTS_SUPPORT_IO_FIXTURE_H
#define TESTS_SUPPORT_IO_FIXTURE_H

#include "runtime/capsule.h"
#include "support/runtime_fixture.h"
#include "support/socket_host.h"
#include "support/tcp_peer.h"

typedef struct io_fixture {
    runtime_fixture runtime;
    bh_capsule *probe;
    tcp_peer peers[4];
    int peers_count;
    int descriptors; /* before the peers */
} io_fixture;

extern io_fixture io;

int open_io_fixture(void **state);
int close_io_fixture(void **state);

/* A peer that stops when the test ends or stop_peers is called. */
tcp_peer *start_peer(tcp_peer_serve serve, size_t size);
void stop_peers(void);

/* Play a script: each `$N` in it is the port of the Nth peer. */
const bh_result *play(const char *script);
const bh_result *play_for(const char *script, uint32_t timeout_ms);
void expect(const char *script, const char *answer);
/* The guest traps with a message that has `text`, its instance goes, and the next call is served.
 */
void expect_trap(const char *script, const char *text);

/* The request of a script, whose text is valid until the next one. */
bh_request script_request(const char *script);

#endif
