/* serve/serve.c - start everything, wait for a signal, end everything.
 *
 * The calling thread owns the service: it loads the capsules, starts the workers, then runs a loop
 * that only waits for signals and for the workers' word that they have drained. Starting is a
 * list of steps, each of which leaves the service in a state that `end_service` can take apart.
 */
#include "serve/serve.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <bulkhead/invocation.h>

#include "base/log.h"
#include "runtime/dispatcher.h"
#include "runtime/runtime.h"
#include "serve/address.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "worker/worker.h"

enum {
    DRAIN_MS_DEFAULT = 5000,
    CONNECTIONS_DEFAULT = 4096,
    IDLE_TIMEOUT_S_DEFAULT = 60,
    LINGER_MS = 2000
};
#define BODY_BYTES_MAX_DEFAULT ((size_t)256 << 20)

typedef struct service {
    const bhi_serve_options *options;
    bhi_address address;
    uint32_t worker_count;
    bh_runtime *runtime;
    bhi_catalog *catalog;
    bhi_metrics *metrics;
    bhi_worker *workers[BHI_SERVE_WORKERS_MAX];
    bhi_http *https[BHI_SERVE_WORKERS_MAX];
    uint32_t created, started; /* of workers */
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    uv_async_t drained;
    uint32_t signals;
    atomic_uint drained_count; /* relaxed: the async send orders it */
} service;

/* ---- start ---- */

static uint32_t worker_count(const bhi_serve_options *options)
{
    uint32_t count = options->workers > 0 ? options->workers : uv_available_parallelism();
    return count < BHI_SERVE_WORKERS_MAX ? count : BHI_SERVE_WORKERS_MAX;
}

static bh_status load_capsules(service *serving, bh_error *reterr)
{
    const bhi_serve_options *wanted = serving->options;
    bh_runtime_options options = {.state_directory = wanted->state_directory,
                                  .cache_directory = wanted->cache_directory,
                                  .profiles_file = wanted->profiles_file,
                                  .live_max = wanted->instances_max,
                                  .resident_bytes_max = wanted->resident_bytes_max,
                                  .evict_ms = wanted->evict_ms,
                                  .mappings_max = wanted->mappings_max,
                                  .verify_every = wanted->verify_every};
    bh_status status = bh_runtime_create(&options, &serving->runtime, reterr);
    if (status == BH_OK)
        status = bhi_catalog_load(serving->runtime, wanted->capsules_directory,
                                  &wanted->capsule_options, &serving->catalog, reterr);
    if (status == BH_OK)
        status =
            bhi_metrics_create(serving->catalog, serving->worker_count, &serving->metrics, reterr);
    return status;
}

static void worker_drained(void *arg)
{
    service *serving = arg;
    atomic_fetch_add_explicit(&serving->drained_count, 1, memory_order_relaxed);
    uv_async_send(&serving->drained);
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value > 0 ? value : fallback;
}

static bhi_http_limits limits_of(const service *serving)
{
    const bhi_serve_options *options = serving->options;
    size_t payload_bytes = options->payload_bytes_max;
    uint32_t connections = or_default(options->connections_max, CONNECTIONS_DEFAULT);
    return (bhi_http_limits){
        .payload_bytes_max = payload_bytes > 0 && payload_bytes < BH_PAYLOAD_BYTES_MAX
                                 ? payload_bytes
                                 : BH_PAYLOAD_BYTES_MAX,
        .body_bytes_max =
            options->body_bytes_max > 0 ? options->body_bytes_max : BODY_BYTES_MAX_DEFAULT,
        .connections_max = (connections + serving->worker_count - 1) / serving->worker_count,
        .idle_timeout_s = or_default(options->idle_timeout_s, IDLE_TIMEOUT_S_DEFAULT),
        .drain_ms = or_default(options->drain_ms, DRAIN_MS_DEFAULT),
        .linger_ms = LINGER_MS,
    };
}

/* Takes the socket. */
static bh_status create_worker(service *serving, int take_socket, bh_error *reterr)
{
    uint32_t index = serving->created;
    bh_status status = bhi_worker_create(&serving->workers[index], reterr);
    if (status != BH_OK) {
        close(take_socket);
        return status;
    }
    serving->created++;
    bhi_http_options options = {
        .worker = serving->workers[index],
        .worker_index = index,
        .take_socket = take_socket,
        .catalog = serving->catalog,
        .metrics = serving->metrics,
        .peers = serving->https,
        .peers_count = serving->worker_count,
        .limits = limits_of(serving),
        .stopped_cb = worker_drained,
        .arg = serving,
    };
    return bhi_http_create(&options, &serving->https[index], reterr);
}

static bh_status create_workers(service *serving, bh_error *reterr)
{
    int sockets[BHI_SERVE_WORKERS_MAX];
    bh_status status =
        bhi_address_listen(&serving->address, serving->worker_count, sockets, reterr);
    if (status != BH_OK)
        return status;
    for (uint32_t i = 0; i < serving->worker_count; i++) {
        if (status == BH_OK)
            status = create_worker(serving, sockets[i], reterr);
        else
            close(sockets[i]);
    }
    return status;
}

static bh_status start_workers(service *serving, bh_error *reterr)
{
    for (; serving->started < serving->created; serving->started++) {
        char name[32];
        snprintf(name, sizeof name, "worker-%u", serving->started);
        bh_status status = bhi_worker_start(serving->workers[serving->started], name, reterr);
        if (status != BH_OK)
            return status;
    }
    return BH_OK;
}

/* ---- wait ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    service *serving = handle->data;
    bool is_first = serving->signals++ == 0;
    bhi_log(BHI_LOG_INFO, is_first ? "shutting down; signal again to cancel running requests"
                                   : "cancelling running requests");
    for (uint32_t i = 0; i < serving->started; i++) {
        if (is_first)
            bhi_http_drain(serving->https[i]);
        else
            bhi_http_cancel(serving->https[i]);
    }
}

static void on_drained(uv_async_t *handle)
{
    service *serving = handle->data;
    if (atomic_load_explicit(&serving->drained_count, memory_order_relaxed) < serving->started)
        return;
    uv_close((uv_handle_t *)&serving->terminate, NULL);
    uv_close((uv_handle_t *)&serving->interrupt, NULL);
    uv_close((uv_handle_t *)&serving->drained, NULL);
}

static bh_status open_loop(service *serving, bh_error *reterr)
{
    int failed = uv_loop_init(&serving->loop);
    if (failed != 0)
        return bhi_fail(reterr, BH_E_IO, "start the event loop: %s", uv_strerror(failed));
    failed = uv_async_init(&serving->loop, &serving->drained, on_drained);
    if (failed != 0) {
        uv_loop_close(&serving->loop);
        return bhi_fail(reterr, BH_E_IO, "start the event loop: %s", uv_strerror(failed));
    }
    uv_signal_init(&serving->loop, &serving->terminate);
    uv_signal_init(&serving->loop, &serving->interrupt);
    serving->drained.data = serving->terminate.data = serving->interrupt.data = serving;
    uv_signal_start(&serving->terminate, on_signal, SIGTERM);
    uv_signal_start(&serving->interrupt, on_signal, SIGINT);
    signal(SIGPIPE, SIG_IGN); /* a client that went away is an error code, not a signal */
    return BH_OK;
}

/* Until every started worker has drained. */
static void wait_for_end(service *serving)
{
    if (serving->started == 0)
        on_drained(&serving->drained);
    uv_run(&serving->loop, UV_RUN_DEFAULT);
    uv_loop_close(&serving->loop);
}

static void announce(const service *serving)
{
    char address[BHI_ADDRESS_TEXT_MAX];
    bhi_address_format(&serving->address, address);
    bhi_log(BHI_LOG_INFO, "listening on http://%s with %u workers", address, serving->worker_count);
    if (serving->options->listening_cb != NULL)
        serving->options->listening_cb(serving->options->arg, address, serving->catalog);
}

/* ---- end ---- */

static void end_service(service *serving)
{
    for (uint32_t i = 0; i < serving->started; i++)
        bhi_worker_stop(serving->workers[i]);
    for (uint32_t i = 0; i < serving->started; i++)
        bhi_worker_join(serving->workers[i]);
    if (serving->runtime != NULL) /* handlers that run owe the workers a post */
        bhi_dispatcher_close(serving->runtime->dispatcher);
    for (uint32_t i = 0; i < serving->created; i++) {
        bhi_http_destroy(serving->https[i]);
        bhi_worker_destroy(serving->workers[i]);
    }
    bhi_metrics_destroy(serving->metrics);
    bhi_catalog_destroy(serving->catalog);
    bh_runtime_destroy(serving->runtime);
    free(serving);
}

/* A signal that comes before the loop can hear it waits until then. */
static void mask_signals(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(how, &signals, NULL);
}

static bh_status prepare(service *serving, bh_error *reterr)
{
    mask_signals(SIG_BLOCK);
    bh_status status = load_capsules(serving, reterr);
    if (status == BH_OK)
        status = create_workers(serving, reterr);
    if (status == BH_OK)
        status = open_loop(serving, reterr);
    mask_signals(SIG_UNBLOCK);
    return status;
}

static bh_status serve(service *serving, bh_error *reterr)
{
    bh_status status = prepare(serving, reterr);
    if (status != BH_OK)
        return status;
    status = start_workers(serving, reterr);
    if (status == BH_OK)
        announce(serving);
    else
        raise(SIGTERM); /* those that did start have to drain */
    wait_for_end(serving);
    return status;
}

bh_status bhi_serve_run(const bhi_serve_options *options, bh_error *reterr)
{
    service *serving = calloc(1, sizeof *serving);
    if (serving == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the service");
    serving->options = options;
    serving->worker_count = worker_count(options);
    const char *listen = options->listen != NULL ? options->listen : BHI_SERVE_LISTEN_DEFAULT;
    bh_status status = bhi_address_parse(listen, &serving->address, reterr);
    if (status == BH_OK)
        status = serve(serving, reterr);
    end_service(serving);
    return status;
}
