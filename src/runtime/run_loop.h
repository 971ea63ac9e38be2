/* runtime/run_loop.h - a capsule's `run` in instances of its own, one after the other.
 *
 *   BEGIN ─► BUILD ─► RUN ─┬─ returned, trapped, silent ─► BACKOFF ─► BEGIN
 *                          ├─ returned, never waited ────► end (a stub: the capsule is pooled)
 *                          └─ must_stop, at any stage ───► DRAIN ─► end
 *
 * Stopping ends a call at once, but what the call had begun on another thread (a write to kv) goes
 * on: it is waited for, up to BHI_RUN_DRAIN_NS, so that it takes effect before the next version
 * begins.
 *
 * Each run has a fresh instance, started from the snapshot and never restored.
 */
#ifndef BHI_RUNTIME_RUN_LOOP_H
#define BHI_RUNTIME_RUN_LOOP_H

#include "runtime/pooled.h"
#include "runtime/run_limits.h"
#include "runtime/supervisor.h"
#include "base/clock.h"
#include "worker/remote.h"
#include "worker/timer.h"

#define BHI_RUN_DRAIN_NS (2 * BHI_NS_PER_SECOND)

typedef enum bhi_run_stage {
    BHI_RUN_STAGE_BEGIN,
    BHI_RUN_STAGE_BUILD,
    BHI_RUN_STAGE_RUN,
    BHI_RUN_STAGE_BACKOFF,
    BHI_RUN_STAGE_DRAIN
} bhi_run_stage;

typedef struct bhi_run_loop {
    bhi_task task;              /* first: the worker gives it back */
    bh_capsule *capsule;        /* set once; borrowed (U2) */
    bhi_supervisor *supervisor; /* set once */
    bhi_worker *worker;         /* set once */

    bhi_link link;                      /* guarded by the supervisor's lock: alone unless active */
    bhi_run run;                        /* likewise: what it is, as far as it is known */
    bh_run_state state;                 /* likewise */
    uint64_t restarts;                  /* likewise: since the load */
    char failure[BH_RUN_FAILURE_BYTES]; /* likewise: how the last run ended; "" */
    bhi_worker *stopped_worker;         /* likewise: where to post the next when it is inactive */
    bhi_task *stopped_task;             /* likewise; NULL: nowhere */

    atomic_bool must_stop; /* also ends a computing guest */

    /* The worker's; of who starts it, while it is inactive. */
    bhi_run_stage stage;
    bhi_pooled *pooled; /* NULL between two runs */
    bhi_lease_context lease;
    bhi_batch_origin batch;
    bhi_budget budget;
    bhi_run_window window;
    bool was_suspended;    /* in this run */
    bool is_ready;         /* in this run; as the supervisor knows */
    bool is_decided;       /* as the supervisor knows */
    uint64_t began_ns;     /* this run */
    uint64_t fuel_counted; /* of this run */
    bhi_restarts history;
    bhi_remotes *remotes; /* of this run; NULL between two */
    bhi_timer *timer;     /* of BACKOFF and DRAIN; NULL otherwise */
    bool is_late;         /* DRAIN: its time is over */
} bhi_run_loop;

/* For a capsule that exports `run`. NULL: no memory. */
bhi_run_loop *bhi_run_loop_create(bh_capsule *capsule, bhi_supervisor *supervisor,
                                  bhi_worker *worker);
/* Inactive. Takes NULL. */
void bhi_run_loop_destroy(bhi_run_loop *loop);

/* Inactive: let its task, once posted, begin anew, with nothing held against it. */
void bhi_run_loop_reset(bhi_run_loop *loop);

/* A loop's task is what this thread is running: it must not wait for one. */
bool bhi_run_loop_is_here(void);

#endif
