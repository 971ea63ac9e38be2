/* pool/breaker.c - see breaker.h. */
#include "pool/breaker.h"

void bhi_breaker_init(bhi_breaker *breaker, uint32_t condemned_max)
{
    *breaker = (bhi_breaker){.condemned_max =
                                 condemned_max == 0 ? BHI_BREAKER_CONDEMNED_DEFAULT : condemned_max,
                             .cooldown_ns = BHI_BREAKER_COOLDOWN_NS};
}

bhi_breaker_state bhi_breaker_at(bhi_breaker *breaker, uint64_t now_ns)
{
    if (breaker->state == BHI_BREAKER_OPEN && now_ns >= breaker->open_until_ns)
        breaker->state = BHI_BREAKER_HALF_OPEN;
    return breaker->state;
}

static void open_breaker(bhi_breaker *breaker, uint64_t now_ns)
{
    breaker->state = BHI_BREAKER_OPEN;
    breaker->open_until_ns = now_ns + breaker->cooldown_ns;
    breaker->cooldown_ns *= 2;
    if (breaker->cooldown_ns > BHI_BREAKER_COOLDOWN_MOST_NS)
        breaker->cooldown_ns = BHI_BREAKER_COOLDOWN_MOST_NS;
}

static bool is_too_fast(bhi_breaker *breaker, uint64_t now_ns)
{
    if (breaker->paid_until_ns < now_ns)
        breaker->paid_until_ns = now_ns;
    breaker->paid_until_ns += BHI_BREAKER_WINDOW_NS / breaker->condemned_max;
    return breaker->paid_until_ns - now_ns > BHI_BREAKER_WINDOW_NS;
}

void bhi_breaker_condemned(bhi_breaker *breaker, uint64_t now_ns)
{
    if (breaker->condemned_max == BHI_BREAKER_OFF)
        return;
    bhi_breaker_state state = bhi_breaker_at(breaker, now_ns);
    bool must_open = is_too_fast(breaker, now_ns) || state == BHI_BREAKER_HALF_OPEN;
    if (must_open && state != BHI_BREAKER_OPEN)
        open_breaker(breaker, now_ns);
}

void bhi_breaker_clean(bhi_breaker *breaker, uint64_t now_ns)
{
    if (breaker->state == BHI_BREAKER_CLOSED ||
        bhi_breaker_at(breaker, now_ns) != BHI_BREAKER_HALF_OPEN)
        return;
    breaker->state = BHI_BREAKER_CLOSED;
    breaker->paid_until_ns = now_ns;
    breaker->cooldown_ns = BHI_BREAKER_COOLDOWN_NS;
}
