/* cli/top_sample.h - one look of `bulkhead top` at a service. */
#ifndef BHI_CLI_TOP_SAMPLE_H
#define BHI_CLI_TOP_SAMPLE_H

#include <jansson.h>

#include "serve/quantile.h"

/* What one capsule has counted since it was loaded. */
typedef struct bhi_top_row {
    const char *name, *state; /* of the sample's body */
    uint64_t live, idle, waiting, leases, reloads, age_ms;
    bool is_breaker_open;
    bh_histogram wait, run;
    const json_t *condemned, *refusals; /* objects of counts; NULL: none */
} bhi_top_row;

typedef struct bhi_top_sample {
    json_t *body; /* owned */
    uint64_t at_ns;
    bhi_top_row *rows; /* as the service lists them: by name */
    size_t count;
} bhi_top_sample;

/* The rows of GET /v1/capsules, and takes `take_body`. Whatever is missing there is 0. False: out
 * of memory, or no list of capsules. */
bool bhi_top_sample_read(json_t *take_body, uint64_t at_ns, bhi_top_sample *ret_sample);
/* Zeroed bytes are fine. */
void bhi_top_sample_deinit(bhi_top_sample *sample);

/* What a row has counted since `before`, which may be NULL or lack it: then, and when the capsule
 * was loaded anew meanwhile, since it was loaded. */
typedef struct bhi_top_change {
    double leases_per_s;
    bh_histogram wait, run;
} bhi_top_change;

bhi_top_change bhi_top_change_since(const bhi_top_sample *before, const bhi_top_sample *now,
                                    const bhi_top_row *row);

#endif
