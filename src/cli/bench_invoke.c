/* cli/bench_invoke.c - a warm invocation of ours beside a fresh instance per call of the engine.
 *
 * Both contenders run the same core module on this thread with fuel and epochs on, in alternating
 * rounds, so that noise of the machine hits both. Ours goes through bh_invoke: admission, checkout,
 * call, settlement, return. Instances are reused without restore (`shared`), which is what this
 * bench is about; the peer gets a pooling allocator with copy-on-write images and resident pages.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bulkhead/bulkhead.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "fresh/fresh.h"
#include "loop_wasm.h"
#include "runtime/manifest.h"
#include "wasm/capsule.h"

enum { PAYLOADS = 2, DEADLINE_RUNS = 40, DEADLINE_MS = 10, PAYLOAD_BYTES_MOST = 16384 };
static const size_t payload_bytes[PAYLOADS] = {64, PAYLOAD_BYTES_MOST};

typedef struct invoke_bench {
    const bhi_bench_invoke_options *options;
    bhi_arena arena; /* wasm bytes and their image */
    bh_runtime *runtime;
    bh_capsule *capsule;
    bench_fresh *fresh;
    char payload[PAYLOAD_BYTES_MOST];
    char answer[PAYLOAD_BYTES_MOST];
    bhi_samples warm[PAYLOADS], fresh_samples[PAYLOADS], overshoot_ms;
} invoke_bench;

static int fail(const bh_error *error)
{
    return bhi_cli_fail_status("bench", error);
}

static void close_bench(invoke_bench *bench)
{
    bench_fresh_destroy(bench->fresh);
    bh_capsule_release(bench->capsule);
    bh_runtime_destroy(bench->runtime);
    bhi_arena_deinit(&bench->arena);
    free(bench);
}

static bh_status read_core(invoke_bench *bench, bhi_bytes *ret_core, bh_error *reterr)
{
    bhi_manifest manifest;
    bhi_bytes wasm;
    bhi_capsule_image image;
    const char *path = bench->options->path;
    bh_status status = bhi_manifest_find(path, &bench->arena, &manifest, reterr);
    if (status == BH_OK)
        status = bhi_manifest_read_component(path, &manifest, &bench->arena, &wasm, reterr);
    if (status == BH_OK)
        status = bhi_capsule_image_read(wasm, &bench->arena, &image, reterr);
    if (status == BH_OK)
        *ret_core = image.core;
    return status;
}

static bh_status open_contenders(invoke_bench *bench, bh_error *reterr)
{
    bhi_bytes core;
    bh_capsule_options shared = {.has_reuse = true, .reuse = BH_REUSE_SHARED};
    bh_status status = bh_runtime_create(NULL, &bench->runtime, reterr);
    if (status == BH_OK)
        status =
            bh_capsule_load(bench->runtime, bench->options->path, &shared, &bench->capsule, reterr);
    if (status == BH_OK)
        status = read_core(bench, &core, reterr);
    if (status != BH_OK)
        return status;
    bench->fresh = bench_fresh_create(core.data, core.len);
    if (bench->fresh != NULL)
        return BH_OK;
    reterr->code = BH_E_UNSUPPORTED;
    snprintf(reterr->text, sizeof reterr->text, "the peer \"fresh\" cannot run %s",
             bench->options->path);
    return BH_E_UNSUPPORTED;
}

/* Mean ns per invocation over one round; below 0 after a failure was printed. */
static double run_warm_round(invoke_bench *bench, size_t payload_len)
{
    bh_request request = {.action = "bench",
                          .payload = bench->payload,
                          .payload_len = payload_len,
                          .principal = "bench"};
    bh_result result = {0};
    bh_error error;
    bool is_ok = true;
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < bench->options->calls && is_ok; i++)
        is_ok = bh_invoke(bench->capsule, &request, &result, &error) == BH_OK &&
                result.outcome == BH_OUTCOME_RETURNED;
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    if (!is_ok)
        bhi_cli_fail("bench", BHI_CLI_GUEST, "the capsule did not answer: %s",
                     result.storage != NULL ? result.message : error.text);
    bh_result_deinit(&result);
    return is_ok ? (double)took_ns / bench->options->calls : -1;
}

static double run_fresh_round(invoke_bench *bench, size_t payload_len)
{
    bool is_ok = true;
    size_t len;
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < bench->options->calls && is_ok; i++)
        is_ok = bench_fresh_invoke(bench->fresh, "bench", bench->payload, payload_len,
                                   bench->answer, sizeof bench->answer, &len);
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    if (!is_ok)
        bhi_cli_fail("bench", BHI_CLI_GUEST, "the peer \"fresh\" did not answer");
    return is_ok ? (double)took_ns / bench->options->calls : -1;
}

static bool measure_invocations(invoke_bench *bench)
{
    for (size_t p = 0; p < PAYLOADS; p++) {
        /* One round of each to warm up. */
        if (run_warm_round(bench, payload_bytes[p]) < 0 ||
            run_fresh_round(bench, payload_bytes[p]) < 0)
            return false;
        for (uint32_t round = 0; round < bench->options->rounds; round++) {
            double warm_ns = run_warm_round(bench, payload_bytes[p]);
            double fresh_ns = run_fresh_round(bench, payload_bytes[p]);
            if (warm_ns < 0 || fresh_ns < 0)
                return false;
            bhi_samples_add(&bench->warm[p], warm_ns);
            bhi_samples_add(&bench->fresh_samples[p], fresh_ns);
        }
    }
    return true;
}

static bh_status time_deadlines(invoke_bench *bench, bh_capsule *loop, bh_error *reterr)
{
    bh_request request = {.action = "loop", .principal = "bench", .timeout_ms = DEADLINE_MS};
    bh_result result = {0};
    bh_status status = BH_OK;
    for (int i = 0; i < DEADLINE_RUNS && status == BH_OK; i++) {
        uint64_t began_ns = bhi_monotonic_ns();
        status = bh_invoke(loop, &request, &result, reterr);
        double took_ms = (double)(bhi_monotonic_ns() - began_ns) / 1e6;
        if (status == BH_OK && result.outcome == BH_OUTCOME_DEADLINE)
            bhi_samples_add(&bench->overshoot_ms, took_ms - DEADLINE_MS);
    }
    bh_result_deinit(&result);
    return status;
}

/* A guest that never returns, from a file because capsules are files. */
static bh_status measure_deadlines(invoke_bench *bench, bh_error *reterr)
{
    char path[] = "/tmp/bulkhead-bench-XXXXXX.wasm";
    int fd = mkstemps(path, 5);
    if (fd < 0 || write(fd, loop_wasm, sizeof loop_wasm) != (ssize_t)sizeof loop_wasm) {
        reterr->code = BH_E_IO;
        snprintf(reterr->text, sizeof reterr->text, "cannot write %s", path);
        return BH_E_IO;
    }
    close(fd);
    bh_capsule *loop = NULL;
    bh_status status = bh_capsule_load(bench->runtime, path, NULL, &loop, reterr);
    unlink(path);
    if (status == BH_OK)
        status = time_deadlines(bench, loop, reterr);
    bh_capsule_release(loop);
    return status;
}

/* ---- printing ---- */

static json_t *spread_json(const bhi_samples *samples)
{
    bhi_spread spread = bhi_samples_spread(samples);
    return json_pack("{s:f, s:f, s:f, s:i}", "median", spread.median, "min", spread.min, "max",
                     spread.max, "rounds", (int)samples->count);
}

static json_t *by_payload_json(const bhi_samples *samples)
{
    json_t *list = json_array();
    for (size_t p = 0; p < PAYLOADS; p++) {
        json_t *entry = spread_json(&samples[p]);
        json_object_set_new(entry, "payload_bytes", json_integer((json_int_t)payload_bytes[p]));
        json_array_append_new(list, entry);
    }
    return list;
}

static double median(const bhi_samples *samples)
{
    return bhi_samples_spread(samples).median;
}

static void print_json(const invoke_bench *bench)
{
    json_t *body =
        json_pack("{s:s, s:i, s:o, s:o, s:f, s:f, s:o}", "capsule", bh_capsule_name(bench->capsule),
                  "calls_per_round", (int)bench->options->calls, "warm_ns",
                  by_payload_json(bench->warm), "fresh_ns", by_payload_json(bench->fresh_samples),
                  "fresh_over_warm", median(&bench->fresh_samples[0]) / median(&bench->warm[0]),
                  "warm_16k_over_64", median(&bench->warm[1]) / median(&bench->warm[0]),
                  "deadline_overshoot_ms", spread_json(&bench->overshoot_ms));
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

static void print_row(const char *name, const bhi_samples *samples, const char *unit)
{
    bhi_spread spread = bhi_samples_spread(samples);
    printf("%-28s %10.2f %s   (%.2f to %.2f, %u rounds)\n", name, spread.median, unit, spread.min,
           spread.max, samples->count);
}

static void print_text(const invoke_bench *bench)
{
    print_row("warm, 64 B", &bench->warm[0], "ns");
    print_row("fresh, 64 B", &bench->fresh_samples[0], "ns");
    print_row("warm, 16 KiB", &bench->warm[1], "ns");
    print_row("fresh, 16 KiB", &bench->fresh_samples[1], "ns");
    print_row("deadline overshoot", &bench->overshoot_ms, "ms");
    printf("%-28s %10.2f\n", "fresh / warm, 64 B",
           median(&bench->fresh_samples[0]) / median(&bench->warm[0]));
    printf("%-28s %10.2f\n", "warm 16 KiB / 64 B",
           median(&bench->warm[1]) / median(&bench->warm[0]));
}

int bhi_bench_invoke(const bhi_bench_invoke_options *options)
{
    bh_error error;
    invoke_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "out of memory");
    bench->options = options;
    memset(bench->payload, 'x', sizeof bench->payload);
    int exit_code = BHI_CLI_OK;
    if (open_contenders(bench, &error) != BH_OK)
        exit_code = fail(&error);
    else if (!measure_invocations(bench))
        exit_code = BHI_CLI_GUEST;
    else if (measure_deadlines(bench, &error) != BH_OK)
        exit_code = fail(&error);
    else if (options->is_json)
        print_json(bench);
    else
        print_text(bench);
    close_bench(bench);
    return exit_code;
}
