/* serve/quantile.h - percentiles out of the buckets of a histogram, for the daemon and the tool.
 *
 * Threads: any; nothing here keeps state.
 */
#ifndef BHI_SERVE_QUANTILE_H
#define BHI_SERVE_QUANTILE_H

#include <bulkhead/capsule.h>

uint64_t bhi_histogram_count(const bh_histogram *histogram);

/* The duration that `percent` of the counted ones do not exceed, interpolated linearly inside its
 * bucket; 0 without any. In the last bucket, which has no end, its beginning: at least so much. */
uint64_t bhi_histogram_percentile_ns(const bh_histogram *histogram, double percent);

#endif
