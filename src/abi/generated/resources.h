/* abi/generated/resources.h - the types of host objects that a guest can hold.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_RESOURCES_H
#define BHI_ABI_GENERATED_RESOURCES_H

/* The host defines these structs. */
typedef struct bhi_error_error bhi_error_error;
typedef struct bhi_fs_file_handle bhi_fs_file_handle;
typedef struct bhi_http_stream bhi_http_stream;
typedef struct bhi_ipc_subscription bhi_ipc_subscription;
typedef struct bhi_net_unix_listener bhi_net_unix_listener;
typedef struct bhi_net_tcp_stream bhi_net_tcp_stream;
typedef struct bhi_net_tcp_listener bhi_net_tcp_listener;
typedef struct bhi_net_udp_socket bhi_net_udp_socket;
typedef struct bhi_poll_pollable bhi_poll_pollable;
typedef struct bhi_process_handle bhi_process_handle;
typedef struct bhi_streams_input_stream bhi_streams_input_stream;
typedef struct bhi_streams_output_stream bhi_streams_output_stream;

typedef enum bhi_resource {
    BHI_RESOURCE_ERROR_ERROR,
    BHI_RESOURCE_FS_FILE_HANDLE,
    BHI_RESOURCE_HTTP_STREAM,
    BHI_RESOURCE_IPC_SUBSCRIPTION,
    BHI_RESOURCE_NET_UNIX_LISTENER,
    BHI_RESOURCE_NET_TCP_STREAM,
    BHI_RESOURCE_NET_TCP_LISTENER,
    BHI_RESOURCE_NET_UDP_SOCKET,
    BHI_RESOURCE_POLL_POLLABLE,
    BHI_RESOURCE_PROCESS_HANDLE,
    BHI_RESOURCE_STREAMS_INPUT_STREAM,
    BHI_RESOURCE_STREAMS_OUTPUT_STREAM,
    BHI_RESOURCE_COUNT
} bhi_resource;

typedef void (*bhi_resource_drop_fn)(void *rep);

/* "astrid:io/poll@1.0.0#pollable" */
extern const char *const bhi_resource_names[BHI_RESOURCE_COUNT];

struct bhi_host_table;

/* How the host drops an object of this type, or NULL when it provides none. */
bhi_resource_drop_fn bhi_resource_drop(const struct bhi_host_table *host, bhi_resource type);

#endif
