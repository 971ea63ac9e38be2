/* runtime/sizing.c - see sizing.h. */
#include "runtime/sizing.h"

#include <errno.h>
#include <stdlib.h>

#include <uv.h>

enum { LIVE_MAX_LEAST = 8, LIVE_MAX_MOST = 64 };

static const char *const variables[] = {"BULKHEAD_INSTANCE_POOL_SIZE",
                                        "ASTRID_CAPSULE_INSTANCE_POOL_SIZE"};

static uint32_t of_processors(void)
{
    uint32_t twice = 2 * uv_available_parallelism();
    return twice < LIVE_MAX_LEAST ? LIVE_MAX_LEAST : twice > LIVE_MAX_MOST ? LIVE_MAX_MOST : twice;
}

static bh_status parse(const char *variable, const char *text, uint32_t *ret_number,
                       bh_error *reterr)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number == 0 ||
        number > BHI_LIVE_MAX_MAX)
        return bhi_fail(reterr, BH_E_ARG, "environment: expected %s from 1 to %u, found \"%s\"",
                        variable, BHI_LIVE_MAX_MAX, text);
    *ret_number = (uint32_t)number;
    return BH_OK;
}

static bh_status of_environment(uint32_t *ret_live_max, bh_error *reterr)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *text = getenv(variables[i]);
        if (text != NULL && text[0] != '\0')
            return parse(variables[i], text, ret_live_max, reterr);
    }
    *ret_live_max = of_processors();
    return BH_OK;
}

bh_status bhi_sizing_choose(uint32_t live_max_option, const bhi_manifest *manifest,
                            bool is_carve_out, bhi_sizing *ret_sizing, bh_error *reterr)
{
    if (is_carve_out) {
        *ret_sizing = (bhi_sizing){.live_max = 1, .min_idle = 1};
        return BH_OK;
    }
    bh_status status = BH_OK;
    uint32_t live_max = 0;
    if (live_max_option != 0)
        live_max = live_max_option;
    else if (manifest->has_live_max)
        live_max = manifest->live_max;
    else
        status = of_environment(&live_max, reterr);
    if (status != BH_OK)
        return status;
    *ret_sizing =
        (bhi_sizing){live_max, manifest->min_idle < live_max ? manifest->min_idle : live_max};
    return BH_OK;
}
