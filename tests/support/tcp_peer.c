/* support/tcp_peer.c - see the header. */
#include "support/tcp_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

enum { PATIENCE_MS = 20000 };

/* What happened to the connection, or 0 for stop. */
static int wait_for(tcp_peer *peer, int fd, short events)
{
    struct pollfd polled[] = {{.fd = peer->stop_fd, .events = POLLIN},
                              {.fd = fd, .events = events}};
    while (poll(polled, 2, -1) < 0)
        BHI_ASSERT(errno == EINTR);
    return polled[0].revents != 0 ? 0 : polled[1].revents;
}

static void *run(void *arg)
{
    tcp_peer *peer = arg;
    int fd;
    bool goes_on = true;
    while (goes_on) {
        goes_on = wait_for(peer, peer->listener, POLLIN) != 0;
        while ((fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
            peer->serve(peer, fd); /* who connected before stop is served, too */
            close(fd);
        }
    }
    return NULL;
}

void tcp_peer_start(tcp_peer *peer, tcp_peer_serve serve, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int bytes = TCP_PEER_BUFFER_BYTES;
    *peer = (tcp_peer){.serve = serve, .size = size, .stop_fd = eventfd(0, EFD_CLOEXEC)};
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    BHI_ASSERT(setsockopt(peer->listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
    BHI_ASSERT(setsockopt(peer->listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
    BHI_ASSERT(bind(peer->listener, (struct sockaddr *)&address, len) == 0);
    BHI_ASSERT(listen(peer->listener, 64) == 0);
    BHI_ASSERT(getsockname(peer->listener, (struct sockaddr *)&address, &len) == 0);
    peer->port = ntohs(address.sin_port);
    BHI_ASSERT(pthread_create(&peer->thread, NULL, run, peer) == 0);
}

void tcp_peer_stop(tcp_peer *peer)
{
    BHI_ASSERT(eventfd_write(peer->stop_fd, 1) == 0);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    close(peer->stop_fd);
}

bool tcp_peer_send(tcp_peer *peer, int fd, const void *data, size_t size)
{
    const uint8_t *from = data;
    while (size > 0) {
        if ((wait_for(peer, fd, POLLOUT) & POLLOUT) == 0)
            return false;
        ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        from += sent;
        size -= (size_t)sent;
        atomic_fetch_add(&peer->sent, (size_t)sent);
    }
    return true;
}

void tcp_peer_wait(tcp_peer *peer, int fd)
{
    wait_for(peer, fd, POLLRDHUP);
}

/* 0 at the end. Stop does not end it: what the client has written before it closed is on its way.
 */
static size_t take(tcp_peer *peer, int fd, void *to, size_t size)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    ssize_t got = recv(fd, to, size, 0);
    while (got < 0 && errno == EAGAIN && poll(&polled, 1, PATIENCE_MS) > 0)
        got = recv(fd, to, size, 0);
    if (got <= 0)
        return 0;
    atomic_fetch_add(&peer->received, (size_t)got);
    return (size_t)got;
}

bool tcp_peer_read(tcp_peer *peer, int fd, void *to, size_t size)
{
    for (size_t got, have = 0; have < size; have += got) {
        got = take(peer, fd, (uint8_t *)to + have, size - have);
        if (got == 0)
            return false;
    }
    return true;
}

/* ---- serve functions ---- */

uint8_t tcp_peer_pattern_at(size_t offset)
{
    return (uint8_t)('a' + offset % 26 * (offset / 26 % 5 + 1) % 26);
}

void tcp_peer_silent(tcp_peer *peer, int fd)
{
    tcp_peer_wait(peer, fd);
}

void tcp_peer_hello(tcp_peer *peer, int fd)
{
    tcp_peer_send(peer, fd, "hello", 5);
    tcp_peer_wait(peer, fd);
}

void tcp_peer_bye(tcp_peer *peer, int fd)
{
    tcp_peer_send(peer, fd, "bye", 3);
}

void tcp_peer_reset(tcp_peer *peer, int fd)
{
    uint8_t byte;
    struct linger at_once = {.l_onoff = 1};
    tcp_peer_send(peer, fd, "abc", 3);
    tcp_peer_read(peer, fd, &byte, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void tcp_peer_endless(tcp_peer *peer, int fd)
{
    uint8_t bytes[4096];
    memset(bytes, 'e', sizeof bytes);
    while (tcp_peer_send(peer, fd, bytes, sizeof bytes)) {
    }
}

void tcp_peer_send_pattern(tcp_peer *peer, int fd)
{
    for (size_t offset = 0; offset < peer->size;) {
        uint8_t bytes[4096];
        size_t size = peer->size - offset < sizeof bytes ? peer->size - offset : sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = tcp_peer_pattern_at(offset + i);
        if (!tcp_peer_send(peer, fd, bytes, size))
            return;
        offset += size;
    }
}

static void take_all(tcp_peer *peer, int fd, size_t piece, uint8_t (*expected)(size_t offset))
{
    uint8_t bytes[4096];
    size_t offset = 0, got;
    while ((got = take(peer, fd, bytes, piece)) > 0) {
        for (size_t i = 0; i < got; i++, offset++) {
            if (bytes[i] != expected(offset))
                atomic_store(&peer->is_wrong, true);
        }
    }
}

static uint8_t zero_at(size_t offset)
{
    (void)offset;
    return 0;
}

static uint8_t x_at(size_t offset)
{
    (void)offset;
    return 'x';
}

void tcp_peer_take_pattern(tcp_peer *peer, int fd)
{
    take_all(peer, fd, 4096, tcp_peer_pattern_at);
}

void tcp_peer_take_slowly(tcp_peer *peer, int fd)
{
    take_all(peer, fd, 1000, zero_at);
}

void tcp_peer_take_zeroes(tcp_peer *peer, int fd)
{
    take_all(peer, fd, 4096, zero_at);
}

void tcp_peer_take_xs(tcp_peer *peer, int fd)
{
    take_all(peer, fd, 4096, x_at);
}
