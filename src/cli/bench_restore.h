/* cli/bench_restore.h - what "bench restore" measures, one sample at a time. */
#ifndef BHI_CLI_BENCH_RESTORE_H
#define BHI_CLI_BENCH_RESTORE_H

#include "cli/bench_guest.h"

enum { BHI_BENCH_INSTANCES = 64 };

/* Instances of a guest, and as many plain buffers, used in turn so that caches serve both alike. */
typedef struct bhi_bench_pages {
    bhi_bench_guest guest;
    bhi_pooled *pooled[BHI_BENCH_INSTANCES];
    uint8_t *buffers[BHI_BENCH_INSTANCES];
    uint32_t dirty_pages; /* that a restore looks at, in the steady state */
} bhi_bench_pages;

void bhi_bench_pages_open(bhi_bench_pages *pages, const char *path, const char *action);
void bhi_bench_pages_close(bhi_bench_pages *pages);
/* Mean ns of a restore after a call; of copying the same pages of the image into the buffers. */
double bhi_bench_pages_restore_ns(bhi_bench_pages *pages);
double bhi_bench_pages_memcpy_ns(bhi_bench_pages *pages);

/* Idle instances after a few calls each, and what one of them takes. */
typedef struct bhi_bench_density {
    uint32_t instances;
    double build_ns; /* mean, of one from the snapshot */
    double pss_bytes, stack_bytes, dirty_bytes, store_bytes, page_table_bytes;
    double mappings;
    double runs; /* of dirty pages */
} bhi_bench_density;

void bhi_bench_density_measure(const char *path, const char *action, uint32_t instances,
                               bhi_bench_density *ret_density);

#endif
