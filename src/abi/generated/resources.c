/* abi/generated/resources.c - names and drops of resource types.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/resources.h"

#include <stddef.h>

#include "abi/generated/host.h"

const char *const bhi_resource_names[BHI_RESOURCE_COUNT] = {
    [BHI_RESOURCE_ERROR_ERROR] = "astrid:io/error@1.0.0#error",
    [BHI_RESOURCE_FS_FILE_HANDLE] = "astrid:fs/host@1.0.0#file-handle",
    [BHI_RESOURCE_HTTP_STREAM] = "astrid:http/host@1.0.0#http-stream",
    [BHI_RESOURCE_IPC_SUBSCRIPTION] = "astrid:ipc/host@1.0.0#subscription",
    [BHI_RESOURCE_NET_UNIX_LISTENER] = "astrid:net/host@1.0.0#unix-listener",
    [BHI_RESOURCE_NET_TCP_STREAM] = "astrid:net/host@1.0.0#tcp-stream",
    [BHI_RESOURCE_NET_TCP_LISTENER] = "astrid:net/host@1.0.0#tcp-listener",
    [BHI_RESOURCE_NET_UDP_SOCKET] = "astrid:net/host@1.0.0#udp-socket",
    [BHI_RESOURCE_POLL_POLLABLE] = "astrid:io/poll@1.0.0#pollable",
    [BHI_RESOURCE_PROCESS_HANDLE] = "astrid:process/host@1.0.0#process-handle",
    [BHI_RESOURCE_STREAMS_INPUT_STREAM] = "astrid:io/streams@1.0.0#input-stream",
    [BHI_RESOURCE_STREAMS_OUTPUT_STREAM] = "astrid:io/streams@1.0.0#output-stream",
};

bhi_resource_drop_fn bhi_resource_drop(const bhi_host_table *host, bhi_resource type)
{
    switch (type) {
    case BHI_RESOURCE_ERROR_ERROR:
        return host->error == NULL ? NULL : host->error->error_drop;
    case BHI_RESOURCE_FS_FILE_HANDLE:
        return host->fs == NULL ? NULL : host->fs->file_handle_drop;
    case BHI_RESOURCE_HTTP_STREAM:
        return host->http == NULL ? NULL : host->http->http_stream_drop;
    case BHI_RESOURCE_IPC_SUBSCRIPTION:
        return host->ipc == NULL ? NULL : host->ipc->subscription_drop;
    case BHI_RESOURCE_NET_UNIX_LISTENER:
        return host->net == NULL ? NULL : host->net->unix_listener_drop;
    case BHI_RESOURCE_NET_TCP_STREAM:
        return host->net == NULL ? NULL : host->net->tcp_stream_drop;
    case BHI_RESOURCE_NET_TCP_LISTENER:
        return host->net == NULL ? NULL : host->net->tcp_listener_drop;
    case BHI_RESOURCE_NET_UDP_SOCKET:
        return host->net == NULL ? NULL : host->net->udp_socket_drop;
    case BHI_RESOURCE_POLL_POLLABLE:
        return host->poll == NULL ? NULL : host->poll->pollable_drop;
    case BHI_RESOURCE_PROCESS_HANDLE:
        return host->process == NULL ? NULL : host->process->process_handle_drop;
    case BHI_RESOURCE_STREAMS_INPUT_STREAM:
        return host->streams == NULL ? NULL : host->streams->input_stream_drop;
    case BHI_RESOURCE_STREAMS_OUTPUT_STREAM:
        return host->streams == NULL ? NULL : host->streams->output_stream_drop;
    case BHI_RESOURCE_COUNT:
        break;
    }
    return NULL;
}
