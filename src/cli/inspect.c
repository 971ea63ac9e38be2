/* cli/inspect.c - bulkhead inspect: what a capsule is, and how it would be served. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "base/log.h"
#include "cli/inspect_report.h"
#include "cli/inspect_served.h"

typedef struct inspect_options {
    bool is_json;
    bool is_static;
} inspect_options;

const bhi_cli_option bhi_cli_inspect_options[] = {
    {"json", 'j', BHI_CLI_FLAG, NULL, "print the report as one JSON object",
     .offset = offsetof(inspect_options, is_json)},
    {"static", 0, BHI_CLI_FLAG, NULL, "only read the files: compile nothing, run nothing",
     .offset = offsetof(inspect_options, is_static)},
    {0},
};

/* Text out of a capsule: names in it may hold anything, so control characters are not printed. */
static void print_text(const char *text)
{
    for (; *text != '\0'; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void print_label(const char *label)
{
    printf("  %-14s", label);
}

static void print_head(const json_t *report)
{
    print_text(text_of(report, "name"));
    printf(" %s", text_of(report, "version"));
    if (text_of(report, "description")[0] != '\0') {
        printf(" - ");
        print_text(text_of(report, "description"));
    }
    putchar('\n');
    print_label("file");
    print_text(text_of(report, "component_file"));
    printf(": %s, %lld bytes\n", text_of(report, "shape"), number_of(report, "bytes"));
    print_label("blake3");
    puts(text_of(report, "blake3"));
}

static void print_env(const json_t *manifest)
{
    size_t i;
    json_t *env;
    json_array_foreach(json_object_get(manifest, "env"), i, env)
    {
        print_label(i == 0 ? "env" : "");
        printf("%s (%s): %s\n", text_of(env, "name"), text_of(env, "type"), text_of(env, "value"));
    }
}

static void print_manifest(const json_t *manifest)
{
    print_label("manifest");
    if (!json_is_object(manifest)) {
        puts("none; defaults apply");
        return;
    }
    print_text(text_of(manifest, "file"));
    putchar('\n');
    print_label("reuse");
    printf("%s, at least %lld kept warm", text_of(manifest, "reuse"),
           number_of(manifest, "min_idle"));
    if (json_is_integer(json_object_get(manifest, "live_max")))
        printf(", at most %lld", number_of(manifest, "live_max"));
    putchar('\n');
    print_label("capabilities");
    size_t i;
    json_t *name;
    json_t *names = json_object_get(manifest, "capabilities");
    json_array_foreach(names, i, name)
    {
        printf("%s%s", i == 0 ? "" : ", ", json_string_value(name));
    }
    puts(json_array_size(names) == 0 ? "none" : "");
    print_env(manifest);
}

static void print_limits(const char *label, const json_t *list, const char *unit)
{
    size_t i;
    json_t *limits;
    json_array_foreach(list, i, limits)
    {
        print_label(label);
        printf("%lld %s", number_of(limits, "min"), unit);
        if (json_object_get(limits, "page_bytes") != NULL)
            printf(" of %lld bytes", number_of(limits, "page_bytes"));
        if (json_is_integer(json_object_get(limits, "max")))
            printf(", at most %lld", number_of(limits, "max"));
        putchar('\n');
    }
}

static void print_restore(const json_t *restore)
{
    print_label("globals");
    printf("%lld mutable, %lld of them exported\n", number_of(restore, "globals_mutable"),
           number_of(restore, "globals_mutable_exported"));
    print_label("restorable");
    printf("%s%s%s\n", text_of(restore, "state"), text_of(restore, "reason")[0] == '\0' ? "" : ": ",
           text_of(restore, "reason"));
}

static void print_served(const json_t *served)
{
    if (!json_is_object(served))
        return;
    print_label("served as");
    if (json_is_null(json_object_get(served, "reuse")))
        printf("not at all: ");
    else
        printf("%s%s", text_of(served, "reuse"), text_of(served, "why")[0] == '\0' ? "" : ": ");
    print_text(text_of(served, "why"));
    putchar('\n');
    print_label("snapshot");
    printf("%lld bytes\n", number_of(served, "snapshot_bytes"));
}

static void print_entries(const json_t *entries)
{
    print_label("entry points");
    const char *separator = "";
    const char *name;
    json_t *state;
    json_object_foreach((json_t *)entries, name, state)
    {
        if (strcmp(json_string_value(state), "absent") == 0)
            continue;
        bool is_stub = strcmp(json_string_value(state), "stub") == 0;
        printf("%s%s%s", separator, name, is_stub ? " (stub)" : "");
        separator = ", ";
    }
    puts(separator[0] == '\0' ? "none" : "");
}

static void print_names(const char *label, const json_t *names)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        print_label(i == 0 ? label : "");
        print_text(json_string_value(name));
        putchar('\n');
    }
}

static void print_imports(const json_t *imports)
{
    size_t i;
    json_t *import;
    json_array_foreach(imports, i, import)
    {
        print_label(i == 0 ? "imports" : "");
        print_text(text_of(import, "interface"));
        putchar(' ');
        print_text(text_of(import, "name"));
        printf(": %s\n", text_of(import, "status"));
    }
    if (json_array_size(imports) == 0) {
        print_label("imports");
        puts("none");
    }
}

static void print_plain(const json_t *report)
{
    print_head(report);
    print_manifest(json_object_get(report, "manifest"));
    print_entries(json_object_get(report, "entry_points"));
    print_limits("memory", json_object_get(report, "memories"), "pages");
    print_limits("table", json_object_get(report, "tables"), "elements");
    print_restore(json_object_get(report, "restore"));
    print_served(json_object_get(report, "served"));
    print_imports(json_object_get(report, "imports"));
    print_names("exports", json_object_get(report, "exports"));
}

static bool print_json(const json_t *report)
{
    char *text = json_dumps(report, JSON_INDENT(2));
    if (text != NULL)
        puts(text);
    free(text);
    return text != NULL;
}

int bhi_cli_inspect(int argc, char **argv)
{
    inspect_options options = {0};
    int count, exit_status;
    if (!bhi_cli_parse(argc, argv, &options, &count, &exit_status))
        return exit_status;
    bhi_arena arena = {0};
    json_t *report = NULL;
    bh_error error = {0};
    bh_status status = bhi_cli_inspect_report(argv[1], &arena, &report, &error);
    if (status == BH_OK && !options.is_static) {
        bhi_log_configure(BHI_LOG_ERROR, NULL, NULL); /* the report says it all */
        json_object_set_new(report, "served", bhi_cli_inspect_served(argv[1]));
    }
    if (status != BH_OK)
        exit_status = bhi_cli_fail_status("inspect", &error);
    else if (options.is_json && !print_json(report))
        exit_status = bhi_cli_fail("inspect", BHI_CLI_HOST, "out of memory for the report");
    else {
        if (!options.is_json)
            print_plain(report);
        exit_status = bhi_cli_flush("inspect") ? BHI_CLI_OK : BHI_CLI_HOST;
    }
    json_decref(report);
    bhi_arena_deinit(&arena);
    return exit_status;
}
