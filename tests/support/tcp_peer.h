/* support/tcp_peer.h - the other end of connections: a server on 127.0.0.1 in a thread of its own.
 *
 * It serves one connection after the other with a function of the test, which may block: stop ends
 * waiting for the client (tcp_peer_wait) and for connections. Its buffers in the kernel are small,
 * so that a peer that does not read stops the sender soon.
 */
#ifndef TESTS_SUPPORT_TCP_PEER_H
#define TESTS_SUPPORT_TCP_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TCP_PEER_BUFFER_BYTES = 16 << 10 };

typedef struct tcp_peer tcp_peer;
/* Serve one connection; the caller closes it. */
typedef void (*tcp_peer_serve)(tcp_peer *peer, int fd);

struct tcp_peer {
    uint16_t port;
    tcp_peer_serve serve;
    size_t size; /* for the serve function */
    int listener, stop_fd;
    pthread_t thread;
    atomic_size_t sent, received; /* bytes, over all connections */
    atomic_bool is_wrong;         /* what was received is not as expected */
};

/* `size` is for the serve function. */
void tcp_peer_start(tcp_peer *peer, tcp_peer_serve serve, size_t size);
/* Returns when the thread has ended and its descriptors are closed. */
void tcp_peer_stop(tcp_peer *peer);

/* Send all of it, or as much as the client takes. False: it went away, or stop. */
bool tcp_peer_send(tcp_peer *peer, int fd, const void *data, size_t size);
/* Until the client has sent its end, gone away, or stop; reads nothing. */
void tcp_peer_wait(tcp_peer *peer, int fd);
/* Exactly `size` bytes; false when the client ends before. */
bool tcp_peer_read(tcp_peer *peer, int fd, void *to, size_t size);

/* ---- serve functions ---- */

void tcp_peer_silent(tcp_peer *peer, int fd);       /* reads nothing, sends nothing */
void tcp_peer_hello(tcp_peer *peer, int fd);        /* "hello", then waits */
void tcp_peer_bye(tcp_peer *peer, int fd);          /* "bye", then ends */
void tcp_peer_reset(tcp_peer *peer, int fd);        /* "abc", reads a byte, resets */
void tcp_peer_endless(tcp_peer *peer, int fd);      /* sends as long as the client reads */
void tcp_peer_send_pattern(tcp_peer *peer, int fd); /* `size` bytes of the pattern, then ends */
void tcp_peer_take_pattern(tcp_peer *peer, int fd); /* reads the pattern to the end */
void tcp_peer_take_slowly(tcp_peer *peer, int fd);  /* reads all, 1000 bytes at a time */
void tcp_peer_take_zeroes(tcp_peer *peer, int fd);  /* reads zeroes to the end */
void tcp_peer_take_xs(tcp_peer *peer, int fd);      /* reads 'x' to the end */

uint8_t tcp_peer_pattern_at(size_t offset);

#endif
