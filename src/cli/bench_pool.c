/* cli/bench_pool.c - what the pool costs beside a bare mutex, and whether that is within limits.
 *
 * Every round takes one sample of each figure, one right after the other, so that noise of the
 * machine hits both sides of a ratio. Limits are on ratios within one run. A limit that is missed
 * is reported and is no failure: a bench measures.
 */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cli/bench.h"
#include "cli/bench_pool.h"
#include "cli/cli.h"

/* The figures of one round, in the order in which they are printed. */
#define FIGURES(X)                                                                                 \
    X(MUTEX_PAIR, mutex_pair_ns)                                                                   \
    X(PLAIN, checkout_return_ns)                                                                   \
    X(CAPPED, checkout_return_capped_ns)                                                           \
    X(AFFINE, checkout_return_affine_ns)                                                           \
    X(WORK, scaling_work_ratio)                                                                    \
    X(NO_WORK, scaling_no_work_ratio)                                                              \
    X(WORK_EMPTY, scaling_work_vs_empty)                                                           \
    X(NO_WORK_EMPTY, scaling_no_work_vs_empty)                                                     \
    X(WAITERS_100, waiters_100_ns)                                                                 \
    X(WAITERS_10000, waiters_10000_ns)                                                             \
    X(STEPS_100, waiters_100_steps)                                                                \
    X(STEPS_10000, waiters_10000_steps)

typedef enum figure {
#define FIGURE(id, name) id,
    FIGURES(FIGURE) FIGURE_COUNT
#undef FIGURE
} figure;

static const char *const figure_names[FIGURE_COUNT] = {
#define FIGURE(id, name) #name,
    FIGURES(FIGURE)
#undef FIGURE
};

typedef struct pool_bench {
    bhi_pool *plain, *capped, *affine;
    uint32_t work_spins;
    bhi_samples figures[FIGURE_COUNT];
} pool_bench;

/* ---- measuring ---- */

enum { TURNS = 3 }; /* of each guard in a round: two threads that meet are noisy */

static void add(pool_bench *bench, figure of, double value)
{
    bhi_samples_add(&bench->figures[of], value);
}

static void compare_guards(pool_bench *bench, uint32_t spins, figure vs_bare, figure vs_empty)
{
    double per_second[BHI_BENCH_GUARD_COUNT] = {0}; /* summed over the turns */
    for (int i = 0; i < TURNS * BHI_BENCH_GUARD_COUNT; i++) {
        bhi_bench_guard guard = (bhi_bench_guard)(i % BHI_BENCH_GUARD_COUNT);
        per_second[guard] += bhi_bench_two_threads(bench->plain, guard, spins);
    }
    add(bench, vs_bare, per_second[BHI_BENCH_GUARD_POOL] / per_second[BHI_BENCH_GUARD_BARE]);
    add(bench, vs_empty, per_second[BHI_BENCH_GUARD_POOL] / per_second[BHI_BENCH_GUARD_EMPTY]);
}

static void add_waiters(pool_bench *bench, uint32_t waiters, figure ns, figure steps)
{
    bhi_bench_queue queue = bhi_bench_waiters(waiters, waiters / 10);
    add(bench, ns, queue.ns);
    add(bench, steps, queue.steps);
}

static void run_round(pool_bench *bench)
{
    add(bench, MUTEX_PAIR, bhi_bench_mutex_pair_ns(bench->plain));
    add(bench, PLAIN, bhi_bench_checkout_return_ns(bench->plain));
    add(bench, CAPPED, bhi_bench_checkout_return_ns(bench->capped));
    add(bench, AFFINE, bhi_bench_checkout_return_ns(bench->affine));
    compare_guards(bench, bench->work_spins, WORK, WORK_EMPTY);
    compare_guards(bench, 0, NO_WORK, NO_WORK_EMPTY);
    add_waiters(bench, 100, WAITERS_100, STEPS_100);
    add_waiters(bench, 10000, WAITERS_10000, STEPS_10000);
}

static void *wait_for_end(void *arg)
{
    pthread_barrier_wait(arg);
    return NULL;
}

/* Beside a thread that sleeps: alone in its process, libc would lock without atomic operations, on
 * both sides, which no user of a pool sees. */
static void measure(pool_bench *bench, uint32_t rounds)
{
    pthread_barrier_t end;
    pthread_t sleeper;
    pthread_barrier_init(&end, NULL, 2);
    BHI_ASSERT(pthread_create(&sleeper, NULL, wait_for_end, &end) == 0);
    bench->work_spins = bhi_bench_calibrate_spins();
    for (uint32_t round = 0; round < rounds; round++)
        run_round(bench);
    pthread_barrier_wait(&end);
    pthread_join(sleeper, NULL);
    pthread_barrier_destroy(&end);
}

/* ---- judging ---- */

static double median(const pool_bench *bench, figure of)
{
    return bhi_samples_spread(&bench->figures[of]).median;
}

static double quotient(const pool_bench *bench, figure of, figure by)
{
    return median(bench, of) / median(bench, by);
}

static double scaling(const pool_bench *bench)
{
    double work = median(bench, WORK), no_work = median(bench, NO_WORK);
    return work < no_work ? work : no_work;
}

static void judge(const char *what, double found, const char *limit, bool is_met)
{
    printf("%-44s %8.2f   %-22s %s\n", what, found, limit, is_met ? "ok" : "MISSED");
}

static void judge_cost(const pool_bench *bench, const char *what, figure of)
{
    double found = quotient(bench, of, MUTEX_PAIR);
    judge(what, found, "at most 8 (aim 4)", found <= 8);
}

static void judge_scaling(const pool_bench *bench, const char *what, figure of)
{
    double found = median(bench, of);
    judge(what, found, "at least 0.9", found >= 0.9);
}

/* Two names that meet in one chain of the hash table are less than a hundredth. */
static void judge_waiters(const pool_bench *bench)
{
    double time = quotient(bench, WAITERS_10000, WAITERS_100);
    double steps = quotient(bench, STEPS_10000, STEPS_100);
    judge("10,000 waiters / 100: time of each", time, "at most 4", time <= 4);
    judge("10,000 waiters / 100: list steps of each", steps, "1.00", steps < 1.005);
}

/* ---- printing ---- */

static void print_text(const pool_bench *bench)
{
    for (int i = 0; i < FIGURE_COUNT; i++) {
        bhi_spread spread = bhi_samples_spread(&bench->figures[i]);
        printf("%-26s %10.2f   (%.2f to %.2f, %u rounds)\n", figure_names[i], spread.median,
               spread.min, spread.max, bench->figures[i].count);
    }
    putchar('\n');
    judge_cost(bench, "checkout and return / mutex pair", PLAIN);
    judge_cost(bench, "the same, principals capped", CAPPED);
    judge_cost(bench, "the same, affine", AFFINE);
    judge_scaling(bench, "two threads, 1 us of work: pool / bare mutex", WORK);
    judge_scaling(bench, "two threads, no work: pool / bare mutex", NO_WORK);
    judge_waiters(bench);
}

static void print_json(const pool_bench *bench)
{
    json_t *body = json_object(), *spreads = json_object();
    for (int i = 0; i < FIGURE_COUNT; i++) {
        bhi_spread spread = bhi_samples_spread(&bench->figures[i]);
        json_object_set_new(body, figure_names[i], json_real(spread.median));
        json_object_set_new(spreads, figure_names[i],
                            json_pack("{s:f, s:f}", "min", spread.min, "max", spread.max));
    }
    json_object_set_new(body, "scaling_two_threads", json_real(scaling(bench)));
    json_object_set_new(body, "rounds", json_integer(bench->figures[0].count));
    json_object_set_new(body, "spreads", spreads);
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

int bhi_bench_pool(const bhi_bench_pool_options *options)
{
    pool_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "out of memory");
    bhi_pool_options plain = {.live_max = BHI_BENCH_SLOTS, .waiters_max = 64};
    bhi_pool_options capped = plain, affine = plain;
    capped.principal_leases_max = BHI_BENCH_SLOTS / 2;
    affine.is_affine = true;
    bench->plain = bhi_bench_pool_create(plain);
    bench->capped = bhi_bench_pool_create(capped);
    bench->affine = bhi_bench_pool_create(affine);
    measure(bench, options->rounds);
    if (options->is_json)
        print_json(bench);
    else
        print_text(bench);
    bhi_pool_release(bench->plain);
    bhi_pool_release(bench->capped);
    bhi_pool_release(bench->affine);
    free(bench);
    return BHI_CLI_OK;
}
