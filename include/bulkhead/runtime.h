/* bulkhead/runtime.h - one runtime: the engine, the key-value store and what capsules share.
 *
 * Threads:   every function may be called from any thread.
 * Lifetime:  destroy the runtime after every capsule loaded into it has been released.
 */
#ifndef BULKHEAD_RUNTIME_H
#define BULKHEAD_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include <bulkhead/error.h>

typedef struct bh_runtime bh_runtime;

typedef enum bh_log_level {
    BH_LOG_TRACE,
    BH_LOG_DEBUG,
    BH_LOG_INFO,
    BH_LOG_WARN,
    BH_LOG_ERROR
} bh_log_level;

/* One line of a guest's log: control characters are escaped, at most 16 KiB. Any thread. */
typedef void (*bh_guest_log_cb)(void *arg, bh_log_level level, const char *capsule,
                                const char *principal, const char *text);

/* What bounds run loops (bulkhead/capsule.h); 0 everywhere: the default. */
typedef struct bh_run_options {
    uint32_t cpu_window_ms;  /* CPU time; three windows in a row in which a guest neither waits nor
                                gets a message end its run                  default 5000       */
    uint32_t backoff_ms;     /* before the first restart; doubles with each  default 2000      */
    uint32_t backoff_ms_max; /* at most this; a run that lasts so long is followed by the first
                                back-off again                              default 120,000    */
    uint32_t restarts_max;   /* in a window of restarts_window_ms, up to 64; then it has failed
                                                                            default 5          */
    uint32_t restarts_window_ms; /*                                         default 600,000    */
    uint32_t decision_ms_max;    /* a `run` that has not returned by then is no stub
                                                                               default 5000       */
} bh_run_options;

typedef struct bh_runtime_options {
    const char
        *state_directory; /* key-value store, mode 0700; NULL: kv calls fail with "unknown" */
    const char *cache_directory; /* compiled code; NULL: none, compile at every load */
    uint64_t kv_map_bytes_max; /* ceiling of the store's file                default 16 GiB      */
    uint32_t tick_us;  /* how often running guests are looked at; 100 to 100,000   default 1000 */
    uint32_t live_max; /* ceiling of live instances of all capsules, not counting those of run
                          loops; 0: none                                                        */
    uint64_t resident_bytes_max; /* of the process: above it idle instances go and no new one is
                                    built, looked at twice a second; 0: none                    */
    uint32_t evict_ms; /* instances idle for so long go, down to min_idle     default 30,000     */
    const char *profiles_file; /* TOML: the weights of principals (docs/profiles.md); NULL: all 1 */
    uint32_t mappings_max;  /* memory mappings for instances of the whole process; 0: the kernel's
                               vm.max_map_count less a reserve */
    uint32_t verify_every;  /* compare one in so many restored instances with its snapshot; 1: each;
                               UINT32_MAX: none                              default 4096 */
    bool verify_whole;      /* all of its memory, not a window of 64 KiB */
    uint32_t event_workers; /* threads that call the handlers of messages, 1 to 64; default 1 */
    bh_run_options run;
    bh_guest_log_cb guest_log_cb; /* NULL: to standard error */
    void *guest_log_arg;
} bh_runtime_options;

/* `options` may be NULL: all defaults. Blocks: opens the store. A cache directory that
 * cannot be used costs a warning only. Fails with BH_E_ARG, BH_E_NOMEM, BH_E_IO, BH_E_CORRUPT,
 * BH_E_LIMIT, BH_E_UNSUPPORTED. */
BH_API BH_MUST_USE bh_status bh_runtime_create(const bh_runtime_options *options,
                                               bh_runtime **ret_runtime, bh_error *reterr);
/* Takes NULL. */
BH_API void bh_runtime_destroy(bh_runtime *runtime);

/* "0.1.0" */
BH_API const char *bh_version(void);
/* "48.0.8": wasmtime, whose compiled code the cache holds */
BH_API const char *bh_engine_version(void);

/* ${XDG_STATE_HOME:-~/.local/state}/bulkhead and ${XDG_CACHE_HOME:-~/.cache}/bulkhead, written to
 * `ret_path` of `size` bytes. Fails with BH_E_NOT_FOUND (no home directory), BH_E_LIMIT (size). */
BH_API BH_MUST_USE bh_status bh_default_state_directory(char *ret_path, size_t size,
                                                        bh_error *reterr);
BH_API BH_MUST_USE bh_status bh_default_cache_directory(char *ret_path, size_t size,
                                                        bh_error *reterr);

#endif
