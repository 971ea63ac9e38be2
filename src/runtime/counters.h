/* runtime/counters.h - what a capsule counts. Relaxed atomics: each number is right, no two of them
 * are read at one moment. */
#ifndef BHI_RUNTIME_COUNTERS_H
#define BHI_RUNTIME_COUNTERS_H

#include <stdatomic.h>

#include <bulkhead/capsule.h>

typedef struct bhi_histogram {
    atomic_uint_fast64_t counts[BH_HISTOGRAM_BUCKETS];
    atomic_uint_fast64_t sum_ns;
} bhi_histogram;

/* Most leases wait for nothing and restore nothing. Such a zero is not added to its histogram; the
 * reader counts it as what is missing there against `run`, to which every lease is added. */
typedef struct bhi_counters {
    atomic_uint_fast64_t outcomes[BH_OUTCOME_COUNT];
    atomic_uint_fast64_t fuel_used;
    bhi_histogram wait, run, restore;
    atomic_uint_fast64_t restores_whole, restores_dearer, restores_failed;
    atomic_uint_fast64_t verified, mismatches;
} bhi_counters;

/* Bucket b holds durations up to 512 ns << b. */
void bhi_histogram_add(bhi_histogram *histogram, uint64_t duration_ns);
void bhi_counters_read(const bhi_counters *counters, bh_capsule_stats *stats);

static inline void bhi_count(atomic_uint_fast64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

#endif
