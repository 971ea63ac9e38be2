/* cli/events.c - bulkhead events: messages of a running daemon, as they come.
 *
 * Each message is written out at once, so that what reads a pipe sees it, and a reader that is gone
 * ends the command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/topic.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/printable.h"
#include "cli/sse.h"
#include "host/principal.h"

#define PATTERN_DEFAULT "*.*"

typedef struct events_options {
    const char *listen, *principal;
    uint64_t count;
    bool is_of_all, is_json;
} events_options;

#define FIELD(name) .offset = offsetof(events_options, name)

const bhi_cli_option bhi_cli_events_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the daemon listens (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"principal", 'P', BHI_CLI_TEXT, "NAME",
     "whose messages, beside the service's own (default \"default\")", FIELD(principal)},
    {"all", 'a', BHI_CLI_FLAG, NULL, "everybody's messages", FIELD(is_of_all)},
    {"count", 'n', BHI_CLI_NUMBER, "N", "end after so many messages (default: never)", FIELD(count),
     .min = 1, .max = UINT32_MAX},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print one JSON object per message", FIELD(is_json)},
    {0},
};

typedef struct watch {
    const events_options *options;
    const char *command;
    uint64_t printed;
    bhi_sse sse;
    bool has_failed; /* one line said so */
} watch;

/* ---- printing ---- */

static void print_text(const json_t *data, const char *name)
{
    const json_t *text = json_object_get(data, name);
    if (json_is_string(text))
        bhi_cli_print_clean(json_string_value(text), json_string_length(text));
    else
        putchar('-');
}

static void print_line(const json_t *data, const bhi_sse_event *event)
{
    bhi_cli_print_clean(event->id, strlen(event->id));
    for (const char *const *name = (const char *const[]){"topic", "principal", "payload", NULL};
         *name != NULL; name++) {
        putchar(' ');
        print_text(data, *name);
    }
    putchar('\n');
}

/* The daemon's object with the message's number in front. */
static bool print_json(json_t *data, const bhi_sse_event *event)
{
    json_t *object = json_pack("{s:I}", "sequence", (json_int_t)strtoll(event->id, NULL, 10));
    json_object_update(object, data);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (text == NULL)
        return false;
    puts(text);
    free(text);
    return true;
}

static bool fail(watch *watching, const char *text)
{
    watching->has_failed = true;
    bhi_cli_fail(watching->command, BHI_CLI_HOST, "%s", text);
    return false;
}

static bool print_message(watch *watching, const bhi_sse_event *event)
{
    json_t *data =
        json_loadb(event->data, event->data_len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!json_is_object(data)) {
        json_decref(data);
        return fail(watching, "what listens there does not answer like bulkhead serve");
    }
    bool is_printed = true;
    if (watching->options->is_json)
        is_printed = print_json(data, event);
    else
        print_line(data, event);
    json_decref(data);
    return is_printed || fail(watching, "out of memory for a message");
}

/* Beside the messages, but for programs. */
static void print_lost(const watch *watching, const bhi_sse_event *event)
{
    long long count = strtoll(event->data, NULL, 10);
    if (watching->options->is_json)
        printf("{\"lost\":%lld}\n", count);
    else
        fprintf(stderr, "bulkhead %s: %lld messages were lost, this reader is too slow\n",
                watching->command, count);
}

static bool on_event(void *arg, const bhi_sse_event *event)
{
    watch *watching = arg;
    bool is_message = strcmp(event->event, "message") == 0;
    if (strcmp(event->event, "lost") == 0)
        print_lost(watching, event);
    else if (is_message && !print_message(watching, event))
        return false;
    if (!bhi_cli_flush(watching->command)) {
        watching->has_failed = true;
        return false;
    }
    watching->printed += is_message;
    return watching->options->count == 0 || watching->printed < watching->options->count;
}

static bool on_data(void *arg, const char *data, size_t len)
{
    watch *watching = arg;
    if (bhi_sse_read(&watching->sse, data, len))
        return true;
    bool is_enough = watching->options->count > 0 && watching->printed == watching->options->count;
    if (!is_enough && !watching->has_failed)
        fail(watching, "an event of the daemon is too large");
    return false;
}

/* ---- asking ---- */

static bh_status check(const char *pattern, const events_options *options, bh_error *reterr)
{
    if (!bhi_pattern_is_valid(bhi_bytes_of(pattern)))
        return bhi_fail(
            reterr, BH_E_ARG,
            "expected a pattern of 1 to %d segments of a-z, 0-9, '_' and '-', or \"*\", "
            "between dots, found \"%.80s\"",
            BHI_TOPIC_SEGMENTS_MAX, pattern);
    if (options->principal != NULL && !bhi_is_principal(bhi_bytes_of(options->principal)))
        return bhi_fail(reterr, BH_E_ARG,
                        "--principal: expected 1 to %d of A-Z a-z 0-9 _ -, found \"%.80s\"",
                        BHI_PRINCIPAL_BYTES_MAX, options->principal);
    if (options->principal != NULL && options->is_of_all)
        return bhi_fail(reterr, BH_E_ARG, "expected only one of --principal and --all");
    return BH_OK;
}

static bh_status follow(watch *watching, const char *pattern, bh_error *reterr)
{
    bhi_cli_client *client;
    const events_options *options = watching->options;
    bh_status status = check(pattern, options, reterr);
    if (status == BH_OK)
        status = bhi_cli_client_open(options->listen, &client, reterr);
    if (status != BH_OK)
        return status;
    char *path = bhi_cli_client_path(client, "/v1/events?topic=", pattern,
                                     options->is_of_all ? "&all=1" : "");
    bhi_cli_question question = {.path = path, .principal = options->principal};
    status = path == NULL ? bhi_fail(reterr, BH_E_NOMEM, "out of memory for the pattern")
                          : bhi_cli_client_stream(client, &question, on_data, watching, reterr);
    free(path);
    bhi_cli_client_close(client);
    return status;
}

int bhi_cli_events(int argc, char **argv)
{
    const char *command = argv[0];
    events_options options = {0};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    bh_error error = {0};
    watch watching = {.options = &options, .command = command};
    watching.sse = (bhi_sse){.event_cb = on_event, .arg = &watching};
    bh_status status = follow(&watching, count > 0 ? argv[1] : PATTERN_DEFAULT, &error);
    bhi_sse_deinit(&watching.sse);
    if (watching.has_failed)
        return BHI_CLI_HOST;
    return status == BH_OK ? BHI_CLI_OK : bhi_cli_fail_status(command, &error);
}
