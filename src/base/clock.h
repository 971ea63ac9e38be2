/* base/clock.h - time as the runtime reads it. Deadlines are absolute values of the monotonic
 * clock in nanoseconds and saturate: BHI_DEADLINE_NEVER is past every reading. */
#ifndef BHI_BASE_CLOCK_H
#define BHI_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BHI_DEADLINE_NEVER UINT64_MAX
#define BHI_NS_PER_MS      UINT64_C(1000000)
#define BHI_NS_PER_SECOND  UINT64_C(1000000000)

static inline uint64_t bhi_clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * BHI_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline uint64_t bhi_monotonic_ns(void)
{
    return bhi_clock_read(CLOCK_MONOTONIC);
}

static inline uint64_t bhi_deadline_after(uint64_t now_ns, uint64_t delay_ns)
{
    return delay_ns > UINT64_MAX - now_ns ? BHI_DEADLINE_NEVER : now_ns + delay_ns;
}

#endif
