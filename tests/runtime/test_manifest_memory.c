/* tests/runtime/test_manifest_memory.c - every allocation of the manifest reader fails once.
 *
 * The arena is compiled into this test with an allocator that fails on demand, and jansson is given
 * the same one. The TOML parser is left out: it ends the process when memory is out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <jansson.h>

static int allocations_left = -1; /* until one fails; negative: never */
static bool has_failed;

static void *failing_malloc(size_t size)
{
    if (allocations_left == 0) {
        has_failed = true;
        return NULL;
    }
    allocations_left--;
    return malloc(size);
}

#define malloc failing_malloc
#include "base/arena.c"
#undef malloc

#include "runtime/manifest.h"

static const char text[] =
    "[package]\nname = \"full\"\nversion = \"1.2.3\"\ndescription = \"all of it\"\n"
    "[[component]]\nfile = \"a.wasm\"\n[component.capabilities]\nfs_read = [\"home://\"]\n"
    "[capsule]\nwarmup = \"warm\"\n[env.A]\ntype = \"text\"\ndefault = {a = [1, 2.5, true]}\n"
    "[env.B]\ntype = \"select\"\nenum_values = [\"x\"]\n[env.C]\ntype = \"text\"\n"
    "[capabilities]\nnet = [\"*\"]\n[imports.astrid]\nlog = \"^1\"\n"
    "[subscribe]\n\"a.*\" = {wit = \"x\", handler = \"h\"}\n";

static void assert_is_whole(const bhi_manifest *manifest)
{
    assert_string_equal(manifest->name, "full");
    assert_string_equal(manifest->description, "all of it");
    assert_string_equal(manifest->component_file, "a.wasm");
    assert_string_equal(manifest->warmup_action, "warm");
    assert_string_equal(manifest->capabilities[0], "fs_read");
    assert_string_equal(manifest->capabilities[1], "net");
    assert_int_equal(manifest->env_count, 3);
    assert_int_equal(manifest->config.count, 3);
    assert_true(bhi_bytes_equal_text(manifest->config.entries[0].value, "{\"a\":[1,2.5,true]}"));
    assert_true(bhi_bytes_equal_text(manifest->config.entries[1].value, "x"));
    assert_true(bhi_bytes_equal_text(manifest->config.entries[2].value, "of the operator"));
}

static void each_failed_allocation_gives_no_memory_or_a_whole_manifest(void **state)
{
    int failures = 0;
    setenv("BULKHEAD_CONFIG_FULL__C", "of the operator", 1);
    json_set_alloc_funcs(failing_malloc, free);
    for (int allowed = 0;; allowed++) {
        bhi_arena arena = {0};
        bhi_manifest manifest;
        bh_error error = {0};
        has_failed = false;
        allocations_left = allowed;
        bh_status status =
            bhi_manifest_parse(BHI_BYTES_LITERAL(text), "Capsule.toml", &arena, &manifest, &error);
        allocations_left = -1;
        if (status == BH_OK)
            assert_is_whole(&manifest);
        else
            assert_int_equal(status, BH_E_NOMEM);
        assert_int_equal(status, error.code);
        bhi_arena_deinit(&arena);
        if (!has_failed)
            break;
        failures++;
    }
    json_set_alloc_funcs(malloc, free);
    unsetenv("BULKHEAD_CONFIG_FULL__C");
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failed_allocation_gives_no_memory_or_a_whole_manifest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
