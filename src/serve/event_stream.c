/* serve/event_stream.c - a bus subscriber whose queue is read by a connection.
 *
 * The daemon asks for bytes whenever the socket takes some. Without messages the connection is
 * suspended, watched for its client's leaving, and resumed when a message arrives or it is time for
 * a sign of life. A slow socket just is not asked: the subscriber's queue fills and drops.
 *
 * The stream lives as long as the daemon's response, which frees it with the connection.
 */
#include "serve/event_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "bus/topic.h"
#include "host/principal.h"
#include "runtime/runtime.h"
#include "serve/hangup.h"
#include "worker/timer.h"

enum { BLOCK_BYTES = 16 << 10, BATCH_BYTES_MAX = 256 << 10, TEXT_BYTES_KEPT = 64 << 10 };
#define SIGN_OF_LIFE_NS (15 * BHI_NS_PER_SECOND)

typedef struct event_stream {
    bhi_link link; /* on the listener's streams */
    bhi_http *http;
    struct MHD_Connection *connection;
    bhi_subscriber *subscriber;
    bhi_task wake;
    bhi_timer *timer; /* NULL while the connection is not suspended */
    bhi_hangup *hangup;
    bool is_suspended, is_ending;
    char *text; /* events that are not sent yet, from `sent` to `len` */
    size_t len, sent, capacity;
} event_stream;

/* ---- text ---- */

static bool add_text(event_stream *stream, const char *text, size_t len)
{
    if (stream->len + len > stream->capacity) {
        size_t capacity = stream->capacity == 0 ? 4096 : stream->capacity;
        while (capacity < stream->len + len)
            capacity *= 2;
        char *grown = realloc(stream->text, capacity);
        if (grown == NULL)
            return false;
        stream->text = grown;
        stream->capacity = capacity;
    }
    memcpy(stream->text + stream->len, text, len);
    stream->len += len;
    return true;
}

static json_t *string_json(bhi_bytes text)
{
    return json_stringn((const char *)text.data, text.len);
}

static char *data_of(const bhi_message_spec *spec)
{
    static const char *const names[] = {"verified", "claimed", "system"};
    json_t *principal =
        spec->attribution == BHI_ATTRIBUTION_SYSTEM ? json_null() : string_json(spec->principal);
    json_t *source = spec->source_id.len == 0 ? json_null() : string_json(spec->source_id);
    json_t *object = json_pack("{s:o, s:o, s:o, s:s, s:o}", "topic", string_json(spec->topic),
                               "payload", string_json(spec->payload), "principal", principal,
                               "attribution", names[spec->attribution], "source", source);
    char *text = json_dumps(object, JSON_COMPACT); /* one line */
    json_decref(object);
    return text;
}

static void add_message(event_stream *stream, const bhi_message *message)
{
    char head[80];
    char *data = data_of(&message->spec);
    int len = snprintf(head, sizeof head,
                       "id: %llu\nevent: message\ndata: ", (unsigned long long)message->sequence);
    bool is_added = data != NULL && add_text(stream, head, (size_t)len) &&
                    add_text(stream, data, strlen(data)) && add_text(stream, "\n\n", 2);
    if (!is_added)
        stream->is_ending = true; /* out of memory: the client connects again */
    free(data);
}

static void add_lost(event_stream *stream, uint64_t count)
{
    char text[64];
    int len = snprintf(text, sizeof text, "event: lost\ndata: %llu\n\n", (unsigned long long)count);
    if (!add_text(stream, text, (size_t)len))
        stream->is_ending = true;
}

/* Messages that wait become text. */
static void fill(event_stream *stream)
{
    bhi_batch batch;
    stream->len = stream->sent = 0;
    bhi_subscriber_take(stream->subscriber, BATCH_BYTES_MAX, false, &batch);
    if (batch.dropped > 0)
        add_lost(stream, batch.dropped);
    for (size_t i = 0; i < batch.count; i++) {
        add_message(stream, batch.messages[i]);
        bhi_message_release(batch.messages[i]);
    }
}

/* ---- suspending and resuming ---- */

static void resume(event_stream *stream)
{
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    bhi_hangup_close(stream->hangup);
    stream->hangup = NULL;
    bhi_timer_close(stream->timer);
    stream->timer = NULL;
    MHD_resume_connection(stream->connection);
    bhi_http_schedule(stream->http);
}

static void client_gone(void *arg)
{
    event_stream *stream = arg;
    stream->is_ending = true;
    resume(stream);
}

/* A comment: it keeps the connection from being taken for idle, and finds out who is gone. */
static void give_sign_of_life(void *arg)
{
    event_stream *stream = arg;
    stream->len = stream->sent = 0;
    if (!add_text(stream, ":\n\n", 3))
        stream->is_ending = true;
    resume(stream);
}

static void suspend(event_stream *stream)
{
    bhi_http *http = stream->http;
    if (stream->capacity > TEXT_BYTES_KEPT) {
        free(stream->text);
        stream->text = NULL;
        stream->len = stream->sent = stream->capacity = 0;
    }
    stream->is_suspended = true;
    MHD_suspend_connection(stream->connection);
    stream->hangup = bhi_hangup_open(http, stream->connection, client_gone, stream);
    bh_status status = bhi_timer_open(http->options.worker, SIGN_OF_LIFE_NS, give_sign_of_life,
                                      stream, &stream->timer, NULL);
    if (status != BH_OK)
        stream->timer = NULL; /* without signs of life until the next message */
}

static void run_wake(bhi_task *task)
{
    resume(BHI_CONTAINER_OF(task, event_stream, wake));
}

/* On the publisher's thread. */
static void ready_cb(void *arg)
{
    event_stream *stream = arg;
    bhi_worker_post(stream->http->options.worker, &stream->wake);
}

/* ---- the daemon's callbacks ---- */

static ssize_t read_cb(void *cls, uint64_t position, char *to, size_t max)
{
    event_stream *stream = cls;
    if (stream->sent == stream->len && !stream->is_ending)
        fill(stream);
    size_t len = stream->len - stream->sent;
    if (len == 0 && stream->is_ending)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (len == 0) {
        suspend(stream);
        return 0;
    }
    len = len < max ? len : max;
    memcpy(to, stream->text + stream->sent, len);
    stream->sent += len;
    return (ssize_t)len;
}

static void free_stream(event_stream *stream)
{
    bhi_subscriber_close(stream->subscriber);
    bhi_worker_forget(stream->http->options.worker, &stream->wake);
    bhi_hangup_close(stream->hangup);
    bhi_timer_close(stream->timer);
    free(stream->text);
    free(stream);
}

static void free_cb(void *cls)
{
    event_stream *stream = cls;
    bhi_list_remove(&stream->link);
    stream->http->streams_count--;
    free_stream(stream);
}

/* ---- open and end ---- */

static bh_status check_request(const bhi_event_stream_request *request, bh_error *reterr)
{
    if (!bhi_pattern_is_valid(bhi_bytes_of(request->topic)))
        return bhi_fail(reterr, BH_E_ARG,
                        "the query needs a topic: ?topic=PATTERN, 1 to %d segments of a-z, 0-9, "
                        "'_' and '-', or \"*\", between dots",
                        BHI_TOPIC_SEGMENTS_MAX);
    if (request->principal != NULL && !bhi_is_principal(bhi_bytes_of(request->principal)))
        return bhi_fail(reterr, BH_E_ARG,
                        "the principal must be 1 to %d characters of [A-Za-z0-9_-]",
                        BHI_PRINCIPAL_BYTES_MAX);
    return BH_OK;
}

static bh_status make_stream(bhi_http *http, const bhi_event_stream_request *request,
                             event_stream **ret_stream, bh_error *reterr)
{
    event_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a stream of events");
    stream->http = http;
    stream->connection = request->connection;
    bhi_link_init(&stream->link);
    bhi_task_init(&stream->wake, run_wake);
    bhi_subscriber_options options = {.pattern = bhi_bytes_of(request->topic),
                                      .rank = BHI_SUBSCRIBER_HOST,
                                      .ready_cb = ready_cb,
                                      .arg = stream};
    if (request->principal != NULL)
        options.principal = bhi_bytes_of(request->principal);
    bh_status status = bhi_bus_subscribe(http->options.catalog->runtime->bus, &options,
                                         &stream->subscriber, reterr);
    if (status != BH_OK)
        free(stream);
    else
        *ret_stream = stream;
    return status;
}

bhi_answer bhi_event_stream_open(bhi_http *http, const bhi_event_stream_request *request)
{
    bh_error error;
    event_stream *stream = NULL;
    bh_status status = check_request(request, &error);
    if (status == BH_OK && http->streams_count == BHI_EVENT_STREAMS_MAX)
        status = bhi_fail(&error, BH_E_SATURATED, "%d streams of events are open on this worker",
                          BHI_EVENT_STREAMS_MAX);
    if (status == BH_OK)
        status = make_stream(http, request, &stream, &error);
    if (status != BH_OK)
        return bhi_answer_status(status, &error);
    bhi_answer answer = {.http_status = MHD_HTTP_OK};
    answer.response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_cb, stream, free_cb);
    if (answer.response == NULL) {
        free_stream(stream);
        return answer;
    }
    bhi_list_push_back(&http->streams, &stream->link);
    http->streams_count++;
    bhi_answer_add_header(&answer, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    bhi_answer_add_header(&answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    return answer;
}

void bhi_event_stream_end_all(bhi_http *http)
{
    for (bhi_link *link = http->streams.next; link != &http->streams; link = link->next) {
        event_stream *stream = BHI_CONTAINER_OF(link, event_stream, link);
        stream->is_ending = true;
        resume(stream);
    }
}
