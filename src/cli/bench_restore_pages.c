/* cli/bench_restore_pages.c - the restore alone, beside copying the same pages. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench_restore.h"
#include "engine/instance.h"

enum { SETTLING_CALLS = 64, BATCHES = 32 };

static const bhi_region *region_of(const bhi_pooled *pooled)
{
    return &pooled->instance->memory.region;
}

void bhi_bench_pages_open(bhi_bench_pages *pages, const char *path, const char *action)
{
    bh_runtime_options options = {.verify_every = UINT32_MAX};
    bhi_bench_guest_open(&pages->guest, path, &options, action, 64);
    for (int i = 0; i < BHI_BENCH_INSTANCES; i++) {
        bhi_pooled *pooled = pages->pooled[i] = bhi_bench_guest_build(&pages->guest);
        for (int call = 0; call < SETTLING_CALLS; call++) {
            bhi_bench_guest_call(&pages->guest, pooled);
            bhi_bench_guest_restore(&pages->guest, pooled);
        }
        pages->buffers[i] = calloc(1, region_of(pooled)->image->size);
        BHI_ASSERT(pages->buffers[i] != NULL);
    }
    pages->dirty_pages = region_of(pages->pooled[0])->open_count;
}

void bhi_bench_pages_close(bhi_bench_pages *pages)
{
    for (int i = 0; i < BHI_BENCH_INSTANCES; i++) {
        bhi_pooled_destroy(pages->pooled[i]);
        free(pages->buffers[i]);
    }
    bhi_bench_guest_close(&pages->guest);
}

double bhi_bench_pages_restore_ns(bhi_bench_pages *pages)
{
    uint64_t total_ns = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < BHI_BENCH_INSTANCES; i++)
            bhi_bench_guest_call(&pages->guest, pages->pooled[i]);
        uint64_t began_ns = bhi_monotonic_ns();
        for (int i = 0; i < BHI_BENCH_INSTANCES; i++)
            bhi_bench_guest_restore(&pages->guest, pages->pooled[i]);
        total_ns += bhi_monotonic_ns() - began_ns;
    }
    return (double)total_ns / (BATCHES * BHI_BENCH_INSTANCES);
}

static void copy_pages(const bhi_region *region, uint8_t *to)
{
    for (uint32_t i = 0; i < region->open_count; i++) {
        size_t at = (size_t)region->open[i].page * BHI_PAGE_BYTES;
        memcpy(to + at, region->image->bytes + at, BHI_PAGE_BYTES);
    }
}

double bhi_bench_pages_memcpy_ns(bhi_bench_pages *pages)
{
    uint64_t began_ns = bhi_monotonic_ns();
    for (int batch = 0; batch < BATCHES; batch++)
        for (int i = 0; i < BHI_BENCH_INSTANCES; i++)
            copy_pages(region_of(pages->pooled[i]), pages->buffers[i]);
    return (double)(bhi_monotonic_ns() - began_ns) / (BATCHES * BHI_BENCH_INSTANCES);
}
