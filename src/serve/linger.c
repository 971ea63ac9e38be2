/* serve/linger.c - a duplicate of the socket, read into nowhere until the peer ends its stream. */
#include "serve/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, READS_PER_EVENT = 16 };

typedef struct lingering {
    bhi_link link;
    bhi_http *http;
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    int handles_open;
    size_t bytes;
} lingering;

static void free_linger(uv_handle_t *handle)
{
    lingering *ended = handle->data;
    bhi_http *http = ended->http;
    if (--ended->handles_open == 0) {
        close(ended->fd);
        free(ended);
    }
    bhi_http_handle_closed(http);
}

static void end_linger(lingering *ended)
{
    bhi_list_remove(&ended->link);
    uv_close((uv_handle_t *)&ended->poll, free_linger);
    uv_close((uv_handle_t *)&ended->timer, free_linger);
}

static void on_timeout(uv_timer_t *timer)
{
    end_linger(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    static _Thread_local char nowhere[READ_BYTES];
    lingering *waiting = poll->data;
    for (int i = 0; i < READS_PER_EVENT && waiting->bytes < BHI_LINGER_BYTES_MAX; i++) {
        ssize_t len = read(waiting->fd, nowhere, sizeof nowhere);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len <= 0) {
            end_linger(waiting);
            return;
        }
        waiting->bytes += (size_t)len;
    }
    if (waiting->bytes >= BHI_LINGER_BYTES_MAX)
        end_linger(waiting);
}

static uint32_t count_lingers(const bhi_http *http)
{
    uint32_t count = 0;
    for (const bhi_link *link = http->lingers.next; link != &http->lingers; link = link->next)
        count++;
    return count;
}

static void start_linger(bhi_http *http, lingering *started)
{
    uv_loop_t *loop = bhi_worker_loop(http->options.worker);
    if (uv_poll_init(loop, &started->poll, started->fd) != 0) {
        close(started->fd);
        free(started);
        return;
    }
    uv_timer_init(loop, &started->timer);
    started->poll.data = started->timer.data = started;
    started->handles_open = 2;
    http->handles_open += 2;
    bhi_list_push_back(&http->lingers, &started->link);
    if (uv_poll_start(&started->poll, UV_READABLE, on_readable) != 0 ||
        uv_timer_start(&started->timer, on_timeout, http->options.limits.linger_ms, 0) != 0)
        end_linger(started);
}

void bhi_linger_open(bhi_http *http, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL || http->is_closing_now || count_lingers(http) >= BHI_LINGERS_MAX)
        return;
    lingering *started = calloc(1, sizeof *started);
    if (started == NULL)
        return;
    started->http = http;
    started->fd = fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 0);
    if (started->fd >= 0)
        start_linger(http, started);
    else
        free(started);
}

void bhi_linger_close_all(bhi_http *http)
{
    bhi_link *link;
    while ((link = bhi_list_first(&http->lingers)) != NULL)
        end_linger(BHI_CONTAINER_OF(link, lingering, link));
}
