/* Every import, called with what no honest guest passes. Run under a sanitizer this says that no
 * core value and no memory content makes the bindings read or write where they may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/import.h"
#include "support/stub_host.h"

enum { MEMORY_BYTES = 2048, ROUNDS = 600, ROUNDS_MAX = 50000, VALUES_MAX = 17 };

static size_t values_count(const bhi_import *import)
{
    const char *colon = strchr(import->signature, ':');
    size_t params = (size_t)(colon - import->signature);
    size_t results = strlen(colon + 1);
    return params > results ? params : results;
}

/* Call with exactly the values of the signature, so that reading one more is seen. */
static bool call(fake_guest *fake, const bhi_import *import, const bhi_core_value *values)
{
    size_t count = values_count(import);
    assert_true(count <= VALUES_MAX);
    bhi_core_value *exact = malloc(count * sizeof *exact + (count == 0));
    assert_non_null(exact);
    if (count > 0)
        memcpy(exact, values, count * sizeof *exact);
    bool is_done = import->call(&fake->guest, exact);
    free(exact);
    if (!is_done)
        assert_true(fake->guest.is_trapping && fake->guest.trap_text[0] != 0);
    assert_int_equal(fake->guest.arena.total, 0);
    fake_guest_revive(fake);
    return is_done;
}

static void call_all_with(fake_guest *fake, uint64_t filler)
{
    bhi_core_value values[VALUES_MAX];
    memset(values, 0, sizeof values);
    for (size_t i = 0; i < VALUES_MAX; i++)
        values[i].u64 = filler;
    for (size_t i = 0; i < bhi_imports_count; i++)
        call(fake, &bhi_imports[i], values);
}

/* What an honest guest might pass: most calls made of these get through. */
static uint64_t mild_value(uint32_t handle)
{
    uint64_t values[] = {0, 1, handle, 8 * (fake_random() % 32)};
    return values[fake_random() % 4];
}

static uint64_t any_value(const fake_guest *fake, uint32_t handle)
{
    switch (fake_random() % 8) {
    case 0:
        return fake_random() % 4;
    case 1:
        return handle;
    case 2:
        return fake_random();
    case 3:
        return UINT64_MAX - fake_random() % 3;
    case 4:
        return fake->guest.memory_bytes - fake_random() % 3;
    default: /* an aligned address, or a short length */
        return fake_random() % fake->guest.memory_bytes & ~UINT64_C(7);
    }
}

/* Bytes that are zero, a small number, a letter or anything: discriminants and lengths are often
 * right, text is often UTF-8. */
static void scatter(fake_guest *fake)
{
    fake->next = 16;
    memset(fake->guest.memory, 0, fake->guest.memory_bytes);
    if (fake_random() % 4 == 0)
        return;
    for (size_t i = 0; i < fake->guest.memory_bytes; i++) {
        uint64_t kind = fake_random() % 16;
        fake->guest.memory[i] = kind < 10   ? 0
                                : kind < 13 ? (uint8_t)(fake_random() % 4)
                                : kind < 15 ? 'a'
                                            : (uint8_t)fake_random();
    }
}

/* One object of every type; the highest handle. */
static uint32_t insert_one_of_each(fake_guest *fake)
{
    uint32_t handle = 0;
    for (int i = 0; i < BHI_RESOURCE_COUNT; i++)
        handle = bhi_handles_insert(fake->guest.handles, (bhi_resource)i,
                                    fake_make_object((bhi_resource)i), fake_drop_object);
    return handle;
}

static size_t call_at_random(const bhi_import *import, fake_guest *fake)
{
    size_t done = 0;
    for (int round = 0; round < ROUNDS || (done == 0 && round < ROUNDS_MAX); round++) {
        scatter(fake);
        bhi_handles_reset(fake->guest.handles);
        uint32_t handle = insert_one_of_each(fake);
        bhi_core_value values[VALUES_MAX];
        memset(values, 0, sizeof values);
        bool is_mild = fake_random() % 2 == 0;
        for (size_t i = 0; i < VALUES_MAX; i++) {
            uint32_t some_handle = (uint32_t)(fake_random() % handle) + 1;
            values[i].u64 = is_mild ? mild_value(some_handle) : any_value(fake, some_handle);
        }
        fake->realloc = fake_random() % 4 != 0 ? FAKE_REALLOC_BUMPS
                                               : (fake_realloc)(fake_random() % FAKE_REALLOC_COUNT);
        fake->realloc_answer = (uint32_t)any_value(fake, 0);
        fake_guest_watch(fake);
        done += call(fake, import, values);
        assert_true(fake_guest_wrote_only_what_it_named(fake));
    }
    return done;
}

static void every_import_survives_zeros_and_ones_without_a_host(void **state)
{
    static const bhi_host_table nothing;
    const bhi_host_table *hosts[] = {NULL, &nothing};
    for (size_t i = 0; i < 2; i++) {
        fake_guest fake;
        fake_guest_init(&fake, MEMORY_BYTES, hosts[i]);
        call_all_with(&fake, 0);
        call_all_with(&fake, UINT64_MAX);
        assert_int_equal(fake.reallocs, 0);
        fake_guest_deinit(&fake);
    }
}

static void every_import_survives_zeros_and_ones_with_a_host(void **state)
{
    static const size_t sizes[] = {1, 8, MEMORY_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fake_guest fake;
        fake_guest_init(&fake, sizes[i], &stub_host);
        call_all_with(&fake, 0);
        call_all_with(&fake, UINT64_MAX);
        call_all_with(&fake, 1);
        fake_guest_deinit(&fake);
        assert_int_equal(fake_objects_live, 0);
    }
}

/* Each import also gets through at times, so that the sweep tests more than its first check. */
static void every_import_survives_random_values_and_memory(void **state)
{
    fake_random_seed(20);
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &stub_host);
    for (size_t i = 0; i < bhi_imports_count; i++) {
        size_t done = call_at_random(&bhi_imports[i], &fake);
        if (done == 0)
            print_message("%s#%s never returned\n", bhi_imports[i].module, bhi_imports[i].name);
        assert_true(done > 0);
    }
    fake_guest_deinit(&fake);
    assert_int_equal(fake_objects_live, 0);
}

static void every_import_traps_while_the_guest_may_not_leave(void **state)
{
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &stub_host);
    for (size_t i = 0; i < bhi_imports_count; i++) {
        char expected[BHI_TRAP_TEXT_BYTES];
        snprintf(expected, sizeof expected, "%s#%s was called while realloc or post-return runs",
                 bhi_imports[i].module, bhi_imports[i].name);
        bhi_core_value values[VALUES_MAX];
        memset(values, 0, sizeof values);
        fake.guest.may_leave = false;
        assert_false(bhi_imports[i].call(&fake.guest, values));
        assert_string_equal(fake.guest.trap_text, expected);
        fake_guest_revive(&fake);
    }
    fake_guest_deinit(&fake);
}

static void every_function_that_is_not_provided_traps_by_name(void **state)
{
    static const bhi_host_table nothing;
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &nothing);
    for (size_t i = 0; i < bhi_imports_count; i++) {
        if (strncmp(bhi_imports[i].name, "[resource-drop]", 15) == 0)
            continue;
        char expected[BHI_TRAP_TEXT_BYTES];
        snprintf(expected, sizeof expected, "%s#%s is not provided by this host",
                 bhi_imports[i].module, bhi_imports[i].name);
        bhi_core_value values[VALUES_MAX];
        memset(values, 0, sizeof values);
        assert_false(bhi_imports[i].call(&fake.guest, values));
        assert_string_equal(fake.guest.trap_text, expected);
        fake_guest_revive(&fake);
    }
    fake_guest_deinit(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_import_survives_zeros_and_ones_without_a_host),
        cmocka_unit_test(every_import_survives_zeros_and_ones_with_a_host),
        cmocka_unit_test(every_import_survives_random_values_and_memory),
        cmocka_unit_test(every_import_traps_while_the_guest_may_not_leave),
        cmocka_unit_test(every_function_that_is_not_provided_traps_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
