/* cli/top.c - bulkhead top: the capsules of a running daemon, again and again.
 *
 * On a terminal each table is drawn over the one before; the cursor is hidden meanwhile, and a
 * signal that ends us shows it again first. Anywhere else tables follow each other.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/top_print.h"

typedef struct top_options {
    const char *listen;
    uint64_t interval_ms, count;
    bool is_json;
} top_options;

enum { INTERVAL_MS_DEFAULT = 1000, ANSWER_TIMEOUT_MS = 10000 };
#define FIELD(name) .offset = offsetof(top_options, name)

const bhi_cli_option bhi_cli_top_options[] = {
    {"listen", 'l', BHI_CLI_TEXT, "ADDRESS", "where the daemon listens (default 127.0.0.1:8787)",
     FIELD(listen)},
    {"interval-ms", 'i', BHI_CLI_NUMBER, "MS", "time between two samples (default 1000)",
     FIELD(interval_ms), .min = 1, .max = 3600000},
    {"count", 'n', BHI_CLI_NUMBER, "N", "end after so many samples (default: go on)", FIELD(count),
     .min = 1, .max = INT64_MAX},
    {"json", 'j', BHI_CLI_FLAG, NULL, "print one JSON object per sample", FIELD(is_json)},
    {0},
};

/* ---- the terminal ---- */

#define CURSOR_HIDE "\033[?25l\033[2J"
#define CURSOR_SHOW "\033[?25h"
#define HOME        "\033[H"
#define CLEAR_LINE  "\033[K"
#define CLEAR_REST  "\033[J"

/* Async-signal-safe; the second time the signal ends us as it would have. */
static void restore_terminal(int number)
{
    ssize_t written = write(STDOUT_FILENO, CURSOR_SHOW "\n", sizeof CURSOR_SHOW);
    (void)written; /* nothing else can be tried */
    raise(number);
}

static void take_terminal(void)
{
    struct sigaction action = {.sa_handler = restore_terminal, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fputs(CURSOR_HIDE, stdout);
}

static bhi_top_screen find_screen(bool is_terminal)
{
    struct winsize size;
    if (!is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return (bhi_top_screen){SIZE_MAX, SIZE_MAX, is_terminal ? CLEAR_LINE : ""};
    return (bhi_top_screen){size.ws_col, size.ws_row, CLEAR_LINE};
}

/* ---- samples ---- */

static bool print_sample(const bhi_top_sample *sample, const top_options *options, bool is_terminal,
                         bool is_first)
{
    bhi_top_screen screen = find_screen(is_terminal);
    if (options->is_json)
        return bhi_top_print_json(sample, stdout);
    if (is_terminal)
        fputs(HOME, stdout);
    else if (!is_first)
        putchar('\n');
    bool is_printed = bhi_top_print_table(sample, &screen, stdout);
    if (is_terminal)
        fputs(CLEAR_REST, stdout);
    return is_printed;
}

static void wait_ms(uint64_t interval_ms)
{
    struct timespec left = {(time_t)(interval_ms / 1000),
                            (long)(interval_ms % 1000 * BHI_NS_PER_MS)};
    nanosleep(&left, NULL);
}

/* Replaces *inout_sample by the daemon's next. */
static bh_status take_sample(bhi_cli_client *client, bhi_top_sample *inout_sample, bh_error *reterr)
{
    bhi_cli_question question = {.path = "/v1/capsules", .timeout_ms = ANSWER_TIMEOUT_MS};
    bhi_top_sample next;
    json_t *body;
    bh_status status = bhi_cli_client_ask(client, &question, &body, reterr);
    if (status == BH_OK)
        status = bhi_top_sample_read(body, inout_sample, &next, reterr);
    if (status != BH_OK)
        return status;
    bhi_top_sample_deinit(inout_sample);
    *inout_sample = next;
    return BH_OK;
}

static int watch(bhi_cli_client *client, const top_options *options, bool is_terminal,
                 bh_error *error)
{
    bhi_top_sample sample = {0};
    int exit_status = BHI_CLI_OK;
    for (uint64_t i = 0; exit_status == BHI_CLI_OK && i < options->count; i++) {
        if (i > 0)
            wait_ms(options->interval_ms);
        if (take_sample(client, &sample, error) != BH_OK)
            exit_status = BHI_CLI_HOST;
        else if (!print_sample(&sample, options, is_terminal, i == 0))
            exit_status = bhi_cli_fail("top", BHI_CLI_HOST, "out of memory for the table");
        else if (!bhi_cli_flush("top"))
            exit_status = BHI_CLI_HOST;
    }
    bhi_top_sample_deinit(&sample);
    return exit_status;
}

int bhi_cli_top(int argc, char **argv)
{
    top_options options = {.interval_ms = INTERVAL_MS_DEFAULT, .count = UINT64_MAX};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    bhi_cli_client *client;
    bh_error error = {0};
    if (bhi_cli_client_open(options.listen, &client, &error) != BH_OK)
        return bhi_cli_fail_status("top", &error);
    bool is_terminal = !options.is_json && isatty(STDOUT_FILENO);
    if (is_terminal)
        take_terminal();
    exit_status = watch(client, &options, is_terminal, &error);
    bhi_cli_client_close(client);
    if (is_terminal) {
        fputs(CURSOR_SHOW, stdout);
        fflush(stdout);
    }
    return error.code == BH_OK ? exit_status : bhi_cli_fail_status("top", &error);
}
