/* runtime/keeper_build.c - builds ahead: tasks of the keeper's worker, one per slot.
 *
 * A build runs in slices, as an invocation does, so that a slow initialisation holds up neither
 * other builds nor the keeper's timers.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "runtime/keeper_state.h"
#include "runtime/pooled.h"

typedef struct ahead_build {
    bhi_task task; /* first: the worker gives it back */
    bhi_keeper *keeper;
    bh_capsule *capsule; /* held */
    bhi_slot *slot;
    bhi_pooled *pooled; /* NULL before the first slice */
    bhi_lease_context lease;
} ahead_build;

static void end_build(ahead_build *build)
{
    bh_capsule *capsule = build->capsule;
    free(build);
    bh_capsule_release(capsule);
}

static void fail_build(ahead_build *build, const bh_error *error)
{
    bhi_pooled_destroy(build->pooled);
    bhi_pool_build_failed(build->capsule->pool, build->slot, bhi_monotonic_ns(), error);
    end_build(build);
}

static void give_up(ahead_build *build)
{
    bhi_pooled_destroy(build->pooled);
    bhi_pool_decline(build->capsule->pool, build->slot, bhi_monotonic_ns());
    end_build(build);
}

static void finish_build(ahead_build *build)
{
    bh_error error;
    if (bhi_pooled_check_built(build->pooled, &error) != BH_OK) {
        fail_build(build, &error);
        return;
    }
    bhi_instance_guest(build->pooled->instance)->lease = NULL;
    bhi_pool_built_idle(build->capsule->pool, build->slot, build->pooled, bhi_monotonic_ns());
    end_build(build);
}

static void run_build(bhi_task *task)
{
    ahead_build *build = (ahead_build *)task;
    bh_error error;
    if (atomic_load_explicit(&build->keeper->must_stop, memory_order_acquire)) {
        give_up(build);
        return;
    }
    if (build->pooled == NULL) {
        bhi_capsule_fill_init_lease(build->capsule, &build->lease);
        if (bhi_pooled_begin_build(build->capsule, BHI_BUILD_LENT, &build->lease, &build->pooled,
                                   &error) != BH_OK) {
            fail_build(build, &error);
            return;
        }
    }
    bhi_poll poll = bhi_instance_poll(build->pooled->instance);
    BHI_ASSERT(poll != BHI_POLL_WAITING); /* no host call waits during initialisation */
    if (poll == BHI_POLL_YIELDED)
        bhi_worker_ready(build->keeper->worker, &build->task);
    else
        finish_build(build);
}

void bhi_keeper_build(bhi_keeper *keeper, bh_capsule *capsule, bhi_slot *slot)
{
    ahead_build *build = calloc(1, sizeof *build);
    if (build == NULL) { /* the next caller builds */
        bhi_pool_decline(capsule->pool, slot, bhi_monotonic_ns());
        return;
    }
    bhi_task_init(&build->task, run_build);
    build->keeper = keeper;
    build->capsule = bh_capsule_retain(capsule);
    build->slot = slot;
    bhi_worker_post(keeper->worker, &build->task);
}

void bhi_keeper_refill(bhi_keeper *keeper, bh_capsule *capsule, uint64_t now_ns)
{
    bhi_slot *slot;
    if (bhi_capsule_is_run_loop(capsule))
        return; /* nobody will lease it */
    while ((slot = bhi_pool_reserve_warm(capsule->pool, now_ns)) != NULL)
        bhi_keeper_build(keeper, capsule, slot);
}
