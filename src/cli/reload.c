/* cli/reload.c - bulkhead reload and unload: change what a running daemon serves. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "serve/head.h"

typedef struct reload_options {
    const char *listen;
    uint64_t drain_ms;
    bool is_json;
} reload_options;

#define DRAIN_MS_UNSET UINT64_MAX
#define FIELD(name)    .offset = offsetof(reload_options, name)

const bhi_cli_option bhi_cli_reload_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the daemon listens (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"drain-ms", 0, BHI_CLI_NUMBER, "MS",
     "how long running invocations may go on (default: as the daemon was told)", FIELD(drain_ms),
     .min = 0, .max = BHI_DRAIN_MS_MAX},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print the daemon's answer as one JSON object",
     FIELD(is_json)},
    {0},
};

static double milliseconds(const json_t *answer, const char *name)
{
    return (double)json_integer_value(json_object_get(answer, name)) / 1e6;
}

static const char *version_of(const json_t *answer, const char *name)
{
    const char *version = json_string_value(json_object_get(answer, name));
    return version != NULL ? version : "nothing";
}

static void print_answer(const char *name, const json_t *answer)
{
    long long cancelled = json_integer_value(json_object_get(answer, "cancelled"));
    printf("%s: %s -> %s", name, version_of(answer, "old_version"), version_of(answer, "version"));
    if (json_object_get(answer, "load_ns") != NULL)
        printf(", loaded in %.1f ms", milliseconds(answer, "load_ns"));
    printf(", drained in %.1f ms, %lld cancelled\n", milliseconds(answer, "drain_ns"), cancelled);
}

static int print_json(const char *command, const json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    if (text == NULL)
        return bhi_cli_fail(command, BHI_CLI_HOST, "out of memory for the JSON answer");
    puts(text);
    free(text);
    return BHI_CLI_OK;
}

static bh_status ask(const char *command, const char *name, const reload_options *options,
                     json_t **ret_answer, bh_error *reterr)
{
    bhi_cli_client *client;
    char header[64], rest[16];
    bh_status status = bhi_cli_client_open(options->listen, &client, reterr);
    if (status != BH_OK)
        return status;
    snprintf(rest, sizeof rest, "/%s", command);
    snprintf(header, sizeof header, BHI_HEADER_DRAIN ": %u", (unsigned)options->drain_ms);
    char *path = bhi_cli_client_capsule_path(client, name, rest);
    bhi_cli_question question = {
        .path = path,
        .is_post = true,
        .header = options->drain_ms == DRAIN_MS_UNSET ? NULL : header,
    };
    status = path == NULL ? bhi_fail(reterr, BH_E_NOMEM, "out of memory for the capsule's name")
                          : bhi_cli_client_ask(client, &question, ret_answer, reterr);
    free(path);
    bhi_cli_client_close(client);
    return status;
}

static int change(int argc, char **argv)
{
    const char *command = argv[0];
    reload_options options = {.drain_ms = DRAIN_MS_UNSET};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    if (argv[1][0] == '\0')
        return bhi_cli_fail(command, BHI_CLI_USAGE, "expected the name of a capsule, found \"\"");
    json_t *answer;
    bh_error error = {0};
    if (ask(command, argv[1], &options, &answer, &error) != BH_OK)
        return bhi_cli_fail_status(command, &error);
    exit_status = BHI_CLI_OK;
    if (options.is_json)
        exit_status = print_json(command, answer);
    else
        print_answer(argv[1], answer);
    json_decref(answer);
    if (!bhi_cli_flush(command))
        exit_status = BHI_CLI_HOST;
    return exit_status;
}

int bhi_cli_reload(int argc, char **argv)
{
    return change(argc, argv);
}

int bhi_cli_unload(int argc, char **argv)
{
    return change(argc, argv);
}
