/* host/initialising.h - what a guest may not call before it belongs to a principal. */
#ifndef BHI_HOST_INITIALISING_H
#define BHI_HOST_INITIALISING_H

#include "host/lease_context.h"

#include "abi/guest.h"

/* False, with a trap that names `function`, while the guest is being initialised. */
static inline bool bhi_check_not_initialising(bhi_guest *guest, const char *function)
{
    return !guest->lease->is_initialising ||
           bhi_guest_trap(guest, "%s is not available during initialisation", function);
}

#endif
