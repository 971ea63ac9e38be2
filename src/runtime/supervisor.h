/* runtime/supervisor.h - which capsules of a runtime run loops, and on which thread.
 *
 * All run loops share one worker, made for the first. A loop is active from its start until it has
 * stopped, failed for good, or turned out to be a stub.
 *
 * U1  Of the capsules of one name at most one is active: a new version's `run` begins after the old
 *     one's instance is gone.
 * U2  An active loop borrows its capsule, whose last release waits until it is not: a capsule that
 *     nobody holds runs nothing.
 * U3  A task of an inactive loop is on no queue.
 *
 * Threads: any but the worker's own, unless a function says otherwise.
 */
#ifndef BHI_RUNTIME_SUPERVISOR_H
#define BHI_RUNTIME_SUPERVISOR_H

#include "runtime/capsule.h"

typedef struct bhi_supervisor bhi_supervisor;
struct bhi_run_loop;

/* Fails with BH_E_ARG, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_supervisor_create(const bh_run_options *options,
                                            bhi_supervisor **ret_supervisor, bh_error *reterr);
/* No loop is active any more, and none is started from now on. Takes NULL. */
void bhi_supervisor_stop_all(bhi_supervisor *supervisor);
/* No capsule is left. Takes NULL. */
void bhi_supervisor_destroy(bhi_supervisor *supervisor);

/* As bh_capsule_start says. */
BH_MUST_USE bh_status bhi_supervisor_start(bhi_supervisor *supervisor, bh_capsule *capsule,
                                           bh_error *reterr);
/* As bh_capsule_stop says. */
void bhi_supervisor_stop(bhi_supervisor *supervisor, bh_capsule *capsule);
/* Begin to stop it and let it not start again. Returns at once; any thread. */
void bhi_supervisor_close(bhi_supervisor *supervisor, bh_capsule *capsule);
/* Post the task when no loop of the closed capsule is active: at once, or when it has stopped. One
 * task at a time; any thread. */
void bhi_supervisor_when_stopped(bhi_supervisor *supervisor, bh_capsule *capsule,
                                 bhi_worker *worker, bhi_task *task);
/* Nobody holds the capsule any more: stop it and free what it has here. */
void bhi_supervisor_remove(bhi_supervisor *supervisor, bh_capsule *capsule);

/* The run loop's part of the stats. Any thread. */
void bhi_supervisor_read(bhi_supervisor *supervisor, const bh_capsule *capsule,
                         bh_capsule_stats *stats);

/* ---- for run_loop.c, on the worker ---- */

const bh_run_options *bhi_supervisor_options(const bhi_supervisor *supervisor);

/* `run` returned or waited, or may be waited for no longer: it is `found`, unless it was decided
 * before. Returns what it is. */
bhi_run bhi_supervisor_decide(struct bhi_run_loop *loop, bhi_run found);
/* `failure` may be NULL: keep the last. */
void bhi_supervisor_note(struct bhi_run_loop *loop, bh_run_state state, const char *failure);
/* The same, and the loop is inactive: it may be freed at once, nothing of it is touched any more.
 */
void bhi_supervisor_end(struct bhi_run_loop *loop, bh_run_state state, const char *failure);

#endif
