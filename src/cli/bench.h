/* cli/bench.h - the benches of the tool, and what they share. */
#ifndef BHI_CLI_BENCH_H
#define BHI_CLI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bhi_bench_invoke_options {
    const char *path; /* a capsule whose hook answers any payload */
    bool is_json;
    uint32_t rounds;
    uint32_t calls; /* per round */
} bhi_bench_invoke_options;

/* Our warm invocation beside the peer "fresh", and how far deadlines overshoot. Returns an exit
 * code of the tool. */
int bhi_bench_invoke(const bhi_bench_invoke_options *options);

typedef struct bhi_bench_pool_options {
    bool is_json;
    uint32_t rounds;
} bhi_bench_pool_options;

/* The pool beside a bare mutex: alone, with two threads, and with long queues. Returns an exit code
 * of the tool. */
int bhi_bench_pool(const bhi_bench_pool_options *options);

enum { BHI_SAMPLES_MAX = 1000 };

/* One number per round. */
typedef struct bhi_samples {
    double values[BHI_SAMPLES_MAX];
    uint32_t count;
} bhi_samples;

typedef struct bhi_spread {
    double median, min, max;
} bhi_spread;

void bhi_samples_add(bhi_samples *samples, double value);
bhi_spread bhi_samples_spread(const bhi_samples *samples);

#endif
