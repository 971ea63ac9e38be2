/* Flattening of capsule components and direct core modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wasm/capsule.h"

#include "build_wasm.h"
#include "guest_files.h"

static bh_status read_image(bhi_bytes bytes, bhi_arena *arena, bhi_capsule_image *image,
                            bh_error *error)
{
    *error = (bh_error){0};
    return bhi_capsule_image_read(bytes, arena, image, error);
}

static void assert_text(bhi_bytes found, const char *expected)
{
    if (!bhi_bytes_equal_text(found, expected))
        fail_msg("expected \"%s\", found \"%.*s\"", expected, (int)found.len,
                 (const char *)found.data);
}

static void assert_import(const bhi_capsule_image *image, uint32_t index, const char *interface,
                          const char *name, const char *signature)
{
    assert_true(index < image->imports_count);
    assert_text(image->imports[index].interface, interface);
    assert_text(image->imports[index].name, name);
    assert_text(image->imports[index].signature, signature);
}

static void assert_export(const bhi_capsule_image *image, const char *name, const char *core,
                          const char *post_return, uint32_t func)
{
    const bhi_capsule_export *export = bhi_capsule_export_find(image, name);
    assert_non_null(export);
    assert_text(export->core, core);
    assert_text(export->post_return, post_return);
    assert_int_equal(export->func_index, func);
}

static void component_is_flattened_to_its_wiring(void **state)
{
    blob component = {0};
    build_component(&component, STRAIGHT);
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    if (read_image(blob_bytes(&component), &arena, &image, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_true(image.is_component);
    assert_int_equal(image.imports_count, 3);
    assert_import(&image, 0, "astrid:kv/host@1.0.0", "kv-get", "iii:");
    assert_import(&image, 1, "astrid:io/poll@1.0.0", "[resource-drop]pollable", "i:");
    assert_import(&image, 2, "astrid:kv/host@1.0.0", "tick", ":");
    assert_int_equal(image.exports_count, 2);
    assert_export(&image, "astrid-hook-trigger", "hook", "post", 3);
    assert_export(&image, "run", "run", "", 7);
    assert_null(bhi_capsule_export_find(&image, "astrid-install"));
    assert_text(image.memory, "memory");
    assert_text(image.realloc, "cabi_realloc");
    assert_text(image.initialize, "_initialize");
    blob core = {0};
    build_main(&core, STRAIGHT);
    assert_true(bhi_bytes_equal(image.core, blob_bytes(&core)));
    bhi_arena_deinit(&arena);
}

static void component_of_another_shape_is_refused_by_name(void **state)
{
    static const struct {
        twist twist;
        const char *text;
    } cases[] = {
        {SHIM_SWAPS_PARAMETERS, "does not pass on parameter 0"},
        {SHIM_SLOT_OUT_OF_RANGE, "shim slot 1 is outside its table"},
        {SHIM_DOES_MORE, "a shim function: expected end"},
        {SHIM_CALLS_OTHER_TYPE, "calls with another type"},
        {SHIM_HAS_MEMORY, "no shim: it has a memory"},
        {FIXUP_FILLS_NOTHING, "leads to no lowered function"},
        {FIXUP_FILLS_TWICE, "fills slot 0 with function 0"},
        {FIXUP_SLOT_OUT_OF_RANGE, "fills slot 1"},
        {FIXUP_IS_PASSIVE, "is not active at a constant slot"},
        {FIXUP_FILLS_WITH_MAIN, "something else than a lowered function"},
        {FIXUP_OTHER_TYPE, "leads to no lowered function"},
        {START_OTHER_TYPE, "the initialiser has core type i:"},
        {ADAPTER_MODULE, "\"adapter\""},
        {MODULE_UNUSED, "core module 3 is instantiated 0 times"},
        {REALLOCS_DIFFER, "two different reallocs"},
        {MEMORY_UNKNOWN, "not the one memory of the main module"},
        {OPTION_UTF16, "UTF-16"},
        {OPTION_ASYNC, "async"},
        {OPTION_CALLBACK, "callback"},
        {OPTION_TWICE, "is given twice"},
        {POST_RETURN_ON_LOWER, "canonical option 0x05"},
        {POST_RETURN_OTHER_TYPE, "does not take the lifted function's results"},
        {NESTED_COMPONENT, "a nested component"},
        {START_SECTION, "a start function"},
        {COMPONENT_INSTANCES, "component instances"},
        {NOTHING_LIFTED, "lifts no function"},
        {EXPORTED_TWICE, "\"astrid-hook-trigger\" is exported twice"},
        {IMPORTED_TWICE, "\"astrid:kv/host@1.0.0\" is imported twice"},
        {EXPORT_OF_IMPORT, "is an import"},
        {EXPORT_OF_INSTANCE, "has sort 5"},
        {LIFT_OF_CORE_IMPORT, "a lifted function is not a function of the main module"},
        {LIFT_TO_OTHER_TYPE, "no function type"},
        {ALIAS_UNKNOWN, "\"tock\""},
        {ALIAS_OUTER, "target 0x02"},
        {ARGUMENT_MISSING, "gives no \"astrid:io/poll@1.0.0\""},
        {ARGUMENT_TWICE, "is given twice"},
        {MAIN_IMPORTS_GLOBAL, "imports a memory, table, global or tag"},
        {LOWER_OF_LIFT, "that the component itself lifts"},
        {DROP_OF_OWN_RESOURCE, "no imported resource"},
        {RESOURCE_NEW, "canonical built-in 0x02"},
        {STREAM_TYPE, "type -26 is out of range"},
        {ASYNC_FUNC_TYPE, "async function type"},
        {TYPES_TOO_DEEP, "nest deeper"},
        {OTHER_VERSION, "component format version 0x000c"},
        {NAME_WITH_OPTIONS, "name with options"},
    };
    assert_int_equal(sizeof cases / sizeof *cases, TWISTS - 1); /* all but STRAIGHT */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob component = {0};
        build_component(&component, cases[i].twist);
        bhi_arena arena = {0};
        bhi_capsule_image image;
        bh_error error;
        bh_status status = read_image(blob_bytes(&component), &arena, &image, &error);
        if (status != BH_E_MODULE || strstr(error.text, cases[i].text) == NULL)
            fail_msg("twist %d: expected \"%s\", found %s \"%s\"", cases[i].twist, cases[i].text,
                     bh_status_name(status), error.text);
        bhi_arena_deinit(&arena);
    }
}

static void core_module_is_read_by_canonical_names(void **state)
{
    blob module = {0};
    put_core_preamble(&module);
    SECTION(&module, 1, 3, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 0, 0x60, 0, 0);
    blob imports = {0};
    PUT(&imports, 1);
    put_name(&imports, "astrid:sys/host@1.0.0");
    put_name(&imports, "exit");
    PUT(&imports, 0, 1);
    put_section(&module, 2, &imports);
    SECTION(&module, 3, 5, 0, 1, 0, 2, 2);
    SECTION(&module, 5, 1, 0, 2);
    blob exports = {0};
    PUT(&exports, 7);
    static const char *const names[] = {"astrid-hook-trigger", "cabi_post_astrid-hook-trigger",
                                        "cabi_realloc", "_initialize", "run"};
    for (uint8_t i = 0; i < 5; i++) {
        put_name(&exports, names[i]);
        PUT(&exports, 0, (uint8_t)(1 + i));
    }
    put_name(&exports, "memory");
    PUT(&exports, 2, 0);
    put_name(&exports, "astrid-install"); /* no function: ignored */
    PUT(&exports, 2, 0);
    put_section(&module, 7, &exports);
    SECTION(&module, 10, 5, 4, 0, 0x41, 0, 0x0b, 2, 0, 0x0b, 4, 0, 0x41, 0, 0x0b, 2, 0, 0x0b, 2, 0,
            0x0b);
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    if (read_image(blob_bytes(&module), &arena, &image, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_false(image.is_component);
    assert_int_equal(image.imports_count, 1);
    assert_import(&image, 0, "astrid:sys/host@1.0.0", "exit", "i:");
    assert_int_equal(image.exports_count, 2);
    assert_export(&image, "astrid-hook-trigger", "astrid-hook-trigger",
                  "cabi_post_astrid-hook-trigger", 1);
    assert_export(&image, "run", "run", "", 5);
    assert_text(image.memory, "memory");
    assert_text(image.realloc, "cabi_realloc");
    assert_text(image.initialize, "_initialize");
    bhi_arena_deinit(&arena);
}

static void core_module_with_a_wrong_realloc_or_import_is_refused(void **state)
{
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    blob module = {0};
    put_core_preamble(&module);
    SECTION(&module, 1, 1, 0x60, 0, 0);
    SECTION(&module, 3, 1, 0);
    SECTION(&module, 7, 1, 12, 'c', 'a', 'b', 'i', '_', 'r', 'e', 'a', 'l', 'l', 'o', 'c', 0, 0);
    SECTION(&module, 10, 1, 2, 0, 0x0b);
    assert_int_equal(read_image(blob_bytes(&module), &arena, &image, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "\"cabi_realloc\" has core type :, expected iiii:i"));
    blob importing = {0};
    put_core_preamble(&importing);
    SECTION(&importing, 2, 1, 3, 'e', 'n', 'v', 1, 'm', 2, 0, 1);
    assert_int_equal(read_image(blob_bytes(&importing), &arena, &image, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "\"env\" \"m\" is no function"));
    bhi_arena_deinit(&arena);
}

static bh_status read_with_imports(uint32_t count, bh_error *error)
{
    uint8_t bytes[5 * 4097 + 64];
    blob head = {0};
    uint32_t body = count * 4 + 2; /* the count itself takes two bytes */
    put_core_preamble(&head);
    SECTION(&head, 1, 1, 0x60, 0, 0);
    PUT(&head, 2);
    put_u32(&head, body);
    put_u32(&head, count);
    memset(bytes, 0, sizeof bytes); /* an import of four zero bytes: "" "", function, type 0 */
    memcpy(bytes, head.data, head.len);
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_status status = read_image((bhi_bytes){bytes, head.len + count * 4}, &arena, &image, error);
    bhi_arena_deinit(&arena);
    return status;
}

static void core_module_imports_at_most_4096_functions(void **state)
{
    bh_error error;
    assert_int_equal(read_with_imports(4096, &error), BH_OK);
    assert_int_equal(read_with_imports(4097, &error), BH_E_MODULE);
    assert_string_equal(error.text, "the module has 4097 imports, the limit is 4096");
}

static void echo_of_a_rust_sdk_is_flattened(void **state)
{
    guest_file guest = guest_file_load("echo.wasm");
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    if (read_image(guest.bytes, &arena, &image, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_int_equal(image.imports_count, 2);
    assert_import(&image, 0, "astrid:sys/host@1.0.0", "log", "iii:");
    assert_import(&image, 1, "astrid:sys/host@1.0.0", "random-bytes", "Ii:");
    assert_int_equal(image.exports_count, 4);
    assert_export(&image, "astrid-hook-trigger", "astrid-hook-trigger",
                  "cabi_post_astrid-hook-trigger", 69);
    assert_export(&image, "run", "run", "", 91);
    assert_export(&image, "astrid-install", "astrid-install", "", 91);
    assert_text(image.memory, "memory");
    assert_text(image.realloc, "cabi_realloc");
    assert_text(image.initialize, "");
    bhi_arena_deinit(&arena);
    guest_file_free(&guest);
}

static void counter_of_a_rust_sdk_is_flattened(void **state)
{
    guest_file guest = guest_file_load("counter.wasm");
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    if (read_image(guest.bytes, &arena, &image, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_int_equal(image.imports_count, 9);
    assert_import(&image, 0, "astrid:ipc/host@1.0.0", "publish", "iiiii:");
    assert_import(&image, 2, "astrid:kv/host@1.0.0", "kv-cas", "iiiiiiii:");
    assert_import(&image, 5, "astrid:sys/host@1.0.0", "get-config", "iii:");
    assert_import(&image, 8, "astrid:sys/host@1.0.0", "random-bytes", "Ii:");
    assert_int_equal(image.exports_count, 4);
    assert_true(bhi_capsule_export_find(&image, "run")->func_index !=
                bhi_capsule_export_find(&image, "astrid-install")->func_index);
    bhi_arena_deinit(&arena);
    guest_file_free(&guest);
}

/* Made from toolchain/main.wat: resources, direct lowerings, a world-level import, an initialiser
 * that the fix-up starts. */
static void component_of_the_standard_toolchain_is_flattened(void **state)
{
    static const char *const imports[][3] = {
        {"demo:caps/net", "[constructor]sock", "ii:i"},
        {"demo:caps/net", "[method]sock.read", "iii:"},
        {"demo:caps/net", "[method]sock.wait", "i:i"},
        {"demo:caps/net", "[static]sock.pick", "ii:i"},
        {"demo:caps/net", "[resource-drop]sock", "i:"},
        {"demo:caps/net", "ping", "I:I"},
        {"demo:caps/io", "[resource-drop]pollable", "i:"},
        {"demo:caps/io", "[method]pollable.ready", "i:i"},
        {"demo:caps/kv", "get", "iiii:"},
        {"$root", "lone", "ii:i"},
    };
    guest_file guest =
        guest_file_at(TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_wasm_capsule/toolchain.wasm");
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    if (read_image(guest.bytes, &arena, &image, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_int_equal(image.imports_count, sizeof imports / sizeof *imports);
    for (uint32_t i = 0; i < image.imports_count; i++)
        assert_import(&image, i, imports[i][0], imports[i][1], imports[i][2]);
    assert_export(&image, "astrid-hook-trigger", "astrid-hook-trigger",
                  "cabi_post_astrid-hook-trigger", 12);
    assert_export(&image, "run", "run", "", 14);
    assert_text(image.initialize, "_initialize");
    bhi_arena_deinit(&arena);
    guest_file_free(&guest);
}

static void text_in_messages_is_one_line(void **state)
{
    blob module = {0};
    put_core_preamble(&module);
    SECTION(&module, 2, 1, 2, '\n', 0x1b, 1, 'm', 9, 0);
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    assert_int_equal(read_image(blob_bytes(&module), &arena, &image, &error), BH_E_MODULE);
    for (const char *c = error.text; *c != '\0'; c++)
        assert_true((unsigned char)*c >= 0x20);
    bhi_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(component_is_flattened_to_its_wiring),
        cmocka_unit_test(component_of_another_shape_is_refused_by_name),
        cmocka_unit_test(core_module_is_read_by_canonical_names),
        cmocka_unit_test(core_module_with_a_wrong_realloc_or_import_is_refused),
        cmocka_unit_test(core_module_imports_at_most_4096_functions),
        cmocka_unit_test(echo_of_a_rust_sdk_is_flattened),
        cmocka_unit_test(counter_of_a_rust_sdk_is_flattened),
        cmocka_unit_test(component_of_the_standard_toolchain_is_flattened),
        cmocka_unit_test(text_in_messages_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
