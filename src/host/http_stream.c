/* host/http_stream.c - http-stream: the head at once, the body as it is read.
 *
 * A stream is a byte source. read-chunk and the body's input-stream read the same buffer. When
 * that is full the transfer pauses, and it goes on when half of it has been read.
 *
 * The handle and the input-stream each hold a reference. Closing, and the end of the lease, stop
 * the transfer and leave an empty shell for them. Open streams are on a list of their lease: that
 * is what the quota counts.
 */
#include "host/http_stream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "host/http_body.h"
#include "host/http_errors.h"
#include "host/http_exchange.h"
#include "host/http_host.h"
#include "host/initialising.h"
#include "host/stream.h"

struct bhi_http_stream {
    bhi_http_exchange exchange;
    bhi_byte_source source;
    bhi_http_body body;
    bhi_arena arena;          /* of the exchange */
    bhi_http_stream *next;    /* open ones of the lease */
    bhi_lease_context *lease; /* NULL: closed */
    unsigned references;
    bool is_paused;
    bool is_closed;
    bool has_told_failure; /* read-chunk has */
    bool has_body_stream;
};

static bhi_http_stream *of_exchange(bhi_http_exchange *exchange)
{
    return BHI_CONTAINER_OF(exchange, bhi_http_stream, exchange);
}

static bhi_http_stream *of_source(const bhi_byte_source *source)
{
    return BHI_CONTAINER_OF(source, bhi_http_stream, source);
}

/* ---- the exchange's side ---- */

static bool has_head(const bhi_waitable *waitable)
{
    return BHI_CONTAINER_OF(waitable, bhi_http_exchange, waitable)->state != BHI_HTTP_WAITING;
}

static bhi_http_taken body_cb(bhi_http_exchange *exchange, bhi_bytes bytes)
{
    bhi_http_stream *stream = of_exchange(exchange);
    if (stream->body.len + bytes.len > BHI_HTTP_STREAM_BUFFER_BYTES_MAX) {
        stream->is_paused = true;
        return BHI_HTTP_TAKE_LATER;
    }
    if (!bhi_http_body_add(&stream->body, bytes)) {
        bhi_http_exchange_refuse(exchange, bhi_http_error_no_memory());
        return BHI_HTTP_TAKE_NONE;
    }
    exchange->counters->http_received_bytes += bytes.len;
    bhi_waitable_notify(&stream->source.waitable);
    return BHI_HTTP_TAKE_MORE;
}

static void ended_cb(bhi_http_exchange *exchange)
{
    bhi_http_stream *stream = of_exchange(exchange);
    const char *failure = NULL;
    if (exchange->state == BHI_HTTP_FAILED)
        failure = bhi_http_error_text(&exchange->error);
    bhi_byte_source_end(&stream->source, failure);
}

static const bhi_http_exchange_ops exchange_ops = {.body = body_cb, .ended = ended_cb};

/* ---- the source's side ---- */

static size_t available(const bhi_byte_source *source)
{
    return of_source(source)->body.len;
}

static void take(bhi_byte_source *source, uint8_t *to, size_t size)
{
    bhi_http_stream *stream = of_source(source);
    bhi_http_body_take(&stream->body, to, size);
    if (stream->is_paused && stream->body.len <= BHI_HTTP_STREAM_BUFFER_BYTES_MAX / 2) {
        stream->is_paused = false;
        bhi_http_exchange_resume(&stream->exchange);
    }
}

static void release(bhi_byte_source *source)
{
    bhi_http_stream *stream = of_source(source);
    if (--stream->references > 0)
        return;
    bhi_waitable_deinit(&stream->source.waitable);
    bhi_http_body_deinit(&stream->body);
    bhi_arena_deinit(&stream->arena);
    free(stream);
}

static const bhi_byte_source_ops source_ops = {
    .available = available, .read = take, .release = release};

/* ---- open, close ---- */

static uint32_t count_open(const bhi_lease_context *lease)
{
    uint32_t count = 0;
    for (const bhi_http_stream *stream = lease->http_streams; stream != NULL; stream = stream->next)
        count++;
    return count;
}

static void leave_lease(bhi_http_stream *stream)
{
    bhi_http_stream **link = &stream->lease->http_streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    stream->lease = NULL;
}

/* What has arrived is dropped; readers find a closed stream. */
static void close_stream(bhi_http_stream *stream)
{
    if (stream->is_closed)
        return;
    stream->is_closed = true;
    bhi_http_exchange_cancel(&stream->exchange);
    bhi_http_body_deinit(&stream->body);
    leave_lease(stream);
    bhi_byte_source_end(&stream->source, NULL);
    bhi_waitable_notify(&stream->source.waitable);
}

void bhi_http_streams_end(bhi_lease_context *lease)
{
    while (lease->http_streams != NULL)
        close_stream(lease->http_streams);
}

void bhi_http_stream_drop(void *dropped)
{
    bhi_http_stream *stream = dropped;
    close_stream(stream);
    release(&stream->source);
}

static bhi_http_stream *open_stream(bhi_lease_context *lease)
{
    bhi_http_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->exchange = (bhi_http_exchange){
        .ops = &exchange_ops,
        .waitable.is_ready = has_head,
        .arena = &stream->arena,
        .is_over_quota = count_open(lease) >= BHI_HTTP_STREAMS_MAX,
    };
    bhi_byte_source_init(&stream->source, &source_ops);
    stream->references = 1;
    stream->lease = lease;
    stream->next = lease->http_streams;
    lease->http_streams = stream;
    return stream;
}

/* False: the call was abandoned. */
static bool wait_for_head(bhi_http_stream *stream, bhi_guest *guest, bhi_http_stream_result *ret)
{
    bhi_http_exchange *exchange = &stream->exchange;
    const bhi_http_seams *seams = bhi_http_client_seams(exchange->client);
    if (!bhi_http_exchange_start_timer(
            exchange, guest->lease->worker,
            bhi_http_limit_ms(seams->head_ms_max, BHI_HTTP_HEAD_MS_MAX))) {
        ret->error = bhi_http_error_no_memory();
        return true;
    }
    if (!bhi_waitable_await(&exchange->waitable, guest))
        return false;
    bhi_http_exchange_stop_timer(exchange);
    ret->is_ok =
        exchange->head.is_complete && exchange->state != BHI_HTTP_WAITING && !exchange->is_redirect;
    if (!ret->is_ok)
        ret->error = exchange->error;
    return true;
}

bool bhi_http_stream_start(bhi_guest *guest, const bhi_http_request_data *data,
                           bhi_http_stream_result *ret)
{
    if (!bhi_check_not_initialising(guest, "astrid:http/host@1.0.0#http-stream-start"))
        return false;
    bhi_http_stream *stream = open_stream(guest->lease);
    if (stream == NULL) {
        ret->error = bhi_http_error_no_memory();
        return true;
    }
    bool is_alive = true;
    if (bhi_http_exchange_begin(&stream->exchange, guest, data, &ret->error))
        is_alive = wait_for_head(stream, guest, ret);
    if (is_alive && ret->is_ok)
        ret->ok = stream;
    else
        bhi_http_stream_drop(stream);
    return is_alive;
}

/* ---- what has come ---- */

bool bhi_http_stream_status(bhi_guest *guest, bhi_http_stream *stream, uint16_t *ret)
{
    *ret = stream->is_closed ? 0 : stream->exchange.head.status;
    return true;
}

bool bhi_http_stream_headers(bhi_guest *guest, bhi_http_stream *stream,
                             bhi_http_key_value_pair_list *ret)
{
    const bhi_http_head *head = &stream->exchange.head;
    if (!stream->is_closed)
        *ret = (bhi_http_key_value_pair_list){head->headers, head->count};
    return true;
}

/* ---- read-chunk ---- */

typedef struct chunk_wait {
    bhi_http_stream *stream;
    bool is_over; /* the time is */
} chunk_wait;

static void chunk_timed_out_cb(void *arg)
{
    chunk_wait *wait = arg;
    wait->is_over = true;
    bhi_waitable_notify(&wait->stream->source.waitable);
}

static bool is_readable(const bhi_http_stream *stream)
{
    return stream->source.waitable.is_ready(&stream->source.waitable);
}

/* Until something is readable or the time is over. False: the call was abandoned. */
static bool suspend(bhi_guest *guest, chunk_wait *wait)
{
    bhi_waitable *waitable = &wait->stream->source.waitable;
    bool is_alive = true;
    while (is_alive && !wait->is_over && !is_readable(wait->stream)) {
        bhi_operation operation;
        bhi_operation_init(&operation, guest->lease->worker, guest->lease->task, guest);
        waitable->operation = &operation;
        is_alive = bhi_operation_await(&operation);
        waitable->operation = NULL;
    }
    return is_alive;
}

/* The same; *ret_is_over also when there is no memory for a timer. */
static bool wait_for_chunk(bhi_guest *guest, bhi_http_stream *stream, bool *ret_is_over)
{
    chunk_wait wait = {.stream = stream};
    bhi_timer *timer;
    const bhi_http_seams *seams = bhi_http_client_seams(stream->exchange.client);
    uint64_t ms_max = bhi_http_limit_ms(seams->chunk_ms_max, BHI_HTTP_CHUNK_MS_MAX);
    *ret_is_over = true;
    if (bhi_timer_open(guest->lease->worker, ms_max * BHI_NS_PER_MS, chunk_timed_out_cb, &wait,
                       &timer, NULL) != BH_OK)
        return true;
    bool is_alive = suspend(guest, &wait);
    bhi_timer_close(timer);
    *ret_is_over = !is_readable(stream);
    return is_alive;
}

static bool refuse(bhi_http_bytes_result *ret, bhi_http_error_code error)
{
    ret->error = error;
    return true;
}

/* At most BHI_HTTP_CHUNK_BYTES_MAX of what has come. */
static bool give_bytes(bhi_guest *guest, bhi_http_stream *stream, bhi_http_bytes_result *ret)
{
    size_t len = stream->body.len;
    if (len > BHI_HTTP_CHUNK_BYTES_MAX)
        len = BHI_HTTP_CHUNK_BYTES_MAX;
    uint8_t *bytes = bhi_arena_alloc(&guest->arena, len);
    if (bytes == NULL)
        return refuse(ret, bhi_http_error_no_memory());
    take(&stream->source, bytes, len);
    ret->is_ok = true;
    ret->ok = (bhi_bytes){bytes, len};
    return true;
}

/* The failure is told once, after all bytes that came before it. */
static bool give_end(bhi_http_stream *stream, bhi_http_bytes_result *ret)
{
    if (stream->source.state != BHI_STREAM_FAILED) {
        ret->is_ok = true;
        return true;
    }
    if (stream->has_told_failure)
        return refuse(ret, bhi_http_error(BHI_HTTP_ERROR_CODE_CLOSED));
    stream->has_told_failure = true;
    return refuse(ret, stream->exchange.error);
}

bool bhi_http_stream_read_chunk(bhi_guest *guest, bhi_http_stream *stream,
                                bhi_http_bytes_result *ret)
{
    bool is_over = false;
    if (!bhi_check_not_initialising(guest, "astrid:http/host@1.0.0#[method]http-stream.read-chunk"))
        return false;
    if (!stream->is_closed && !is_readable(stream) && !wait_for_chunk(guest, stream, &is_over))
        return false;
    if (stream->is_closed)
        return refuse(ret, bhi_http_error(BHI_HTTP_ERROR_CODE_CLOSED));
    if (is_over)
        return refuse(ret, bhi_http_error(BHI_HTTP_ERROR_CODE_TIMEOUT));
    return stream->body.len > 0 ? give_bytes(guest, stream, ret) : give_end(stream, ret);
}

/* ---- close, derived objects ---- */

bool bhi_http_stream_close(bhi_guest *guest, bhi_http_stream *stream, bhi_http_unit_result *ret)
{
    close_stream(stream);
    ret->is_ok = true;
    return true;
}

bool bhi_http_stream_subscribe_readable(bhi_guest *guest, bhi_http_stream *stream,
                                        bhi_poll_pollable **ret)
{
    return bhi_waitable_subscribe(&stream->source.waitable, guest, NULL, ret);
}

static size_t none_available(const bhi_byte_source *source)
{
    return 0;
}

static void read_none(bhi_byte_source *source, uint8_t *to, size_t size)
{
}

static void release_ended(bhi_byte_source *source)
{
    bhi_waitable_deinit(&source->waitable);
    free(source);
}

/* For whoever asks for the body again: an input-stream that is closed. */
static bhi_byte_source *make_ended_source(void)
{
    static const bhi_byte_source_ops ops = {
        .available = none_available, .read = read_none, .release = release_ended};
    bhi_byte_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return NULL;
    bhi_byte_source_init(source, &ops);
    bhi_byte_source_end(source, NULL);
    return source;
}

bool bhi_http_stream_body_stream(bhi_guest *guest, bhi_http_stream *stream,
                                 bhi_streams_input_stream **ret)
{
    bhi_byte_source *source = &stream->source;
    if (stream->has_body_stream)
        source = make_ended_source();
    else
        stream->references++;
    *ret = source == NULL ? NULL : bhi_input_stream_create(source);
    if (*ret == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a stream");
    stream->has_body_stream = true;
    return true;
}
