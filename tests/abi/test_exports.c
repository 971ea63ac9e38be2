#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/generated/exports.h"
#include "support/fake_guest.h"

enum { MEMORY_BYTES = 1024 };

static fake_guest fake;

static int begin(void **state)
{
    fake_guest_init(&fake, MEMORY_BYTES, NULL);
    return 0;
}

static int end(void **state)
{
    fake_guest_deinit(&fake);
    return 0;
}

static void arguments_are_copied_where_realloc_said(void **state)
{
    fake_guest_watch(&fake);
    assert_true(bhi_lower_astrid_hook_trigger(&fake.guest, bhi_bytes_of("act"),
                                              bhi_bytes_of("payload"), 64, 1017));
    assert_memory_equal(fake.guest.memory + 64, "act", 3);
    assert_memory_equal(fake.guest.memory + 1017, "payload", 7);
    assert_true(fake_guest_wrote_only_what_it_named(&fake));
}

static void empty_arguments_write_nothing(void **state)
{
    fake_guest_watch(&fake);
    assert_true(
        bhi_lower_astrid_hook_trigger(&fake.guest, (bhi_bytes){0}, (bhi_bytes){0}, 1, 1024));
    assert_memory_equal(fake.guest.memory, fake.before, MEMORY_BYTES);
}

static void arguments_outside_memory_trap(void **state)
{
    static const uint32_t bad[] = {1018, 1024, UINT32_MAX, UINT32_MAX - 6};
    for (size_t i = 0; i < 4; i++) {
        assert_false(bhi_lower_astrid_hook_trigger(&fake.guest, (bhi_bytes){0},
                                                   bhi_bytes_of("payload"), 0, bad[i]));
        assert_true(fake.guest.is_trapping);
        fake_guest_revive(&fake);
        assert_false(bhi_lower_astrid_hook_trigger(&fake.guest, bhi_bytes_of("payload"),
                                                   (bhi_bytes){0}, bad[i], 0));
        fake_guest_revive(&fake);
    }
    assert_false(
        bhi_lower_astrid_hook_trigger(&fake.guest, (bhi_bytes){0}, (bhi_bytes){0}, 0, 1025));
}

/* {action, data} at its canonical layout; the address. */
static uint32_t place_result(const char *action, uint32_t is_some, const char *data)
{
    uint32_t action_at = fake_guest_place_text(&fake, action);
    uint32_t data_at = fake_guest_place_text(&fake, data);
    uint32_t words[5] = {action_at, (uint32_t)strlen(action), is_some, data_at,
                         (uint32_t)strlen(data)};
    return fake_guest_place(&fake, words, sizeof words, 4);
}

static void a_result_is_read_as_views_into_the_guest(void **state)
{
    bhi_capsule_result result;
    uint32_t address = place_result("continue", 1, "data");
    assert_true(bhi_lift_astrid_hook_trigger(&fake.guest, address, &result));
    assert_true(bhi_bytes_equal_text(result.action, "continue"));
    assert_true(result.has_data);
    assert_true(bhi_bytes_equal_text(result.data, "data"));
    assert_true(result.data.data > fake.guest.memory &&
                result.data.data < fake.guest.memory + MEMORY_BYTES);
}

static void a_result_without_data_has_none(void **state)
{
    bhi_capsule_result result;
    assert_true(bhi_lift_astrid_hook_trigger(&fake.guest, place_result("x", 0, "junk"), &result));
    assert_false(result.has_data);
    assert_int_equal(result.data.len, 0);
}

static void assert_lift_traps(uint32_t address, const char *text)
{
    bhi_capsule_result result;
    assert_false(bhi_lift_astrid_hook_trigger(&fake.guest, address, &result));
    assert_string_equal(fake.guest.trap_text, text);
    fake_guest_revive(&fake);
}

static void a_bad_result_traps(void **state)
{
    assert_lift_traps(1005, "20 bytes at address 1005 are not inside the memory of 1024 bytes");
    assert_lift_traps(UINT32_MAX,
                      "20 bytes at address 4294967295 are not inside the memory of 1024 bytes");
    assert_lift_traps(1002, "address 1002 is not a multiple of 4");
    assert_lift_traps(place_result("x", 2, ""), "an option has no case 2");
    assert_lift_traps(place_result("\x80", 0, ""), "the string of 1 bytes at 40 is not UTF-8");
    assert_lift_traps(place_result("x", 1, "\xC3"), "the string of 1 bytes at 65 is not UTF-8");
    uint32_t words[5] = {1000, 25, 0, 0, 0};
    assert_lift_traps(fake_guest_place(&fake, words, sizeof words, 4),
                      "25 bytes at address 1000 are not inside the memory of 1024 bytes");
}

static void signatures_of_exports_are_known(void **state)
{
    assert_string_equal(BHI_EXPORT_ASTRID_HOOK_TRIGGER, "astrid-hook-trigger");
    assert_string_equal(BHI_EXPORT_ASTRID_HOOK_TRIGGER_SIGNATURE, "iiii:i");
    assert_string_equal(BHI_EXPORT_RUN_SIGNATURE, ":");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_copied_where_realloc_said),
        TEST(empty_arguments_write_nothing),
        TEST(arguments_outside_memory_trap),
        TEST(a_result_is_read_as_views_into_the_guest),
        TEST(a_result_without_data_has_none),
        TEST(a_bad_result_traps),
        TEST(signatures_of_exports_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
