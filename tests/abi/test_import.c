#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/import.h"

static const bhi_import *find(const char *module, const char *name)
{
    return bhi_import_find(bhi_bytes_of(module), bhi_bytes_of(name));
}

static void every_import_is_found_by_its_name(void **state)
{
    assert_int_equal(bhi_imports_count, 170);
    for (size_t i = 0; i < bhi_imports_count; i++)
        assert_ptr_equal(find(bhi_imports[i].module, bhi_imports[i].name), &bhi_imports[i]);
}

static void the_table_is_sorted_and_complete(void **state)
{
    for (size_t i = 0; i < bhi_imports_count; i++) {
        const bhi_import *this = &bhi_imports[i];
        assert_non_null(this->call);
        assert_non_null(strchr(this->signature, ':'));
        assert_int_equal(strspn(this->signature, "iIfF:"), strlen(this->signature));
        if (i == 0)
            continue;
        const bhi_import *before = &bhi_imports[i - 1];
        int order = strcmp(before->module, this->module);
        assert_true(order < 0 || (order == 0 && strcmp(before->name, this->name) < 0));
    }
}

static void signatures_follow_the_canonical_abi(void **state)
{
    assert_string_equal(find("astrid:sys/host@1.0.0", "sleep-ns")->signature, "Ii:");
    assert_string_equal(find("astrid:sys/host@1.0.0", "clock-ms")->signature, ":I");
    assert_string_equal(find("astrid:sys/host@1.0.0", "signal-ready")->signature, ":");
    assert_string_equal(find("astrid:kv/host@1.0.0", "kv-cas")->signature, "iiiiiiii:");
    assert_string_equal(find("astrid:process/host@1.0.0", "spawn")->signature, "ii:");
    assert_string_equal(find("astrid:io/poll@1.0.0", "[method]pollable.ready")->signature, "i:i");
    assert_string_equal(find("astrid:io/poll@1.0.0", "[resource-drop]pollable")->signature, "i:");
}

static void unknown_names_are_not_found(void **state)
{
    static const char *const names[][2] = {
        {"astrid:kv/host@1.0.0", "kv-ge"},
        {"astrid:kv/host@1.0.0", "kv-get2"},
        {"astrid:kv/host@1.0.0", ""},
        {"astrid:kv/host@1.0", "kv-get"},
        {"astrid:kv/host@1.0.00", "kv-get"},
        {"", ""},
        {"zzz", "kv-get"},
        {"wasi:io/poll@0.2.0", "poll"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_null(find(names[i][0], names[i][1]));
    assert_null(bhi_import_find((bhi_bytes){0}, (bhi_bytes){0}));
}

static const char *other(const char *module)
{
    return bhi_import_other_version(bhi_bytes_of(module));
}

static void another_version_of_a_module_is_recognised(void **state)
{
    assert_string_equal(other("astrid:kv/host@1.1.0"), "astrid:kv/host@1.0.0");
    assert_string_equal(other("astrid:kv/host@2.0.0-rc1"), "astrid:kv/host@1.0.0");
    assert_string_equal(other("astrid:guest/lifecycle@1.0.1"), "astrid:guest/lifecycle@1.0.0");
    assert_null(other("astrid:kv/host@1.0.0"));
    assert_null(other("astrid:kv/host"));
    assert_null(other("astrid:kv/hosts@1.1.0"));
    assert_null(other("wasi:io/poll@0.2.0"));
    assert_null(other(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_import_is_found_by_its_name),
        cmocka_unit_test(the_table_is_sorted_and_complete),
        cmocka_unit_test(signatures_follow_the_canonical_abi),
        cmocka_unit_test(unknown_names_are_not_found),
        cmocka_unit_test(another_version_of_a_module_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
