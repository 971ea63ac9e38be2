/* abi/generated/http.c - imports of astrid:http/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_stream(bhi_guest *guest, uint32_t handle, bhi_http_stream **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_HTTP_STREAM);
    return *ret != NULL;
}

static bool put_key_value_pair(bhi_guest *guest, uint8_t *at, const bhi_http_key_value_pair *value)
{
    return bhi_put_bytes(guest, at, value->key) && bhi_put_bytes(guest, at + 8, value->value);
}

static bool put_key_value_pair_list(bhi_guest *guest, uint8_t *image,
                                    bhi_http_key_value_pair_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 16, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[16] = {0};
        bool is_written =
            put_key_value_pair(guest, at, &list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 16, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_http_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_HTTP_ERROR_CODE_PROTOCOL:
        return bhi_put_bytes(guest, at + 4, value->protocol);
    case BHI_HTTP_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_bytes_result(bhi_guest *guest, uint8_t *at, const bhi_http_bytes_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_http_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool lift_method(bhi_guest *guest, const bhi_core_value *values, bhi_http_method *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, values[0].u32, 10, "astrid:http/host@1.0.0#http-method", &tag))
        return false;
    ret->tag = (bhi_http_method_tag)tag;
    switch (ret->tag) {
    case BHI_HTTP_METHOD_OTHER:
        return bhi_lift_text(guest, values[1].u32, values[2].u32, &ret->other);
    default:
        return true;
    }
}

static bool load_key_value_pair(bhi_guest *guest, const uint8_t *at, bhi_http_key_value_pair *ret)
{
    return bhi_lift_text(guest, bhi_get_u32(at), bhi_get_u32(at + 4), &ret->key) &&
           bhi_lift_text(guest, bhi_get_u32(at + 8), bhi_get_u32(at + 12), &ret->value);
}

static bool lift_key_value_pair_list(bhi_guest *guest, uint32_t address, uint32_t len,
                                     bhi_http_key_value_pair_list *ret)
{
    const uint8_t *at = bhi_lift_elements(guest, address, len, 16, 4);
    if (at == NULL)
        return false;
    bhi_http_key_value_pair *data = bhi_lift_array(guest, len, sizeof *data);
    if (data == NULL)
        return false;
    for (uint32_t i = 0; i < len; i++, at += 16) {
        if (!load_key_value_pair(guest, at, &data[i]))
            return false;
    }
    *ret = (bhi_http_key_value_pair_list){data, len};
    return true;
}

static bool lift_bytes_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                              bhi_bytes *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    return !*ret_is_some || bhi_lift_bytes(guest, values[1].u32, values[2].u32, ret);
}

static bool lift_request_data(bhi_guest *guest, const bhi_core_value *values,
                              bhi_http_request_data *ret)
{
    return bhi_lift_text(guest, values[0].u32, values[1].u32, &ret->url) &&
           lift_method(guest, values + 2, &ret->method) &&
           lift_key_value_pair_list(guest, values[5].u32, values[6].u32, &ret->headers) &&
           lift_bytes_option(guest, values + 7, &ret->has_body, &ret->body);
}

static bool put_response_data(bhi_guest *guest, uint8_t *at, const bhi_http_response_data *value)
{
    bhi_put_u16(at, value->status);
    return put_key_value_pair_list(guest, at + 4, value->headers) &&
           bhi_put_bytes(guest, at + 12, value->body);
}

static bool put_response_data_result(bhi_guest *guest, uint8_t *at,
                                     const bhi_http_response_data_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_response_data(guest, at + 4, &value->ok);
}

static bool put_stream_result(bhi_guest *guest, uint8_t *at, const bhi_http_stream_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_HTTP_STREAM, value->ok);
}

bool bhi_import_http_stream_status(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#[method]http-stream.status",
                                ours != NULL && ours->http_stream_status != NULL))
        return false;
    bhi_http_stream *self = NULL;
    uint16_t ret = 0;
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        ours->http_stream_status(guest, self, &ret);
    if (is_done)
        values[0].u32 = ret;
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_headers(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#[method]http-stream.headers",
                                ours != NULL && ours->http_stream_headers != NULL))
        return false;
    bhi_http_stream *self = NULL;
    bhi_http_key_value_pair_list ret = {0};
    uint8_t area[8] = {0};
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->http_stream_headers(guest, self, &ret) &&
        put_key_value_pair_list(guest, area, ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_read_chunk(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#[method]http-stream.read-chunk",
                                ours != NULL && ours->http_stream_read_chunk != NULL))
        return false;
    bhi_http_stream *self = NULL;
    bhi_http_bytes_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->http_stream_read_chunk(guest, self, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_close(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#[method]http-stream.close",
                                ours != NULL && ours->http_stream_close != NULL))
        return false;
    bhi_http_stream *self = NULL;
    bhi_http_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->http_stream_close(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_subscribe_readable(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest,
                                "astrid:http/host@1.0.0#[method]http-stream.subscribe-readable",
                                ours != NULL && ours->http_stream_subscribe_readable != NULL))
        return false;
    bhi_http_stream *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        ours->http_stream_subscribe_readable(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_body_stream(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#[method]http-stream.body-stream",
                                ours != NULL && ours->http_stream_body_stream != NULL))
        return false;
    bhi_http_stream *self = NULL;
    bhi_streams_input_stream *ret = NULL;
    bool is_done =
        lift_stream(guest, values[0].u32, &self) &&
        ours->http_stream_body_stream(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_STREAMS_INPUT_STREAM, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_request(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#http-request",
                                ours != NULL && ours->http_request != NULL))
        return false;
    bhi_http_request_data request = {0};
    bhi_http_response_data_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_request_data(guest, values, &request) &&
        bhi_lower_check_area(guest, values[10].u32, sizeof area, 4) &&
        ours->http_request(guest, &request, &ret) &&
        put_response_data_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[10].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_start(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_http_host *ours = guest->host == NULL ? NULL : guest->host->http;
    if (!bhi_guest_begin_import(guest, "astrid:http/host@1.0.0#http-stream-start",
                                ours != NULL && ours->http_stream_start != NULL))
        return false;
    bhi_http_request_data request = {0};
    bhi_http_stream_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_request_data(guest, values, &request) &&
        bhi_lower_check_area(guest, values[10].u32, sizeof area, 4) &&
        ours->http_stream_start(guest, &request, &ret) &&
        put_stream_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[10].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_http_stream_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_HTTP_STREAM,
                         "astrid:http/host@1.0.0#[resource-drop]http-stream");
}
