/* support/io_fixture.c - see the header. */
#include "support/io_fixture.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

io_fixture io;

/* The process opens some descriptors once, when the first tracked instance is made. */
static void open_once(void)
{
    guest_setup setup = {.guest = "probe_io", .name = "first"};
    bh_capsule_release(load_setup(&io.runtime, &setup));
}

int open_io_fixture(void **state)
{
    (void)state;
    io = (io_fixture){0};
    runtime_fixture_open(&io.runtime);
    io.runtime.runtime->host = socket_host_table();
    open_once();
    guest_setup setup = {
        .guest = "probe_io",
        .name = "probe",
        .options = {.live_max = 1, .has_reuse = true, .reuse = BH_REUSE_SHARED},
    };
    io.probe = load_setup(&io.runtime, &setup);
    expect("", ""); /* the worker of this thread is there now */
    io.descriptors = count_descriptors();
    return 0;
}

int close_io_fixture(void **state)
{
    (void)state;
    stop_peers();
    int connections = atomic_load(&socket_host_connections);
    int descriptors = count_descriptors();
    for (int tries = 0; tries < 1000000 && descriptors > io.descriptors; tries++) {
        sched_yield(); /* the keeper may hold a released capsule, and its image, for a moment */
        descriptors = count_descriptors();
    }
    bh_capsule_release(io.probe);
    runtime_fixture_close(&io.runtime);
    assert_int_equal(connections, 0);
    assert_in_range(descriptors, 0, io.descriptors);
    return 0;
}

tcp_peer *start_peer(tcp_peer_serve serve, size_t size)
{
    tcp_peer *peer = &io.peers[io.peers_count++];
    tcp_peer_start(peer, serve, size);
    return peer;
}

void stop_peers(void)
{
    for (; io.peers_count > 0; io.peers_count--)
        tcp_peer_stop(&io.peers[io.peers_count - 1]);
}

bh_request script_request(const char *script)
{
    static char text[16384];
    size_t len = 0;
    for (; *script != 0; script++) {
        assert_true(len < sizeof text - 8);
        if (script[0] == '$')
            len += (size_t)sprintf(text + len, "%u", io.peers[*++script - '0'].port);
        else
            text[len++] = *script;
    }
    text[len] = 0;
    return (bh_request){
        .action = "play", .payload = text, .payload_len = len, .principal = "alice"};
}

const bh_result *play_for(const char *script, uint32_t timeout_ms)
{
    bh_request request = script_request(script);
    request.timeout_ms = timeout_ms;
    return invoke_with(io.probe, &request);
}

const bh_result *play(const char *script)
{
    return play_for(script, 0);
}

void expect(const char *script, const char *answer)
{
    const bh_result *result = play(script);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s\n%s: %s", script, bh_outcome_name(result->outcome), result->message);
    assert_string_equal(result->has_data ? result->data : "", answer);
}

void expect_trap(const char *script, const char *text)
{
    const bh_result *result = play(script);
    if (result->outcome != BH_OUTCOME_TRAPPED)
        fail_msg("%s\n%s: %s", script, bh_outcome_name(result->outcome), result->data);
    if (strstr(result->message, text) == NULL)
        fail_msg("%s\n%s", script, result->message);
    expect("", "");
}
