/* cli/new.c - bulkhead new: a capsule in C, ready to build.
 *
 * The directory is made first and must not exist, so nothing of the user's is ever written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/new_templates.h"

typedef struct new_options {
    const char *directory;
} new_options;

const bhi_cli_option bhi_cli_new_options[] = {
    {"directory", 'd', BHI_CLI_TEXT, "DIR", "where to make it (default: here)",
     offsetof(new_options, directory), .completes_files = true},
    {0},
};

/* What templates mention. */
typedef struct new_project {
    const char *name;
    const char *directory; /* DIR/NAME */
    const char *sdk;
    const char *variable;
} new_project;

/* What a manifest accepts, less the names that take no configuration from the environment or look
 * like an option. */
static bool is_good_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           name[0] != '-' && name[len - 1] != '-' && strstr(name, "--") == NULL;
}

static bool has_compiler(const char *sdk)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/capsule-cc", sdk);
    return len > 0 && (size_t)len < sizeof path && access(path, X_OK) == 0;
}

/* Beside this program (PREFIX/bin, PREFIX/share), else the source tree that it was built from, else
 * where it was meant to be installed. */
static const char *find_sdk(bhi_arena *arena)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    for (int i = 0; i < 2 && strrchr(program, '/') != NULL; i++) /* off with /bin/bulkhead */
        *strrchr(program, '/') = '\0';
    const char *candidates[] = {bhi_arena_printf(arena, "%s/share/bulkhead/sdk/c", program),
                                BULKHEAD_SDK_SOURCE_DIR, BULKHEAD_SDK_DIR};
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (candidates[i] != NULL && has_compiler(candidates[i]))
            return candidates[i];
    return NULL;
}

/* BULKHEAD_CONFIG_<NAME>__GREETING, see Capsule.toml's [env]. */
static const char *variable_of(const char *name, bhi_arena *arena)
{
    char *variable = bhi_arena_printf(arena, "BULKHEAD_CONFIG_%s__GREETING", name);
    for (char *c = variable; c != NULL && *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return variable;
}

static void write_filled(FILE *file, const char *text, const new_project *project)
{
    const struct {
        const char *mark, *value;
    } marks[] = {
        {"@NAME@", project->name}, {"@SDK@", project->sdk}, {"@VARIABLE@", project->variable}};
    while (*text != '\0') {
        size_t i = 0, count = sizeof marks / sizeof marks[0];
        while (i < count && strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i < count)
            fputs(marks[i].value, file);
        else
            fputc(*text, file);
        text += i < count ? strlen(marks[i].mark) : 1;
    }
}

static bh_status write_template(const bhi_cli_template *template, const new_project *project,
                                bhi_arena *arena, bh_error *reterr)
{
    bool is_named = strncmp(template->path, "@NAME@", 6) == 0;
    const char *path =
        bhi_arena_printf(arena, "%s/%s%s", project->directory, is_named ? project->name : "",
                         template->path + (is_named ? 6 : 0));
    if (path == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory");
    FILE *file = fopen(path, "wxe");
    if (file == NULL)
        return bhi_fail_os(reterr, "cannot create %.160s", path);
    write_filled(file, template->text, project);
    bool is_written = !ferror(file);
    if (fclose(file) != 0 || !is_written)
        return bhi_fail_os(reterr, "cannot write %.160s", path);
    return BH_OK;
}

static int make_project(const new_project *project, bhi_arena *arena)
{
    if (mkdir(project->directory, 0777) != 0) {
        if (errno == EEXIST)
            return bhi_cli_fail("new", BHI_CLI_USAGE,
                                "%s exists already: choose another name or --directory",
                                project->directory);
        return bhi_cli_fail("new", BHI_CLI_HOST, "cannot make %s: %s", project->directory,
                            strerror(errno));
    }
    bh_error error = {0};
    for (const bhi_cli_template *template = bhi_cli_templates; template->path != NULL; template ++)
        if (write_template(template, project, arena, &error) != BH_OK)
            return bhi_cli_fail_status("new", &error);
    printf("made %s; next:\n  make -C %s && bulkhead invoke %s hello\n", project->directory,
           project->directory, project->directory);
    return bhi_cli_flush("new") ? BHI_CLI_OK : BHI_CLI_HOST;
}

static int run(const char *name, const new_options *options, bhi_arena *arena)
{
    bool is_here = options->directory == NULL;
    new_project project = {
        .name = name,
        .directory = is_here ? name : bhi_arena_printf(arena, "%s/%s", options->directory, name),
        .sdk = find_sdk(arena),
        .variable = variable_of(name, arena),
    };
    if (project.sdk == NULL)
        return bhi_cli_fail("new", BHI_CLI_HOST,
                            "the C SDK is not installed: no capsule-cc in %s; reinstall bulkhead",
                            BULKHEAD_SDK_DIR);
    if (project.directory == NULL || project.variable == NULL)
        return bhi_cli_fail("new", BHI_CLI_HOST, "out of memory");
    return make_project(&project, arena);
}

int bhi_cli_new(int argc, char **argv)
{
    new_options options = {0};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    if (!is_good_name(argv[1]))
        return bhi_cli_fail("new", BHI_CLI_USAGE,
                            "expected a name of 1 to 64 of a-z and 0-9, with single '-' between "
                            "them, found \"%s\"",
                            argv[1]);
    bhi_arena arena = {0};
    exit_status = run(argv[1], &options, &arena);
    bhi_arena_deinit(&arena);
    return exit_status;
}
