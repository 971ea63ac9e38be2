/* cli/cli.h - the commands of the tool, as one table.
 *
 * Each command is one file and one row. A row lists the command's options with the fields they
 * fill, so parsing, --help and shell completion all come from the same lines. Only this directory
 * reads argv, prints, and decides how the process ends.
 */
#ifndef BHI_CLI_CLI_H
#define BHI_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/error.h>

/* How the process ends. */
typedef enum bhi_cli_exit {
    BHI_CLI_OK = 0,
    BHI_CLI_GUEST = 1, /* the guest was called and did not return, or handlers said no */
    BHI_CLI_USAGE = 2, /* the command line, or something it names, breaks the documented contract */
    BHI_CLI_HOST = 3   /* a file, a capsule or the machine */
} bhi_cli_exit;

typedef enum bhi_cli_kind {
    BHI_CLI_FLAG,   /* bool */
    BHI_CLI_TEXT,   /* const char * */
    BHI_CLI_NUMBER, /* uint64_t, min to max */
} bhi_cli_kind;

/* One option; a table of them ends with a NULL name. */
typedef struct bhi_cli_option {
    const char *name; /* without the dashes */
    char letter;      /* 0 for none */
    bhi_cli_kind kind;
    const char *argument; /* what --help calls it: "MS"; NULL for a flag */
    const char *help;
    size_t offset; /* of the field in the command's options struct */
    uint64_t min, max;
    bool completes_files;
} bhi_cli_option;

typedef struct bhi_cli_command {
    const char *name;
    const char *arguments;         /* "PATH ACTION", or "" when it takes none */
    const char *summary;           /* one line */
    const char *detail;            /* below the options in --help; may be NULL */
    const bhi_cli_option *options; /* NULL: the command reads its own */
    uint32_t arguments_min, arguments_max;
    const char *words;                 /* completions of the first argument, or NULL for files */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} bhi_cli_command;

extern const bhi_cli_command bhi_cli_commands[]; /* ends with a NULL name */

const bhi_cli_command *bhi_cli_command_find(const char *name);

int bhi_cli_serve(int argc, char **argv);
int bhi_cli_invoke(int argc, char **argv);
int bhi_cli_inspect(int argc, char **argv);
int bhi_cli_new(int argc, char **argv);
int bhi_cli_top(int argc, char **argv);
int bhi_cli_bench(int argc, char **argv);
int bhi_cli_reload(int argc, char **argv);
int bhi_cli_unload(int argc, char **argv);
int bhi_cli_publish(int argc, char **argv);
int bhi_cli_events(int argc, char **argv);
int bhi_cli_completion(int argc, char **argv);

extern const bhi_cli_option bhi_cli_serve_options[];
extern const bhi_cli_option bhi_cli_invoke_options[];
extern const bhi_cli_option bhi_cli_inspect_options[];
extern const bhi_cli_option bhi_cli_new_options[];
extern const bhi_cli_option bhi_cli_top_options[];
extern const bhi_cli_option bhi_cli_bench_options[];
extern const bhi_cli_option bhi_cli_reload_options[]; /* of unload too */
extern const bhi_cli_option bhi_cli_publish_options[];
extern const bhi_cli_option bhi_cli_events_options[];
extern const bhi_cli_option bhi_cli_completion_options[];

/* Fill the options struct of command argv[0]; options may stand anywhere, "--" ends them. On true
 * argv[1..*ret_count] are the arguments. False: *ret_exit says how to end (help was printed, or
 * one line of what is wrong). */
bool bhi_cli_parse(int argc, char **argv, void *options, int *ret_count, int *ret_exit);

/* --help of the tool and of one command. */
void bhi_cli_print_help(void);
void bhi_cli_print_command_help(const bhi_cli_command *command);

/* "bulkhead COMMAND: text" on standard error, one line. Returns `exit`, so that it can be the
 * return statement; `command` may be NULL. */
int bhi_cli_fail(const char *command, bhi_cli_exit exit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a status that is not BH_OK: USAGE for BH_E_ARG, else HOST. */
int bhi_cli_fail_status(const char *command, const bh_error *error);

/* True when everything printed so far has reached standard output; else one line says so. */
bool bhi_cli_flush(const char *command);

#endif
