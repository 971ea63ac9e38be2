/* cli/bench_invoke.c - an invocation of ours beside what else one can do with the same guest.
 *
 * All contenders run the same guest with fuel and epochs on, in alternating rounds, so that noise
 * of the machine hits all of them. Ours goes through bh_invoke: admission, checkout, call,
 * settlement, restore, return. The peer "fresh" gets a pooling allocator with copy-on-write images
 * and resident pages; it defines no imports, so a guest that calls some runs without it. The peer
 * "reference pool" is a program of its own (bench/peers).
 */
#include "cli/bench_invoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench_peer.h"
#include "cli/cli.h"
#include "fresh/fresh.h"
#include "loop_wasm.h"
#include "runtime/manifest.h"
#include "wasm/capsule.h"

enum { DEADLINE_RUNS = 40, DEADLINE_MS = 10, LARGE_BYTES = 64 << 10, CALLS_AFTER_LARGE = 100 };
enum { IDLE_INSTANCES = 500, BUILDS = 100 };

const size_t bhi_bench_payload_bytes[BHI_BENCH_PAYLOADS] = {64, BHI_BENCH_PAYLOAD_BYTES_MOST};

typedef struct invoke_bench {
    bhi_invoke_figures figures; /* first, to be printed */
    bhi_arena arena;            /* wasm bytes and their image */
    bh_runtime *runtime;
    bh_capsule *capsules[BHI_CONTENDERS]; /* ours */
    bench_fresh *fresh;
    bhi_bench_peer *peers[BHI_CONTENDERS]; /* the pools' */
    char *payloads[BHI_BENCH_PAYLOADS];
    char *large_payload;
    char answer[BHI_BENCH_PAYLOAD_BYTES_MOST];
} invoke_bench;

/* ---- opening ---- */

static void close_bench(invoke_bench *bench)
{
    bench_fresh_destroy(bench->fresh);
    for (int i = 0; i < BHI_CONTENDERS; i++) {
        bh_capsule_release(bench->capsules[i]);
        bhi_bench_peer_close(bench->peers[i]);
    }
    bh_runtime_destroy(bench->runtime);
    for (size_t p = 0; p < BHI_BENCH_PAYLOADS; p++)
        free(bench->payloads[p]);
    free(bench->large_payload);
    bhi_arena_deinit(&bench->arena);
    free(bench);
}

static bh_status find_wasm(invoke_bench *bench, bhi_manifest *ret_manifest, bhi_bytes *ret_core,
                           bh_error *reterr)
{
    bhi_bytes wasm;
    bhi_capsule_image image;
    const char *path = bench->figures.options->path;
    bh_status status = bhi_manifest_find(path, &bench->arena, ret_manifest, reterr);
    if (status == BH_OK)
        status = bhi_manifest_read_component(path, ret_manifest, &bench->arena, &wasm, reterr);
    if (status == BH_OK)
        status = bhi_capsule_image_read(wasm, &bench->arena, &image, reterr);
    if (status == BH_OK)
        *ret_core = image.core;
    return status;
}

/* The peers read a wasm file; the capsule may be given as its directory. */
static const char *path_of_wasm(invoke_bench *bench, const bhi_manifest *manifest)
{
    const char *path = bench->figures.options->path;
    size_t len = strlen(path);
    if (len > 5 && strcmp(path + len - 5, ".wasm") == 0)
        return path;
    return bhi_arena_printf(&bench->arena, "%s/%s", path, manifest->component_file);
}

static bh_status open_peers(invoke_bench *bench, const bhi_manifest *manifest, bh_error *reterr)
{
    const char *program = bench->figures.options->peer;
    if (program == NULL)
        return BH_OK;
    const char *path = path_of_wasm(bench, manifest);
    if (path == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a path");
    static const char *const options[] = {[BHI_CONTENDER_TUNED_POOL] = "--tuned"};
    bh_status status = BH_OK;
    for (int i = BHI_CONTENDER_REFERENCE_POOL; i <= BHI_CONTENDER_TUNED_POOL && status == BH_OK;
         i++) {
        status = bhi_bench_peer_open(program, options[i], path, &bench->peers[i], reterr);
        bench->figures.is_present[i] = status == BH_OK;
    }
    return status;
}

static void ignore_line(void *arg, bh_log_level level, const char *capsule, const char *principal,
                        const char *text)
{
    (void)arg, (void)level, (void)capsule, (void)principal, (void)text;
}

static bh_status open_ours(invoke_bench *bench, bh_error *reterr)
{
    const bhi_bench_invoke_options *options = bench->figures.options;
    bh_runtime_options runtime_options = {.guest_log_cb = ignore_line,
                                          .verify_every = options->is_verified ? 1 : 0,
                                          .verify_whole = options->is_verified};
    static const bh_reuse reuses[] = {
        [BHI_CONTENDER_PRISTINE] = BH_REUSE_PRISTINE, [BHI_CONTENDER_SHARED] = BH_REUSE_SHARED};
    bh_status status = bh_runtime_create(&runtime_options, &bench->runtime, reterr);
    for (int i = BHI_CONTENDER_PRISTINE; i <= BHI_CONTENDER_SHARED && status == BH_OK; i++) {
        bh_capsule_options capsule_options = {.has_reuse = true, .reuse = reuses[i]};
        status = bh_capsule_load(bench->runtime, options->path, &capsule_options,
                                 &bench->capsules[i], reterr);
        bench->figures.is_present[i] = status == BH_OK;
    }
    return status;
}

static bool call_fresh(invoke_bench *bench, size_t payload)
{
    size_t len;
    return bench_fresh_invoke(bench->fresh, bench->figures.options->action,
                              bench->payloads[payload], bhi_bench_payload_bytes[payload],
                              bench->answer, sizeof bench->answer, &len);
}

static bh_status open_contenders(invoke_bench *bench, bh_error *reterr)
{
    bhi_bytes core;
    bhi_manifest manifest;
    for (size_t p = 0; p < BHI_BENCH_PAYLOADS; p++)
        bench->payloads[p] = bhi_bench_payload(bhi_bench_payload_bytes[p]);
    bench->large_payload = bhi_bench_payload(LARGE_BYTES);
    bh_status status = open_ours(bench, reterr);
    if (status == BH_OK)
        status = find_wasm(bench, &manifest, &core, reterr);
    if (status == BH_OK)
        status = open_peers(bench, &manifest, reterr);
    if (status != BH_OK)
        return status;
    bench->fresh = bench_fresh_create(core.data, core.len);
    bool is_usable = bench->fresh != NULL && call_fresh(bench, 0);
    bench->figures.is_present[BHI_CONTENDER_FRESH] = is_usable;
    if (!is_usable)
        fprintf(stderr, "bench: without the peer \"fresh\", which cannot run this guest\n");
    return BH_OK;
}

/* ---- rounds: mean ns per invocation, below 0 after a failure was printed ---- */

static double invoke_ours(invoke_bench *bench, bhi_contender contender, const char *payload,
                          size_t payload_len, uint32_t calls)
{
    bh_request request = {.action = bench->figures.options->action,
                          .payload = payload,
                          .payload_len = payload_len,
                          .principal = "bench"};
    bh_result result = {0};
    bh_error error;
    bool is_ok = true;
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < calls && is_ok; i++)
        is_ok = bh_invoke(bench->capsules[contender], &request, &result, &error) == BH_OK &&
                result.outcome == BH_OUTCOME_RETURNED;
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    if (!is_ok)
        bhi_cli_fail("bench", BHI_CLI_GUEST, "the capsule did not answer: %s",
                     result.storage != NULL ? result.message : error.text);
    bh_result_deinit(&result);
    return is_ok ? (double)took_ns / calls : -1;
}

static double invoke_fresh(invoke_bench *bench, size_t payload)
{
    uint32_t calls = bench->figures.options->calls;
    bool is_ok = true;
    uint64_t began_ns = bhi_monotonic_ns();
    for (uint32_t i = 0; i < calls && is_ok; i++)
        is_ok = call_fresh(bench, payload);
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    if (!is_ok)
        bhi_cli_fail("bench", BHI_CLI_GUEST, "the peer \"fresh\" did not answer");
    return is_ok ? (double)took_ns / calls : -1;
}

static double ask_peer(invoke_bench *bench, bhi_contender contender, const char *request)
{
    double ns;
    bh_error error;
    if (bhi_bench_peer_ask(bench->peers[contender], request, &ns, &error) == BH_OK)
        return ns;
    bhi_cli_fail_status("bench", &error);
    return -1;
}

static double invoke_peer(invoke_bench *bench, bhi_contender contender, size_t payload)
{
    char request[256];
    snprintf(request, sizeof request, "invoke-json %zu %u %s", bhi_bench_payload_bytes[payload],
             bench->figures.options->calls, bench->figures.options->action);
    return ask_peer(bench, contender, request);
}

static double invoke_contender(invoke_bench *bench, bhi_contender contender, size_t payload)
{
    switch (contender) {
    case BHI_CONTENDER_FRESH:
        return invoke_fresh(bench, payload);
    case BHI_CONTENDER_REFERENCE_POOL:
    case BHI_CONTENDER_TUNED_POOL:
        return invoke_peer(bench, contender, payload);
    default:
        return invoke_ours(bench, contender, bench->payloads[payload],
                           bhi_bench_payload_bytes[payload], bench->figures.options->calls);
    }
}

/* The first round warms up and is not kept. */
static bool measure_invocations(invoke_bench *bench, size_t payload)
{
    for (uint32_t round = 0; round <= bench->figures.options->rounds; round++) {
        for (int contender = 0; contender < BHI_CONTENDERS; contender++) {
            if (!bench->figures.is_present[contender])
                continue;
            double ns = invoke_contender(bench, (bhi_contender)contender, payload);
            if (ns < 0)
                return false;
            if (round > 0)
                bhi_samples_add(&bench->figures.invoke_ns[contender][payload], ns);
        }
    }
    return true;
}

/* What one large payload costs the small ones after it. */
static bool measure_after_large(invoke_bench *bench)
{
    for (uint32_t round = 0; round <= bench->figures.options->rounds; round++) {
        for (int i = BHI_CONTENDER_PRISTINE; i <= BHI_CONTENDER_SHARED; i++) {
            bhi_contender contender = (bhi_contender)i;
            if (invoke_ours(bench, contender, bench->large_payload, LARGE_BYTES, 1) < 0)
                return false;
            double ns = invoke_ours(bench, contender, bench->payloads[0],
                                    bhi_bench_payload_bytes[0], CALLS_AFTER_LARGE);
            if (ns < 0)
                return false;
            if (round > 0)
                bhi_samples_add(&bench->figures.after_large_ns[contender], ns);
        }
    }
    return true;
}

/* ---- the parts: restore, build, memory ---- */

static void measure_restore(invoke_bench *bench)
{
    bhi_invoke_figures *figures = &bench->figures;
    bhi_bench_pages pages;
    bhi_bench_pages_open(&pages, figures->options->path, figures->options->action);
    for (uint32_t round = 0; round < figures->options->rounds; round++) {
        bhi_samples_add(&figures->restore_ns, bhi_bench_pages_restore_ns(&pages));
        bhi_samples_add(&figures->memcpy_ns, bhi_bench_pages_memcpy_ns(&pages));
    }
    figures->dirty_pages = pages.dirty_pages;
    bhi_bench_pages_close(&pages);
}

static double build_ours(bhi_bench_guest *guest)
{
    uint64_t took_ns = 0;
    for (int i = 0; i < BUILDS; i++) {
        uint64_t began_ns = bhi_monotonic_ns();
        bhi_pooled *pooled = bhi_bench_guest_build(guest);
        took_ns += bhi_monotonic_ns() - began_ns;
        bhi_pooled_destroy(pooled);
    }
    return (double)took_ns / BUILDS;
}

/* A pooling allocator resets an instance when it is dropped: there the drop belongs to the next
 * build. */
static bool measure_peer_build(invoke_bench *bench, bhi_contender contender)
{
    char request[32];
    if (!bench->figures.is_present[contender])
        return true;
    snprintf(request, sizeof request, "%s %d",
             contender == BHI_CONTENDER_TUNED_POOL ? "rebuild" : "build", BUILDS);
    double ns = ask_peer(bench, contender, request);
    if (ns >= 0)
        bhi_samples_add(&bench->figures.build_ns[contender], ns);
    return ns >= 0;
}

static bool measure_builds(invoke_bench *bench)
{
    bhi_invoke_figures *figures = &bench->figures;
    bhi_bench_guest guest;
    bool is_ok = true;
    bhi_bench_guest_open(&guest, figures->options->path, NULL, figures->options->action, 64);
    for (uint32_t round = 0; round < figures->options->rounds && is_ok; round++) {
        bhi_samples_add(&figures->build_ns[BHI_CONTENDER_PRISTINE], build_ours(&guest));
        is_ok = measure_peer_build(bench, BHI_CONTENDER_REFERENCE_POOL) &&
                measure_peer_build(bench, BHI_CONTENDER_TUNED_POOL);
    }
    bhi_bench_guest_close(&guest);
    return is_ok;
}

static bool measure_idle(invoke_bench *bench)
{
    bhi_invoke_figures *figures = &bench->figures;
    bhi_bench_density density;
    char request[32];
    bhi_bench_density_measure(figures->options->path, figures->options->action, IDLE_INSTANCES,
                              &density);
    figures->pss_bytes_per_instance = density.pss_bytes;
    figures->cold_build_ns[BHI_CONTENDER_PRISTINE] = density.build_ns;
    if (!figures->is_present[BHI_CONTENDER_REFERENCE_POOL])
        return true;
    snprintf(request, sizeof request, "fill %d", IDLE_INSTANCES);
    double ns = ask_peer(bench, BHI_CONTENDER_REFERENCE_POOL, request);
    figures->cold_build_ns[BHI_CONTENDER_REFERENCE_POOL] = ns;
    return ns >= 0;
}

static void read_verification(invoke_bench *bench)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(bench->capsules[BHI_CONTENDER_PRISTINE], &stats);
    bench->figures.verified = stats.verified;
    bench->figures.mismatches = stats.mismatches;
}

/* ---- deadlines ---- */

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
            bhi_samples_add(&bench->figures.overshoot_ms, took_ms - DEADLINE_MS);
    }
    bh_result_deinit(&result);
    return status;
}

/* A guest that never returns. */
static bh_status measure_deadlines(invoke_bench *bench, bh_error *reterr)
{
    char path[BHI_BENCH_PATH_BYTES];
    bh_capsule *loop = NULL;
    bhi_bench_write_module(loop_wasm, sizeof loop_wasm, path);
    bh_status status = bh_capsule_load(bench->runtime, path, NULL, &loop, reterr);
    unlink(path);
    if (status == BH_OK)
        status = time_deadlines(bench, loop, reterr);
    bh_capsule_release(loop);
    return status;
}

static bool measure(invoke_bench *bench)
{
    for (size_t payload = 0; payload < BHI_BENCH_PAYLOADS; payload++)
        if (!measure_invocations(bench, payload))
            return false;
    if (!measure_after_large(bench) || !measure_builds(bench))
        return false;
    measure_restore(bench);
    read_verification(bench);
    return measure_idle(bench);
}

int bhi_bench_invoke(const bhi_bench_invoke_options *options)
{
    bh_error error;
    invoke_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "out of memory");
    bench->figures.options = options;
    int exit_code = BHI_CLI_OK;
    if (open_contenders(bench, &error) != BH_OK)
        exit_code = bhi_cli_fail_status("bench", &error);
    else if (!measure(bench))
        exit_code = BHI_CLI_GUEST;
    else if (measure_deadlines(bench, &error) != BH_OK)
        exit_code = bhi_cli_fail_status("bench", &error);
    else
        bhi_bench_invoke_print(&bench->figures);
    if (exit_code == BHI_CLI_OK && bench->figures.mismatches > 0)
        exit_code = bhi_cli_fail("bench", BHI_CLI_HOST,
                                 "%llu restored instances differed from their snapshot",
                                 (unsigned long long)bench->figures.mismatches);
    close_bench(bench);
    return exit_code;
}
