/* bus/rates.h - how many bytes a source has published for a principal lately.
 *
 * A window lasts a second or longer: a new one begins with the first message that comes after the
 * second and that the old one has no room for. So most messages need no look at the clock.
 *
 * A window is kept while it is pinned. Beyond BHI_RATES_MAX of them the one that was unpinned
 * longest ago is forgotten, which at worst gives its pair a new window.
 *
 * Threads: any.
 */
#ifndef BHI_BUS_RATES_H
#define BHI_BUS_RATES_H

#include "base/bytes.h"
#include "base/error.h"

enum { BHI_RATES_MAX = 4096 };

typedef struct bhi_publish_rates bhi_publish_rates;
typedef struct bhi_rate_window bhi_rate_window;

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_rates_create(bhi_publish_rates **ret_rates, bh_error *reterr);
/* Takes NULL. */
void bhi_rates_destroy(bhi_publish_rates *rates);

/* The window of a source (UUID text) and a principal (at most 64 bytes), for whoever charges it
 * more than once; NULL: no memory. */
bhi_rate_window *bhi_rates_pin(bhi_publish_rates *rates, bhi_bytes source_id, bhi_bytes principal);
/* Takes NULL. */
void bhi_rates_unpin(bhi_publish_rates *rates, bhi_rate_window *window);

typedef struct bhi_rate_charge {
    uint64_t bytes;
    uint64_t bytes_per_s_max;
    uint64_t now_ns; /* 0: read the clock when it matters */
} bhi_rate_charge;

/* Count the bytes in both windows, or in none (false) when they would exceed what is left of one.
 * `other` may be NULL. */
bool bhi_rates_take(bhi_rate_window *window, bhi_rate_window *other, const bhi_rate_charge *charge);

#endif
