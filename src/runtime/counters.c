/* runtime/counters.c - buckets double from 512 ns to 2.1 s; the last one has no bound. */
#include "runtime/counters.h"

enum { FIRST_BOUND_LOG2 = 9 };

uint64_t bh_histogram_bound_ns(uint32_t bucket)
{
    return bucket >= BH_HISTOGRAM_BUCKETS - 1 ? UINT64_MAX
                                              : UINT64_C(1) << (FIRST_BOUND_LOG2 + bucket);
}

static uint32_t bucket_of(uint64_t duration_ns)
{
    if (duration_ns <= UINT64_C(1) << FIRST_BOUND_LOG2)
        return 0;
    uint32_t log2_up = 64 - (uint32_t)__builtin_clzll(duration_ns - 1);
    uint32_t bucket = log2_up - FIRST_BOUND_LOG2;
    return bucket < BH_HISTOGRAM_BUCKETS ? bucket : BH_HISTOGRAM_BUCKETS - 1;
}

void bhi_histogram_add(bhi_histogram *histogram, uint64_t duration_ns)
{
    bhi_count(&histogram->counts[bucket_of(duration_ns)], 1);
    bhi_count(&histogram->sum_ns, duration_ns);
}

static uint64_t read_count(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void read_histogram(const bhi_histogram *from, bh_histogram *to)
{
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        to->counts[i] = read_count(&from->counts[i]);
    to->sum_ns = read_count(&from->sum_ns);
}

static uint64_t total(const bh_histogram *histogram)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        sum += histogram->counts[i];
    return sum;
}

static void add_zeros(bh_histogram *histogram, uint64_t leases)
{
    uint64_t counted = total(histogram);
    histogram->counts[0] += leases > counted ? leases - counted : 0;
}

void bhi_counters_read(const bhi_counters *counters, bh_capsule_stats *stats)
{
    for (int outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++)
        stats->outcomes[outcome] = read_count(&counters->outcomes[outcome]);
    stats->fuel_used = read_count(&counters->fuel_used);
    stats->restores_whole = read_count(&counters->restores_whole);
    stats->restores_dearer = read_count(&counters->restores_dearer);
    stats->restores_failed = read_count(&counters->restores_failed);
    stats->verified = read_count(&counters->verified);
    stats->mismatches = read_count(&counters->mismatches);
    read_histogram(&counters->wait, &stats->wait);
    read_histogram(&counters->run, &stats->run);
    read_histogram(&counters->restore, &stats->restore);
    uint64_t leases = total(&stats->run);
    add_zeros(&stats->wait, leases);
    add_zeros(&stats->restore, leases);
}
