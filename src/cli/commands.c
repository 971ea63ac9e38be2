/* cli/commands.c - the table of commands. */
#include <string.h>

#include "cli/cli.h"

static const char serve_detail[] =
    "DIR is one capsule directory, or a directory of them. The server listens on loopback only,\n"
    "prints the requests it can answer, and ends on SIGTERM or SIGINT: it stops accepting, lets\n"
    "running invocations finish within the drain time, and cancels what is left.\n";

static const char invoke_detail[] =
    "PATH is a capsule directory (Capsule.toml and its wasm file) or a .wasm file. The answer's\n"
    "data goes to standard output as it is. When the guest does not return, the reason and the\n"
    "wasm backtrace go to standard error.\n"
    "\n"
    "  bulkhead invoke examples/echo greet --payload 'hello'\n"
    "  bulkhead invoke examples/redact mask --payload @letter.txt\n"
    "  echo hello | bulkhead invoke examples/echo greet --payload - --json\n";

static const char inspect_detail[] =
    "The capsule is read, and then loaded as the service would, which runs its initialisation in\n"
    "the sandbox: only that tells how it will be served. --static leaves that out. The exit "
    "status\n"
    "is 0 for every capsule that can be read, whether or not it can be loaded.\n";

static const char new_detail[] =
    "NAME is 1 to 64 of a-z and 0-9, with single '-' between them. Then:\n"
    "\n"
    "  make -C NAME && bulkhead invoke NAME hello\n";

static const char bench_detail[] =
    "invoke: PATH is a capsule whose hook answers any JSON string, like examples/echo. Its "
    "invocation,\n"
    "pristine and shared, is measured beside a fresh instance per call of the bare engine and, "
    "when\n"
    "make bench-peers has built it, a pool of component instances that are never reset; then its "
    "parts.\n"
    "\n"
    "restore: putting an instance of PATH back, beside a copy of the same pages; a guest with a "
    "heap\n"
    "of 16 MiB; and the memory of 5,000 idle instances.\n"
    "\n"
    "pool: a checkout and return beside a bare mutex, alone and with two threads, and queues of "
    "100\n"
    "and 10,000 waiters.\n"
    "\n"
    "wait: 10,000 invocations at once on one worker that sleep, as many that wait for a message,\n"
    "and 1,000 in an HTTP request.\n"
    "\n"
    "bus: a guest that publishes to itself and drains in batches, beside a host call of the same\n"
    "bytes; and deliveries to one subscriber beside 200 on topics of their own.\n"
    "\n"
    "http: requests of a capsule to a server of the bench, 32 at once, beside libcurl alone.\n"
    "\n"
    "Each limit is printed as ok or MISSED; the exit status is 0 either way.\n"
    "\n"
    "Contenders take turns in rounds; medians are printed with the least and the greatest.\n";

static const char reload_detail[] =
    "Asks a running `bulkhead serve` to load the capsule anew from its directory. New requests go\n"
    "to the new version as soon as it is loaded, waiting ones too; those that run on the old one\n"
    "may finish within the drain time and are cancelled then. When the new version does not load,\n"
    "the old one goes on serving. Also loads a capsule that failed or was unloaded.\n";

static const char unload_detail[] =
    "Asks a running `bulkhead serve` to serve the capsule no longer. Waiting requests are refused\n"
    "at once; running ones may finish within the drain time. `bulkhead reload NAME` undoes it.\n";

static const char top_detail[] =
    "Rates and percentiles are those of the last interval; the first sample has those since the\n"
    "capsule was loaded. CONDEMNED counts instances destroyed because of how their lease ended,\n"
    "REFUSED callers that got no instance, both by cause and since the capsule was loaded.\n"
    "\n"
    "  bulkhead top\n"
    "  bulkhead top --count 1 --json\n";

static const char publish_detail[] =
    "Publishes a message in a running `bulkhead serve`. PAYLOAD is JSON text, @FILE, or - for "
    "standard\n"
    "input; without it, null. With --wait what the handlers made of it is printed, and the exit\n"
    "status is 1 when they denied it or failed.\n"
    "\n"
    "  bulkhead publish orders.placed '{\"id\":7}' --principal ada\n"
    "  bulkhead publish orders.placed @order.json --wait --json\n";

static const char events_detail[] =
    "Prints messages as a running `bulkhead serve` publishes them, one a line: number, topic,\n"
    "principal (- for the service itself), payload. PATTERN is a topic in which a segment may be "
    "*:\n"
    "one segment, or at the end one or more; without it, every topic of two segments or more.\n"
    "\n"
    "  bulkhead events 'orders.*' --all\n";

static const char completion_detail[] = "  bulkhead completion bash > "
                                        "~/.local/share/bash-completion/completions/bulkhead\n"
                                        "  bulkhead completion zsh > ~/.zfunc/_bulkhead\n"
                                        "  bulkhead completion fish > "
                                        "~/.config/fish/completions/bulkhead.fish\n";

const bhi_cli_command bhi_cli_commands[] = {
    {"serve", "DIR", "serve capsules over HTTP", serve_detail, bhi_cli_serve_options, 1, 1, NULL,
     bhi_cli_serve},
    {"invoke", "PATH [ACTION]", "call a capsule once and print its answer", invoke_detail,
     bhi_cli_invoke_options, 1, 2, NULL, bhi_cli_invoke},
    {"inspect", "PATH", "say what a capsule is, imports and exports", inspect_detail,
     bhi_cli_inspect_options, 1, 1, NULL, bhi_cli_inspect},
    {"new", "NAME", "make a directory with a capsule in C that builds and answers", new_detail,
     bhi_cli_new_options, 1, 1, "", bhi_cli_new},
    {"bench", "invoke PATH | restore PATH | pool | bus | wait | http",
     "measure invocations, restores, the pool, messages, waits or HTTP, beside peers", bench_detail,
     bhi_cli_bench_options, 1, 2, "invoke restore pool bus wait http", bhi_cli_bench},
    {"reload", "NAME", "load a capsule anew in a running daemon, without dropping a request",
     reload_detail, bhi_cli_reload_options, 1, 1, "", bhi_cli_reload},
    {"unload", "NAME", "stop serving a capsule in a running daemon", unload_detail,
     bhi_cli_reload_options, 1, 1, "", bhi_cli_unload},
    {"top", "", "watch the capsules of a running daemon", top_detail, bhi_cli_top_options, 0, 0, "",
     bhi_cli_top},
    {"publish", "TOPIC [PAYLOAD]", "publish a message in a running daemon", publish_detail,
     bhi_cli_publish_options, 1, 2, "", bhi_cli_publish},
    {"events", "[PATTERN]", "watch messages of a running daemon", events_detail,
     bhi_cli_events_options, 0, 1, "", bhi_cli_events},
    {"completion", "bash|zsh|fish", "print a completion script for a shell", completion_detail,
     bhi_cli_completion_options, 1, 1, "bash zsh fish", bhi_cli_completion},
    {0},
};

const bhi_cli_command *bhi_cli_command_find(const char *name)
{
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
