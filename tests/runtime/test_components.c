/* The examples as components answer as the examples as core modules do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bh_capsule *load_component(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/runtime/components/%s.wasm", TEST_SOURCE_DIR, name);
    bh_capsule *capsule = NULL;
    bh_error error = {0};
    use_engine_signals();
    if (bh_capsule_load(fixture.runtime, path, NULL, &capsule, &error) != BH_OK)
        fail_msg("%s: %s", path, error.text);
    return capsule;
}

static void a_component_answers_as_its_core_module(void **state)
{
    (void)state;
    bh_capsule *component = load_component("echo");
    bh_capsule *core = load_example(&fixture, "echo");
    static const char *const payloads[] = {"", "x", "h\xc3\xa9llo", "{\"a\":[1,2,3]}"};
    for (int i = 0; i < 4; i++) {
        const bh_result *result = invoke(core, "any", payloads[i]);
        assert_string_equal(result->data, payloads[i]);
        uint64_t fuel_used = result->fuel_used;
        result = invoke(component, "any", payloads[i]);
        assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
        assert_string_equal(result->action, "continue");
        assert_string_equal(result->data, payloads[i]);
        assert_int_equal(result->fuel_used, fuel_used); /* the same code ran */
    }
    bh_capsule_release(core);
    bh_capsule_release(component);
}

static void a_component_reaches_host_functions_through_its_shim(void **state)
{
    (void)state;
    bh_capsule *visits = load_component("visits");
    assert_string_equal(invoke(visits, "count", "")->data,
                        "{\"principal\":\"alice\",\"visits\":1}");
    assert_string_equal(invoke(visits, "count", "")->data,
                        "{\"principal\":\"alice\",\"visits\":2}");
    bh_request request = {.action = "count", .principal = "bob"};
    assert_string_equal(invoke_with(visits, &request)->data,
                        "{\"principal\":\"bob\",\"visits\":1}");
    bh_capsule_release(visits);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_component_answers_as_its_core_module),
        CASE(a_component_reaches_host_functions_through_its_shim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
