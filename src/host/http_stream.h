/* host/http_stream.h - the streams of a lease, for its end. */
#ifndef BHI_HOST_HTTP_STREAM_H
#define BHI_HOST_HTTP_STREAM_H

#include "host/lease_context.h"

enum {
    BHI_HTTP_STREAMS_MAX = 4, /* open ones of one lease */
    BHI_HTTP_STREAM_BUFFER_BYTES_MAX = 256 << 10,
    BHI_HTTP_CHUNK_BYTES_MAX = 64 << 10,
};

/* Close those that are still open: a handle may outlive the lease (an instance that keeps its
 * resources), a transfer may not. */
void bhi_http_streams_end(bhi_lease_context *lease);

#endif
