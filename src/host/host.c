/* host/host.c - the interfaces that are there. */
#include "host/host.h"

const bhi_host_table bhi_host = {
    .error = &bhi_host_error,
    .fs = &bhi_host_fs,
    .http = &bhi_host_http,
    .ipc = &bhi_host_ipc,
    .kv = &bhi_host_kv,
    .poll = &bhi_host_poll,
    .streams = &bhi_host_streams,
    .sys = &bhi_host_sys,
    .refuse_drop = bhi_stream_refuse_drop,
};
