/* runtime/keeper.c - the keeper's thread: a worker with three timers, one descriptor, and one task
 * that other threads post.
 */
#include "runtime/keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "os/memory.h"
#include "runtime/keeper_state.h"

/* ---- capsules ---- */

void bhi_keeper_add(bhi_keeper *keeper, bh_capsule *capsule)
{
    pthread_mutex_lock(&keeper->lock);
    bhi_list_push_back(&keeper->capsules, &capsule->keeper_link);
    pthread_mutex_unlock(&keeper->lock);
    if (bhi_ceiling_has_starved(&keeper->ceiling))
        bhi_keeper_wake(keeper,
                        0); /* its idle instances could give way, and did not count before */
}

void bhi_keeper_remove(bhi_keeper *keeper, bh_capsule *capsule)
{
    pthread_mutex_lock(&keeper->lock);
    bhi_list_remove(&capsule->keeper_link);
    pthread_mutex_unlock(&keeper->lock);
}

bh_capsule *bhi_keeper_next(bhi_keeper *keeper, bh_capsule *take_after)
{
    bh_capsule *next = NULL;
    pthread_mutex_lock(&keeper->lock);
    bhi_link *link = take_after == NULL ? keeper->capsules.next : take_after->keeper_link.next;
    for (; link != &keeper->capsules && next == NULL; link = link->next) {
        bh_capsule *capsule = BHI_CONTAINER_OF(link, bh_capsule, keeper_link);
        if (bhi_capsule_retain_if_held(capsule))
            next = capsule;
    }
    pthread_mutex_unlock(&keeper->lock);
    bh_capsule_release(take_after);
    return next;
}

void bhi_keeper_rotate(bhi_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bhi_link *first = bhi_list_first(&keeper->capsules);
    if (first != NULL) {
        bhi_list_remove(first);
        bhi_list_push_back(&keeper->capsules, first);
    }
    pthread_mutex_unlock(&keeper->lock);
}

bhi_ceiling *bhi_keeper_ceiling(bhi_keeper *keeper)
{
    return &keeper->ceiling;
}

/* ---- waking ---- */

void bhi_keeper_wake(bhi_keeper *keeper, uint64_t at_ns)
{
    uint64_t asked_ns = atomic_load_explicit(&keeper->wake_at_ns, memory_order_relaxed);
    while (at_ns < asked_ns &&
           !atomic_compare_exchange_weak_explicit(&keeper->wake_at_ns, &asked_ns, at_ns,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    bhi_worker_post(keeper->worker, &keeper->wake_task);
}

static void on_wake_timer(uv_timer_t *timer);

static void start_wake_timer(bhi_keeper *keeper, uint64_t at_ns, uint64_t now_ns)
{
    if (at_ns >= keeper->due_ns)
        return;
    keeper->due_ns = at_ns;
    uint64_t delay_ms = (at_ns - now_ns + BHI_NS_PER_MS - 1) / BHI_NS_PER_MS;
    uv_update_time(bhi_worker_loop(keeper->worker));
    uv_timer_start(&keeper->wake_timer, on_wake_timer, delay_ms, 0);
}

static void on_wake_timer(uv_timer_t *timer)
{
    bhi_keeper *keeper = timer->data;
    uint64_t due_ns = keeper->due_ns, now_ns = bhi_monotonic_ns();
    keeper->due_ns = UINT64_MAX;
    if (due_ns > now_ns)
        start_wake_timer(keeper, due_ns, now_ns); /* the loop's clock runs ahead */
    else
        bhi_keeper_advance(keeper, now_ns);
}

static void run_wake(bhi_task *task)
{
    bhi_keeper *keeper = BHI_CONTAINER_OF(task, bhi_keeper, wake_task);
    uint64_t now_ns = bhi_monotonic_ns();
    uint64_t at_ns =
        atomic_exchange_explicit(&keeper->wake_at_ns, UINT64_MAX, memory_order_relaxed);
    if (at_ns <= now_ns)
        bhi_keeper_advance(keeper, now_ns);
    else if (at_ns != UINT64_MAX)
        start_wake_timer(keeper, at_ns, now_ns);
}

/* ---- timers and pressure ---- */

static void on_evict(uv_timer_t *timer)
{
    bhi_keeper_evict_idle(timer->data, bhi_monotonic_ns());
}

static void on_look(uv_timer_t *timer);

static void look_by_the_clock(bhi_keeper *keeper)
{
    uv_timer_start(&keeper->look_timer, on_look, BHI_LOOK_MS, BHI_LOOK_MS);
}

/* The kernel tells once, then the clock takes over until memory suffices: so a descriptor that
 * never falls silent costs a look now and then. After an error it is not listened to any more. */
static void on_pressure(uv_poll_t *poll, int status, int events)
{
    bhi_keeper *keeper = poll->data;
    keeper->is_told = status == 0 && (events & UV_PRIORITIZED) != 0;
    uv_poll_stop(&keeper->pressure_poll);
    look_by_the_clock(keeper);
    if (keeper->is_told)
        bhi_keeper_relieve(keeper, bhi_monotonic_ns());
}

static void listen_to_pressure(bhi_keeper *keeper)
{
    keeper->is_told = uv_poll_start(&keeper->pressure_poll, UV_PRIORITIZED, on_pressure) == 0;
}

static void on_look(uv_timer_t *timer)
{
    bhi_keeper *keeper = timer->data;
    bhi_keeper_look_at_memory(keeper, bhi_monotonic_ns());
    if (keeper->is_short || !keeper->is_told)
        return;
    listen_to_pressure(keeper);
    if (keeper->is_told && keeper->options.resident_bytes_max == 0)
        uv_timer_stop(&keeper->look_timer);
}

static void open_timers(bhi_keeper *keeper)
{
    uv_loop_t *loop = bhi_worker_loop(keeper->worker);
    uv_timer_init(loop, &keeper->evict_timer);
    uv_timer_init(loop, &keeper->wake_timer);
    uv_timer_init(loop, &keeper->look_timer);
    keeper->evict_timer.data = keeper->wake_timer.data = keeper->look_timer.data = keeper;
    uv_timer_start(&keeper->evict_timer, on_evict, keeper->options.evict_ms,
                   keeper->options.evict_ms);
}

/* The kernel tells when memory is short, or else it is looked at by the clock. */
static void open_pressure(bhi_keeper *keeper)
{
    const bhi_keeper_options *options = &keeper->options;
    if (options->take_pressure_fd != 0)
        keeper->pressure_fd = options->take_pressure_fd;
    else if (options->meminfo_path == NULL)
        keeper->pressure_fd = bhi_memory_open_pressure();
    uv_loop_t *loop = bhi_worker_loop(keeper->worker);
    keeper->has_poll = keeper->pressure_fd >= 0 &&
                       uv_poll_init(loop, &keeper->pressure_poll, keeper->pressure_fd) == 0;
    if (keeper->has_poll) {
        keeper->pressure_poll.data = keeper;
        listen_to_pressure(keeper);
    }
    if (!keeper->is_told || options->resident_bytes_max != 0)
        look_by_the_clock(keeper);
}

/* ---- create, destroy ---- */

static bh_status start(bhi_keeper *keeper, bh_error *reterr)
{
    bh_status status = bhi_worker_create(&keeper->worker, reterr);
    if (status != BH_OK)
        return status;
    open_timers(keeper);
    open_pressure(keeper);
    return bhi_worker_start(keeper->worker, "keeper", reterr);
}

bh_status bhi_keeper_create(const bhi_keeper_options *options, bhi_keeper **ret_keeper,
                            bh_error *reterr)
{
    bhi_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the keeper of the pools");
    keeper->options = *options;
    if (keeper->options.evict_ms == 0)
        keeper->options.evict_ms = BHI_EVICT_MS_DEFAULT;
    bhi_ceiling_init(&keeper->ceiling, options->live_max);
    pthread_mutex_init(&keeper->lock, NULL);
    bhi_link_init(&keeper->capsules);
    bhi_task_init(&keeper->wake_task, run_wake);
    atomic_init(&keeper->wake_at_ns, UINT64_MAX);
    keeper->due_ns = UINT64_MAX;
    keeper->pressure_fd = -1;
    bh_status status = start(keeper, reterr);
    if (status != BH_OK) {
        bhi_keeper_destroy(keeper);
        return status;
    }
    *ret_keeper = keeper;
    return BH_OK;
}

static void close_handles(bhi_keeper *keeper)
{
    uv_close((uv_handle_t *)&keeper->evict_timer, NULL);
    uv_close((uv_handle_t *)&keeper->wake_timer, NULL);
    uv_close((uv_handle_t *)&keeper->look_timer, NULL);
    if (keeper->has_poll)
        uv_close((uv_handle_t *)&keeper->pressure_poll, NULL);
}

void bhi_keeper_destroy(bhi_keeper *keeper)
{
    if (keeper == NULL)
        return;
    atomic_store_explicit(&keeper->must_stop, true, memory_order_release);
    if (keeper->worker != NULL) {
        bhi_worker_stop(keeper->worker);
        bhi_worker_join(keeper->worker);
        close_handles(keeper);
        bhi_worker_destroy(keeper->worker); /* also runs what was posted last */
    }
    if (keeper->pressure_fd >= 0)
        close(keeper->pressure_fd);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}
