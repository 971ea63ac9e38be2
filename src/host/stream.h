/* host/stream.h - where the bytes of an input-stream come from, and those of an output-stream go.
 *
 * An interface that hands out streams embeds a bhi_byte_source or bhi_byte_sink in an object of its
 * own, fills the operations, and wraps it with bhi_input_stream_create or bhi_output_stream_create
 * (host/streams.c, which does everything that a guest sees: limits, permits, waiting, errors).
 * Whatever changes available, room, queued or state calls bhi_waitable_notify on its waitable.
 *
 * Lifetime: a stream owns one reference to its source or sink and gives it back with release,
 * exactly once. So the embedding object counts references: the handle of its parent (http-stream,
 * tcp-stream) may go before the stream or after it. Whoever frees the object calls
 * bhi_waitable_deinit first.
 *
 * S1  Bytes that are available are read before a source's end or failure is seen.
 * S2  write takes all it is given: at most room, which shrinks only by writing.
 * S3  state leaves BHI_STREAM_OPEN once and then stays; `failure` is set before it is FAILED.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_STREAM_H
#define BHI_HOST_STREAM_H

#include "abi/generated/streams.h"
#include "host/waitable.h"

typedef enum bhi_stream_state {
    BHI_STREAM_OPEN,
    BHI_STREAM_ENDED, /* end of data, the peer closed, or we did: the guest sees `closed` */
    BHI_STREAM_FAILED /* the guest sees last-operation-failed once, then `closed` */
} bhi_stream_state;

typedef struct bhi_byte_source bhi_byte_source;
typedef struct bhi_byte_source_ops {
    /* How many bytes read would give now. */
    size_t (*available)(const bhi_byte_source *source);
    /* Take `size` bytes, at most available; `to` NULL discards them. */
    void (*read)(bhi_byte_source *source, uint8_t *to, size_t size);
    void (*release)(bhi_byte_source *source);
} bhi_byte_source_ops;

struct bhi_byte_source {
    const bhi_byte_source_ops *ops;
    bhi_waitable waitable; /* ready: bytes are available, or it is not open */
    bhi_stream_state state;
    const char *failure; /* static text, the same for every guest (no paths, addresses, errno) */
};

typedef struct bhi_byte_sink bhi_byte_sink;
typedef struct bhi_byte_sink_ops {
    /* How many bytes write takes now. */
    size_t (*room)(const bhi_byte_sink *sink);
    /* How many taken bytes have not left yet. */
    size_t (*queued)(const bhi_byte_sink *sink);
    /* Take `size` bytes, at most room; `from` NULL means zeroes. */
    void (*write)(bhi_byte_sink *sink, const uint8_t *from, size_t size);
    void (*release)(bhi_byte_sink *sink);
} bhi_byte_sink_ops;

struct bhi_byte_sink {
    const bhi_byte_sink_ops *ops;
    bhi_waitable waitable; /* ready: a write is permitted, or it is not open */
    bhi_stream_state state;
    const char *failure;
    bool is_flushing; /* streams.c: nothing is permitted until queued is 0 */
};

/* Fill a zeroed one: open, nobody waits. */
void bhi_byte_source_init(bhi_byte_source *source, const bhi_byte_source_ops *ops);
void bhi_byte_sink_init(bhi_byte_sink *sink, const bhi_byte_sink_ops *ops);

/* How many bytes a guest may write now: room, unless a flush is under way. */
size_t bhi_byte_sink_permit(const bhi_byte_sink *sink);

/* For the end of a source or sink: sets failure (NULL: it ended) and state, and notifies. Nothing
 * when it is not open any more. */
void bhi_byte_source_end(bhi_byte_source *source, const char *failure);
void bhi_byte_sink_end(bhi_byte_sink *sink, const char *failure);

/* The stream to hand out. Takes the caller's reference also on failure (NULL: no memory). */
bhi_streams_input_stream *bhi_input_stream_create(bhi_byte_source *take_source);
bhi_streams_output_stream *bhi_output_stream_create(bhi_byte_sink *take_sink);

#endif
