/* cli/main.c - bulkhead: which command, and what all of them share. */
#include <stdio.h>
#include <signal.h>
#include <string.h>

#include <bulkhead/runtime.h>

#include "cli/cli.h"

static int print_version(void)
{
    printf("bulkhead %s (wasmtime %s)\n", bh_version(), bh_engine_version());
    return bhi_cli_flush(NULL) ? BHI_CLI_OK : BHI_CLI_HOST;
}

static int print_help(int argc, char **argv)
{
    const bhi_cli_command *command = argc > 0 ? bhi_cli_command_find(argv[0]) : NULL;
    if (argc > 0 && command == NULL)
        return bhi_cli_fail("help", BHI_CLI_USAGE, "no command \"%s\": see bulkhead --help",
                            argv[0]);
    if (command == NULL)
        bhi_cli_print_help();
    else
        bhi_cli_print_command_help(command);
    return bhi_cli_flush("help") ? BHI_CLI_OK : BHI_CLI_HOST;
}

static bool is_any_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a write error, said in one line */
    if (argc < 2)
        return bhi_cli_fail(NULL, BHI_CLI_USAGE, "no command: see bulkhead --help");
    if (is_any_of(argv[1], "--help", "-h", "help"))
        return print_help(argc - 2, argv + 2);
    if (is_any_of(argv[1], "--version", "-V", "version"))
        return print_version();
    const bhi_cli_command *command = bhi_cli_command_find(argv[1]);
    if (command == NULL)
        return bhi_cli_fail(NULL, BHI_CLI_USAGE, "no %s \"%s\": see bulkhead --help",
                            argv[1][0] == '-' ? "option" : "command", argv[1]);
    return command->run(argc - 1, argv + 1);
}
