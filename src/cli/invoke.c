/* cli/invoke.c - bulkhead invoke: one call, its answer on standard output. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bulkhead/bulkhead.h>

#include "cli/cli.h"
#include "cli/payload.h"
#include "cli/runtime.h"

typedef struct invoke_options {
    const char *payload, *principal, *state, *cache, *profiles;
    uint64_t timeout_ms, fuel, memory_mib;
    bool is_install, is_upgrade, is_json, no_cache;
} invoke_options;

#define FIELD(name) .offset = offsetof(invoke_options, name)

const bhi_cli_option bhi_cli_invoke_options[] = {
    {"payload", 'p', BHI_CLI_TEXT, "TEXT|@FILE|-", "payload: text, a file, or standard input",
     FIELD(payload), .completes_files = true},
    {"principal", 'P', BHI_CLI_TEXT, "NAME",
     "on whose behalf: 1 to 64 of A-Z a-z 0-9 _ - (default \"default\")", FIELD(principal)},
    {"timeout", 't', BHI_CLI_NUMBER, "MS", "longest the call may take (default 30000)",
     FIELD(timeout_ms), .min = 1, .max = BH_TIMEOUT_MS_MAX},
    {"fuel", 0, BHI_CLI_NUMBER, "N", "instructions the call may use (default 10000000000)",
     FIELD(fuel), .min = 1, .max = INT64_MAX},
    {"memory", 0, BHI_CLI_NUMBER, "MIB", "linear memory the guest may have (default 64)",
     FIELD(memory_mib), .min = 1, .max = 4096},
    {"install", 0, BHI_CLI_FLAG, NULL, "run the install entry point instead of an action",
     FIELD(is_install)},
    {"upgrade", 0, BHI_CLI_FLAG, NULL, "run the upgrade entry point instead of an action",
     FIELD(is_upgrade)},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print outcome, answer and timings as one JSON object",
     FIELD(is_json)},
    {"state", 's', BHI_CLI_TEXT, "DIR",
     "where the key-value store is (default ~/.local/state/bulkhead)", FIELD(state),
     .completes_files = true},
    {"cache", 0, BHI_CLI_TEXT, "DIR", "where compiled code is kept (default ~/.cache/bulkhead)",
     FIELD(cache), .completes_files = true},
    {"profiles", 0, BHI_CLI_TEXT, "FILE", "what the operator grants (see docs/profiles.md)",
     FIELD(profiles), .completes_files = true},
    {"no-cache", 0, BHI_CLI_FLAG, NULL, "compile anew and keep nothing", FIELD(no_cache)},
    {0},
};

/* "data" when it is text; JSON has no bytes, so other data is "data_base64". */
static void add_data(json_t *object, const bh_result *result)
{
    json_t *text = result->has_data ? json_stringn(result->data, result->data_len) : json_null();
    if (text != NULL) {
        json_object_set_new(object, "data", text);
        return;
    }
    size_t size = sodium_base64_encoded_len(result->data_len, sodium_base64_VARIANT_ORIGINAL);
    char *encoded = malloc(size);
    if (encoded == NULL)
        return;
    sodium_bin2base64(encoded, size, (const uint8_t *)result->data, result->data_len,
                      sodium_base64_VARIANT_ORIGINAL);
    json_object_set_new(object, "data_base64", json_string(encoded));
    free(encoded);
}

static json_t *result_json(const bh_result *result)
{
    json_t *object = json_pack(
        "{s:s, s:o, s:I, s:{s:I, s:I, s:I}, s:s, s:s}", "outcome", bh_outcome_name(result->outcome),
        "action", json_stringn(result->action, result->action_len), "fuel_used",
        (json_int_t)result->fuel_used, "timings", "wait_ns", (json_int_t)result->timings.wait_ns,
        "run_ns", (json_int_t)result->timings.run_ns, "restore_ns",
        (json_int_t)result->timings.restore_ns, "message", result->message, "backtrace",
        result->backtrace);
    if (object != NULL)
        add_data(object, result);
    return object;
}

static int print_json(const bh_result *result)
{
    json_t *object = result_json(result);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (text == NULL)
        return bhi_cli_fail("invoke", BHI_CLI_HOST, "out of memory for the JSON answer");
    puts(text);
    free(text);
    if (!bhi_cli_flush("invoke"))
        return BHI_CLI_HOST;
    return result->outcome == BH_OUTCOME_RETURNED ? BHI_CLI_OK : BHI_CLI_GUEST;
}

static void print_backtrace(const char *backtrace)
{
    while (*backtrace != '\0') {
        size_t len = strcspn(backtrace, "\n");
        fprintf(stderr, "    %.*s\n", (int)len, backtrace);
        backtrace += len + (backtrace[len] == '\n');
    }
}

static int print_plain(const bh_result *result)
{
    if (result->outcome != BH_OUTCOME_RETURNED) {
        bhi_cli_fail("invoke", BHI_CLI_GUEST, "%s: %s", bh_outcome_name(result->outcome),
                     result->message);
        print_backtrace(result->backtrace);
        return BHI_CLI_GUEST;
    }
    if (result->has_data)
        fwrite(result->data, 1, result->data_len, stdout);
    if (!result->has_data || strcmp(result->action, "deny") == 0)
        fprintf(stderr, "the guest answered \"%s\"\n", result->action);
    bool ends_line = result->data_len > 0 && result->data[result->data_len - 1] == '\n';
    if (result->has_data && !ends_line && isatty(STDOUT_FILENO))
        putchar('\n'); /* for the prompt; never into a file or a pipe */
    return bhi_cli_flush("invoke") ? BHI_CLI_OK : BHI_CLI_HOST;
}

static bh_entry entry_of(const invoke_options *options)
{
    if (options->is_install)
        return BH_ENTRY_INSTALL;
    return options->is_upgrade ? BH_ENTRY_UPGRADE : BH_ENTRY_HOOK;
}

static int call(bh_runtime *runtime, const char *path, const bh_request *request, bool is_json)
{
    bh_capsule *capsule = NULL;
    bh_result result = {0};
    bh_error error = {0};
    bh_capsule_options options = {.live_max = 1};
    bh_status status = bh_capsule_load(runtime, path, &options, &capsule, &error);
    if (status == BH_OK)
        status = bh_invoke(capsule, request, &result, &error);
    int exit_status;
    if (status != BH_OK)
        exit_status = bhi_cli_fail_status("invoke", &error);
    else
        exit_status = is_json ? print_json(&result) : print_plain(&result);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
    return exit_status;
}

static int run(const char *path, const invoke_options *options, bh_request *request)
{
    bhi_cli_directories directories;
    bh_runtime *runtime;
    bh_error error = {0};
    bh_status status = bhi_cli_find_directories(options->state, options->cache, options->no_cache,
                                                &directories, &error);
    if (status == BH_OK)
        status = bhi_cli_open_runtime(&directories, options->profiles, &runtime, &error);
    if (status != BH_OK)
        return bhi_cli_fail_status("invoke", &error);
    int exit_status = call(runtime, path, request, options->is_json);
    bh_runtime_destroy(runtime);
    return exit_status;
}

/* What the table of options cannot say. */
static int check_arguments(const invoke_options *options, int count, const char *extra)
{
    bool is_hook = entry_of(options) == BH_ENTRY_HOOK;
    if (options->is_install && options->is_upgrade)
        return bhi_cli_fail("invoke", BHI_CLI_USAGE, "expected only one of --install, --upgrade");
    if (is_hook && count < 2)
        return bhi_cli_fail("invoke", BHI_CLI_USAGE,
                            "expected PATH ACTION: which action is the capsule to handle?");
    if (!is_hook && count > 1)
        return bhi_cli_fail("invoke", BHI_CLI_USAGE,
                            "expected no ACTION with --install or --upgrade, found \"%s\"", extra);
    if (!is_hook && options->payload != NULL)
        return bhi_cli_fail("invoke", BHI_CLI_USAGE,
                            "expected no --payload with --install or --upgrade");
    return BHI_CLI_OK;
}

int bhi_cli_invoke(int argc, char **argv)
{
    invoke_options options = {0};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    exit_status = check_arguments(&options, count, argv[2]);
    if (exit_status != BHI_CLI_OK)
        return exit_status;
    bhi_arena arena = {0};
    bhi_bytes payload;
    bh_error error = {0};
    if (bhi_cli_read_payload(options.payload, &arena, &payload, &error) != BH_OK) {
        bhi_arena_deinit(&arena);
        return bhi_cli_fail_status("invoke", &error);
    }
    bh_request request = {.entry = entry_of(&options),
                          .action = argv[2],
                          .payload = payload.data,
                          .payload_len = payload.len,
                          .principal = options.principal,
                          .timeout_ms = (uint32_t)options.timeout_ms,
                          .fuel_max = options.fuel,
                          .memory_bytes_max = options.memory_mib << 20};
    exit_status = run(argv[1], &options, &request);
    bhi_arena_deinit(&arena);
    return exit_status;
}
