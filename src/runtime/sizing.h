/* runtime/sizing.h - how many instances a capsule's pool may have and keeps warm.
 *
 * The ceiling is, in this order: the loader's option (the tool's --instance-pool-size), the
 * manifest's capsule.live_max or instance_pool_size, the environment's BULKHEAD_INSTANCE_POOL_SIZE
 * or ASTRID_CAPSULE_INSTANCE_POOL_SIZE, and else twice the processors that this process may use, at
 * least 8 and at most 64. A capsule that holds host processes has one instance, whatever is asked.
 *
 * Threads: any; the environment is read and must not change.
 */
#ifndef BHI_RUNTIME_SIZING_H
#define BHI_RUNTIME_SIZING_H

#include "runtime/manifest.h"

typedef struct bhi_sizing {
    uint32_t live_max, min_idle;
} bhi_sizing;

/* `live_max_option`: 0 for none. Fails with BH_E_ARG: the environment's value is no number from 1
 * to BHI_LIVE_MAX_MAX. */
BH_MUST_USE bh_status bhi_sizing_choose(uint32_t live_max_option, const bhi_manifest *manifest,
                                        bool is_carve_out, bhi_sizing *ret_sizing,
                                        bh_error *reterr);

#endif
