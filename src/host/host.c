/* host/host.c - the interfaces that are there. */
#include "host/host.h"

const bhi_host_table bhi_host = {
    .fs = &bhi_host_fs,
    .http = &bhi_host_http,
    .ipc = &bhi_host_ipc,
    .kv = &bhi_host_kv,
    .poll = &bhi_host_poll,
    .sys = &bhi_host_sys,
};
