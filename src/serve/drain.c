/* serve/drain.c - the end of a listener, in the order that loses nothing.
 *
 * 1. What is waiting in the listen queue is accepted, then the listening socket is closed.
 * 2. Requests that are being received or answered finish; new ones on open connections are answered
 *    503. When no exchange is left, go to 4.
 * 3. At the deadline invocations are cancelled; their callers get linger_ms to read the answer.
 * 4. The daemon stops, which closes the idle connections; then our handles; then stopped_cb.
 *
 * S2: step 4 waits for every invocation, however long its cancellation takes, and for reloads,
 * which end when what they replaced has ended: at step 3 at the latest, or after a load that was
 * running.
 */
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "serve/change.h"
#include "serve/event_stream.h"
#include "serve/exchange.h"
#include "serve/http_state.h"
#include "serve/linger.h"

static void close_handles(bhi_http *http)
{
    uv_close((uv_handle_t *)&http->poll, bhi_http_own_handle_closed);
    uv_close((uv_handle_t *)&http->timer, bhi_http_own_handle_closed);
    uv_close((uv_handle_t *)&http->drain_timer, bhi_http_own_handle_closed);
}

void bhi_http_stop(bhi_http *http)
{
    BHI_ASSERT(http->running == 0); /* S2 */
    http->is_closing_now = true;
    http->phase = HTTP_STOPPED;
    if (http->handles_open > 0)
        close_handles(http); /* before the daemon closes its epoll descriptor: another thread may
                                have that number then, and closing the poll names it again */
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
    BHI_ASSERT(bhi_link_is_alone(&http->exchanges)); /* S1 */
    bhi_linger_close_all(http);
}

void bhi_http_handle_closed(bhi_http *http)
{
    if (--http->handles_open == 0)
        http->options.stopped_cb(http->options.arg);
}

void bhi_http_own_handle_closed(uv_handle_t *handle)
{
    bhi_http_handle_closed(handle->data);
}

void bhi_http_advance(bhi_http *http)
{
    if (http->phase == HTTP_SERVING || http->phase == HTTP_STOPPED || http->running > 0)
        return;
    if (http->is_closing_now || bhi_link_is_alone(&http->exchanges))
        bhi_http_stop(http);
}

/* Cancelled requests had their time to be read, or nobody reads. */
static void on_answers_late(uv_timer_t *timer)
{
    bhi_http *http = timer->data;
    http->is_closing_now = true;
    bhi_http_advance(http);
}

static void begin_cancel(bhi_http *http)
{
    if (http->phase != HTTP_DRAINING)
        return;
    http->phase = HTTP_CANCELLING;
    if (http->running > 0)
        bhi_log(BHI_LOG_WARN, "worker %u cancels %u invocations", http->options.worker_index,
                http->running);
    bhi_exchange_cancel_all(http);
    bhi_change_cancel_all(http);
    uv_timer_start(&http->drain_timer, on_answers_late, http->options.limits.linger_ms, 0);
    bhi_http_schedule(http);
}

static void on_drain_late(uv_timer_t *timer)
{
    begin_cancel(timer->data);
}

/* One run accepts a few connections and reads what has arrived on them. */
static void accept_waiting(bhi_http *http)
{
    uint32_t before;
    do {
        before = http->connections;
        MHD_run(http->daemon);
    } while (http->connections > before);
}

static void begin_drain(bhi_http *http)
{
    if (http->phase != HTTP_SERVING)
        return;
    accept_waiting(http);
    http->phase = HTTP_DRAINING;
    bhi_event_stream_end_all(http);
    MHD_quiesce_daemon(http->daemon);
    close(http->socket);
    uv_timer_start(&http->drain_timer, on_drain_late, http->options.limits.drain_ms, 0);
    bhi_http_schedule(http);
}

static void run_control(bhi_task *task)
{
    bhi_http *http = BHI_CONTAINER_OF(task, bhi_http, control);
    int wanted = atomic_load_explicit(&http->wanted, memory_order_acquire);
    begin_drain(http);
    if (wanted >= HTTP_CANCELLING)
        begin_cancel(http);
}

static void run_sweep(bhi_task *task)
{
    bhi_exchange_sweep(BHI_CONTAINER_OF(task, bhi_http, sweep));
}

void bhi_http_init_control(bhi_http *http)
{
    bhi_task_init(&http->control, run_control);
    bhi_task_init(&http->sweep, run_sweep);
}

static void ask_for(bhi_http *http, http_phase wanted)
{
    atomic_store_explicit(&http->wanted, (int)wanted, memory_order_release);
    bhi_worker_post(http->options.worker, &http->control);
}

void bhi_http_drain(bhi_http *http)
{
    ask_for(http, HTTP_DRAINING);
}

void bhi_http_cancel(bhi_http *http)
{
    ask_for(http, HTTP_CANCELLING);
}

void bhi_http_sweep(bhi_http *http)
{
    bhi_worker_post(http->options.worker, &http->sweep);
}
