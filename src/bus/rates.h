/* bus/rates.h - how many bytes a source has published for a principal in the running second.
 *
 * Fixed windows of a second, from the first message in each. Beyond BHI_RATES_MAX pairs the one
 * that was used longest ago is forgotten, which at worst gives it a new window.
 *
 * Threads: any.
 */
#ifndef BHI_BUS_RATES_H
#define BHI_BUS_RATES_H

#include "base/bytes.h"
#include "base/error.h"

enum { BHI_RATES_MAX = 4096 };

typedef struct bhi_publish_rates bhi_publish_rates;

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_rates_create(bhi_publish_rates **ret_rates, bh_error *reterr);
/* Takes NULL. */
void bhi_rates_destroy(bhi_publish_rates *rates);

typedef struct bhi_rate_charge {
    bhi_bytes source_id; /* UUID text                */
    bhi_bytes principal; /* at most 64 bytes         */
    bhi_bytes claimed;   /* another one that pays the same, or empty */
    uint64_t bytes;
    uint64_t bytes_per_s_max;
    uint64_t now_ns;
} bhi_rate_charge;

/* Count the bytes for each, or nothing (false) when they would exceed what is left of a window. */
bool bhi_rates_take(bhi_publish_rates *rates, const bhi_rate_charge *charge);

#endif
