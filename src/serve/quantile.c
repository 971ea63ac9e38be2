/* serve/quantile.c - a duration is taken to lie anywhere in its bucket with the same likelihood. */
#include "serve/quantile.h"

uint64_t bhi_histogram_count(const bh_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}

uint64_t bhi_histogram_percentile_ns(const bh_histogram *histogram, double percent)
{
    double rank = (double)bhi_histogram_count(histogram) * percent / 100;
    double seen = 0;
    uint64_t low_ns = 0;
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS - 1; i++) {
        double here = (double)histogram->counts[i];
        uint64_t high_ns = bh_histogram_bound_ns(i);
        if (here > 0 && seen + here >= rank)
            return low_ns + (uint64_t)((double)(high_ns - low_ns) * (rank - seen) / here);
        seen += here;
        low_ns = high_ns;
    }
    return rank > 0 ? low_ns : 0;
}
