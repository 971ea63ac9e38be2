/* tests/runtime/test_manifest.c - what Capsule.toml may say, and what a wrong one is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/manifest.h"

#define PACKAGE   "[package]\nname = \"echo\"\nversion = \"0.1.0\"\n"
#define COMPONENT "[[component]]\nfile = \"echo.wasm\"\n"
#define MINIMAL   PACKAGE COMPONENT

static bhi_arena arena;

static int free_arena(void **state)
{
    bhi_arena_deinit(&arena);
    return 0;
}

static bhi_manifest parsed(const char *text)
{
    bhi_manifest manifest;
    bh_error error = {0};
    if (bhi_manifest_parse(bhi_bytes_of(text), "Capsule.toml", &arena, &manifest, &error) != BH_OK)
        fail_msg("refused: %s", error.text);
    return manifest;
}

static void assert_refused_bytes(bhi_bytes text, const char *expected)
{
    bhi_manifest manifest;
    bh_error error = {0};
    assert_int_equal(bhi_manifest_parse(text, "Capsule.toml", &arena, &manifest, &error),
                     BH_E_MANIFEST);
    assert_int_equal(error.code, BH_E_MANIFEST);
    assert_string_equal(error.text, expected);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_refused_bytes(bhi_bytes_of(text), expected);
}

static void minimal_manifest_has_the_documented_defaults(void **state)
{
    bhi_manifest manifest = parsed(MINIMAL);
    assert_string_equal(manifest.name, "echo");
    assert_string_equal(manifest.version, "0.1.0");
    assert_string_equal(manifest.description, "");
    assert_string_equal(manifest.component_file, "echo.wasm");
    assert_int_equal(manifest.component_line, 4);
    assert_false(manifest.is_bare);
    assert_false(manifest.has_component_hash);
    assert_int_equal(manifest.reuse, BH_REUSE_PRISTINE);
    assert_false(manifest.has_live_max);
    assert_int_equal(manifest.min_idle, 1);
    assert_false(manifest.accepts_init_randomness);
    assert_null(manifest.warmup_action);
    assert_int_equal(manifest.env_count, 0);
    assert_int_equal(manifest.config.count, 0);
    assert_null(manifest.capabilities[0]);
}

static void full_manifest_is_accepted(void **state)
{
    bhi_manifest manifest = parsed(
        "[package]\nname = \"full-1\"\nversion = \"1.2.3-rc.1+build.007\"\n"
        "description = \"all of it\"\nastrid-version = \">=1.0, <2\"\nauthors = [\"a\"]\n"
        "publish = false\nreadme = \"README.md\"\n[package.metadata.any]\nthing = [1, {a = 2}]\n"
        "[[component]]\nid = \"main\"\nentrypoint = \"bin/a.wasm\"\ntype = \"executable\"\n"
        "link = []\n[component.capabilities]\nfs_read = [\"home://\"]\n"
        "[capsule]\nreuse = \"principal\"\nlive_max = 4\ninstance_pool_size = 9\nmin_idle = 2\n"
        "init-randomness = \"accept\"\nwarmup = \"warm\"\n"
        "[capabilities]\nuplink = true\nallow_persistent = false\nnet = [\"*\"]\nkv = []\n"
        "[imports]\n\"astrid:log\" = \"^1\"\n[imports.astrid]\nmemory = {version = \"1\", "
        "optional = true}\n[exports.acme]\nthing = \"1.0.0\"\n"
        "[publish.\"a.b\"]\nwit = \"x\"\nfanout = true\n"
        "[subscribe]\n\"a.*\" = {wit = \"x\", handler = \"h\", priority = 3, tag = \"v1\"}\n"
        "[[context_file]]\nname = \"n\"\nfile = \"c.md\"\n[[command]]\nname = \"n\"\n"
        "[[mcp_server]]\nid = \"m\"\nargs = [\"-x\"]\n[[skill]]\nname = \"s\"\nfile = \"s.md\"\n"
        "[[uplink]]\nname = \"u\"\nplatform = \"p\"\nprofile = \"chat\"\n"
        "[[tool]]\nname = \"t\"\ndescription_for_llm = \"d\"\nmutable = true\n");
    assert_string_equal(manifest.component_file, "bin/a.wasm");
    assert_int_equal(manifest.reuse, BH_REUSE_PRINCIPAL);
    assert_true(manifest.has_live_max);
    assert_int_equal(manifest.live_max, 4); /* wins over its other name */
    assert_int_equal(manifest.min_idle, 2);
    assert_true(manifest.accepts_init_randomness);
    assert_string_equal(manifest.warmup_action, "warm");
}

static void held_capabilities_are_sorted_and_leave_out_empty_ones(void **state)
{
    bhi_manifest manifest = parsed(MINIMAL "[component.capabilities]\nfs_write = [\"*\"]\n"
                                           "[capabilities]\nuplink = true\nnet = [\"a\"]\nkv = []\n"
                                           "allow_persistent = false\nidentity = [\"link\"]\n");
    assert_string_equal(manifest.capabilities[0], "fs_write");
    assert_string_equal(manifest.capabilities[1], "identity");
    assert_string_equal(manifest.capabilities[2], "net");
    assert_string_equal(manifest.capabilities[3], "uplink");
    assert_null(manifest.capabilities[4]);
}

static void instance_pool_size_is_another_name_of_live_max(void **state)
{
    bhi_manifest manifest = parsed(MINIMAL "[capsule]\ninstance_pool_size = 3\n");
    assert_true(manifest.has_live_max);
    assert_int_equal(manifest.live_max, 3);
}

static void unknown_key_is_refused_with_its_place_and_a_suggestion(void **state)
{
    assert_refused("[package]\nname = \"a\"\n  verison = \"1.0.0\"\n" COMPONENT,
                   "Capsule.toml:3:3: unknown key \"verison\" in [package]: did you mean "
                   "\"version\"?");
    assert_refused(MINIMAL "[capsuel]\nreuse = \"never\"\n",
                   "Capsule.toml:6:2: unknown key \"capsuel\" in the manifest: did you mean "
                   "\"capsule\"?");
    assert_refused(MINIMAL "[capsule]\nzzz = 1\n",
                   "Capsule.toml:7:1: unknown key \"zzz\" in [capsule]: expected one of reuse, "
                   "live_max, instance_pool_size, min_idle, init-randomness, warmup, run");
    assert_refused(MINIMAL "sha = \"x\"\n",
                   "Capsule.toml:6:1: unknown key \"sha\" in [[component]]: expected one of file, "
                   "entrypoint, hash, id, type, link, capabilities");
}

static void first_of_several_unknown_keys_is_named(void **state)
{
    assert_refused(
        PACKAGE "zebra = 1\nanimal = 2\n" COMPONENT,
        "Capsule.toml:4:1: unknown key \"zebra\" in [package]: expected one of name, "
        "version, description, astrid-version, authors, license, license-file, "
        "repository, homepage, documentation, readme, keywords, categories, publish, ...");
}

static void section_of_an_older_format_is_refused_with_what_to_do(void **state)
{
    assert_refused(MINIMAL "[[interceptor]]\nname = \"x\"\n",
                   "Capsule.toml:6:3: \"interceptor\" is no longer understood: use [subscribe] "
                   "with a \"handler\" for the topic");
    assert_refused(MINIMAL "[capabilities]\nipc_publish = [\"x\"]\n",
                   "Capsule.toml:7:1: \"ipc_publish\" is no longer understood: list topics in "
                   "[publish] and [subscribe]");
}

static void value_of_another_type_is_refused(void **state)
{
    assert_refused("[package]\nname = 7\nversion = \"1.0.0\"\n" COMPONENT,
                   "Capsule.toml:2:1: expected a string for \"name\", found an integer");
    assert_refused("package = 1\n" COMPONENT,
                   "Capsule.toml:1:1: expected a table for \"package\", found an integer");
    assert_refused(PACKAGE "[component]\nfile = \"a\"\n",
                   "Capsule.toml:4:2: expected an array of tables, [[...]] for \"component\", "
                   "found a table");
    assert_refused(MINIMAL "[capabilities]\nnet = \"*\"\n",
                   "Capsule.toml:7:1: expected an array of strings for \"net\", found a string");
    assert_refused(MINIMAL "[capabilities]\nuplink = 1.5\n",
                   "Capsule.toml:7:1: expected true or false for \"uplink\", found a number");
    assert_refused("component = [3]\n" PACKAGE,
                   "Capsule.toml:1:14: expected a table for [[component]], found an integer");
    assert_refused("[package]\nname = \"a\\u0000b\"\nversion = \"1.0.0\"\n" COMPONENT,
                   "Capsule.toml:2:1: expected a string for \"name\", found a string with a NUL "
                   "character");
}

static void missing_sections_and_keys_are_named(void **state)
{
    assert_refused("", "Capsule.toml:1:1: the manifest lacks \"package\": expected a table");
    assert_refused("[package]\nname = \"a\"\n" COMPONENT,
                   "Capsule.toml:1:2: [package] lacks \"version\": expected a string");
    assert_refused(PACKAGE, "Capsule.toml:1:1: the manifest lacks \"component\": expected an array "
                            "of tables, [[...]]");
    assert_refused(PACKAGE "[[component]]\nid = \"x\"\n",
                   "Capsule.toml:4:1: expected either \"file\" or \"entrypoint\" in "
                   "[[component]], found neither");
    assert_refused(MINIMAL "entrypoint = \"x\"\n",
                   "Capsule.toml:4:1: expected either \"file\" or \"entrypoint\" in "
                   "[[component]], found both");
    assert_refused(MINIMAL "[env.KEY]\ndefault = 1\n",
                   "Capsule.toml:6:6: [env.KEY] lacks \"type\": expected a string");
}

static void second_component_is_refused(void **state)
{
    assert_refused(MINIMAL COMPONENT, "Capsule.toml:6:1: expected exactly one [[component]], "
                                      "found 2: a capsule runs one");
}

static void capsule_names_are_checked(void **state)
{
    static const char *const bad[] = {"", "Echo", "a_b", "a/b", "..", "a b", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256], expected[256];
        snprintf(text, sizeof text, "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n" COMPONENT,
                 bad[i]);
        snprintf(expected, sizeof expected,
                 "Capsule.toml:2:1: expected 1 to 64 characters of a-z, 0-9 and '-' for \"name\", "
                 "found \"%s\"",
                 bad[i]);
        assert_refused(text, expected);
    }
    char name[66] = {0}, text[256];
    memset(name, 'a', 64);
    snprintf(text, sizeof text, "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n" COMPONENT, name);
    assert_string_equal(parsed(text).name, name);
    name[64] = 'a';
    snprintf(text, sizeof text, "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n" COMPONENT, name);
    assert_refused(text, "Capsule.toml:2:1: expected 1 to 64 characters of a-z, 0-9 and '-' for "
                         "\"name\", found "
                         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"");
}

static void versions_are_semantic(void **state)
{
    static const struct {
        const char *version;
        bool is_good;
    } cases[] = {{"0.0.0", true},
                 {"1.2.3-alpha.0", true},
                 {"1.2.3-0a.b-c+00.1", true},
                 {"1.2", false},
                 {"1", false},
                 {"01.2.3", false},
                 {"1.2.3-", false},
                 {"1.2.3-01", false},
                 {"1.2.3+", false},
                 {"v1.2.3", false},
                 {"1.2.3.4", false},
                 {"1.2.3-a..b", false},
                 {"1.2.3 ", false},
                 {"", false},
                 {"-1.2.3", false},
                 {"1.2.3+a+b", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], expected[256];
        snprintf(text, sizeof text, "[package]\nname = \"a\"\nversion = \"%s\"\n" COMPONENT,
                 cases[i].version);
        snprintf(expected, sizeof expected,
                 "Capsule.toml:3:1: expected a semantic version like 1.2.3 for \"version\", found "
                 "\"%s\"",
                 cases[i].version);
        if (cases[i].is_good)
            assert_string_equal(parsed(text).version, cases[i].version);
        else
            assert_refused(text, expected);
    }
}

static void component_paths_that_leave_the_directory_are_refused(void **state)
{
    static const char *const bad[] = {"/etc/passwd",    "..",   "../a.wasm",
                                      "a/../../b.wasm", "a/..", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256], expected[256];
        snprintf(text, sizeof text, PACKAGE "[[component]]\nfile = \"%s\"\n", bad[i]);
        snprintf(expected, sizeof expected,
                 "Capsule.toml:5:1: expected a relative path inside the capsule directory for "
                 "\"file\", found \"%s\"",
                 bad[i]);
        assert_refused(text, expected);
    }
    assert_string_equal(parsed(PACKAGE "[[component]]\nfile = \"..a/b..wasm\"\n").component_file,
                        "..a/b..wasm");
}

static void capsule_settings_are_checked(void **state)
{
    assert_refused(MINIMAL "[capsule]\nreuse = \"always\"\n",
                   "Capsule.toml:7:1: expected \"pristine\", \"principal\", \"shared\" or "
                   "\"never\" for \"reuse\", found \"always\"");
    assert_refused(MINIMAL "[capsule]\nlive_max = 0\n",
                   "Capsule.toml:7:1: expected 1 to 10000 for \"live_max\", found 0");
    assert_refused(MINIMAL "[capsule]\nlive_max = 10001\n",
                   "Capsule.toml:7:1: expected 1 to 10000 for \"live_max\", found 10001");
    assert_refused(MINIMAL "[capsule]\nmin_idle = -1\n",
                   "Capsule.toml:7:1: expected an integer from 0 to 4294967295 for \"min_idle\", "
                   "found an integer");
    assert_refused(MINIMAL "[capsule]\nlive_max = 2\nmin_idle = 3\n",
                   "Capsule.toml:8:1: expected at most live_max (2) for \"min_idle\", found 3");
    assert_refused(MINIMAL "[capsule]\ninit-randomness = \"yes\"\n",
                   "Capsule.toml:7:1: expected \"accept\" for \"init-randomness\", found \"yes\"");
    assert_refused(MINIMAL "[capsule]\nwarmup = \"\"\n",
                   "Capsule.toml:7:1: expected an action of 1 to 256 bytes for \"warmup\", found "
                   "\"\"");
}

static void later_sections_are_checked_for_their_shape(void **state)
{
    assert_refused(MINIMAL "[imports]\n\"Astrid:x\" = \"1\"\n",
                   "Capsule.toml:7:1: expected an interface like \"astrid:memory\", found "
                   "\"Astrid:x\"");
    assert_refused(MINIMAL "[exports.acme]\nthing = \"^1\"\n",
                   "Capsule.toml:7:1: expected a semantic version like 1.2.3 for \"thing\", found "
                   "\"^1\"");
    assert_refused(MINIMAL "[publish]\n\"a..b\" = \"x\"\n",
                   "Capsule.toml:7:1: \"a..b\" is no topic: expected 1 to 8 segments of a-z, 0-9, "
                   "'_' and '-', or \"*\", between dots, at most 256 bytes");
    assert_refused(MINIMAL "[subscribe]\n\"a.b\" = {wit = \"x\", priority = 1}\n",
                   "Capsule.toml:7:1: \"priority\" of \"a.b\" has no meaning without "
                   "\"handler\"");
    assert_refused(MINIMAL "[publish]\n\"a.b\" = {wit = \"x\", tag = \"1\", rev = \"2\"}\n",
                   "Capsule.toml:7:1: expected at most one of version, tag, rev, branch and path "
                   "for \"a.b\"");
    assert_refused(MINIMAL "[[uplink]]\nname = \"u\"\nplatform = \"p\"\nprofile = \"loud\"\n",
                   "Capsule.toml:9:1: expected \"chat\", \"interactive\", \"notify\" or "
                   "\"bridge\" for \"profile\", found \"loud\"");
}

static void malformed_toml_is_refused_with_its_place(void **state)
{
    bhi_manifest manifest;
    bh_error error;
    bhi_bytes text = BHI_BYTES_LITERAL("[package]\nname = \n");
    assert_int_equal(bhi_manifest_parse(text, "Capsule.toml", &arena, &manifest, &error),
                     BH_E_MANIFEST);
    assert_memory_equal(error.text, "Capsule.toml:2:8: ", 18);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    assert_refused_bytes(BHI_BYTES_LITERAL("[package]\nname = \"\xff\"\n"),
                         "Capsule.toml:2:9: the text is not valid UTF-8");
}

static void text_one_byte_over_the_limit_is_refused(void **state)
{
    size_t len = BHI_MANIFEST_BYTES_MAX + 1;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '#', len);
    memcpy(text, MINIMAL, sizeof MINIMAL - 1);
    bhi_manifest manifest;
    bhi_bytes at_limit = {(uint8_t *)text, len - 1};
    assert_int_equal(bhi_manifest_parse(at_limit, "Capsule.toml", &arena, &manifest, NULL), BH_OK);
    assert_refused_bytes((bhi_bytes){(uint8_t *)text, len},
                         "Capsule.toml:1:1: expected at most 65536 bytes, found 65537");
    free(text);
}

static void key_with_a_nul_character_is_refused(void **state)
{
    assert_refused(MINIMAL "[env.\"a\\u0000b\"]\ntype = \"text\"\n",
                   "Capsule.toml:1:1: a key with a NUL character");
}

static void nesting_without_end_is_refused(void **state)
{
    size_t len = 60000;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '[', len);
    memcpy(text, "a = ", 4);
    bhi_manifest manifest;
    bh_error error;
    assert_int_equal(bhi_manifest_parse((bhi_bytes){(uint8_t *)text, len}, "Capsule.toml", &arena,
                                        &manifest, &error),
                     BH_E_MANIFEST);
    free(text);
}

static void every_cut_of_a_manifest_is_answered(void **state)
{
    const char *text = MINIMAL "[env.K]\ntype = \"text\"\ndefault = {a = [1, 2.5, true]}\n"
                               "[capabilities]\nnet = [\"a\"]\n[subscribe.\"a.b\"]\nwit = \"x\"\n";
    for (size_t len = 0; len < strlen(text); len++) {
        bhi_manifest manifest;
        bh_error error = {0};
        bh_status status = bhi_manifest_parse((bhi_bytes){(const uint8_t *)text, len},
                                              "Capsule.toml", &arena, &manifest, &error);
        assert_true(status == BH_OK || status == BH_E_MANIFEST);
        if (status == BH_E_MANIFEST)
            assert_memory_equal(error.text, "Capsule.toml:", 13);
    }
}

static void message_about_hostile_text_is_one_line(void **state)
{
    assert_refused(MINIMAL "[capsule]\n\"a\\n\\u001b[31m\" = 1\n",
                   "Capsule.toml:7:1: unknown key \"a??[31m\" in [capsule]: expected one of "
                   "reuse, live_max, instance_pool_size, min_idle, init-randomness, warmup, run");
}

/* --- [env] ------------------------------------------------------------------------------- */

static void assert_config(const bhi_manifest *manifest, const char *name, const char *value)
{
    for (size_t i = 0; i < manifest->config.count; i++) {
        if (!bhi_bytes_equal_text(manifest->config.entries[i].name, name))
            continue;
        assert_non_null(value);
        assert_int_equal(manifest->config.entries[i].value.len, strlen(value));
        assert_memory_equal(manifest->config.entries[i].value.data, value, strlen(value));
        return;
    }
    assert_null(value);
}

static void defaults_become_config_and_unset_keys_are_absent(void **state)
{
    bhi_manifest manifest =
        parsed(MINIMAL "[env.zone]\ntype = \"text\"\n[env.URL]\ntype = \"text\"\ndefault = \"\"\n"
                       "[env.LIMITS]\ntype = \"array\"\ndefault = [1, 2.5, {a = \"b\"}, true]\n"
                       "[env.MODE]\ntype = \"select\"\nenum_values = [\"fast\"]\n"
                       "[env.LEVEL]\ntype = \"select\"\nenum_values = [\"1\", \"2\"]\n"
                       "[env.COUNT]\ntype = \"text\"\ndefault = 42\n");
    assert_int_equal(manifest.env_count, 6);
    assert_int_equal(manifest.config.count, 4);
    assert_config(&manifest, "zone", NULL);
    assert_config(&manifest, "LEVEL", NULL);
    assert_config(&manifest, "URL", "");
    assert_config(&manifest, "LIMITS", "[1,2.5,{\"a\":\"b\"},true]");
    assert_config(&manifest, "MODE", "fast");
    assert_config(&manifest, "COUNT", "42");
    assert_string_equal(manifest.env[0].name, "COUNT"); /* sorted bytewise */
    assert_string_equal(manifest.env[5].name, "zone");
    assert_int_equal(manifest.env[5].source, BHI_ENV_UNSET);
    for (size_t i = 1; i < manifest.config.count; i++)
        assert_true(memcmp(manifest.config.entries[i - 1].name.data,
                           manifest.config.entries[i].name.data, 3) < 0);
}

static void operator_value_wins_over_the_default(void **state)
{
    setenv("BULKHEAD_CONFIG_ECHO__API_KEY", "s3cret", 1);
    bhi_manifest manifest =
        parsed(MINIMAL "[env.api-key]\ntype = \"secret\"\ndefault = \"none\"\n");
    unsetenv("BULKHEAD_CONFIG_ECHO__API_KEY");
    assert_config(&manifest, "api-key", "s3cret");
    assert_int_equal(manifest.env[0].source, BHI_ENV_OPERATOR);
    manifest = parsed(MINIMAL "[env.api-key]\ntype = \"secret\"\ndefault = \"none\"\n");
    assert_config(&manifest, "api-key", "none");
    assert_int_equal(manifest.env[0].source, BHI_ENV_DEFAULT);
}

static void operator_value_outside_the_enum_is_refused_without_showing_it(void **state)
{
    setenv("BULKHEAD_CONFIG_ECHO__MODE", "s3cret", 1);
    assert_refused(MINIMAL "[env.MODE]\ntype = \"select\"\nenum_values = [\"a\", \"b\"]\n",
                   "Capsule.toml:6:6: environment variable BULKHEAD_CONFIG_ECHO__MODE: expected "
                   "one of the enum_values");
    setenv("BULKHEAD_CONFIG_ECHO__MODE", "\xff", 1);
    assert_refused(MINIMAL "[env.MODE]\ntype = \"text\"\n",
                   "Capsule.toml:6:6: environment variable BULKHEAD_CONFIG_ECHO__MODE: expected "
                   "at most 65536 bytes of UTF-8");
    unsetenv("BULKHEAD_CONFIG_ECHO__MODE");
}

static void capsule_cannot_be_named_so_that_it_gets_anothers_value(void **state)
{
    setenv("BULKHEAD_CONFIG_A__B__C", "for b__c of a", 1);
    bhi_manifest owner = parsed("[package]\nname = \"a\"\nversion = \"1.0.0\"\n" COMPONENT
                                "[env.b__c]\ntype = \"text\"\n");
    bhi_manifest thief = parsed("[package]\nname = \"a--b\"\nversion = \"1.0.0\"\n" COMPONENT
                                "[env.c]\ntype = \"text\"\n");
    unsetenv("BULKHEAD_CONFIG_A__B__C");
    assert_config(&owner, "b__c", "for b__c of a");
    assert_config(&thief, "c", NULL);
}

static void env_names_and_defaults_are_checked(void **state)
{
    assert_refused(MINIMAL "[env.ASTRID_SOCKET_PATH]\ntype = \"text\"\n",
                   "Capsule.toml:6:6: \"ASTRID_SOCKET_PATH\" in [env] is reserved for the host: "
                   "choose another name");
    assert_refused(MINIMAL "[env.\"a b\"]\ntype = \"text\"\n",
                   "Capsule.toml:6:6: \"a b\" is no name for [env]: expected 1 to 128 characters "
                   "of letters, digits, '_', '-' and '.'");
    assert_refused(MINIMAL "[env.M]\ntype = \"select\"\nenum_values = [\"a\"]\ndefault = \"b\"\n",
                   "Capsule.toml:9:1: expected one of the enum_values for \"default\"");
    assert_refused(MINIMAL "[env.M]\ntype = \"text\"\ndefalt = \"b\"\n",
                   "Capsule.toml:8:1: unknown key \"defalt\" in [env.M]: did you mean "
                   "\"default\"?");
    assert_refused(MINIMAL "[env]\nM = \"text\"\n",
                   "Capsule.toml:7:1: expected a table for [env.M], found a string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimal_manifest_has_the_documented_defaults),
        cmocka_unit_test(full_manifest_is_accepted),
        cmocka_unit_test(held_capabilities_are_sorted_and_leave_out_empty_ones),
        cmocka_unit_test(instance_pool_size_is_another_name_of_live_max),
        cmocka_unit_test(unknown_key_is_refused_with_its_place_and_a_suggestion),
        cmocka_unit_test(first_of_several_unknown_keys_is_named),
        cmocka_unit_test(section_of_an_older_format_is_refused_with_what_to_do),
        cmocka_unit_test(value_of_another_type_is_refused),
        cmocka_unit_test(missing_sections_and_keys_are_named),
        cmocka_unit_test(second_component_is_refused),
        cmocka_unit_test(capsule_names_are_checked),
        cmocka_unit_test(versions_are_semantic),
        cmocka_unit_test(component_paths_that_leave_the_directory_are_refused),
        cmocka_unit_test(capsule_settings_are_checked),
        cmocka_unit_test(later_sections_are_checked_for_their_shape),
        cmocka_unit_test(malformed_toml_is_refused_with_its_place),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(text_one_byte_over_the_limit_is_refused),
        cmocka_unit_test(key_with_a_nul_character_is_refused),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(every_cut_of_a_manifest_is_answered),
        cmocka_unit_test(message_about_hostile_text_is_one_line),
        cmocka_unit_test(defaults_become_config_and_unset_keys_are_absent),
        cmocka_unit_test(operator_value_wins_over_the_default),
        cmocka_unit_test(operator_value_outside_the_enum_is_refused_without_showing_it),
        cmocka_unit_test(capsule_cannot_be_named_so_that_it_gets_anothers_value),
        cmocka_unit_test(env_names_and_defaults_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
