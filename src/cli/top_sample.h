/* cli/top_sample.h - what a daemon says of its capsules, and what changed since it said so before.
 *
 * The daemon counts from the load of a version on. The interval of a row is the time between two
 * samples by the daemon's clock; for a version that was not in the sample before, since its load.
 */
#ifndef BHI_CLI_TOP_SAMPLE_H
#define BHI_CLI_TOP_SAMPLE_H

#include <bulkhead/capsule.h>
#include <jansson.h>

#include "base/error.h"

typedef struct bhi_top_row {
    const char *name, *state;           /* of the sample's body, like all texts here */
    bool is_ready;                      /* else all numbers are 0 */
    uint64_t live, idle, waiting;       /* now */
    const json_t *condemned, *refusals; /* counts by name, since the load; NULL unless ready */
    uint64_t reloads, age_ms, leases;   /* since the load */
    bh_histogram wait_total, run_total; /* since the load */
    uint64_t interval_ms;
    double leases_per_s; /* of the interval, like the histograms */
    bh_histogram wait, run;
} bhi_top_row;

typedef struct bhi_top_sample {
    json_t *body;
    bhi_top_row *rows; /* as the daemon lists them */
    size_t count;
} bhi_top_sample;

/* `take_body` answers GET /v1/capsules. `before` may be empty (zeroed). Fails with BH_E_IO (it is
 * not such an answer), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_top_sample_read(json_t *take_body, const bhi_top_sample *before,
                                          bhi_top_sample *ret_sample, bh_error *reterr);
/* Zeroed bytes are an empty sample. */
void bhi_top_sample_deinit(bhi_top_sample *sample);

/* The rows, busiest first, then by name; to be freed by the caller. NULL when memory is out. */
const bhi_top_row **bhi_top_sample_sorted(const bhi_top_sample *sample);

#endif
