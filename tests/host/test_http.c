/* astrid:http/host, called by a guest through the SDK against a real server. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* ---- http-request ---- */

static void a_request_is_sent_and_its_response_comes_back(void **state)
{
    (void)state;
    expect("GET " ROOT "/text/hello", "200\ncontent-length: 5\n\nhello");
}

static void the_peer_sees_the_method_the_headers_and_the_body(void **state)
{
    (void)state;
    const char *seen =
        http_ask(&world, "request",
                 "PUT " ROOT "/echo?q=1#fragment\nX-One: a\nX-One: b\nX-Empty: \n\nthe body");
    assert_non_null(strstr(seen, "\n\nPUT /echo?q=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(seen, "\r\nX-One: a\r\nX-One: b\r\nX-Empty:\r\nContent-Length: 8\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\nthe body"));
    assert_null(strstr(seen, "Content-Type: application"));
    assert_null(strstr(seen, "Expect:"));
    assert_null(strstr(seen, "Cookie"));
}

static void every_method_but_connect_is_sent(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",     "POST",  "PUT",   "DELETE",
                                          "OPTIONS", "TRACE", "PATCH", "PURGE"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char payload[64], line[64];
        snprintf(payload, sizeof payload, "%s " ROOT "/echo", methods[i]);
        snprintf(line, sizeof line, "\n\n%s /echo HTTP/1.1\r\n", methods[i]);
        assert_non_null(strstr(http_ask(&world, "request", payload), line));
    }
    expect("HEAD " ROOT "/text/hello", "200\ncontent-length: 5\n\n");
    expect("CONNECT " ROOT "/echo", "deny: invalid-request");
    expect("connect " ROOT "/echo", "deny: invalid-request");
    expect("BAD@METHOD " ROOT "/echo", "deny: invalid-request");
}

static void an_error_status_is_a_success(void **state)
{
    (void)state;
    expect("GET " ROOT "/status/404", "404\ncontent-length: 10\n\nstatus 404");
    expect("GET " ROOT "/status/500", "500\ncontent-length: 10\n\nstatus 500");
}

static void a_body_of_10_mib_comes_back_and_one_byte_more_is_too_large(void **state)
{
    (void)state;
    http_expect(&world, "size", "GET " ROOT "/bytes/10485760", "200 10485760");
    http_expect(&world, "size", "GET " ROOT "/bytes/10485761", "deny: body-too-large");
    http_expect(&world, "size", "GET " ROOT "/chunked/100000", "200 100000");
    http_expect(&world, "size", "GET " ROOT "/endless", "deny: body-too-large");
    http_expect(&world, "size", "GET " ROOT "/endless-length", "deny: body-too-large");
}

static void a_request_body_has_at_most_10_mib(void **state)
{
    (void)state;
    http_expect(&world, "fill", "POST " ROOT "/text/ok\n\n10485760", "200 2");
    http_expect(&world, "fill", "POST " ROOT "/text/ok\n\n10485761", "deny: invalid-request");
}

static void response_headers_are_lower_case_latin_1_and_may_repeat(void **state)
{
    (void)state;
    expect("GET " ROOT "/latin1", "200\ncontent-length: 0\nx-name: caf\u00e9\nx-empty: \n\n");
    expect("GET " ROOT "/twice", "200\ncontent-length: 0\nset-cookie: a=1\nset-cookie: b=2\n\n");
}

static void interim_responses_and_trailers_are_left_out(void **state)
{
    (void)state;
    expect("GET " ROOT "/interim", "200\ncontent-length: 5\n\nfinal");
    expect("GET " ROOT "/trailers", "200\ntransfer-encoding: chunked\n\nabc");
}

static void nothing_is_decompressed(void **state)
{
    (void)state;
    expect("GET " ROOT "/gzip\nAccept-Encoding: gzip",
           "200\ncontent-encoding: gzip\ncontent-length: 8\n\nnot gzip");
}

static void a_response_without_a_length_ends_with_its_connection(void **state)
{
    (void)state;
    expect("GET " ROOT "/close/bye", "200\nconnection: close\n\nbye");
}

static void requests_share_a_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        expect("GET " ROOT "/text/again", "200\ncontent-length: 5\n\nagain");
    assert_int_equal(http_peer_connections(world.peer), 1);
}

/* ---- redirects ---- */

static void redirects_are_followed_up_to_10(void **state)
{
    (void)state;
    expect("GET " ROOT "/redirect/1", "200\ncontent-length: 7\n\narrived");
    expect("GET " ROOT "/redirect/10", "200\ncontent-length: 7\n\narrived");
    expect("GET " ROOT "/redirect/11", "deny: protocol too many redirects");
    expect("GET " ROOT "/loop", "deny: protocol too many redirects");
    assert_int_equal(http_peer_connections(world.peer), 1);
}

static void a_redirect_with_a_large_body_is_followed_too(void **state)
{
    (void)state;
    expect("GET " ROOT "/to-big/1000", "200\ncontent-length: 7\n\narrived");
    expect("GET " ROOT "/to-big/10000000", "200\ncontent-length: 7\n\narrived");
}

static void a_redirect_status_without_a_location_is_an_answer(void **state)
{
    (void)state;
    expect("GET " ROOT "/status/302", "302\ncontent-length: 10\n\nstatus 302");
    expect("GET " ROOT "/status/304", "304\ncontent-length: 10\n\n");
}

/* METHOD of the first request, status, METHOD of the second, its body or "". */
static void expect_second(const char *method, unsigned status, const char *second, bool has_body)
{
    char payload[256], line[64];
    snprintf(payload, sizeof payload,
             "%s " ROOT "/to/%u//echo\nContent-Type: text/x\nX-Kept: 1\n\nthe body", method,
             status);
    snprintf(line, sizeof line, "\n\n%s /echo HTTP/1.1\r\n", second);
    const char *seen = http_ask(&world, "request", payload);
    if (strstr(seen, line) == NULL)
        fail_msg("%s %u: %s", method, status, seen);
    assert_non_null(strstr(seen, "\r\nX-Kept: 1\r\n"));
    assert_int_equal(strstr(seen, "\r\n\r\nthe body") != NULL, has_body);
    assert_int_equal(strstr(seen, "\r\nContent-Type: text/x") != NULL, has_body);
    assert_int_equal(strstr(seen, "\r\nContent-Length") != NULL, has_body);
}

static void redirects_change_the_method_as_their_status_says(void **state)
{
    (void)state;
    static const unsigned to_get[] = {301, 302, 303};
    for (int i = 0; i < 3; i++) {
        expect_second("POST", to_get[i], "GET", false);
        expect_second("PUT", to_get[i], "GET", false);
    }
    expect_second("POST", 307, "POST", true);
    expect_second("PATCH", 308, "PATCH", true);
    expect("HEAD " ROOT "/to/303//text/hello", "200\ncontent-length: 5\n\n");
}

static void credentials_are_dropped_when_the_origin_changes(void **state)
{
    (void)state;
    static const char headers[] = "\nAuthorization: secret\nCookie: a=b\nX-Kept: 1";
    char payload[512];
    snprintf(payload, sizeof payload, "GET " ROOT "/to/302//echo%s", headers);
    const char *seen = http_ask(&world, "request", payload);
    assert_non_null(strstr(seen, "\r\nAuthorization: secret\r\nCookie: a=b\r\n"));
    snprintf(payload, sizeof payload, "GET " ROOT "/to/302/http://granted.test:PORT/echo%s",
             headers);
    seen = http_ask(&world, "request", payload);
    assert_non_null(strstr(seen, "Host: granted.test:"));
    assert_null(strstr(seen, "secret"));
    assert_null(strstr(seen, "Cookie"));
    assert_non_null(strstr(seen, "\r\nX-Kept: 1\r\n"));
}

static void every_hop_needs_a_grant_of_its_own(void **state)
{
    (void)state;
    expect("GET " ROOT "/to/302/http://other.test:PORT/echo", "deny: capability-denied");
    expect("GET " ROOT "/to/302/http://127.0.0.2:PORT/echo", "deny: capability-denied");
    expect("GET " ROOT "/to/302/http://localhost:PORT/echo", "deny: airlock-rejected");
    expect("GET " ROOT "/to/302/http://127.0.0.1:1/echo", "deny: airlock-rejected");
    expect("GET " ROOT "/to/302/ftp://127.0.0.1:PORT/echo", "deny: protocol malformed redirect");
    expect("GET " ROOT "/to/302/http://u:p@127.0.0.1:PORT/echo",
           "deny: protocol malformed redirect");
    expect("GET " ROOT "/to/302/file:///etc/passwd", "deny: protocol malformed redirect");
    assert_int_equal(http_peer_requests(world.peer), 7);
}

/* ---- which peers ---- */

static void only_granted_hosts_are_asked(void **state)
{
    (void)state;
    expect("GET http://other.test:PORT/echo", "deny: capability-denied");
    expect("GET http://granted.test.evil:PORT/echo", "deny: capability-denied");
    expect("GET http://127.0.0.2:PORT/echo", "deny: capability-denied");
    expect("GET ftp://127.0.0.1:PORT/echo", "deny: invalid-request");
    expect("GET http://u:p@127.0.0.1:PORT/echo", "deny: invalid-request");
    expect("GET nonsense", "deny: invalid-request");
    expect("GET " ROOT "/echo\nHost: other", "deny: invalid-request");
    expect("GET http://sub.granted.test:PORT/echo", "deny: dns-error");
    assert_int_equal(http_peer_connections(world.peer), 0);
}

static void every_spelling_of_a_private_address_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://127.0.0.1:1/",    "http://2130706433:1/", "http://0x7f000001:1/",
        "http://0177.0.0.1:1/",   "http://127.1:1/",      "http://localhost:PORT/",
        "http://LOCALHOST:PORT/", "http://[::1]:PORT/",   "http://%31%32%37.0.0.1:1/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char payload[128];
        snprintf(payload, sizeof payload, "GET %s", urls[i]);
        expect(payload, "deny: airlock-rejected");
    }
    /* Not every resolver knows the name with a dot at its end. */
    assert_int_equal(
        strncmp(http_ask(&world, "request", "GET http://localhost.:PORT/"), "deny: ", 6), 0);
    assert_int_equal(http_peer_connections(world.peer), 0);
}

static void with_every_host_granted_private_addresses_stay_refused(void **state)
{
    (void)state;
    http_world_close(&world);
    http_world_open_with(&world, "[\"*\"]", "[]");
    world.resolved[0] = "rebound.test:127.0.0.1";
    world.resolved[1] = "both.test:10.0.0.1,127.0.0.1";
    world.resolved[2] = "mapped.test:[::ffff:127.0.0.1]";
    static const char *const hosts[] = {
        "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]",    "0.0.0.0",
        "[::]",      "169.254.169.254",    "10.0.0.1", "rebound.test",
        "both.test", "mapped.test",        "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char payload[128];
        snprintf(payload, sizeof payload, "GET http://%s:PORT/text/x", hosts[i]);
        expect(payload, "deny: airlock-rejected");
    }
    assert_int_equal(http_peer_connections(world.peer), 0);
}

/* 127.0.0.1 plays the public address and 127.0.0.2 the private one. */
static bool is_public_here(const struct sockaddr *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    return address->sa_family == AF_INET && four->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

static struct curl_slist *resolve_anew(void *arg)
{
    http_world *of = arg;
    char line[64];
    snprintf(line, sizeof line, "rebound.test:%u:127.0.0.%u", http_peer_port(of->peer),
             ++of->resolves);
    return curl_slist_append(NULL, line);
}

static void a_name_that_changes_its_address_between_hops_is_checked_again(void **state)
{
    (void)state;
    http_world_close(&world);
    http_world_open_with(&world, "[\"*\"]", "[]");
    bhi_http_client_seams(world.client)->is_public = is_public_here;
    bhi_http_client_seams(world.client)->resolve = resolve_anew;
    expect("GET http://rebound.test:PORT/to-close//text/x", "deny: airlock-rejected");
}

static void a_kept_connection_is_no_way_around_the_check(void **state)
{
    (void)state;
    guest_setup setup = {.guest = "probe_http",
                         .name = "second",
                         .manifest = "[capabilities]\nnet = [\"127.0.0.1\"]\n"};
    bh_capsule *second = load_setup(&world.fixture, &setup);
    expect("GET " ROOT "/text/mine", "200\ncontent-length: 4\n\nmine");
    http_call *call =
        http_start_for(&world, second, "alice", "request", "GET " ROOT "/text/theirs");
    http_finish(call);
    assert_string_equal(call->data, "airlock-rejected");
    http_free(call);
    assert_int_equal(http_peer_requests(world.peer), 1);
    expect("GET " ROOT "/text/mine", "200\ncontent-length: 4\n\nmine");
    bh_capsule_release(second);
}

static void ask_for(bh_capsule *capsule, const char *principal)
{
    http_call *call =
        http_start_for(&world, capsule, principal, "request", "GET " ROOT "/text/mine");
    http_finish(call);
    assert_string_equal(call->data, "200\ncontent-length: 4\n\nmine");
    http_free(call);
}

static void a_connection_serves_one_principal_of_one_capsule(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ask_for(world.probe, "alice");
        ask_for(world.probe, "bob");
    }
    assert_int_equal(http_peer_connections(world.peer), 2);
    http_expect(&world, "stream", "oRd\nGET " ROOT "/text/x", "ok, 1");
    assert_int_equal(http_peer_connections(world.peer), 2);
}

static void a_response_that_nobody_asked_for_reaches_no_other_principal(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        expect("HEAD " ROOT "/head-body", "200\ncontent-length: 100\n\n");
        ask_for(world.probe, "bob");
    }
}

static void connections_of_64_principals_are_kept(void **state)
{
    (void)state;
    char names[3 * BHI_HTTP_OWNERS_MAX][16];
    for (int i = 0; i < 3 * BHI_HTTP_OWNERS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "p%d", i);
        ask_for(world.probe, names[i]);
    }
    while (http_peer_open_connections(world.peer) > BHI_HTTP_OWNERS_MAX)
        sched_yield();
    assert_int_equal(http_peer_open_connections(world.peer), BHI_HTTP_OWNERS_MAX);
    ask_for(world.probe, names[2 * BHI_HTTP_OWNERS_MAX]); /* still kept */
    assert_int_equal(http_peer_connections(world.peer), 3 * BHI_HTTP_OWNERS_MAX);
    ask_for(world.probe, names[0]);
    assert_int_equal(http_peer_connections(world.peer), 3 * BHI_HTTP_OWNERS_MAX + 1);
}

static bool is_always_public(const struct sockaddr *address)
{
    return true;
}

/* One request to each of `count` hosts. */
static void ask_hosts(const char *principal, int count)
{
    char payload[100];
    for (int i = 0; i < count; i++) {
        snprintf(payload, sizeof payload, "GET http://h%d.many.test:PORT/text/mine", i);
        http_call *call = http_start_for(&world, world.probe, principal, "request", payload);
        http_finish(call);
        assert_string_equal(call->data, "200\ncontent-length: 4\n\nmine");
        http_free(call);
    }
}

static void open_world_of_many_hosts(void)
{
    http_world_close(&world);
    http_world_open_with(&world, "[\"many.test\"]", "[]");
    bhi_http_client_seams(world.client)->is_public = is_always_public;
    world.resolved[0] = "*:127.0.0.1";
    world.resolved[1] = NULL;
}

static unsigned settled_connections(unsigned count_max)
{
    while (http_peer_open_connections(world.peer) > count_max)
        sched_yield();
    return http_peer_open_connections(world.peer);
}

enum { KEPT = BHI_HTTP_CONNECTIONS_KEPT_MAX };

static void kept_connections_are_bounded_over_all_principals_C5(void **state)
{
    (void)state;
    open_world_of_many_hosts();
    ask_hosts("alice", KEPT + 20);
    assert_int_equal(settled_connections(KEPT), KEPT);
    ask_hosts("bob", 10); /* the first costs alice hers, which were used less recently */
    assert_int_equal(settled_connections(10), 10);
    ask_hosts("bob", 10);
    assert_int_equal(http_peer_connections(world.peer), KEPT + 20 + 10);
}

static void principals_with_open_streams_keep_no_more_together_C5(void **state)
{
    (void)state;
    static const char *const names[] = {"p0", "p1", "p2", "p3"};
    enum { PRINCIPALS = 4 };
    http_call *streams[PRINCIPALS];
    open_world_of_many_hosts();
    for (int i = 0; i < PRINCIPALS; i++)
        streams[i] = http_start_for(&world, world.probe, names[i], "stream",
                                    "ord\nGET http://s.many.test:PORT/drip/1");
    http_turn_until_waiters(&world, PRINCIPALS);
    for (int i = 0; i < PRINCIPALS; i++)
        ask_hosts(names[i], 120);
    assert_true(settled_connections(KEPT + 2 * PRINCIPALS) >= KEPT);
    http_peer_permit(world.peer, PRINCIPALS);
    for (int i = 0; i < PRINCIPALS; i++) {
        http_finish(streams[i]);
        http_free(streams[i]);
    }
    ask_hosts("q", 1);
    settled_connections(KEPT);
}

/* 127.0.0.1 is public for as long as the connection is opened, and then no more. */
static bool is_public_now;

static bool is_public_for_now(const struct sockaddr *address)
{
    return is_public_now;
}

static void a_kept_connection_is_checked_before_each_request(void **state)
{
    (void)state;
    http_world_close(&world);
    http_world_open_with(&world, "[\"127.0.0.1\"]", "[]");
    bhi_http_client_seams(world.client)->is_public = is_public_for_now;
    is_public_now = true;
    ask_for(world.probe, "alice");
    is_public_now = false;
    expect("GET " ROOT "/text/mine", "deny: airlock-rejected");
    is_public_now = true;
    ask_for(world.probe, "alice");
    assert_int_equal(http_peer_requests(world.peer), 2);
}

static void a_name_that_does_not_exist_is_a_dns_error(void **state)
{
    (void)state;
    http_world_close(&world);
    http_world_open_with(&world, "[\"invalid\"]", "[]");
    expect("GET http://nobody.invalid/", "deny: dns-error");
}

/* ---- http-stream ---- */

static void stream(const char *payload, const char *answer)
{
    http_expect(&world, "stream", payload, answer);
}

static void a_stream_gives_status_headers_and_the_body_in_pieces(void **state)
{
    (void)state;
    stream("oshtrrd\nGET " ROOT "/text/hello", "ok, 200, 1, hello, 0, 0");
    stream("oshRrd\nGET " ROOT "/status/404", "ok, 404, 1, 10, 0");
    stream("osRd\nGET " ROOT "/bytes/5000000", "ok, 200, 5000000");
    stream("osRd\nGET " ROOT "/chunked/1000000", "ok, 200, 1000000");
    stream("osRd\nGET " ROOT "/redirect/3", "ok, 200, 7");
    stream("osRrd\nGET " ROOT "/close/bye", "ok, 200, 3, 0");
    stream("osRd\nHEAD " ROOT "/bytes/100", "ok, 200, 0");
    stream("otd\nPOST " ROOT "/text/x\n\nbody", "ok, x");
}

static void a_chunk_has_at_most_64_kib(void **state)
{
    (void)state;
    http_call *call = http_start(&world, "stream", "orrrrd\nGET " ROOT "/bytes/262144");
    http_finish(call);
    char *rest = call->data + strlen("ok, ");
    for (size_t sum = 0; sum < 262144 && *rest != '\0';) {
        size_t len = strtoul(rest, &rest, 10);
        assert_in_range(len, 1, 65536);
        sum += len;
        rest += strspn(rest, ", ");
    }
    http_free(call);
}

static void a_closed_stream_has_nothing(void **state)
{
    (void)state;
    stream("occshrrpd\nGET " ROOT "/text/hello", "ok, 0, 0, closed, closed, ready");
}

static void at_most_4_streams_are_open_and_closing_one_makes_room(void **state)
{
    (void)state;
    stream("ooooo\nGET " ROOT "/text/x", "ok, ok, ok, ok, quota");
    stream("ooooco\nGET " ROOT "/text/x", "ok, ok, ok, ok, ok");
    stream("oooodod\nGET " ROOT "/text/x", "ok, ok, ok, ok, ok");
    stream("oooooo\nGET http://other.test/x",
           "capability-denied, capability-denied, capability-denied, capability-denied, "
           "capability-denied, capability-denied");
}

static void a_stream_that_nobody_reads_stops_at_256_kib(void **state)
{
    (void)state;
    http_call *call =
        http_start(&world, "stream", "oxd\nGET " ROOT "/bytes/20000000\nX-Other: " ROOT "/hold");
    http_turn_until_waiters(&world, 1);
    size_t before = 0, now = 0;
    for (int same = 0; same < 300 || now < 300000; same = now == before ? same + 1 : 0) {
        before = now;
        bhi_worker_turn(world.worker, false);
        sched_yield();
        now = http_peer_sent_bytes(world.peer);
    }
    http_peer_permit(world.peer, 1);
    http_finish(call);
    assert_string_equal(call->data, "ok, held");
    http_free(call);
    bhi_host_counters sums;
    bhi_host_totals_read(&world.probe->host_totals, &sums);
    assert_in_range(sums.http_received_bytes, 128 << 10, (256 << 10) + 4);
}

static void a_stream_that_was_full_goes_on_when_it_is_read(void **state)
{
    (void)state;
    http_call *call =
        http_start(&world, "stream", "oxR\nGET " ROOT "/bytes/3000000\nX-Other: " ROOT "/hold");
    http_turn_until_waiters(&world, 1);
    for (int i = 0; i < 500; i++)
        bhi_worker_turn(world.worker, false);
    http_peer_permit(world.peer, 1);
    http_finish(call);
    assert_string_equal(call->data, "ok, held, 3000000");
    http_free(call);
}

static void an_endless_body_ends_with_its_stream(void **state)
{
    (void)state;
    http_call *call = http_start(&world, "stream", "orrrrrrrrrrd\nGET " ROOT "/endless");
    http_finish(call);
    assert_memory_equal(call->data, "ok, ", 4); /* then the sizes of what was read */
    http_free(call);
    http_peer_await_no_connections(world.peer);
}

static void a_pollable_of_a_stream_is_ready_when_reading_would_not_wait(void **state)
{
    (void)state;
    http_call *call = http_start(&world, "stream", "optrpd\nGET " ROOT "/drip/1");
    http_turn_until_waiters(&world, 1);
    while (!call->is_done && http_peer_waiters(world.peer) > 0) {
        bhi_worker_turn(world.worker, false);
        http_peer_permit(world.peer, 1);
    }
    http_finish(call);
    assert_string_equal(call->data, "ok, waits, x, 0, ready");
    http_free(call);
}

static void a_guest_can_wait_for_a_stream_with_poll(void **state)
{
    (void)state;
    http_call *call = http_start(&world, "stream", "owtwrwd\nGET " ROOT "/drip/1");
    http_turn_until_waiters(&world, 1);
    http_peer_permit(world.peer, 1);
    http_finish(call);
    assert_string_equal(call->data, "ok, ready, x, ready, 0, ready");
    http_free(call);
}

static void the_body_as_a_stream_shares_the_cursor_of_read(void **state)
{
    (void)state;
    stream("obgged\nGET " ROOT "/text/hello", "ok, body, hello, closed");
    stream("obGred\nGET " ROOT "/bytes/3000000", "ok, body, 3000000 closed, 0");
    unsigned first, rest;
    const char *answer = http_ask(&world, "stream", "obrGed\nGET " ROOT "/bytes/500000");
    assert_int_equal(sscanf(answer, "ok, body, %u, %u closed", &first, &rest), 2);
    assert_int_equal(first + rest, 500000);
}

static void a_second_body_stream_is_closed_already(void **state)
{
    (void)state;
    stream("obbged\nGET " ROOT "/text/hello", "ok, body, body, closed");
}

static void a_body_stream_and_its_stream_may_go_in_any_order(void **state)
{
    (void)state;
    stream("obetd\nGET " ROOT "/text/hello", "ok, body, hello");
    stream("obdge\nGET " ROOT "/text/hello", "ok, body, closed");
    stream("obcged\nGET " ROOT "/text/hello", "ok, body, closed");
    stream("ob\nGET " ROOT "/endless", "ok, body");
}

static void a_body_stream_tells_a_failure_once(void **state)
{
    (void)state;
    stream(
        "obgggrrd\nGET " ROOT "/cut-body",
        "ok, body, 0123456789, last-operation-failed, closed, protocol truncated response, closed");
}

/* ---- TLS ---- */

typedef struct tls_server {
    char directory[32]; /* cert.pem, and what is served: whole responses */
    pid_t process;
    unsigned port;
} tls_server;

static void write_response(const tls_server *server, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", server->directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* A certificate of 127.0.0.1, signed by itself. */
static void start_tls_server(tls_server *server)
{
    char command[512];
    *server = (tls_server){.directory = "/tmp/bulkhead-tls-XXXXXX"};
    assert_non_null(mkdtemp(server->directory));
    snprintf(command, sizeof command,
             "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem "
             "-days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null",
             server->directory);
    assert_int_equal(system(command), 0);
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    server->process = fork();
    if (server->process == 0) {
        dup2(output[1], STDOUT_FILENO);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        if (chdir(server->directory) == 0)
            execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-key", "key.pem",
                   "-cert", "cert.pem", "-HTTP", (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    FILE *lines = fdopen(output[0], "re");
    char line[256];
    while (server->port == 0 && fgets(line, sizeof line, lines) != NULL)
        sscanf(line, "ACCEPT 127.0.0.1:%u", &server->port);
    fclose(lines);
    assert_int_not_equal(server->port, 0);
}

static void stop_tls_server(tls_server *server)
{
    char command[64];
    kill(server->process, SIGTERM);
    waitpid(server->process, NULL, 0);
    snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
    assert_int_equal(system(command), 0);
}

static bool has_openssl(void)
{
    return system("openssl version >/dev/null 2>&1") == 0;
}

/* A world whose guest may reach the server, also by the name granted.test. */
static void open_world_for(const tls_server *server)
{
    char hosts[96];
    snprintf(hosts, sizeof hosts, "[\"127.0.0.1\", \"granted.test:%u\"]", server->port);
    http_world_close(&world);
    http_world_open_with(&world, "[\"127.0.0.1\", \"granted.test\"]", hosts);
}

static struct curl_slist *resolve_granted(void *arg)
{
    char line[64];
    snprintf(line, sizeof line, "granted.test:%u:127.0.0.1", *(const unsigned *)arg);
    return curl_slist_append(NULL, line);
}

static void expect_of(const tls_server *server, const char *host, const char *path,
                      const char *answer)
{
    char payload[128];
    snprintf(payload, sizeof payload, "GET https://%s:%u/%s", host, server->port, path);
    expect(payload, answer);
}

static void a_certificate_that_nobody_vouches_for_is_a_tls_error(void **state)
{
    (void)state;
    tls_server server;
    char payload[64];
    if (!has_openssl())
        skip();
    start_tls_server(&server);
    open_world_for(&server);
    expect_of(&server, "127.0.0.1", "text", "deny: tls-error");
    snprintf(payload, sizeof payload, "o\nGET https://127.0.0.1:%u/", server.port);
    stream(payload, "tls-error");
    stop_tls_server(&server);
}

static void a_certificate_vouches_for_the_host_it_names(void **state)
{
    (void)state;
    tls_server server;
    char path[64];
    if (!has_openssl())
        skip();
    start_tls_server(&server);
    write_response(&server, "text", "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
    open_world_for(&server);
    snprintf(path, sizeof path, "%s/cert.pem", server.directory);
    bhi_http_seams *seams = bhi_http_client_seams(world.client);
    seams->ca_file = path;
    seams->resolve = resolve_granted;
    seams->arg = &server.port;
    expect_of(&server, "127.0.0.1", "text", "200\ncontent-length: 6\n\nsecret");
    expect_of(&server, "granted.test", "text", "deny: tls-error");
    stop_tls_server(&server);
}

static void a_redirect_from_https_to_http_is_refused(void **state)
{
    (void)state;
    tls_server server;
    char path[64], response[128];
    if (!has_openssl())
        skip();
    start_tls_server(&server);
    open_world_for(&server);
    snprintf(response, sizeof response,
             "HTTP/1.0 302 F\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:%u/text/x\r\n\r\n",
             http_peer_port(world.peer));
    write_response(&server, "down", response);
    snprintf(path, sizeof path, "%s/cert.pem", server.directory);
    bhi_http_client_seams(world.client)->ca_file = path;
    expect_of(&server, "127.0.0.1", "down", "deny: protocol redirect from https to http");
    assert_int_equal(http_peer_connections(world.peer), 0);
    stop_tls_server(&server);
}

/* ---- the host's view ---- */

static void requests_and_bytes_are_counted(void **state)
{
    (void)state;
    bhi_host_counters sums;
    expect("GET " ROOT "/redirect/2", "200\ncontent-length: 7\n\narrived");
    http_ask(&world, "request", "POST " ROOT "/text/abc\n\n12345");
    stream("oRd\nGET " ROOT "/bytes/1000", "ok, 1000");
    expect("GET http://other.test/", "deny: capability-denied");
    expect("GET " ROOT "/cut-body", "deny: protocol truncated response");
    bhi_host_totals_read(&world.probe->host_totals, &sums);
    assert_int_equal(sums.http_requests, 3 + 1 + 1 + 1);
    assert_int_equal(sums.http_refused, 1);
    assert_int_equal(sums.http_failed, 1);
    assert_int_equal(sums.http_sent_bytes, 5);
    assert_int_equal(sums.http_received_bytes, 7 + 3 + 1000 + 10);
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    expect("GET " ROOT "/text/direct", "200\ncontent-length: 6\n\ndirect");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_request_is_sent_and_its_response_comes_back),
    cmocka_unit_test(the_peer_sees_the_method_the_headers_and_the_body),
    cmocka_unit_test(every_method_but_connect_is_sent),
    cmocka_unit_test(an_error_status_is_a_success),
    cmocka_unit_test(a_body_of_10_mib_comes_back_and_one_byte_more_is_too_large),
    cmocka_unit_test(a_request_body_has_at_most_10_mib),
    cmocka_unit_test(response_headers_are_lower_case_latin_1_and_may_repeat),
    cmocka_unit_test(interim_responses_and_trailers_are_left_out),
    cmocka_unit_test(nothing_is_decompressed),
    cmocka_unit_test(a_response_without_a_length_ends_with_its_connection),
    cmocka_unit_test(requests_share_a_connection),
    cmocka_unit_test(redirects_are_followed_up_to_10),
    cmocka_unit_test(a_redirect_with_a_large_body_is_followed_too),
    cmocka_unit_test(a_redirect_status_without_a_location_is_an_answer),
    cmocka_unit_test(redirects_change_the_method_as_their_status_says),
    cmocka_unit_test(credentials_are_dropped_when_the_origin_changes),
    cmocka_unit_test(every_hop_needs_a_grant_of_its_own),
    cmocka_unit_test(only_granted_hosts_are_asked),
    cmocka_unit_test(every_spelling_of_a_private_address_is_refused),
    cmocka_unit_test(with_every_host_granted_private_addresses_stay_refused),
    cmocka_unit_test(a_name_that_changes_its_address_between_hops_is_checked_again),
    cmocka_unit_test(a_kept_connection_is_no_way_around_the_check),
    cmocka_unit_test(a_connection_serves_one_principal_of_one_capsule),
    cmocka_unit_test(a_response_that_nobody_asked_for_reaches_no_other_principal),
    cmocka_unit_test(connections_of_64_principals_are_kept),
    cmocka_unit_test(kept_connections_are_bounded_over_all_principals_C5),
    cmocka_unit_test(principals_with_open_streams_keep_no_more_together_C5),
    cmocka_unit_test(a_kept_connection_is_checked_before_each_request),
    cmocka_unit_test(a_name_that_does_not_exist_is_a_dns_error),
    cmocka_unit_test(a_stream_gives_status_headers_and_the_body_in_pieces),
    cmocka_unit_test(a_chunk_has_at_most_64_kib),
    cmocka_unit_test(a_closed_stream_has_nothing),
    cmocka_unit_test(at_most_4_streams_are_open_and_closing_one_makes_room),
    cmocka_unit_test(a_stream_that_nobody_reads_stops_at_256_kib),
    cmocka_unit_test(a_stream_that_was_full_goes_on_when_it_is_read),
    cmocka_unit_test(an_endless_body_ends_with_its_stream),
    cmocka_unit_test(a_pollable_of_a_stream_is_ready_when_reading_would_not_wait),
    cmocka_unit_test(a_guest_can_wait_for_a_stream_with_poll),
    cmocka_unit_test(the_body_as_a_stream_shares_the_cursor_of_read),
    cmocka_unit_test(a_second_body_stream_is_closed_already),
    cmocka_unit_test(a_body_stream_and_its_stream_may_go_in_any_order),
    cmocka_unit_test(a_body_stream_tells_a_failure_once),
    cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_a_tls_error),
    cmocka_unit_test(a_certificate_vouches_for_the_host_it_names),
    cmocka_unit_test(a_redirect_from_https_to_http_is_refused),
    cmocka_unit_test(requests_and_bytes_are_counted),
    cmocka_unit_test(proxies_of_the_environment_are_not_used),
};

int main(void)
{
    struct CMUnitTest all[64];
    size_t count = sizeof tests / sizeof tests[0];
    memcpy(all, tests, sizeof tests);
    for (size_t i = 0; i < count; i++) {
        all[i].setup_func = open_world;
        all[i].teardown_func = close_world;
    }
    return _cmocka_run_group_tests("http", all, count, NULL, NULL);
}
