/* cli/serve.c - bulkhead serve: the HTTP service in the foreground. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/runtime.h"
#include "runtime/manifest.h"
#include "serve/serve.h"

typedef struct serve_options {
    const char *listen, *state, *cache, *log_level, *profiles;
    uint64_t workers, drain_ms;
    uint64_t instance_pool_size, principal_leases_max, instances_max, resident_mib_max, evict_ms;
    uint64_t mappings_max, verify_every;
    bool no_cache;
} serve_options;

#define NOT_GIVEN UINT64_MAX

#define FIELD(name) .offset = offsetof(serve_options, name)

const bhi_cli_option bhi_cli_serve_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS",
     "loopback address and port (default 127.0.0.1:8787; port 0: any)", FIELD(listen)},
    {"workers", 'w', BHI_CLI_NUMBER, "N", "threads that serve (default: one per core)",
     FIELD(workers), .min = 1, .max = BHI_SERVE_WORKERS_MAX},
    {"state", 's', BHI_CLI_TEXT, "DIR",
     "where the key-value store is (default ~/.local/state/bulkhead)", FIELD(state),
     .completes_files = true},
    {"cache", 0, BHI_CLI_TEXT, "DIR", "where compiled code is kept (default ~/.cache/bulkhead)",
     FIELD(cache), .completes_files = true},
    {"no-cache", 0, BHI_CLI_FLAG, NULL, "compile anew and keep nothing", FIELD(no_cache)},
    {"drain-ms", 0, BHI_CLI_NUMBER, "MS",
     "how long running invocations may go on at the end (default 5000)", FIELD(drain_ms), .min = 1,
     .max = 3600000},
    {"instance-pool-size", 0, BHI_CLI_NUMBER, "N",
     "instances of each capsule (default: what its manifest says)", FIELD(instance_pool_size),
     .min = 1, .max = BHI_LIVE_MAX_MAX},
    {"principal-leases-max", 0, BHI_CLI_NUMBER, "N",
     "instances of a capsule that one principal may hold (default: any)",
     FIELD(principal_leases_max), .min = 1, .max = BHI_LIVE_MAX_MAX},
    {"instances-max", 0, BHI_CLI_NUMBER, "N", "instances of all capsules (default: any)",
     FIELD(instances_max), .min = 1, .max = UINT32_MAX},
    {"resident-mib-max", 0, BHI_CLI_NUMBER, "MIB",
     "resident memory above which no instance is built (default: any)", FIELD(resident_mib_max),
     .min = 1, .max = UINT32_MAX},
    {"evict-ms", 0, BHI_CLI_NUMBER, "MS",
     "evict instances that are idle for so long (default 30000)", FIELD(evict_ms), .min = 10,
     .max = 86400000},
    {"mappings-max", 0, BHI_CLI_NUMBER, "N",
     "memory mappings of all instances (default: the kernel's limit less 4096)",
     FIELD(mappings_max), .min = 64, .max = UINT32_MAX},
    {"verify-every", 0, BHI_CLI_NUMBER, "N",
     "compare one in N restored instances with its snapshot (4096; 0: none)", FIELD(verify_every),
     .min = 0, .max = UINT32_MAX},
    {"profiles", 0, BHI_CLI_TEXT, "FILE", "weights of principals (see docs/profiles.md)",
     FIELD(profiles), .completes_files = true},
    {"log-level", 0, BHI_CLI_TEXT, "LEVEL", "trace, debug, info (default), warn or error",
     FIELD(log_level)},
    {0},
};

enum { REQUESTS_SHOWN = 3 };

/* A request worth showing, for the capsules of examples/. */
static const struct {
    const char *capsule, *action, *arguments;
} requests[] = {
    {"echo", "greet", "-d 'hello'"},
    {"redact", "mask", "-d 'write to ada@example.org, card 4111 1111 1111 1111'"},
    {"visits", "count", "-H 'Bulkhead-Principal: ada' -d ''"},
};

enum { REQUESTS_COUNT = sizeof requests / sizeof requests[0] };

static void print_request(const char *address, const char *capsule, const char *action,
                          const char *arguments)
{
    printf("  curl -s %s http://%s/v1/capsules/%s/actions/%s\n", arguments, address, capsule,
           action);
}

static bool is_example(const char *capsule)
{
    for (size_t i = 0; i < REQUESTS_COUNT; i++)
        if (strcmp(requests[i].capsule, capsule) == 0)
            return true;
    return false;
}

static bhi_entry_state state_of(bhi_catalog_entry *entry, bh_error *ret_why)
{
    bhi_version *version;
    bhi_entry_state state = bhi_catalog_take(entry, &version, ret_why);
    bhi_version_release(version);
    return state;
}

/* Of any other capsule only its author knows the actions; every capsule answers something. */
static void print_requests(const char *address, const bhi_catalog *catalog)
{
    uint32_t shown = 0;
    for (size_t i = 0; i < REQUESTS_COUNT; i++) {
        bhi_catalog_entry *entry = bhi_catalog_find(catalog, requests[i].capsule);
        if (entry == NULL || state_of(entry, NULL) != BHI_ENTRY_READY)
            continue;
        print_request(address, requests[i].capsule, requests[i].action, requests[i].arguments);
        shown++;
    }
    for (uint32_t i = 0; i < catalog->count && shown < REQUESTS_SHOWN; i++) {
        bhi_catalog_entry *entry = &catalog->entries[i];
        if (state_of(entry, NULL) != BHI_ENTRY_READY || is_example(entry->name))
            continue;
        print_request(address, entry->name, "hello", "-d ''");
        shown++;
    }
}

static void print_listening(void *arg, const char *address, const bhi_catalog *catalog)
{
    uint32_t loaded = 0;
    bh_error error;
    for (uint32_t i = 0; i < catalog->count; i++) {
        bhi_catalog_entry *entry = &catalog->entries[i];
        bhi_entry_state state = state_of(entry, &error);
        loaded += state == BHI_ENTRY_READY;
        if (state == BHI_ENTRY_FAILED)
            fprintf(stderr, "bulkhead serve: %s is not served: %s\n", entry->name, error.text);
    }
    printf("serving %u capsule%s on http://%s; try:\n", (unsigned)loaded, loaded == 1 ? "" : "s",
           address);
    print_requests(address, catalog);
    fflush(stdout); /* whoever started us waits for these lines */
}

static bool set_log_level(const char *name)
{
    for (bhi_log_level level = BHI_LOG_TRACE; level <= BHI_LOG_ERROR; level++) {
        if (name != NULL && strcmp(name, bhi_log_level_name(level)) == 0) {
            bhi_log_configure(level, NULL, NULL);
            return true;
        }
    }
    return name == NULL;
}

/* As the runtime takes it: 0 is its default, and the greatest number stands for none. */
static uint32_t verify_every_of(const serve_options *options)
{
    if (options->verify_every == NOT_GIVEN)
        return 0;
    return options->verify_every == 0 ? UINT32_MAX : (uint32_t)options->verify_every;
}

/* Connections, files of guests and their roots each have a descriptor, and nothing here uses
 * select(2), for which the soft limit is kept low. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        bhi_log(BHI_LOG_WARN, "the limit of open files stays as it is: %s", strerror(errno));
}

int bhi_cli_serve(int argc, char **argv)
{
    serve_options options = {.verify_every = NOT_GIVEN};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    if (!set_log_level(options.log_level))
        return bhi_cli_fail("serve", BHI_CLI_USAGE,
                            "--log-level: expected trace, debug, info, warn or error, found \"%s\"",
                            options.log_level);
    bhi_cli_directories directories;
    bh_error error = {0};
    if (bhi_cli_find_directories(options.state, options.cache, options.no_cache, &directories,
                                 &error) != BH_OK)
        return bhi_cli_fail_status("serve", &error);
    bhi_serve_options serve = {
        .capsules_directory = argv[1],
        .listen = options.listen,
        .workers = (uint32_t)options.workers,
        .state_directory = directories.state,
        .cache_directory = directories.has_cache ? directories.cache : NULL,
        .drain_ms = (uint32_t)options.drain_ms,
        .profiles_file = options.profiles,
        .instances_max = (uint32_t)options.instances_max,
        .resident_bytes_max = options.resident_mib_max << 20,
        .evict_ms = (uint32_t)options.evict_ms,
        .mappings_max = (uint32_t)options.mappings_max,
        .verify_every = verify_every_of(&options),
        .capsule_options = {.live_max = (uint32_t)options.instance_pool_size,
                            .principal_leases_max = (uint32_t)options.principal_leases_max},
        .listening_cb = print_listening,
    };
    raise_descriptor_limit();
    if (bhi_serve_run(&serve, &error) != BH_OK)
        return bhi_cli_fail_status("serve", &error);
    return BHI_CLI_OK;
}
