/* engine/call.c - one call at a time: begin, poll, suspend, abandon, settle.
 *
 * Every entry into the guest happens inside poll, on the fiber of a future (E1). A host function
 * that must wait calls the driver's `wait` export, whose import is pending until the guest is
 * resumed; the host function's own frame stays on the fiber meanwhile. Calls made from host
 * functions (realloc, wait) leave their trap in nested_trap, and the import passes it on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "abi/generated/exports.h"
#include "abi/import.h"
#include "base/assert.h"
#include "base/clock.h"
#include "engine/instance.h"
#include "os/fault.h"

enum { PRIME_BYTES = 1 };

/* Per store: the guest and its driver, the driver's table beside the guest's. */
enum { INSTANCES_MAX = 2, TABLES_MAX = 9, MEMORIES_MAX = 1, MEMORY_BYTES_BY_MEMORY_CALLBACK = -1 };

/* ---- time ---- */

static bh_outcome reason_to_stop(const bhi_instance *instance)
{
    const bhi_budget *budget = instance->budget;
    if (budget->is_cancelled != NULL &&
        atomic_load_explicit(budget->is_cancelled, memory_order_relaxed))
        return BH_OUTCOME_CANCELLED;
    if (budget->deadline_ns != BHI_DEADLINE_NEVER && bhi_monotonic_ns() >= budget->deadline_ns)
        return BH_OUTCOME_DEADLINE;
    return BH_OUTCOME_RETURNED;
}

static void stop(bhi_instance *instance, bh_outcome outcome)
{
    if (instance->is_stopped)
        return;
    instance->is_stopped = true;
    instance->stop_outcome = outcome;
}

/* True, and the instance stopped, when its time is over or it was cancelled. */
static bool must_stop(bhi_instance *instance)
{
    bh_outcome reason = reason_to_stop(instance);
    if (reason != BH_OUTCOME_RETURNED)
        stop(instance, reason);
    return reason != BH_OUTCOME_RETURNED;
}

/* Code without loops meets no epoch check between two host calls, which may be long: look there
 * too, once per tick. */
static bool has_ticked(bhi_instance *instance)
{
    unsigned ticks = bhi_ticker_read(&instance->code->engine->ticker);
    bool has = ticks != instance->seen_ticks;
    instance->seen_ticks = ticks;
    return has;
}

static const char stopped_text[] = "stopped in a host call";

/* ---- what a running guest asks of us ---- */

static wasm_trap_t *take_trap(bhi_instance *instance)
{
    wasm_trap_t *trap = instance->nested_trap;
    instance->nested_trap = NULL;
    if (trap != NULL)
        return trap;
    const char *text = instance->guest.is_trapping ? instance->guest.trap_text : "host call failed";
    return wasmtime_trap_new(text, strlen(text));
}

wasm_trap_t *bhi_import_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                           size_t values_count)
{
    (void)values_count;
    const bhi_import *import = env;
    bhi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    if (has_ticked(instance) && must_stop(instance))
        return wasmtime_trap_new(stopped_text, sizeof stopped_text - 1);
    if (import->call(&instance->guest, (bhi_core_value *)values))
        return NULL;
    return take_trap(instance);
}

/* Keep what a nested call ended with. True when it returned. An error that is no trap comes from
 * the epoch callback, which has said why it stops; its text would hold names that a guest chose. */
static bool has_returned(bhi_instance *instance, wasm_trap_t *trap, wasmtime_error_t *error)
{
    static const char stopped[] = "stopped in a nested call";
    if (error != NULL) {
        wasmtime_error_delete(error);
        trap = wasmtime_trap_new(stopped, sizeof stopped - 1);
    }
    if (trap == NULL)
        return true;
    if (instance->nested_trap != NULL)
        wasm_trap_delete(instance->nested_trap);
    instance->nested_trap = trap;
    return false;
}

static bool trap_without_realloc(bhi_guest *guest)
{
    return bhi_guest_trap(guest, "the guest exports no cabi_realloc for a host call's result");
}

static bool call_realloc(bhi_guest *guest, uint32_t align, uint32_t size, uint32_t *ret_address)
{
    bhi_instance *instance = bhi_instance_of(guest);
    if (instance->code->exports.realloc == NULL)
        return trap_without_realloc(guest);
    wasmtime_val_raw_t values[4] = {
        {.i32 = 0}, {.i32 = 0}, {.i32 = (int32_t)align}, {.i32 = (int32_t)size}};
    wasm_trap_t *trap = NULL;
    guest->may_leave = false;
    wasmtime_error_t *error =
        wasmtime_func_call_unchecked(instance->context, &instance->guest_realloc, values, 4, &trap);
    guest->may_leave = true;
    *ret_address = (uint32_t)values[0].i32;
    return has_returned(instance, trap, error);
}

static bool allocate_texts(bhi_guest *guest, const uint32_t *sizes, uint32_t *ret_addresses)
{
    bhi_instance *instance = bhi_instance_of(guest);
    wasmtime_val_raw_t values[BHI_GUEST_TEXTS];
    wasm_trap_t *trap = NULL;
    if (instance->code->exports.realloc == NULL)
        return trap_without_realloc(guest);
    for (int i = 0; i < BHI_GUEST_TEXTS; i++)
        values[i].i32 = (int32_t)sizes[i];
    guest->may_leave = false;
    wasmtime_error_t *error = wasmtime_func_call_unchecked(
        instance->context, &instance->driver_allocate, values, BHI_GUEST_TEXTS, &trap);
    guest->may_leave = true;
    for (int i = 0; i < BHI_GUEST_TEXTS; i++)
        ret_addresses[i] = (uint32_t)values[i].i32;
    return has_returned(instance, trap, error);
}

static bool suspend(bhi_guest *guest)
{
    bhi_instance *instance = bhi_instance_of(guest);
    wasmtime_val_raw_t values[1] = {{.i32 = 0}};
    wasm_trap_t *trap = NULL;
    guest->is_resumed = false;
    instance->is_waiting = true;
    wasmtime_error_t *error =
        wasmtime_func_call_unchecked(instance->context, &instance->driver_wait, values, 1, &trap);
    instance->is_waiting = false;
    return has_returned(instance, trap, error);
}

static bool will_write(bhi_guest *guest, uint32_t address, uint32_t size)
{
    return bhi_region_will_write(&bhi_instance_of(guest)->memory.region, address, size);
}

const bhi_guest_ops bhi_instance_guest_ops = {
    .realloc = call_realloc,
    .allocate_texts = allocate_texts,
    .suspend = suspend,
    .will_write = will_write,
};

static bool is_resumed_cb(void *env)
{
    const bhi_instance *instance = env;
    return instance->guest.is_resumed;
}

void bhi_driver_wait_cb(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments,
                        size_t arguments_count, wasmtime_val_t *results, size_t results_count,
                        wasm_trap_t **ret_trap, wasmtime_async_continuation_t *ret_continuation)
{
    (void)env, (void)arguments, (void)arguments_count, (void)results, (void)results_count;
    (void)ret_trap;
    ret_continuation->callback = is_resumed_cb;
    ret_continuation->env = wasmtime_context_get_data(wasmtime_caller_context(caller));
    ret_continuation->finalizer = NULL;
}

wasm_trap_t *bhi_driver_lower_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                                 size_t values_count)
{
    (void)env, (void)values_count;
    bhi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    const bhi_hook_call *call = instance->hook_call;
    if (!bhi_lower_astrid_hook_trigger(&instance->guest, call->action, call->payload,
                                       (uint32_t)values[0].i32, (uint32_t)values[1].i32))
        return take_trap(instance);
    instance->guest.may_leave = true;
    return NULL;
}

/* Action and data, each followed by a NUL, in the caller's buffer. */
static bool keep_result(bhi_instance *instance, const bhi_capsule_result *lifted)
{
    bhi_buffer *buffer = instance->hook_call->result;
    size_t data_at = lifted->action.len + 1;
    if (!bhi_buffer_reserve(buffer, data_at + lifted->data.len + 1))
        return false;
    memcpy(buffer->data, lifted->action.data, lifted->action.len);
    buffer->data[lifted->action.len] = 0;
    if (lifted->data.len > 0)
        memcpy(buffer->data + data_at, lifted->data.data, lifted->data.len);
    buffer->data[data_at + lifted->data.len] = 0;
    instance->result.action = (bhi_bytes){buffer->data, lifted->action.len};
    instance->result.has_data = lifted->has_data;
    instance->result.data = (bhi_bytes){buffer->data + data_at, lifted->data.len};
    return true;
}

wasm_trap_t *bhi_driver_lift_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                                size_t values_count)
{
    (void)env, (void)values_count;
    bhi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    instance->guest.may_leave = false;
    bhi_capsule_result lifted;
    if (!bhi_lift_astrid_hook_trigger(&instance->guest, (uint32_t)values[0].i32, &lifted))
        return take_trap(instance);
    if (!keep_result(instance, &lifted)) {
        stop(instance, BH_OUTCOME_HOST_FAILURE);
        bhi_guest_trap(&instance->guest, "no memory for the result of the call");
        return take_trap(instance);
    }
    bool has_post_return = instance->code->exports.post_return != NULL;
    values[0].i32 = has_post_return && !instance->hook_call->skip_post_return;
    return NULL;
}

wasmtime_error_t *bhi_instance_epoch_cb(wasmtime_context_t *context, void *data,
                                        uint64_t *ret_deadline_delta,
                                        wasmtime_update_deadline_kind_t *ret_kind)
{
    (void)context;
    bhi_instance *instance = data;
    if (must_stop(instance))
        return wasmtime_error_new(stopped_text);
    *ret_deadline_delta = 1;
    bool is_slice_over = ++instance->ticks >= instance->code->engine->slice_ticks;
    *ret_kind = is_slice_over ? WASMTIME_UPDATE_DEADLINE_YIELD : WASMTIME_UPDATE_DEADLINE_CONTINUE;
    return NULL;
}

/* ---- begin ---- */

static bool is_pending(const bhi_instance *instance)
{
    return instance->call != NULL || instance->instantiation != NULL;
}

static void begin(bhi_instance *instance, bhi_phase phase, const bhi_budget *budget)
{
    BHI_ASSERT(!is_pending(instance));
    instance->phase = phase;
    instance->budget = budget;
    instance->memory.bytes_max = budget->memory_bytes_max;
    instance->memory.was_growth_refused = false;
    instance->guest.is_trapping = false;
    instance->is_stopped = false;
    instance->is_waiting = false;
    instance->result = (bhi_call_result){.message = "", .backtrace = ""};
    wasmtime_error_t *error = wasmtime_context_set_fuel(instance->context, budget->fuel);
    BHI_ASSERT(error == NULL); /* fuel is on in every engine of ours */
    wasmtime_context_set_epoch_deadline(instance->context, 1);
}

static void call_driver(bhi_instance *instance, const bhr_typed_func *func, int32_t argument)
{
    instance->call =
        bhr_typed_func_call_async(instance->context, func, argument, 0, &instance->ending.call);
}

static void call_driver_entry(bhi_instance *instance, int32_t slot)
{
    instance->guest.may_leave = true;
    call_driver(instance, instance->driver_entry, slot);
}

void bhi_instance_begin_build(bhi_instance *instance, const bhi_budget *budget)
{
    BHI_ASSERT(instance->phase == BHI_PHASE_UNBUILT);
    instance->build_began_ns = bhi_monotonic_ns();
    begin(instance, BHI_PHASE_INSTANTIATING, budget);
    wasmtime_store_limiter(instance->store, MEMORY_BYTES_BY_MEMORY_CALLBACK,
                           budget->table_elements_max, INSTANCES_MAX, TABLES_MAX, MEMORIES_MAX);
    instance->guest.may_leave = true;
    instance->instantiation = wasmtime_instance_pre_instantiate_async(
        instance->code->guest, instance->context, &instance->guest_instance, &instance->ending.trap,
        &instance->ending.error);
}

void bhi_instance_begin_hook(bhi_instance *instance, const bhi_budget *budget,
                             const bhi_hook_call *call)
{
    BHI_ASSERT(instance->phase == BHI_PHASE_READY);
    BHI_ASSERT(bhi_code_has_entry(instance->code, BHI_ENTRY_HOOK));
    begin(instance, BHI_PHASE_CALLING, budget);
    instance->hook_call = call;
    instance->guest.may_leave = false; /* realloc runs first (G2) */
    instance->call = bhr_typed_func_call_async(instance->context, instance->driver_hook,
                                               (int32_t)call->action.len,
                                               (int32_t)call->payload.len, &instance->ending.call);
}

void bhi_instance_begin_entry(bhi_instance *instance, const bhi_budget *budget, bhi_entry entry)
{
    static const int32_t slots[BHI_ENTRY_COUNT] = {
        [BHI_ENTRY_INSTALL] = BHI_DRIVER_INSTALL,
        [BHI_ENTRY_UPGRADE] = BHI_DRIVER_UPGRADE,
        [BHI_ENTRY_RUN] = BHI_DRIVER_RUN,
    };
    BHI_ASSERT(instance->phase == BHI_PHASE_READY && entry != BHI_ENTRY_HOOK);
    BHI_ASSERT(bhi_code_has_entry(instance->code, entry));
    begin(instance, BHI_PHASE_CALLING, budget);
    call_driver_entry(instance, slots[entry]);
}

/* ---- end ---- */

static const char *const stop_messages[BH_OUTCOME_COUNT] = {
    [BH_OUTCOME_DEADLINE] = "the deadline passed",
    [BH_OUTCOME_CANCELLED] = "the invocation was cancelled",
};

static bh_outcome outcome_of_failure(const bhi_instance *instance, const bhi_failure *failure)
{
    if (instance->is_stopped)
        return instance->stop_outcome;
    if (instance->memory.open_status != BH_OK || instance->memory.region.was_refused)
        return BH_OUTCOME_HOST_FAILURE;
    if (failure->is_out_of_fuel)
        return BH_OUTCOME_OUT_OF_FUEL;
    return instance->memory.was_growth_refused ? BH_OUTCOME_MEMORY_LIMIT : BH_OUTCOME_TRAPPED;
}

/* The instance is dead; say why. Reading the failure must not fail for want of memory. */
static void settle_failure(bhi_instance *instance)
{
    bhi_failure on_stack;
    if (instance->failure == NULL)
        instance->failure = malloc(sizeof *instance->failure);
    bhi_failure *failure = instance->failure != NULL ? instance->failure : &on_stack;
    bhi_failure_read(failure, &instance->ending);
    bhi_call_result *result = &instance->result;
    result->outcome = outcome_of_failure(instance, failure);
    result->host_status = instance->memory.open_status;
    if (instance->failure != NULL) {
        result->message = failure->message;
        result->backtrace = failure->backtrace;
    }
    if (instance->is_stopped && stop_messages[result->outcome] != NULL)
        result->message = stop_messages[result->outcome];
    else if (instance->memory.region.was_refused)
        result->message = "the operating system gave no memory to write to";
    else if (instance->guest.is_trapping)
        result->message = instance->guest.trap_text; /* the engine buries it in its own words */
    instance->phase = BHI_PHASE_DEAD;
}

uint64_t bhi_instance_fuel_used(const bhi_instance *instance)
{
    uint64_t fuel_left = 0;
    wasmtime_error_t *error = wasmtime_context_get_fuel(instance->context, &fuel_left);
    BHI_ASSERT(error == NULL);
    return instance->budget->fuel - fuel_left;
}

static void settle(bhi_instance *instance)
{
    instance->result.fuel_used = bhi_instance_fuel_used(instance);
    if (bhi_ending_is_failure(&instance->ending) || instance->is_stopped)
        settle_failure(instance);
    else if (instance->phase == BHI_PHASE_CALLING)
        instance->phase = BHI_PHASE_READY;
}

static void settle_build_failure(bhi_instance *instance, const bh_error *error)
{
    instance->ending.error = wasmtime_error_new(error->text);
    stop(instance, BH_OUTCOME_HOST_FAILURE);
    settle(instance);
}

/* ---- building after instantiation ---- */

/* The steps of initialisation in order; true when a step has something to run, which has begun. */
static bool begin_start(bhi_instance *instance)
{
    if (instance->code->exports.start == NULL)
        return false;
    call_driver_entry(instance, BHI_DRIVER_START);
    return true;
}

static bool begin_initialize(bhi_instance *instance)
{
    if (instance->code->exports.initialize == NULL)
        return false;
    call_driver_entry(instance, BHI_DRIVER_INITIALIZE);
    return true;
}

static bool begin_prime(bhi_instance *instance)
{
    if (!instance->must_prime || instance->code->exports.realloc == NULL)
        return false;
    instance->is_primed = true;
    instance->guest.may_leave = false;
    call_driver(instance, instance->driver_prime, PRIME_BYTES);
    return true;
}

static bool (*const build_steps[])(bhi_instance *) = {begin_start, begin_initialize, begin_prime};
enum { BUILD_STEPS = sizeof build_steps / sizeof *build_steps };

/* Restores weigh copying against building again. */
static void note_build_time(bhi_instance *instance)
{
    if (instance->snapshot != NULL && instance->snapshot->image != NULL)
        bhi_image_note_ns(&instance->snapshot->image->build_ns,
                          bhi_monotonic_ns() - instance->build_began_ns);
}

static void finish_build(bhi_instance *instance)
{
    bh_error error;
    bool has_initialised = instance->snapshot != NULL && instance->snapshot->must_initialise;
    if (has_initialised && bhi_instance_adopt_snapshot(instance, &error) != BH_OK)
        settle_build_failure(instance, &error);
    else
        note_build_time(instance);
}

/* The guest is instantiated, or a step of its initialisation returned. True when another began. */
static bool go_on_building(bhi_instance *instance)
{
    bh_error error;
    if (instance->phase == BHI_PHASE_INSTANTIATING &&
        bhi_instance_attach(instance, &error) != BH_OK) {
        settle_build_failure(instance, &error);
        return false;
    }
    instance->phase = BHI_PHASE_INITIALIZING;
    bool must_initialise = instance->snapshot == NULL || instance->snapshot->must_initialise;
    while (must_initialise && instance->build_step < BUILD_STEPS)
        if (build_steps[instance->build_step++](instance))
            return true;
    instance->phase = BHI_PHASE_READY;
    finish_build(instance);
    return false;
}

static void delete_pending(bhi_instance *instance)
{
    if (instance->call != NULL)
        bhr_call_delete(instance->call);
    if (instance->instantiation != NULL)
        wasmtime_call_future_delete(instance->instantiation);
    instance->call = NULL;
    instance->instantiation = NULL;
}

static bool poll_pending(bhi_instance *instance)
{
    if (instance->call != NULL)
        return bhr_call_poll(instance->call);
    bhi_memory_announce(&instance->memory);
    bool is_done = wasmtime_call_future_poll(instance->instantiation);
    bhi_memory_announce(NULL);
    return is_done;
}

/* Run guest code until it ends, yields or waits. True when it ended. */
static bool run_guest(bhi_instance *instance)
{
    bhi_ticker *ticker = &instance->code->engine->ticker;
    instance->ticks = 0;
    bhi_ticker_enter(ticker);
    bhi_region *watched = bhi_fault_watch(&instance->memory.region);
    bool is_done = poll_pending(instance);
    bhi_fault_watch(watched);
    bhi_ticker_leave(ticker);
    if (is_done)
        delete_pending(instance);
    return is_done;
}

static bool is_building(const bhi_instance *instance)
{
    return instance->phase == BHI_PHASE_INSTANTIATING || instance->phase == BHI_PHASE_INITIALIZING;
}

bhi_poll bhi_instance_poll(bhi_instance *instance)
{
    BHI_ASSERT(is_pending(instance));
    for (;;) {
        if (!run_guest(instance))
            return instance->is_waiting ? BHI_POLL_WAITING : BHI_POLL_YIELDED;
        settle(instance);
        if (!is_building(instance) || !go_on_building(instance))
            return BHI_POLL_DONE;
    }
}

void bhi_instance_abandon(bhi_instance *instance, bh_outcome why)
{
    if (!is_pending(instance))
        return;
    stop(instance, why);
    delete_pending(instance);
    if (instance->nested_trap != NULL)
        wasm_trap_delete(instance->nested_trap);
    instance->nested_trap = NULL;
    settle(instance);
}

const bhi_call_result *bhi_instance_result(const bhi_instance *instance)
{
    return &instance->result;
}
