/* cli/change.c - bulkhead reload and bulkhead unload: replace or take away what a service offers.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

typedef struct change_options {
    const char *listen;
    uint64_t drain_ms;
    bool is_json;
} change_options;

#define FIELD(name)  .offset = offsetof(change_options, name)
#define DRAIN_UNSAID UINT64_MAX

const bhi_cli_option bhi_cli_change_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the service is (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"drain-ms", 0, BHI_CLI_NUMBER, "MS",
     "how long running invocations may go on (default: the service's --drain-ms)", FIELD(drain_ms),
     .min = 0, .max = 3600000},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print the service's answer as JSON", FIELD(is_json)},
    {0},
};

static const char *text_of(const json_t *body, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL ? text : otherwise;
}

static long long number_of(const json_t *body, const char *name)
{
    return json_integer_value(json_object_get(body, name));
}

static void print_change(const char *verb, const char *capsule, const json_t *body)
{
    bool is_reload = strcmp(verb, "reload") == 0;
    if (is_reload)
        printf("%s %s is served", capsule, text_of(body, "version", "?"));
    else
        printf("%s is no longer served", capsule);
    if (json_is_string(json_object_get(body, "old_version")))
        printf("; %s drained in %lld ms, %lld invocations cancelled",
               text_of(body, "old_version", "?"), number_of(body, "drain_ns") / 1000000,
               number_of(body, "cancelled"));
    putchar('\n');
}

static bh_status ask(bhi_client *client, const char *verb, const char *capsule,
                     const change_options *options, bhi_client_reply *ret_reply, bh_error *reterr)
{
    char path[512], header[64];
    bh_status status = bhi_client_capsule_path(client, capsule, verb, path, sizeof path, reterr);
    if (status != BH_OK)
        return status;
    bool is_said = options->drain_ms != DRAIN_UNSAID;
    snprintf(header, sizeof header, "Bulkhead-Drain-Ms: %llu",
             (unsigned long long)options->drain_ms);
    return bhi_client_ask(client, path, true, is_said ? header : NULL, ret_reply, reterr);
}

static int report(const char *verb, const char *capsule, bool is_json,
                  const bhi_client_reply *reply)
{
    bool is_done = reply->http_status == 200;
    if (is_json) {
        json_dumpf(reply->body, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (is_done) {
        print_change(verb, capsule, reply->body);
    } else {
        bh_error error;
        bhi_client_read_refusal(reply, &error);
        return bhi_cli_fail_status(verb, &error);
    }
    return !bhi_cli_flush(verb) || !is_done ? BHI_CLI_HOST : BHI_CLI_OK;
}

/* argv[0] is the verb, of the tool and of the service. */
int bhi_cli_change(int argc, char **argv)
{
    change_options options = {.drain_ms = DRAIN_UNSAID};
    const char *verb = argv[0];
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    bhi_client *client;
    bhi_client_reply reply;
    bh_error error = {0};
    if (bhi_client_create(options.listen, &client, &error) != BH_OK)
        return bhi_cli_fail_status(verb, &error);
    bh_status status = ask(client, verb, argv[1], &options, &reply, &error);
    if (status == BH_OK) {
        exit_status = report(verb, argv[1], options.is_json, &reply);
        json_decref(reply.body);
    } else {
        exit_status = bhi_cli_fail_status(verb, &error);
    }
    bhi_client_destroy(client);
    return exit_status;
}
