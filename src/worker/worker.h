/* worker/worker.h - one thread, one event loop, one run queue.
 *
 * A task is something that can run a little and then return: an invocation, most of the time. The
 * worker runs ready tasks in arrival order and lets the loop look at its descriptors and timers
 * between rounds, so a task that is always ready starves neither. Everything reached from a task
 * is single-threaded; other threads hand tasks over with bhi_worker_post.
 *
 * W1  A task is on at most one queue; posting or readying a queued task again changes nothing.
 * W2  A task's run function is called on the worker's thread only, never inside ready or post.
 * W3  After bhi_worker_stop no new turn begins once the queues are empty.
 *
 * Threads: functions are for the worker's own thread, except create, start, post, stop, join,
 *          destroy and read_stats. The own thread is the creating one; from start to join it is the
 *          started one.
 */
#ifndef BHI_WORKER_WORKER_H
#define BHI_WORKER_WORKER_H

#include <stdatomic.h>

#include <uv.h>

#include "base/error.h"
#include "base/list.h"

typedef struct bhi_worker bhi_worker;
typedef struct bhi_task bhi_task;

struct bhi_task {
    bhi_link link;         /* on the run queue (worker's thread only) */
    bhi_task *next_posted; /* on the posted stack */
    void (*run)(bhi_task *task);
    struct bhi_remotes *remotes; /* counts what it has under way elsewhere (remote.h); or NULL */
    bool is_ready;               /* on the run queue; worker's thread only */
    atomic_bool is_queued;       /* on the run queue or the posted stack (W1) */
};

void bhi_task_init(bhi_task *task, void (*run)(bhi_task *task));

/* A worker whose loop the calling thread will run. Fails with BH_E_NOMEM, BH_E_IO. */
BH_MUST_USE bh_status bhi_worker_create(bhi_worker **ret_worker, bh_error *reterr);

/* Give the worker a thread of its own, which runs until bhi_worker_stop. Copies the name, of which
 * the first 15 bytes count. Fails with BH_E_IO. */
BH_MUST_USE bh_status bhi_worker_start(bhi_worker *worker, const char *thread_name,
                                       bh_error *reterr);

/* Ask a started worker to end; returns at once. Any thread. Then join waits for the thread. */
void bhi_worker_stop(bhi_worker *worker);
void bhi_worker_join(bhi_worker *worker);

/* Takes NULL. All tasks are gone and all handles closed or closing by now; joins a started one.
 * Blocks: until every expected post has come. */
void bhi_worker_destroy(bhi_worker *worker);

/* One turn: run what is ready (each task once), then the loop. Waits for events only when
 * `may_block` and the turn had no task to run, so that a caller can look, after each turn with
 * work, whether that was what it waited for. For workers without a thread. A task may call it, a
 * callback of the loop may not. */
void bhi_worker_turn(bhi_worker *worker, bool may_block);

void bhi_worker_ready(bhi_worker *worker, bhi_task *task);
/* From any thread. What the poster wrote before is visible to the run that follows. */
void bhi_worker_post(bhi_worker *worker, bhi_task *task);
/* Take the task off its queue, if it is on one, so that it may be freed. Nobody may be posting it
 * at this moment. */
void bhi_worker_forget(bhi_worker *worker, bhi_task *task);

/* A post is owed to this worker by another thread: destroy waits for it. */
void bhi_worker_expect_post(bhi_worker *worker);
void bhi_worker_expected_came(bhi_worker *worker);

uv_loop_t *bhi_worker_loop(bhi_worker *worker);
struct bhi_timers *bhi_worker_timers(bhi_worker *worker); /* of worker/timer.c */

/* Something that uses the worker's loop and lives as long as the worker, such as a client with its
 * connections. Kinds are compared by address. */
typedef struct bhi_service_kind {
    bh_status (*open)(bhi_worker *worker, void **ret_service, bh_error *reterr);
    void (*close)(void *service); /* no task runs any more; its handles may close in the loop */
} bhi_service_kind;

enum { BHI_WORKER_SERVICES_MAX = 4 };

/* The worker's one of this kind, opened at the first call. Fails as open does. */
BH_MUST_USE bh_status bhi_worker_service(bhi_worker *worker, const bhi_service_kind *kind,
                                         void **ret_service, bh_error *reterr);

/* Loop time is cached by libuv per turn, in ms; this reads the clock behind it. */
uint64_t bhi_worker_now_ns(const bhi_worker *worker);

typedef struct bhi_worker_stats {
    uint64_t tasks_run;
    uint64_t turns;
    uint64_t posts; /* tasks taken off the posted stack */
} bhi_worker_stats;

void bhi_worker_read_stats(const bhi_worker *worker, bhi_worker_stats *ret_stats);

#endif
