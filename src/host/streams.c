/* host/streams.c - astrid:io/streams@1.0.0: what guests see of the sources and sinks of stream.h.
 *
 * A stream adds to its source or sink what belongs to the guest: the permit of the last
 * check-write, the count of live pollables, and whether its failure was told. A failure is told
 * once, as last-operation-failed with an error resource; from then on, and after an end, every call
 * answers `closed`.
 *
 * Nothing is taken from a source before the sink is known to have room for it, and write takes all
 * it is given (S2): so a splice loses no byte, and needs no buffer that outlives it.
 *
 * A call that writes more than the room first copies what is left: views of guest memory do not
 * survive a wait (G3). After each piece it yields, since a fast peer may empty the queue at once.
 */
#include <stdlib.h>

#include "host/host.h"
#include "host/lease_context.h"
#include "host/stream.h"
#include "host/stream_error.h"
#include "worker/operation.h"

/* Bytes of one call: read, skip, splice and every permit. */
enum { CALL_BYTES_MAX = 1 << 20, SPLICE_PIECE_BYTES = 16 << 10 };

struct bhi_streams_input_stream {
    bhi_byte_source *source;
    uint32_t pollables; /* live ones: children */
    bool has_failed;    /* and said so */
};

struct bhi_streams_output_stream {
    bhi_byte_sink *sink;
    uint64_t permit; /* left of the last check-write */
    uint32_t pollables;
    bool has_failed;
};

typedef bhi_streams_input_stream input_stream;
typedef bhi_streams_output_stream output_stream;
typedef bhi_streams_stream_error stream_error;

/* ---- life ---- */

bhi_streams_input_stream *bhi_input_stream_create(bhi_byte_source *take_source)
{
    input_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        take_source->ops->release(take_source);
    else
        stream->source = take_source;
    return stream;
}

bhi_streams_output_stream *bhi_output_stream_create(bhi_byte_sink *take_sink)
{
    output_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        take_sink->ops->release(take_sink);
    else
        stream->sink = take_sink;
    return stream;
}

static void input_stream_drop(void *dropped)
{
    input_stream *stream = dropped;
    stream->source->ops->release(stream->source);
    free(stream);
}

static void output_stream_drop(void *dropped)
{
    output_stream *stream = dropped;
    stream->sink->ops->release(stream->sink);
    free(stream);
}

const char *bhi_stream_refuse_drop(bhi_resource type, const void *rep)
{
    uint32_t pollables = 0;
    if (type == BHI_RESOURCE_STREAMS_INPUT_STREAM)
        pollables = ((const input_stream *)rep)->pollables;
    else if (type == BHI_RESOURCE_STREAMS_OUTPUT_STREAM)
        pollables = ((const output_stream *)rep)->pollables;
    return pollables == 0 ? NULL : "its pollables are live";
}

/* ---- ends ---- */

typedef enum call_state {
    CALL_GOES_ON,
    CALL_ENDS, /* with the error that was filled in */
    CALL_TRAPS
} call_state;

/* The error of a stream that is not open. */
static call_state tell_end(bhi_guest *guest, const char *failure, bool *has_failed,
                           stream_error *ret)
{
    ret->tag = BHI_STREAMS_STREAM_ERROR_CLOSED;
    if (failure == NULL || *has_failed)
        return CALL_ENDS;
    bhi_error_error *error = bhi_stream_error_create(failure);
    if (error == NULL) {
        bhi_guest_trap(guest, "the host has no memory for the error of a stream");
        return CALL_TRAPS;
    }
    *has_failed = true;
    ret->tag = BHI_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED;
    ret->last_operation_failed = error;
    return CALL_ENDS;
}

/* S1: what was received before the end is given first. Who asks for nothing learns of no end. */
static call_state check_input(bhi_guest *guest, input_stream *stream, uint64_t len,
                              stream_error *ret)
{
    const bhi_byte_source *source = stream->source;
    if (len == 0 || source->state == BHI_STREAM_OPEN || source->ops->available(source) > 0)
        return CALL_GOES_ON;
    return tell_end(guest, source->failure, &stream->has_failed, ret);
}

static call_state check_output(bhi_guest *guest, output_stream *stream, stream_error *ret)
{
    if (stream->sink->state == BHI_STREAM_OPEN)
        return CALL_GOES_ON;
    stream->permit = 0;
    return tell_end(guest, stream->sink->failure, &stream->has_failed, ret);
}

/* A call that has found out how it ends: false to trap. */
static bool end_call(call_state state, bool *ret_is_ok)
{
    *ret_is_ok = state == CALL_GOES_ON;
    return state != CALL_TRAPS;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static size_t call_bytes(uint64_t len)
{
    return (size_t)smaller(len, CALL_BYTES_MAX);
}

/* ---- input ---- */

static size_t at_hand(const input_stream *stream, uint64_t len)
{
    return (size_t)smaller(call_bytes(len), stream->source->ops->available(stream->source));
}

static bool input_stream_read(bhi_guest *guest, input_stream *self, uint64_t len,
                              bhi_streams_bytes_result *ret)
{
    call_state state = check_input(guest, self, len, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    size_t size = at_hand(self, len);
    uint8_t *data = bhi_arena_alloc(&guest->arena, size);
    if (data == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a read of %zu bytes", size);
    if (size > 0)
        self->source->ops->read(self->source, data, size);
    ret->is_ok = true;
    ret->ok = (bhi_bytes){data, size};
    return true;
}

static bool wait_for_input(bhi_guest *guest, input_stream *stream, uint64_t len)
{
    return len == 0 || bhi_waitable_await(&stream->source->waitable, guest);
}

static bool input_stream_blocking_read(bhi_guest *guest, input_stream *self, uint64_t len,
                                       bhi_streams_bytes_result *ret)
{
    return wait_for_input(guest, self, len) && input_stream_read(guest, self, len, ret);
}

static bool input_stream_skip(bhi_guest *guest, input_stream *self, uint64_t len,
                              bhi_streams_u64_result *ret)
{
    call_state state = check_input(guest, self, len, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    size_t size = at_hand(self, len);
    if (size > 0)
        self->source->ops->read(self->source, NULL, size);
    ret->is_ok = true;
    ret->ok = size;
    return true;
}

static bool input_stream_blocking_skip(bhi_guest *guest, input_stream *self, uint64_t len,
                                       bhi_streams_u64_result *ret)
{
    return wait_for_input(guest, self, len) && input_stream_skip(guest, self, len, ret);
}

static bool input_stream_subscribe(bhi_guest *guest, input_stream *self, bhi_poll_pollable **ret)
{
    return bhi_waitable_subscribe(&self->source->waitable, guest, &self->pollables, ret);
}

/* ---- output ---- */

static uint64_t permit_of(const output_stream *stream)
{
    return call_bytes(bhi_byte_sink_permit(stream->sink));
}

static bool output_stream_check_write(bhi_guest *guest, output_stream *self,
                                      bhi_streams_u64_result *ret)
{
    call_state state = check_output(guest, self, &ret->error);
    if (state == CALL_GOES_ON)
        ret->ok = self->permit = permit_of(self);
    return end_call(state, &ret->is_ok);
}

/* A permitted write ends an earlier flush: only a finished one permits it. */
static void put(output_stream *stream, const uint8_t *from, size_t size)
{
    if (size == 0)
        return;
    stream->sink->is_flushing = false;
    stream->sink->ops->write(stream->sink, from, size);
}

/* `from` NULL means zeroes. */
static bool write_permitted(bhi_guest *guest, output_stream *stream, const uint8_t *from,
                            uint64_t len, bhi_streams_unit_result *ret)
{
    call_state state = check_output(guest, stream, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    if (len > stream->permit)
        return bhi_guest_trap(guest, "a write of %llu bytes where %llu are permitted",
                              (unsigned long long)len, (unsigned long long)stream->permit);
    put(stream, from, (size_t)len);
    stream->permit -= len;
    return end_call(check_output(guest, stream, &ret->error), &ret->is_ok);
}

static bool output_stream_write(bhi_guest *guest, output_stream *self, bhi_bytes contents,
                                bhi_streams_unit_result *ret)
{
    return write_permitted(guest, self, contents.data, contents.len, ret);
}

static bool output_stream_write_zeroes(bhi_guest *guest, output_stream *self, uint64_t len,
                                       bhi_streams_unit_result *ret)
{
    return write_permitted(guest, self, NULL, len, ret);
}

static void begin_flush(output_stream *stream)
{
    stream->permit = 0;
    stream->sink->is_flushing = true;
}

static bool output_stream_flush(bhi_guest *guest, output_stream *self, bhi_streams_unit_result *ret)
{
    begin_flush(self);
    return end_call(check_output(guest, self, &ret->error), &ret->is_ok);
}

static bool output_stream_blocking_flush(bhi_guest *guest, output_stream *self,
                                         bhi_streams_unit_result *ret)
{
    begin_flush(self);
    return bhi_waitable_await(&self->sink->waitable, guest) &&
           end_call(check_output(guest, self, &ret->error), &ret->is_ok);
}

static bool output_stream_subscribe(bhi_guest *guest, output_stream *self, bhi_poll_pollable **ret)
{
    return bhi_waitable_subscribe(&self->sink->waitable, guest, &self->pollables, ret);
}

/* ---- writes of any size ---- */

static bool yield(bhi_guest *guest)
{
    return bhi_operation_yield(guest->lease->worker, guest->lease->task, guest);
}

/* What there is room for now, which is how many bytes less are left. */
static uint64_t put_piece(output_stream *stream, const uint8_t *from, uint64_t len)
{
    uint64_t size = smaller(len, permit_of(stream));
    put(stream, from, (size_t)size);
    return size;
}

/* `from` (NULL: zeroes) survives waits. False: the call was abandoned. */
static bool put_all(bhi_guest *guest, output_stream *stream, const uint8_t *from, uint64_t len)
{
    while (len > 0) {
        if (!bhi_waitable_await(&stream->sink->waitable, guest))
            return false;
        if (stream->sink->state != BHI_STREAM_OPEN)
            return true;
        uint64_t size = put_piece(stream, from, len);
        len -= size;
        from = from == NULL ? NULL : from + size;
        if (len > 0 && !yield(guest))
            return false;
    }
    return true;
}

static bool output_stream_blocking_write_and_flush(bhi_guest *guest, output_stream *self,
                                                   bhi_bytes contents, bhi_streams_unit_result *ret)
{
    call_state state = check_output(guest, self, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    size_t size = (size_t)put_piece(self, contents.data, contents.len);
    bhi_bytes left = {contents.data + size, contents.len - size};
    if (left.len > 0)
        left = bhi_arena_copy(&guest->arena, left);
    if (left.data == NULL && left.len > 0)
        return bhi_guest_trap(guest, "the host has no memory for a write of %zu bytes", left.len);
    return put_all(guest, self, left.data, left.len) &&
           output_stream_blocking_flush(guest, self, ret);
}

static bool output_stream_blocking_write_zeroes_and_flush(bhi_guest *guest, output_stream *self,
                                                          uint64_t len,
                                                          bhi_streams_unit_result *ret)
{
    call_state state = check_output(guest, self, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    return put_all(guest, self, NULL, len) && output_stream_blocking_flush(guest, self, ret);
}

/* ---- splice ---- */

static void move(bhi_byte_source *source, output_stream *to, size_t size)
{
    uint8_t piece[SPLICE_PIECE_BYTES];
    while (size > 0) {
        size_t part = (size_t)smaller(size, sizeof piece);
        source->ops->read(source, piece, part);
        put(to, piece, part);
        size -= part;
    }
}

static bool output_stream_splice(bhi_guest *guest, output_stream *self, input_stream *src,
                                 uint64_t len, bhi_streams_u64_result *ret)
{
    call_state state = check_output(guest, self, &ret->error);
    if (state == CALL_GOES_ON)
        state = check_input(guest, src, len, &ret->error);
    if (state != CALL_GOES_ON)
        return end_call(state, &ret->is_ok);
    size_t size = (size_t)smaller(at_hand(src, len), permit_of(self));
    self->permit = 0; /* this was a check-write, too */
    move(src->source, self, size);
    ret->ok = size;
    return end_call(check_output(guest, self, &ret->error), &ret->is_ok);
}

/* A splice would move something, or tell an end. */
static bool can_splice(const bhi_byte_source *source, const bhi_byte_sink *sink)
{
    return sink->state != BHI_STREAM_OPEN ||
           (source->waitable.is_ready(&source->waitable) &&
            (source->ops->available(source) == 0 || bhi_byte_sink_permit(sink) > 0));
}

/* One operation for both, since the end of either ends the wait. */
static bool wait_for_both(bhi_guest *guest, bhi_byte_source *source, bhi_byte_sink *sink)
{
    bool is_alive = true;
    guest->lease->has_waited = true;
    while (is_alive && !can_splice(source, sink)) {
        bhi_operation operation;
        bhi_operation_init(&operation, guest->lease->worker, guest->lease->task, guest);
        source->waitable.operation = sink->waitable.operation = &operation;
        is_alive = bhi_operation_await(&operation);
        source->waitable.operation = sink->waitable.operation = NULL;
    }
    return is_alive;
}

static bool output_stream_blocking_splice(bhi_guest *guest, output_stream *self, input_stream *src,
                                          uint64_t len, bhi_streams_u64_result *ret)
{
    return (len == 0 || wait_for_both(guest, src->source, self->sink)) &&
           output_stream_splice(guest, self, src, len, ret);
}

const bhi_streams_host bhi_host_streams = {
    .input_stream_drop = input_stream_drop,
    .output_stream_drop = output_stream_drop,
    .input_stream_read = input_stream_read,
    .input_stream_blocking_read = input_stream_blocking_read,
    .input_stream_skip = input_stream_skip,
    .input_stream_blocking_skip = input_stream_blocking_skip,
    .input_stream_subscribe = input_stream_subscribe,
    .output_stream_check_write = output_stream_check_write,
    .output_stream_write = output_stream_write,
    .output_stream_blocking_write_and_flush = output_stream_blocking_write_and_flush,
    .output_stream_flush = output_stream_flush,
    .output_stream_blocking_flush = output_stream_blocking_flush,
    .output_stream_subscribe = output_stream_subscribe,
    .output_stream_write_zeroes = output_stream_write_zeroes,
    .output_stream_blocking_write_zeroes_and_flush = output_stream_blocking_write_zeroes_and_flush,
    .output_stream_splice = output_stream_splice,
    .output_stream_blocking_splice = output_stream_blocking_splice,
};
