/* waits.c - one action for each call that waits, entered with everything open that a lease may
 * have.
 *
 *   action     payload     waits in
 *   sleep                  sleep-ns
 *   recv                   recv of a topic that nobody publishes on
 *   block                  block on a subscription's readiness
 *   poll                   poll over many of those
 *   request    URL         http-request
 *   open       URL         http-stream-start
 *   chunk      URL         read-chunk, once what came has been read
 *   stream     URL         blocking-read of the body, the same
 *
 * Each opens a file in home:// and one in tmp://, a subscription and a pollable first, and logs
 * "waits in ACTION" before it waits. None of them comes back before a minute is over.
 */
#include <bulkhead/capsule.h>

#define TOPIC "never.published"
enum { POLLED = 64, WAIT_MS = 60000 };
static const uint64_t wait_ns = 60000000000;

static capsule_result came_back(capsule_bytes action)
{
    return capsule_deny("%.*s came back", (int)action.len, (const char *)action.data);
}

static capsule_pollable readiness(void)
{
    capsule_subscription subscription;
    if (capsule_subscribe(capsule_text(TOPIC), &subscription) != CAPSULE_IPC_OK)
        __builtin_trap();
    return capsule_subscription_readiness(subscription);
}

static void open_all(void)
{
    capsule_file file;
    readiness();
    if (capsule_open(capsule_text("home://held"), CAPSULE_OPEN_APPEND, &file) != CAPSULE_FS_OK ||
        capsule_open(capsule_text("tmp://held"), CAPSULE_OPEN_WRITE, &file) != CAPSULE_FS_OK)
        __builtin_trap();
}

static void wait_in_recv(void)
{
    capsule_subscription subscription;
    capsule_batch batch;
    if (capsule_subscribe(capsule_text(TOPIC), &subscription) != CAPSULE_IPC_OK ||
        capsule_subscription_recv(subscription, WAIT_MS, &batch) == CAPSULE_IPC_OK)
        __builtin_trap();
}

static void wait_in_poll(void)
{
    capsule_pollable pollables[POLLED];
    capsule_indices ready;
    for (int i = 0; i < POLLED; i++)
        pollables[i] = readiness();
    if (capsule_poll(pollables, POLLED, &ready) != CAPSULE_POLL_OK)
        __builtin_trap();
}

static capsule_http_stream open_stream(capsule_bytes url)
{
    capsule_http_request request = capsule_http_get(url);
    capsule_http_stream stream;
    if (capsule_http_open(&request, &stream) != CAPSULE_HTTP_OK)
        __builtin_trap();
    return stream;
}

static void wait_in_request(capsule_bytes url)
{
    capsule_http_request request = capsule_http_get(url);
    capsule_http_response response;
    if (capsule_http_send(&request, &response) != CAPSULE_HTTP_OK)
        __builtin_trap();
}

static void wait_in_chunk(capsule_bytes url)
{
    capsule_http_stream stream = open_stream(url);
    capsule_bytes data;
    while (capsule_http_read(stream, &data) == CAPSULE_HTTP_OK && data.len > 0) {
    }
}

static void wait_in_stream(capsule_bytes url)
{
    capsule_input_stream body = capsule_http_body_stream(open_stream(url));
    capsule_bytes data;
    while (capsule_input_blocking_read(body, 65536, &data) == CAPSULE_STREAM_OK) {
    }
}

static void wait_in(capsule_bytes action, capsule_bytes payload)
{
    if (capsule_equal_text(action, "sleep"))
        (void)!capsule_sleep_ns(wait_ns);
    else if (capsule_equal_text(action, "recv"))
        wait_in_recv();
    else if (capsule_equal_text(action, "block"))
        (void)!capsule_pollable_block(readiness());
    else if (capsule_equal_text(action, "poll"))
        wait_in_poll();
    else if (capsule_equal_text(action, "request"))
        wait_in_request(payload);
    else if (capsule_equal_text(action, "open"))
        open_stream(payload);
    else if (capsule_equal_text(action, "chunk"))
        wait_in_chunk(payload);
    else if (capsule_equal_text(action, "stream"))
        wait_in_stream(payload);
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    open_all();
    capsule_log(CAPSULE_LOG_INFO, "waits in %.*s", (int)action.len, (const char *)action.data);
    wait_in(action, payload);
    return came_back(action);
}
