/* engine/instance.h - one sandbox, as instance.c (building) and call.c (calling) share it. */
#ifndef BHI_ENGINE_INSTANCE_H
#define BHI_ENGINE_INSTANCE_H

#include <bulkhead_rust.h>

#include "engine/code.h"
#include "engine/failure.h"
#include "engine/memory.h"
#include "engine/snapshot.h"
#include "engine/state.h"

/*   UNBUILT ─► INSTANTIATING ─► INITIALIZING ─► READY ◄─► CALLING
 *                   └──────────────┴──────────────┴─────────┴────► DEAD   (E2) */
typedef enum bhi_phase {
    BHI_PHASE_UNBUILT,
    BHI_PHASE_INSTANTIATING,
    BHI_PHASE_INITIALIZING,
    BHI_PHASE_READY,
    BHI_PHASE_CALLING,
    BHI_PHASE_DEAD
} bhi_phase;

/* Slots of the driver's table (driver.wat). */
enum {
    BHI_DRIVER_REALLOC,
    BHI_DRIVER_HOOK,
    BHI_DRIVER_POST_RETURN,
    BHI_DRIVER_START,
    BHI_DRIVER_INITIALIZE,
    BHI_DRIVER_INSTALL,
    BHI_DRIVER_UPGRADE,
    BHI_DRIVER_RUN,
    BHI_DRIVER_SLOT_COUNT
};

struct bhi_instance {
    bhi_guest guest; /* first: host calls get from it back to the instance by a cast */
    bhi_code *code;
    bhi_snapshot *snapshot; /* held; NULL: it starts from nothing */
    bool is_tracked;
    bool must_prime;
    bool is_primed;
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    bhi_memory memory;
    wasmtime_instance_t guest_instance;
    wasmtime_instance_t driver_instance;
    wasmtime_memory_t guest_memory; /* when code->state.has_memory */
    bhi_state state;                /* as remembered: at the snapshot; without one, before start */
    wasmtime_func_t guest_realloc;
    bhr_typed_func *driver_hook, *driver_entry, *driver_prime;
    wasmtime_func_t driver_wait, driver_allocate;

    bhi_phase phase;
    uint32_t build_step; /* of initialisation, the next one */
    uint64_t build_began_ns;
    const bhi_budget *budget;              /* of the call being made */
    const bhi_hook_call *hook_call;        /* of the call being made */
    wasmtime_call_future_t *instantiation; /* one of these two is pending, or none */
    bhr_call *call;
    bhi_ending ending;        /* written by the engine when that ends */
    wasm_trap_t *nested_trap; /* of a call made by a host function, to be passed on */
    uint32_t ticks;           /* since the call was last polled */
    unsigned seen_ticks;      /* of the ticker, at the last look from a host call */
    bool is_waiting;          /* suspended in a host call */
    bool is_stopped;          /* by us, with stop_outcome */
    bh_outcome stop_outcome;
    bhi_failure *failure; /* of the last call, or NULL */
    bhi_call_result result;
};

static inline bhi_instance *bhi_instance_of(bhi_guest *guest)
{
    return (bhi_instance *)guest;
}

/* engine/instance.c: after the guest is instantiated: driver, handles, table; globals of the
 * snapshot unless initialisation runs again. */
BH_MUST_USE bh_status bhi_instance_attach(bhi_instance *instance, bh_error *reterr);

/* engine/instance.c: initialisation ran again; take up the snapshot's memory. */
BH_MUST_USE bh_status bhi_instance_adopt_snapshot(bhi_instance *instance, bh_error *reterr);

/* engine/call.c: what the guest's host calls may ask of it. */
extern const bhi_guest_ops bhi_instance_guest_ops;

/* engine/call.c */
wasmtime_error_t *bhi_instance_epoch_cb(wasmtime_context_t *context, void *data,
                                        uint64_t *ret_deadline_delta,
                                        wasmtime_update_deadline_kind_t *ret_kind);

/* engine/call.c: host functions of the driver */
wasm_trap_t *bhi_driver_lower_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                                 size_t values_count);
wasm_trap_t *bhi_driver_lift_cb(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                                size_t values_count);
void bhi_driver_wait_cb(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments,
                        size_t arguments_count, wasmtime_val_t *results, size_t results_count,
                        wasm_trap_t **ret_trap, wasmtime_async_continuation_t *ret_continuation);

#endif
