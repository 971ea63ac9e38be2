/* runtime/supervisor.c - starting, stopping and looking at run loops from other threads.
 *
 * One lock guards what other threads see of all loops, and one condition is signalled whenever
 * somebody may have waited for the change: a `run` was decided, a loop became inactive. Both are
 * rare, so everybody looks again.
 *
 * A task is posted under the lock, while its loop is active; ending it takes the task off its queue
 * under the same lock (U3).
 */
#include "runtime/supervisor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "runtime/run_loop.h"

struct bhi_supervisor {
    bh_run_options options; /* set once */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bhi_link active;    /* guarded by lock; by bhi_run_loop.link */
    bool is_closing;    /* guarded by lock */
    bhi_worker *worker; /* guarded by lock until it is made, then set; NULL: no run loop yet */
};

const char *bh_run_state_name(bh_run_state state)
{
    static const char *const names[] = {
        [BH_RUN_NONE] = "none",       [BH_RUN_STARTING] = "starting", [BH_RUN_READY] = "ready",
        [BH_RUN_WAITING] = "waiting", [BH_RUN_STOPPED] = "stopped",   [BH_RUN_FAILED] = "failed",
    };
    return (unsigned)state <= BH_RUN_FAILED ? names[state] : "unknown";
}

/* ---- create, destroy ---- */

static void open_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bh_status bhi_supervisor_create(const bh_run_options *options, bhi_supervisor **ret_supervisor,
                                bh_error *reterr)
{
    bhi_supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (supervisor == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the supervisor of run loops");
    bh_status status = bhi_run_options_choose(options, &supervisor->options, reterr);
    if (status != BH_OK) {
        free(supervisor);
        return status;
    }
    pthread_mutex_init(&supervisor->lock, NULL);
    open_condition(&supervisor->changed);
    bhi_link_init(&supervisor->active);
    *ret_supervisor = supervisor;
    return BH_OK;
}

void bhi_supervisor_destroy(bhi_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    BHI_ASSERT(bhi_link_is_alone(&supervisor->active)); /* U2 */
    bhi_worker_destroy(supervisor->worker);
    pthread_cond_destroy(&supervisor->changed);
    pthread_mutex_destroy(&supervisor->lock);
    free(supervisor);
}

const bh_run_options *bhi_supervisor_options(const bhi_supervisor *supervisor)
{
    return &supervisor->options;
}

/* ---- stop ---- */

static bool is_active(const bhi_run_loop *loop)
{
    return loop != NULL && !bhi_link_is_alone(&loop->link);
}

static void wait_for_change_locked(bhi_supervisor *supervisor)
{
    BHI_ASSERT(!bhi_run_loop_is_here()); /* else it waits for itself: a callback of ours waits */
    pthread_cond_wait(&supervisor->changed, &supervisor->lock);
}

static void ask_to_stop_locked(bhi_run_loop *loop)
{
    atomic_store_explicit(&loop->must_stop, true, memory_order_relaxed);
    bhi_worker_post(loop->worker, &loop->task);
}

static void stop_locked(bhi_supervisor *supervisor, const bh_capsule *capsule)
{
    while (is_active(capsule->run_loop)) {
        ask_to_stop_locked(capsule->run_loop);
        wait_for_change_locked(supervisor);
    }
}

void bhi_supervisor_stop(bhi_supervisor *supervisor, bh_capsule *capsule)
{
    pthread_mutex_lock(&supervisor->lock);
    stop_locked(supervisor, capsule);
    pthread_mutex_unlock(&supervisor->lock);
}

void bhi_supervisor_close(bhi_supervisor *supervisor, bh_capsule *capsule)
{
    pthread_mutex_lock(&supervisor->lock);
    capsule->must_not_start = true;
    if (is_active(capsule->run_loop))
        ask_to_stop_locked(capsule->run_loop);
    pthread_mutex_unlock(&supervisor->lock);
}

void bhi_supervisor_when_stopped(bhi_supervisor *supervisor, bh_capsule *capsule,
                                 bhi_worker *worker, bhi_task *task)
{
    pthread_mutex_lock(&supervisor->lock);
    bhi_run_loop *loop = capsule->run_loop;
    BHI_ASSERT(capsule->must_not_start && (loop == NULL || loop->stopped_task == NULL));
    if (is_active(loop)) {
        loop->stopped_worker = worker;
        loop->stopped_task = task;
    } else {
        bhi_worker_post(worker, task);
    }
    pthread_mutex_unlock(&supervisor->lock);
}

void bhi_supervisor_remove(bhi_supervisor *supervisor, bh_capsule *capsule)
{
    bhi_supervisor_stop(supervisor, capsule);
    bhi_run_loop_destroy(capsule->run_loop);
}

void bhi_supervisor_stop_all(bhi_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    pthread_mutex_lock(&supervisor->lock);
    supervisor->is_closing = true;
    bhi_link *first;
    while ((first = bhi_list_first(&supervisor->active)) != NULL) {
        ask_to_stop_locked(BHI_CONTAINER_OF(first, bhi_run_loop, link));
        wait_for_change_locked(supervisor);
    }
    pthread_mutex_unlock(&supervisor->lock);
}

/* ---- start ---- */

static bh_status open_worker_locked(bhi_supervisor *supervisor, bh_error *reterr)
{
    if (supervisor->worker != NULL)
        return BH_OK;
    bhi_worker *worker;
    bh_status status = bhi_worker_create(&worker, reterr);
    if (status == BH_OK)
        status = bhi_worker_start(worker, "run-loops", reterr);
    else
        return status;
    if (status != BH_OK)
        bhi_worker_destroy(worker);
    else
        supervisor->worker = worker;
    return status;
}

static bh_status prepare_locked(bhi_supervisor *supervisor, bh_capsule *capsule, bh_error *reterr)
{
    bh_status status = open_worker_locked(supervisor, reterr);
    if (status != BH_OK || capsule->run_loop != NULL)
        return status;
    capsule->run_loop = bhi_run_loop_create(capsule, supervisor, supervisor->worker);
    return capsule->run_loop != NULL ? BH_OK
                                     : bhi_fail(reterr, BH_E_NOMEM, "no memory for a run loop");
}

static bhi_run_loop *find_namesake_locked(bhi_supervisor *supervisor, const bh_capsule *capsule)
{
    for (bhi_link *link = supervisor->active.next; link != &supervisor->active; link = link->next) {
        bhi_run_loop *loop = BHI_CONTAINER_OF(link, bhi_run_loop, link);
        if (loop->capsule != capsule &&
            strcmp(loop->capsule->manifest.name, capsule->manifest.name) == 0)
            return loop;
    }
    return NULL;
}

/* U1. The other one may be gone after each wait, so it is looked for again. */
static void take_over_locked(bhi_supervisor *supervisor, const bh_capsule *capsule)
{
    bhi_run_loop *other;
    while ((other = find_namesake_locked(supervisor, capsule)) != NULL) {
        ask_to_stop_locked(other);
        wait_for_change_locked(supervisor);
    }
}

static void begin_locked(bhi_supervisor *supervisor, bhi_run_loop *loop)
{
    if (is_active(loop) || loop->run == BHI_RUN_STUB)
        return;
    bhi_run_loop_reset(loop);
    loop->state = BH_RUN_STARTING;
    bhi_list_push_back(&supervisor->active, &loop->link);
    bhi_worker_post(loop->worker, &loop->task);
}

static void decide_locked(bhi_run_loop *loop, bhi_run found)
{
    if (loop->run != BHI_RUN_UNKNOWN)
        return;
    loop->run = found;
    bool is_loop = found == BHI_RUN_LOOP;
    atomic_store_explicit(&loop->capsule->is_run_loop, is_loop, memory_order_relaxed);
    pthread_cond_broadcast(&loop->supervisor->changed);
}

static void wait_until_decided_locked(bhi_supervisor *supervisor, bhi_run_loop *loop)
{
    uint64_t until_ns = bhi_monotonic_ns() + supervisor->options.decision_ms_max * BHI_NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / BHI_NS_PER_SECOND),
                             .tv_nsec = (long)(until_ns % BHI_NS_PER_SECOND)};
    /* A stub is waited for until it is inactive: then its state is told right. */
    while (is_active(loop) && loop->run != BHI_RUN_LOOP)
        if (pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &until) != 0)
            decide_locked(loop, BHI_RUN_LOOP);
}

static bh_status check_open_locked(const bhi_supervisor *supervisor, const bh_capsule *capsule,
                                   bh_error *reterr)
{
    if (!capsule->must_not_start && !supervisor->is_closing)
        return BH_OK;
    return bhi_fail(reterr, BH_E_CLOSED, "capsule %s is closed", capsule->manifest.name);
}

static bh_status start_locked(bhi_supervisor *supervisor, bh_capsule *capsule, bh_error *reterr)
{
    bool may_run =
        capsule->manifest.run != BHI_RUN_STUB && bhi_code_has_entry(capsule->code, BHI_ENTRY_RUN);
    bh_status status = check_open_locked(supervisor, capsule, reterr);
    if (status == BH_OK && may_run)
        status = prepare_locked(supervisor, capsule, reterr);
    if (status != BH_OK)
        return status;
    take_over_locked(supervisor, capsule);
    status = check_open_locked(supervisor, capsule, reterr);
    if (status != BH_OK || !may_run)
        return status;
    begin_locked(supervisor, capsule->run_loop);
    wait_until_decided_locked(supervisor, capsule->run_loop);
    return check_open_locked(supervisor, capsule, reterr);
}

bh_status bhi_supervisor_start(bhi_supervisor *supervisor, bh_capsule *capsule, bh_error *reterr)
{
    pthread_mutex_lock(&supervisor->lock);
    bh_status status = start_locked(supervisor, capsule, reterr);
    pthread_mutex_unlock(&supervisor->lock);
    while (bhi_capsule_is_run_loop(capsule) &&
           bhi_pool_evict_one(capsule->pool, bhi_monotonic_ns())) {
    } /* nobody will lease what was built before it was found out */
    return status;
}

/* ---- from the worker ---- */

bhi_run bhi_supervisor_decide(bhi_run_loop *loop, bhi_run found)
{
    pthread_mutex_lock(&loop->supervisor->lock);
    decide_locked(loop, found);
    bhi_run run = loop->run;
    pthread_mutex_unlock(&loop->supervisor->lock);
    return run;
}

static void note_locked(bhi_run_loop *loop, bh_run_state state, const char *failure)
{
    loop->restarts += loop->state == BH_RUN_WAITING && state == BH_RUN_STARTING;
    loop->state = state;
    if (failure != NULL)
        snprintf(loop->failure, sizeof loop->failure, "%s", failure);
}

void bhi_supervisor_note(bhi_run_loop *loop, bh_run_state state, const char *failure)
{
    pthread_mutex_lock(&loop->supervisor->lock);
    note_locked(loop, state, failure);
    pthread_mutex_unlock(&loop->supervisor->lock);
}

void bhi_supervisor_end(bhi_run_loop *loop, bh_run_state state, const char *failure)
{
    bhi_supervisor *supervisor = loop->supervisor;
    pthread_mutex_lock(&supervisor->lock);
    bhi_worker_forget(loop->worker, &loop->task); /* U3 */
    bhi_list_remove(&loop->link);
    note_locked(loop, state, failure);
    if (loop->stopped_task != NULL)
        bhi_worker_post(loop->stopped_worker, loop->stopped_task);
    loop->stopped_task = NULL;
    pthread_cond_broadcast(&supervisor->changed);
    pthread_mutex_unlock(&supervisor->lock);
}

/* ---- reading ---- */

void bhi_supervisor_read(bhi_supervisor *supervisor, const bh_capsule *capsule,
                         bh_capsule_stats *stats)
{
    pthread_mutex_lock(&supervisor->lock);
    const bhi_run_loop *loop = capsule->run_loop;
    if (loop != NULL) {
        stats->run_state = loop->state;
        stats->run_restarts = loop->restarts;
        memcpy(stats->run_failure, loop->failure, sizeof stats->run_failure);
    }
    pthread_mutex_unlock(&supervisor->lock);
}
