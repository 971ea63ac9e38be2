/* runtime/invocation.c - one invocation as a task of its worker.
 *
 *   CHECKOUT ─┬─ lease ──────────────────────────► CALL ─► settle, clear, return ─► done
 *             ├─ build ─► BUILD ─ built ───────────┘ │
 *             └─ queued ─► QUEUED ─ granted ─► (lease or build)
 *
 * The task runs again when its slice comes, an operation completes, a grant arrives, the deadline's
 * timer fires or somebody cancels; each run looks at where it stands. While it waits, a timer holds
 * the deadline: a suspended guest runs no epoch check.
 *
 * Lease end runs on every path: abandon if needed, handles closed, lease context gone, slot back.
 */
#include "runtime/invocation.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "runtime/admission.h"
#include "runtime/lease.h"
#include "runtime/pooled.h"
#include "runtime/profiles.h"
#include "worker/timer.h"

typedef enum stage { STAGE_CHECKOUT, STAGE_QUEUED, STAGE_BUILD, STAGE_CALL } stage;

struct bhi_invocation {
    bhi_task task; /* first: the worker gives it back */
    bh_capsule *capsule;
    bhi_worker *worker;
    bhi_admitted request;
    bhi_invocation_done_cb done_cb;
    void *done_arg;

    stage stage;
    bhi_waiter waiter;
    bhi_task grant_task; /* posted by whichever thread grants; carries the two fields below */
    bh_status grant_status;
    bhi_grant grant;
    bhi_slot *slot; /* leased or building */
    bhi_pooled *pooled;
    bhi_lease_context lease;
    const bhi_message *cause; /* the message that it handles, or NULL */
    bhi_budget budget;
    bhi_hook_call hook_call;
    bhi_buffer own_buffer;
    bhi_buffer *buffer; /* where the result's bytes go */

    uint64_t began_ns, leased_ns, deadline_ns;
    bhi_timer *timer; /* the deadline, while nothing runs; NULL otherwise */
    bool is_expired;  /* it fired */
    atomic_bool is_cancelled;
};

static bhi_invocation *invocation_of(bhi_task *task)
{
    return (bhi_invocation *)task;
}

/* ---- done ---- */

static void free_invocation(bhi_invocation *invocation)
{
    bhi_timer_close(invocation->timer);
    bhi_worker_forget(invocation->worker, &invocation->task);
    bhi_buffer_deinit(&invocation->own_buffer);
    free(invocation);
}

static void finish_failed(bhi_invocation *invocation, const bh_error *error)
{
    bhi_count(&invocation->capsule->counters.outcomes[BH_OUTCOME_REFUSED], 1);
    invocation->done_cb(invocation->done_arg, error->code, NULL, error);
    free_invocation(invocation);
}

static void refuse(bhi_invocation *invocation, bh_status code, const char *text)
{
    bh_error error;
    bh_status status = bhi_fail(&error, code, "%s", text);
    (void)status; /* in the error */
    finish_failed(invocation, &error);
}

static const char *keep_text(bhi_buffer *buffer, size_t *used, const char *text)
{
    size_t len = strlen(text) + 1;
    char *kept = (char *)buffer->data + *used;
    memcpy(kept, text, len);
    *used += len;
    return kept;
}

/* Message and backtrace belong to the instance, which is about to go. */
static void keep_failure(bhi_invocation *invocation, const bhi_call_result *from, bh_result *to)
{
    size_t used = 0;
    if (!bhi_buffer_reserve(invocation->buffer,
                            strlen(from->message) + strlen(from->backtrace) + 2))
        return;
    to->message = keep_text(invocation->buffer, &used, from->message);
    to->backtrace = keep_text(invocation->buffer, &used, from->backtrace);
}

static void read_result(bhi_invocation *invocation, const bhi_call_result *from, bh_result *to)
{
    *to = (bh_result){.outcome = from->outcome,
                      .action = "",
                      .data = "",
                      .fuel_used = from->fuel_used,
                      .message = "",
                      .backtrace = ""};
    if (from->outcome != BH_OUTCOME_RETURNED) {
        keep_failure(invocation, from, to);
    } else if (invocation->request.entry == BH_ENTRY_HOOK) {
        to->action = (const char *)from->action.data;
        to->action_len = from->action.len;
        to->has_data = from->has_data;
        to->data = (const char *)from->data.data;
        to->data_len = from->data.len;
    }
}

/* ---- settle, clear, return ---- */

/* A carve-out's processes are its principal's, not the lease's; they go when it is restored. All
 * else belongs to this lease's worker, which may be gone before the next lease. */
static void end_lease(bhi_invocation *invocation, bh_outcome outcome, uint64_t now_ns)
{
    bh_capsule *capsule = invocation->capsule;
    bhi_pooled *pooled = invocation->pooled;
    bool is_spent;
    if (capsule->is_carve_out)
        bhi_handles_clear_but(pooled->handles, BHI_RESOURCE_PROCESS_HANDLE);
    else
        bhi_handles_clear(pooled->handles);
    bhi_lease_context_end(&invocation->lease);
    bhi_host_totals_add(&capsule->host_totals, &invocation->lease.counters);
    bhi_instance_guest(pooled->instance)->lease = NULL;
    invocation->pooled = NULL;
    outcome = bhi_pooled_clear(capsule, pooled, outcome, &is_spent);
    bhi_pool_return(capsule->pool, invocation->slot, outcome, is_spent, now_ns);
    invocation->slot = NULL;
}

static void count(const bhi_invocation *invocation, const bh_result *result)
{
    bhi_counters *counters = &invocation->capsule->counters;
    bhi_count(&counters->outcomes[result->outcome], 1);
    bhi_count(&counters->fuel_used, result->fuel_used);
    bhi_histogram_add(&counters->run, result->timings.run_ns);
    if (result->timings.wait_ns != 0)
        bhi_histogram_add(&counters->wait, result->timings.wait_ns);
    if (result->timings.restore_ns != 0)
        bhi_histogram_add(&counters->restore, result->timings.restore_ns);
}

static void settle(bhi_invocation *invocation)
{
    bh_result result;
    read_result(invocation, bhi_instance_result(invocation->pooled->instance), &result);
    uint64_t ran_ns = bhi_monotonic_ns();
    bool is_restored = !bh_outcome_is_clean(result.outcome) || !invocation->capsule->keeps_state;
    end_lease(invocation, result.outcome, ran_ns);
    result.timings = (bh_timings){
        .wait_ns = invocation->leased_ns - invocation->began_ns,
        .run_ns = ran_ns - invocation->leased_ns,
        .restore_ns = is_restored ? bhi_monotonic_ns() - ran_ns : 0,
    };
    count(invocation, &result);
    invocation->done_cb(invocation->done_arg, BH_OK, &result, NULL);
    free_invocation(invocation);
}

/* ---- waiting ---- */

static void deadline_cb(void *arg)
{
    bhi_invocation *invocation = arg;
    invocation->is_expired = true;
    bhi_worker_ready(invocation->worker, &invocation->task);
}

static void hold_deadline(bhi_invocation *invocation)
{
    if (invocation->timer != NULL || invocation->is_expired)
        return;
    uint64_t now_ns = bhi_monotonic_ns();
    uint64_t left_ns = invocation->deadline_ns > now_ns ? invocation->deadline_ns - now_ns : 0;
    bh_status status = bhi_timer_open(invocation->worker, left_ns, deadline_cb, invocation,
                                      &invocation->timer, NULL);
    if (status != BH_OK)
        deadline_cb(invocation); /* no memory for a timer: better to end it than to lose it */
}

static void release_deadline(bhi_invocation *invocation)
{
    if (invocation->timer == NULL)
        return;
    bhi_timer_close(invocation->timer);
    invocation->timer = NULL;
}

static bool is_cancelled(bhi_invocation *invocation)
{
    return atomic_load_explicit(&invocation->is_cancelled, memory_order_relaxed);
}

/* ---- call ---- */

static void set_lease(bhi_invocation *invocation)
{
    bhi_lease_call call = {
        .principal = invocation->request.principal,
        .has_caller = true,
        .called_at_ns = invocation->began_ns,
        .deadline_ns = invocation->deadline_ns,
        .is_cancelled = &invocation->is_cancelled,
        .worker = invocation->worker,
        .task = &invocation->task,
    };
    bhi_lease_context_fill(&invocation->lease, invocation->capsule, &call);
    bhi_instance_guest(invocation->pooled->instance)->lease = &invocation->lease;
}

static void set_cause(bhi_invocation *invocation)
{
    const bhi_message *cause = invocation->cause;
    if (cause == NULL)
        return;
    bhi_lease_context *lease = &invocation->lease;
    bool is_system = cause->spec.attribution == BHI_ATTRIBUTION_SYSTEM;
    lease->source_id = cause->spec.source_id;
    lease->attribution = is_system ? BHI_ATTRIBUTION_VERIFIED : cause->spec.attribution;
    lease->may_act = cause->spec.may_act;
    lease->publish_depth = cause->spec.depth + 1;
}

static void begin_call(bhi_invocation *invocation)
{
    static const bhi_entry entries[] = {
        [BH_ENTRY_HOOK] = BHI_ENTRY_HOOK,
        [BH_ENTRY_INSTALL] = BHI_ENTRY_INSTALL,
        [BH_ENTRY_UPGRADE] = BHI_ENTRY_UPGRADE,
    };
    const bhi_admitted *request = &invocation->request;
    bhi_instance *instance = invocation->pooled->instance;
    invocation->budget = (bhi_budget){
        .fuel = request->fuel_max,
        .deadline_ns = invocation->deadline_ns,
        .memory_bytes_max = request->memory_bytes_max,
        .table_elements_max = BHI_TABLE_ELEMENTS_MAX,
        .is_cancelled = &invocation->is_cancelled,
    };
    set_lease(invocation);
    set_cause(invocation);
    invocation->stage = STAGE_CALL;
    if (request->entry != BH_ENTRY_HOOK) {
        bhi_instance_begin_entry(instance, &invocation->budget, entries[request->entry]);
        return;
    }
    invocation->hook_call = (bhi_hook_call){
        .action = request->action,
        .payload = request->payload,
        .result = invocation->buffer,
        .skip_post_return = !invocation->capsule->keeps_state,
    };
    bhi_instance_begin_hook(instance, &invocation->budget, &invocation->hook_call);
}

/* The guest was not entered: its instance is as good as before. */
static void return_unused(bhi_invocation *invocation, uint64_t memory_bytes)
{
    bh_error error;
    bh_status status = bhi_fail(
        &error, BH_E_LIMIT, "the instance has %llu bytes of memory, the request allows %llu",
        (unsigned long long)memory_bytes, (unsigned long long)invocation->request.memory_bytes_max);
    (void)status; /* in the error */
    end_lease(invocation, BH_OUTCOME_REFUSED, bhi_monotonic_ns());
    finish_failed(invocation, &error);
}

static void go_on_calling(bhi_invocation *invocation)
{
    bhi_instance *instance = invocation->pooled->instance;
    if (is_cancelled(invocation)) {
        bhi_instance_abandon(instance, BH_OUTCOME_CANCELLED);
    } else if (invocation->is_expired) {
        bhi_instance_abandon(instance, BH_OUTCOME_DEADLINE);
    } else {
        switch (bhi_instance_poll(instance)) {
        case BHI_POLL_YIELDED:
            release_deadline(invocation);
            bhi_worker_ready(invocation->worker, &invocation->task);
            return;
        case BHI_POLL_WAITING:
            hold_deadline(invocation);
            return;
        case BHI_POLL_DONE:
            break;
        }
    }
    settle(invocation);
}

/* Enter the guest, unless its instance is larger than the request allows. */
static void enter(bhi_invocation *invocation)
{
    uint64_t memory_bytes = bhi_instance_memory_bytes(invocation->pooled->instance);
    if (memory_bytes > invocation->request.memory_bytes_max) {
        return_unused(invocation, memory_bytes);
        return;
    }
    begin_call(invocation);
    go_on_calling(invocation);
}

/* ---- build ---- */

static void end_build(bhi_invocation *invocation, const bh_error *error)
{
    bhi_pooled_destroy(invocation->pooled);
    invocation->pooled = NULL;
    bhi_pool_build_failed(invocation->capsule->pool, invocation->slot, bhi_monotonic_ns(), error);
    invocation->slot = NULL;
    finish_failed(invocation, error);
}

static void begin_build(bhi_invocation *invocation)
{
    bh_error error;
    invocation->stage = STAGE_BUILD;
    bhi_capsule_fill_init_lease(invocation->capsule, &invocation->lease);
    if (bhi_pooled_begin_build(invocation->capsule, BHI_BUILD_LENT, &invocation->lease,
                               &invocation->pooled, &error) != BH_OK)
        end_build(invocation, &error);
    else
        bhi_worker_ready(invocation->worker, &invocation->task);
}

/* Half an instance serves nobody; the next in the queue may build. */
static void give_up_building(bhi_invocation *invocation, bh_status code, const char *text)
{
    bhi_pooled_destroy(invocation->pooled);
    invocation->pooled = NULL;
    bhi_pool_decline(invocation->capsule->pool, invocation->slot, bhi_monotonic_ns());
    invocation->slot = NULL;
    refuse(invocation, code, text);
}

static void build_later(bhi_invocation *invocation)
{
    if (is_cancelled(invocation))
        give_up_building(invocation, BH_E_CANCELLED, "cancelled while an instance was built");
    else if (bhi_monotonic_ns() >= invocation->deadline_ns)
        give_up_building(invocation, BH_E_DEADLINE,
                         "the deadline passed while an instance was built");
    else
        bhi_worker_ready(invocation->worker, &invocation->task);
}

static void go_on_building(bhi_invocation *invocation)
{
    bh_error error;
    bhi_poll poll = bhi_instance_poll(invocation->pooled->instance);
    BHI_ASSERT(poll != BHI_POLL_WAITING); /* no host call waits during initialisation */
    if (poll == BHI_POLL_YIELDED) {
        build_later(invocation);
        return;
    }
    if (bhi_pooled_check_built(invocation->pooled, &error) != BH_OK) {
        end_build(invocation, &error);
        return;
    }
    invocation->leased_ns = bhi_monotonic_ns();
    bhi_pool_built(invocation->capsule->pool, invocation->slot, invocation->pooled,
                   invocation->leased_ns);
    enter(invocation);
}

/* ---- checkout ---- */

/* What another principal left is taken away; true when the instance can serve on. */
static bool restore_for_next(bh_capsule *capsule, bhi_pooled *pooled)
{
    return capsule->is_tracked && bhi_pooled_restore(capsule, pooled) == BHI_RESTORE_DONE;
}

static void take_grant(bhi_invocation *invocation, bhi_grant grant)
{
    bh_capsule *capsule = invocation->capsule;
    invocation->slot = grant.slot;
    invocation->pooled = grant.kind == BHI_GRANT_BUILD ? NULL : bhi_slot_item(grant.slot);
    if (grant.kind == BHI_GRANT_RESTORE && restore_for_next(capsule, invocation->pooled)) {
        bhi_pool_restored(capsule->pool, grant.slot);
        grant.kind = BHI_GRANT_LEASE;
    }
    if (grant.kind == BHI_GRANT_LEASE) {
        enter(invocation);
        return;
    }
    bhi_pooled_destroy(invocation->pooled);
    invocation->pooled = NULL;
    begin_build(invocation);
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    bhi_invocation *invocation = BHI_CONTAINER_OF(waiter, bhi_invocation, waiter);
    invocation->grant_status = status;
    invocation->grant = grant;
    bhi_worker_post(invocation->worker, &invocation->grant_task);
}

static bh_status check_out_of_pool(bhi_invocation *invocation, bhi_grant *ret_grant,
                                   bh_error *reterr)
{
    bhi_pool *pool = invocation->capsule->pool;
    bhi_waiter *waiter = &invocation->waiter;
    return invocation->request.no_wait
               ? bhi_pool_try_checkout(pool, waiter, invocation->began_ns, ret_grant, reterr)
               : bhi_pool_checkout(pool, waiter, invocation->began_ns, ret_grant, reterr);
}

static void check_out(bhi_invocation *invocation)
{
    bh_error error;
    bhi_grant grant;
    if (is_cancelled(invocation)) {
        refuse(invocation, BH_E_CANCELLED, "cancelled before it began");
        return;
    }
    invocation->waiter.granted_cb = granted_cb;
    invocation->waiter.principal = invocation->request.principal;
    invocation->waiter.weight =
        bhi_profiles_find(invocation->capsule->runtime->profiles, invocation->request.principal)
            ->weight;
    invocation->stage = STAGE_QUEUED; /* before a grant can arrive on another thread */
    if (check_out_of_pool(invocation, &grant, &error) != BH_OK)
        finish_failed(invocation, &error);
    else if (grant.kind == BHI_GRANT_QUEUED)
        hold_deadline(invocation);
    else
        take_grant(invocation, grant);
}

/* A grant that comes too late goes back unused. */
static void give_back(bhi_invocation *invocation, bhi_grant grant)
{
    bhi_pool *pool = invocation->capsule->pool;
    uint64_t now_ns = bhi_monotonic_ns();
    if (grant.kind == BHI_GRANT_LEASE) {
        bhi_pool_return(pool, grant.slot, BH_OUTCOME_REFUSED, false, now_ns);
        return;
    }
    if (grant.kind == BHI_GRANT_RESTORE)
        bhi_pooled_destroy(bhi_slot_item(grant.slot));
    bhi_pool_decline(pool, grant.slot, now_ns);
}

static bool has_given_up(bhi_invocation *invocation)
{
    return is_cancelled(invocation) || invocation->is_expired;
}

static void refuse_given_up(bhi_invocation *invocation)
{
    if (is_cancelled(invocation))
        refuse(invocation, BH_E_CANCELLED, "cancelled while waiting for an instance");
    else
        refuse(invocation, BH_E_DEADLINE, "the deadline passed while waiting for an instance");
}

/* Leave the queue when told to; if a grant is on its way already, it finds us given up. */
static void go_on_queueing(bhi_invocation *invocation)
{
    if (!has_given_up(invocation))
        return;
    bh_error error;
    bh_status why = is_cancelled(invocation) ? BH_E_CANCELLED : BH_E_DEADLINE;
    if (bhi_pool_cancel_wait(invocation->capsule->pool, &invocation->waiter, why, &error))
        finish_failed(invocation, &error);
}

static void run_grant_cb(bhi_task *task)
{
    bhi_invocation *invocation = BHI_CONTAINER_OF(task, bhi_invocation, grant_task);
    release_deadline(invocation);
    invocation->leased_ns = bhi_monotonic_ns();
    if (invocation->grant_status != BH_OK) {
        refuse(invocation, invocation->grant_status,
               "the capsule was closed while the caller "
               "waited for an instance");
    } else if (has_given_up(invocation)) {
        give_back(invocation, invocation->grant);
        refuse_given_up(invocation);
    } else {
        take_grant(invocation, invocation->grant);
    }
}

static void run_cb(bhi_task *task)
{
    bhi_invocation *invocation = invocation_of(task);
    switch (invocation->stage) {
    case STAGE_CHECKOUT:
        check_out(invocation);
        break;
    case STAGE_QUEUED:
        go_on_queueing(invocation);
        break;
    case STAGE_BUILD:
        go_on_building(invocation);
        break;
    case STAGE_CALL:
        go_on_calling(invocation);
        break;
    }
}

/* ---- start ---- */

static bh_status check_pooled(const bh_capsule *capsule, bh_error *reterr)
{
    if (!bhi_capsule_is_run_loop(capsule))
        return BH_OK;
    return bhi_fail(reterr, BH_E_UNSUPPORTED,
                    "capsule %s is a run loop: it takes messages that it subscribes to, no "
                    "invocations",
                    capsule->manifest.name);
}

static bh_status check_entry(const bh_capsule *capsule, bh_entry entry, bh_error *reterr)
{
    static const bhi_entry entries[] = {BHI_ENTRY_HOOK, BHI_ENTRY_INSTALL, BHI_ENTRY_UPGRADE};
    if (bhi_code_has_entry(capsule->code, entries[entry]))
        return BH_OK;
    return bhi_fail(reterr, BH_E_NOT_FOUND, "capsule %s does not export %s", capsule->manifest.name,
                    bhi_entry_export(entries[entry]));
}

bh_status bhi_invocation_create(bh_capsule *capsule, bhi_worker *worker, const bh_request *request,
                                bhi_invocation_done_cb done_cb, void *arg,
                                bhi_invocation **ret_invocation, bh_error *reterr)
{
    bhi_invocation *invocation = malloc(sizeof *invocation);
    if (invocation == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an invocation");
    *invocation = (bhi_invocation){
        .capsule = capsule,
        .worker = worker,
        .done_cb = done_cb,
        .done_arg = arg,
        .stage = STAGE_CHECKOUT,
        .buffer = &invocation->own_buffer,
    };
    /* In place: copying what was just written piece by piece stalls the processor. */
    bh_status status = bhi_admit(request, &invocation->request, reterr);
    if (status == BH_OK)
        status = check_pooled(capsule, reterr);
    if (status == BH_OK)
        status = check_entry(capsule, invocation->request.entry, reterr);
    if (status != BH_OK) {
        free(invocation);
        return status;
    }
    bhi_task_init(&invocation->task, run_cb);
    bhi_task_init(&invocation->grant_task, run_grant_cb);
    bhi_link_init(&invocation->waiter.link);
    invocation->began_ns = invocation->leased_ns = bhi_monotonic_ns();
    invocation->deadline_ns =
        bhi_deadline_after(invocation->began_ns, invocation->request.timeout_ns);
    *ret_invocation = invocation;
    return BH_OK;
}

void bhi_invocation_begin(bhi_invocation *invocation)
{
    bhi_worker_ready(invocation->worker, &invocation->task);
}

void bhi_invocation_run(bhi_invocation *invocation)
{
    run_cb(&invocation->task);
}

bh_status bhi_invocation_start(bh_capsule *capsule, bhi_worker *worker, const bh_request *request,
                               bhi_invocation_done_cb done_cb, void *arg,
                               bhi_invocation **ret_invocation, bh_error *reterr)
{
    bhi_invocation *invocation;
    bh_status status =
        bhi_invocation_create(capsule, worker, request, done_cb, arg, &invocation, reterr);
    if (status != BH_OK)
        return status;
    if (ret_invocation != NULL)
        *ret_invocation = invocation;
    bhi_invocation_begin(invocation);
    return BH_OK;
}

void bhi_invocation_use_buffer(bhi_invocation *invocation, bhi_buffer *buffer)
{
    invocation->buffer = buffer;
}

void bhi_invocation_nest(bhi_invocation *invocation, bhi_invocation *parent)
{
    invocation->waiter.parent = &parent->waiter;
}

void bhi_invocation_caused_by(bhi_invocation *invocation, const bhi_message *message)
{
    invocation->cause = message;
}

void bhi_invocation_cancel(bhi_invocation *invocation)
{
    atomic_store(&invocation->is_cancelled, true);
    bhi_worker_ready(invocation->worker, &invocation->task);
}
