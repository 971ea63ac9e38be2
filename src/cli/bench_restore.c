/* cli/bench_restore.c - what exact restore costs: beside a copy of the same pages, for a guest with
 * a large heap, and in memory when thousands of instances are idle.
 *
 * Contenders take turns in rounds, so that noise of the machine hits both. Limits are on ratios
 * within one run; a limit that is missed is reported and is no failure: a bench measures.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "cli/bench_restore.h"
#include "cli/cli.h"
#include "fresh/fresh.h"
#include "heap_wasm.h"

enum { HEAP_CALLS = 1000, HEAP_FRESH_CALLS = 2, HEAP_BUILDS = 8, IDLE_INSTANCES = 5000 };

typedef struct restore_bench {
    const bhi_bench_restore_options *options;
    uint32_t dirty_pages;
    bhi_samples restore_ns, memcpy_ns;
    bhi_samples heap_pristine_ns, heap_fresh_ns, heap_build_ns;
    bhi_bench_density density;
} restore_bench;

/* ---- measuring ---- */

static void measure_pages(restore_bench *bench)
{
    bhi_bench_pages pages;
    bhi_bench_pages_open(&pages, bench->options->path, bench->options->action);
    bhi_bench_pages_restore_ns(&pages);
    bhi_bench_pages_memcpy_ns(&pages);
    for (uint32_t round = 0; round < bench->options->rounds; round++) {
        bhi_samples_add(&bench->restore_ns, bhi_bench_pages_restore_ns(&pages));
        bhi_samples_add(&bench->memcpy_ns, bhi_bench_pages_memcpy_ns(&pages));
    }
    bench->dirty_pages = pages.dirty_pages;
    bhi_bench_pages_close(&pages);
}

/* Mean ns of invocations through the whole pipeline; below 0 when one failed. */
static double invoke_heap(bhi_bench_guest *guest)
{
    bh_request request = {.action = guest->action,
                          .payload = guest->payload,
                          .payload_len = guest->payload_len,
                          .principal = "bench"};
    bh_result result = {0};
    bool is_ok = true;
    uint64_t began_ns = bhi_monotonic_ns();
    for (int i = 0; i < HEAP_CALLS && is_ok; i++)
        is_ok = bh_invoke(guest->capsule, &request, &result, NULL) == BH_OK &&
                result.outcome == BH_OUTCOME_RETURNED;
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    bh_result_deinit(&result);
    return is_ok ? (double)took_ns / HEAP_CALLS : -1;
}

static double invoke_heap_fresh(const bhi_bench_guest *guest, bench_fresh *fresh)
{
    char answer[64];
    size_t len;
    bool is_ok = true;
    uint64_t began_ns = bhi_monotonic_ns();
    for (int i = 0; i < HEAP_FRESH_CALLS && is_ok; i++)
        is_ok = bench_fresh_invoke(fresh, guest->action, guest->payload, guest->payload_len, answer,
                                   sizeof answer, &len);
    return is_ok ? (double)(bhi_monotonic_ns() - began_ns) / HEAP_FRESH_CALLS : -1;
}

static double build_heap(bhi_bench_guest *guest)
{
    uint64_t took_ns = 0;
    for (int i = 0; i < HEAP_BUILDS; i++) {
        uint64_t began_ns = bhi_monotonic_ns();
        bhi_pooled *pooled = bhi_bench_guest_build(guest);
        took_ns += bhi_monotonic_ns() - began_ns;
        bhi_pooled_destroy(pooled);
    }
    return (double)took_ns / HEAP_BUILDS;
}

static bool run_heap_rounds(restore_bench *bench, bhi_bench_guest *guest, bench_fresh *fresh)
{
    if (invoke_heap(guest) < 0)
        return false;
    for (uint32_t round = 0; round < bench->options->rounds; round++) {
        double pristine_ns = invoke_heap(guest), fresh_ns = invoke_heap_fresh(guest, fresh);
        if (pristine_ns < 0 || fresh_ns < 0)
            return false;
        bhi_samples_add(&bench->heap_pristine_ns, pristine_ns);
        bhi_samples_add(&bench->heap_fresh_ns, fresh_ns);
        bhi_samples_add(&bench->heap_build_ns, build_heap(guest));
    }
    return true;
}

static bool measure_heap(restore_bench *bench)
{
    char path[BHI_BENCH_PATH_BYTES];
    bhi_bench_guest guest;
    bhi_bench_write_module(heap_wasm, sizeof heap_wasm, path);
    bhi_bench_guest_open(&guest, path, NULL, "bench", 64);
    unlink(path);
    bench_fresh *fresh = bench_fresh_create(heap_wasm, sizeof heap_wasm);
    bool is_ok = fresh != NULL && run_heap_rounds(bench, &guest, fresh);
    bench_fresh_destroy(fresh);
    bhi_bench_guest_close(&guest);
    return is_ok;
}

/* ---- printing ---- */

static double median(const bhi_samples *samples)
{
    return bhi_samples_spread(samples).median;
}

/* Of the smaller one of two medians taken in turn, how many times the other is. */
static double ratio(const bhi_samples *of, const bhi_samples *to)
{
    return median(of) / median(to);
}

static json_t *density_json(const bhi_bench_density *density)
{
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "instances",
                     (int)density->instances, "build_ns", density->build_ns,
                     "pss_bytes_per_instance", density->pss_bytes, "store_bytes",
                     density->store_bytes, "stack_bytes", density->stack_bytes, "dirty_bytes",
                     density->dirty_bytes, "page_table_bytes", density->page_table_bytes,
                     "mappings", density->mappings, "dirty_runs", density->runs);
}

static void print_json(const restore_bench *bench)
{
    json_t *body =
        json_pack("{s:s, s:i, s:i, s:i, s:o, s:o, s:f, s:{s:o, s:o, s:o, s:f}, s:o}", "capsule",
                  bench->options->path, "rounds", (int)bench->options->rounds, "instances",
                  BHI_BENCH_INSTANCES, "dirty_pages", (int)bench->dirty_pages, "restore_ns",
                  bhi_bench_spread_json(&bench->restore_ns), "memcpy_ns",
                  bhi_bench_spread_json(&bench->memcpy_ns), "restore_over_memcpy",
                  ratio(&bench->restore_ns, &bench->memcpy_ns), "heap_16_mib", "pristine_ns",
                  bhi_bench_spread_json(&bench->heap_pristine_ns), "fresh_ns",
                  bhi_bench_spread_json(&bench->heap_fresh_ns), "build_ns",
                  bhi_bench_spread_json(&bench->heap_build_ns), "fresh_over_pristine",
                  ratio(&bench->heap_fresh_ns, &bench->heap_pristine_ns), "density",
                  density_json(&bench->density));
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

static void print_samples(const char *name, const bhi_samples *samples)
{
    bhi_spread spread = bhi_samples_spread(samples);
    printf("%-32s %10.1f   (%.1f to %.1f)\n", name, spread.median, spread.min, spread.max);
}

static void print_density(const bhi_bench_density *density)
{
    printf("%-32s %10u\n", "idle instances", density->instances);
    printf("%-32s %10.0f\n", "  of which store, bytes", density->store_bytes);
    printf("%-32s %10.0f\n", "  of which fiber stack", density->stack_bytes);
    printf("%-32s %10.0f\n", "  of which dirty pages", density->dirty_bytes);
    printf("%-32s %10.0f\n", "page tables, beside that", density->page_table_bytes);
    printf("%-32s %10.0f\n", "build of one, ns", density->build_ns);
    bhi_bench_print_limit("pss_bytes_per_instance", density->pss_bytes, 40 << 10, true);
    bhi_bench_print_limit("mappings", density->mappings, 4 + 2 * density->runs, true);
}

static void print_text(const restore_bench *bench)
{
    printf("%-32s %10u\n", "dirty pages", bench->dirty_pages);
    print_samples("restore, ns", &bench->restore_ns);
    print_samples("copy of the same pages, ns", &bench->memcpy_ns);
    bhi_bench_print_limit("restore / copy", ratio(&bench->restore_ns, &bench->memcpy_ns), 1.6,
                          true);
    print_samples("16 MiB heap: pristine, ns", &bench->heap_pristine_ns);
    print_samples("16 MiB heap: fresh, ns", &bench->heap_fresh_ns);
    print_samples("16 MiB heap: new instance, ns", &bench->heap_build_ns);
    bhi_bench_print_limit("16 MiB heap: pristine, us", median(&bench->heap_pristine_ns) / 1e3, 5,
                          true);
    bhi_bench_print_limit("16 MiB heap: fresh / pristine",
                          ratio(&bench->heap_fresh_ns, &bench->heap_pristine_ns), 1000, false);
    bhi_bench_print_limit("16 MiB heap: new instance, us", median(&bench->heap_build_ns) / 1e3, 200,
                          true);
    print_density(&bench->density);
}

int bhi_bench_restore(const bhi_bench_restore_options *options)
{
    restore_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "out of memory");
    bench->options = options;
    measure_pages(bench);
    bool is_ok = measure_heap(bench);
    if (is_ok)
        bhi_bench_density_measure(options->path, options->action, IDLE_INSTANCES, &bench->density);
    if (is_ok && options->is_json)
        print_json(bench);
    else if (is_ok)
        print_text(bench);
    free(bench);
    return is_ok ? BHI_CLI_OK
                 : bhi_cli_fail("bench", BHI_CLI_GUEST, "the guest with the large heap failed");
}
