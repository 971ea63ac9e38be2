/* Every method of input-stream and output-stream, called by a guest on real connections. */
#include <linux/sockios.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "host/socket_stream.h"
#include "runtime/invocation.h"
#include "support/io_fixture.h"

#define IN     "connect 0 $0\nin 0 0\n"
#define OUT    "connect 0 $0\nout 0 0\n"
#define PLENTY "connect 9 0\nin 9 9\nout 9 9\n"

static const char peer_gone[] = "the peer closed the connection";

/* ---- reading ---- */

static void a_read_gives_what_is_at_hand_and_nothing_is_no_end(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "sub-in 0 0\nblock 0\nread 0 3\nread 0 100\nread 0 5\nread 0 0", "hel lo  ");
}

static void a_blocking_read_waits_for_a_byte_or_the_end(void **state)
{
    (void)state;
    start_peer(tcp_peer_bye, 0);
    expect(IN "bread 0 2\nbread 0 100\nbread 0 1\nread 0 1\nskip 0 1\nbskip 0 1\nread 0 0",
           "by e closed closed closed closed ");
}

static void reading_nothing_does_not_wait(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    expect(IN "len-bread 0 0\nlen-read 0 0\nbskip 0 0\nskip 0 0\nlen-read 0 7", "0 0 0 0 0");
}

static void who_asks_for_nothing_learns_of_no_end(void **state)
{
    (void)state;
    start_peer(tcp_peer_bye, 0);
    expect(IN "bread 0 9\nbread 0 9\nlen-bread 0 0\nlen-read 0 0\nskip 0 0\nbskip 0 0\nread 0 9",
           "bye closed 0 0 0 0 closed");
}

static void skipped_bytes_are_gone(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "bskip 0 2\nbread 0 1\nskip 0 9\nskip 0 9", "2 l 2 0");
}

static void a_call_moves_at_most_1_mib(void **state)
{
    (void)state;
    expect(PLENTY "len-read 9 1048576\nlen-read 9 1048577\nlen-bread 9 18446744073709551615",
           "1048576 1048576 1048576");
    expect(PLENTY "skip 9 1048576\nskip 9 1048577\nbskip 9 18446744073709551615",
           "1048576 1048576 1048576");
    expect(PLENTY "splice 9 9 1048576\nsplice 9 9 1048577\nbsplice 9 9 18446744073709551615",
           "1048576 1048576 1048576");
    expect(PLENTY "check 9\nfill 9 1048576\nfill 9 0", "1048576");
    expect_trap(PLENTY "check 9\nfill 9 1048577", "1048577 bytes where 1048576 are permitted");
}

static void everything_sent_is_read_in_order(void **state)
{
    (void)state;
    start_peer(tcp_peer_send_pattern, 3 << 20);
    expect(IN "drain 0", "3145728 closed");
    start_peer(tcp_peer_take_pattern, 0);
    expect(IN "connect 1 $1\nout 1 1\npump 1 0\nbflush 1", "3145728 closed");
    stop_peers();
    assert_false(atomic_load(&io.peers[1].is_wrong));
    assert_int_equal(atomic_load(&io.peers[1].received), 3 << 20);
}

static void an_endless_peer_is_stopped_when_the_buffer_is_full(void **state)
{
    (void)state;
    tcp_peer *endless = start_peer(tcp_peer_endless, 0);
    start_peer(tcp_peer_silent, 0);
    const bh_result *result =
        play_for(IN "bread 0 1\nconnect 1 $1\nin 1 1\nbread 1 1", 300); /* waits for the silent */
    assert_int_equal(result->outcome, BH_OUTCOME_DEADLINE);
    assert_in_range(atomic_load(&endless->sent), BHI_SOCKET_BUFFER_BYTES, 1 << 20);
}

/* ---- writing ---- */

static void a_write_needs_a_permit(void **state)
{
    (void)state;
    start_peer(tcp_peer_take_xs, 0);
    expect(OUT "check 0\nfill 0 65536", "65536");
    expect(OUT "check 0\nfill 0 65535\nfill 0 1\nfill 0 0", "65536");
    expect_trap(OUT "check 0\nfill 0 65537", "65537 bytes where 65536 are permitted");
    expect_trap(OUT "check 0\nfill 0 65536\nfill 0 1", "1 bytes where 0 are permitted");
    expect_trap(OUT "fill 0 1", "1 bytes where 0 are permitted");
    expect_trap(OUT "check 0\nzeroes 0 65537", "65537 bytes where 65536 are permitted");
    expect_trap(OUT "zeroes 0 18446744073709551615", "where 0 are permitted");
    expect_trap(OUT "check 0\nflush 0\nfill 0 1", "1 bytes where 0 are permitted");
    expect_trap(OUT "check 0\nbfill 0 1\nfill 0 1", "1 bytes where 0 are permitted");
}

static void what_is_written_arrives_also_when_the_stream_is_dropped_at_once(void **state)
{
    (void)state;
    tcp_peer *peer = start_peer(tcp_peer_take_xs, 0);
    expect(OUT "check 0\nfill 0 1000\ndrop-out 0\ndrop-conn 0", "65536");
    stop_peers();
    assert_int_equal(atomic_load(&peer->received), 1000);
    assert_false(atomic_load(&peer->is_wrong));
}

static void a_blocking_write_takes_any_size(void **state)
{
    (void)state;
    static const char *const scripts[] = {OUT "bfill 0 5000000", OUT "bfill 0 0\nbfill 0 1",
                                          OUT "bfill 0 65536", OUT "bfill 0 65537"};
    static const size_t sizes[] = {5000000, 1, 65536, 65537};
    for (int i = 0; i < 4; i++) {
        tcp_peer *peer = start_peer(tcp_peer_take_xs, 0);
        expect(scripts[i], "");
        stop_peers();
        assert_int_equal(atomic_load(&peer->received), sizes[i]);
        assert_false(atomic_load(&peer->is_wrong));
    }
}

static void zeroes_are_written(void **state)
{
    (void)state;
    tcp_peer *peer = start_peer(tcp_peer_take_zeroes, 0);
    expect(OUT "bzeroes 0 3000000\ncheck 0\nzeroes 0 5\nbflush 0\nbzeroes 0 0", "65536");
    stop_peers();
    assert_int_equal(atomic_load(&peer->received), 3000005);
    assert_false(atomic_load(&peer->is_wrong));
}

static void a_flush_permits_nothing_until_it_is_done(void **state)
{
    (void)state;
    start_peer(tcp_peer_take_slowly, 0);
    expect(OUT "gorge 0\nflush 0\ncheck 0\nsub-out 0 0\nready 0\nblock 0\ncheck 0\nready 0",
           "full 0 false 65536 true");
    expect(OUT "gorge 0\nbflush 0\ncheck 0", "full 65536");
    expect(OUT "gorge 0\nsub-out 0 0\nblock 0\nready 0\nbflush 0\nflush 0\ncheck 0",
           "full true 65536");
}

static void a_peer_that_never_reads_stops_the_writer(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    static const char *const scripts[] = {
        OUT "bfill 0 5000000", OUT "bzeroes 0 18446744073709551615", OUT "gorge 0\nbflush 0",
        OUT PLENTY "repeat 1000 bsplice 0 9 1000000"};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        assert_int_equal(play_for(scripts[i], 200)->outcome, BH_OUTCOME_DEADLINE);
}

/* ---- ends ---- */

static void a_half_close_ends_one_direction(void **state)
{
    (void)state;
    tcp_peer *peer = start_peer(tcp_peer_take_xs, 0);
    expect(OUT "in 0 0\nbfill 0 100000\nshutdown 0\ncheck 0\nbfill 0 1\nbflush 0\nflush 0\n"
               "bread 0 1",
           "closed closed closed closed closed");
    stop_peers();
    assert_int_equal(atomic_load(&peer->received), 100000);
}

static void what_is_queued_still_leaves_after_a_half_close(void **state)
{
    (void)state;
    tcp_peer *peer = start_peer(tcp_peer_take_slowly, 0);
    expect(OUT "in 0 0\ngorge 0\nshutdown 0\nbread 0 1", "full closed");
    stop_peers();
    assert_true(atomic_load(&peer->received) >= BHI_SOCKET_BUFFER_BYTES);
}

static void a_failure_is_told_once_and_then_the_stream_is_closed(void **state)
{
    (void)state;
    char answer[200];
    start_peer(tcp_peer_reset, 0);
    snprintf(answer, sizeof answer, "abc failed(%s) closed closed closed", peer_gone);
    expect(IN "out 0 0\nbread 0 3\nbwrite 0 x\nbread 0 1\nbread 0 1\nread 0 1\nbskip 0 1", answer);
    snprintf(answer, sizeof answer, "abc failed(%s) closed closed closed closed closed closed",
             peer_gone);
    expect(IN "out 0 0\nbread 0 3\nbfill 0 5000000\ncheck 0\nfill 0 1\nflush 0\nbflush 0\n"
              "bzeroes 0 1\nbwrite 0 x",
           answer);
}

static void a_reset_is_seen_by_everything_that_waits(void **state)
{
    (void)state;
    char answer[200];
    start_peer(tcp_peer_reset, 0);
    snprintf(answer, sizeof answer, "abc true true failed(%s)", peer_gone);
    expect(IN "out 0 0\nbread 0 3\nbwrite 0 x\nsub-in 0 0\nsub-out 1 0\nblock 0\nready 0\nready 1\n"
              "check 0",
           answer);
}

/* The first client gets `size` bytes and then, when its kernel has them all, a reset; the second a
 * byte after that. */
static void reset_when_all_has_come(tcp_peer *peer, int fd)
{
    uint8_t bytes[4096] = {0};
    struct linger at_once = {.l_onoff = 1};
    int unsent = 1;
    bool is_first = atomic_load(&peer->sent) == 0;
    while (is_first && atomic_load(&peer->sent) < peer->size)
        tcp_peer_send(peer, fd, bytes, sizeof bytes);
    while (is_first && unsent > 0 && ioctl(fd, SIOCOUTQ, &unsent) == 0)
        sched_yield();
    if (is_first)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else if (tcp_peer_send(peer, fd, "x", 1))
        tcp_peer_wait(peer, fd);
}

/* More than is read ahead is in the kernel when the reset comes. */
static void what_came_before_a_reset_is_read_first_S1(void **state)
{
    (void)state;
    char answer[200];
    static const size_t sizes[] = {4096, BHI_SOCKET_BUFFER_BYTES, BHI_SOCKET_BUFFER_BYTES + 8192};
    for (int i = 0; i < 3; i++) {
        start_peer(reset_when_all_has_come, sizes[i]);
        snprintf(answer, sizeof answer, "x %zu failed(%s)", sizes[i], peer_gone);
        expect(IN "connect 1 $0\nin 1 1\nbread 1 1\ndrain 0", answer);
        stop_peers();
        start_peer(reset_when_all_has_come, sizes[i]);
        snprintf(answer, sizeof answer, "x failed(%s) %zu failed(%s)", peer_gone, sizes[i],
                 peer_gone);
        expect(IN "out 0 0\nconnect 1 $0\nin 1 1\nbread 1 1\nbwrite 0 x\ndrain 0", answer);
        stop_peers();
    }
}

static void an_error_is_an_object_with_a_fixed_text(void **state)
{
    (void)state;
    start_peer(tcp_peer_reset, 0);
    static const char begin[] =
        IN "out 0 0\nbread 0 3\nbwrite 0 x\nsub-in 0 0\nblock 0\nraw-fail 0 0\n";
    char script[300], answer[200];
    snprintf(script, sizeof script, "%sraw-error 0\nraw-error 0\ndrop-error 0\nread 0 1", begin);
    snprintf(answer, sizeof answer, "abc %s %s closed", peer_gone, peer_gone);
    expect(script, answer);
    snprintf(script, sizeof script, "%sdrop-error 0\nraw-error 0", begin);
    expect_trap(script, "not a live handle of type astrid:io/error@1.0.0#error");
    snprintf(script, sizeof script, "%sdrop-error 0\ndrop-error 0", begin);
    expect_trap(script, "not a live handle of type astrid:io/error@1.0.0#error");
}

static void a_stream_outlives_its_connection(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "out 0 0\ndrop-conn 0\nbread 0 5\nbwrite 0 x\ndrop-in 0\nbwrite 0 x", "hello");
}

/* ---- splice ---- */

static void a_splice_moves_what_is_at_hand(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    tcp_peer *taker = start_peer(tcp_peer_take_pattern, 0);
    expect(IN "connect 1 $1\nout 1 1\nbsplice 1 0 3\nsplice 1 0 0\nbsplice 1 0 0\nsplice 1 0 99\n"
              "splice 1 0 99",
           "3 0 0 2 0");
    stop_peers();
    assert_int_equal(atomic_load(&taker->received), 5);
}

static void a_splice_tells_the_end_of_either_side(void **state)
{
    (void)state;
    char answer[200];
    start_peer(tcp_peer_bye, 0);
    start_peer(tcp_peer_silent, 0);
    start_peer(tcp_peer_reset, 0);
    expect(IN "connect 1 $1\nout 1 1\nbsplice 1 0 99\nbsplice 1 0 99\nsplice 1 0 99\ncheck 1",
           "3 closed closed 65536");
    expect(IN "connect 1 $1\nout 1 1\nsub-in 0 0\nblock 0\nshutdown 1\nsplice 1 0 99\n"
              "bsplice 1 0 99\nread 0 99",
           "closed closed bye"); /* nothing was taken */
    snprintf(answer, sizeof answer, "abc failed(%s) closed", peer_gone);
    expect("connect 0 $1\nin 0 0\nconnect 2 $2\nin 2 2\nout 2 2\nbread 2 3\nbwrite 2 x\n"
           "bsplice 2 0 9\nbsplice 2 0 9", /* waits for the silent source; the sink fails */
           answer);
}

static void a_splice_into_a_full_sink_takes_nothing(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    start_peer(tcp_peer_silent, 0);
    expect(IN "connect 1 $1\nout 1 1\nsub-in 0 0\nblock 0\ngorge 1\nsplice 1 0 9\nread 0 9",
           "full 0 hello");
}

/* ---- handles ---- */

static void a_stream_with_live_pollables_is_not_dropped(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "sub-in 0 0\nsub-in 1 0\ndrop-p 1\ndrop-p 0\ndrop-in 0", "");
    expect_trap(IN "sub-in 0 0\nsub-in 1 0\ndrop-p 0\ndrop-in 0", "its pollables are live");
    expect(OUT "sub-out 0 0\ndrop-p 0\ndrop-out 0", "");
    expect_trap(OUT "sub-out 0 0\ndrop-out 0", "its pollables are live");
    expect(IN "sub-in 0 0\nsub-in 1 0", ""); /* the end of a lease drops them in order */
}

static void handles_that_name_nothing_trap(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect_trap(IN "drop-in 0\nread 0 1",
                "not a live handle of type astrid:io/streams@1.0.0#input");
    expect_trap(IN "drop-in 0\nbread 0 1", "not a live handle");
    expect_trap(IN "drop-in 0\ndrop-in 0", "not a live handle");
    expect_trap(IN "drop-in 0\nsub-in 0 0", "not a live handle");
    expect_trap(OUT "drop-out 0\nbwrite 0 x", "not a live handle of type "
                                              "astrid:io/streams@1.0.0#output-stream");
    expect_trap(OUT "in 0 0\ndrop-in 0\nbsplice 0 0 1", "not a live handle");
    expect_trap("forge-in 0 0\nread 0 1", "0 is not a live handle");
    expect_trap("forge-out 0 4294967295\ncheck 0", "4294967295 is not a live handle");
}

static void a_handle_of_another_type_traps(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "show-in 0", "2"); /* the second object of its lease: the next one's is, too */
    expect_trap("connect 0 $0\nout 0 0\nforge-in 0 2\nread 0 1", "not a live handle");
    expect_trap("connect 0 $0\nin 0 0\nforge-out 0 2\ncheck 0", "not a live handle");
    expect_trap("connect 0 $0\nin 0 0\nforge-p 0 2\nready 0", "not a live handle");
    expect_trap("connect 0 $0\nin 0 0\nforge-p 0 2\ndrop-p 0", "not a live handle");
}

static void a_handle_of_an_earlier_lease_traps_and_condemns_the_instance_alone(void **state)
{
    (void)state;
    start_peer(tcp_peer_hello, 0);
    expect(IN "out 0 0\nsub-in 0 0", "");
    expect("", ""); /* the same instance, which remembers */
    expect_trap("read 0 1", "not a live handle");
    expect(IN "bread 0 5", "hello"); /* another one, that works */
}

/* ---- abandoned waits ---- */

static void a_deadline_ends_every_wait_and_leaves_nothing(void **state)
{
    (void)state;
    start_peer(tcp_peer_silent, 0);
    static const char *const scripts[] = {
        IN "bread 0 1",
        IN "bskip 0 1",
        IN "sub-in 0 0\nblock 0",
        IN "connect 1 $0\nout 1 1\nbsplice 1 0 1",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        assert_int_equal(play_for(scripts[i], 50)->outcome, BH_OUTCOME_DEADLINE);
        assert_int_equal(atomic_load(&socket_host_connections), 0);
    }
    expect("", "");
}

typedef struct pending {
    bool is_done;
    bh_outcome outcome;
} pending;

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    (void)error;
    pending *call = arg;
    call->is_done = true;
    call->outcome = status == BH_OK ? result->outcome : BH_OUTCOME_REFUSED;
}

static bhi_invocation *start(bhi_worker *worker, const char *script, pending *call)
{
    bhi_invocation *invocation;
    bh_request request = script_request(script);
    *call = (pending){0};
    use_engine_signals();
    assert_int_equal(
        bhi_invocation_start(io.probe, worker, &request, done_cb, call, &invocation, NULL), BH_OK);
    return invocation;
}

static void a_cancelled_wait_leaves_nothing(void **state)
{
    (void)state;
    bhi_worker *worker;
    pending call;
    start_peer(tcp_peer_silent, 0);
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    bhi_invocation *invocation = start(worker, IN "sub-in 0 0\nbread 0 1", &call);
    while (atomic_load(&socket_host_connections) == 0)
        bhi_worker_turn(worker, false);
    bhi_worker_turn(worker, false);
    bhi_invocation_cancel(invocation);
    while (!call.is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(call.outcome, BH_OUTCOME_CANCELLED);
    assert_int_equal(atomic_load(&socket_host_connections), 0);
    bhi_worker_destroy(worker);
}

/* A sink that takes all at once never makes the guest wait; others get their turns all the same. */
static void endless_zeroes_neither_take_memory_nor_starve_others(void **state)
{
    (void)state;
    bhi_worker *worker;
    pending endless, other;
    bh_capsule *one_instance = io.probe;
    guest_setup setup = {.guest = "probe_io",
                         .name = "other",
                         .options = {.live_max = 1, .has_reuse = true, .reuse = BH_REUSE_SHARED}};
    start_peer(tcp_peer_hello, 0);
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    bhi_invocation *zeroes = start(worker, PLENTY "bzeroes 9 18446744073709551615", &endless);
    unsigned long long before = atomic_load(&socket_host_swallowed);
    while (atomic_load(&socket_host_swallowed) == before)
        bhi_worker_turn(worker, false);
    io.probe = load_setup(&io.runtime, &setup);
    start(worker, IN "bread 0 5", &other);
    while (!other.is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(other.outcome, BH_OUTCOME_RETURNED);
    assert_false(endless.is_done);
    bhi_invocation_cancel(zeroes);
    while (!endless.is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(endless.outcome, BH_OUTCOME_CANCELLED);
    bh_capsule_release(io.probe);
    io.probe = one_instance;
    bhi_worker_destroy(worker);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_io_fixture, close_io_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_read_gives_what_is_at_hand_and_nothing_is_no_end),
        CASE(a_blocking_read_waits_for_a_byte_or_the_end),
        CASE(reading_nothing_does_not_wait),
        CASE(who_asks_for_nothing_learns_of_no_end),
        CASE(skipped_bytes_are_gone),
        CASE(a_call_moves_at_most_1_mib),
        CASE(everything_sent_is_read_in_order),
        CASE(an_endless_peer_is_stopped_when_the_buffer_is_full),
        CASE(a_write_needs_a_permit),
        CASE(what_is_written_arrives_also_when_the_stream_is_dropped_at_once),
        CASE(a_blocking_write_takes_any_size),
        CASE(zeroes_are_written),
        CASE(a_flush_permits_nothing_until_it_is_done),
        CASE(a_peer_that_never_reads_stops_the_writer),
        CASE(a_half_close_ends_one_direction),
        CASE(what_is_queued_still_leaves_after_a_half_close),
        CASE(a_failure_is_told_once_and_then_the_stream_is_closed),
        CASE(a_reset_is_seen_by_everything_that_waits),
        CASE(what_came_before_a_reset_is_read_first_S1),
        CASE(an_error_is_an_object_with_a_fixed_text),
        CASE(a_stream_outlives_its_connection),
        CASE(a_splice_moves_what_is_at_hand),
        CASE(a_splice_tells_the_end_of_either_side),
        CASE(a_splice_into_a_full_sink_takes_nothing),
        CASE(a_stream_with_live_pollables_is_not_dropped),
        CASE(handles_that_name_nothing_trap),
        CASE(a_handle_of_another_type_traps),
        CASE(a_handle_of_an_earlier_lease_traps_and_condemns_the_instance_alone),
        CASE(a_deadline_ends_every_wait_and_leaves_nothing),
        CASE(a_cancelled_wait_leaves_nothing),
        CASE(endless_zeroes_neither_take_memory_nor_starve_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
