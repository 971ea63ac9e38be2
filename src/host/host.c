/* host/host.c - the interfaces that are there. */
#include "host/host.h"

const bhi_host_table bhi_host = {
    .http = &bhi_host_http,
    .ipc = &bhi_host_ipc,
    .kv = &bhi_host_kv,
    .poll = &bhi_host_poll,
    .sys = &bhi_host_sys,
};
