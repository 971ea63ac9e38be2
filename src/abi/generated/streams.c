/* abi/generated/streams.c - imports of astrid:io/streams@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_input_stream(bhi_guest *guest, uint32_t handle, bhi_streams_input_stream **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    return *ret != NULL;
}

static bool put_stream_error(bhi_guest *guest, uint8_t *at, const bhi_streams_stream_error *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED:
        return bhi_put_own(guest, at + 4, BHI_RESOURCE_ERROR_ERROR, value->last_operation_failed);
    default:
        return true;
    }
}

static bool put_bytes_result(bhi_guest *guest, uint8_t *at, const bhi_streams_bytes_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_stream_error(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_u64_result(bhi_guest *guest, uint8_t *at, const bhi_streams_u64_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_stream_error(guest, at + 8, &value->error);
    bhi_put_u64(at + 8, value->ok);
    return true;
}

static bool lift_output_stream(bhi_guest *guest, uint32_t handle, bhi_streams_output_stream **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    return *ret != NULL;
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_streams_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_stream_error(guest, at + 4, &value->error);
    return true;
}

bool bhi_import_streams_input_stream_read(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]input-stream.read",
                                ours != NULL && ours->input_stream_read != NULL))
        return false;
    bhi_streams_input_stream *self = NULL;
    bhi_streams_bytes_result ret = {0};
    uint8_t area[12] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_input_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->input_stream_read(guest, self, len, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_input_stream_blocking_read(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]input-stream.blocking-read",
                                ours != NULL && ours->input_stream_blocking_read != NULL))
        return false;
    bhi_streams_input_stream *self = NULL;
    bhi_streams_bytes_result ret = {0};
    uint8_t area[12] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_input_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->input_stream_blocking_read(guest, self, len, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_input_stream_skip(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]input-stream.skip",
                                ours != NULL && ours->input_stream_skip != NULL))
        return false;
    bhi_streams_input_stream *self = NULL;
    bhi_streams_u64_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_input_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->input_stream_skip(guest, self, len, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_input_stream_blocking_skip(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]input-stream.blocking-skip",
                                ours != NULL && ours->input_stream_blocking_skip != NULL))
        return false;
    bhi_streams_input_stream *self = NULL;
    bhi_streams_u64_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_input_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->input_stream_blocking_skip(guest, self, len, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_input_stream_subscribe(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]input-stream.subscribe",
                                ours != NULL && ours->input_stream_subscribe != NULL))
        return false;
    bhi_streams_input_stream *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_input_stream(guest, values[0].u32, &self) &&
        ours->input_stream_subscribe(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_check_write(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.check-write",
                                ours != NULL && ours->output_stream_check_write != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_u64_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->output_stream_check_write(guest, self, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_write(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.write",
                                ours != NULL && ours->output_stream_write != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_bytes contents = {0};
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &contents) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->output_stream_write(guest, self, contents, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_blocking_write_and_flush(bhi_guest *guest,
                                                               bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(
            guest, "astrid:io/streams@1.0.0#[method]output-stream.blocking-write-and-flush",
            ours != NULL && ours->output_stream_blocking_write_and_flush != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_bytes contents = {0};
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &contents) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->output_stream_blocking_write_and_flush(guest, self, contents, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_flush(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.flush",
                                ours != NULL && ours->output_stream_flush != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->output_stream_flush(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_blocking_flush(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest,
                                "astrid:io/streams@1.0.0#[method]output-stream.blocking-flush",
                                ours != NULL && ours->output_stream_blocking_flush != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->output_stream_blocking_flush(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_subscribe(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.subscribe",
                                ours != NULL && ours->output_stream_subscribe != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        ours->output_stream_subscribe(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_write_zeroes(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.write-zeroes",
                                ours != NULL && ours->output_stream_write_zeroes != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->output_stream_write_zeroes(guest, self, len, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_blocking_write_zeroes_and_flush(bhi_guest *guest,
                                                                      bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(
            guest, "astrid:io/streams@1.0.0#[method]output-stream.blocking-write-zeroes-and-flush",
            ours != NULL && ours->output_stream_blocking_write_zeroes_and_flush != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_unit_result ret = {0};
    uint8_t area[12] = {0};
    uint64_t len = values[1].u64;
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->output_stream_blocking_write_zeroes_and_flush(guest, self, len, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_splice(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest, "astrid:io/streams@1.0.0#[method]output-stream.splice",
                                ours != NULL && ours->output_stream_splice != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_input_stream *src = NULL;
    bhi_streams_u64_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t len = values[2].u64;
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        lift_input_stream(guest, values[1].u32, &src) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 8) &&
        ours->output_stream_splice(guest, self, src, len, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_output_stream_blocking_splice(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_streams_host *ours = guest->host == NULL ? NULL : guest->host->streams;
    if (!bhi_guest_begin_import(guest,
                                "astrid:io/streams@1.0.0#[method]output-stream.blocking-splice",
                                ours != NULL && ours->output_stream_blocking_splice != NULL))
        return false;
    bhi_streams_output_stream *self = NULL;
    bhi_streams_input_stream *src = NULL;
    bhi_streams_u64_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t len = values[2].u64;
    bool is_done =
        lift_output_stream(guest, values[0].u32, &self) &&
        lift_input_stream(guest, values[1].u32, &src) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 8) &&
        ours->output_stream_blocking_splice(guest, self, src, len, &ret) &&
        put_u64_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_streams_input_stream_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_STREAMS_INPUT_STREAM,
                         "astrid:io/streams@1.0.0#[resource-drop]input-stream");
}

bool bhi_import_streams_output_stream_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_STREAMS_OUTPUT_STREAM,
                         "astrid:io/streams@1.0.0#[resource-drop]output-stream");
}
