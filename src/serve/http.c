/* serve/http.c - the daemon's life and the three events that drive it.
 *
 * The drive task is readied after every run that left something to do at once; it then
 * runs behind the invocations which that run started. While it is queued the poll callback leaves
 * the daemon alone: an exchange started from there would be asked for its answer before its
 * invocation had a turn, and be suspended for nothing.
 */
#include "serve/http_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/exchange.h"

enum {
    /* Header fields and the window in which a body arrives. The daemon zeroes all of it after every
     * request, which shows in the bench: no more than a large header needs. */
    CONNECTION_MEMORY_BYTES = 16 << 10,
    MEMORY_INCREMENT_BYTES = 4 << 10,
    LOG_LINE_BYTES = 512,
    HANDLES = 3 /* poll, timer, drain_timer */
};

void bhi_http_schedule(bhi_http *http)
{
    if (http->phase != HTTP_STOPPED)
        bhi_worker_ready(http->options.worker, &http->drive);
}

static void on_timer(uv_timer_t *timer)
{
    bhi_http_schedule(timer->data);
}

/* The daemon says when it wants to run again. A timer that fires early costs one idle run. */
static void schedule_next(bhi_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES)
        return;
    if (timeout_ms == 0)
        bhi_http_schedule(http);
    else if (!uv_is_active((uv_handle_t *)&http->timer))
        uv_timer_start(&http->timer, on_timer, timeout_ms, 0);
}

/* An answer queued on the daemon's second look at a connection is written only in the run after
 * it, so that run follows at once. */
static void run_daemon(bhi_http *http)
{
    if (http->phase == HTTP_STOPPED)
        return;
    http->turn++;
    http->has_queued_late = false;
    MHD_run(http->daemon);
    if (http->has_queued_late)
        MHD_run(http->daemon);
    schedule_next(http);
    bhi_http_advance(http);
}

static void run_drive(bhi_task *task)
{
    run_daemon(BHI_CONTAINER_OF(task, bhi_http, drive));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    bhi_http *http = poll->data;
    if (!http->drive.is_ready)
        run_daemon(http);
}

static void log_daemon(void *cls, const char *format, va_list arguments)
{
    char text[LOG_LINE_BYTES];
    vsnprintf(text, sizeof text, format, arguments);
    size_t len = strcspn(text, "\r\n");
    text[len] = '\0';
    bhi_log(BHI_LOG_DEBUG, "http: %s", text);
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode code)
{
    bhi_http *http = cls;
    http->connections += code == MHD_CONNECTION_NOTIFY_STARTED ? 1u : -1u;
    bhi_metrics_set_connections(http->options.metrics, http->options.worker_index,
                                http->connections);
}

/* Paths are split before they are decoded (serve/path.c), so the daemon decodes nothing. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static bh_status start_daemon(bhi_http *http, bh_error *reterr)
{
    const bhi_http_limits *limits = &http->options.limits;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        bhi_exchange_access, http, MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->socket, MHD_OPTION_NOTIFY_COMPLETED, bhi_exchange_completed,
        http, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, http, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)limits->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)MEMORY_INCREMENT_BYTES, MHD_OPTION_END);
    if (http->daemon == NULL)
        return bhi_fail_os(reterr, "start the HTTP listener");
    return BH_OK;
}

static bh_status open_handles(bhi_http *http, bh_error *reterr)
{
    uv_loop_t *loop = bhi_worker_loop(http->options.worker);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int failed = info == NULL ? UV_EBADF : uv_poll_init(loop, &http->poll, info->epoll_fd);
    if (failed != 0)
        return bhi_fail(reterr, BH_E_IO, "watch the HTTP listener: %s", uv_strerror(failed));
    uv_timer_init(loop, &http->timer);
    uv_timer_init(loop, &http->drain_timer);
    http->poll.data = http->timer.data = http->drain_timer.data = http;
    http->handles_open = HANDLES;
    failed = uv_poll_start(&http->poll, UV_READABLE, on_readable);
    if (failed != 0)
        return bhi_fail(reterr, BH_E_IO, "watch the HTTP listener: %s", uv_strerror(failed));
    return BH_OK;
}

bh_status bhi_http_create(const bhi_http_options *options, bhi_http **ret_http, bh_error *reterr)
{
    bhi_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        close(options->take_socket);
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the HTTP listener");
    }
    http->options = *options;
    http->socket = options->take_socket;
    bhi_link_init(&http->exchanges);
    bhi_link_init(&http->spares);
    bhi_link_init(&http->lingers);
    bhi_link_init(&http->changes);
    bhi_link_init(&http->streams);
    bhi_task_init(&http->drive, run_drive);
    bhi_http_init_control(http);
    bh_status status = start_daemon(http, reterr);
    if (status == BH_OK)
        status = open_handles(http, reterr);
    if (status != BH_OK) {
        bhi_http_destroy(http);
        return status;
    }
    bhi_http_schedule(http); /* the first run puts the listening socket into the epoll set */
    *ret_http = http;
    return BH_OK;
}

static void ignore_stopped(void *arg)
{
}

void bhi_http_destroy(bhi_http *http)
{
    if (http == NULL)
        return;
    if (http->phase != HTTP_STOPPED) { /* never served: the loop is ours to run */
        http->options.stopped_cb = ignore_stopped;
        bhi_http_stop(http);
        while (http->handles_open > 0)
            bhi_worker_turn(http->options.worker, true);
    }
    bhi_worker_forget(http->options.worker, &http->sweep);
    bhi_exchange_free_spares(http);
    free(http);
}
