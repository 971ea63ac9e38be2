/* Every allocation of the readers fails once; each failure is BH_E_NOMEM and nothing else.
 *
 * The arena is compiled into this test with an allocator that fails on demand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static int allocations_left; /* until one fails; negative: never */

static void *failing_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

#define malloc failing_malloc
#include "base/arena.c"
#undef malloc

#include "wasm/capsule.h"
#include "wasm/restorability.h"

#include "build_wasm.h"

static bh_status read_everything(bhi_bytes bytes, bhi_arena *arena, bh_error *error)
{
    bhi_capsule_image image;
    bhi_restorability restorability;
    bh_status status = bhi_capsule_image_read(bytes, arena, &image, error);
    if (status == BH_OK)
        status = bhi_restorability_read(&image.module, arena, &restorability, error);
    return status;
}

static unsigned sweep(bhi_bytes bytes)
{
    unsigned failures = 0;
    for (int allowed = 0;; allowed++) {
        bhi_arena arena = {0};
        bh_error error = {0};
        allocations_left = allowed;
        bh_status status = read_everything(bytes, &arena, &error);
        bhi_arena_deinit(&arena);
        if (status == BH_OK)
            return failures;
        assert_int_equal(status, BH_E_NOMEM);
        assert_int_equal(error.code, BH_E_NOMEM);
        failures++;
        assert_true(failures < 1000);
    }
}

static void component_reader_reports_each_failed_allocation(void **state)
{
    blob component = {0};
    build_component(&component, STRAIGHT);
    assert_true(sweep(blob_bytes(&component)) >= 2);
}

static void module_reader_reports_each_failed_allocation(void **state)
{
    blob module = {0};
    build_main(&module, STRAIGHT);
    assert_true(sweep(blob_bytes(&module)) >= 1);
}

/* Types beyond one arena block, so that arrays of their own blocks fail too. */
static void large_module_reports_each_failed_allocation(void **state)
{
    enum { TYPES = 500 };
    blob module = {0}, types = {0}, imports = {0};
    put_core_preamble(&module);
    put_u32(&types, TYPES);
    for (int i = 0; i < TYPES; i++)
        PUT(&types, 0x60, 1, 0x64, 0x70, 0);
    put_section(&module, 1, &types);
    put_u32(&imports, TYPES);
    for (int i = 0; i < TYPES; i++)
        PUT(&imports, 1, 'm', 1, 'f', 0, 0);
    put_section(&module, 2, &imports);
    assert_true(sweep(blob_bytes(&module)) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(component_reader_reports_each_failed_allocation),
        cmocka_unit_test(module_reader_reports_each_failed_allocation),
        cmocka_unit_test(large_module_reports_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
