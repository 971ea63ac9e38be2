/* bulkhead/capsule.h - a loaded, verified, compiled guest plus its manifest, and its pool.
 *
 * A capsule is immutable after load and counted: retain and release from any thread. Closing it
 * refuses new invocations; those in flight finish.
 *
 * A capsule that exports `run` may be a run loop: `run` waits for messages and time in an instance
 * of its own, and no invocation is taken. SDKs export empty stubs for `run`, so unless the manifest
 * says what it is, starting the capsule tries it: a `run` that returns without ever having called
 * what may wait is a stub, and the capsule is pooled like any other.
 */
#ifndef BULKHEAD_CAPSULE_H
#define BULKHEAD_CAPSULE_H

#include <bulkhead/outcome.h>
#include <bulkhead/runtime.h>

typedef struct bh_capsule bh_capsule;

/* How instances are used again between leases (manifest key capsule.reuse). */
typedef enum bh_reuse {
    BH_REUSE_PRISTINE,  /* every lease starts from the state after initialisation (the default)  */
    BH_REUSE_PRINCIPAL, /* kept for the same principal, restored when it changes                */
    BH_REUSE_SHARED,    /* state carries over between principals: trusted capsules only          */
    BH_REUSE_NEVER      /* rebuilt for every lease                                               */
} bh_reuse;

typedef struct bh_capsule_options {
    uint32_t live_max;    /* ceiling of instances; 0: the manifest's, else the environment's
                             BULKHEAD_INSTANCE_POOL_SIZE, else clamp(2 x cores, 8, 64) */
    uint32_t waiters_max; /* callers that may queue for one, up to 1048576; 0: 10000 */
    uint32_t principal_leases_max;  /* instances that one principal may hold; 0: no cap */
    uint32_t breaker_condemned_max; /* instances that may be condemned in 10 s before none is built
                                       for a while; 0: 100; UINT32_MAX: any number */
    bool has_reuse; /* override the manifest's reuse (benches and tests)                     */
    bh_reuse reuse;
} bh_capsule_options;

/* Load a capsule directory (Capsule.toml and its wasm file) or a bare .wasm file (default manifest,
 * named after the file). Blocks: reads, compiles, builds a first instance. `options` may be NULL.
 * Fails with BH_E_NOT_FOUND, BH_E_MANIFEST (file:line:column and what was expected), BH_E_MODULE,
 * BH_E_BUILD (initialisation trapped or ran too long), BH_E_IO, BH_E_NOMEM. */
BH_API BH_MUST_USE bh_status bh_capsule_load(bh_runtime *runtime, const char *path,
                                             const bh_capsule_options *options,
                                             bh_capsule **ret_capsule, bh_error *reterr);
BH_API bh_capsule *bh_capsule_retain(bh_capsule *capsule);
/* Takes NULL. The last one stops the capsule: never from a callback of ours. */
BH_API void bh_capsule_release(bh_capsule *capsule);

/* From now on the capsule reacts to events: its run loop is started, or its handlers are bound to
 * their topics (a run loop subscribes to them itself). A capsule of the same name that was started
 * before hands over to it: no message is missed or handled twice by handlers, and its run loop has
 * ended before that of this one begins. Starting a started capsule changes nothing. Blocks: until
 * the other run loop has ended, and until it is known whether `run` is a stub
 * (run.decision_ms_max). Never from a callback of ours. Fails with BH_E_CLOSED, BH_E_NOMEM,
 * BH_E_IO. */
BH_API BH_MUST_USE bh_status bh_capsule_start(bh_capsule *capsule, bh_error *reterr);
/* Not any more, and what it ran is gone: a waiting call is ended at once, a computing guest at its
 * next tick. Blocks until then. Never from a callback of ours. Closing (which does not wait) and
 * the last release do the same. Idempotent. */
BH_API void bh_capsule_stop(bh_capsule *capsule);

/* Refuse new invocations with BH_E_CLOSED, and begin to stop; it is not started again. Idempotent.
 */
BH_API void bh_capsule_close(bh_capsule *capsule);

/* Texts live as long as the capsule. */
BH_API const char *bh_capsule_name(const bh_capsule *capsule);
BH_API const char *bh_capsule_version(const bh_capsule *capsule);
BH_API const char *bh_capsule_description(const bh_capsule *capsule);
BH_API bh_reuse bh_capsule_reuse(const bh_capsule *capsule); /* as asked for */
/* As it is served: NEVER instead of PRISTINE when its instances cannot be restored, or when its
 * initialisation reads randomness or a clock and the manifest does not accept that. The second says
 * why, "" when there is nothing to say. */
BH_API bh_reuse bh_capsule_served_as(const bh_capsule *capsule);
BH_API const char *bh_capsule_served_why(const bh_capsule *capsule);
BH_API const char *bh_reuse_name(bh_reuse reuse); /* "pristine" */

/* Upper bounds in nanoseconds of the buckets of bh_histogram; the last bucket has none. */
#define BH_HISTOGRAM_BUCKETS 24
BH_API uint64_t bh_histogram_bound_ns(uint32_t bucket); /* UINT64_MAX for the last */

typedef struct bh_histogram {
    uint64_t counts[BH_HISTOGRAM_BUCKETS]; /* not cumulative */
    uint64_t sum_ns;
} bh_histogram;

typedef enum bh_run_state {
    BH_RUN_NONE,     /* no run loop, or not started yet                           */
    BH_RUN_STARTING, /* it runs, and has not signalled that it is ready           */
    BH_RUN_READY,    /* it runs, and has                                          */
    BH_RUN_WAITING,  /* its run ended; it is started again after a while          */
    BH_RUN_STOPPED,
    BH_RUN_FAILED /* its run ended too often: it is not started any more          */
} bh_run_state;

BH_API const char *bh_run_state_name(bh_run_state state); /* "none" */

enum { BH_RUN_FAILURE_BYTES = 248 };

typedef struct bh_capsule_stats {
    /* Instances now; what is live and none of these is being destroyed. */
    uint32_t live, idle, leased, building, restoring;
    uint32_t live_max, min_idle;
    uint32_t waiting;     /* callers */
    bool is_breaker_open; /* too many instances failed lately: none is built for now */

    uint64_t leases;                     /* begun                                                 */
    uint64_t outcomes[BH_OUTCOME_COUNT]; /* invocations ended, by outcome                         */
    uint64_t fuel_used;
    uint64_t builds, build_failures;
    uint64_t builds_ahead; /* of the builds: for nobody yet                         */
    uint64_t condemned[BH_OUTCOME_COUNT]; /* instances destroyed because a lease ended like this  */
    uint64_t retired; /* instances destroyed after a clean lease, as their reuse asks          */
    uint64_t evicted_idle, evicted_by_need; /* idle instances destroyed: unused; for memory       */
    uint64_t restores_whole; /* restored as a whole: many pages written, or mappings ran out      */
    uint64_t restores_dearer; /* not restored: a new instance was cheaper, or a table had grown */
    uint64_t restores_failed; /* not restored: the operating system refused; instances condemned */
    uint64_t verified;   /* restored instances that were compared with their snapshot         */
    uint64_t mismatches; /* of those: differed, and were condemned. Anything but 0 is a defect */
    uint64_t refusals[BH_STATUS_COUNT]; /* callers that got no instance, by status               */
    uint64_t memory_bytes_code; /* size of the wasm file                                         */
    uint64_t memory_bytes_snapshot; /* of linear memory; 0: there is no snapshot                  */
    uint64_t compile_ns; /* compile, or load from the cache                               */
    bool is_from_cache;
    bh_histogram wait, run, restore; /* checkout to lease; call; end of the call to return        */
    bh_run_state run_state;
    uint64_t run_restarts;
    char run_failure[BH_RUN_FAILURE_BYTES]; /* how its last run ended; "" when none has */
} bh_capsule_stats;

/* A consistent enough view: each number is read atomically, not all of them at once. */
BH_API void bh_capsule_read_stats(bh_capsule *capsule, bh_capsule_stats *ret_stats);

#endif
