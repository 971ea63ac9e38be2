/* runtime/keeper.h - the thread that looks after the pools of a runtime.
 *
 * It builds instances ahead, so that no caller pays for a condemned one; evicts what stays idle;
 * makes room when memory is short or when a pool needs a permit of the ceiling that others hold
 * idle; and wakes pools whose builds were held back when their time has come. Between these it
 * sleeps.
 *
 * N1  It holds a reference of every capsule that it works for, and no lock while it does.
 * N2  Every build ahead is reported to its pool, exactly once, also when the keeper stops.
 * N3  A starved pool is advanced after each permit that comes back, until it is served.
 *
 * Threads: any, but for destroy: no other function runs then or later.
 */
#ifndef BHI_RUNTIME_KEEPER_H
#define BHI_RUNTIME_KEEPER_H

#include <bulkhead/capsule.h>

#include "base/list.h"
#include "pool/pool.h"

typedef struct bhi_keeper bhi_keeper;

#define BHI_EVICT_MS_DEFAULT 30000
#define BHI_LOOK_MS          500 /* how often memory is looked at where nothing tells */

typedef struct bhi_keeper_options {
    uint32_t live_max;           /* of all pools; 0: no ceiling                                */
    uint64_t resident_bytes_max; /* of the process; 0: no ceiling                              */
    uint32_t evict_ms;           /* 0: BHI_EVICT_MS_DEFAULT                                    */
    const char *meminfo_path;    /* NULL: the kernel's pressure-stall information, or else
                                    /proc/meminfo; tests give a file. Borrowed until destroy. */
    int take_pressure_fd;        /* what polls POLLPRI when memory is short; 0: the kernel's   */
} bhi_keeper_options;

/* Starts the thread. Fails with BH_E_NOMEM, BH_E_IO. */
BH_MUST_USE bh_status bhi_keeper_create(const bhi_keeper_options *options, bhi_keeper **ret_keeper,
                                        bh_error *reterr);
/* Takes NULL. Builds in flight are given up; no capsule is held any more when it returns. */
void bhi_keeper_destroy(bhi_keeper *keeper);

/* From here until remove the capsule's pool is looked after. */
void bhi_keeper_add(bhi_keeper *keeper, bh_capsule *capsule);
/* For a capsule that nobody holds any more; one that was not added, too. */
void bhi_keeper_remove(bhi_keeper *keeper, bh_capsule *capsule);

/* The one ceiling of its pools; lives as long as the keeper. */
bhi_ceiling *bhi_keeper_ceiling(bhi_keeper *keeper);

/* Build into the slot, for nobody (build_ahead_cb of a pool). */
void bhi_keeper_build(bhi_keeper *keeper, bh_capsule *capsule, bhi_slot *slot);
/* Advance the pools at `at_ns` (wake_cb of a pool). */
void bhi_keeper_wake(bhi_keeper *keeper, uint64_t at_ns);

#endif
