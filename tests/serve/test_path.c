/* Request paths: hostile bytes, so mostly refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serve/path.h"

static void expect_path(const char *text, bhi_resource resource, const char *capsule,
                        const char *action)
{
    bhi_path path;
    bh_error error;
    assert_int_equal(bhi_path_parse(text, &path, &error), BH_OK);
    assert_int_equal(path.resource, resource);
    assert_string_equal(path.capsule, capsule);
    assert_string_equal(path.action, action);
}

static void expect_refusal(const char *text, bh_status status)
{
    bhi_path path;
    bh_error error;
    assert_int_equal(bhi_path_parse(text, &path, &error), status);
    assert_int_equal(error.code, status);
}

static void every_resource_is_recognised(void **state)
{
    expect_path("/healthz", BHI_RESOURCE_HEALTH, "", "");
    expect_path("/metrics", BHI_RESOURCE_METRICS, "", "");
    expect_path("/v1/capsules", BHI_RESOURCE_CAPSULES, "", "");
    expect_path("/v1/capsules/echo", BHI_RESOURCE_CAPSULE, "echo", "");
    expect_path("/v1/capsules/echo/actions/go", BHI_RESOURCE_ACTION, "echo", "go");
    expect_path("/v1/capsules/echo/actions/reload", BHI_RESOURCE_ACTION, "echo", "reload");
    expect_path("/v1/capsules/echo/reload", BHI_RESOURCE_RELOAD, "echo", "");
    expect_path("/v1/capsules/echo/unload", BHI_RESOURCE_UNLOAD, "echo", "");
}

static void a_path_that_is_almost_one_is_not_found(void **state)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "healthz",
                                        "/healthz/",
                                        "/healthzz",
                                        "/v1",
                                        "/v1/",
                                        "/v1/capsules/",
                                        "/v1/capsulesx",
                                        "/v1/capsules//actions/x/",
                                        "/v1/capsules/echo/",
                                        "/v1/capsules/echo/x",
                                        "/v1/capsules/echo/reload/",
                                        "/v1/capsules/echo/reload/x",
                                        "/v1/capsules/echo/reloads",
                                        "/v1/capsules//unload",
                                        "/v1/capsules/echo/actions",
                                        "/v1/capsules/echo/actions/",
                                        "/v1/capsules/echo/action/x",
                                        "/v1/capsules/echo/actions/x/",
                                        "/v1/capsules/echo/actions/x/y",
                                        "//v1/capsules",
                                        "/v1/capsules/%65cho/act%69ons/x"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        expect_refusal(paths[i], BH_E_NOT_FOUND);
}

static void segments_are_decoded_after_the_split(void **state)
{
    expect_path("/v1/capsules/%65cho/actions/a%20b", BHI_RESOURCE_ACTION, "echo", "a b");
    expect_path("/v1/capsules/e/actions/%25%2B+%3f", BHI_RESOURCE_ACTION, "e", "%++?");
    expect_path("/v1/capsules/e/actions/gr%C3%BCn", BHI_RESOURCE_ACTION, "e", "gr\xc3\xbcn");
    expect_path("/v1/capsules/e/actions/..", BHI_RESOURCE_ACTION, "e", "..");
}

static void a_slash_control_character_or_nul_is_refused(void **state)
{
    expect_refusal("/v1/capsules/e/actions/a%2Fb", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%00", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%0d%0aX", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%7f", BH_E_ARG);
    expect_refusal("/v1/capsules/e%1f", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a\tb", BH_E_ARG);
}

static void a_broken_escape_is_refused(void **state)
{
    expect_refusal("/v1/capsules/e/actions/a%", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%4", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%4g", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/a%%41", BH_E_ARG);
    expect_refusal("/v1/capsules/e/actions/%-1", BH_E_ARG);
}

static void what_is_not_utf8_is_refused(void **state)
{
    static const char *const segments[] = {
        "%ff",          "%c3",          "%c3%28", "%c0%af",          "%e0%80%af", "%ed%a0%80",
        "%f4%90%80%80", "%f0%80%80%af", "%80",    "%f8%88%80%80%80", "%e2%82"};
    for (size_t i = 0; i < sizeof segments / sizeof segments[0]; i++) {
        char path[128] = "/v1/capsules/e/actions/";
        strcat(path, segments[i]);
        expect_refusal(path, BH_E_ARG);
    }
    expect_path("/v1/capsules/e/actions/%f4%8f%bf%bf", BHI_RESOURCE_ACTION, "e",
                "\xf4\x8f\xbf\xbf");
}

static void a_segment_has_at_most_256_bytes(void **state)
{
    char path[600] = "/v1/capsules/e/actions/";
    size_t start = strlen(path);
    memset(path + start, 'a', 257);
    path[start + 257] = '\0';
    expect_refusal(path, BH_E_ARG);
    path[start + 256] = '\0';
    expect_path(path, BHI_RESOURCE_ACTION, "e", path + start);
}

static void header_values_hold_visible_ascii_only(void **state)
{
    char text[64];
    bhi_path_encode(BHI_BYTES_LITERAL("a\r\nb %\xc3\xbc\0z"), text, sizeof text);
    assert_string_equal(text, "a%0D%0Ab%20%25%C3%BC%00z");
    bhi_path_encode(BHI_BYTES_LITERAL("abc"), text, 3);
    assert_string_equal(text, "ab");
    bhi_path_encode(BHI_BYTES_LITERAL("a\n"), text, 4);
    assert_string_equal(text, "a");
    bhi_path_encode((bhi_bytes){NULL, 0}, text, 1);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_resource_is_recognised),
        cmocka_unit_test(a_path_that_is_almost_one_is_not_found),
        cmocka_unit_test(segments_are_decoded_after_the_split),
        cmocka_unit_test(a_slash_control_character_or_nul_is_refused),
        cmocka_unit_test(a_broken_escape_is_refused),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(a_segment_has_at_most_256_bytes),
        cmocka_unit_test(header_values_hold_visible_ascii_only),
    };
    return cmocka_run_group_tests_name("serve/path", tests, NULL, NULL);
}
