/* cli/help.c - help and errors, as people read them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { NAME_COLUMNS = 26, LINE_BYTES_MAX = 1024 };

void bhi_cli_print_help(void)
{
    puts("Run untrusted WebAssembly capsules, one principal never seeing another's data.\n"
         "\n"
         "usage: bulkhead COMMAND [OPTIONS] ARGUMENTS\n"
         "\n"
         "commands:");
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        printf("  %-12s%s\n", command->name, command->summary);
    puts("\n"
         "options:\n"
         "  -h, --help      this text; bulkhead COMMAND --help for one command\n"
         "  -V, --version   versions of bulkhead and of its engine\n"
         "\n"
         "exit status: 0 done; 1 the guest did not return, or a message was denied; 2 wrong usage; "
         "3 the\n"
         "host or the capsule failed before the guest could be called\n"
         "\n"
         "A first capsule:\n"
         "  bulkhead new hello && make -C hello && bulkhead invoke hello hello");
}

static void print_option(const bhi_cli_option *option)
{
    char name[96];
    int len = option->letter != 0 ? snprintf(name, sizeof name, "-%c, ", option->letter)
                                  : snprintf(name, sizeof name, "    ");
    snprintf(name + len, sizeof name - (size_t)len, "--%s%s%s", option->name,
             option->argument == NULL ? "" : " ", option->argument == NULL ? "" : option->argument);
    if (strlen(name) >= NAME_COLUMNS)
        printf("  %s\n  %-*s%s\n", name, NAME_COLUMNS, "", option->help);
    else
        printf("  %-*s%s\n", NAME_COLUMNS, name, option->help);
}

void bhi_cli_print_command_help(const bhi_cli_command *command)
{
    static const bhi_cli_option help = {.name = "help", .letter = 'h', .help = "this text"};
    printf("bulkhead %s - %s\n\nusage: bulkhead %s [OPTIONS]%s%s\n", command->name,
           command->summary, command->name, command->arguments[0] != '\0' ? " " : "",
           command->arguments);
    puts("\noptions:");
    for (const bhi_cli_option *option = command->options; option != NULL && option->name != NULL;
         option++)
        print_option(option);
    print_option(&help);
    if (command->detail != NULL)
        printf("\n%s", command->detail);
}

int bhi_cli_fail(const char *command, bhi_cli_exit exit, const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *c = line; *c != '\0';
         c++) /* what was typed may hold anything; the answer is a line */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    fprintf(stderr, "bulkhead%s%s: %s\n", command == NULL ? "" : " ",
            command == NULL ? "" : command, line);
    return exit;
}

int bhi_cli_fail_status(const char *command, const bh_error *error)
{
    return bhi_cli_fail(command, error->code == BH_E_ARG ? BHI_CLI_USAGE : BHI_CLI_HOST, "%s",
                        error->text[0] != '\0' ? error->text : bh_status_text(error->code));
}

bool bhi_cli_flush(const char *command)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    bhi_cli_fail(command, BHI_CLI_HOST, "cannot write to standard output: %s", strerror(errno));
    return false;
}
