/* bulkhead/io.h - waiting for several things at once, and streams of bytes. Included by capsule.h.
 *
 * Pollables and streams are handles that other interfaces hand out. Each belongs to the capsule
 * until it drops it; those left when the call ends go then. Using one after its drop traps.
 */
#ifndef BULKHEAD_SDK_IO_H
#define BULKHEAD_SDK_IO_H

#include "capsule.h"

/* --- pollables ------------------------------------------------------------------------------- */

typedef enum capsule_poll_status {
    CAPSULE_POLL_OK,
    CAPSULE_POLL_INVALID_INPUT, /* nothing to wait for */
    CAPSULE_POLL_CLOSED,
    CAPSULE_POLL_TOO_LARGE, /* more than 256 pollables */
    CAPSULE_POLL_CANCELLED,
    CAPSULE_POLL_UNKNOWN /* capsule_error_text says more */
} capsule_poll_status;

/* A capsule_pollable is something that can be waited for; at most 1024 are live. It is ready when
 * its object has something to say, and when its object is gone. */

typedef struct capsule_indices {
    const uint32_t *items;
    size_t count;
} capsule_indices;

/* Whether waiting would return at once. */
bool capsule_pollable_ready(capsule_pollable pollable);
/* Wait for this one. */
CAPSULE_MUST_USE capsule_poll_status capsule_pollable_block(capsule_pollable pollable);
/* Wait until one of 1 to 256 pollables is ready: the indices of all that are, ascending. */
CAPSULE_MUST_USE capsule_poll_status capsule_poll(const capsule_pollable *pollables, size_t count,
                                                  capsule_indices *ret_ready);
void capsule_pollable_drop(capsule_pollable pollable);

/* "too-large"; static. */
const char *capsule_poll_status_name(capsule_poll_status status);

/* --- streams --------------------------------------------------------------------------------- */

typedef enum capsule_stream_status {
    CAPSULE_STREAM_OK,
    CAPSULE_STREAM_FAILED, /* capsule_error_text says more; later calls give CLOSED */
    CAPSULE_STREAM_CLOSED  /* the end of the data, or of the connection */
} capsule_stream_status;

typedef uint32_t capsule_input_stream;
typedef uint32_t capsule_output_stream;

/* Up to `len` bytes, at most 1 MiB, of what is at hand: none means nothing yet. */
CAPSULE_MUST_USE capsule_stream_status capsule_input_read(capsule_input_stream stream, uint64_t len,
                                                          capsule_bytes *ret_data);
/* The same, but wait for at least one byte or the end. */
CAPSULE_MUST_USE capsule_stream_status capsule_input_blocking_read(capsule_input_stream stream,
                                                                   uint64_t len,
                                                                   capsule_bytes *ret_data);
/* As the reads, without the data: how many bytes went. */
CAPSULE_MUST_USE capsule_stream_status capsule_input_skip(capsule_input_stream stream, uint64_t len,
                                                          uint64_t *ret_count);
CAPSULE_MUST_USE capsule_stream_status capsule_input_blocking_skip(capsule_input_stream stream,
                                                                   uint64_t len,
                                                                   uint64_t *ret_count);
/* Ready when a read would give bytes or the end. To be dropped before the stream. */
capsule_pollable capsule_input_subscribe(capsule_input_stream stream);
void capsule_input_drop(capsule_input_stream stream);

/* How many bytes may be written now; 0: wait. */
CAPSULE_MUST_USE capsule_stream_status capsule_output_check_write(capsule_output_stream stream,
                                                                  uint64_t *ret_permit);
/* Writing more than the last check-write permitted traps. */
CAPSULE_MUST_USE capsule_stream_status capsule_output_write(capsule_output_stream stream,
                                                            capsule_bytes data);
CAPSULE_MUST_USE capsule_stream_status capsule_output_write_zeroes(capsule_output_stream stream,
                                                                   uint64_t len);
/* Any number of bytes, no permit needed; returns when they have left. */
CAPSULE_MUST_USE capsule_stream_status
capsule_output_blocking_write_and_flush(capsule_output_stream stream, capsule_bytes data);
CAPSULE_MUST_USE capsule_stream_status
capsule_output_blocking_write_zeroes_and_flush(capsule_output_stream stream, uint64_t len);
/* Begin to push out what was written; nothing is permitted until that is done. */
CAPSULE_MUST_USE capsule_stream_status capsule_output_flush(capsule_output_stream stream);
CAPSULE_MUST_USE capsule_stream_status capsule_output_blocking_flush(capsule_output_stream stream);
/* Move up to `len` bytes from `source` without waiting: how many. An end of either side is this
 * call's. */
CAPSULE_MUST_USE capsule_stream_status capsule_output_splice(capsule_output_stream stream,
                                                             capsule_input_stream source,
                                                             uint64_t len, uint64_t *ret_count);
/* The same, but wait for both sides. */
CAPSULE_MUST_USE capsule_stream_status capsule_output_blocking_splice(capsule_output_stream stream,
                                                                      capsule_input_stream source,
                                                                      uint64_t len,
                                                                      uint64_t *ret_count);
/* Ready when a write is permitted or the stream is closed. To be dropped before the stream. */
capsule_pollable capsule_output_subscribe(capsule_output_stream stream);
/* What was written and has not left is lost, but for one attempt. */
void capsule_output_drop(capsule_output_stream stream);

/* "closed"; static. */
const char *capsule_stream_status_name(capsule_stream_status status);

#endif
