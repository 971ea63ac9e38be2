/* The seven functions of astrid:kv/host, called by a guest through the SDK on a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/kv_store.h"
#include "runtime/capsule.h"
#include "support/runtime_fixture.h"

static runtime_fixture fixture;

static bh_capsule *load_named(const char *name)
{
    guest_setup setup = {
        .guest = "probe", .name = name, .options = {.has_reuse = true, .reuse = BH_REUSE_SHARED}};
    return load_setup(&fixture, &setup);
}

static bh_capsule *probe; /* of the running test, named "probe" */

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    probe = load_named("probe");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    bh_capsule_release(probe);
    probe = NULL;
    runtime_fixture_close(&fixture);
    return 0;
}

typedef struct caller {
    bh_capsule *capsule;
    const char *principal;
} caller;

static const bh_result *call_bytes(caller by, const char *action, const void *payload, size_t len)
{
    bh_request request = {
        .action = action, .payload = payload, .payload_len = len, .principal = by.principal};
    const bh_result *result = invoke_with(by.capsule, &request);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
    return result;
}

static void expect_by(caller by, const char *action, const char *payload, const char *answer)
{
    const bh_result *result = call_bytes(by, action, payload, strlen(payload));
    assert_string_equal(result->action, "continue");
    assert_true(result->has_data);
    assert_string_equal(result->data, answer);
}

static void expect_none_by(caller by, const char *key)
{
    const bh_result *result = call_bytes(by, "get", key, strlen(key));
    assert_string_equal(result->action, "continue");
    assert_false(result->has_data);
}

static caller alice(void)
{
    return (caller){probe, "alice"};
}

static void expect(const char *action, const char *payload, const char *answer)
{
    expect_by(alice(), action, payload, answer);
}

static void expect_none(const char *key)
{
    expect_none_by(alice(), key);
}

static void expect_denied_bytes(const char *action, const void *payload, size_t len,
                                const char *reason)
{
    const bh_result *result = call_bytes(alice(), action, payload, len);
    assert_string_equal(result->action, "deny");
    assert_string_equal(result->data, reason);
}

static void expect_denied(const char *action, const char *payload, const char *reason)
{
    expect_denied_bytes(action, payload, strlen(payload), reason);
}

/* ---- values ---- */

static void a_value_is_kept_replaced_and_deleted(void **state)
{
    (void)state;
    expect_none("k");
    expect("set", "k=one", "ok");
    expect("get", "k", "one");
    expect("set", "k=two", "ok");
    expect("get", "k", "two");
    expect("delete", "k", "ok");
    expect_none("k");
    expect("delete", "k", "ok"); /* a missing key is no failure */
}

static void a_value_holds_any_bytes_and_an_empty_one_is_not_none(void **state)
{
    (void)state;
    static const char bytes[] = "k=a\0b\0\0c=d\n";
    call_bytes(alice(), "set", bytes, sizeof bytes - 1);
    const bh_result *result = call_bytes(alice(), "get", "k", 1);
    assert_int_equal(result->data_len, sizeof bytes - 1 - 2);
    assert_memory_equal(result->data, bytes + 2, sizeof bytes - 2); /* and the NUL behind it */
    expect("set", "empty=", "ok");
    expect("get", "empty", "");
    expect_none("emptier");
}

static void a_key_has_1_to_256_bytes(void **state)
{
    (void)state;
    char payload[300];
    memset(payload, 'k', 257);
    strcpy(payload + 256, "=at the limit");
    expect("set", payload, "ok");
    payload[256] = 0;
    expect("get", payload, "at the limit");
    memset(payload, 'k', 257);
    strcpy(payload + 257, "=beyond");
    expect_denied("set", payload, "invalid-key");
    payload[257] = 0;
    expect_denied("get", payload, "invalid-key");
    expect_denied("delete", payload, "invalid-key");
    expect_denied("set", "=no key", "invalid-key");
    expect_denied("get", "", "invalid-key");
}

static void a_key_is_composed_text_without_controls(void **state)
{
    (void)state;
    expect("set", "caf\xc3\xa9=composed", "ok");
    expect("get", "caf\xc3\xa9", "composed");
    expect_denied("set", "cafe\xcc\x81=decomposed", "invalid-key");
    expect_denied("set", "a\nb=x", "invalid-key");
    expect_denied("set", "a\xc2\x85=x", "invalid-key");
    expect_denied_bytes("set", "a\0b=x", 5, "invalid-key");
    expect_denied_bytes("list", "a\0b", 3, "invalid-key");
    expect_denied_bytes("clear", "a\0b", 3, "invalid-key");
}

static void a_value_has_at_most_1_mib(void **state)
{
    (void)state;
    size_t len = 2 + BHI_KV_VALUE_BYTES_MAX;
    char *payload = malloc(len + 1);
    memset(payload, 'v', len + 1);
    memcpy(payload, "k=", 2);
    expect_denied_bytes("set", payload, len + 1, "too-large");
    expect_none("k");
    assert_string_equal(call_bytes(alice(), "set", payload, len)->data, "ok");
    const bh_result *result = call_bytes(alice(), "get", "k", 1);
    assert_int_equal(result->data_len, BHI_KV_VALUE_BYTES_MAX);
    assert_memory_equal(result->data, payload + 2, BHI_KV_VALUE_BYTES_MAX);
    free(payload);
}

/* ---- compare and swap ---- */

static void cas_swaps_only_what_it_expects(void **state)
{
    (void)state;
    expect_denied("cas", "k=one=two", "cas-mismatch"); /* there is nothing */
    expect("cas", "k=-=one", "ok");
    expect_denied("cas", "k=-=again", "cas-mismatch"); /* there is something */
    expect_denied("cas", "k=on=two", "cas-mismatch");
    expect_denied("cas", "k=onee=two", "cas-mismatch");
    expect("get", "k", "one");
    expect("cas", "k=one=two", "ok");
    expect("get", "k", "two");
    expect("set", "k=", "ok");
    expect_denied("cas", "k=-=x", "cas-mismatch"); /* empty is not none */
    expect("cas", "k==x", "ok");
    expect("get", "k", "x");
    expect_denied("cas", "=-=x", "invalid-key");
}

/* ---- lists ---- */

static void set_keys(const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        char payload[64];
        snprintf(payload, sizeof payload, "%s=v", *keys);
        expect("set", payload, "ok");
    }
}

static void keys_are_listed_in_byte_order_below_a_prefix(void **state)
{
    (void)state;
    static const char *const keys[] = {"b", "a/2", "a/10", "a/1", "\xc3\xa9", "a", "aa", "Z", NULL};
    expect("list", "", "");
    set_keys(keys);
    expect("list", "", "Z\na\na/1\na/10\na/2\naa\nb\n\xc3\xa9\n");
    expect("list", "a", "a\na/1\na/10\na/2\naa\n");
    expect("list", "a/", "a/1\na/10\na/2\n");
    expect("list", "a/1", "a/1\na/10\n");
    expect("list", "c", "");
    expect("list", "\xc3\xa9", "\xc3\xa9\n");
}

static void pages_follow_one_another_to_the_last(void **state)
{
    (void)state;
    static const char *const keys[] = {"p1", "p2", "p3", "p4", "p5", "q", NULL};
    set_keys(keys);
    expect("page", "p==2", "p1\np2\nnext p2");
    expect("page", "p=p2=2", "p3\np4\nnext p4");
    expect("page", "p=p4=2", "p5\n");
    expect("page", "p==5", "p1\np2\np3\np4\np5\n"); /* full, and the last */
    expect("page", "p==0", "p1\np2\np3\np4\np5\n"); /* 0: as many as there may be */
    expect("page", "p==4294967295", "p1\np2\np3\np4\np5\n");
    expect("page", "p=p25=9", "p3\np4\np5\n"); /* a cursor need not be a key */
    expect("page", "p=a=1", "p1\nnext p1");
    expect("page", "p=z=9", "");
    expect("page", "none==9", "");
}

static void a_list_has_at_most_1024_keys_and_a_page_tells_of_more(void **state)
{
    (void)state;
    for (int i = 0; i < BHI_KV_LIST_KEYS_MAX; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "k%04d=", i);
        call_bytes(alice(), "set", payload, strlen(payload));
    }
    const bh_result *result = call_bytes(alice(), "list", "k", 1);
    assert_int_equal(result->data_len, BHI_KV_LIST_KEYS_MAX * 6);
    assert_memory_equal(result->data, "k0000\nk0001\n", 12);
    expect("set", "k1024=", "ok");
    expect_denied("list", "k", "too-large");
    expect("list", "k102", "k1020\nk1021\nk1022\nk1023\nk1024\n");
    result = call_bytes(alice(), "page", "k==0", 4);
    assert_string_equal(result->data + BHI_KV_LIST_KEYS_MAX * 6, "next k1023");
    expect("page", "k=k1023=0", "k1024\n");
    expect("clear", "k", "1025");
}

static void clear_deletes_what_begins_with_the_prefix_and_counts_it(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "ab", "abc", "b", NULL};
    set_keys(keys);
    expect("clear", "ab", "2");
    expect("list", "", "a\nb\n");
    expect("clear", "ab", "0");
    expect("clear", "", "2");
    expect("list", "", "");
}

/* ---- scopes ---- */

static void principals_and_capsules_never_see_each_others_keys(void **state)
{
    (void)state;
    bh_capsule *other = load_named("other");
    const caller callers[] = {{probe, "alice"}, {probe, "bob"}, {other, "alice"}, {other, "bob"}};
    static const char *const values[] = {"0", "1", "2", "3"};
    for (int i = 0; i < 4; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "k=-=%s", values[i]);
        expect_none_by(callers[i], "k");
        expect_by(callers[i], "cas", payload, "ok"); /* nobody else's k is in the way */
        snprintf(payload, sizeof payload, "only%s=x", values[i]);
        expect_by(callers[i], "set", payload, "ok");
    }
    for (int i = 0; i < 4; i++) {
        char keys[32];
        snprintf(keys, sizeof keys, "k\nonly%s\n", values[i]);
        expect_by(callers[i], "get", "k", values[i]);
        expect_by(callers[i], "list", "", keys);
        expect_by(callers[i], "page", "==0", keys);
    }
    expect_by(callers[1], "delete", "k", "ok");
    expect_by(callers[2], "clear", "", "2");
    expect_by(callers[0], "list", "", "k\nonly0\n");
    expect_by(callers[1], "list", "", "only1\n");
    expect_by(callers[2], "list", "", "");
    expect_by(callers[3], "list", "", "k\nonly3\n");
    bh_capsule_release(other);
}

static void names_that_begin_alike_are_different_scopes(void **state)
{
    (void)state;
    bh_capsule *longer = load_named("probe-2");
    const caller same[] = {{probe, "a"}, {probe, "aa"}, {longer, "a"}, {longer, "aa"}};
    expect_by(same[0], "set", "k=v", "ok");
    for (int i = 1; i < 4; i++) {
        expect_none_by(same[i], "k");
        expect_by(same[i], "list", "", "");
        expect_by(same[i], "clear", "", "0");
    }
    expect_by(same[0], "get", "k", "v");
    bh_capsule_release(longer);
}

/* ---- the store ---- */

static void reopen_runtime(void)
{
    bh_capsule_release(probe);
    bh_runtime_destroy(fixture.runtime);
    bh_runtime_options options = {.state_directory = fixture.directory};
    bh_error error = {0};
    if (bh_runtime_create(&options, &fixture.runtime, &error) != BH_OK)
        fail_msg("%s", error.text);
    probe = load_named("probe");
}

static void values_outlive_the_runtime(void **state)
{
    (void)state;
    expect("set", "kept=value", "ok");
    expect("set", "gone=value", "ok");
    expect("delete", "gone", "ok");
    reopen_runtime();
    expect("get", "kept", "value");
    expect("list", "", "kept\n");
    expect("cas", "kept=value=new", "ok");
    reopen_runtime();
    expect("get", "kept", "new");
}

static void a_runtime_without_a_state_directory_has_no_store(void **state)
{
    (void)state;
    bh_capsule_release(probe);
    bh_runtime_destroy(fixture.runtime);
    assert_int_equal(bh_runtime_create(NULL, &fixture.runtime, NULL), BH_OK);
    probe = load_named("probe");
    static const char *const calls[][2] = {{"get", "k"},     {"set", "k=v"},   {"delete", "k"},
                                           {"cas", "k=-=v"}, {"list", ""},     {"page", "==1"},
                                           {"clear", ""},    {"get", "\nbad"}, {"set", "=v"}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        expect_denied(calls[i][0], calls[i][1], "unknown there is no store");
}

static void initialisation_has_no_store(void **state)
{
    (void)state;
    static const char *const calls[][2] = {
        {"get", "kv-get"},           {"set", "kv-set"},        {"delete", "kv-delete"},
        {"cas", "kv-cas"},           {"list", "kv-list-keys"}, {"page", "kv-list-keys-page"},
        {"clear", "kv-clear-prefix"}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char manifest[128], expected[128];
        snprintf(manifest, sizeof manifest,
                 "[env]\ncall = { type = \"string\", default = \"%s\" }\n", calls[i][0]);
        snprintf(expected, sizeof expected,
                 "astrid:kv/host@1.0.0#%s is not available during initialisation", calls[i][1]);
        guest_setup setup = {.guest = "init_call", .manifest = manifest};
        bh_capsule *capsule = NULL;
        bh_error error;
        assert_int_equal(try_load_setup(&fixture, &setup, &capsule, &error), BH_E_BUILD);
        if (strstr(error.text, expected) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", error.text, expected);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_value_is_kept_replaced_and_deleted),
        CASE(a_value_holds_any_bytes_and_an_empty_one_is_not_none),
        CASE(a_key_has_1_to_256_bytes),
        CASE(a_key_is_composed_text_without_controls),
        CASE(a_value_has_at_most_1_mib),
        CASE(cas_swaps_only_what_it_expects),
        CASE(keys_are_listed_in_byte_order_below_a_prefix),
        CASE(pages_follow_one_another_to_the_last),
        CASE(a_list_has_at_most_1024_keys_and_a_page_tells_of_more),
        CASE(clear_deletes_what_begins_with_the_prefix_and_counts_it),
        CASE(principals_and_capsules_never_see_each_others_keys),
        CASE(names_that_begin_alike_are_different_scopes),
        CASE(values_outlive_the_runtime),
        CASE(a_runtime_without_a_state_directory_has_no_store),
        CASE(initialisation_has_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
