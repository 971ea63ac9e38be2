/* serve/change.c - one reload or unload, from the request to its answer.
 *
 * The old version is over when its last user has let go, which posts our task, then the last hook
 * of a message that the dispatcher runs on it, which posts the next, and then its run loop, which
 * posts the last, so that nothing waits on the listener's thread. (But a version that was loaded
 * too late for a service that ends is released there.) Users are invocations on any worker, so at
 * the deadline each listener is asked to cancel those it has, and the dispatcher too.
 */
#include "serve/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/dispatcher.h"
#include "runtime/supervisor.h"
#include "worker/timer.h"

typedef struct change {
    bhi_link link; /* on the listener's changes */
    bhi_change_request request;
    bhi_http *http;
    uv_work_t work;      /* the load */
    bhi_task gone;       /* posted when the old version's last user has let go */
    bhi_task idle;       /* posted when no hook of it runs any more */
    bhi_task stopped;    /* posted when its run loop has stopped */
    bhi_timer *timer;    /* the drain's deadline */
    bhi_version *old;    /* retired; NULL when nothing was offered */
    bhi_version *loaded; /* of the loading thread until it is done */
    bh_error error;      /* the same; why nothing was loaded */
    json_t *report;      /* the answer, as far as it is known */
    uint64_t began_ns, drain_began_ns;
} change;

/* ---- done ---- */

static void finish(change *ended, bhi_answer take_answer)
{
    bhi_change_request request = ended->request;
    bhi_list_remove(&ended->link);
    json_decref(ended->report);
    free(ended);
    bhi_catalog_end_change(request.entry);
    request.done_cb(request.arg, take_answer);
}

static void put_number(change *running, const char *name, uint64_t number)
{
    json_object_set_new(running->report, name, json_integer((json_int_t)number));
}

static void report_drained(change *drained)
{
    const bhi_change_request *request = &drained->request;
    uint64_t drain_ns = bhi_monotonic_ns() - drained->drain_began_ns;
    unsigned cancelled =
        drained->old == NULL ? 0 : atomic_load_explicit(&drained->old->ended, memory_order_relaxed);
    put_number(drained, "drain_ns", drain_ns);
    put_number(drained, "cancelled", cancelled);
    bhi_log(cancelled > 0 ? BHI_LOG_WARN : BHI_LOG_INFO,
            "capsule %s: %s, drained in %llu ms, %u invocations cancelled", request->entry->name,
            request->is_unload ? "unloaded" : "reloaded",
            (unsigned long long)(drain_ns / BHI_NS_PER_MS), cancelled);
}

/* ---- draining ---- */

static bh_runtime *runtime_of(const change *draining)
{
    return draining->http->options.catalog->runtime;
}

static void end_drain(bhi_task *task)
{
    change *drained = BHI_CONTAINER_OF(task, change, stopped);
    bhi_timer_close(drained->timer);
    report_drained(drained);
    bhi_version_end(drained->old);
    json_t *report = json_incref(drained->report);
    finish(drained, bhi_answer_json(MHD_HTTP_OK, report));
}

static void await_run_loop(bhi_task *task)
{
    change *draining = BHI_CONTAINER_OF(task, change, idle);
    bhi_worker *worker = draining->http->options.worker;
    if (draining->old == NULL)
        bhi_worker_ready(worker, &draining->stopped);
    else
        bhi_supervisor_when_stopped(runtime_of(draining)->supervisor, draining->old->capsule,
                                    worker, &draining->stopped);
}

static void await_hooks(bhi_task *task)
{
    change *draining = BHI_CONTAINER_OF(task, change, gone);
    bhi_worker *worker = draining->http->options.worker;
    if (draining->old == NULL)
        bhi_worker_ready(worker, &draining->idle);
    else
        bhi_dispatcher_when_idle(runtime_of(draining)->dispatcher, draining->old->capsule, worker,
                                 &draining->idle);
}

static void cancel_old(void *arg)
{
    change *draining = arg;
    bhi_version *old = draining->old;
    const bhi_http_options *options = &draining->http->options;
    if (atomic_exchange_explicit(&old->must_end, true, memory_order_relaxed))
        return;
    uint32_t hooks = bhi_dispatcher_cancel(runtime_of(draining)->dispatcher, old->capsule);
    atomic_fetch_add_explicit(&old->ended, hooks, memory_order_relaxed);
    for (uint32_t i = 0; i < options->peers_count; i++)
        bhi_http_sweep(options->peers[i]);
}

void bhi_change_cancel_all(bhi_http *http)
{
    for (bhi_link *link = http->changes.next; link != &http->changes; link = link->next) {
        change *running = BHI_CONTAINER_OF(link, change, link);
        if (running->old != NULL)
            cancel_old(running);
    }
}

static void begin_drain(change *changed)
{
    bhi_worker *worker = changed->http->options.worker;
    uint32_t drain_ms = changed->request.drain_ms;
    changed->drain_began_ns = bhi_monotonic_ns();
    if (changed->old == NULL) {
        bhi_worker_ready(worker, &changed->gone);
        return;
    }
    bhi_version_retire(changed->old, worker, &changed->gone);
    if (drain_ms == 0 || bhi_timer_open(worker, drain_ms * BHI_NS_PER_MS, cancel_old, changed,
                                        &changed->timer, NULL) != BH_OK)
        cancel_old(changed);
}

/* From here on `take_version` is offered; NULL: nothing. */
static void publish(change *changed, bhi_version *take_version)
{
    bhi_catalog_entry *entry = changed->request.entry;
    json_t *version =
        take_version == NULL ? json_null() : json_string(bh_capsule_version(take_version->capsule));
    changed->old = bhi_catalog_swap(entry, take_version);
    json_t *old =
        changed->old == NULL ? json_null() : json_string(bh_capsule_version(changed->old->capsule));
    const char *state =
        bhi_entry_state_name(take_version == NULL ? BHI_ENTRY_UNLOADED : BHI_ENTRY_READY);
    changed->report = json_pack("{s:o,s:s,s:o,s:o}", "name", bhi_json_text(entry->name), "state",
                                state, "version", version, "old_version", old);
    begin_drain(changed);
}

/* ---- loading ---- */

static bh_status load(change *loading)
{
    bhi_catalog_entry *entry = loading->request.entry;
    bh_error *error = &loading->error;
    bh_capsule *capsule;
    const bhi_catalog *catalog = loading->http->options.catalog;
    bh_status status =
        bh_capsule_load(catalog->runtime, entry->path, &catalog->capsule_options, &capsule, error);
    if (status != BH_OK)
        return status;
    if (strcmp(bh_capsule_name(capsule), entry->name) != 0) {
        status = bhi_fail(error, BH_E_MANIFEST,
                          "%s: expected the name \"%s\", found \"%s\"; to serve a capsule under "
                          "another name, start the service again",
                          entry->path, entry->name, bh_capsule_name(capsule));
        bh_capsule_release(capsule);
        return status;
    }
    loading->loaded = bhi_version_create(capsule);
    if (loading->loaded == NULL)
        return bhi_fail(error, BH_E_NOMEM, "out of memory for a capsule");
    status = bh_capsule_start(capsule, error); /* last: what the old one runs hands over */
    if (status == BH_OK)
        return BH_OK;
    bhi_version_release(loading->loaded);
    loading->loaded = NULL;
    return status;
}

static void load_cb(uv_work_t *work)
{
    change *loading = work->data;
    bh_status status = load(loading);
    (void)status; /* nothing is loaded, or `error` says why */
}

/* What was offered still is; the answer says what that is, and why it is not more. */
static void fail(change *failed)
{
    bhi_catalog_entry *entry = failed->request.entry;
    bhi_version *version;
    atomic_fetch_add_explicit(&entry->reload_failures, 1, memory_order_relaxed);
    bhi_catalog_fail(entry, &failed->error);
    bhi_log(BHI_LOG_ERROR, "capsule %s: reload failed: %s", entry->name, failed->error.text);
    const char *state = bhi_entry_state_name(bhi_catalog_take(entry, &version, NULL));
    json_t *error = bhi_error_json("load-failed", failed->error.text, 0);
    json_object_set_new(error, "status", json_string(bh_status_name(failed->error.code)));
    json_t *serving =
        version == NULL ? json_null() : json_string(bh_capsule_version(version->capsule));
    bhi_version_release(version);
    json_t *body = json_pack("{s:o,s:s,s:o}", "error", error, "state", state, "version", serving);
    finish(failed, bhi_answer_json(MHD_HTTP_UNPROCESSABLE_CONTENT, body));
}

static void loaded_cb(uv_work_t *work, int status)
{
    change *loaded = work->data;
    if (loaded->http->phase != HTTP_SERVING) { /* too late for a new version */
        bhi_version_release(loaded->loaded);
        finish(loaded, bhi_answer_draining());
    } else if (loaded->loaded == NULL) {
        fail(loaded);
    } else {
        uint64_t load_ns = bhi_monotonic_ns() - loaded->began_ns;
        atomic_fetch_add_explicit(&loaded->request.entry->reloads, 1, memory_order_relaxed);
        publish(loaded, loaded->loaded);
        put_number(loaded, "load_ns", load_ns);
    }
}

/* ---- start ---- */

static bool begin(change *started)
{
    uv_loop_t *loop = bhi_worker_loop(started->http->options.worker);
    if (!started->request.is_unload)
        return uv_queue_work(loop, &started->work, load_cb, loaded_cb) == 0;
    publish(started, NULL);
    return true;
}

bool bhi_change_start(bhi_http *http, const bhi_change_request *request, bhi_answer *ret_refusal)
{
    if (!bhi_catalog_begin_change(request->entry)) {
        *ret_refusal = bhi_answer_error(MHD_HTTP_CONFLICT, "busy",
                                        "a reload or unload of this capsule has not ended yet");
        return false;
    }
    change *started = calloc(1, sizeof *started);
    if (started != NULL) {
        *started = (change){.request = *request, .http = http, .began_ns = bhi_monotonic_ns()};
        started->work.data = started;
        bhi_task_init(&started->gone, await_hooks);
        bhi_task_init(&started->idle, await_run_loop);
        bhi_task_init(&started->stopped, end_drain);
        bhi_list_push_back(&http->changes, &started->link);
        if (begin(started))
            return true;
        bhi_list_remove(&started->link);
        free(started);
    }
    bhi_catalog_end_change(request->entry);
    *ret_refusal = bhi_answer_status(BH_E_NOMEM, NULL);
    return false;
}
