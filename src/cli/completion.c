/* cli/completion.c - bulkhead completion: a script for a shell, written from the command table. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

const bhi_cli_option bhi_cli_completion_options[] = {{0}};

static void print_command_names(void)
{
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        printf("%s%s", command == bhi_cli_commands ? "" : " ", command->name);
}

static void print_option_names(const bhi_cli_command *command)
{
    printf("--help");
    for (const bhi_cli_option *option = command->options; option != NULL && option->name != NULL;
         option++)
        printf(" --%s", option->name);
}

static void print_bash(void)
{
    puts("# bash completion for bulkhead; made by: bulkhead completion bash\n"
         "_bulkhead() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    printf("        COMPREPLY=($(compgen -W '");
    print_command_names();
    puts(" --help --version' -- \"$word\"))\n"
         "        return\n"
         "    fi\n"
         "    case ${COMP_WORDS[1]} in");
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++) {
        printf("    %s) words='", command->name);
        print_option_names(command);
        printf("%s%s' ;;\n", command->words == NULL ? "" : " ",
               command->words == NULL ? "" : command->words);
    }
    puts("    esac\n"
         "    case $word in\n"
         "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
         "    @*) COMPREPLY=($(compgen -P @ -f -- \"${word#@}\")) ;;\n"
         "    *) COMPREPLY=($(compgen -W \"$words\" -f -- \"$word\")) ;;\n"
         "    esac\n"
         "}\n"
         "complete -o filenames -F _bulkhead bulkhead");
}

/* Text for an _arguments specification in single quotes: brackets and colons end its parts. */
static void print_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:\\", *text) != NULL)
            putchar('\\');
        if (*text == '\'')
            printf("'\\''");
        else
            putchar(*text);
    }
}

static void print_zsh_option(const bhi_cli_option *option)
{
    printf(" \\\n            '--%s%s[", option->name, option->kind == BHI_CLI_FLAG ? "" : "=");
    print_zsh_text(option->help);
    putchar(']');
    if (option->kind != BHI_CLI_FLAG) {
        putchar(':');
        print_zsh_text(option->argument);
        printf(":%s", option->completes_files ? "_files" : "");
    }
    putchar('\'');
}

static void print_zsh_command(const bhi_cli_command *command)
{
    printf("    %s)\n        _arguments '--help[this text]'", command->name);
    for (const bhi_cli_option *option = command->options; option != NULL && option->name != NULL;
         option++)
        print_zsh_option(option);
    if (command->words == NULL)
        puts(" \\\n            '1:path:_files' '*:argument:' ;;");
    else
        printf(" \\\n            '1:%s:(%s)' ;;\n", command->name, command->words);
}

static void print_zsh(void)
{
    puts("#compdef bulkhead\n"
         "# zsh completion for bulkhead; made by: bulkhead completion zsh\n"
         "_bulkhead() {\n"
         "    local -a commands=(");
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        printf("        '%s:%s'\n", command->name, command->summary);
    puts("    )\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case ${words[1]} in");
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        print_zsh_command(command);
    puts("    esac\n"
         "}\n"
         "# Read as a function from $fpath it completes at once; sourced, it only registers.\n"
         "if [ \"$funcstack[1]\" = _bulkhead ]; then\n"
         "    _bulkhead \"$@\"\n"
         "else\n"
         "    compdef _bulkhead bulkhead\n"
         "fi");
}

static void print_fish_quoted(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void print_fish_command(const bhi_cli_command *command)
{
    printf("complete -c bulkhead -n __fish_use_subcommand -f -a %s -d ", command->name);
    print_fish_quoted(command->summary);
    putchar('\n');
    if (command->words != NULL && command->words[0] != '\0')
        printf("complete -c bulkhead -n '__fish_seen_subcommand_from %s' -f -a '%s'\n",
               command->name, command->words);
    for (const bhi_cli_option *option = command->options; option != NULL && option->name != NULL;
         option++) {
        printf("complete -c bulkhead -n '__fish_seen_subcommand_from %s' -l %s", command->name,
               option->name);
        if (option->letter != 0)
            printf(" -s %c", option->letter);
        printf("%s -d ", option->kind == BHI_CLI_FLAG ? ""
                         : option->completes_files    ? " -r -F"
                                                      : " -x");
        print_fish_quoted(option->help);
        putchar('\n');
    }
}

static void print_fish(void)
{
    puts("# fish completion for bulkhead; made by: bulkhead completion fish");
    for (const bhi_cli_command *command = bhi_cli_commands; command->name != NULL; command++)
        print_fish_command(command);
}

int bhi_cli_completion(int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    int count, exit_status;
    char none;
    if (!bhi_cli_parse(argc, argv, &none, &count, &exit_status))
        return exit_status;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(argv[1], shells[i].shell) == 0) {
            shells[i].print();
            return bhi_cli_flush("completion") ? BHI_CLI_OK : BHI_CLI_HOST;
        }
    }
    return bhi_cli_fail("completion", BHI_CLI_USAGE, "expected bash, zsh or fish, found \"%s\"",
                        argv[1]);
}
