/* What peers, clocks and the host's own end do to HTTP: nothing hangs, leaks or reaches others. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/http_owners.h"
#include "runtime/capsule.h"
#include "support/http_world.h"

static http_world world;

static int open_world(void **state)
{
    (void)state;
    http_world_open(&world);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    http_world_close(&world);
    return 0;
}

static void expect(const char *payload, const char *answer)
{
    http_expect(&world, "request", payload, answer);
}

#define ROOT "http://127.0.0.1:PORT"

/* The client is as good as before. */
static void expect_alive(void)
{
    expect("GET " ROOT "/text/alive", "200\ncontent-length: 5\n\nalive");
}

static uint32_t running(void)
{
    bhi_http_client_stats stats;
    bhi_http_client_read_stats(world.client, &stats);
    return stats.transfers_running;
}

/* ---- peers ---- */

static void what_a_peer_sends_wrongly_is_a_protocol_error(void **state)
{
    (void)state;
    expect("GET " ROOT "/garbage", "deny: protocol malformed response");
    expect("GET " ROOT "/bad-chunk", "deny: protocol malformed response");
    expect("GET " ROOT "/fold", "deny: protocol malformed response");
    expect("GET " ROOT "/no-colon", "deny: protocol malformed response");
    expect("GET " ROOT "/control", "deny: protocol malformed response");
    expect("GET " ROOT "/switching", "deny: protocol malformed response");
    expect_alive();
}

static void a_response_that_ends_too_early_is_an_error(void **state)
{
    (void)state;
    expect("GET " ROOT "/cut-body", "deny: protocol truncated response");
    expect("GET " ROOT "/cut-chunk", "deny: protocol truncated response");
    expect("GET " ROOT "/cut-head", "deny: protocol malformed response");
    expect("GET " ROOT "/cut-line", "deny: connection-error");
    expect("GET " ROOT "/reset", "deny: connection-error");
    expect_alive();
}

static void heads_are_bounded_in_count_and_bytes(void **state)
{
    (void)state;
    http_expect(&world, "size", "GET " ROOT "/headers/255", "200 0");
    expect("GET " ROOT "/headers/256", "deny: protocol response headers too large");
    http_expect(&world, "size", "GET " ROOT "/big-header/60000", "200 0");
    expect("GET " ROOT "/big-header/66000", "deny: protocol response headers too large");
    expect("GET " ROOT "/endless-interim", "deny: protocol response headers too large");
    expect("GET " ROOT "/big-header/90000000", "deny: protocol malformed response");
    expect_alive();
}

static void nobody_listening_is_a_connection_error(void **state)
{
    (void)state;
    http_peer *gone = http_peer_open("127.0.0.1");
    char hosts[64], payload[64];
    snprintf(hosts, sizeof hosts, "[\"127.0.0.1:%u\"]", http_peer_port(gone));
    snprintf(payload, sizeof payload, "GET http://127.0.0.1:%u/", http_peer_port(gone));
    http_peer_close(gone);
    http_world_close(&world);
    http_world_open_with(&world, "[\"127.0.0.1\"]", hosts);
    expect(payload, "deny: connection-error");
}

static void a_stream_gives_what_came_before_the_failure_then_it_once(void **state)
{
    (void)state;
    http_expect(&world, "stream", "otrrd\nGET " ROOT "/cut-body",
                "ok, 0123456789, protocol truncated response, closed");
    http_call *call = http_start(&world, "stream", "otrrd\nGET " ROOT "/reset-body");
    http_turn_until_waiters(&world, 1);
    http_peer_permit(world.peer, 1);
    http_finish(call);
    assert_string_equal(call->data, "ok, 0123456789, connection-error, closed");
    http_free(call);
    http_expect(&world, "stream", "o\nGET " ROOT "/garbage", "protocol malformed response");
    http_expect(&world, "stream", "o\nGET " ROOT "/loop", "protocol too many redirects");
    http_expect(&world, "stream", "o\nGET " ROOT "/to/302/http://other.test/", "capability-denied");
}

static void a_kept_connection_that_its_peer_closed_is_replaced(void **state)
{
    (void)state;
    expect_alive();
    expect("GET " ROOT "/close/x", "200\nconnection: close\n\nx");
    expect_alive();
    expect("GET " ROOT "/cut-body", "deny: protocol truncated response");
    expect_alive();
}

/* ---- clocks ---- */

static void a_request_that_takes_too_long_times_out(void **state)
{
    (void)state;
    bhi_http_client_seams(world.client)->request_ms_max = 50;
    expect("GET " ROOT "/hold", "deny: timeout");
    expect("GET " ROOT "/half/100", "deny: timeout");
    expect("GET " ROOT "/drip/2", "deny: timeout");
    assert_int_equal(running(), 0);
    bhi_http_client_seams(world.client)->request_ms_max = 0;
    expect_alive();
}

/* A listener whose queue is full: the kernel drops what comes. */
static void a_connection_that_does_not_come_times_out(void **state)
{
    (void)state;
    enum { FILL = 8 };
    http_world_close(&world);
    int fill[FILL], listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    for (int i = 0; i < FILL; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&at, sizeof at);
    }
    char hosts[64], payload[64];
    snprintf(hosts, sizeof hosts, "[\"127.0.0.1:%u\"]", ntohs(at.sin_port));
    snprintf(payload, sizeof payload, "GET http://127.0.0.1:%u/", ntohs(at.sin_port));
    http_world_open_with(&world, "[\"127.0.0.1\"]", hosts);
    bhi_http_client_seams(world.client)->connect_ms_max = 50;
    expect(payload, "deny: timeout");
    assert_int_equal(running(), 0);
    for (int i = 0; i < FILL; i++)
        close(fill[i]);
    close(listener);
}

static void a_stream_whose_head_does_not_come_times_out(void **state)
{
    (void)state;
    bhi_http_client_seams(world.client)->head_ms_max = 50;
    http_expect(&world, "stream", "o\nGET " ROOT "/hold", "timeout");
    bhi_http_client_seams(world.client)->head_ms_max = 0;
    http_expect(&world, "stream", "osd\nGET " ROOT "/half/100", "ok, 200");
    assert_int_equal(running(), 0);
}

static void a_chunk_that_does_not_come_times_out_and_the_stream_goes_on(void **state)
{
    (void)state;
    bhi_http_client_seams(world.client)->chunk_ms_max = 50;
    http_call *call =
        http_start(&world, "stream", "owrrrxwR\nGET " ROOT "/half/7\nX-Other: " ROOT "/hold");
    http_turn_until_waiters(&world, 2);
    http_peer_permit(world.peer, 2);
    http_finish(call);
    assert_string_equal(call->data, "ok, ready, 7, timeout, timeout, held, ready, 7");
    http_free(call);
}

/* ---- cancelling ---- */

/* Cancel while the request waits there; whoever else is served sees nothing of it. */
static void cancel_in(const char *action, const char *payload, unsigned waiters)
{
    http_call *call = http_start(&world, action, payload);
    http_turn_until_waiters(&world, waiters);
    for (int i = 0; i < 20; i++)
        bhi_worker_turn(world.worker, false);
    assert_false(call->is_done);
    bhi_invocation_cancel(call->invocation);
    http_finish(call);
    assert_int_equal(call->outcome, BH_OUTCOME_CANCELLED);
    http_free(call);
    assert_int_equal(running(), 0);
    http_peer_permit(world.peer, waiters);
    expect_alive();
}

static void a_call_can_be_cancelled_in_every_phase(void **state)
{
    (void)state;
    cancel_in("request", "GET " ROOT "/hold", 1);
    cancel_in("request", "GET " ROOT "/half/1000", 1);
    cancel_in("request", "GET " ROOT "/drip/3", 1);
    cancel_in("stream", "o\nGET " ROOT "/hold", 1);
    cancel_in("stream", "oR\nGET " ROOT "/half/1000", 1);
    cancel_in("stream", "oR\nGET " ROOT "/drip/3", 1);
    cancel_in("stream", "ox\nGET " ROOT "/bytes/3000000\nX-Other: " ROOT "/hold", 1);
}

static void a_call_can_be_cancelled_after_any_number_of_turns(void **state)
{
    (void)state;
    for (int turns = 0; turns < 40; turns++) {
        http_call *call = http_start(&world, "request", "GET " ROOT "/redirect/5");
        for (int i = 0; i < turns; i++)
            bhi_worker_turn(world.worker, false);
        if (!call->is_done)
            bhi_invocation_cancel(call->invocation);
        http_finish(call);
        http_free(call);
        assert_int_equal(running(), 0);
    }
    expect_alive();
}

/* ---- a name server that is silent ---- */

static pthread_mutex_t lookup_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t lookup_changed = PTHREAD_COND_INITIALIZER;
static unsigned lookups_begun, lookups_ended; /* of names that end in ".silent" */
static bool is_answered;                      /* those may end */

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

/* In place of the C library's, for libcurl's threads too. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list)
{
    const char *end = node == NULL ? NULL : strrchr(node, '.');
    if (end == NULL || strcmp(end, ".silent") != 0)
        return ((getaddrinfo_fn)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, ret_list);
    pthread_mutex_lock(&lookup_lock);
    lookups_begun++;
    pthread_cond_broadcast(&lookup_changed);
    while (!is_answered)
        pthread_cond_wait(&lookup_changed, &lookup_lock);
    lookups_ended++;
    pthread_cond_broadcast(&lookup_changed);
    pthread_mutex_unlock(&lookup_lock);
    return EAI_NONAME;
}

static unsigned begun(void)
{
    pthread_mutex_lock(&lookup_lock);
    unsigned count = lookups_begun;
    pthread_mutex_unlock(&lookup_lock);
    return count;
}

static int open_silence(void **state)
{
    (void)state;
    http_world_open_with(&world, "[\"*\"]", "[\"127.0.0.1:PORT\"]");
    lookups_begun = lookups_ended = 0;
    is_answered = false;
    return 0;
}

static int close_silence(void **state)
{
    pthread_mutex_lock(&lookup_lock);
    is_answered = true;
    pthread_cond_broadcast(&lookup_changed);
    while (lookups_ended < lookups_begun)
        pthread_cond_wait(&lookup_changed, &lookup_lock);
    pthread_mutex_unlock(&lookup_lock);
    return close_world(state); /* which waits for libcurl's threads */
}

static http_call *look_up(const char *principal, unsigned number)
{
    char payload[64];
    snprintf(payload, sizeof payload, "GET http://name%u.silent/", number);
    return http_start_for(&world, world.probe, principal, "request", payload);
}

/* Cancelled once its lookup has begun. */
static void leave_lookup(const char *principal, unsigned number)
{
    unsigned before = begun();
    http_call *call = look_up(principal, number);
    while (begun() == before)
        bhi_worker_turn(world.worker, false);
    bhi_invocation_cancel(call->invocation);
    http_finish(call);
    http_free(call);
}

static void expect_no_lookup(const char *principal, unsigned number)
{
    unsigned before = begun();
    http_call *call = look_up(principal, number);
    http_finish(call);
    assert_string_equal(call->data, "dns-error");
    assert_int_equal(begun(), before);
    http_free(call);
}

static void a_cancelled_name_lookup_does_not_hold_the_worker(void **state)
{
    (void)state;
    leave_lookup("alice", 0);
    expect_alive(); /* while it goes on */
    assert_int_equal(running(), 0);
}

static void lookups_that_are_left_are_bounded_for_an_owner_O_H3(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BHI_HTTP_LOOKUPS_LEFT_MAX; i++)
        leave_lookup("alice", i);
    expect_no_lookup("alice", 100);
    leave_lookup("bob", 101);
    expect_alive();
}

static void lookups_that_are_left_are_bounded_for_a_worker_O_H3(void **state)
{
    (void)state;
    unsigned count = 0;
    char principal[16];
    while (count < BHI_HTTP_ALL_LOOKUPS_LEFT_MAX) {
        snprintf(principal, sizeof principal, "p%u", count / 2); /* more than owners are kept */
        leave_lookup(principal, count++);
    }
    expect_no_lookup("p0", count);
    leave_lookup("alice", count); /* who left none does not pay for others */
    expect_no_lookup("alice", count + 1);
    expect_alive();
}

static void a_lookup_that_was_left_counts_for_a_while_O_H3(void **state)
{
    (void)state;
    bhi_http_client_seams(world.client)->lookup_ms_max = 0;
    for (unsigned i = 0; i < BHI_HTTP_LOOKUPS_LEFT_MAX; i++)
        leave_lookup("alice", i);
    leave_lookup("alice", 100);
}

static void a_lease_that_ends_closes_its_streams(void **state)
{
    (void)state;
    http_expect(&world, "stream", "oooo\nGET " ROOT "/endless", "ok, ok, ok, ok");
    assert_int_equal(running(), 0);
    http_peer_await_no_connections(world.peer);
    http_expect(&world, "stream", "oooo\nGET " ROOT "/text/x", "ok, ok, ok, ok");
}

/* ---- many ---- */

#ifdef __SANITIZE_THREAD__
enum {
    MANY = 200
}; /* of the peer's threads: a thousand are so slow there that requests time out */
#else
enum { MANY = 1000 };
#endif

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_true(limit.rlim_cur > 4 * MANY);
}

static void a_thousand_requests_wait_at_once_and_all_are_answered(void **state)
{
    (void)state;
    static http_call *calls[MANY];
    raise_descriptor_limit();
    for (int i = 0; i < MANY; i++)
        calls[i] = http_start(&world, "request", "GET " ROOT "/hold");
    http_turn_until_waiters(&world, MANY);
    assert_int_equal(running(), MANY);
    http_peer_permit(world.peer, MANY);
    for (int i = 0; i < MANY; i++) {
        http_finish(calls[i]);
        assert_string_equal(calls[i]->data, "200\ncontent-length: 4\n\nheld");
        http_free(calls[i]);
    }
    assert_int_equal(running(), 0);
    expect_alive();
}

static void a_thousand_waiting_requests_are_cancelled_and_nothing_stays(void **state)
{
    (void)state;
    static http_call *calls[MANY];
    raise_descriptor_limit();
    expect_alive();
    unsigned descriptors = count_descriptors();
    for (int i = 0; i < MANY; i++)
        calls[i] = http_start(&world, i % 2 ? "request" : "stream",
                              i % 2 ? "GET " ROOT "/hold" : "oR\nGET " ROOT "/half/100");
    http_turn_until_waiters(&world, MANY);
    for (int i = 0; i < MANY; i++)
        bhi_invocation_cancel(calls[i]->invocation);
    for (int i = 0; i < MANY; i++) {
        http_finish(calls[i]);
        http_free(calls[i]);
    }
    assert_int_equal(running(), 0);
    http_peer_permit(world.peer, MANY);
    /* The first connection was kept or replaced; the server's ends close too. */
    while (count_descriptors() > descriptors)
        bhi_worker_turn(world.worker, false);
    expect_alive();
}

static void a_principal_whose_requests_hang_holds_up_nobody_else(void **state)
{
    (void)state;
    http_call *hanging[64];
    for (int i = 0; i < 64; i++)
        hanging[i] = http_start_for(&world, world.probe, "mallory", i % 2 ? "request" : "stream",
                                    i % 2 ? "GET " ROOT "/hold" : "ooooR\nGET " ROOT "/half/9");
    http_turn_until_waiters(&world, 32 + 32);
    for (int i = 0; i < 20; i++)
        expect_alive();
    for (int i = 0; i < 64; i++) {
        bhi_invocation_cancel(hanging[i]->invocation);
        http_finish(hanging[i]);
        http_free(hanging[i]);
    }
    expect_alive();
    assert_int_equal(running(), 0);
}

/* ---- the client alone ---- */

typedef struct alone {
    bhi_http_transfer *transfer, *other;
    int done_count;
    bhi_http_failure failure;
    int cancel_in; /* 0: nowhere; 1 may_connect, 2 line, 3 body */
} alone;

static bool cancel_here(alone *one, int where)
{
    if (one->cancel_in != where)
        return false;
    bhi_http_transfer_cancel(one->transfer);
    if (one->other != NULL)
        bhi_http_transfer_cancel(one->other);
    return true;
}

static bool may_connect_cb(void *arg, const struct sockaddr *peer)
{
    cancel_here(arg, 1);
    return true;
}

static bool line_cb(void *arg, bhi_bytes line)
{
    cancel_here(arg, 2);
    return true;
}

static bhi_http_taken body_cb(void *arg, bhi_bytes bytes)
{
    cancel_here(arg, 3);
    return BHI_HTTP_TAKE_MORE;
}

static void done_cb(void *arg, bhi_http_failure failure)
{
    alone *one = arg;
    one->done_count++;
    one->failure = failure;
    one->transfer = NULL;
}

static const bhi_http_transfer_ops alone_ops = {
    .may_connect = may_connect_cb, .line = line_cb, .body = body_cb, .done = done_cb};

static CURLU *url_of(const char *path)
{
    char text[128];
    CURLU *url = curl_url();
    snprintf(text, sizeof text, "http://127.0.0.1:%u%s", http_peer_port(world.peer), path);
    assert_int_equal(curl_url_set(url, CURLUPART_URL, text, 0), CURLUE_OK);
    return url;
}

static void start_alone(bhi_http_client *client, CURLU *url, alone *one)
{
    bhi_http_transfer_spec spec = {
        .url = url, .method = "GET", .connect_ms_max = 10000, .ops = &alone_ops, .arg = one};
    assert_int_equal(bhi_http_transfer_start(client, &spec, &one->transfer, NULL), BH_OK);
}

static void a_transfer_may_be_cancelled_inside_its_callbacks_with_another(void **state)
{
    (void)state;
    CURLU *url = url_of("/text/hello"), *held = url_of("/hold");
    for (int where = 1; where <= 3; where++) {
        alone other = {0}, one = {.cancel_in = where};
        start_alone(world.client, held, &other);
        start_alone(world.client, url, &one);
        one.other = other.transfer;
        while (running() > 0)
            bhi_worker_turn(world.worker, false);
        assert_int_equal(one.done_count, 0);
        assert_int_equal(other.done_count, 0);
    }
    curl_url_cleanup(url);
    curl_url_cleanup(held);
    expect_alive();
}

static void a_client_that_closes_tells_every_transfer_once(void **state)
{
    (void)state;
    static const char *const paths[] = {"/hold", "/half/1000", "/text/x", "/endless"};
    unsigned descriptors = count_descriptors();
    for (int turns = 0; turns < 30; turns += 3) {
        bhi_worker *worker;
        void *service;
        alone ones[4] = {0};
        CURLU *urls[4];
        assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
        assert_int_equal(bhi_worker_service(worker, &bhi_http_client_kind, &service, NULL), BH_OK);
        for (int i = 0; i < 4; i++)
            start_alone(service, urls[i] = url_of(paths[i]), &ones[i]);
        for (int i = 0; i < turns; i++)
            bhi_worker_turn(worker, false);
        bhi_worker_destroy(worker);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(ones[i].done_count, 1);
            curl_url_cleanup(urls[i]);
        }
        assert_int_equal(ones[0].failure, BHI_HTTP_CLOSED);
    }
    http_peer_permit(world.peer, 100);
    while (count_descriptors() > descriptors) /* what the peer has yet to accept it closes too */
        sched_yield();
    assert_int_equal(count_descriptors(), descriptors);
}

static void a_worker_runs_at_most_4096_transfers(void **state)
{
    (void)state;
    static alone ones[BHI_HTTP_TRANSFERS_MAX];
    bhi_http_transfer *beyond;
    CURLU *url = url_of("/text/x");
    for (int i = 0; i < BHI_HTTP_TRANSFERS_MAX; i++)
        start_alone(world.client, url, &ones[i]);
    bhi_http_transfer_spec spec = {.url = url, .method = "GET", .ops = &alone_ops};
    assert_int_equal(bhi_http_transfer_start(world.client, &spec, &beyond, NULL), BH_E_LIMIT);
    for (int i = 0; i < BHI_HTTP_TRANSFERS_MAX; i++)
        bhi_http_transfer_cancel(ones[i].transfer);
    assert_int_equal(running(), 0);
    curl_url_cleanup(url);
    expect_alive();
}

#define CASE_IN_SILENCE(test) cmocka_unit_test_setup_teardown(test, open_silence, close_silence)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_a_peer_sends_wrongly_is_a_protocol_error),
    cmocka_unit_test(a_response_that_ends_too_early_is_an_error),
    cmocka_unit_test(heads_are_bounded_in_count_and_bytes),
    cmocka_unit_test(nobody_listening_is_a_connection_error),
    cmocka_unit_test(a_stream_gives_what_came_before_the_failure_then_it_once),
    cmocka_unit_test(a_kept_connection_that_its_peer_closed_is_replaced),
    cmocka_unit_test(a_request_that_takes_too_long_times_out),
    cmocka_unit_test(a_connection_that_does_not_come_times_out),
    cmocka_unit_test(a_stream_whose_head_does_not_come_times_out),
    cmocka_unit_test(a_chunk_that_does_not_come_times_out_and_the_stream_goes_on),
    cmocka_unit_test(a_call_can_be_cancelled_in_every_phase),
    cmocka_unit_test(a_call_can_be_cancelled_after_any_number_of_turns),
    CASE_IN_SILENCE(a_cancelled_name_lookup_does_not_hold_the_worker),
    CASE_IN_SILENCE(lookups_that_are_left_are_bounded_for_an_owner_O_H3),
    CASE_IN_SILENCE(lookups_that_are_left_are_bounded_for_a_worker_O_H3),
    CASE_IN_SILENCE(a_lookup_that_was_left_counts_for_a_while_O_H3),
    cmocka_unit_test(a_lease_that_ends_closes_its_streams),
    cmocka_unit_test(a_thousand_requests_wait_at_once_and_all_are_answered),
    cmocka_unit_test(a_thousand_waiting_requests_are_cancelled_and_nothing_stays),
    cmocka_unit_test(a_principal_whose_requests_hang_holds_up_nobody_else),
    cmocka_unit_test(a_transfer_may_be_cancelled_inside_its_callbacks_with_another),
    cmocka_unit_test(a_client_that_closes_tells_every_transfer_once),
    cmocka_unit_test(a_worker_runs_at_most_4096_transfers),
};

int main(void)
{
    struct CMUnitTest all[64];
    size_t count = sizeof tests / sizeof tests[0];
    memcpy(all, tests, sizeof tests);
    for (size_t i = 0; i < count; i++) {
        if (all[i].setup_func != NULL)
            continue;
        all[i].setup_func = open_world;
        all[i].teardown_func = close_world;
    }
    return _cmocka_run_group_tests("http faults", all, count, NULL, NULL);
}
