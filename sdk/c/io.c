/* io.c - the wrappers of astrid:io/poll, astrid:io/streams and astrid:io/error. */
#include "call.h"

/* ---- poll ---- */

typedef struct poll_result {
    uint8_t is_error;
    union {
        core_error error;
        capsule_indices indices;
    } as;
} poll_result;
AT(poll_result, as, 4);
AT(poll_result, as.error.text, 8);
_Static_assert(sizeof(poll_result) == 16, "canonical ABI size of result<list<u32>, error-code>");

#define POLL(function) IMPORT("io/poll", function)

POLL("[method]pollable.ready") bool pollable_ready(uint32_t pollable);
POLL("[method]pollable.block") void pollable_block(uint32_t pollable, poll_result *ret);
POLL("[resource-drop]pollable") void pollable_drop(uint32_t pollable);
POLL("poll") void poll_any(const capsule_pollable *pollables, size_t count, poll_result *ret);

static capsule_poll_status poll_status(const poll_result *result)
{
    return result->is_error
               ? (capsule_poll_status)capsule_call_failure(&result->as.error, CAPSULE_POLL_UNKNOWN)
               : CAPSULE_POLL_OK;
}

bool capsule_pollable_ready(capsule_pollable pollable)
{
    return pollable_ready(pollable);
}

capsule_poll_status capsule_pollable_block(capsule_pollable pollable)
{
    poll_result result;
    pollable_block(pollable, &result);
    return poll_status(&result);
}

capsule_poll_status capsule_poll(const capsule_pollable *pollables, size_t count,
                                 capsule_indices *ret_ready)
{
    poll_result result;
    poll_any(pollables, count, &result);
    if (!result.is_error)
        *ret_ready = result.as.indices;
    return poll_status(&result);
}

void capsule_pollable_drop(capsule_pollable pollable)
{
    pollable_drop(pollable);
}

const char *capsule_poll_status_name(capsule_poll_status status)
{
    static const char *const names[] = {"ok",        "invalid-input", "closed",
                                        "too-large", "cancelled",     "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}

/* ---- streams ---- */

/* last-operation-failed(error), closed */
typedef struct core_stream_error {
    uint8_t code;
    uint32_t error;
} core_stream_error;
AT(core_stream_error, error, 4);

/* result<list<u8>, stream-error>, result<_, stream-error> */
typedef struct stream_result {
    uint8_t is_error;
    union {
        core_stream_error error;
        capsule_bytes data;
    } as;
} stream_result;
AT(stream_result, as, 4);
_Static_assert(sizeof(stream_result) == 12, "canonical ABI size of result<_, stream-error>");

/* result<u64, stream-error> */
typedef struct stream_count_result {
    uint8_t is_error;
    union {
        core_stream_error error;
        uint64_t count;
    } as;
} stream_count_result;
AT(stream_count_result, as, 8);
_Static_assert(sizeof(stream_count_result) == 16,
               "canonical ABI size of result<u64, stream-error>");

IMPORT("io/error", "[method]error.to-debug-string")
void error_to_debug_string(uint32_t error, capsule_bytes *ret);
IMPORT("io/error", "[resource-drop]error") void error_drop(uint32_t error);

#define STREAMS(function) IMPORT("io/streams", function)

STREAMS("[method]input-stream.read")
void input_read(uint32_t stream, uint64_t len, stream_result *ret);
STREAMS("[method]input-stream.blocking-read")
void input_blocking_read(uint32_t stream, uint64_t len, stream_result *ret);
STREAMS("[method]input-stream.skip")
void input_skip(uint32_t stream, uint64_t len, stream_count_result *ret);
STREAMS("[method]input-stream.blocking-skip")
void input_blocking_skip(uint32_t stream, uint64_t len, stream_count_result *ret);
STREAMS("[method]input-stream.subscribe") uint32_t input_subscribe(uint32_t stream);
STREAMS("[resource-drop]input-stream") void input_drop(uint32_t stream);

STREAMS("[method]output-stream.check-write")
void output_check_write(uint32_t stream, stream_count_result *ret);
STREAMS("[method]output-stream.write")
void output_write(uint32_t stream, const uint8_t *data, size_t len, stream_result *ret);
STREAMS("[method]output-stream.write-zeroes")
void output_write_zeroes(uint32_t stream, uint64_t len, stream_result *ret);
STREAMS("[method]output-stream.blocking-write-and-flush")
void output_blocking_write(uint32_t stream, const uint8_t *data, size_t len, stream_result *ret);
STREAMS("[method]output-stream.blocking-write-zeroes-and-flush")
void output_blocking_write_zeroes(uint32_t stream, uint64_t len, stream_result *ret);
STREAMS("[method]output-stream.flush") void output_flush(uint32_t stream, stream_result *ret);
STREAMS("[method]output-stream.blocking-flush")
void output_blocking_flush(uint32_t stream, stream_result *ret);
STREAMS("[method]output-stream.splice")
void output_splice(uint32_t stream, uint32_t source, uint64_t len, stream_count_result *ret);
STREAMS("[method]output-stream.blocking-splice")
void output_blocking_splice(uint32_t stream, uint32_t source, uint64_t len,
                            stream_count_result *ret);
STREAMS("[method]output-stream.subscribe") uint32_t output_subscribe(uint32_t stream);
STREAMS("[resource-drop]output-stream") void output_drop(uint32_t stream);

/* Keeps what the error says, and drops it. */
static capsule_stream_status stream_failure(const core_stream_error *error)
{
    int status = error->code + 1;
    if (status != CAPSULE_STREAM_FAILED)
        return (capsule_stream_status)status;
    core_error kept = {.code = error->code};
    error_to_debug_string(error->error, &kept.text);
    error_drop(error->error);
    return (capsule_stream_status)capsule_call_failure(&kept, CAPSULE_STREAM_FAILED);
}

static capsule_stream_status unit_status(const stream_result *result)
{
    return result->is_error ? stream_failure(&result->as.error) : CAPSULE_STREAM_OK;
}

static capsule_stream_status data_status(const stream_result *result, capsule_bytes *ret_data)
{
    if (!result->is_error)
        *ret_data = result->as.data;
    return unit_status(result);
}

static capsule_stream_status count_status(const stream_count_result *result, uint64_t *ret_count)
{
    if (result->is_error)
        return stream_failure(&result->as.error);
    *ret_count = result->as.count;
    return CAPSULE_STREAM_OK;
}

capsule_stream_status capsule_input_read(capsule_input_stream stream, uint64_t len,
                                         capsule_bytes *ret_data)
{
    stream_result result;
    input_read(stream, len, &result);
    return data_status(&result, ret_data);
}

capsule_stream_status capsule_input_blocking_read(capsule_input_stream stream, uint64_t len,
                                                  capsule_bytes *ret_data)
{
    stream_result result;
    input_blocking_read(stream, len, &result);
    return data_status(&result, ret_data);
}

capsule_stream_status capsule_input_skip(capsule_input_stream stream, uint64_t len,
                                         uint64_t *ret_count)
{
    stream_count_result result;
    input_skip(stream, len, &result);
    return count_status(&result, ret_count);
}

capsule_stream_status capsule_input_blocking_skip(capsule_input_stream stream, uint64_t len,
                                                  uint64_t *ret_count)
{
    stream_count_result result;
    input_blocking_skip(stream, len, &result);
    return count_status(&result, ret_count);
}

capsule_pollable capsule_input_subscribe(capsule_input_stream stream)
{
    return input_subscribe(stream);
}

void capsule_input_drop(capsule_input_stream stream)
{
    input_drop(stream);
}

capsule_stream_status capsule_output_check_write(capsule_output_stream stream, uint64_t *ret_permit)
{
    stream_count_result result;
    output_check_write(stream, &result);
    return count_status(&result, ret_permit);
}

capsule_stream_status capsule_output_write(capsule_output_stream stream, capsule_bytes data)
{
    stream_result result;
    output_write(stream, data.data, data.len, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_write_zeroes(capsule_output_stream stream, uint64_t len)
{
    stream_result result;
    output_write_zeroes(stream, len, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_blocking_write_and_flush(capsule_output_stream stream,
                                                              capsule_bytes data)
{
    stream_result result;
    output_blocking_write(stream, data.data, data.len, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_blocking_write_zeroes_and_flush(capsule_output_stream stream,
                                                                     uint64_t len)
{
    stream_result result;
    output_blocking_write_zeroes(stream, len, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_flush(capsule_output_stream stream)
{
    stream_result result;
    output_flush(stream, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_blocking_flush(capsule_output_stream stream)
{
    stream_result result;
    output_blocking_flush(stream, &result);
    return unit_status(&result);
}

capsule_stream_status capsule_output_splice(capsule_output_stream stream,
                                            capsule_input_stream source, uint64_t len,
                                            uint64_t *ret_count)
{
    stream_count_result result;
    output_splice(stream, source, len, &result);
    return count_status(&result, ret_count);
}

capsule_stream_status capsule_output_blocking_splice(capsule_output_stream stream,
                                                     capsule_input_stream source, uint64_t len,
                                                     uint64_t *ret_count)
{
    stream_count_result result;
    output_blocking_splice(stream, source, len, &result);
    return count_status(&result, ret_count);
}

capsule_pollable capsule_output_subscribe(capsule_output_stream stream)
{
    return output_subscribe(stream);
}

void capsule_output_drop(capsule_output_stream stream)
{
    output_drop(stream);
}

const char *capsule_stream_status_name(capsule_stream_status status)
{
    static const char *const names[] = {"ok", "last-operation-failed", "closed"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
