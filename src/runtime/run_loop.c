/* runtime/run_loop.c - the task of a run loop.
 *
 * The task runs when its slice comes, an operation completes, the back-off is over, or somebody
 * wants it stopped; each run looks at where it stands. CPU time is the thread's, read around each
 * poll: waiting costs nothing, and what host calls compute on this thread is the guest's doing.
 */
#include "runtime/run_loop.h"

#include <stdio.h>
#include <stdlib.h>

#include <bulkhead/invocation.h>
#include <jansson.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"

static const bhi_bytes failed_topic = {(const uint8_t *)"bulkhead.v1.run.failed", 22};

static bool must_stop(const bhi_run_loop *loop)
{
    return atomic_load_explicit(&loop->must_stop, memory_order_relaxed);
}

/* ---- the end of a run ---- */

/* What it used and did since the last time is the capsule's to tell, though the lease goes on. */
static void count(bhi_run_loop *loop)
{
    uint64_t used = bhi_instance_fuel_used(loop->pooled->instance);
    bhi_count(&loop->capsule->counters.fuel_used, used - loop->fuel_counted);
    loop->fuel_counted = used;
    bhi_host_totals_add(&loop->capsule->host_totals, &loop->lease.counters);
    loop->lease.counters = (bhi_host_counters){0};
}

static void end_lease(bhi_run_loop *loop)
{
    bhi_handles_clear(loop->pooled->handles);
    bhi_lease_context_end(&loop->lease);
    count(loop);
}

static void drop_instance(bhi_run_loop *loop)
{
    if (loop->pooled == NULL)
        return;
    bhi_instance_abandon(loop->pooled->instance, BH_OUTCOME_CANCELLED);
    if (loop->stage == BHI_RUN_STAGE_RUN)
        end_lease(loop);
    bhi_instance_guest(loop->pooled->instance)->lease = NULL;
    bhi_pooled_destroy(loop->pooled);
    loop->pooled = NULL;
}

static void leave_remotes(bhi_run_loop *loop)
{
    loop->task.remotes = NULL;
    bhi_remotes_leave(loop->remotes);
    loop->remotes = NULL;
}

/* A text that is no UTF-8 is left out. */
static char *failed_json(const bhi_run_loop *loop, const char *failure)
{
    json_t *object =
        json_pack("{s:s,s:s}", "capsule", loop->capsule->manifest.name, "cause", failure);
    if (object == NULL)
        object = json_pack("{s:s}", "capsule", loop->capsule->manifest.name);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void publish_failed(const bhi_run_loop *loop, const char *failure)
{
    char *payload = failed_json(loop, failure);
    if (payload == NULL)
        return;
    bhi_message_spec spec = {.topic = failed_topic,
                             .payload = bhi_bytes_of(payload),
                             .attribution = BHI_ATTRIBUTION_SYSTEM};
    bhi_message *message;
    if (bhi_message_create(&spec, &message, NULL) == BH_OK) {
        bhi_bus_publish(loop->capsule->runtime->bus, message);
        bhi_message_release(message);
    }
    free(payload);
}

static void give_up(bhi_run_loop *loop, const char *failure)
{
    bhi_log(BHI_LOG_ERROR,
            "capsule %s: the run loop ended too often and is not started again; at last: %s",
            loop->capsule->manifest.name, failure);
    publish_failed(loop, failure);
    bhi_supervisor_end(loop, BH_RUN_FAILED, failure);
}

static void backoff_over_cb(void *arg)
{
    bhi_run_loop *loop = arg;
    loop->stage = BHI_RUN_STAGE_BEGIN;
    bhi_worker_ready(loop->worker, &loop->task);
}

static void restart_later(bhi_run_loop *loop, const char *failure)
{
    const bh_run_options *options = bhi_supervisor_options(loop->supervisor);
    uint64_t now_ns = bhi_monotonic_ns();
    uint32_t delay_ms;
    if (!bhi_restarts_take(&loop->history, options, now_ns, now_ns - loop->began_ns, &delay_ms) ||
        bhi_timer_open(loop->worker, delay_ms * BHI_NS_PER_MS, backoff_over_cb, loop, &loop->timer,
                       NULL) != BH_OK) {
        give_up(loop, failure);
        return;
    }
    bhi_log(BHI_LOG_WARN, "capsule %s: the run loop ended: %s; it is started again in %u ms",
            loop->capsule->manifest.name, failure, delay_ms);
    loop->stage = BHI_RUN_STAGE_BACKOFF;
    bhi_supervisor_note(loop, BH_RUN_WAITING, failure);
}

static void close_timer(bhi_run_loop *loop)
{
    bhi_timer_close(loop->timer);
    loop->timer = NULL;
}

static void late_cb(void *arg)
{
    bhi_run_loop *loop = arg;
    loop->is_late = true;
    bhi_worker_ready(loop->worker, &loop->task);
}

static void begin_to_drain(bhi_run_loop *loop)
{
    drop_instance(loop);
    close_timer(loop);
    loop->stage = BHI_RUN_STAGE_DRAIN;
    loop->is_late =
        bhi_timer_open(loop->worker, BHI_RUN_DRAIN_NS, late_cb, loop, &loop->timer, NULL) != BH_OK;
}

static void stop(bhi_run_loop *loop)
{
    if (loop->stage != BHI_RUN_STAGE_DRAIN)
        begin_to_drain(loop);
    if (loop->remotes != NULL && !loop->is_late && bhi_remotes_are_open(loop->remotes, &loop->task))
        return;
    close_timer(loop);
    leave_remotes(loop);
    bhi_supervisor_end(loop, BH_RUN_STOPPED, NULL);
}

/* ---- running ---- */

static bool has_waited(const bhi_run_loop *loop)
{
    return loop->was_suspended || loop->lease.has_waited || loop->lease.has_signalled_ready;
}

static void describe(const bhi_run_loop *loop, char ret_text[BH_RUN_FAILURE_BYTES])
{
    const bhi_call_result *result = bhi_instance_result(loop->pooled->instance);
    uint32_t window_ms = bhi_supervisor_options(loop->supervisor)->cpu_window_ms;
    if (result->outcome == BH_OUTCOME_DEADLINE)
        snprintf(ret_text, BH_RUN_FAILURE_BYTES,
                 "deadline: it computed for %d windows of %u ms and neither waited nor received a "
                 "message",
                 BHI_SILENT_WINDOWS_MAX, window_ms);
    else
        snprintf(ret_text, BH_RUN_FAILURE_BYTES, "%s%s%s", bh_outcome_name(result->outcome),
                 result->message[0] != '\0' ? ": " : "", result->message);
}

static void end_run(bhi_run_loop *loop)
{
    char failure[BH_RUN_FAILURE_BYTES];
    bool has_returned = bhi_instance_result(loop->pooled->instance)->outcome == BH_OUTCOME_RETURNED;
    bhi_run found = has_returned && !has_waited(loop) ? BHI_RUN_STUB : BHI_RUN_LOOP;
    describe(loop, failure);
    drop_instance(loop);
    if (must_stop(loop)) {
        stop(loop);
        return;
    }
    leave_remotes(loop);
    if (bhi_supervisor_decide(loop, found) == BHI_RUN_STUB)
        bhi_supervisor_end(loop, BH_RUN_NONE, NULL);
    else
        restart_later(loop, failure);
}

/* What the guest showed in its last slice. */
static void look(bhi_run_loop *loop)
{
    count(loop);
    if (!loop->is_decided && (has_waited(loop) || loop->window.silent > 0)) {
        (void)bhi_supervisor_decide(loop, BHI_RUN_LOOP); /* or it was decided before */
        loop->is_decided = true;
    }
    if (!loop->is_ready && loop->lease.has_signalled_ready) {
        bhi_supervisor_note(loop, BH_RUN_READY, NULL);
        loop->is_ready = true;
    }
}

/* True: its time is over (L1). */
static bool poll_run(bhi_run_loop *loop, bhi_poll *ret_poll)
{
    uint64_t window_ns = bhi_supervisor_options(loop->supervisor)->cpu_window_ms * BHI_NS_PER_MS;
    uint64_t received = loop->lease.counters.received;
    uint64_t cpu_ns = bhi_clock_read(CLOCK_THREAD_CPUTIME_ID);
    *ret_poll = bhi_instance_poll(loop->pooled->instance);
    cpu_ns = bhi_clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    bool is_suspended = *ret_poll == BHI_POLL_WAITING;
    loop->was_suspended |= is_suspended;
    return bhi_run_window_note(&loop->window, window_ns, cpu_ns,
                               is_suspended || loop->lease.counters.received != received);
}

static void go_on_running(bhi_run_loop *loop)
{
    bhi_poll poll;
    bool is_over = poll_run(loop, &poll);
    if (poll != BHI_POLL_DONE && !is_over) {
        look(loop);
        if (poll == BHI_POLL_YIELDED)
            bhi_worker_ready(loop->worker, &loop->task);
        return;
    }
    if (poll != BHI_POLL_DONE)
        bhi_instance_abandon(loop->pooled->instance, BH_OUTCOME_DEADLINE);
    end_run(loop);
}

static void set_lease(bhi_run_loop *loop)
{
    bhi_lease_call call = {
        .principal = loop->capsule->grants.owner,
        .is_run_loop = true,
        .called_at_ns = loop->began_ns,
        .deadline_ns = BHI_DEADLINE_NEVER,
        .is_cancelled = &loop->must_stop,
        .worker = loop->worker,
        .task = &loop->task,
    };
    bhi_lease_context_fill(&loop->lease, loop->capsule, &call);
    loop->lease.batch = &loop->batch;
    bhi_instance_guest(loop->pooled->instance)->lease = &loop->lease;
}

static void enter(bhi_run_loop *loop)
{
    loop->budget = (bhi_budget){
        .fuel = UINT64_MAX, /* counted; what bounds it is L1 */
        .deadline_ns = BHI_DEADLINE_NEVER,
        .memory_bytes_max = BH_MEMORY_BYTES_DEFAULT,
        .table_elements_max = BHI_TABLE_ELEMENTS_MAX,
        .is_cancelled = &loop->must_stop,
    };
    set_lease(loop);
    loop->stage = BHI_RUN_STAGE_RUN;
    bhi_instance_begin_entry(loop->pooled->instance, &loop->budget, BHI_ENTRY_RUN);
    go_on_running(loop);
}

/* ---- building ---- */

static void fail_build(bhi_run_loop *loop, const bh_error *error)
{
    char failure[BH_RUN_FAILURE_BYTES];
    snprintf(failure, sizeof failure, "%.*s", BH_RUN_FAILURE_BYTES - 1, error->text);
    drop_instance(loop);
    leave_remotes(loop);
    restart_later(loop, failure);
}

static bh_status begin_build(bhi_run_loop *loop, bh_error *reterr)
{
    loop->task.remotes = loop->remotes = bhi_remotes_create();
    if (loop->remotes == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a run loop");
    bhi_capsule_fill_init_lease(loop->capsule, &loop->lease);
    return bhi_pooled_begin_build(loop->capsule, BHI_BUILD_ALONE, &loop->lease, &loop->pooled,
                                  reterr);
}

static void begin(bhi_run_loop *loop)
{
    bh_error error;
    close_timer(loop);
    loop->began_ns = bhi_monotonic_ns();
    loop->window = (bhi_run_window){0};
    loop->was_suspended = loop->is_ready = false;
    loop->fuel_counted = 0;
    loop->stage = BHI_RUN_STAGE_BUILD;
    bhi_supervisor_note(loop, BH_RUN_STARTING, NULL);
    if (begin_build(loop, &error) != BH_OK)
        fail_build(loop, &error);
    else
        bhi_worker_ready(loop->worker, &loop->task);
}

static void go_on_building(bhi_run_loop *loop)
{
    bh_error error;
    bhi_poll poll = bhi_instance_poll(loop->pooled->instance);
    BHI_ASSERT(poll != BHI_POLL_WAITING); /* no host call waits during initialisation */
    if (poll == BHI_POLL_YIELDED)
        bhi_worker_ready(loop->worker, &loop->task);
    else if (bhi_pooled_check_built(loop->pooled, &error) != BH_OK)
        fail_build(loop, &error);
    else
        enter(loop);
}

static void run_stage(bhi_run_loop *loop)
{
    switch (loop->stage) {
    case BHI_RUN_STAGE_BEGIN:
        begin(loop);
        break;
    case BHI_RUN_STAGE_BUILD:
        go_on_building(loop);
        break;
    case BHI_RUN_STAGE_RUN:
        go_on_running(loop);
        break;
    case BHI_RUN_STAGE_BACKOFF:
    case BHI_RUN_STAGE_DRAIN: /* there it must stop */
        break;
    }
}

/* initial-exec: found without a call, in a shared library too. */
static _Thread_local bool is_here __attribute__((tls_model("initial-exec")));

bool bhi_run_loop_is_here(void)
{
    return is_here;
}

static void run_cb(bhi_task *task)
{
    bhi_run_loop *loop = (bhi_run_loop *)task;
    is_here = true;
    if (must_stop(loop))
        stop(loop);
    else
        run_stage(loop);
    is_here = false; /* the loop may be gone */
}

/* ---- create, destroy ---- */

bhi_run_loop *bhi_run_loop_create(bh_capsule *capsule, bhi_supervisor *supervisor,
                                  bhi_worker *worker)
{
    bhi_run_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    bhi_task_init(&loop->task, run_cb);
    bhi_link_init(&loop->link);
    loop->capsule = capsule;
    loop->supervisor = supervisor;
    loop->worker = worker;
    loop->run = capsule->manifest.run;
    return loop;
}

void bhi_run_loop_destroy(bhi_run_loop *loop)
{
    if (loop == NULL)
        return;
    BHI_ASSERT(bhi_link_is_alone(&loop->link) && loop->pooled == NULL); /* U2 */
    free(loop);
}

void bhi_run_loop_reset(bhi_run_loop *loop)
{
    BHI_ASSERT(loop->pooled == NULL && loop->timer == NULL);
    atomic_store_explicit(&loop->must_stop, false, memory_order_relaxed);
    loop->stage = BHI_RUN_STAGE_BEGIN;
    loop->history = (bhi_restarts){0};
}
