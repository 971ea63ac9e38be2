/* cli/bench_wait.c - thousands of invocations that wait at once, on one worker.
 *
 * This thread is the worker: it starts the invocations, turns the loop, and calls an unrelated
 * capsule in between as another client would. The unrelated capsule is timed twice: beside one
 * waiting invocation, so that the loop has descriptors and timers to look at in both cases, and
 * beside all of them.
 */
#include "cli/bench_wait.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/bench_guest.h"
#include "cli/cli.h"
#include "os/mappings.h"
#include "runtime/invocation.h"
#include "waits_wasm.h"

enum { WAITERS = 10000, HTTP_WAITERS = 1000, PING_CALLS = 20000, SLEEP_S = 15 };
/* Mappings: what kernels allow a process, and what all waiters need with room to spare. */
enum { KERNEL_LIMIT_USUAL = 65530, MAPPINGS_ROOM = 262144 };

/* ---- the kernel's limit and what it counts ---- */

static const char kernel_limit_file[] = "/proc/sys/vm/max_map_count";

static unsigned long read_kernel_limit(void)
{
    unsigned long limit = 0;
    FILE *file = fopen(kernel_limit_file, "re");
    if (file != NULL && fscanf(file, "%lu", &limit) != 1)
        limit = 0;
    if (file != NULL)
        fclose(file);
    return limit;
}

/* False: only root may, and not in every container. */
static bool write_kernel_limit(unsigned long limit)
{
    FILE *file = fopen(kernel_limit_file, "we");
    if (file == NULL)
        return false;
    bool is_written = fprintf(file, "%lu\n", limit) > 0;
    return fclose(file) == 0 && is_written;
}

static double read_field(const char *path, const char *name)
{
    char line[256];
    double value = 0;
    size_t len = strlen(name);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, len) == 0)
            value = strtod(line + len, NULL);
    if (file != NULL)
        fclose(file);
    return value;
}

static double resident_kib(void)
{
    return read_field("/proc/self/smaps_rollup", "Pss:");
}

static double threads_count(void)
{
    return read_field("/proc/self/status", "Threads:");
}

/* ---- invocations ---- */

static void waiter_done_cb(void *arg, bh_status status, const bh_result *result,
                           const bh_error *error)
{
    bhi_bench_waiter *waiter = arg;
    bhi_bench_wait *bench = waiter->bench;
    bench->open--;
    bench->ended_ns = bhi_monotonic_ns();
    if (status == BH_OK && result->outcome == BH_OUTCOME_RETURNED) {
        bench->returned++;
        return;
    }
    bench->failed++;
    snprintf(bench->failure, sizeof bench->failure, "%s: %s",
             status == BH_OK ? bh_outcome_name(result->outcome) : bh_status_name(status),
             status == BH_OK ? result->message : error->text);
}

static void start_waiter(bhi_bench_wait *bench, uint32_t index, const char *action)
{
    bhi_bench_waiter *waiter = &bench->waiters[index];
    bh_request request = {.action = action,
                          .payload = waiter->payload,
                          .payload_len = strlen(waiter->payload),
                          .principal = "bench",
                          .timeout_ms = 600000,
                          .no_wait = bench->must_not_queue};
    bh_error error;
    waiter->bench = bench;
    bh_capsule *capsule = index < WAITERS ? bench->waiting : bench->more_waiting;
    if (bhi_invocation_start(capsule, bench->worker, &request, waiter_done_cb, waiter, NULL,
                             &error) != BH_OK)
        exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", error.text));
    bench->open++;
}

static void finish(bhi_bench_wait *bench)
{
    while (bench->open > 0)
        bhi_worker_turn(bench->worker, true);
}

/* ---- what they wait for ---- */

typedef struct wait_kind {
    const char *action;
    uint32_t count;
    void (*prepare)(bhi_bench_wait *bench, uint64_t wait_ns);
    void (*write_payload)(const bhi_bench_wait *bench, uint32_t index, char *ret_text, size_t room);
    bool (*all_wait)(bhi_bench_wait *bench);
    /* Let all of them go on; returns when the first one could. */
    uint64_t (*resume)(bhi_bench_wait *bench);
} wait_kind;

static void sleep_prepare(bhi_bench_wait *bench, uint64_t wait_ns)
{
    bench->until_ns = bhi_monotonic_ns() + wait_ns;
}

static void sleep_write_payload(const bhi_bench_wait *bench, uint32_t index, char *ret_text,
                                size_t room)
{
    snprintf(ret_text, room, "%llu", (unsigned long long)(bench->until_ns - bhi_monotonic_ns()));
}

static uint64_t sleep_resume(bhi_bench_wait *bench)
{
    return bench->until_ns;
}

static void recv_prepare(bhi_bench_wait *bench, uint64_t wait_ns)
{
}

static void recv_write_payload(const bhi_bench_wait *bench, uint32_t index, char *ret_text,
                               size_t room)
{
    snprintf(ret_text, room, "bench.%u", index);
}

static uint64_t recv_resume(bhi_bench_wait *bench)
{
    uint64_t began_ns = bhi_monotonic_ns();
    uint32_t count = bench->open;
    for (uint32_t i = 0; i < count; i++) {
        bh_error error;
        bh_event event = {.topic = bench->waiters[i].payload, .payload = "1", .payload_len = 1};
        if (bh_publish(bench->runtime, &event, NULL, &error) != BH_OK)
            exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", error.text));
    }
    return began_ns;
}

static bool at_once(bhi_bench_wait *bench)
{
    return true;
}

static void http_prepare(bhi_bench_wait *bench, uint64_t wait_ns)
{
    bhi_bench_http_server_hold(bench->server);
}

static void http_write_payload(const bhi_bench_wait *bench, uint32_t index, char *ret_text,
                               size_t room)
{
    snprintf(ret_text, room, "http://127.0.0.1:%u/", bhi_bench_http_server_port(bench->server));
}

static bool http_all_wait(bhi_bench_wait *bench)
{
    return bhi_bench_http_server_held(bench->server) == bench->open;
}

static uint64_t http_resume(bhi_bench_wait *bench)
{
    uint64_t began_ns = bhi_monotonic_ns();
    bhi_bench_http_server_release(bench->server);
    return began_ns;
}

static const wait_kind wait_kinds[BHI_BENCH_WAIT_KINDS] = {
    {"sleep", WAITERS, sleep_prepare, sleep_write_payload, at_once, sleep_resume},
    {"recv", WAITERS, recv_prepare, recv_write_payload, at_once, recv_resume},
    {"http", HTTP_WAITERS, http_prepare, http_write_payload, http_all_wait, http_resume},
};

/* Start `count` of them; each waits, or is refused, before the next one starts. Returns when all
 * wait. */
static void suspend(bhi_bench_wait *bench, const wait_kind *kind, uint32_t count, uint64_t wait_ns)
{
    kind->prepare(bench, wait_ns);
    for (uint32_t i = 0; i < count; i++) {
        bhi_bench_waiter *waiter = &bench->waiters[i];
        kind->write_payload(bench, i, waiter->payload, sizeof waiter->payload);
        start_waiter(bench, i, kind->action);
        bhi_worker_turn(bench->worker, false);
        bhi_worker_turn(bench->worker, false);
    }
    while (!kind->all_wait(bench) && bench->failed == 0)
        bhi_worker_turn(bench->worker, false);
}

/* ---- the unrelated capsule ---- */

static void ping_done_cb(void *arg, bh_status status, const bh_result *result,
                         const bh_error *error)
{
    BHI_ASSERT(status == BH_OK && result->outcome == BH_OUTCOME_RETURNED);
    *(bool *)arg = true;
}

static double ping_ns(bhi_bench_wait *bench)
{
    bool is_done = false;
    bh_request request = {.action = "ping", .payload = "", .principal = "other"};
    uint64_t began_ns = bhi_monotonic_ns();
    bh_status status = bhi_invocation_start(bench->unrelated, bench->worker, &request, ping_done_cb,
                                            &is_done, NULL, NULL);
    BHI_ASSERT(status == BH_OK);
    while (!is_done)
        bhi_worker_turn(bench->worker, true);
    return (double)(bhi_monotonic_ns() - began_ns);
}

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double p99_ping_us(bhi_bench_wait *bench)
{
    double *samples = calloc(PING_CALLS, sizeof *samples);
    BHI_ASSERT(samples != NULL);
    for (int i = 0; i < PING_CALLS; i++)
        samples[i] = ping_ns(bench);
    qsort(samples, PING_CALLS, sizeof *samples, compare_numbers);
    double p99 = samples[PING_CALLS * 99 / 100] / 1e3;
    free(samples);
    return p99;
}

/* ---- set-up ---- */

static bh_capsule *load(bhi_bench_wait *bench, const char *name, uint32_t live_max)
{
    bh_capsule_options options = {.live_max = live_max};
    bhi_bench_capsule capsule = {
        .name = name,
        .manifest = "[capabilities]\nnet = [\"127.0.0.1\"]\n[subscribe]\n\"bench.*\" = \"-\"\n",
        .wasm = waits_wasm,
        .wasm_bytes = sizeof waits_wasm,
        .options = &options};
    return bhi_bench_capsule_load(bench->runtime, &capsule);
}

/* The operator's profiles: the waiting capsules may ask the server. */
static void write_profiles(const bhi_bench_wait *bench, char *ret_path)
{
    char text[128];
    int len = snprintf(text, sizeof text, "[capsule.waiting]\nprivate_hosts = [\"127.0.0.1:%u\"]\n",
                       bhi_bench_http_server_port(bench->server));
    bhi_bench_write_file(text, (size_t)len, ".toml", ret_path);
}

static void open_bench(bhi_bench_wait *bench, uint32_t mappings_max)
{
    bh_error error;
    char profiles[BHI_BENCH_PATH_BYTES];
    *bench = (bhi_bench_wait){.waiters = calloc(2 * WAITERS, sizeof(bhi_bench_waiter)),
                              .server = bhi_bench_http_server_open()};
    BHI_ASSERT(bench->waiters != NULL);
    if (bench->server == NULL)
        exit(bhi_cli_fail("bench", BHI_CLI_HOST, "cannot open a server on 127.0.0.1"));
    write_profiles(bench, profiles);
    bh_runtime_options options = {
        .verify_every = UINT32_MAX, .mappings_max = mappings_max, .profiles_file = profiles};
    if (bh_runtime_create(&options, &bench->runtime, &error) != BH_OK ||
        bhi_worker_create(&bench->worker, &error) != BH_OK)
        exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", error.text));
    unlink(profiles);
    bench->waiting = load(bench, "waiting", WAITERS);
    bench->more_waiting = load(bench, "more-waiting", WAITERS);
    bench->unrelated = load(bench, "unrelated", 1);
}

static void close_bench(bhi_bench_wait *bench)
{
    bh_capsule_release(bench->waiting);
    bh_capsule_release(bench->more_waiting);
    bh_capsule_release(bench->unrelated);
    bhi_worker_destroy(bench->worker);
    bh_runtime_destroy(bench->runtime);
    bhi_bench_http_server_close(bench->server);
    free(bench->waiters);
}

/* ---- measuring ---- */

static void check_returned(const bhi_bench_wait *bench, uint32_t count)
{
    if (bench->returned != count)
        exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%u of %u waited and returned: %s",
                          bench->returned, count, bench->failure));
}

/* Every instance has served once before, and so is tracked, as those of a busy service are. */
static void warm_up(bhi_bench_wait *bench, const wait_kind *kind)
{
    suspend(bench, kind, kind->count, 2 * BHI_NS_PER_SECOND);
    kind->resume(bench);
    finish(bench);
    bench->returned = 0;
}

static void measure_kind(bhi_bench_wait *bench, const wait_kind *kind, bhi_bench_waits *waits)
{
    *waits = (bhi_bench_waits){.what = kind->action, .count = kind->count};
    suspend(bench, kind, 1, BHI_NS_PER_SECOND);
    waits->ping_alone_us = p99_ping_us(bench);
    kind->resume(bench);
    finish(bench);
    double kib = resident_kib(), threads = threads_count();
    warm_up(bench, kind);
    uint64_t began_ns = bhi_monotonic_ns();
    suspend(bench, kind, kind->count, SLEEP_S * BHI_NS_PER_SECOND);
    waits->start_us = (double)(bhi_monotonic_ns() - began_ns) / 1e3 / kind->count;
    waits->resident_kib = (resident_kib() - kib) / kind->count;
    waits->threads = threads_count() - threads;
    waits->ping_beside_us = p99_ping_us(bench);
    uint64_t resumed_ns = kind->resume(bench);
    finish(bench);
    waits->finish_s = ((double)bench->ended_ns - (double)resumed_ns) / 1e9;
    check_returned(bench, kind->count);
}

/* At the kernel's usual limit: how many of twice as many are suspended, and what those hear that
 * do not queue for an instance. */
static void measure_usual_limit(bhi_bench_wait *bench)
{
    bench->must_not_queue = true;
    suspend(bench, &wait_kinds[0], 2 * WAITERS, SLEEP_S * BHI_NS_PER_SECOND / 3);
    bench->suspended = bench->open;
    finish(bench);
}

/* ---- printing ---- */

static json_t *waits_json(const bhi_bench_waits *waits)
{
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "count", (int)waits->count,
                     "resident_kib_each", waits->resident_kib, "threads_more", waits->threads,
                     "start_us_each", waits->start_us, "finish_s", waits->finish_s,
                     "ping_p99_alone_us", waits->ping_alone_us, "ping_p99_beside_us",
                     waits->ping_beside_us, "ping_growth",
                     waits->ping_beside_us / waits->ping_alone_us);
}

static void print_json(const bhi_bench_wait *limited, const bhi_bench_waits *all)
{
    json_t *body = json_object();
    for (int i = 0; i < BHI_BENCH_WAIT_KINDS; i++)
        json_object_set_new(body, all[i].what, waits_json(&all[i]));
    json_object_set_new(body, "usual_mapping_limit",
                        json_pack("{s:i, s:i, s:i, s:s}", "started", 2 * WAITERS, "suspended",
                                  (int)limited->suspended, "refused", (int)limited->failed, "cause",
                                  limited->failure));
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

static void print_waits(const bhi_bench_waits *waits)
{
    printf("%u invocations wait in %s\n", waits->count, waits->what);
    printf("%-32s %10.1f\n", "start of one, us", waits->start_us);
    bhi_bench_print_limit("resident, KiB each", waits->resident_kib, 40, true);
    bhi_bench_print_limit("threads more", waits->threads, 0, true);
    bhi_bench_print_limit("resume and finish all, s", waits->finish_s, 1, true);
    printf("%-32s %10.2f\n", "unrelated p99 beside one, us", waits->ping_alone_us);
    printf("%-32s %10.2f\n", "unrelated p99 beside all, us", waits->ping_beside_us);
    bhi_bench_print_limit("  growth", waits->ping_beside_us / waits->ping_alone_us, 2, true);
    putchar('\n');
}

static void print_text(const bhi_bench_wait *limited, const bhi_bench_waits *all)
{
    for (int i = 0; i < BHI_BENCH_WAIT_KINDS; i++)
        print_waits(&all[i]);
    printf("%d at the kernel's usual limit of mappings\n", 2 * WAITERS);
    printf("%-32s %10u\n", "suspended", limited->suspended);
    printf("%-32s %10u   %s\n", "refused", limited->failed, limited->failure);
}

/* Room for all of them, where the kernel lets us. */
static bool raise_kernel_limit(void)
{
    return read_kernel_limit() >= MAPPINGS_ROOM || write_kernel_limit(MAPPINGS_ROOM);
}

int bhi_bench_wait_run(const bhi_bench_wait_options *options)
{
    bhi_bench_wait limited, bench;
    bhi_bench_waits all[BHI_BENCH_WAIT_KINDS];
    unsigned long kernel_limit = read_kernel_limit();
    if (!raise_kernel_limit())
        return bhi_cli_fail("bench", BHI_CLI_HOST,
                            "%d waiting instances need more memory mappings than the kernel "
                            "allows: sysctl vm.max_map_count=%d",
                            WAITERS, MAPPINGS_ROOM);
    for (int i = 0; i < BHI_BENCH_WAIT_KINDS; i++) {
        open_bench(&bench, MAPPINGS_ROOM - BHI_MAPPINGS_RESERVE);
        measure_kind(&bench, &wait_kinds[i], &all[i]);
        close_bench(&bench);
    }
    if (kernel_limit < MAPPINGS_ROOM)
        write_kernel_limit(kernel_limit);
    open_bench(&limited, KERNEL_LIMIT_USUAL - BHI_MAPPINGS_RESERVE);
    measure_usual_limit(&limited);
    close_bench(&limited);
    if (options->is_json)
        print_json(&limited, all);
    else
        print_text(&limited, all);
    return BHI_CLI_OK;
}
