/* cli/options.c - a command line into the command's options struct, by its table.
 *
 * getopt_long does the reading; its own messages are off, so that every error is one line in one
 * form. An option's value from getopt is FIRST_ID plus its row.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { OPTIONS_MAX = 32, FIRST_ID = 1000, HELP_ID = FIRST_ID + OPTIONS_MAX };

typedef struct getopt_table {
    struct option longs[OPTIONS_MAX + 2];
    char letters[3 + 2 * OPTIONS_MAX];
} getopt_table;

/* The ":" makes getopt tell a missing argument from an unknown option. */
static getopt_table make_table(const bhi_cli_option *options)
{
    getopt_table table = {.letters = ":h"};
    size_t row = 0, letters = 2;
    for (; options[row].name != NULL && row < OPTIONS_MAX; row++) {
        const bhi_cli_option *option = &options[row];
        int has_argument = option->kind == BHI_CLI_FLAG ? no_argument : required_argument;
        table.longs[row] = (struct option){option->name, has_argument, NULL, FIRST_ID + (int)row};
        if (option->letter == 0)
            continue;
        table.letters[letters++] = option->letter;
        if (has_argument == required_argument)
            table.letters[letters++] = ':';
    }
    table.longs[row] = (struct option){"help", no_argument, NULL, HELP_ID};
    return table;
}

static const bhi_cli_option *find_option(const bhi_cli_option *options, int id)
{
    for (int row = 0; options[row].name != NULL; row++)
        if (id == FIRST_ID + row || (options[row].letter != 0 && id == options[row].letter))
            return &options[row];
    return NULL;
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    *ret_number = number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool store(const char *command, const bhi_cli_option *option, const char *text,
                  void *options)
{
    void *field = (char *)options + option->offset;
    uint64_t number;
    switch (option->kind) {
    case BHI_CLI_FLAG:
        *(bool *)field = true;
        return true;
    case BHI_CLI_TEXT:
        *(const char **)field = text;
        return true;
    case BHI_CLI_NUMBER:
        if (parse_number(text, &number) && number >= option->min && number <= option->max) {
            *(uint64_t *)field = number;
            return true;
        }
        bhi_cli_fail(command, BHI_CLI_USAGE, "--%s: expected %llu to %llu, found \"%s\"",
                     option->name, (unsigned long long)option->min, (unsigned long long)option->max,
                     text);
        return false;
    }
    return false;
}

static int fail_option(const char *command, int id, const char *word)
{
    if (id == ':')
        return bhi_cli_fail(command, BHI_CLI_USAGE,
                            "option %s needs a value: see bulkhead %s --help", word, command);
    if (optopt != 0 && optopt < FIRST_ID)
        return bhi_cli_fail(command, BHI_CLI_USAGE, "no option -%c: see bulkhead %s --help", optopt,
                            command);
    if (optopt >= FIRST_ID)
        return bhi_cli_fail(command, BHI_CLI_USAGE,
                            "option %s takes no value: see bulkhead %s --help", word, command);
    return bhi_cli_fail(command, BHI_CLI_USAGE, "no option %s: see bulkhead %s --help", word,
                        command);
}

static bool check_count(const bhi_cli_command *command, int count, char **arguments, int *ret_exit)
{
    if (count < (int)command->arguments_min)
        *ret_exit =
            bhi_cli_fail(command->name, BHI_CLI_USAGE, "expected %s: see bulkhead %s --help",
                         command->arguments, command->name);
    else if (command->arguments_max == 0 && count > 0)
        *ret_exit = bhi_cli_fail(command->name, BHI_CLI_USAGE,
                                 "expected no argument, found \"%s\": see bulkhead %s --help",
                                 arguments[0], command->name);
    else if (count > (int)command->arguments_max)
        *ret_exit = bhi_cli_fail(
            command->name, BHI_CLI_USAGE, "expected only %s, found \"%s\": see bulkhead %s --help",
            command->arguments, arguments[command->arguments_max], command->name);
    else
        return true;
    return false;
}

bool bhi_cli_parse(int argc, char **argv, void *options, int *ret_count, int *ret_exit)
{
    const bhi_cli_command *command = bhi_cli_command_find(argv[0]);
    getopt_table table = make_table(command->options);
    opterr = 0;
    for (;;) {
        int id = getopt_long(argc, argv, table.letters, table.longs, NULL);
        if (id == -1)
            break;
        if (id == 'h' || id == HELP_ID) {
            bhi_cli_print_command_help(command);
            *ret_exit = bhi_cli_flush(command->name) ? BHI_CLI_OK : BHI_CLI_HOST;
            return false;
        }
        const bhi_cli_option *option = find_option(command->options, id);
        if (option == NULL) {
            *ret_exit = fail_option(command->name, id, argv[optind - 1]);
            return false;
        }
        if (!store(command->name, option, optarg, options)) {
            *ret_exit = BHI_CLI_USAGE;
            return false;
        }
    }
    *ret_count = argc - optind;
    memmove(argv + 1, argv + optind, (size_t)*ret_count * sizeof *argv);
    argv[*ret_count + 1] = NULL;
    return check_count(command, *ret_count, argv + 1, ret_exit);
}
