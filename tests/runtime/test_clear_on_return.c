/* What a lease leaves open is closed when the instance returns, however the lease ended, and an
 * instance that is handed out again begins with an empty table.
 *
 * Each row of `leavings` is a script of probe_io that opens something and leaves it so; other
 * interfaces add rows. A lease ends in one of four ways after it, and the instance is lent again
 * where it survives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "abi/handles.h"
#include "support/instance_peek.h"
#include "support/io_fixture.h"

static const struct leaving {
    const char *what;
    const char *script;
} leavings[] = {
    {"a connection", "connect 0 $0\n"},
    {"streams", "connect 0 $0\nin 0 0\nout 0 0\n"},
    {"streams whose connection is dropped", "connect 0 $0\nin 0 0\nout 0 0\ndrop-conn 0\n"},
    {"bytes read ahead", "connect 0 $0\nin 0 0\nbread 0 1\n"},
    {"bytes that have not left", "connect 0 $1\nout 0 0\ngorge 0\nflush 0\n"},
    {"pollables of streams", "connect 0 $0\nin 0 0\nsub-in 0 0\nout 0 0\nsub-out 1 0\nblock 0\n"},
    {"pollables of a connection", "connect 0 $0\nsub-conn 0 0\nsub-conn 1 0\nblock 0\n"},
    {"a pollable of what is gone", "connect 0 $0\nsub-conn 0 0\ndrop-conn 0\n"},
    {"an error", "connect 0 $2\nin 0 0\nout 0 0\nbread 0 3\nbwrite 0 x\nsub-in 0 0\nblock 0\n"
                 "raw-fail 0 0\n"},
};

enum { LEAVINGS = sizeof leavings / sizeof leavings[0] };

static const struct ending {
    const char *script; /* after the leaving */
    uint32_t timeout_ms;
    bh_outcome outcome;
} endings[] = {
    {"", 0, BH_OUTCOME_RETURNED},
    {"forge-p 9 0\nready 9", 0, BH_OUTCOME_TRAPPED},
    {"connect 9 $1\nin 9 9\nbread 9 1", 60, BH_OUTCOME_DEADLINE}, /* while it waits */
    {"repeat 1000000000 check 9", 60, BH_OUTCOME_TRAPPED},        /* no such stream */
};

static void start_peers(void)
{
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    start_peer(tcp_peer_reset, 0);
}

static void end_lease_with(const struct leaving *leaving, const struct ending *ending)
{
    char script[400];
    snprintf(script, sizeof script, "%s%s", leaving->script, ending->script);
    const bh_result *result = play_for(script, ending->timeout_ms);
    if (result->outcome != ending->outcome)
        fail_msg("%s: %s: %s", leaving->what, bh_outcome_name(result->outcome), result->message);
}

/* The table of the instance that would be lent next. */
static void check_idle_is_clear(bh_capsule *capsule, const char *what)
{
    bhi_pooled *pooled = peek_idle(capsule);
    if (pooled == NULL)
        return; /* it is destroyed, with its table */
    for (int type = 0; type < BHI_RESOURCE_COUNT; type++) {
        if (bhi_handles_count(pooled->handles, (bhi_resource)type) != 0)
            fail_msg("%s: a %s is left", what, bhi_resource_names[type]);
    }
}

static void run_all(void)
{
    for (int i = 0; i < LEAVINGS; i++) {
        for (size_t e = 0; e < sizeof endings / sizeof endings[0]; e++) {
            end_lease_with(&leavings[i], &endings[e]);
            check_idle_is_clear(io.probe, leavings[i].what);
            assert_int_equal(atomic_load(&socket_host_connections), 0);
        }
    }
}

static void what_a_lease_left_open_is_closed_on_return(void **state)
{
    (void)state;
    start_peers();
    run_all();
}

/* The same for every policy of reuse: restored, rebuilt, kept for one principal. */
static void every_policy_of_reuse_closes_it(void **state)
{
    (void)state;
    start_peers();
    bh_capsule *shared = io.probe;
    for (int reuse = BH_REUSE_PRISTINE; reuse <= BH_REUSE_NEVER; reuse++) {
        guest_setup setup = {
            .guest = "probe_io",
            .name = "policy",
            .options = {.live_max = 1, .has_reuse = true, .reuse = (bh_reuse)reuse}};
        io.probe = load_setup(&io.runtime, &setup);
        run_all();
        bh_capsule_release(io.probe);
    }
    io.probe = shared;
}

/* Two leases each, so that the second one begins where the first left things open. */
static void keep_twice(bh_capsule *capsule, const char *payload)
{
    for (int i = 0; i < 2; i++) {
        bh_request request = {.action = "keep",
                              .payload = payload,
                              .payload_len = strlen(payload),
                              .principal = "alice"};
        const bh_result *result = invoke_with(capsule, &request);
        assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
        assert_string_equal(result->action, "continue");
        assert_non_null(peek_idle(capsule));
        check_idle_is_clear(capsule, payload);
    }
}

static void a_subscription_is_closed_on_return(void **state)
{
    (void)state;
    bhi_bus_stats before, after;
    guest_setup setup = {
        .guest = "probe_ipc", .name = "keeper", .manifest = "[subscribe]\n\"t.*\" = \"-\"\n"};
    bh_capsule *keeper = load_setup(&io.runtime, &setup);
    bhi_bus_read_stats(io.runtime.runtime->bus, &before);
    keep_twice(keeper, "t.*");
    bhi_bus_read_stats(io.runtime.runtime->bus, &after);
    assert_int_equal(after.subscribers, before.subscribers);
    bh_capsule_release(keeper);
}

static void a_file_is_closed_on_return(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "probe_fs",
                         .name = "keeper",
                         .manifest =
                             "[capabilities]\nfs_read = [\"home://\"]\nfs_write = [\"home://\"]\n"};
    bh_capsule *keeper = load_setup(&io.runtime, &setup);
    bh_request write = {
        .action = "write", .payload = "home://a|1", .payload_len = 10, .principal = "alice"};
    assert_string_equal(invoke_with(keeper, &write)->data, "ok");
    keep_twice(keeper, "home://a");
    bh_capsule_release(keeper);
}

static void an_instance_lent_again_begins_with_an_empty_table(void **state)
{
    (void)state;
    start_peers();
    for (int i = 0; i < LEAVINGS; i++) {
        end_lease_with(&leavings[i], &endings[0]);
        bhi_pooled *before = peek_idle(io.probe);
        assert_non_null(before);
        expect("connect 5 $0\nin 5 5\nbread 5 5", "hello"); /* its limits and slots are all free */
        assert_ptr_equal(peek_idle(io.probe), before);
        check_idle_is_clear(io.probe, leavings[i].what);
    }
    expect("connect 0 $0\nin 0 0\nrepeat 1024 sub-in % 0", "");
    expect("connect 0 $0\nin 0 0\nrepeat 1024 sub-in % 0", ""); /* counts began again */
}

static void numbers_kept_by_the_guest_name_nothing_of_the_next_lease(void **state)
{
    (void)state;
    start_peers();
    expect("connect 0 $0\nin 0 0\nsub-in 0 0\nshow-in 0\nshow-p 0", "2 3");
    expect_trap("connect 5 $0\nin 5 5\nsub-in 5 5\nread 0 1", "2 is not a live handle");
    expect("connect 0 $0\nin 0 0\nsub-in 0 0", "");
    expect_trap("connect 5 $0\nin 5 5\nsub-in 5 5\nready 0", "3 is not a live handle");
    expect("connect 0 $0\nin 0 0\nsub-in 0 0", "");
    expect_trap("connect 5 $0\nin 5 5\nsub-in 5 5\ndrop-p 0", "3 is not a live handle");
}

/* The exception for host processes keeps those alone. */
static void a_capsule_with_host_processes_keeps_no_streams(void **state)
{
    (void)state;
    start_peers();
    bh_capsule *shared = io.probe;
    guest_setup setup = {.guest = "probe_io",
                         .name = "carve",
                         .manifest = "[capabilities]\nhost_process = [\"ls\"]\n"};
    io.probe = load_setup(&io.runtime, &setup);
    run_all();
    end_lease_with(&leavings[1], &endings[0]);
    expect_trap("read 0 1", "not a live handle");
    bh_capsule_release(io.probe);
    io.probe = shared;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_io_fixture, close_io_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_a_lease_left_open_is_closed_on_return),
        CASE(every_policy_of_reuse_closes_it),
        CASE(a_subscription_is_closed_on_return),
        CASE(a_file_is_closed_on_return),
        CASE(an_instance_lent_again_begins_with_an_empty_table),
        CASE(numbers_kept_by_the_guest_name_nothing_of_the_next_lease),
        CASE(a_capsule_with_host_processes_keeps_no_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
