/* host/socket_stream.c - see the header.
 *
 * What the loop shall watch follows from the queues and is set after every change (watch). Reading
 * pauses when the queue is full and goes on when half of it is free, so that a guest that takes
 * single bytes does not cause a system call for each. A write is tried at once; only what the
 * kernel does not take waits for the loop.
 *
 * A failure of reading is one of the connection and ends both directions. One of writing ends the
 * sink alone: what the peer sent before may still be read.
 */
#include "host/socket_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/ring.h"

struct bhi_socket {
    uv_poll_t poll; /* first: libuv gives it back */
    int fd;
    int events;          /* that the loop watches now */
    int write_error;     /* 0: none, or a mere EPIPE */
    unsigned references; /* all, those of the halves too */
    unsigned readers;    /* of which: of the source */
    bool is_paused;      /* the input was full and is not yet half free */
    bool must_shut_down; /* sending, when the output is empty */
    bhi_byte_source source;
    bhi_byte_sink sink;
    bhi_ring input;
    bhi_ring output;
};

static const char *failure_of(int code)
{
    switch (code) {
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return "the peer closed the connection";
    case ETIMEDOUT:
        return "the connection timed out";
    default:
        return "the connection failed";
    }
}

static bool is_momentary(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

/* ---- what the loop watches ---- */

static void poll_cb(uv_poll_t *poll, int status, int events);

static bool may_receive(const bhi_socket *socket)
{
    return socket->readers > 0 && socket->source.state == BHI_STREAM_OPEN && !socket->is_paused;
}

/* Also after the sink ended by a shutdown. */
static bool has_to_send(const bhi_socket *socket)
{
    return socket->output.len > 0;
}

static void watch(bhi_socket *socket)
{
    int events = (may_receive(socket) ? UV_READABLE : 0) | (has_to_send(socket) ? UV_WRITABLE : 0);
    if (events == socket->events)
        return;
    socket->events = events;
    int failed =
        events == 0 ? uv_poll_stop(&socket->poll) : uv_poll_start(&socket->poll, events, poll_cb);
    BHI_ASSERT(failed == 0); /* it fails for handles that are closing */
}

/* ---- receiving ---- */

/* What is queued to the peer is lost. The kernel tells an error once: the next read would end as if
 * the peer had. After EPIPE it has, or a read told the error before. */
static void fail_sink(bhi_socket *socket, int code)
{
    socket->write_error = code == EPIPE ? 0 : code;
    bhi_ring_take(&socket->output, NULL, socket->output.len);
    bhi_byte_sink_end(&socket->sink, failure_of(code));
}

static void fail_connection(bhi_socket *socket, int code)
{
    bhi_byte_source_end(&socket->source, failure_of(code));
    fail_sink(socket, code);
}

/* One piece; false when there was none. */
static bool receive_piece(bhi_socket *socket)
{
    size_t size;
    uint8_t *to = bhi_ring_back(&socket->input, &size);
    if (size == 0)
        return false;
    ssize_t got = recv(socket->fd, to, size, 0);
    if (got > 0)
        bhi_ring_filled(&socket->input, (size_t)got);
    else if (got == 0)
        bhi_byte_source_end(&socket->source,
                            socket->write_error == 0 ? NULL : failure_of(socket->write_error));
    else if (!is_momentary(errno))
        fail_connection(socket, errno);
    return got > 0;
}

static void receive(bhi_socket *socket)
{
    bool has_received = false;
    while (may_receive(socket) && receive_piece(socket)) {
        has_received = true;
        socket->is_paused = bhi_ring_room(&socket->input) == 0;
    }
    if (has_received)
        bhi_waitable_notify(&socket->source.waitable);
}

/* ---- sending ---- */

static bool send_piece(bhi_socket *socket)
{
    size_t size;
    const uint8_t *from = bhi_ring_front(&socket->output, &size);
    ssize_t sent = send(socket->fd, from, size, MSG_NOSIGNAL);
    if (sent >= 0)
        bhi_ring_take(&socket->output, NULL, (size_t)sent);
    else if (!is_momentary(errno))
        fail_sink(socket, errno);
    return sent > 0;
}

static void send_queued(bhi_socket *socket)
{
    bool has_sent = false;
    while (has_to_send(socket) && send_piece(socket))
        has_sent = true;
    if (has_sent)
        bhi_waitable_notify(&socket->sink.waitable);
    if (socket->must_shut_down && !has_to_send(socket)) {
        socket->must_shut_down = false;
        shutdown(socket->fd, SHUT_WR);
    }
}

/* ---- the loop ---- */

/* libuv has stopped watching: the descriptor is in error. What is still there is read, and the read
 * or write that follows tells the error; if neither does, it must not be watched for ever. */
static void look_into_error(bhi_socket *socket)
{
    size_t received = socket->input.len, queued = socket->output.len;
    socket->events = 0;
    receive(socket);
    send_queued(socket);
    if (socket->input.len == received && socket->output.len == queued)
        fail_connection(socket, EIO);
}

static void poll_cb(uv_poll_t *poll, int status, int events)
{
    bhi_socket *socket = (bhi_socket *)poll;
    if (status < 0)
        look_into_error(socket);
    if ((events & UV_READABLE) != 0)
        receive(socket);
    if ((events & UV_WRITABLE) != 0)
        send_queued(socket);
    watch(socket);
}

/* ---- the source ---- */

static bhi_socket *socket_of_source(const bhi_byte_source *source)
{
    return BHI_CONTAINER_OF(source, bhi_socket, source);
}

static size_t source_available(const bhi_byte_source *source)
{
    return socket_of_source(source)->input.len;
}

static void source_read(bhi_byte_source *source, uint8_t *to, size_t size)
{
    bhi_socket *socket = socket_of_source(source);
    bhi_ring_take(&socket->input, to, size);
    if (bhi_ring_room(&socket->input) >= BHI_SOCKET_BUFFER_BYTES / 2)
        socket->is_paused = false;
    watch(socket);
}

static void source_release(bhi_byte_source *source)
{
    bhi_socket *socket = socket_of_source(source);
    socket->readers--;
    watch(socket); /* K2 */
    bhi_socket_release(socket);
}

static const bhi_byte_source_ops source_ops = {source_available, source_read, source_release};

bhi_byte_source *bhi_socket_source(bhi_socket *socket)
{
    socket->references++;
    socket->readers++;
    watch(socket);
    return &socket->source;
}

void bhi_socket_shutdown_receive(bhi_socket *socket)
{
    bhi_byte_source_end(&socket->source, NULL);
    shutdown(socket->fd, SHUT_RD);
    watch(socket);
}

/* ---- the sink ---- */

static bhi_socket *socket_of_sink(const bhi_byte_sink *sink)
{
    return BHI_CONTAINER_OF(sink, bhi_socket, sink);
}

static size_t sink_room(const bhi_byte_sink *sink)
{
    return bhi_ring_room(&socket_of_sink(sink)->output);
}

static size_t sink_queued(const bhi_byte_sink *sink)
{
    return socket_of_sink(sink)->output.len;
}

static void sink_write(bhi_byte_sink *sink, const uint8_t *from, size_t size)
{
    bhi_socket *socket = socket_of_sink(sink);
    bhi_ring_put(&socket->output, from, size);
    send_queued(socket);
    watch(socket);
}

static void sink_release(bhi_byte_sink *sink)
{
    bhi_socket_release(socket_of_sink(sink));
}

static const bhi_byte_sink_ops sink_ops = {sink_room, sink_queued, sink_write, sink_release};

bhi_byte_sink *bhi_socket_sink(bhi_socket *socket)
{
    socket->references++;
    return &socket->sink;
}

void bhi_socket_shutdown_send(bhi_socket *socket)
{
    if (socket->sink.state != BHI_STREAM_OPEN)
        return;
    bhi_byte_sink_end(&socket->sink, NULL);
    socket->must_shut_down = true;
    send_queued(socket);
    watch(socket);
}

/* ---- life ---- */

static void closed_cb(uv_handle_t *handle)
{
    free(handle);
}

/* The loop does not look at the descriptor any more after uv_close. */
static void close_socket(bhi_socket *socket)
{
    send_queued(socket);
    bhi_waitable_deinit(&socket->source.waitable);
    bhi_waitable_deinit(&socket->sink.waitable);
    bhi_ring_deinit(&socket->input);
    bhi_ring_deinit(&socket->output);
    uv_close((uv_handle_t *)&socket->poll, closed_cb);
    close(socket->fd);
}

void bhi_socket_release(bhi_socket *socket)
{
    if (--socket->references == 0)
        close_socket(socket);
}

static bh_status fail_open(bhi_socket *socket, int fd, bh_status status)
{
    if (socket != NULL) {
        bhi_ring_deinit(&socket->input);
        bhi_ring_deinit(&socket->output);
    }
    free(socket);
    close(fd);
    return status;
}

bh_status bhi_socket_open(bhi_worker *worker, int take_fd, bhi_socket **ret_socket,
                          bh_error *reterr)
{
    bhi_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL || !bhi_ring_init(&socket->input, BHI_SOCKET_BUFFER_BYTES) ||
        !bhi_ring_init(&socket->output, BHI_SOCKET_BUFFER_BYTES))
        return fail_open(socket, take_fd, bhi_fail(reterr, BH_E_NOMEM, "no memory for a socket"));
    int failed = uv_poll_init(bhi_worker_loop(worker), &socket->poll, take_fd); /* non-blocking */
    if (failed != 0)
        return fail_open(
            socket, take_fd,
            bhi_fail(reterr, BH_E_IO, "a descriptor cannot be watched: %s", uv_strerror(failed)));
    socket->fd = take_fd;
    socket->references = 1;
    bhi_byte_source_init(&socket->source, &source_ops);
    bhi_byte_sink_init(&socket->sink, &sink_ops);
    *ret_socket = socket;
    return BH_OK;
}

int bhi_socket_fd(const bhi_socket *socket)
{
    return socket->fd;
}
