/* tests/runtime/test_profiles.c - what an operator grants, from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/profiles.h"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/bulkhead-profiles-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static bh_status load(const char *text, bhi_profiles **ret_profiles, bh_error *reterr)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return bhi_profiles_load(path, ret_profiles, reterr);
}

static void a_principal_has_its_own_weight_or_the_defaults(void **state)
{
    bhi_profiles *profiles;
    bh_error error = {0};
    if (load("[default]\nweight = 2\n[principal.alice]\nweight = 4\n[principal.bob-2]\n"
             "weight = 1000\n[principal.Zoe]\n",
             &profiles, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("alice"))->weight, 4);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("bob-2"))->weight, 1000);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("Zoe"))->weight, 2);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("alic"))->weight, 2);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("alicex"))->weight, 2);
    bhi_profiles_destroy(profiles);
}

static void quotas_of_a_principal_have_units_and_defaults(void **state)
{
    bhi_profiles *profiles;
    bh_error error = {0};
    if (load("[default]\nstorage_mib = 3\n[principal.alice]\nstorage_mib = 0\npublish_kib = 2\n",
             &profiles, &error) != BH_OK)
        fail_msg("%s", error.text);
    const bhi_profile *alice = bhi_profiles_find(profiles, bhi_bytes_of("alice"));
    const bhi_profile *bob = bhi_profiles_find(profiles, bhi_bytes_of("bob"));
    assert_int_equal(alice->storage_bytes_max, 0);
    assert_int_equal(alice->publish_bytes_per_s_max, 2048);
    assert_int_equal(bob->storage_bytes_max, 3 << 20);
    assert_int_equal(bob->publish_bytes_per_s_max, 10 << 20);
    assert_int_equal(bhi_profiles_find(NULL, bhi_bytes_of("bob"))->storage_bytes_max, 1 << 30);
    bhi_profiles_destroy(profiles);
}

static void a_capsule_has_what_the_operator_grants_it_and_no_more(void **state)
{
    bhi_profiles *profiles;
    bh_error error = {0};
    bhi_grants grants = {.is_uplink = true};
    if (load("[capsule.notify]\nprivate_hosts = [\"localhost\", \"10.0.0.1:80\"]\n"
             "workspace = \"/srv\"\nclaims = \"act\"\nowner = \"ops\"\n"
             "[capsule.uplink]\nclaims = \"publish\"\n",
             &profiles, &error) != BH_OK)
        fail_msg("%s", error.text);
    bhi_profiles_grant(profiles, bhi_bytes_of("notify"), &grants);
    assert_int_equal(grants.private_hosts.count, 2);
    assert_true(bhi_bytes_equal_text(grants.private_hosts.items[1], "10.0.0.1:80"));
    assert_string_equal(grants.workspace, "/srv");
    assert_true(bhi_bytes_equal_text(grants.owner, "ops"));
    assert_true(grants.may_claim && grants.may_act && grants.is_uplink);
    grants = (bhi_grants){0};
    bhi_profiles_grant(profiles, bhi_bytes_of("uplink"), &grants);
    assert_true(grants.may_claim && !grants.may_act);
    grants = (bhi_grants){0};
    bhi_profiles_grant(profiles, bhi_bytes_of("other"), &grants);
    assert_true(!grants.may_claim && !grants.may_act && grants.private_hosts.count == 0);
    assert_null(grants.workspace);
    assert_true(bhi_bytes_equal_text(grants.owner, "default"));
    bhi_profiles_destroy(profiles);
}

static void without_a_file_or_with_an_empty_one_every_weight_is_one(void **state)
{
    bhi_profiles *profiles;
    assert_int_equal(bhi_profiles_find(NULL, bhi_bytes_of("alice"))->weight, 1);
    assert_int_equal(load("", &profiles, NULL), BH_OK);
    assert_int_equal(bhi_profiles_find(profiles, bhi_bytes_of("alice"))->weight, 1);
    bhi_profiles_destroy(profiles);
    bhi_profiles_destroy(NULL);
}

static void refuse(const char *text, const char *place_and_reason)
{
    bhi_profiles *profiles = NULL;
    bh_error error = {0};
    assert_int_equal(load(text, &profiles, &error), BH_E_MANIFEST);
    if (strstr(error.text, place_and_reason) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.text, place_and_reason);
    assert_null(profiles);
}

static void what_is_no_profile_is_refused_with_its_place(void **state)
{
    refuse("[principal.alice]\nweight = 0\n", ":2:");
    refuse("[principal.alice]\nweight = 1001\n", "expected 1 to 1000");
    refuse("[principal.alice]\nweight = \"4\"\n", ":2:");
    refuse("[principal.alice]\nwieght = 4\n", "weight");
    refuse("[principal.\"a b\"]\nweight = 4\n", "is no principal");
    refuse("[principals.alice]\nweight = 4\n", ":1:");
    refuse("[principal.alice\n", ":1:");
    refuse("[capsule.a]\nworkspace = \"srv\"\n", "expected an absolute path");
    refuse("[capsule.a]\nclaims = \"all\"\n", "expected \"publish\" or \"act\"");
    refuse("[capsule.a]\nowner = \"a b\"\n", "expected a principal");
    refuse("[capsule.a]\nprivate_hosts = \"localhost\"\n", ":2:");
    refuse("[capsule.a]\nweight = 1\n", "weight");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    bhi_profiles *profiles;
    bh_error error = {0};
    assert_int_equal(bhi_profiles_load("/nonexistent/p.toml", &profiles, &error), BH_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/p.toml"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_principal_has_its_own_weight_or_the_defaults),
        CASE(quotas_of_a_principal_have_units_and_defaults),
        CASE(a_capsule_has_what_the_operator_grants_it_and_no_more),
        CASE(without_a_file_or_with_an_empty_one_every_weight_is_one),
        CASE(what_is_no_profile_is_refused_with_its_place),
        CASE(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
