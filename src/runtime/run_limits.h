/* runtime/run_limits.h - how long a run loop may compute in silence, and how often it may fail.
 *
 * L1  A run is ended by its third window of CPU time in a row without progress. Progress is to be
 *     suspended in a host call, or to receive a message.
 * L2  Restarts keep their distance, which doubles, and there are at most restarts_max in any
 *     restarts_window_ms: however long a run lasted.
 *
 * Pure: no clock, no lock, no allocation.
 */
#ifndef BHI_RUNTIME_RUN_LIMITS_H
#define BHI_RUNTIME_RUN_LIMITS_H

#include <bulkhead/runtime.h>

enum { BHI_SILENT_WINDOWS_MAX = 3, BHI_RESTARTS_MOST = 64 };

typedef struct bhi_run_window {
    uint64_t cpu_ns; /* of this window */
    bool has_progressed;
    uint32_t silent; /* windows in a row */
} bhi_run_window;

/* Defaults in the place of zeros. Fails with BH_E_ARG (more than BHI_RESTARTS_MOST restarts). */
BH_MUST_USE bh_status bhi_run_options_choose(const bh_run_options *wanted,
                                             bh_run_options *ret_options, bh_error *reterr);

/* The guest ran for `cpu_ns` more. True: it is to be ended (L1). */
BH_MUST_USE bool bhi_run_window_note(bhi_run_window *window, uint64_t window_ns, uint64_t cpu_ns,
                                     bool has_progressed);

/* Zeroed is new. */
typedef struct bhi_restarts {
    uint64_t at_ns[BHI_RESTARTS_MOST]; /* a ring */
    uint32_t count;                    /* ever */
    uint32_t backoff_ms;               /* the last; 0: none yet */
} bhi_restarts;

/* A run that lasted for `ran_ns` ended now. True: another may begin after *ret_delay_ms. False: the
 * budget is spent (L2). */
BH_MUST_USE bool bhi_restarts_take(bhi_restarts *restarts, const bh_run_options *options,
                                   uint64_t now_ns, uint64_t ran_ns, uint32_t *ret_delay_ms);

#endif
