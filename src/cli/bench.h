/* cli/bench.h - the benches of the tool, and what they share. */
#ifndef BHI_CLI_BENCH_H
#define BHI_CLI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bhi_bench_invoke_options {
    const char *path;   /* a capsule whose hook answers any JSON string */
    const char *action; /* that it answers */
    const char *peer;   /* the program of the reference pool; NULL: without it */
    bool is_json;
    bool is_verified; /* compare every restored instance with its snapshot */
    uint32_t rounds;
    uint32_t calls; /* per round */
} bhi_bench_invoke_options;

/* Our invocation, pristine and shared, beside its peers; its parts; and how far deadlines
 * overshoot. Returns an exit code of the tool. */
int bhi_bench_invoke(const bhi_bench_invoke_options *options);

typedef struct bhi_bench_pool_options {
    bool is_json;
    uint32_t rounds;
} bhi_bench_pool_options;

/* The pool beside a bare mutex: alone, with two threads, and with long queues. Returns an exit code
 * of the tool. */
int bhi_bench_pool(const bhi_bench_pool_options *options);

typedef struct bhi_bench_restore_options {
    const char *path; /* as above */
    const char *action;
    bool is_json;
    uint32_t rounds;
} bhi_bench_restore_options;

/* The restore alone, a guest with a large heap, and thousands of idle instances. Returns an exit
 * code of the tool. */
int bhi_bench_restore(const bhi_bench_restore_options *options);

typedef struct bhi_bench_bus_options {
    bool is_json;
    uint32_t rounds;
} bhi_bench_bus_options;

/* What messages cost. Returns an exit code of the tool. */
int bhi_bench_bus(const bhi_bench_bus_options *options);

typedef struct bhi_bench_wait_options {
    bool is_json;
} bhi_bench_wait_options;

/* Thousands of invocations that wait at once. Returns an exit code of the tool. */
int bhi_bench_wait_run(const bhi_bench_wait_options *options);

typedef struct bhi_bench_http_options {
    bool is_json;
    uint32_t rounds;
} bhi_bench_http_options;

/* HTTP requests of a capsule beside libcurl alone. Returns an exit code of the tool. */
int bhi_bench_http(const bhi_bench_http_options *options);

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

/* Median, least and greatest of the rounds; owned by the caller. */
struct json_t *bhi_bench_spread_json(const bhi_samples *samples);
/* A line that says whether a figure is within its limit. */
void bhi_bench_print_limit(const char *name, double value, double limit, bool is_most);

#endif
