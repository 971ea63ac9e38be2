/* cli/bench.c - "bench": the measurements that the project's claims rest on. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"

enum { CALLS_DEFAULT = 2000 };

typedef struct bench_options {
    bool is_json;
    bool is_verified;
    const char *action;
    const char *peer;
    uint64_t rounds;
    uint64_t calls; /* 0: not given */
} bench_options;

const bhi_cli_option bhi_cli_bench_options[] = {
    {.name = "json",
     .kind = BHI_CLI_FLAG,
     .help = "print one JSON object",
     .offset = offsetof(bench_options, is_json)},
    {.name = "rounds",
     .kind = BHI_CLI_NUMBER,
     .argument = "N",
     .min = 1,
     .max = 1000,
     .help = "alternating rounds of each contender (default 11)",
     .offset = offsetof(bench_options, rounds)},
    {.name = "calls",
     .kind = BHI_CLI_NUMBER,
     .argument = "N",
     .min = 1,
     .max = 10000000,
     .help = "invocations per round of invoke (default 2000)",
     .offset = offsetof(bench_options, calls)},
    {.name = "action",
     .kind = BHI_CLI_TEXT,
     .argument = "NAME",
     .help = "the action to invoke (default bench); the payload is a JSON string",
     .offset = offsetof(bench_options, action)},
    {.name = "verify",
     .kind = BHI_CLI_FLAG,
     .help = "invoke: compare every restored instance with its snapshot, whole",
     .offset = offsetof(bench_options, is_verified)},
    {.name = "peer",
     .kind = BHI_CLI_TEXT,
     .argument = "PROGRAM",
     .help = "invoke: the reference pool (default: what make bench-peers built)",
     .offset = offsetof(bench_options, peer)},
    {0},
};

/* The peer that `make bench-peers` put beside the tool, or NULL. `path` has PATH_MAX bytes. */
static const char *find_peer(char *path)
{
    static const char name[] = "reference-pool";
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - sizeof name);
    if (len <= 0)
        return NULL;
    path[len] = 0;
    strcpy(strrchr(path, '/') + 1, name);
    return access(path, X_OK) == 0 ? path : NULL;
}

static int bench_invoke(int count, char **argv, const bench_options *options)
{
    if (count != 2)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected invoke PATH: see bulkhead bench --help");
    char beside[PATH_MAX];
    bhi_bench_invoke_options invoke = {
        .path = argv[2],
        .action = options->action,
        .peer = options->peer != NULL ? options->peer : find_peer(beside),
        .is_verified = options->is_verified,
        .is_json = options->is_json,
        .rounds = (uint32_t)options->rounds,
        .calls = options->calls == 0 ? CALLS_DEFAULT : (uint32_t)options->calls};
    return bhi_bench_invoke(&invoke);
}

static int bench_restore(int count, char **argv, const bench_options *options)
{
    if (count != 2)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected restore PATH: see bulkhead bench --help");
    if (options->calls != 0 || options->is_verified || options->peer != NULL)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected no --calls, --verify or --peer with restore");
    bhi_bench_restore_options restore = {.path = argv[2],
                                         .action = options->action,
                                         .is_json = options->is_json,
                                         .rounds = (uint32_t)options->rounds};
    return bhi_bench_restore(&restore);
}

static int bench_pool(int count, char **argv, const bench_options *options)
{
    if (count != 1)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected only pool, found \"%s\": see bulkhead bench --help", argv[2]);
    if (options->calls != 0 || options->is_verified || options->peer != NULL)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected no --calls, --verify or --peer with pool");
    bhi_bench_pool_options pool = {.is_json = options->is_json,
                                   .rounds = (uint32_t)options->rounds};
    return bhi_bench_pool(&pool);
}

static int bench_wait(int count, char **argv, const bench_options *options)
{
    if (count != 1)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected only wait, found \"%s\": see bulkhead bench --help", argv[2]);
    bhi_bench_wait_options wait = {.is_json = options->is_json};
    return bhi_bench_wait_run(&wait);
}

static int bench_http(int count, char **argv, const bench_options *options)
{
    if (count != 1)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected only http, found \"%s\": see bulkhead bench --help", argv[2]);
    if (options->calls != 0 || options->is_verified || options->peer != NULL)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected no --calls, --verify or --peer with http");
    bhi_bench_http_options http = {.is_json = options->is_json,
                                   .rounds = (uint32_t)options->rounds};
    return bhi_bench_http(&http);
}

static int bench_bus(int count, char **argv, const bench_options *options)
{
    if (count != 1)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected only bus, found \"%s\": see bulkhead bench --help", argv[2]);
    if (options->calls != 0 || options->is_verified || options->peer != NULL)
        return bhi_cli_fail("bench", BHI_CLI_USAGE,
                            "expected no --calls, --verify or --peer with bus");
    bhi_bench_bus_options bus = {.is_json = options->is_json, .rounds = (uint32_t)options->rounds};
    return bhi_bench_bus(&bus);
}

int bhi_cli_bench(int argc, char **argv)
{
    bench_options options = {.rounds = 11, .action = "bench"};
    int count, exit_code;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_code))
        return exit_code;
    if (strcmp(argv[1], "invoke") == 0)
        return bench_invoke(count, argv, &options);
    if (strcmp(argv[1], "pool") == 0)
        return bench_pool(count, argv, &options);
    if (strcmp(argv[1], "restore") == 0)
        return bench_restore(count, argv, &options);
    if (strcmp(argv[1], "bus") == 0)
        return bench_bus(count, argv, &options);
    if (strcmp(argv[1], "wait") == 0)
        return bench_wait(count, argv, &options);
    if (strcmp(argv[1], "http") == 0)
        return bench_http(count, argv, &options);
    return bhi_cli_fail("bench", BHI_CLI_USAGE,
                        "no bench \"%s\": the benches are: invoke, restore, pool, wait, bus, http",
                        argv[1]);
}
