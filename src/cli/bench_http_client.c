/* cli/bench_http_client.c - "bench http": requests through capsules beside libcurl alone.
 *
 * Three contenders ask the same server on another thread, with the same number of requests under
 * way at once: a plain loop of libcurl's multi interface (perform, poll), our client without
 * guests, and invocations of a capsule that each make one request. Each round runs all three, one
 * right after the other; the limit is on the ratio within a round.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/bench_http_server.h"
#include "cli/cli.h"
#include "fetches_wasm.h"
#include "host/http_client.h"
#include "runtime/invocation.h"

enum { CONCURRENT = 32, REQUESTS = 6000, WARM_UP = 500 };

typedef struct http_bench {
    bhi_bench_http_server *server;
    char url[64];
    bh_runtime *runtime;
    bh_capsule *capsule;
    bhi_worker *worker;
    bhi_http_client *client;
    CURLM *bare;
    CURL *easies[CONCURRENT];
    CURLU *parsed;
    uint32_t left, under_way; /* of the contender that runs: to start, and started */
    size_t bytes;
    bhi_samples bare_rps, client_rps, capsule_rps, client_ratio, capsule_ratio;
} http_bench;

_Noreturn static void give_up(const char *what)
{
    exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", what));
}

/* ---- libcurl alone ---- */

static size_t count_bytes_cb(char *bytes, size_t size, size_t count, void *arg)
{
    *(size_t *)arg += size * count;
    return size * count;
}

static void open_bare(http_bench *bench)
{
    bench->bare = curl_multi_init();
    BHI_ASSERT(bench->bare != NULL);
    for (int i = 0; i < CONCURRENT; i++) {
        CURL *easy = bench->easies[i] = curl_easy_init();
        BHI_ASSERT(easy != NULL);
        curl_easy_setopt(easy, CURLOPT_URL, bench->url);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_bytes_cb);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &bench->bytes);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
}

static void close_bare(http_bench *bench)
{
    for (int i = 0; i < CONCURRENT; i++)
        curl_easy_cleanup(bench->easies[i]);
    curl_multi_cleanup(bench->bare);
}

static void take_done(http_bench *bench)
{
    CURLMsg *message;
    int queued;
    while ((message = curl_multi_info_read(bench->bare, &queued)) != NULL) {
        CURL *easy = message->easy_handle;
        BHI_ASSERT(message->data.result == CURLE_OK);
        curl_multi_remove_handle(bench->bare, easy);
        bench->under_way--;
        if (bench->left == 0)
            continue;
        bench->left--;
        bench->under_way++;
        curl_multi_add_handle(bench->bare, easy);
    }
}

static void run_bare(http_bench *bench)
{
    int running;
    for (int i = 0; i < CONCURRENT; i++)
        curl_multi_add_handle(bench->bare, bench->easies[i]);
    bench->under_way = CONCURRENT;
    bench->left -= CONCURRENT;
    while (bench->under_way > 0) {
        curl_multi_perform(bench->bare, &running);
        take_done(bench);
        if (bench->under_way > 0)
            curl_multi_poll(bench->bare, NULL, 0, 1000, NULL);
    }
}

/* ---- our client, without guests ---- */

static void start_transfer(http_bench *bench);

static bool may_connect_cb(void *arg, const struct sockaddr *peer)
{
    return true;
}

static bool line_cb(void *arg, bhi_bytes line)
{
    return true;
}

static bhi_http_taken body_cb(void *arg, bhi_bytes bytes)
{
    ((http_bench *)arg)->bytes += bytes.len;
    return BHI_HTTP_TAKE_MORE;
}

static void transfer_done_cb(void *arg, bhi_http_failure failure)
{
    http_bench *bench = arg;
    BHI_ASSERT(failure == BHI_HTTP_DONE);
    bench->under_way--;
    if (bench->left > 0)
        start_transfer(bench);
}

static void start_transfer(http_bench *bench)
{
    static const bhi_http_transfer_ops ops = {
        .may_connect = may_connect_cb, .line = line_cb, .body = body_cb, .done = transfer_done_cb};
    bhi_http_transfer *transfer;
    bhi_http_transfer_spec spec = {
        .url = bench->parsed, .method = "GET", .connect_ms_max = 10000, .ops = &ops, .arg = bench};
    bh_status status = bhi_http_transfer_start(bench->client, &spec, &transfer, NULL);
    BHI_ASSERT(status == BH_OK);
    bench->left--;
    bench->under_way++;
}

static void run_client(http_bench *bench)
{
    for (int i = 0; i < CONCURRENT; i++)
        start_transfer(bench);
    while (bench->under_way > 0)
        bhi_worker_turn(bench->worker, true);
}

/* ---- a capsule ---- */

static void start_invocation(http_bench *bench);

static void invocation_done_cb(void *arg, bh_status status, const bh_result *result,
                               const bh_error *error)
{
    http_bench *bench = arg;
    if (status != BH_OK)
        give_up(error->text);
    if (result->outcome != BH_OUTCOME_RETURNED || strcmp(result->action, "continue") != 0)
        give_up(result->outcome == BH_OUTCOME_RETURNED ? result->data : result->message);
    bench->bytes += result->data_len;
    bench->under_way--;
    if (bench->left > 0)
        start_invocation(bench);
}

static void start_invocation(http_bench *bench)
{
    bh_error error;
    bh_request request = {.action = "fetch",
                          .payload = bench->url,
                          .payload_len = strlen(bench->url),
                          .principal = "bench"};
    if (bhi_invocation_start(bench->capsule, bench->worker, &request, invocation_done_cb, bench,
                             NULL, &error) != BH_OK)
        give_up(error.text);
    bench->left--;
    bench->under_way++;
}

static void run_capsule(http_bench *bench)
{
    for (int i = 0; i < CONCURRENT; i++)
        start_invocation(bench);
    while (bench->under_way > 0)
        bhi_worker_turn(bench->worker, true);
}

/* ---- measuring ---- */

static double measure(http_bench *bench, void (*run)(http_bench *bench), uint32_t requests)
{
    bench->left = requests;
    bench->under_way = 0;
    bench->bytes = 0;
    uint64_t began_ns = bhi_monotonic_ns();
    run(bench);
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    BHI_ASSERT(bench->bytes == (size_t)requests * BHI_BENCH_HTTP_BODY_BYTES);
    return requests / ((double)took_ns / 1e9);
}

static void measure_all(http_bench *bench, uint32_t rounds)
{
    measure(bench, run_bare, WARM_UP);
    measure(bench, run_client, WARM_UP);
    measure(bench, run_capsule, WARM_UP);
    for (uint32_t i = 0; i < rounds; i++) {
        double bare = measure(bench, run_bare, REQUESTS);
        double client = measure(bench, run_client, REQUESTS);
        double capsule = measure(bench, run_capsule, REQUESTS);
        bhi_samples_add(&bench->bare_rps, bare);
        bhi_samples_add(&bench->client_rps, client);
        bhi_samples_add(&bench->capsule_rps, capsule);
        bhi_samples_add(&bench->client_ratio, client / bare);
        bhi_samples_add(&bench->capsule_ratio, capsule / bare);
    }
}

/* ---- set-up ---- */

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        give_up("cannot write a temporary file");
}

/* The capsule and its operator's profiles, in a directory that is gone again afterwards. */
static void load(http_bench *bench)
{
    static const char manifest[] =
        "[package]\nname = \"fetches\"\nversion = \"1.0.0\"\n[[component]]\n"
        "file = \"fetches.wasm\"\n[capabilities]\nnet = [\"127.0.0.1\"]\n";
    char directory[] = "/tmp/bulkhead-bench-XXXXXX", paths[3][64], profiles[128];
    if (mkdtemp(directory) == NULL)
        give_up("cannot make a temporary directory");
    snprintf(paths[0], sizeof paths[0], "%s/Capsule.toml", directory);
    snprintf(paths[1], sizeof paths[1], "%s/fetches.wasm", directory);
    snprintf(paths[2], sizeof paths[2], "%s/profiles.toml", directory);
    int len = snprintf(profiles, sizeof profiles,
                       "[capsule.fetches]\nprivate_hosts = [\"127.0.0.1:%u\"]\n",
                       bhi_bench_http_server_port(bench->server));
    write_file(paths[0], manifest, sizeof manifest - 1);
    write_file(paths[1], fetches_wasm, sizeof fetches_wasm);
    write_file(paths[2], profiles, (size_t)len);
    bh_error error;
    bh_runtime_options options = {.profiles_file = paths[2], .verify_every = UINT32_MAX};
    bh_capsule_options capsule_options = {.live_max = CONCURRENT};
    bh_status status = bh_runtime_create(&options, &bench->runtime, &error);
    if (status == BH_OK)
        status =
            bh_capsule_load(bench->runtime, directory, &capsule_options, &bench->capsule, &error);
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    rmdir(directory);
    if (status != BH_OK)
        give_up(error.text);
}

static void open_client(http_bench *bench)
{
    bh_error error;
    void *service;
    if (bhi_worker_create(&bench->worker, &error) != BH_OK ||
        bhi_worker_service(bench->worker, &bhi_http_client_kind, &service, &error) != BH_OK)
        give_up(error.text);
    bench->client = service;
    bench->parsed = curl_url();
    if (curl_url_set(bench->parsed, CURLUPART_URL, bench->url, 0) != CURLUE_OK)
        give_up("out of memory");
}

static void open_bench(http_bench *bench)
{
    bench->server = bhi_bench_http_server_open();
    if (bench->server == NULL)
        give_up("cannot open a server on 127.0.0.1");
    snprintf(bench->url, sizeof bench->url, "http://127.0.0.1:%u/fetch",
             bhi_bench_http_server_port(bench->server));
    load(bench);
    open_client(bench);
    open_bare(bench);
}

static void close_bench(http_bench *bench)
{
    close_bare(bench);
    curl_url_cleanup(bench->parsed);
    bh_capsule_release(bench->capsule);
    bhi_worker_destroy(bench->worker);
    bh_runtime_destroy(bench->runtime);
    bhi_bench_http_server_close(bench->server);
}

/* ---- printing ---- */

static double median(const bhi_samples *samples)
{
    return bhi_samples_spread(samples).median;
}

static void print_text(const http_bench *bench)
{
    printf("%d requests at once, %d per round, %d bytes each\n", CONCURRENT, REQUESTS,
           BHI_BENCH_HTTP_BODY_BYTES);
    printf("%-32s %10.0f   %.1f us each\n", "libcurl alone, requests/s", median(&bench->bare_rps),
           1e6 / median(&bench->bare_rps));
    printf("%-32s %10.0f   %.1f us each\n", "our client, requests/s", median(&bench->client_rps),
           1e6 / median(&bench->client_rps));
    printf("%-32s %10.0f   %.1f us each\n", "through a capsule, requests/s",
           median(&bench->capsule_rps), 1e6 / median(&bench->capsule_rps));
    printf("%-32s %10.2f\n", "our client / libcurl", median(&bench->client_ratio));
    bhi_bench_print_limit("through a capsule / libcurl", median(&bench->capsule_ratio), 0.7, false);
}

static void print_json(const http_bench *bench)
{
    json_t *body = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "concurrent", CONCURRENT,
                             "libcurl_requests_per_s", bhi_bench_spread_json(&bench->bare_rps),
                             "client_requests_per_s", bhi_bench_spread_json(&bench->client_rps),
                             "capsule_requests_per_s", bhi_bench_spread_json(&bench->capsule_rps),
                             "client_ratio", bhi_bench_spread_json(&bench->client_ratio),
                             "capsule_ratio", bhi_bench_spread_json(&bench->capsule_ratio));
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

int bhi_bench_http(const bhi_bench_http_options *options)
{
    http_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "out of memory");
    open_bench(bench);
    measure_all(bench, options->rounds);
    if (options->is_json)
        print_json(bench);
    else
        print_text(bench);
    close_bench(bench);
    free(bench);
    return BHI_CLI_OK;
}
