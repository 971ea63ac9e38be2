/* abi/generated/net.h - the types and host functions of astrid:net/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_NET_H
#define BHI_ABI_GENERATED_NET_H

#include "abi/generated/types.h"

/* Why a network call failed. */
typedef enum bhi_net_error_code_tag {
    BHI_NET_ERROR_CODE_WOULD_BLOCK,
    BHI_NET_ERROR_CODE_CLOSED,
    BHI_NET_ERROR_CODE_CAPABILITY_DENIED,
    BHI_NET_ERROR_CODE_AIRLOCK_REJECTED,
    BHI_NET_ERROR_CODE_CONNECTION_REFUSED,
    BHI_NET_ERROR_CODE_CONNECTION_RESET,
    BHI_NET_ERROR_CODE_TIMEOUT,
    BHI_NET_ERROR_CODE_ADDRESS_IN_USE,
    BHI_NET_ERROR_CODE_ADDRESS_NOT_AVAILABLE,
    BHI_NET_ERROR_CODE_NAME_UNRESOLVABLE,
    BHI_NET_ERROR_CODE_INVALID_HANDLE,
    BHI_NET_ERROR_CODE_NOT_TCP,
    BHI_NET_ERROR_CODE_QUOTA,
    BHI_NET_ERROR_CODE_UNKNOWN,
} bhi_net_error_code_tag;

typedef struct bhi_net_error_code {
    bhi_net_error_code_tag tag;
    bhi_bytes unknown;
} bhi_net_error_code;

/* A frame, the end, or nothing yet. */
typedef enum bhi_net_read_status_tag {
    BHI_NET_READ_STATUS_DATA,
    BHI_NET_READ_STATUS_CLOSED,
    BHI_NET_READ_STATUS_PENDING,
} bhi_net_read_status_tag;

typedef struct bhi_net_read_status {
    bhi_net_read_status_tag tag;
    bhi_bytes data;
} bhi_net_read_status;

/* Which direction is closed. */
typedef enum bhi_net_shutdown_how {
    BHI_NET_SHUTDOWN_HOW_RECEIVE,
    BHI_NET_SHUTDOWN_HOW_SEND,
    BHI_NET_SHUTDOWN_HOW_BOTH,
} bhi_net_shutdown_how;

/* A datagram and its sender. */
typedef struct bhi_net_udp_datagram {
    bhi_bytes data;
    bhi_bytes peer_host;
    uint16_t peer_port;
} bhi_net_udp_datagram;

typedef struct bhi_net_tcp_stream_result {
    bool is_ok;
    union {
        bhi_net_tcp_stream *ok;
        bhi_net_error_code error;
    };
} bhi_net_tcp_stream_result;

typedef struct bhi_net_tcp_stream_option {
    bool is_some;
    bhi_net_tcp_stream *value;
} bhi_net_tcp_stream_option;

typedef struct bhi_net_tcp_stream_option_result {
    bool is_ok;
    union {
        bhi_net_tcp_stream_option ok;
        bhi_net_error_code error;
    };
} bhi_net_tcp_stream_option_result;

typedef struct bhi_net_read_status_result {
    bool is_ok;
    union {
        bhi_net_read_status ok;
        bhi_net_error_code error;
    };
} bhi_net_read_status_result;

typedef struct bhi_net_unit_result {
    bool is_ok;
    bhi_net_error_code error;
} bhi_net_unit_result;

typedef struct bhi_net_bytes_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_net_error_code error;
    };
} bhi_net_bytes_result;

typedef struct bhi_net_u32_result {
    bool is_ok;
    union {
        uint32_t ok;
        bhi_net_error_code error;
    };
} bhi_net_u32_result;

typedef struct bhi_net_text_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_net_error_code error;
    };
} bhi_net_text_result;

typedef struct bhi_net_bool_result {
    bool is_ok;
    union {
        bool ok;
        bhi_net_error_code error;
    };
} bhi_net_bool_result;

typedef struct bhi_net_u64_option_result {
    bool is_ok;
    union {
        bhi_u64_option ok;
        bhi_net_error_code error;
    };
} bhi_net_u64_option_result;

typedef struct bhi_net_udp_datagram_option {
    bool is_some;
    bhi_net_udp_datagram value;
} bhi_net_udp_datagram_option;

typedef struct bhi_net_udp_datagram_option_result {
    bool is_ok;
    union {
        bhi_net_udp_datagram_option ok;
        bhi_net_error_code error;
    };
} bhi_net_udp_datagram_option_result;

typedef struct bhi_net_bytes_option_result {
    bool is_ok;
    union {
        bhi_bytes_option ok;
        bhi_net_error_code error;
    };
} bhi_net_bytes_option_result;

typedef struct bhi_net_text_option_result {
    bool is_ok;
    union {
        bhi_text_option ok;
        bhi_net_error_code error;
    };
} bhi_net_text_option_result;

typedef struct bhi_net_unix_listener_result {
    bool is_ok;
    union {
        bhi_net_unix_listener *ok;
        bhi_net_error_code error;
    };
} bhi_net_unix_listener_result;

typedef struct bhi_net_tcp_listener_result {
    bool is_ok;
    union {
        bhi_net_tcp_listener *ok;
        bhi_net_error_code error;
    };
} bhi_net_tcp_listener_result;

typedef struct bhi_net_udp_socket_result {
    bool is_ok;
    union {
        bhi_net_udp_socket *ok;
        bhi_net_error_code error;
    };
} bhi_net_udp_socket_result;

typedef struct bhi_net_text_list_result {
    bool is_ok;
    union {
        bhi_text_list ok;
        bhi_net_error_code error;
    };
} bhi_net_text_list_result;

/* Sockets: unix, TCP and UDP. */
typedef struct bhi_net_host {
    void (*unix_listener_drop)(void *unix_listener);
    void (*tcp_stream_drop)(void *tcp_stream);
    void (*tcp_listener_drop)(void *tcp_listener);
    void (*udp_socket_drop)(void *udp_socket);
    /* Wait for the next peer that passes the handshake. */
    bool (*unix_listener_accept)(bhi_guest *guest, bhi_net_unix_listener *self,
                                 bhi_net_tcp_stream_result *ret);
    /* The same for at most `timeout-ms`; `none` when nobody came. */
    bool (*unix_listener_poll_accept)(bhi_guest *guest, bhi_net_unix_listener *self,
                                      uint64_t timeout_ms, bhi_net_tcp_stream_option_result *ret);
    /* Ready when a peer waits. */
    bool (*unix_listener_subscribe_readiness)(bhi_guest *guest, bhi_net_unix_listener *self,
                                              bhi_poll_pollable **ret);
    /* Read one frame: a big-endian 32-bit length and at most 10 MiB. */
    bool (*tcp_stream_read)(bhi_guest *guest, bhi_net_tcp_stream *self,
                            bhi_net_read_status_result *ret);
    /* Write one frame. */
    bool (*tcp_stream_write)(bhi_guest *guest, bhi_net_tcp_stream *self, bhi_bytes data,
                             bhi_net_unit_result *ret);
    /* Wait for bytes and take up to `max-bytes`; empty is the end. */
    bool (*tcp_stream_read_bytes)(bhi_guest *guest, bhi_net_tcp_stream *self, uint32_t max_bytes,
                                  bhi_net_bytes_result *ret);
    /* Write what fits; answers how many bytes were taken. */
    bool (*tcp_stream_write_bytes)(bhi_guest *guest, bhi_net_tcp_stream *self, bhi_bytes data,
                                   bhi_net_u32_result *ret);
    /* Look at what read-bytes would give, without taking it. */
    bool (*tcp_stream_peek)(bhi_guest *guest, bhi_net_tcp_stream *self, uint32_t max_bytes,
                            bhi_net_bytes_result *ret);
    /* Close one direction or both. */
    bool (*tcp_stream_shutdown)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                bhi_net_shutdown_how how, bhi_net_unit_result *ret);
    /* The other end as `address:port`. */
    bool (*tcp_stream_peer_addr)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                 bhi_net_text_result *ret);
    /* This end as `address:port`. */
    bool (*tcp_stream_local_addr)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                  bhi_net_text_result *ret);
    /* Send small writes at once, or gather them. */
    bool (*tcp_stream_set_nodelay)(bhi_guest *guest, bhi_net_tcp_stream *self, bool nodelay,
                                   bhi_net_unit_result *ret);
    /* Whether small writes are sent at once. */
    bool (*tcp_stream_nodelay)(bhi_guest *guest, bhi_net_tcp_stream *self,
                               bhi_net_bool_result *ret);
    /* How long reads may wait; `none` is for ever. */
    bool (*tcp_stream_set_read_timeout)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                        bhi_u64_option timeout_ms, bhi_net_unit_result *ret);
    /* How long reads may wait. */
    bool (*tcp_stream_read_timeout)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                    bhi_net_u64_option_result *ret);
    /* How long writes may wait; `none` is for ever. */
    bool (*tcp_stream_set_write_timeout)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                         bhi_u64_option timeout_ms, bhi_net_unit_result *ret);
    /* How long writes may wait. */
    bool (*tcp_stream_write_timeout)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                     bhi_net_u64_option_result *ret);
    /* How many routers a packet may pass, 1 to 255. */
    bool (*tcp_stream_set_hop_limit)(bhi_guest *guest, bhi_net_tcp_stream *self, uint32_t hops,
                                     bhi_net_unit_result *ret);
    /* How many routers a packet may pass. */
    bool (*tcp_stream_hop_limit)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                 bhi_net_u32_result *ret);
    /* Probe an idle peer after so many seconds; `none` stops that. */
    bool (*tcp_stream_set_keepalive)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                     bhi_u64_option keepalive_secs, bhi_net_unit_result *ret);
    /* After how many idle seconds the peer is probed. */
    bool (*tcp_stream_keepalive)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                 bhi_net_u64_option_result *ret);
    /* How long closing waits for unsent data. */
    bool (*tcp_stream_set_linger)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                  bhi_u64_option linger_ms, bhi_net_unit_result *ret);
    /* How long closing waits for unsent data. */
    bool (*tcp_stream_linger)(bhi_guest *guest, bhi_net_tcp_stream *self,
                              bhi_net_u64_option_result *ret);
    /* Whether the local address may be bound again early. */
    bool (*tcp_stream_set_reuseaddr)(bhi_guest *guest, bhi_net_tcp_stream *self, bool reuse,
                                     bhi_net_unit_result *ret);
    /* Whether the local address may be bound again early. */
    bool (*tcp_stream_reuseaddr)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                 bhi_net_bool_result *ret);
    /* Ready when a read would give bytes or the end. */
    bool (*tcp_stream_subscribe_readable)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                          bhi_poll_pollable **ret);
    /* The receiving half as a stream; once. */
    bool (*tcp_stream_read_stream)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                   bhi_streams_input_stream **ret);
    /* The sending half as a stream; once. */
    bool (*tcp_stream_write_stream)(bhi_guest *guest, bhi_net_tcp_stream *self,
                                    bhi_streams_output_stream **ret);
    /* Wait for the next connection. */
    bool (*tcp_listener_accept)(bhi_guest *guest, bhi_net_tcp_listener *self,
                                bhi_net_tcp_stream_result *ret);
    /* The same for at most `timeout-ms`; `none` when nobody came. */
    bool (*tcp_listener_poll_accept)(bhi_guest *guest, bhi_net_tcp_listener *self,
                                     uint64_t timeout_ms, bhi_net_tcp_stream_option_result *ret);
    /* Where it is bound. */
    bool (*tcp_listener_local_addr)(bhi_guest *guest, bhi_net_tcp_listener *self,
                                    bhi_net_text_result *ret);
    /* Ready when a connection waits. */
    bool (*tcp_listener_subscribe_readiness)(bhi_guest *guest, bhi_net_tcp_listener *self,
                                             bhi_poll_pollable **ret);
    /* Send one datagram to a named peer. */
    bool (*udp_socket_send_to)(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes data,
                               bhi_bytes peer_host, uint16_t peer_port, bhi_net_u32_result *ret);
    /* Wait for a datagram; what exceeds `max-bytes` is cut off. */
    bool (*udp_socket_recv_from)(bhi_guest *guest, bhi_net_udp_socket *self, uint32_t max_bytes,
                                 bhi_net_udp_datagram_option_result *ret);
    /* Fix the peer for send and recv. */
    bool (*udp_socket_connect)(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes peer_host,
                               uint16_t peer_port, bhi_net_unit_result *ret);
    /* Forget the fixed peer. */
    bool (*udp_socket_disconnect)(bhi_guest *guest, bhi_net_udp_socket *self,
                                  bhi_net_unit_result *ret);
    /* Send one datagram to the fixed peer. */
    bool (*udp_socket_send)(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes data,
                            bhi_net_u32_result *ret);
    /* Wait for a datagram of the fixed peer. */
    bool (*udp_socket_recv)(bhi_guest *guest, bhi_net_udp_socket *self, uint32_t max_bytes,
                            bhi_net_bytes_option_result *ret);
    /* The fixed peer, if there is one. */
    bool (*udp_socket_peer_addr)(bhi_guest *guest, bhi_net_udp_socket *self,
                                 bhi_net_text_option_result *ret);
    /* How long receiving may wait; `none` is for ever. */
    bool (*udp_socket_set_read_timeout)(bhi_guest *guest, bhi_net_udp_socket *self,
                                        bhi_u64_option timeout_ms, bhi_net_unit_result *ret);
    /* Where it is bound. */
    bool (*udp_socket_local_addr)(bhi_guest *guest, bhi_net_udp_socket *self,
                                  bhi_net_text_result *ret);
    /* Ready when a datagram waits. */
    bool (*udp_socket_subscribe_readable)(bhi_guest *guest, bhi_net_udp_socket *self,
                                          bhi_poll_pollable **ret);
    /* A handle on the daemon's unix socket. */
    bool (*bind_unix)(bhi_guest *guest, bhi_net_unix_listener_result *ret);
    /* Listen on a literal address and port. At most 4. */
    bool (*bind_tcp)(bhi_guest *guest, bhi_bytes host, uint16_t port,
                     bhi_net_tcp_listener_result *ret);
    /* Resolve and connect within 10 seconds; private addresses are refused. At most 8. */
    bool (*connect_tcp)(bhi_guest *guest, bhi_bytes host, uint16_t port,
                        bhi_net_tcp_stream_result *ret);
    /* Bind a UDP socket. At most 4. */
    bool (*udp_bind)(bhi_guest *guest, bhi_bytes host, uint16_t port,
                     bhi_net_udp_socket_result *ret);
    /* The public addresses of a host name. */
    bool (*lookup_host)(bhi_guest *guest, bhi_bytes host, bhi_net_text_list_result *ret);
} bhi_net_host;

#endif
