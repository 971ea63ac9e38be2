/* cli/bench.c - "bench": the measurements that the project's claims rest on. */
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"

typedef struct bench_options {
    bool is_json;
    uint64_t rounds;
    uint64_t calls;
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
     .help = "invocations per round (default 2000)",
     .offset = offsetof(bench_options, calls)},
    {0},
};

int bhi_cli_bench(int argc, char **argv)
{
    bench_options options = {.rounds = 11, .calls = 2000};
    int count, exit_code;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_code))
        return exit_code;
    if (strcmp(argv[1], "invoke") != 0)
        return bhi_cli_fail("bench", BHI_CLI_USAGE, "no bench \"%s\": the benches are: invoke",
                            argv[1]);
    bhi_bench_invoke_options invoke = {.path = argv[2],
                                       .is_json = options.is_json,
                                       .rounds = (uint32_t)options.rounds,
                                       .calls = (uint32_t)options.calls};
    return bhi_bench_invoke(&invoke);
}
