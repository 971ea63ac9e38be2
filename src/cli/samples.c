/* cli/samples.c - median and extremes of a few numbers, and how they are printed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

void bhi_samples_add(bhi_samples *samples, double value)
{
    if (samples->count < BHI_SAMPLES_MAX)
        samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

bhi_spread bhi_samples_spread(const bhi_samples *samples)
{
    if (samples->count == 0)
        return (bhi_spread){0};
    bhi_samples sorted = *samples;
    qsort(sorted.values, sorted.count, sizeof sorted.values[0], compare);
    uint32_t middle = sorted.count / 2;
    double median = sorted.count % 2 == 1 ? sorted.values[middle]
                                          : (sorted.values[middle - 1] + sorted.values[middle]) / 2;
    return (bhi_spread){
        .median = median, .min = sorted.values[0], .max = sorted.values[sorted.count - 1]};
}

json_t *bhi_bench_spread_json(const bhi_samples *samples)
{
    bhi_spread spread = bhi_samples_spread(samples);
    return json_pack("{s:f, s:f, s:f, s:i}", "median", spread.median, "min", spread.min, "max",
                     spread.max, "rounds", (int)samples->count);
}

void bhi_bench_print_limit(const char *name, double value, double limit, bool is_most)
{
    bool is_met = is_most ? value <= limit : value >= limit;
    printf("%-32s %10.2f   %s %g  %s\n", name, value, is_most ? "at most" : "at least", limit,
           is_met ? "ok" : "MISSED");
}
