/* cli/publish.c - bulkhead publish: one message to a running daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/event.h>
#include <bulkhead/invocation.h>

#include "bus/topic.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/payload.h"
#include "cli/printable.h"
#include "host/principal.h"
#include "serve/head.h"

typedef struct publish_options {
    const char *listen, *principal;
    uint64_t timeout_ms;
    bool must_wait, is_json;
} publish_options;

#define FIELD(name) .offset = offsetof(publish_options, name)

const bhi_cli_option bhi_cli_publish_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the daemon listens (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"principal", 'P', BHI_CLI_TEXT, "NAME",
     "on whose behalf: 1 to 64 of A-Z a-z 0-9 _ - (default \"default\")", FIELD(principal)},
    {"wait", 'w', BHI_CLI_FLAG, NULL, "wait for the handlers and print what they decided",
     FIELD(must_wait)},
    {"timeout", 't', BHI_CLI_NUMBER, "MS", "longest to wait for them (default: as they take)",
     FIELD(timeout_ms), .min = 1, .max = BH_TIMEOUT_MS_MAX},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print the daemon's answer as one JSON object",
     FIELD(is_json)},
    {0},
};

/* ---- asking ---- */

/* The topic is part of a path, where what is no topic could mean another one. */
static bh_status check(const char *topic, const publish_options *options, bh_error *reterr)
{
    if (!bhi_topic_is_valid(bhi_bytes_of(topic)))
        return bhi_fail(reterr, BH_E_ARG,
                        "expected a topic of 1 to %d segments of a-z, 0-9, '_' and '-' between "
                        "dots, found \"%.80s\"",
                        BHI_TOPIC_SEGMENTS_MAX, topic);
    if (options->principal != NULL && !bhi_is_principal(bhi_bytes_of(options->principal)))
        return bhi_fail(reterr, BH_E_ARG,
                        "--principal: expected 1 to %d of A-Z a-z 0-9 _ -, found \"%.80s\"",
                        BHI_PRINCIPAL_BYTES_MAX, options->principal);
    if (options->timeout_ms != 0 && !options->must_wait)
        return bhi_fail(reterr, BH_E_ARG, "expected --timeout with --wait only");
    return BH_OK;
}

static bh_status send_message(const char *topic, bhi_bytes payload, const publish_options *options,
                              json_t **ret_answer, bh_error *reterr)
{
    bhi_cli_client *client;
    char timeout[64];
    bh_status status = bhi_cli_client_open(options->listen, &client, reterr);
    if (status != BH_OK)
        return status;
    snprintf(timeout, sizeof timeout, BHI_HEADER_TIMEOUT ": %u", (unsigned)options->timeout_ms);
    char *path =
        bhi_cli_client_path(client, "/v1/events/", topic, options->must_wait ? "?wait=1" : "");
    bhi_cli_question question = {
        .path = path,
        .is_post = true,
        .body = payload,
        .header = options->timeout_ms != 0 ? timeout : NULL,
        .principal = options->principal,
    };
    status = path == NULL ? bhi_fail(reterr, BH_E_NOMEM, "out of memory for the topic")
                          : bhi_cli_client_ask(client, &question, ret_answer, reterr);
    free(path);
    bhi_cli_client_close(client);
    return status;
}

static bh_status ask(char **arguments, const publish_options *options, json_t **ret_answer,
                     bh_error *reterr)
{
    bhi_arena arena = {0};
    bhi_bytes payload;
    bh_status status = check(arguments[0], options, reterr);
    if (status == BH_OK)
        status = bhi_cli_read_payload(arguments[1] != NULL ? arguments[1] : "null", &arena,
                                      &payload, reterr);
    if (status == BH_OK)
        status = send_message(arguments[0], payload, options, ret_answer, reterr);
    bhi_arena_deinit(&arena);
    return status;
}

/* ---- telling ---- */

static const char *text_of(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));
    return text != NULL ? text : "";
}

static bool is_verdict(const json_t *answer, bh_verdict verdict)
{
    return strcmp(text_of(answer, "verdict"), bh_verdict_name(verdict)) == 0;
}

/* "denied by stock: sold out" */
static void print_verdict(const json_t *answer)
{
    size_t steps = json_array_size(json_object_get(answer, "steps"));
    bool is_no = is_verdict(answer, BH_VERDICT_DENIED) || is_verdict(answer, BH_VERDICT_FAILED);
    const char *by = text_of(answer, "by");
    const json_t *told = json_object_get(answer, is_no ? "reason" : "payload");
    bhi_cli_print_clean(text_of(answer, "verdict"), strlen(text_of(answer, "verdict")));
    if (by[0] != '\0')
        printf(" by ");
    else if (steps > 0)
        printf(" by %zu handler%s", steps, steps == 1 ? "" : "s");
    bhi_cli_print_clean(by, strlen(by));
    printf(": ");
    if (json_is_string(told))
        bhi_cli_print_clean(json_string_value(told), json_string_length(told));
    else
        printf("(not UTF-8)");
    putchar('\n');
}

static void print_accepted(const json_t *answer)
{
    printf("accepted as message %lld\n",
           (long long)json_integer_value(json_object_get(answer, "sequence")));
}

static int print_answer(const char *command, const json_t *answer, const publish_options *options)
{
    if (options->is_json) {
        char *text = json_dumps(answer, JSON_COMPACT);
        if (text == NULL)
            return bhi_cli_fail(command, BHI_CLI_HOST, "out of memory for the JSON answer");
        puts(text);
        free(text);
    } else if (options->must_wait) {
        print_verdict(answer);
    } else {
        print_accepted(answer);
    }
    if (!bhi_cli_flush(command))
        return BHI_CLI_HOST;
    return is_verdict(answer, BH_VERDICT_DENIED) || is_verdict(answer, BH_VERDICT_FAILED)
               ? BHI_CLI_GUEST
               : BHI_CLI_OK;
}

int bhi_cli_publish(int argc, char **argv)
{
    const char *command = argv[0];
    publish_options options = {0};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    json_t *answer;
    bh_error error = {0};
    if (ask(argv + 1, &options, &answer, &error) != BH_OK)
        return bhi_cli_fail_status(command, &error);
    exit_status = print_answer(command, answer, &options);
    json_decref(answer);
    return exit_status;
}
