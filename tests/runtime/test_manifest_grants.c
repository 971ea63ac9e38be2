/* tests/runtime/test_manifest_grants.c - topics, handlers, hosts and paths that a manifest asks
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/manifest.h"

#define HEAD "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"a.wasm\"\n"

static bhi_arena arena;

static int clear_arena(void **state)
{
    (void)state;
    bhi_arena_deinit(&arena);
    return 0;
}

static bhi_manifest parse(const char *text)
{
    bhi_manifest manifest;
    bh_error error = {0};
    if (bhi_manifest_parse(bhi_bytes_of(text), "Capsule.toml", &arena, &manifest, &error) != BH_OK)
        fail_msg("%s", error.text);
    return manifest;
}

static void refuse(const char *text, const char *reason)
{
    bhi_manifest manifest;
    bh_error error = {0};
    assert_int_equal(
        bhi_manifest_parse(bhi_bytes_of(text), "Capsule.toml", &arena, &manifest, &error),
        BH_E_MANIFEST);
    if (strstr(error.text, reason) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.text, reason);
}

static bool has(bhi_texts texts, const char *text)
{
    for (size_t i = 0; i < texts.count; i++)
        if (bhi_bytes_equal_text(texts.items[i], text))
            return true;
    return false;
}

static void topics_are_the_keys_of_publish_and_subscribe(void **state)
{
    bhi_grants grants = parse(HEAD "[publish]\n\"a.v1.done\" = \"x\"\n\"b.*\" = {wit = \"y\"}\n"
                                   "[subscribe]\n\"c.v1.*\" = {wit = \"z\"}\n")
                            .grants;
    assert_int_equal(grants.publish.count, 2);
    assert_true(has(grants.publish, "a.v1.done") && has(grants.publish, "b.*"));
    assert_int_equal(grants.subscribe.count, 1);
    assert_true(has(grants.subscribe, "c.v1.*"));
    assert_int_equal(grants.handlers_count, 0);
}

static void a_handler_has_priority_100_and_denies_on_failure_unless_told(void **state)
{
    bhi_grants grants =
        parse(HEAD "[subscribe]\n\"a.b\" = {wit = \"x\", handler = \"guard\"}\n"
                   "\"c.*\" = {wit = \"x\", handler = \"see\", priority = 7, on_failure = "
                   "\"continue\"}\n")
            .grants;
    assert_int_equal(grants.handlers_count, 2);
    bool is_first = bhi_bytes_equal_text(grants.handlers[0].pattern, "a.b");
    const bhi_handler_binding *guard = &grants.handlers[is_first ? 0 : 1];
    const bhi_handler_binding *see = &grants.handlers[is_first ? 1 : 0];
    assert_true(bhi_bytes_equal_text(guard->action, "guard"));
    assert_int_equal(guard->priority, 100);
    assert_false(guard->continues_on_failure);
    assert_true(bhi_bytes_equal_text(see->pattern, "c.*"));
    assert_int_equal(see->priority, 7);
    assert_true(see->continues_on_failure);
}

static void capabilities_of_root_and_component_are_merged(void **state)
{
    bhi_grants grants =
        parse("[package]\nname = \"a\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"a.wasm\"\n"
              "[component.capabilities]\nnet = [\"b.example\"]\n"
              "[capabilities]\nnet = [\"a.example\"]\nfs_read = [\"home://x\"]\nuplink = true\n")
            .grants;
    assert_true(has(grants.net, "a.example") && has(grants.net, "b.example"));
    assert_int_equal(grants.net.count, 2);
    assert_true(has(grants.fs_read, "home://x"));
    assert_int_equal(grants.fs_write.count, 0);
    assert_true(grants.is_uplink);
    assert_false(grants.may_claim); /* that is the operator's to say */
}

static void run_is_tried_unless_the_manifest_says_what_it_is(void **state)
{
    assert_int_equal(parse(HEAD).run, BHI_RUN_UNKNOWN);
    assert_int_equal(parse(HEAD "[capsule]\nrun = \"loop\"\n").run, BHI_RUN_LOOP);
    assert_int_equal(parse(HEAD "[capsule]\nrun = \"stub\"\n").run, BHI_RUN_STUB);
    refuse(HEAD "[capsule]\nrun = \"maybe\"\n", "expected \"loop\" or \"stub\"");
}

static void what_is_no_topic_or_policy_is_refused(void **state)
{
    refuse(HEAD "[publish]\n\"A.b\" = \"x\"\n", "is no topic");
    refuse(HEAD "[publish]\n\"a.b.c.d.e.f.g.h.i\" = \"x\"\n", "is no topic");
    refuse(HEAD "[subscribe]\n\"a\" = {wit = \"x\", on_failure = \"deny\"}\n",
           "has no meaning without \"handler\"");
    refuse(HEAD "[subscribe]\n\"a\" = {wit = \"x\", handler = \"h\", on_failure = \"skip\"}\n",
           "expected \"deny\" or \"continue\"");
    refuse(HEAD "[subscribe]\n\"a\" = {wit = \"x\", handler = \"\"}\n", "1 to 256 bytes");
}

#define CASE(name) cmocka_unit_test_teardown(name, clear_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(topics_are_the_keys_of_publish_and_subscribe),
        CASE(a_handler_has_priority_100_and_denies_on_failure_unless_told),
        CASE(capabilities_of_root_and_component_are_merged),
        CASE(run_is_tried_unless_the_manifest_says_what_it_is),
        CASE(what_is_no_topic_or_policy_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
