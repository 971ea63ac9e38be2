/* abi/generated/net.c - imports of astrid:net/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_unix_listener(bhi_guest *guest, uint32_t handle, bhi_net_unix_listener **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_NET_UNIX_LISTENER);
    return *ret != NULL;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_net_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_NET_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_tcp_stream_result(bhi_guest *guest, uint8_t *at,
                                  const bhi_net_tcp_stream_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_NET_TCP_STREAM, value->ok);
}

static bool put_tcp_stream_option(bhi_guest *guest, uint8_t *at, bool is_some,
                                  bhi_net_tcp_stream *value)
{
    at[0] = is_some;
    return !is_some || bhi_put_own(guest, at + 4, BHI_RESOURCE_NET_TCP_STREAM, value);
}

static bool put_tcp_stream_option_result(bhi_guest *guest, uint8_t *at,
                                         const bhi_net_tcp_stream_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_tcp_stream_option(guest, at + 4, value->ok.is_some, value->ok.value);
}

static bool lift_tcp_stream(bhi_guest *guest, uint32_t handle, bhi_net_tcp_stream **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_NET_TCP_STREAM);
    return *ret != NULL;
}

static bool put_read_status(bhi_guest *guest, uint8_t *at, const bhi_net_read_status *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_NET_READ_STATUS_DATA:
        return bhi_put_bytes(guest, at + 4, value->data);
    default:
        return true;
    }
}

static bool put_read_status_result(bhi_guest *guest, uint8_t *at,
                                   const bhi_net_read_status_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_read_status(guest, at + 4, &value->ok);
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_net_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool put_bytes_result(bhi_guest *guest, uint8_t *at, const bhi_net_bytes_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_u32_result(bhi_guest *guest, uint8_t *at, const bhi_net_u32_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    bhi_put_u32(at + 4, value->ok);
    return true;
}

static bool lift_shutdown_how(bhi_guest *guest, uint32_t found, bhi_net_shutdown_how *ret)
{
    uint32_t tag;
    if (!bhi_lift_case(guest, found, 3, "astrid:net/host@1.0.0#shutdown-how", &tag))
        return false;
    *ret = (bhi_net_shutdown_how)tag;
    return true;
}

static bool put_text_result(bhi_guest *guest, uint8_t *at, const bhi_net_text_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_bytes(guest, at + 4, value->ok);
}

static bool put_bool_result(bhi_guest *guest, uint8_t *at, const bhi_net_bool_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    at[4] = value->ok;
    return true;
}

static bool lift_u64_option(bhi_guest *guest, const bhi_core_value *values, bool *ret_is_some,
                            uint64_t *ret)
{
    if (!bhi_lift_is_some(guest, values[0].u32, ret_is_some))
        return false;
    if (*ret_is_some)
        *ret = values[1].u64;
    return true;
}

static bool put_u64_option(bhi_guest *guest, uint8_t *at, bool is_some, uint64_t value)
{
    at[0] = is_some;
    if (is_some)
        bhi_put_u64(at + 8, value);
    return true;
}

static bool put_u64_option_result(bhi_guest *guest, uint8_t *at,
                                  const bhi_net_u64_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    return put_u64_option(guest, at + 8, value->ok.is_some, value->ok.value);
}

static bool lift_tcp_listener(bhi_guest *guest, uint32_t handle, bhi_net_tcp_listener **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_NET_TCP_LISTENER);
    return *ret != NULL;
}

static bool lift_udp_socket(bhi_guest *guest, uint32_t handle, bhi_net_udp_socket **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_NET_UDP_SOCKET);
    return *ret != NULL;
}

static bool put_udp_datagram(bhi_guest *guest, uint8_t *at, const bhi_net_udp_datagram *value)
{
    bhi_put_u16(at + 16, value->peer_port);
    return bhi_put_bytes(guest, at, value->data) && bhi_put_bytes(guest, at + 8, value->peer_host);
}

static bool put_udp_datagram_option(bhi_guest *guest, uint8_t *at, bool is_some,
                                    const bhi_net_udp_datagram *value)
{
    at[0] = is_some;
    return !is_some || put_udp_datagram(guest, at + 4, value);
}

static bool put_udp_datagram_option_result(bhi_guest *guest, uint8_t *at,
                                           const bhi_net_udp_datagram_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_udp_datagram_option(guest, at + 4, value->ok.is_some, &value->ok.value);
}

static bool put_bytes_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_bytes_option_result(bhi_guest *guest, uint8_t *at,
                                    const bhi_net_bytes_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_bytes_option(guest, at + 4, value->ok.is_some, value->ok.value);
}

static bool put_text_option(bhi_guest *guest, uint8_t *at, bool is_some, bhi_bytes value)
{
    at[0] = is_some;
    return !is_some || bhi_put_bytes(guest, at + 4, value);
}

static bool put_text_option_result(bhi_guest *guest, uint8_t *at,
                                   const bhi_net_text_option_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_text_option(guest, at + 4, value->ok.is_some, value->ok.value);
}

static bool put_unix_listener_result(bhi_guest *guest, uint8_t *at,
                                     const bhi_net_unix_listener_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_NET_UNIX_LISTENER, value->ok);
}

static bool put_tcp_listener_result(bhi_guest *guest, uint8_t *at,
                                    const bhi_net_tcp_listener_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_NET_TCP_LISTENER, value->ok);
}

static bool put_udp_socket_result(bhi_guest *guest, uint8_t *at,
                                  const bhi_net_udp_socket_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_NET_UDP_SOCKET, value->ok);
}

static bool put_text_list(bhi_guest *guest, uint8_t *image, bhi_text_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 8, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[8] = {0};
        bool is_written =
            bhi_put_bytes(guest, at, list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 8, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_text_list_result(bhi_guest *guest, uint8_t *at,
                                 const bhi_net_text_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_text_list(guest, at + 4, value->ok);
}

bool bhi_import_net_unix_listener_accept(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]unix-listener.accept",
                                ours != NULL && ours->unix_listener_accept != NULL))
        return false;
    bhi_net_unix_listener *self = NULL;
    bhi_net_tcp_stream_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_unix_listener(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->unix_listener_accept(guest, self, &ret) &&
        put_tcp_stream_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_unix_listener_poll_accept(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]unix-listener.poll-accept",
                                ours != NULL && ours->unix_listener_poll_accept != NULL))
        return false;
    bhi_net_unix_listener *self = NULL;
    bhi_net_tcp_stream_option_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t timeout_ms = values[1].u64;
    bool is_done =
        lift_unix_listener(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->unix_listener_poll_accept(guest, self, timeout_ms, &ret) &&
        put_tcp_stream_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_unix_listener_subscribe_readiness(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest,
                                "astrid:net/host@1.0.0#[method]unix-listener.subscribe-readiness",
                                ours != NULL && ours->unix_listener_subscribe_readiness != NULL))
        return false;
    bhi_net_unix_listener *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_unix_listener(guest, values[0].u32, &self) &&
        ours->unix_listener_subscribe_readiness(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_read(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.read",
                                ours != NULL && ours->tcp_stream_read != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_read_status_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_read(guest, self, &ret) &&
        put_read_status_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_write(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.write",
                                ours != NULL && ours->tcp_stream_write != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_bytes data = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &data) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_write(guest, self, data, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_read_bytes(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.read-bytes",
                                ours != NULL && ours->tcp_stream_read_bytes != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_bytes_result ret = {0};
    uint8_t area[16] = {0};
    uint32_t max_bytes = values[1].u32;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_read_bytes(guest, self, max_bytes, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_write_bytes(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.write-bytes",
                                ours != NULL && ours->tcp_stream_write_bytes != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_bytes data = {0};
    bhi_net_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &data) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_write_bytes(guest, self, data, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_peek(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.peek",
                                ours != NULL && ours->tcp_stream_peek != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_bytes_result ret = {0};
    uint8_t area[16] = {0};
    uint32_t max_bytes = values[1].u32;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_peek(guest, self, max_bytes, &ret) &&
        put_bytes_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_shutdown(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.shutdown",
                                ours != NULL && ours->tcp_stream_shutdown != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_shutdown_how how = 0;
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        lift_shutdown_how(guest, values[1].u32, &how) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_shutdown(guest, self, how, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_peer_addr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.peer-addr",
                                ours != NULL && ours->tcp_stream_peer_addr != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_peer_addr(guest, self, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_local_addr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.local-addr",
                                ours != NULL && ours->tcp_stream_local_addr != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_local_addr(guest, self, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_nodelay(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-nodelay",
                                ours != NULL && ours->tcp_stream_set_nodelay != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool nodelay = values[1].u32 != 0;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_set_nodelay(guest, self, nodelay, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_nodelay(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.nodelay",
                                ours != NULL && ours->tcp_stream_nodelay != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_bool_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_nodelay(guest, self, &ret) &&
        put_bool_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_read_timeout(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-read-timeout",
                                ours != NULL && ours->tcp_stream_set_read_timeout != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_u64_option timeout_ms = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &timeout_ms.is_some, &timeout_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_set_read_timeout(guest, self, timeout_ms, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_read_timeout(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.read-timeout",
                                ours != NULL && ours->tcp_stream_read_timeout != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_u64_option_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->tcp_stream_read_timeout(guest, self, &ret) &&
        put_u64_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_write_timeout(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-write-timeout",
                                ours != NULL && ours->tcp_stream_set_write_timeout != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_u64_option timeout_ms = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &timeout_ms.is_some, &timeout_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_set_write_timeout(guest, self, timeout_ms, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_write_timeout(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.write-timeout",
                                ours != NULL && ours->tcp_stream_write_timeout != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_u64_option_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->tcp_stream_write_timeout(guest, self, &ret) &&
        put_u64_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_hop_limit(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-hop-limit",
                                ours != NULL && ours->tcp_stream_set_hop_limit != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    uint32_t hops = values[1].u32;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_set_hop_limit(guest, self, hops, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_hop_limit(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.hop-limit",
                                ours != NULL && ours->tcp_stream_hop_limit != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_hop_limit(guest, self, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_keepalive(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-keepalive",
                                ours != NULL && ours->tcp_stream_set_keepalive != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_u64_option keepalive_secs = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &keepalive_secs.is_some, &keepalive_secs.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_set_keepalive(guest, self, keepalive_secs, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_keepalive(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.keepalive",
                                ours != NULL && ours->tcp_stream_keepalive != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_u64_option_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->tcp_stream_keepalive(guest, self, &ret) &&
        put_u64_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_linger(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-linger",
                                ours != NULL && ours->tcp_stream_set_linger != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_u64_option linger_ms = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &linger_ms.is_some, &linger_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->tcp_stream_set_linger(guest, self, linger_ms, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_linger(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.linger",
                                ours != NULL && ours->tcp_stream_linger != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_u64_option_result ret = {0};
    uint8_t area[24] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->tcp_stream_linger(guest, self, &ret) &&
        put_u64_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_set_reuseaddr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.set-reuseaddr",
                                ours != NULL && ours->tcp_stream_set_reuseaddr != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool reuse = values[1].u32 != 0;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_stream_set_reuseaddr(guest, self, reuse, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_reuseaddr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.reuseaddr",
                                ours != NULL && ours->tcp_stream_reuseaddr != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_net_bool_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_stream_reuseaddr(guest, self, &ret) &&
        put_bool_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_subscribe_readable(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest,
                                "astrid:net/host@1.0.0#[method]tcp-stream.subscribe-readable",
                                ours != NULL && ours->tcp_stream_subscribe_readable != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        ours->tcp_stream_subscribe_readable(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_read_stream(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.read-stream",
                                ours != NULL && ours->tcp_stream_read_stream != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_streams_input_stream *ret = NULL;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        ours->tcp_stream_read_stream(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_STREAMS_INPUT_STREAM, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_stream_write_stream(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-stream.write-stream",
                                ours != NULL && ours->tcp_stream_write_stream != NULL))
        return false;
    bhi_net_tcp_stream *self = NULL;
    bhi_streams_output_stream *ret = NULL;
    bool is_done =
        lift_tcp_stream(guest, values[0].u32, &self) &&
        ours->tcp_stream_write_stream(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_STREAMS_OUTPUT_STREAM, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_listener_accept(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-listener.accept",
                                ours != NULL && ours->tcp_listener_accept != NULL))
        return false;
    bhi_net_tcp_listener *self = NULL;
    bhi_net_tcp_stream_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_listener(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_listener_accept(guest, self, &ret) &&
        put_tcp_stream_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_listener_poll_accept(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-listener.poll-accept",
                                ours != NULL && ours->tcp_listener_poll_accept != NULL))
        return false;
    bhi_net_tcp_listener *self = NULL;
    bhi_net_tcp_stream_option_result ret = {0};
    uint8_t area[16] = {0};
    uint64_t timeout_ms = values[1].u64;
    bool is_done =
        lift_tcp_listener(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->tcp_listener_poll_accept(guest, self, timeout_ms, &ret) &&
        put_tcp_stream_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_listener_local_addr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]tcp-listener.local-addr",
                                ours != NULL && ours->tcp_listener_local_addr != NULL))
        return false;
    bhi_net_tcp_listener *self = NULL;
    bhi_net_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_tcp_listener(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->tcp_listener_local_addr(guest, self, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_tcp_listener_subscribe_readiness(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest,
                                "astrid:net/host@1.0.0#[method]tcp-listener.subscribe-readiness",
                                ours != NULL && ours->tcp_listener_subscribe_readiness != NULL))
        return false;
    bhi_net_tcp_listener *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_tcp_listener(guest, values[0].u32, &self) &&
        ours->tcp_listener_subscribe_readiness(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_send_to(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.send-to",
                                ours != NULL && ours->udp_socket_send_to != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_bytes data = {0};
    bhi_bytes peer_host = {0};
    bhi_net_u32_result ret = {0};
    uint8_t area[16] = {0};
    uint16_t peer_port = (uint16_t)values[5].u32;
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &data) &&
        bhi_lift_text(guest, values[3].u32, values[4].u32, &peer_host) &&
        bhi_lower_check_area(guest, values[6].u32, sizeof area, 4) &&
        ours->udp_socket_send_to(guest, self, data, peer_host, peer_port, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[6].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_recv_from(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.recv-from",
                                ours != NULL && ours->udp_socket_recv_from != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_net_udp_datagram_option_result ret = {0};
    uint8_t area[28] = {0};
    uint32_t max_bytes = values[1].u32;
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->udp_socket_recv_from(guest, self, max_bytes, &ret) &&
        put_udp_datagram_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_connect(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.connect",
                                ours != NULL && ours->udp_socket_connect != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_bytes peer_host = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    uint16_t peer_port = (uint16_t)values[3].u32;
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lift_text(guest, values[1].u32, values[2].u32, &peer_host) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->udp_socket_connect(guest, self, peer_host, peer_port, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_disconnect(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.disconnect",
                                ours != NULL && ours->udp_socket_disconnect != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->udp_socket_disconnect(guest, self, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_send(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.send",
                                ours != NULL && ours->udp_socket_send != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_bytes data = {0};
    bhi_net_u32_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lift_bytes(guest, values[1].u32, values[2].u32, &data) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->udp_socket_send(guest, self, data, &ret) &&
        put_u32_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_recv(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.recv",
                                ours != NULL && ours->udp_socket_recv != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_net_bytes_option_result ret = {0};
    uint8_t area[16] = {0};
    uint32_t max_bytes = values[1].u32;
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->udp_socket_recv(guest, self, max_bytes, &ret) &&
        put_bytes_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_peer_addr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.peer-addr",
                                ours != NULL && ours->udp_socket_peer_addr != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_net_text_option_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->udp_socket_peer_addr(guest, self, &ret) &&
        put_text_option_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_set_read_timeout(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.set-read-timeout",
                                ours != NULL && ours->udp_socket_set_read_timeout != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_u64_option timeout_ms = {0};
    bhi_net_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        lift_u64_option(guest, values + 1, &timeout_ms.is_some, &timeout_ms.value) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->udp_socket_set_read_timeout(guest, self, timeout_ms, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_local_addr(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#[method]udp-socket.local-addr",
                                ours != NULL && ours->udp_socket_local_addr != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_net_text_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 4) &&
        ours->udp_socket_local_addr(guest, self, &ret) &&
        put_text_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_socket_subscribe_readable(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest,
                                "astrid:net/host@1.0.0#[method]udp-socket.subscribe-readable",
                                ours != NULL && ours->udp_socket_subscribe_readable != NULL))
        return false;
    bhi_net_udp_socket *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_udp_socket(guest, values[0].u32, &self) &&
        ours->udp_socket_subscribe_readable(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_bind_unix(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#bind-unix",
                                ours != NULL && ours->bind_unix != NULL))
        return false;
    bhi_net_unix_listener_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lower_check_area(guest, values[0].u32, sizeof area, 4) &&
        ours->bind_unix(guest, &ret) &&
        put_unix_listener_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[0].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_bind_tcp(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#bind-tcp",
                                ours != NULL && ours->bind_tcp != NULL))
        return false;
    bhi_bytes host = {0};
    bhi_net_tcp_listener_result ret = {0};
    uint8_t area[16] = {0};
    uint16_t port = (uint16_t)values[2].u32;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &host) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->bind_tcp(guest, host, port, &ret) &&
        put_tcp_listener_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_connect_tcp(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#connect-tcp",
                                ours != NULL && ours->connect_tcp != NULL))
        return false;
    bhi_bytes host = {0};
    bhi_net_tcp_stream_result ret = {0};
    uint8_t area[16] = {0};
    uint16_t port = (uint16_t)values[2].u32;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &host) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->connect_tcp(guest, host, port, &ret) &&
        put_tcp_stream_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_udp_bind(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#udp-bind",
                                ours != NULL && ours->udp_bind != NULL))
        return false;
    bhi_bytes host = {0};
    bhi_net_udp_socket_result ret = {0};
    uint8_t area[16] = {0};
    uint16_t port = (uint16_t)values[2].u32;
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &host) &&
        bhi_lower_check_area(guest, values[3].u32, sizeof area, 4) &&
        ours->udp_bind(guest, host, port, &ret) &&
        put_udp_socket_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[3].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_lookup_host(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_net_host *ours = guest->host == NULL ? NULL : guest->host->net;
    if (!bhi_guest_begin_import(guest, "astrid:net/host@1.0.0#lookup-host",
                                ours != NULL && ours->lookup_host != NULL))
        return false;
    bhi_bytes host = {0};
    bhi_net_text_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &host) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->lookup_host(guest, host, &ret) &&
        put_text_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_net_unix_listener_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_NET_UNIX_LISTENER,
                         "astrid:net/host@1.0.0#[resource-drop]unix-listener");
}

bool bhi_import_net_tcp_stream_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_NET_TCP_STREAM,
                         "astrid:net/host@1.0.0#[resource-drop]tcp-stream");
}

bool bhi_import_net_tcp_listener_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_NET_TCP_LISTENER,
                         "astrid:net/host@1.0.0#[resource-drop]tcp-listener");
}

bool bhi_import_net_udp_socket_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_NET_UDP_SOCKET,
                         "astrid:net/host@1.0.0#[resource-drop]udp-socket");
}
