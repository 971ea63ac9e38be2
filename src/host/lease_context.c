/* host/lease_context.c - the end of a lease, as the host calls see it. */
#include "host/lease_context.h"

#include "host/fs_roots.h"
#include "host/http_stream.h"

void bhi_lease_context_end(bhi_lease_context *lease)
{
    bhi_http_streams_end(lease);
    bhi_rates_unpin(lease->rates, lease->rate_window);
    lease->rate_window = NULL;
    bhi_lease_files_release(lease->files);
    lease->files = NULL;
}
