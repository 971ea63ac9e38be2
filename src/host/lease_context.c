/* host/lease_context.c - the end of a lease, as the host calls see it. */
#include "host/lease_context.h"

void bhi_lease_context_end(bhi_lease_context *lease)
{
    bhi_rates_unpin(lease->rates, lease->rate_window);
    lease->rate_window = NULL;
}
