/* engine/engine.h - compile and run guest code. The only layer that knows the engine library.
 *
 * An engine is process-wide. Code is one compiled capsule, immutable and counted. An instance is
 * one sandbox of it and makes one call at a time, on a fiber:
 *
 *   begin_* ─► poll ─► YIELDED  (slice used up: poll again when it is its turn)
 *                  ├─► WAITING  (suspended in a host call: poll after guest.is_resumed is set)
 *                  └─► DONE     (result says how it ended)
 *   abandon deletes a call between two polls: its host functions see their suspend return false.
 *
 * A snapshot is the state of an initialised instance, taken once per capsule. Instances made from
 * it skip initialisation; a tracked one goes back to it with bhi_instance_restore, between two
 * calls.
 *
 * E1  The guest is entered only by poll, on a fiber.
 * E2  After an outcome that is not clean the instance makes no further call.
 * E3  No error of the engine library leaves this layer; it becomes a bh_error or a result.
 *
 * Threads: engine and code from any; an instance from one thread at a time.
 */
#ifndef BHI_ENGINE_ENGINE_H
#define BHI_ENGINE_ENGINE_H

#include <stdatomic.h>

#include <bulkhead/outcome.h>

#include "abi/guest.h"
#include "base/buffer.h"
#include "os/region.h"
#include "wasm/capsule.h"
#include "wasm/restorability.h"

typedef struct bhi_engine bhi_engine;
typedef struct bhi_code bhi_code;
typedef struct bhi_instance bhi_instance;
typedef struct bhi_snapshot bhi_snapshot;

typedef struct bhi_engine_options {
    const char *cache_directory; /* of compiled code; NULL: compile every time                */
    bool is_compile_serial;      /* compile on the calling thread alone          default off  */
    uint32_t tick_us;            /* how often running guests are looked at       default 1000 */
    uint32_t slice_ticks;        /* ticks until a running guest yields           default 2    */
} bhi_engine_options;

/* `options` may be NULL. A cache directory that cannot be used, or that others can write, is left
 * alone with a warning. Fails with BH_E_UNSUPPORTED, BH_E_NOMEM, BH_E_IO. */
BH_MUST_USE bh_status bhi_engine_create(const bhi_engine_options *options, bhi_engine **ret_engine,
                                        bh_error *reterr);
void bhi_engine_destroy(bhi_engine *engine);

/* "48.0.8": the version of the engine library */
const char *bhi_engine_version(void);

/* Whether the engine would compile `wasm`, a core module: nothing is compiled. Fails with
 * BH_E_MODULE in the engine's words. */
BH_MUST_USE bh_status bhi_engine_validate(bhi_engine *engine, bhi_bytes wasm, bh_error *reterr);

typedef struct bhi_code_stats {
    uint64_t compile_ns; /* or the time to load from the cache */
    bool is_from_cache;
    bhi_restorable restorable;
    char not_restorable_why[BHI_RESTORABILITY_REASON_BYTES]; /* "" when it is */
} bhi_code_stats;

/* Rewrite, compile (or load from the cache) and link. `image` is borrowed for the call. Fails with
 * BH_E_MODULE: does not validate, imports what we do not provide (all named), lacks an export, has
 * a data segment out of bounds; BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_code_create(bhi_engine *engine, const bhi_capsule_image *image,
                                      bhi_code **ret_code, bh_error *reterr);
bhi_code *bhi_code_retain(bhi_code *code);
void bhi_code_release(bhi_code *code);
const bhi_code_stats *bhi_code_read_stats(const bhi_code *code);

/* From here on every instance starts from a snapshot that need not initialise: let go of the memory
 * in which initialisation begins. Before the code is shared between threads. */
void bhi_code_forget_initial_memory(bhi_code *code);

typedef enum bhi_entry {
    BHI_ENTRY_HOOK,    /* astrid-hook-trigger */
    BHI_ENTRY_INSTALL, /* astrid-install */
    BHI_ENTRY_UPGRADE, /* astrid-upgrade */
    BHI_ENTRY_RUN,     /* run */
    BHI_ENTRY_COUNT
} bhi_entry;

const char *bhi_entry_export(bhi_entry entry);
bool bhi_code_has_entry(const bhi_code *code, bhi_entry entry);

/* What one call may use. Borrowed until the call is done. */
typedef struct bhi_budget {
    uint64_t fuel;
    uint64_t deadline_ns; /* monotonic; BHI_DEADLINE_NEVER for none */
    uint64_t memory_bytes_max;
    uint32_t table_elements_max;
    const atomic_bool *is_cancelled; /* read at every tick; may be NULL */
} bhi_budget;

typedef struct bhi_instance_options {
    bhi_snapshot *snapshot; /* start from it; NULL: from nothing                         */
    bool is_tracked;        /* it will be restored to the snapshot                       */
    bool must_prime;        /* without a snapshot: call realloc once at the end of the build,
                               so that the guest's allocator has its first memory        */
} bhi_instance_options;

/* An unbuilt instance. `options` may be NULL. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_instance_create(bhi_code *code, const struct bhi_host_table *host,
                                          const bhi_instance_options *options,
                                          bhi_instance **ret_instance, bh_error *reterr);
/* Takes NULL, and an instance in any state; abandons its call. */
void bhi_instance_destroy(bhi_instance *instance);

/* The guest as its host calls see it: set lease and handles before begin_call. */
bhi_guest *bhi_instance_guest(bhi_instance *instance);

/* Instantiate; then start function and `_initialize`, or the snapshot in their place. The first
 * call of every instance. */
void bhi_instance_begin_build(bhi_instance *instance, const bhi_budget *budget);

typedef struct bhi_hook_call {
    bhi_bytes action;
    bhi_bytes payload;
    bhi_buffer *result;    /* action and data are copied here, each followed by a NUL */
    bool skip_post_return; /* the instance is restored or destroyed afterwards        */
} bhi_hook_call;

/* Call the hook; what `call` points to is borrowed until the call is done. */
void bhi_instance_begin_hook(bhi_instance *instance, const bhi_budget *budget,
                             const bhi_hook_call *call);
/* Call an entry point without arguments and results. */
void bhi_instance_begin_entry(bhi_instance *instance, const bhi_budget *budget, bhi_entry entry);

typedef enum bhi_poll { BHI_POLL_DONE, BHI_POLL_YIELDED, BHI_POLL_WAITING } bhi_poll;

BH_MUST_USE bhi_poll bhi_instance_poll(bhi_instance *instance);

/* End the call now, with the outcome `why` (DEADLINE, CANCELLED). */
void bhi_instance_abandon(bhi_instance *instance, bh_outcome why);

/* How the last call ended. Valid until the next begin_* or destroy; action and data point into the
 * call's result buffer. */
typedef struct bhi_call_result {
    bh_outcome outcome;
    bhi_bytes action; /* hook, RETURNED */
    bool has_data;
    bhi_bytes data;
    uint64_t fuel_used;
    const char *message;   /* "" or why it did not return, with its cause */
    const char *backtrace; /* "" or wasm frames, one per line, innermost first */
    bh_status host_status; /* a build that failed for want of memory or mappings; else BH_OK */
} bhi_call_result;

const bhi_call_result *bhi_instance_result(const bhi_instance *instance);

/* Of the call being made, between two polls: what the guest has reported so far. */
uint64_t bhi_instance_fuel_used(const bhi_instance *instance);

/* Its build came as far as priming the allocator, and may have failed there. */
bool bhi_instance_is_primed(const bhi_instance *instance);

/* Bytes of linear memory now, for gauges. */
uint64_t bhi_instance_memory_bytes(const bhi_instance *instance);

/* ---- snapshot and restore ---- */

/* Take it from an instance that was built without one, of code that is restorable. Calls made since
 * the build count as initialisation. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_snapshot_take(bhi_instance *instance, bhi_snapshot **ret_snapshot,
                                        bh_error *reterr);
bhi_snapshot *bhi_snapshot_retain(bhi_snapshot *snapshot);
void bhi_snapshot_release(bhi_snapshot *snapshot); /* takes NULL */

/* Initialisation changed a table or a global that holds a function: those cannot be carried to
 * another instance, so each runs it, and must come to the snapshot's memory. */
bool bhi_snapshot_must_initialise(const bhi_snapshot *snapshot);
/* Entries now of all tables that the code may change. */
uint64_t bhi_instance_table_entries(bhi_instance *instance);
/* Of linear memory. */
uint64_t bhi_snapshot_bytes(const bhi_snapshot *snapshot);

/* Put a tracked instance back between two calls. After BHI_RESTORE_DEARER and BHI_RESTORE_FAILED it
 * makes no further call. */
BH_MUST_USE bhi_restored bhi_instance_restore(bhi_instance *instance);

/* Compare a restored instance with its snapshot: globals, tables, size, and the bytes of memory in
 * [offset, offset + size), as far as there are. False: destroy it; nothing of it is used again. */
BH_MUST_USE bool bhi_instance_is_restored(bhi_instance *instance, uint64_t offset, uint64_t size);

#endif
