/* serve/hangup.c - a uv_poll on the connection's socket, for the disconnect event only.
 *
 * The socket is in two epoll sets then, the daemon's (from which suspension took it) and the
 * loop's. uv_close takes it out of the loop's at once, so the daemon may close it right after.
 */
#include "serve/hangup.h"

#include <stdlib.h>

struct bhi_hangup {
    uv_poll_t poll;
    bhi_http *http;
    void (*gone_cb)(void *arg);
    void *arg;
};

static void free_hangup(uv_handle_t *handle)
{
    bhi_hangup *hangup = handle->data;
    bhi_http *http = hangup->http;
    free(hangup);
    bhi_http_handle_closed(http);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    bhi_hangup *hangup = poll->data;
    uv_poll_stop(poll); /* the event is level triggered; once is enough */
    hangup->gone_cb(hangup->arg);
}

bhi_hangup *bhi_hangup_open(bhi_http *http, struct MHD_Connection *connection,
                            void (*gone_cb)(void *arg), void *arg)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    bhi_hangup *hangup = info == NULL ? NULL : calloc(1, sizeof *hangup);
    if (hangup == NULL)
        return NULL;
    *hangup = (bhi_hangup){.http = http, .gone_cb = gone_cb, .arg = arg};
    if (uv_poll_init(bhi_worker_loop(http->options.worker), &hangup->poll, info->connect_fd) != 0) {
        free(hangup);
        return NULL;
    }
    hangup->poll.data = hangup;
    http->handles_open++;
    if (uv_poll_start(&hangup->poll, UV_DISCONNECT, on_event) == 0)
        return hangup;
    uv_close((uv_handle_t *)&hangup->poll, free_hangup);
    return NULL;
}

void bhi_hangup_close(bhi_hangup *hangup)
{
    if (hangup != NULL)
        uv_close((uv_handle_t *)&hangup->poll, free_hangup);
}
