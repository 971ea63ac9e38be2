/* cli/bench_http_server.c - see the header. A request ends at its empty line; nothing of it is read
 * otherwise. Requests are small and come whole, or the connection is closed. */
#include "cli/bench_http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct bhi_bench_http_server {
    int listener, epoll, stop, release;
    uint16_t port;
    pthread_t thread;
    char answer[512];
    size_t answer_len;
    atomic_bool is_holding;
    atomic_uint held_count;
    int held[BHI_BENCH_HTTP_HELD_MAX]; /* connections whose request waits; of the thread */
};

static bool watch(const bhi_bench_http_server *server, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static void accept_one(const bhi_bench_http_server *server)
{
    int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection >= 0 && !watch(server, connection))
        close(connection);
}

static void answer(const bhi_bench_http_server *server, int connection)
{
    if (send(connection, server->answer, server->answer_len, MSG_NOSIGNAL) < 0)
        close(connection);
}

static void take_request(bhi_bench_http_server *server, int connection)
{
    char request[4096];
    ssize_t len = recv(connection, request, sizeof request, 0);
    unsigned held = atomic_load(&server->held_count);
    if (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0) {
        close(connection);
    } else if (atomic_load(&server->is_holding) && held < BHI_BENCH_HTTP_HELD_MAX) {
        server->held[held] = connection;
        atomic_store(&server->held_count, held + 1);
    } else {
        answer(server, connection);
    }
}

static void answer_held(bhi_bench_http_server *server)
{
    eventfd_t ignored;
    unsigned held = atomic_exchange(&server->held_count, 0);
    eventfd_read(server->release, &ignored);
    for (unsigned i = 0; i < held; i++)
        answer(server, server->held[i]);
}

static void *serve(void *arg)
{
    bhi_bench_http_server *server = arg;
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(server->epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == server->stop)
                return NULL;
            if (descriptor == server->listener)
                accept_one(server);
            else if (descriptor == server->release)
                answer_held(server);
            else
                take_request(server, descriptor);
        }
    }
}

static bool listen_on_any_port(bhi_bench_http_server *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&at, len) != 0 ||
        listen(server->listener, 1024) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &len) != 0)
        return false;
    server->port = ntohs(at.sin_port);
    return true;
}

static void write_answer(bhi_bench_http_server *server)
{
    char body[BHI_BENCH_HTTP_BODY_BYTES + 1] = {0};
    memset(body, 'x', BHI_BENCH_HTTP_BODY_BYTES);
    server->answer_len = (size_t)snprintf(
        server->answer, sizeof server->answer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
        BHI_BENCH_HTTP_BODY_BYTES, body);
}

bhi_bench_http_server *bhi_bench_http_server_open(void)
{
    bhi_bench_http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    write_answer(server);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->stop = eventfd(0, EFD_CLOEXEC);
    server->release = eventfd(0, EFD_CLOEXEC);
    if (server->epoll < 0 || server->stop < 0 || server->release < 0 ||
        !listen_on_any_port(server) || !watch(server, server->listener) ||
        !watch(server, server->stop) || !watch(server, server->release) ||
        pthread_create(&server->thread, NULL, serve, server) != 0) {
        free(server);
        return NULL;
    }
    return server;
}

void bhi_bench_http_server_hold(bhi_bench_http_server *server)
{
    atomic_store(&server->is_holding, true);
}

uint32_t bhi_bench_http_server_held(bhi_bench_http_server *server)
{
    return atomic_load(&server->held_count);
}

void bhi_bench_http_server_release(bhi_bench_http_server *server)
{
    atomic_store(&server->is_holding, false);
    eventfd_write(server->release, 1);
}

uint16_t bhi_bench_http_server_port(const bhi_bench_http_server *server)
{
    return server->port;
}

/* Connections that are still open end with the process. */
void bhi_bench_http_server_close(bhi_bench_http_server *server)
{
    eventfd_write(server->stop, 1);
    pthread_join(server->thread, NULL);
    close(server->stop);
    close(server->release);
    close(server->listener);
    close(server->epoll);
    free(server);
}
