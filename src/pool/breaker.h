/* pool/breaker.h - holds builds back when instances are condemned faster than a threshold.
 *
 *   CLOSED ── more than `condemned_max` in a window ──► OPEN ── cooldown over ──► HALF_OPEN
 *      ▲                                                 ▲                          │   │
 *      └── a lease ends cleanly ──────────────────────────┼──────────────────────────┘   │
 *                                                        └── an instance is condemned ──┘
 *                                                            (the cooldown doubles)
 *
 * It looks at ends of leases only, never at what was asked. While it is half open its user tries
 * one instance at a time. The pattern is Nygard's (Release It!, 2007); the rate is the generic cell
 * rate algorithm (ITU-T I.371): one number, no ring of time stamps.
 *
 * Threads: one at a time (under the pool's lock). Times are monotonic nanoseconds.
 */
#ifndef BHI_POOL_BREAKER_H
#define BHI_POOL_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BHI_BREAKER_WINDOW_NS         UINT64_C(10000000000)
#define BHI_BREAKER_COOLDOWN_NS       UINT64_C(1000000000)
#define BHI_BREAKER_COOLDOWN_MOST_NS  UINT64_C(60000000000)
#define BHI_BREAKER_CONDEMNED_DEFAULT 100
#define BHI_BREAKER_OFF               UINT32_MAX

typedef enum bhi_breaker_state {
    BHI_BREAKER_CLOSED,
    BHI_BREAKER_OPEN,
    BHI_BREAKER_HALF_OPEN
} bhi_breaker_state;

typedef struct bhi_breaker {
    uint32_t condemned_max; /* tolerated at once, and in each window; BHI_BREAKER_OFF */
    bhi_breaker_state state;
    uint64_t paid_until_ns; /* up to here the condemned so far are spread at the tolerated rate */
    uint64_t open_until_ns;
    uint64_t cooldown_ns; /* of the next opening */
} bhi_breaker;

/* 0 is BHI_BREAKER_CONDEMNED_DEFAULT. */
void bhi_breaker_init(bhi_breaker *breaker, uint32_t condemned_max);

/* The state at `now_ns`; an opening that is over becomes half open. */
bhi_breaker_state bhi_breaker_at(bhi_breaker *breaker, uint64_t now_ns);

void bhi_breaker_condemned(bhi_breaker *breaker, uint64_t now_ns);
void bhi_breaker_clean(bhi_breaker *breaker, uint64_t now_ns);

#endif
