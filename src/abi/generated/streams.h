/* abi/generated/streams.h - the types and host functions of astrid:io/streams@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_STREAMS_H
#define BHI_ABI_GENERATED_STREAMS_H

#include "abi/generated/types.h"

/* Why a stream call failed; every later call answers `closed`. */
typedef enum bhi_streams_stream_error_tag {
    BHI_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED,
    BHI_STREAMS_STREAM_ERROR_CLOSED,
} bhi_streams_stream_error_tag;

typedef struct bhi_streams_stream_error {
    bhi_streams_stream_error_tag tag;
    bhi_error_error *last_operation_failed;
} bhi_streams_stream_error;

typedef struct bhi_streams_bytes_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_streams_stream_error error;
    };
} bhi_streams_bytes_result;

typedef struct bhi_streams_u64_result {
    bool is_ok;
    union {
        uint64_t ok;
        bhi_streams_stream_error error;
    };
} bhi_streams_u64_result;

typedef struct bhi_streams_unit_result {
    bool is_ok;
    bhi_streams_stream_error error;
} bhi_streams_unit_result;

/* Bytes in and out, at most 1 MiB per call. */
typedef struct bhi_streams_host {
    void (*input_stream_drop)(void *input_stream);
    void (*output_stream_drop)(void *output_stream);
    /* Take what is at hand, up to `len` bytes; empty means nothing yet. */
    bool (*input_stream_read)(bhi_guest *guest, bhi_streams_input_stream *self, uint64_t len,
                              bhi_streams_bytes_result *ret);
    /* Wait for at least one byte, then take up to `len`. */
    bool (*input_stream_blocking_read)(bhi_guest *guest, bhi_streams_input_stream *self,
                                       uint64_t len, bhi_streams_bytes_result *ret);
    /* Discard up to `len` bytes at hand; answers how many. */
    bool (*input_stream_skip)(bhi_guest *guest, bhi_streams_input_stream *self, uint64_t len,
                              bhi_streams_u64_result *ret);
    /* Wait for at least one byte, then discard up to `len`. */
    bool (*input_stream_blocking_skip)(bhi_guest *guest, bhi_streams_input_stream *self,
                                       uint64_t len, bhi_streams_u64_result *ret);
    /* Ready when a read would give bytes or the end. Drop it before the stream. */
    bool (*input_stream_subscribe)(bhi_guest *guest, bhi_streams_input_stream *self,
                                   bhi_poll_pollable **ret);
    /* How many bytes the next write may carry; 0 means wait. */
    bool (*output_stream_check_write)(bhi_guest *guest, bhi_streams_output_stream *self,
                                      bhi_streams_u64_result *ret);
    /* Write within the permit of the last check-write; more than that traps. */
    bool (*output_stream_write)(bhi_guest *guest, bhi_streams_output_stream *self,
                                bhi_bytes contents, bhi_streams_unit_result *ret);
    /* Write any number of bytes and wait until they have left. */
    bool (*output_stream_blocking_write_and_flush)(bhi_guest *guest,
                                                   bhi_streams_output_stream *self,
                                                   bhi_bytes contents,
                                                   bhi_streams_unit_result *ret);
    /* Begin to push out what is queued; no permit until that is done. */
    bool (*output_stream_flush)(bhi_guest *guest, bhi_streams_output_stream *self,
                                bhi_streams_unit_result *ret);
    /* Push out what is queued and wait for it. */
    bool (*output_stream_blocking_flush)(bhi_guest *guest, bhi_streams_output_stream *self,
                                         bhi_streams_unit_result *ret);
    /* Ready when a write is permitted or the stream is closed. Drop it before the stream. */
    bool (*output_stream_subscribe)(bhi_guest *guest, bhi_streams_output_stream *self,
                                    bhi_poll_pollable **ret);
    /* Write `len` zero bytes within the permit. */
    bool (*output_stream_write_zeroes)(bhi_guest *guest, bhi_streams_output_stream *self,
                                       uint64_t len, bhi_streams_unit_result *ret);
    /* Write `len` zero bytes and wait until they have left. */
    bool (*output_stream_blocking_write_zeroes_and_flush)(bhi_guest *guest,
                                                          bhi_streams_output_stream *self,
                                                          uint64_t len,
                                                          bhi_streams_unit_result *ret);
    /* Move up to `len` bytes from `src` without waiting; answers how many. */
    bool (*output_stream_splice)(bhi_guest *guest, bhi_streams_output_stream *self,
                                 bhi_streams_input_stream *src, uint64_t len,
                                 bhi_streams_u64_result *ret);
    /* Wait for both sides, then move up to `len` bytes from `src`. */
    bool (*output_stream_blocking_splice)(bhi_guest *guest, bhi_streams_output_stream *self,
                                          bhi_streams_input_stream *src, uint64_t len,
                                          bhi_streams_u64_result *ret);
} bhi_streams_host;

#endif
