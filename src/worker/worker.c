/* worker/worker.c - run queue, posted stack, loop.
 *
 * Posted tasks form a stack that other threads push onto with one compare-and-swap; only the push
 * onto an empty stack wakes the loop. The worker takes the whole stack at once and turns it into
 * arrival order. The loop is entered only when it may have something to do, so a blocking
 * invocation that never waits costs no system call.
 */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"

struct bhi_worker {
    uv_loop_t loop;
    uv_async_t wake;            /* unreferenced: does not keep the loop alive */
    bhi_link ready;             /* the run queue */
    _Atomic(bhi_task *) posted; /* stack; push releases, take acquires */
    atomic_bool must_stop;
    unsigned expected_posts; /* worker's thread only */
    bool has_thread;
    pthread_t thread;
    const char *thread_name;
    bhi_worker_stats stats;
};

static void wake_cb(uv_async_t *wake)
{
    (void)wake; /* the turn takes the posted tasks */
}

static bh_status fail_uv(bh_error *reterr, const char *what, int code)
{
    bh_status status = bhi_fail(reterr, code == UV_ENOMEM ? BH_E_NOMEM : BH_E_IO, "%s: %s", what,
                                uv_strerror(code));
    if (reterr != NULL)
        reterr->os_code = -code;
    return status;
}

bh_status bhi_worker_create(bhi_worker **ret_worker, bh_error *reterr)
{
    bhi_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a worker");
    bhi_link_init(&worker->ready);
    int code = uv_loop_init(&worker->loop);
    if (code != 0) {
        free(worker);
        return fail_uv(reterr, "cannot open an event loop", code);
    }
    code = uv_async_init(&worker->loop, &worker->wake, wake_cb);
    if (code != 0) {
        uv_loop_close(&worker->loop);
        free(worker);
        return fail_uv(reterr, "cannot open an event loop's wake-up", code);
    }
    uv_unref((uv_handle_t *)&worker->wake);
    *ret_worker = worker;
    return BH_OK;
}

uv_loop_t *bhi_worker_loop(bhi_worker *worker)
{
    return &worker->loop;
}

uint64_t bhi_worker_now_ns(const bhi_worker *worker)
{
    (void)worker;
    return bhi_monotonic_ns();
}

void bhi_worker_read_stats(const bhi_worker *worker, bhi_worker_stats *ret_stats)
{
    *ret_stats = worker->stats;
}

void bhi_task_init(bhi_task *task, void (*run)(bhi_task *task))
{
    *task = (bhi_task){.run = run};
    bhi_link_init(&task->link);
}

void bhi_worker_ready(bhi_worker *worker, bhi_task *task)
{
    if (task->is_ready)
        return;
    task->is_ready = true;
    bhi_list_push_back(&worker->ready, &task->link);
}

void bhi_worker_forget(bhi_worker *worker, bhi_task *task)
{
    (void)worker;
    bhi_list_remove(&task->link);
    task->is_ready = false;
}

void bhi_worker_post(bhi_worker *worker, bhi_task *task)
{
    if (atomic_exchange(&task->is_posted, 1))
        return;
    bhi_task *top = atomic_load_explicit(&worker->posted, memory_order_relaxed);
    do {
        task->next_posted = top;
    } while (!atomic_compare_exchange_weak_explicit(&worker->posted, &top, task,
                                                    memory_order_release, memory_order_relaxed));
    if (top == NULL)
        uv_async_send(&worker->wake);
}

static void take_posted(bhi_worker *worker)
{
    bhi_task *newest = atomic_exchange_explicit(&worker->posted, NULL, memory_order_acquire);
    bhi_task *oldest = NULL;
    while (newest != NULL) {
        bhi_task *next = newest->next_posted;
        newest->next_posted = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        bhi_task *task = oldest;
        oldest = task->next_posted;
        atomic_store(&task->is_posted, 0);
        worker->stats.posts++;
        bhi_worker_ready(worker, task);
    }
}

static bool has_posted(bhi_worker *worker)
{
    return atomic_load_explicit(&worker->posted, memory_order_relaxed) != NULL;
}

/* Each task that is ready now, once: what becomes ready meanwhile waits for the next turn. */
static void run_ready(bhi_worker *worker)
{
    bhi_task last = {0};
    bhi_list_push_back(&worker->ready, &last.link);
    for (;;) {
        bhi_link *link = bhi_list_first(&worker->ready);
        bhi_list_remove(link);
        if (link == &last.link)
            return;
        bhi_task *task = BHI_CONTAINER_OF(link, bhi_task, link);
        task->is_ready = false;
        worker->stats.tasks_run++;
        task->run(task);
    }
}

void bhi_worker_turn(bhi_worker *worker, bool may_block)
{
    worker->stats.turns++;
    if (has_posted(worker))
        take_posted(worker);
    bool had_work = !bhi_link_is_alone(&worker->ready);
    if (had_work)
        run_ready(worker);
    if (!had_work && may_block) {
        uv_ref((uv_handle_t *)&worker->wake); /* wait for it even if nothing else is open */
        uv_run(&worker->loop, UV_RUN_ONCE);
        uv_unref((uv_handle_t *)&worker->wake);
    } else if (uv_loop_alive(&worker->loop)) {
        uv_run(&worker->loop, UV_RUN_NOWAIT);
    }
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

/* ---- a thread of its own ---- */

static bool has_queued(bhi_worker *worker)
{
    return has_posted(worker) || !bhi_link_is_alone(&worker->ready);
}

static void *worker_main(void *arg)
{
    bhi_worker *worker = arg;
    pthread_setname_np(pthread_self(), worker->thread_name);
    while (!atomic_load(&worker->must_stop) || has_queued(worker))
        bhi_worker_turn(worker, true);
    return NULL;
}

bh_status bhi_worker_start(bhi_worker *worker, const char *thread_name, bh_error *reterr)
{
    worker->thread_name = thread_name;
    int failure = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (failure != 0) {
        errno = failure;
        return bhi_fail_os(reterr, "cannot start a worker's thread");
    }
    worker->has_thread = true;
    return BH_OK;
}

void bhi_worker_stop(bhi_worker *worker)
{
    atomic_store(&worker->must_stop, true);
    uv_async_send(&worker->wake);
}

void bhi_worker_join(bhi_worker *worker)
{
    if (!worker->has_thread)
        return;
    pthread_join(worker->thread, NULL);
    worker->has_thread = false;
}

void bhi_worker_destroy(bhi_worker *worker)
{
    if (worker == NULL)
        return;
    bhi_worker_join(worker);
    while (worker->expected_posts > 0 || has_queued(worker))
        bhi_worker_turn(worker, true);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_run(&worker->loop, UV_RUN_DEFAULT); /* until closing handles are closed */
    int code = uv_loop_close(&worker->loop);
    BHI_ASSERT(code == 0); /* the caller left a handle open */
    free(worker);
}
