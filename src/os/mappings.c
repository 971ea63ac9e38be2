/* os/mappings.c - one counter and its limit for the whole process. */
#include "os/mappings.h"

#include <stdatomic.h>
#include <stdio.h>

enum { KERNEL_MAX_DEFAULT = 65530 };

static atomic_uint held;
static atomic_uint chosen_max; /* 0: not chosen yet */

static uint32_t read_kernel_max(void)
{
    unsigned long max = KERNEL_MAX_DEFAULT;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file != NULL) {
        if (fscanf(file, "%lu", &max) != 1)
            max = KERNEL_MAX_DEFAULT;
        fclose(file);
    }
    if (max > UINT32_MAX)
        max = UINT32_MAX;
    uint32_t reserve = max > 2 * BHI_MAPPINGS_RESERVE ? BHI_MAPPINGS_RESERVE : (uint32_t)max / 2;
    return (uint32_t)max - reserve;
}

void bhi_mappings_set_max(uint32_t mappings_max)
{
    uint32_t max = mappings_max != 0 ? mappings_max : read_kernel_max();
    atomic_store_explicit(&chosen_max, max, memory_order_relaxed);
}

uint32_t bhi_mappings_max(void)
{
    uint32_t max = atomic_load_explicit(&chosen_max, memory_order_relaxed);
    if (max == 0) {
        bhi_mappings_set_max(0);
        max = atomic_load_explicit(&chosen_max, memory_order_relaxed);
    }
    return max;
}

bool bhi_mappings_take(uint32_t count)
{
    uint32_t max = bhi_mappings_max();
    uint32_t now = atomic_fetch_add_explicit(&held, count, memory_order_relaxed);
    if (now <= max && count <= max - now)
        return true;
    bhi_mappings_give(count);
    return false;
}

void bhi_mappings_give(uint32_t count)
{
    atomic_fetch_sub_explicit(&held, count, memory_order_relaxed);
}

uint32_t bhi_mappings_held(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}

bool bhi_mappings_are_short(void)
{
    return bhi_mappings_held() > bhi_mappings_max() / 2;
}
