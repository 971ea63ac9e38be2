/* support/socket_host.c - see the header. */
#include "support/socket_host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/list.h"
#include "host/host.h"
#include "host/lease_context.h"
#include "host/socket_stream.h"
#include "support/tcp_peer.h"
#include "worker/timer.h"

#define MORTAL_LIFE_NS (5 * BHI_NS_PER_MS)

atomic_int socket_host_connections;
atomic_ullong socket_host_swallowed;

struct bhi_net_tcp_stream {
    bhi_socket *socket;      /* NULL: no peer */
    bhi_byte_source *source; /* held for a pollable of the connection */
    bhi_waitable mortal;     /* of SOCKET_HOST_MORTAL */
    bhi_timer *end;
};

int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* ---- plenty ---- */

static size_t plenty(const bhi_byte_source *source)
{
    (void)source;
    return SIZE_MAX;
}

static void read_plenty(bhi_byte_source *source, uint8_t *to, size_t size)
{
    (void)source;
    if (to != NULL)
        memset(to, 'z', size);
}

static void release_source(bhi_byte_source *source)
{
    bhi_waitable_deinit(&source->waitable);
    free(source);
}

static size_t room_for_plenty(const bhi_byte_sink *sink)
{
    (void)sink;
    return SIZE_MAX;
}

static size_t none_queued(const bhi_byte_sink *sink)
{
    (void)sink;
    return 0;
}

static void swallow(bhi_byte_sink *sink, const uint8_t *from, size_t size)
{
    (void)sink, (void)from;
    atomic_fetch_add(&socket_host_swallowed, size);
}

static void release_sink(bhi_byte_sink *sink)
{
    bhi_waitable_deinit(&sink->waitable);
    free(sink);
}

static bhi_byte_source *make_plenty_source(void)
{
    static const bhi_byte_source_ops ops = {plenty, read_plenty, release_source};
    bhi_byte_source *source = calloc(1, sizeof *source);
    bhi_byte_source_init(source, &ops);
    return source;
}

static bhi_byte_sink *make_plenty_sink(void)
{
    static const bhi_byte_sink_ops ops = {room_for_plenty, none_queued, swallow, release_sink};
    bhi_byte_sink *sink = calloc(1, sizeof *sink);
    bhi_byte_sink_init(sink, &ops);
    return sink;
}

/* ---- mortal ---- */

static bool is_never_ready(const bhi_waitable *waitable)
{
    (void)waitable;
    return false;
}

static void end_cb(void *arg)
{
    bhi_net_tcp_stream *stream = arg;
    bhi_waitable_deinit(&stream->mortal);
}

static void begin_to_die(bhi_guest *guest, bhi_net_tcp_stream *stream)
{
    bh_status status =
        bhi_timer_open(guest->lease->worker, MORTAL_LIFE_NS, end_cb, stream, &stream->end, NULL);
    BHI_ASSERT(status == BH_OK);
}

/* ---- connections ---- */

static bool open_socket(bhi_guest *guest, uint16_t port, bhi_socket **ret_socket)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int bytes = TCP_PEER_BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    return bhi_socket_open(guest->lease->worker, fd, ret_socket, NULL) == BH_OK;
}

static bool connect_tcp(bhi_guest *guest, bhi_bytes host, uint16_t port,
                        bhi_net_tcp_stream_result *ret)
{
    (void)host;
    bhi_net_tcp_stream *stream = calloc(1, sizeof *stream);
    bool has_peer = port != SOCKET_HOST_PLENTY && port != SOCKET_HOST_MORTAL;
    stream->mortal.is_ready = is_never_ready;
    ret->is_ok = !has_peer || open_socket(guest, port, &stream->socket);
    if (!ret->is_ok) {
        free(stream);
        ret->error.tag = BHI_NET_ERROR_CODE_CONNECTION_REFUSED;
        return true;
    }
    if (port == SOCKET_HOST_MORTAL)
        begin_to_die(guest, stream);
    atomic_fetch_add(&socket_host_connections, 1);
    ret->ok = stream;
    return true;
}

static void tcp_stream_drop(void *dropped)
{
    bhi_net_tcp_stream *stream = dropped;
    atomic_fetch_sub(&socket_host_connections, 1);
    bhi_timer_close(stream->end);
    bhi_waitable_deinit(&stream->mortal);
    if (stream->source != NULL)
        stream->source->ops->release(stream->source);
    if (stream->socket != NULL)
        bhi_socket_release(stream->socket);
    free(stream);
}

static bool tcp_stream_read_stream(bhi_guest *guest, bhi_net_tcp_stream *self,
                                   bhi_streams_input_stream **ret)
{
    *ret = bhi_input_stream_create(self->socket == NULL ? make_plenty_source()
                                                        : bhi_socket_source(self->socket));
    return *ret != NULL || bhi_guest_trap(guest, "no memory");
}

static bool tcp_stream_write_stream(bhi_guest *guest, bhi_net_tcp_stream *self,
                                    bhi_streams_output_stream **ret)
{
    *ret = bhi_output_stream_create(self->socket == NULL ? make_plenty_sink()
                                                         : bhi_socket_sink(self->socket));
    return *ret != NULL || bhi_guest_trap(guest, "no memory");
}

static bool tcp_stream_subscribe_readable(bhi_guest *guest, bhi_net_tcp_stream *self,
                                          bhi_poll_pollable **ret)
{
    if (self->socket == NULL)
        return bhi_waitable_subscribe(&self->mortal, guest, NULL, ret);
    if (self->source == NULL)
        self->source = bhi_socket_source(self->socket);
    return bhi_waitable_subscribe(&self->source->waitable, guest, NULL, ret);
}

static bool tcp_stream_shutdown(bhi_guest *guest, bhi_net_tcp_stream *self,
                                bhi_net_shutdown_how how, bhi_net_unit_result *ret)
{
    (void)guest;
    if (how != BHI_NET_SHUTDOWN_HOW_SEND)
        bhi_socket_shutdown_receive(self->socket);
    if (how != BHI_NET_SHUTDOWN_HOW_RECEIVE)
        bhi_socket_shutdown_send(self->socket);
    ret->is_ok = true;
    return true;
}

static const bhi_net_host net_host = {
    .tcp_stream_drop = tcp_stream_drop,
    .connect_tcp = connect_tcp,
    .tcp_stream_read_stream = tcp_stream_read_stream,
    .tcp_stream_write_stream = tcp_stream_write_stream,
    .tcp_stream_subscribe_readable = tcp_stream_subscribe_readable,
    .tcp_stream_shutdown = tcp_stream_shutdown,
};

static bhi_host_table table;

static void fill_table(void)
{
    table = bhi_host;
    table.net = &net_host;
}

const bhi_host_table *socket_host_table(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_table);
    return &table;
}
