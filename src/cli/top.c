/* cli/top.c - bulkhead top: a live table of a service's capsules. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/top_table.h"

typedef struct top_options {
    const char *listen;
    uint64_t interval_ms, count;
    bool is_json;
} top_options;

#define FIELD(name) .offset = offsetof(top_options, name)

const bhi_cli_option bhi_cli_top_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the service is (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"interval-ms", 'i', BHI_CLI_NUMBER, "MS", "time between two looks (default 1000)",
     FIELD(interval_ms), .min = 10, .max = 3600000},
    {"count", 'n', BHI_CLI_NUMBER, "N", "end after so many (default: when interrupted)",
     FIELD(count), .min = 1, .max = UINT32_MAX},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print one JSON object a line for each look", FIELD(is_json)},
    {0},
};

static bh_status look(bhi_client *client, bhi_top_sample *ret_sample, bh_error *reterr)
{
    bhi_client_reply reply;
    bh_status status = bhi_client_ask(client, "/v1/capsules", false, NULL, &reply, reterr);
    if (status != BH_OK)
        return status;
    if (reply.http_status != 200) {
        bhi_client_read_refusal(&reply, reterr);
        json_decref(reply.body);
        return reterr->code;
    }
    if (!bhi_top_sample_read(reply.body, bhi_monotonic_ns(), ret_sample))
        return bhi_fail(reterr, BH_E_CORRUPT, "the service answered without a list of capsules");
    return BH_OK;
}

/* In place on a terminal; one after the other anywhere else. */
static void print_table(const bhi_top_sample *before, const bhi_top_sample *now)
{
    struct winsize size = {0};
    bool is_terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (is_terminal)
        fputs("\033[H\033[2J", stdout);
    bhi_top_print_table(stdout, before, now, size.ws_col, size.ws_row);
    if (!is_terminal)
        putchar('\n');
}

static bool print_json(const bhi_top_sample *before, const bhi_top_sample *now)
{
    json_t *object = bhi_top_json(before, now);
    if (object == NULL)
        return false;
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
    return true;
}

static bh_status watch(bhi_client *client, const top_options *options, bh_error *reterr)
{
    struct timespec pause = {.tv_sec = (time_t)(options->interval_ms / 1000),
                             .tv_nsec = (long)(options->interval_ms % 1000) * 1000000};
    bhi_top_sample before = {0}, now;
    bh_status status = BH_OK;
    for (uint64_t looks = 0; status == BH_OK; looks++) {
        status = look(client, &now, reterr);
        if (status != BH_OK)
            break;
        const bhi_top_sample *since = before.rows == NULL ? NULL : &before;
        if (!options->is_json)
            print_table(since, &now);
        else if (!print_json(since, &now))
            status = bhi_fail(reterr, BH_E_NOMEM, "out of memory");
        if (status == BH_OK && !bhi_cli_flush("top"))
            status = bhi_fail(reterr, BH_E_IO, "ended");
        bhi_top_sample_deinit(&before);
        before = now;
        if (looks + 1 == options->count)
            break;
        nanosleep(&pause, NULL);
    }
    bhi_top_sample_deinit(&before);
    return status;
}

int bhi_cli_top(int argc, char **argv)
{
    top_options options = {.interval_ms = 1000};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    bhi_client *client;
    bh_error error = {0};
    bh_status status = bhi_client_create(options.listen, &client, &error);
    if (status == BH_OK) {
        status = watch(client, &options, &error);
        bhi_client_destroy(client);
    }
    return status == BH_OK ? BHI_CLI_OK : bhi_cli_fail_status("top", &error);
}
