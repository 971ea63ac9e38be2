/* cli/test_bench_peer.c - a bench's peer that is a program of its own; shell scripts stand for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/bench_peer.h"

#define HANG "exec sleep 1000" /* in place of the shell, so that it is what gets killed */

typedef struct fixture {
    char path[32];
    bhi_bench_peer *peer;
    bh_error error;
    double ns;
} fixture;

static int set_up(void **state)
{
    fixture *scripted = calloc(1, sizeof *scripted);
    *state = scripted;
    return scripted == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    fixture *scripted = *state;
    bhi_bench_peer_close(scripted->peer);
    if (scripted->path[0] != '\0')
        unlink(scripted->path);
    free(scripted);
    /* Whatever a test did, its peer is reaped. */
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : -1;
}

/* Start a peer that runs the shell script `body`. */
static fixture *start(void **state, const char *body)
{
    fixture *scripted = *state;
    strcpy(scripted->path, "/tmp/bulkhead-peer-XXXXXX");
    int fd = mkstemp(scripted->path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", body) > 0);
    assert_int_equal(fchmod(fd, S_IRWXU), 0);
    close(fd);
    if (bhi_bench_peer_open(scripted->path, NULL, "some guest.wasm", &scripted->peer,
                            &scripted->error) != BH_OK)
        fail_msg("%s", scripted->error.text);
    return scripted;
}

static void wait_until_ended(void)
{
    siginfo_t info;
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

static bh_status ask(fixture *scripted, const char *request)
{
    return bhi_bench_peer_ask(scripted->peer, request, &scripted->ns, &scripted->error);
}

static void assert_ask_fails(fixture *scripted, bh_status expected, const char *text)
{
    scripted->ns = -1;
    assert_int_equal(ask(scripted, "invoke 64 2000"), expected);
    assert_int_equal(scripted->error.code, expected);
    if (strstr(scripted->error.text, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, scripted->error.text);
    assert_true(scripted->ns == -1);
}

static void each_request_gets_its_answer(void **state)
{
    fixture *scripted = start(state, "while read word number; do echo $number.5; done");
    for (int number = 1; number <= 3; number++) {
        char request[32];
        snprintf(request, sizeof request, "build %d", number);
        assert_int_equal(ask(scripted, request), BH_OK);
        assert_true(scripted->ns == number + 0.5);
    }
}

static void guest_path_is_its_argument(void **state)
{
    fixture *scripted = start(state, "read line; [ \"$1\" = 'some guest.wasm' ] && echo $#");
    assert_int_equal(ask(scripted, "version"), BH_OK);
    assert_true(scripted->ns == 1);
}

static void answer_in_pieces_is_put_together(void **state)
{
    fixture *scripted = start(state, "read line; printf 12; printf 34; printf '\\n'");
    assert_int_equal(ask(scripted, "build 1"), BH_OK);
    assert_true(scripted->ns == 1234);
}

static void missing_program_says_how_to_build_it(void **state)
{
    fixture *scripted = *state;
    assert_int_equal(
        bhi_bench_peer_open("/no/such/peer", NULL, "guest", &scripted->peer, &scripted->error),
        BH_E_NOT_FOUND);
    assert_non_null(strstr(scripted->error.text, "/no/such/peer"));
    assert_non_null(strstr(scripted->error.text, "make bench-peers"));
    assert_null(scripted->peer);
}

static void file_that_is_no_program_is_refused(void **state)
{
    fixture *scripted = *state;
    assert_int_equal(
        bhi_bench_peer_open("/dev/null", NULL, "guest", &scripted->peer, &scripted->error),
        BH_E_IO);
    assert_null(scripted->peer);
}

static void error_line_is_the_error(void **state)
{
    fixture *scripted = start(state, "read line; echo \"error: no way to $line\"; exit 1");
    assert_ask_fails(scripted, BH_E_UNSUPPORTED, "no way to invoke 64 2000");
    assert_ask_fails(scripted, BH_E_CLOSED, "has ended before");
}

static void error_line_of_a_peer_that_ended_unasked_is_read(void **state)
{
    fixture *scripted = start(state, "echo 'error: no such guest'; exit 1");
    wait_until_ended();
    assert_ask_fails(scripted, BH_E_UNSUPPORTED, "no such guest");
}

static void peer_that_ended_at_once_is_reported_without_sigpipe(void **state)
{
    fixture *scripted = start(state, "exit 7");
    wait_until_ended();
    assert_ask_fails(scripted, BH_E_IO, "exit code 7");
    assert_ask_fails(scripted, BH_E_CLOSED, "has ended before");
}

static void peer_that_dies_over_a_request_is_reported(void **state)
{
    fixture *scripted = start(state, "read line; kill -9 $$");
    assert_ask_fails(scripted, BH_E_IO, "signal 9");
}

static void peer_that_ends_within_a_line_has_not_answered(void **state)
{
    fixture *scripted = start(state, "read line; printf 12");
    assert_ask_fails(scripted, BH_E_IO, "exit code 0");
}

static void peer_that_does_not_answer_is_killed_in_time(void **state)
{
    fixture *scripted = start(state, HANG);
    bhi_bench_peer_set_answer_ms(scripted->peer, 20);
    assert_ask_fails(scripted, BH_E_DEADLINE, "within 20 ms");
    assert_ask_fails(scripted, BH_E_CLOSED, "has ended before");
}

static void half_an_answer_does_not_extend_the_time(void **state)
{
    fixture *scripted = start(state, "printf 12; " HANG);
    bhi_bench_peer_set_answer_ms(scripted->peer, 20);
    assert_ask_fails(scripted, BH_E_DEADLINE, "within 20 ms");
}

static void answers_that_are_no_number_are_refused(void **state)
{
    static const char *const answers[] = {"fast", "", "12 ns", "0", "-3", "inf", "12\\n34", "nan"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "read line; printf '%%b\\n' '%s'", answers[i]);
        fixture *scripted = start(state, body);
        assert_ask_fails(scripted, BH_E_CORRUPT, "expected one number");
        bhi_bench_peer_close(scripted->peer);
        scripted->peer = NULL;
        unlink(scripted->path);
    }
}

static void endless_line_is_refused(void **state)
{
    fixture *scripted = start(state, "exec tr '\\0' 1 </dev/zero");
    assert_ask_fails(scripted, BH_E_CORRUPT, "found more");
}

static void request_of_two_lines_is_refused_and_not_sent(void **state)
{
    fixture *scripted = start(state, "read line; echo 5");
    assert_int_equal(ask(scripted, "build 1\nbuild 2"), BH_E_ARG);
    assert_int_equal(ask(scripted, "build 1"), BH_OK);
    assert_true(scripted->ns == 5);
}

static void close_lets_the_peer_end_by_itself(void **state)
{
    char mark[] = "/tmp/bulkhead-peer-mark-XXXXXX", body[128];
    int fd = mkstemp(mark);
    assert_true(fd >= 0);
    snprintf(body, sizeof body, "while read line; do echo 1; done; rm %s", mark);
    fixture *scripted = start(state, body);
    assert_int_equal(ask(scripted, "build 1"), BH_OK);
    bhi_bench_peer_close(scripted->peer);
    scripted->peer = NULL;
    assert_int_equal(access(mark, F_OK), -1);
    close(fd);
}

static void close_kills_a_peer_that_does_not_end(void **state)
{
    fixture *scripted = start(state, HANG);
    uint64_t began_ns = bhi_monotonic_ns();
    bhi_bench_peer_close(scripted->peer);
    scripted->peer = NULL;
    assert_true(bhi_monotonic_ns() - began_ns < 100 * BHI_NS_PER_SECOND);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_request_gets_its_answer),
        TEST(guest_path_is_its_argument),
        TEST(answer_in_pieces_is_put_together),
        TEST(missing_program_says_how_to_build_it),
        TEST(file_that_is_no_program_is_refused),
        TEST(error_line_is_the_error),
        TEST(error_line_of_a_peer_that_ended_unasked_is_read),
        TEST(peer_that_ended_at_once_is_reported_without_sigpipe),
        TEST(peer_that_dies_over_a_request_is_reported),
        TEST(peer_that_ends_within_a_line_has_not_answered),
        TEST(peer_that_does_not_answer_is_killed_in_time),
        TEST(half_an_answer_does_not_extend_the_time),
        TEST(answers_that_are_no_number_are_refused),
        TEST(endless_line_is_refused),
        TEST(request_of_two_lines_is_refused_and_not_sent),
        TEST(close_lets_the_peer_end_by_itself),
        TEST(close_kills_a_peer_that_does_not_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
