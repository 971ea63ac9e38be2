/* What cannot be a capsule is refused at load, with a text that says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/runtime_fixture.h"

static runtime_fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

typedef struct refusal {
    const char *guest;
    bh_status status;
    const char *parts[4]; /* all in the text */
} refusal;

static const refusal refusals[] = {
    {"unknown_import", BH_E_MODULE, {"3 imports are not provided"}},
    {"unknown_import", BH_E_MODULE, {"conjure", "vanish", "mystery"}},
    {"wasi_import", BH_E_MODULE, {"2 imports", "WASI is not provided"}},
    {"newer_version", BH_E_MODULE, {"astrid:kv/host@1.1.0", "astrid:kv/host@1.0.0"}},
    {"wrong_signature", BH_E_MODULE, {"kv-get", "expected"}},
    {"wrong_hook_type", BH_E_MODULE, {"astrid-hook-trigger", "expected iiii:i"}},
    {"wrong_realloc_type", BH_E_MODULE, {"cabi_realloc", "expected iiii:i"}},
    {"missing_hook", BH_E_MODULE, {"astrid-hook-trigger"}},
    {"missing_memory", BH_E_MODULE, {"memory"}},
    {"missing_realloc", BH_E_MODULE, {"cabi_realloc"}},
    {"init_trap", BH_E_BUILD, {"initialisation", "trapped"}},
    {"start_trap", BH_E_BUILD, {"initialisation", "trapped"}},
    {"init_sleep", BH_E_BUILD, {"sleep-ns", "initialisation"}},
    {"segment_out_of_bounds", BH_E_MODULE, {"out of bounds"}},
    {"memory_hog", BH_E_BUILD, {"memory-limit"}},
    {"table_hog", BH_E_BUILD, {"table"}},
};

static void what_cannot_run_is_refused_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *expected = &refusals[i];
        bh_error error;
        bh_status status = try_load_guest(&fixture, expected->guest, &error);
        if (status != expected->status)
            fail_msg("%s: %s (%s)", expected->guest, bh_status_name(status), error.text);
        for (int part = 0; part < 4 && expected->parts[part] != NULL; part++) {
            if (strstr(error.text, expected->parts[part]) == NULL)
                fail_msg("%s: \"%s\" lacks \"%s\"", expected->guest, error.text,
                         expected->parts[part]);
        }
    }
}

/* The host runs it, when cabi_realloc can be called already. */
static void a_start_function_may_ask_for_a_result_that_is_allocated(void **state)
{
    (void)state;
    bh_error error = {0};
    if (try_load_guest(&fixture, "start_asks", &error) != BH_OK)
        fail_msg("%s", error.text);
}

static void all_missing_imports_are_named_at_once(void **state)
{
    (void)state;
    static const char *const names[] = {
        "open-collection",     "close-collection",     "insert-document",
        "update-document",     "remove-document",      "fd_write",
        "proc_exit",           "enqueue-message",      "dequeue-message",
        "acknowledge-message", "get-arguments",        "kv-watch-prefix",
        "12 imports",          "astrid:kv/host@1.0.0", "WASI is not provided",
    };
    bh_error error;
    assert_int_equal(try_load_guest(&fixture, "many_unknown_imports", &error), BH_E_MODULE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strstr(error.text, names[i]) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", error.text, names[i]);
    }
}

static void names_of_a_capsule_cannot_forge_lines(void **state)
{
    (void)state;
    bh_error error;
    assert_int_equal(try_load_guest(&fixture, "control_names", &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "forged"));
    assert_null(strchr(error.text, '\n'));
    assert_null(strchr(error.text, 0x1b));
}

/* One view of the module must not meet "r", and another the "r" before the NUL. */
static void an_export_with_a_nul_in_its_name_is_refused(void **state)
{
    (void)state;
    bh_capsule *capsule = NULL;
    bh_error error;
    assert_int_equal(bh_capsule_load(fixture.runtime,
                                     TEST_SOURCE_DIR "/tests/runtime/components/nul_export.wasm",
                                     NULL, &capsule, &error),
                     BH_E_MODULE);
    assert_non_null(strstr(error.text, "NUL"));
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void a_truncated_module_is_refused_at_every_length(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    FILE *file = fopen(TEST_GUESTS_DIR "/counter_state.wasm", "re");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(len > 0 && len < sizeof bytes);
    char path[128];
    snprintf(path, sizeof path, "%s/cut.wasm", fixture.directory);
    size_t refused = 0;
    for (size_t cut = 0; cut < len; cut += 7) {
        write_file(path, bytes, cut);
        bh_capsule *capsule = NULL;
        bh_error error;
        bh_status status = bh_capsule_load(fixture.runtime, path, NULL, &capsule, &error);
        /* A cut inside a trailing custom section may still be a module. */
        if (status == BH_OK)
            bh_capsule_release(capsule);
        else
            refused++;
    }
    assert_true(refused > 0);
}

static void arguments_outside_the_contract_are_refused(void **state)
{
    (void)state;
    bh_error error;
    bh_capsule *capsule = load_example(&fixture, "echo");
    bh_result result = {0};
    char *long_action = malloc(BH_ACTION_BYTES_MAX + 2);
    memset(long_action, 'a', BH_ACTION_BYTES_MAX + 1);
    long_action[BH_ACTION_BYTES_MAX + 1] = 0;
    const bh_request bad[] = {
        {.action = NULL},
        {.action = ""},
        {.action = "\xff"},
        {.action = long_action},
        {.action = "x", .principal = ""},
        {.action = "x", .principal = "a/b"},
        {.action = "x", .principal = "../x"},
        {.action = "x", .payload = NULL, .payload_len = 1},
        {.action = "x", .timeout_ms = BH_TIMEOUT_MS_MAX + 1},
        {.entry = (bh_entry)99},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(bh_invoke(capsule, &bad[i], &result, &error), BH_E_ARG);
    long_action[BH_ACTION_BYTES_MAX] = 0;
    bh_request longest = {.action = long_action};
    assert_int_equal(bh_invoke(capsule, &longest, &result, &error), BH_OK);
    bh_request too_large = {
        .action = "x", .payload = long_action, .payload_len = BH_PAYLOAD_BYTES_MAX + 1};
    assert_int_equal(bh_invoke(capsule, &too_large, &result, &error), BH_E_LIMIT);
    bh_request install = {.entry = BH_ENTRY_INSTALL};
    assert_int_equal(bh_invoke(capsule, &install, &result, &error), BH_E_NOT_FOUND);
    bh_capsule_close(capsule);
    assert_int_equal(bh_invoke(capsule, &longest, &result, &error), BH_E_CLOSED);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
    free(long_action);
}

static void compiled_code_comes_from_the_cache_the_second_time(void **state)
{
    (void)state;
    char cache[128];
    snprintf(cache, sizeof cache, "%s/cache", fixture.directory);
    bh_runtime_options options = {.cache_directory = cache};
    for (int turn = 0; turn < 2; turn++) {
        bh_runtime *runtime;
        bh_capsule *capsule;
        bh_error error;
        bh_capsule_stats stats;
        assert_int_equal(bh_runtime_create(&options, &runtime, &error), BH_OK);
        assert_int_equal(
            bh_capsule_load(runtime, TEST_SOURCE_DIR "/examples/echo", NULL, &capsule, &error),
            BH_OK);
        bh_capsule_read_stats(capsule, &stats);
        assert_int_equal(stats.is_from_cache, turn == 1);
        assert_string_equal(invoke(capsule, "x", "hello")->data, "hello");
        bh_capsule_release(capsule);
        bh_runtime_destroy(runtime);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_cannot_run_is_refused_with_its_reason),
        CASE(a_start_function_may_ask_for_a_result_that_is_allocated),
        CASE(all_missing_imports_are_named_at_once),
        CASE(names_of_a_capsule_cannot_forge_lines),
        CASE(an_export_with_a_nul_in_its_name_is_refused),
        CASE(a_truncated_module_is_refused_at_every_length),
        CASE(arguments_outside_the_contract_are_refused),
        CASE(compiled_code_comes_from_the_cache_the_second_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
