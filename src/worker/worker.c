/* worker/worker.c - tasks first, then the loop.
 *
 * A turn runs every task that was ready when it began, once; what becomes ready meanwhile waits for
 * the next turn, behind one look of the loop at descriptors and timers. So a task that readies
 * itself for ever starves nothing. The loop is asked only when somebody has a handle on it: a turn
 * that runs one task on a worker without handles makes no system call.
 *
 * Posting is a lock-free stack (Treiber). It is only ever pushed to and taken whole, so there is no
 * ABA problem; taking it whole and reversing it gives arrival order. Who pushes on an empty stack
 * wakes the loop: a later pusher found a task whose pusher has done so or is about to.
 *
 * W1 rests on is_queued: whoever turns it from false to true owns the task's place in a queue. It
 * is cleared by an exchange just before the run, so what a poster wrote before a post that changed
 * nothing is still seen by that run.
 */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "worker/timer.h"

struct bhi_worker {
    /* Atomics, touched by any thread. */
    _Atomic(bhi_task *) posted; /* newest first; a push releases, taking all acquires */
    atomic_uint wakers_count;   /* threads inside post or stop: destroy waits for them, because they
                                   touch the worker after their task may have run */
    atomic_bool must_stop;      /* released by stop, acquired by the started thread */
    atomic_ullong tasks_run, turns, posts; /* written by the worker's thread; relaxed */

    /* The own thread's. */
    bhi_link ready;   /* made ready since the turn began */
    bhi_link running; /* still to run in this turn */
    unsigned expected_posts;
    bool is_waiting;   /* in the loop, for events */
    pthread_t own;     /* handed over by start and join */
    bool is_started;   /* of whoever starts and joins */
    pthread_t thread;  /* when is_started */
    uv_async_t wakeup; /* unreferenced: it keeps no loop alive */
    uv_loop_t loop;
    bhi_timers timers;
    struct {
        const bhi_service_kind *kind;
        void *service;
    } services[BHI_WORKER_SERVICES_MAX];
    size_t services_count;
    char thread_name[16]; /* what Linux keeps of a thread's name */
};

static void count(atomic_ullong *counter)
{
    /* One writer: no locked instruction needed. */
    unsigned long long value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static bool has_tasks(const bhi_worker *worker)
{
    return !bhi_link_is_alone(&worker->ready) ||
           atomic_load_explicit(&worker->posted, memory_order_relaxed) != NULL;
}

static void check_thread(const bhi_worker *worker)
{
    BHI_ASSERT(pthread_equal(worker->own, pthread_self())); /* W2 */
}

void bhi_task_init(bhi_task *task, void (*run)(bhi_task *task))
{
    *task = (bhi_task){.run = run};
    bhi_link_init(&task->link);
    atomic_init(&task->is_queued, false);
}

/* ---- create, destroy ---- */

static bh_status fail_loop(bh_error *reterr, int failed)
{
    if (failed == UV_ENOMEM)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an event loop");
    bh_status status = bhi_fail(reterr, BH_E_IO, "open an event loop: %s", uv_strerror(failed));
    if (reterr != NULL)
        reterr->os_code = -failed; /* libuv's codes are negated errno values */
    return status;
}

/* Nothing: the wakeup only ends a wait. Posted tasks are taken at the next turn. */
static void wakeup_cb(uv_async_t *wakeup)
{
}

static bh_status open_loop(bhi_worker *worker, bh_error *reterr)
{
    int failed = uv_loop_init(&worker->loop);
    if (failed != 0)
        return fail_loop(reterr, failed);
    failed = uv_async_init(&worker->loop, &worker->wakeup, wakeup_cb);
    if (failed != 0) {
        uv_loop_close(&worker->loop);
        return fail_loop(reterr, failed);
    }
    uv_unref((uv_handle_t *)&worker->wakeup);
    return BH_OK;
}

bh_status bhi_worker_create(bhi_worker **ret_worker, bh_error *reterr)
{
    bhi_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a worker");
    bhi_link_init(&worker->ready);
    bhi_link_init(&worker->running);
    worker->own = pthread_self();
    bh_status status = open_loop(worker, reterr);
    if (status != BH_OK) {
        free(worker);
        return status;
    }
    *ret_worker = worker;
    return BH_OK;
}

static void check_closing_cb(uv_handle_t *handle, void *arg)
{
    BHI_ASSERT(uv_is_closing(handle)); /* else the loop would run for ever */
}

static void close_services(bhi_worker *worker)
{
    while (worker->services_count > 0) {
        worker->services_count--;
        worker->services[worker->services_count].kind->close(
            worker->services[worker->services_count].service);
    }
}

static void close_loop(bhi_worker *worker)
{
    uv_close((uv_handle_t *)&worker->wakeup, NULL);
    uv_walk(&worker->loop, check_closing_cb, NULL);
    uv_run(&worker->loop, UV_RUN_DEFAULT); /* the close callbacks */
    int failed = uv_loop_close(&worker->loop);
    BHI_ASSERT(failed == 0);
}

void bhi_worker_destroy(bhi_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->is_started) {
        bhi_worker_stop(worker);
        bhi_worker_join(worker);
    }
    worker->own = pthread_self();
    while (worker->expected_posts > 0 || has_tasks(worker))
        bhi_worker_turn(worker, true);
    while (atomic_load_explicit(&worker->wakers_count, memory_order_acquire) > 0)
        sched_yield();                               /* a few instructions from leaving */
    BHI_ASSERT(bhi_link_is_alone(&worker->running)); /* else a task destroys its own worker */
    close_services(worker);
    bhi_timers_deinit(&worker->timers);
    close_loop(worker);
    free(worker);
}

/* ---- queues ---- */

static void enter_waker(bhi_worker *worker)
{
    atomic_fetch_add_explicit(&worker->wakers_count, 1, memory_order_relaxed);
}

static void leave_waker(bhi_worker *worker)
{
    atomic_fetch_sub_explicit(&worker->wakers_count, 1, memory_order_release);
}

static bool take_place(bhi_task *task)
{
    return !atomic_exchange_explicit(&task->is_queued, true, memory_order_acq_rel);
}

static void push_ready(bhi_worker *worker, bhi_task *task)
{
    task->is_ready = true;
    bhi_list_push_back(&worker->ready, &task->link);
}

static void leave_queue(bhi_task *task)
{
    bhi_list_remove(&task->link);
    task->is_ready = false;
    atomic_exchange_explicit(&task->is_queued, false, memory_order_acq_rel);
}

/* Libuv before 1.45 calls back due timers and then still waits for descriptors; a stop says that it
 * shall not. */
void bhi_worker_ready(bhi_worker *worker, bhi_task *task)
{
    check_thread(worker);
    if (!task->is_ready && take_place(task))
        push_ready(worker, task);
    if (worker->is_waiting)
        uv_stop(&worker->loop);
}

void bhi_worker_post(bhi_worker *worker, bhi_task *task)
{
    /* Counted from before the place is taken: after the push the task may run, and end the
     * worker, at any moment. */
    enter_waker(worker);
    if (take_place(task)) {
        bhi_task *newest = atomic_load_explicit(&worker->posted, memory_order_relaxed);
        do
            task->next_posted = newest;
        while (!atomic_compare_exchange_weak_explicit(&worker->posted, &newest, task,
                                                      memory_order_release, memory_order_relaxed));
        if (newest == NULL)
            uv_async_send(&worker->wakeup);
    }
    leave_waker(worker);
}

static bhi_task *reverse(bhi_task *newest)
{
    bhi_task *oldest = NULL;
    while (newest != NULL) {
        bhi_task *next = newest->next_posted;
        newest->next_posted = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void take_posted(bhi_worker *worker)
{
    if (atomic_load_explicit(&worker->posted, memory_order_relaxed) == NULL)
        return;
    bhi_task *task = reverse(atomic_exchange_explicit(&worker->posted, NULL, memory_order_acquire));
    while (task != NULL) {
        push_ready(worker, task);
        count(&worker->posts);
        task = task->next_posted;
    }
}

void bhi_worker_forget(bhi_worker *worker, bhi_task *task)
{
    check_thread(worker);
    if (!atomic_load_explicit(&task->is_queued, memory_order_relaxed))
        return;
    if (!task->is_ready)
        take_posted(worker);
    BHI_ASSERT(task->is_ready); /* else it is being posted at this moment, or to another worker */
    leave_queue(task);
}

void bhi_worker_expect_post(bhi_worker *worker)
{
    worker->expected_posts++;
}

void bhi_worker_expected_came(bhi_worker *worker)
{
    BHI_ASSERT(worker->expected_posts > 0);
    worker->expected_posts--;
}

/* ---- turns ---- */

static bhi_task *next_task(bhi_worker *worker)
{
    bhi_link *link = bhi_list_first(&worker->running);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_task, link);
}

/* Move what is ready behind what is left of a turn that this one is nested in. */
static void begin_round(bhi_worker *worker)
{
    bhi_link *ready = &worker->ready, *running = &worker->running;
    if (bhi_link_is_alone(ready))
        return;
    ready->next->prev = running->prev;
    running->prev->next = ready->next;
    ready->prev->next = running;
    running->prev = ready->prev;
    bhi_link_init(ready);
}

/* True when there was something to run. A task may free itself, so it is not touched after. */
static bool run_tasks(bhi_worker *worker)
{
    bhi_task *task = next_task(worker);
    if (task == NULL)
        return false;
    for (; task != NULL; task = next_task(worker)) {
        leave_queue(task);
        count(&worker->tasks_run);
        task->run(task);
    }
    return true;
}

static void wait_for_events(bhi_worker *worker)
{
    uv_ref((uv_handle_t *)&worker->wakeup); /* libuv does not wait for nothing */
    worker->is_waiting = true;
    uv_run(&worker->loop, UV_RUN_ONCE);
    worker->is_waiting = false;
    uv_unref((uv_handle_t *)&worker->wakeup);
}

void bhi_worker_turn(bhi_worker *worker, bool may_block)
{
    check_thread(worker);
    count(&worker->turns);
    take_posted(worker);
    begin_round(worker);
    bool has_run = run_tasks(worker);
    if (!has_run && may_block)
        wait_for_events(worker);
    else if (uv_loop_alive(&worker->loop))
        uv_run(&worker->loop, UV_RUN_NOWAIT);
}

/* ---- a thread of its own ---- */

static void *run_thread(void *arg)
{
    bhi_worker *worker = arg;
    worker->own = pthread_self();
    pthread_setname_np(worker->own, worker->thread_name);
    bool must_stop;
    do {
        must_stop = atomic_load_explicit(&worker->must_stop, memory_order_acquire);
        if (!must_stop || has_tasks(worker))
            bhi_worker_turn(worker, !must_stop);
    } while (!must_stop || has_tasks(worker)); /* W3 */
    return NULL;
}

bh_status bhi_worker_start(bhi_worker *worker, const char *thread_name, bh_error *reterr)
{
    BHI_ASSERT(!worker->is_started);
    snprintf(worker->thread_name, sizeof worker->thread_name, "%s", thread_name);
    errno = pthread_create(&worker->thread, NULL, run_thread, worker);
    if (errno != 0)
        return bhi_fail_os(reterr, "start the thread of a worker");
    worker->is_started = true;
    return BH_OK;
}

void bhi_worker_stop(bhi_worker *worker)
{
    enter_waker(worker);
    atomic_store_explicit(&worker->must_stop, true, memory_order_release);
    uv_async_send(&worker->wakeup);
    leave_waker(worker);
}

void bhi_worker_join(bhi_worker *worker)
{
    if (!worker->is_started)
        return;
    int failed = pthread_join(worker->thread, NULL);
    BHI_ASSERT(failed == 0);
    worker->is_started = false;
    worker->own = pthread_self();
}

/* ---- reading ---- */

uv_loop_t *bhi_worker_loop(bhi_worker *worker)
{
    return &worker->loop;
}

bhi_timers *bhi_worker_timers(bhi_worker *worker)
{
    return &worker->timers;
}

bh_status bhi_worker_service(bhi_worker *worker, const bhi_service_kind *kind, void **ret_service,
                             bh_error *reterr)
{
    check_thread(worker);
    for (size_t i = 0; i < worker->services_count; i++)
        if (worker->services[i].kind == kind) {
            *ret_service = worker->services[i].service;
            return BH_OK;
        }
    BHI_ASSERT(worker->services_count < BHI_WORKER_SERVICES_MAX); /* kinds are ours */
    bh_status status = kind->open(worker, ret_service, reterr);
    if (status != BH_OK)
        return status;
    worker->services[worker->services_count].kind = kind;
    worker->services[worker->services_count++].service = *ret_service;
    return BH_OK;
}

uint64_t bhi_worker_now_ns(const bhi_worker *worker)
{
    return bhi_monotonic_ns();
}

void bhi_worker_read_stats(const bhi_worker *worker, bhi_worker_stats *ret_stats)
{
    *ret_stats = (bhi_worker_stats){
        .tasks_run = atomic_load_explicit(&worker->tasks_run, memory_order_relaxed),
        .turns = atomic_load_explicit(&worker->turns, memory_order_relaxed),
        .posts = atomic_load_explicit(&worker->posts, memory_order_relaxed),
    };
}
