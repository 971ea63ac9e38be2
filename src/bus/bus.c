/* bus/bus.c - see the header. */
#include "bus/bus.h"

#include <stdlib.h>

struct bhi_bus {
    bhi_bus_dispatch_cb dispatch_cb;
    void *dispatch_arg;
};

bh_status bhi_bus_create(bhi_bus **ret_bus, bh_error *reterr)
{
    bhi_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a bus");
    *ret_bus = bus;
    return BH_OK;
}

void bhi_bus_destroy(bhi_bus *bus)
{
    free(bus);
}
