/* Pollables: ready, block, poll and their limits, called by a guest on real connections; and the
 * end of what they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/waitable.h"
#include "support/io_fixture.h"

#define MANY "connect 0 $0\nin 0 0\nconnect 1 $1\nin 1 1\n"

/* ---- one ---- */

static void a_pollable_is_ready_when_its_stream_is(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    expect(MANY "sub-in 0 0\nsub-in 1 1\nblock 0\nready 0\nready 1\nready 0\nread 0 9\nready 0",
           "true false true hello false");
}

static void a_pollable_is_ready_at_the_end_for_good(void **state)
{
    (void)state;
    start_peer(tcp_peer_bye, 0);
    expect("connect 0 $0\nin 0 0\nsub-in 0 0\nblock 0\nread 0 9\nblock 0\nready 0\nread 0 1\n"
           "ready 0\nblock 0",
           "bye true closed true");
}

static void dropped_pollables_wake_nobody_and_others_stay(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect("connect 0 $0\nin 0 0\nsub-in 0 0\nsub-in 1 0\nsub-in 2 0\ndrop-p 1\nblock 0\nready 2\n"
           "drop-p 2\nready 0\ndrop-p 0\ndrop-in 0",
           "true true");
}

/* ---- several ---- */

static void poll_answers_every_ready_index_in_ascending_order(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    start_peer(tcp_peer_hello, 0);
    expect(MANY "connect 2 $2\nin 2 2\nsub-in 0 0\nsub-in 1 1\nsub-in 2 2\nblock 0\nblock 2\n"
                "poll 0,1,2\npoll 2,1,0\npoll 1,0\npoll 0",
           "0,2 0,2 1 0");
}

static void poll_answers_each_index_of_a_pollable_given_twice(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    expect(MANY "sub-in 0 0\nsub-in 1 1\nsub-in 2 0\npoll 1,0,0,1,2", "1,2,4");
}

static void poll_waits_for_sources_of_all_kinds(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    start_peer(tcp_peer_take_slowly, 0);
    expect(MANY "connect 2 $2\nout 2 2\nsub-in 0 0\nsub-in 1 1\nsub-out 2 2\nsub-conn 3 1\n"
                "poll 1,2,3\n"          /* a write is permitted */
                "gorge 2\npoll 3,1,2\n" /* waits until it is again */
                "poll 3,1,0\n",
           "1 full 2 2");
}

static void poll_takes_1_to_256_pollables(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    expect("poll -", "invalid-input");
    expect(MANY "repeat 255 sub-in % 1\nsub-in 255 0\nsub-in 256 0\npoll-range 0 256\n"
                "poll-range 0 257\npoll-range 1 256",
           "255 too-large 254,255");
}

/* ---- limits ---- */

static void a_lease_has_at_most_1024_pollables(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    static const char begin[] = "connect 0 $0\nin 0 0\nrepeat 1024 sub-in % 0\n";
    char script[200];
    snprintf(script, sizeof script, "%sblock 1023\nready 0\ndrop-p 7\nsub-in 7 0\nready 7", begin);
    expect(script, "true true");
    snprintf(script, sizeof script, "%ssub-in 1024 0", begin);
    expect_trap(script, "more than 1024 pollables are live");
    snprintf(script, sizeof script, "%ssub-conn 1024 0", begin);
    expect_trap(script, "more than 1024 pollables are live");
}

/* ---- the end of what they name ---- */

static void a_pollable_whose_object_is_gone_is_ready(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    expect("connect 0 $0\nsub-conn 0 0\nready 0\ndrop-conn 0\nready 0\nblock 0\npoll 0\ndrop-p 0",
           "false true 0");
}

static void the_end_of_an_object_wakes_who_waits(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    expect("connect 0 1\nsub-conn 0 0\nready 0\nblock 0\nready 0", "false true");
    expect("connect 0 1\nsub-conn 0 0\nconnect 1 $0\nin 1 1\nsub-in 1 1\npoll 1,0,1,0\npoll 0",
           "1,3 0");
}

static bool is_set(const bhi_waitable *waitable)
{
    (void)waitable;
    return false;
}

static void a_waitable_without_pollables_may_end_and_be_notified(void **state)
{
    (void)state;
    bhi_waitable waitable = {.is_ready = is_set};
    bhi_waitable_notify(&waitable);
    bhi_waitable_deinit(&waitable);
    bhi_waitable_deinit(&waitable);
    assert_null(waitable.operation);
    assert_null(waitable.pollables);
}

/* ---- handles ---- */

static void pollables_that_are_none_trap(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    static const char gone[] = "not a live handle of type astrid:io/poll@1.0.0#pollable";
    expect_trap("connect 0 $0\nin 0 0\nsub-in 0 0\ndrop-p 0\nready 0", gone);
    expect_trap("connect 0 $0\nin 0 0\nsub-in 0 0\ndrop-p 0\nblock 0", gone);
    expect_trap("connect 0 $0\nin 0 0\nsub-in 0 0\ndrop-p 0\ndrop-p 0", gone);
    expect_trap("connect 0 $0\nin 0 0\nsub-in 0 0\nsub-in 1 0\ndrop-p 1\npoll 0,1", gone);
    expect_trap("forge-p 0 0\npoll 0", gone);
    expect_trap("forge-p 0 99999999\nready 0", gone);
    expect("connect 0 $0\nin 0 0\nsub-in 0 0", "");
    expect_trap("ready 0", gone); /* of the lease before, in the same instance */
}

static void a_list_that_is_not_in_memory_traps(void **state)
{
    (void)state;
    expect_trap("poll-range 0 50000000", "are not inside the memory");
}

/* ---- abandoned waits ---- */

static void an_abandoned_poll_leaves_nothing_armed(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    static const char *const scripts[] = {
        "connect 0 $0\nin 0 0\nsub-in 0 0\nsub-in 1 0\npoll 0,1,0",
        "connect 0 $0\nsub-conn 0 0\nin 0 0\nsub-in 1 0\npoll 0,1",
        "connect 0 $0\nin 0 0\nrepeat 256 sub-in % 0\npoll-range 0 256",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        assert_int_equal(play_for(scripts[i], 50)->outcome, BH_OUTCOME_DEADLINE);
        assert_int_equal(atomic_load(&socket_host_connections), 0);
    }
    expect("", "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_io_fixture, close_io_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_pollable_is_ready_when_its_stream_is),
        CASE(a_pollable_is_ready_at_the_end_for_good),
        CASE(dropped_pollables_wake_nobody_and_others_stay),
        CASE(poll_answers_every_ready_index_in_ascending_order),
        CASE(poll_answers_each_index_of_a_pollable_given_twice),
        CASE(poll_waits_for_sources_of_all_kinds),
        CASE(poll_takes_1_to_256_pollables),
        CASE(a_lease_has_at_most_1024_pollables),
        CASE(a_pollable_whose_object_is_gone_is_ready),
        CASE(the_end_of_an_object_wakes_who_waits),
        cmocka_unit_test(a_waitable_without_pollables_may_end_and_be_notified),
        CASE(pollables_that_are_none_trap),
        CASE(a_list_that_is_not_in_memory_traps),
        CASE(an_abandoned_poll_leaves_nothing_armed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
