/* host/host.h - the host functions of this runtime, one file per import interface. */
#ifndef BHI_HOST_HOST_H
#define BHI_HOST_HOST_H

#include "abi/generated/host.h"

/* Interfaces that are not there yet are NULL: their imports trap and name the function. */
extern const bhi_host_table bhi_host;

extern const bhi_error_host bhi_host_error;     /* stream_error.c */
extern const bhi_fs_host bhi_host_fs;           /* fs.c */
extern const bhi_http_host bhi_host_http;       /* http.c */
extern const bhi_ipc_host bhi_host_ipc;         /* ipc.c */
extern const bhi_kv_host bhi_host_kv;           /* kv.c */
extern const bhi_poll_host bhi_host_poll;       /* poll.c */
extern const bhi_streams_host bhi_host_streams; /* streams.c */
extern const bhi_sys_host bhi_host_sys;         /* sys.c */

/* Why the guest may not drop it now, or NULL (refuse_drop of the table). streams.c */
const char *bhi_stream_refuse_drop(bhi_resource type, const void *rep);

#endif
