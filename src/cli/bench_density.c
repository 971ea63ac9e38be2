/* cli/bench_density.c - what thousands of idle instances take, from the kernel's own books. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/bench_restore.h"
#include "engine/instance.h"

enum { CALLS_EACH = 4, STACK_BYTES_MIN = 2 << 20 };

/* Proportional set size by kind of mapping, and page tables, in bytes; and how many mappings. */
typedef struct usage {
    double pss, stacks, images, others, page_tables;
    double mappings;
} usage;

/* "address-address ..." of a mapping, as its line in smaps begins. */
static bool parse_header(const char *line, size_t *ret_bytes, bool *ret_is_image)
{
    unsigned long begin, end;
    char access[8];
    if (sscanf(line, "%lx-%lx %7s", &begin, &end, access) != 3)
        return false;
    *ret_bytes = end - begin;
    *ret_is_image = strstr(line, "bulkhead-image") != NULL;
    return true;
}

static void read_page_tables(usage *ret_usage)
{
    char line[256];
    unsigned long kib;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmPTE: %lu kB", &kib) == 1)
            ret_usage->page_tables = (double)kib * 1024;
    if (file != NULL)
        fclose(file);
}

static usage read_usage(void)
{
    usage now = {0};
    char line[512];
    size_t bytes = 0;
    bool is_image = false;
    unsigned long kib;
    FILE *file = fopen("/proc/self/smaps", "re");
    BHI_ASSERT(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (parse_header(line, &bytes, &is_image)) {
            now.mappings++;
        } else if (sscanf(line, "Pss: %lu kB", &kib) == 1) {
            double pss = (double)kib * 1024;
            bool is_stack = bytes >= STACK_BYTES_MIN && bytes < 2 * STACK_BYTES_MIN;
            now.pss += pss;
            *(is_image ? &now.images : is_stack ? &now.stacks : &now.others) += pss;
        }
    }
    fclose(file);
    read_page_tables(&now);
    return now;
}

static void compare_usage(const usage *before, const usage *after, bhi_bench_density *density)
{
    double n = density->instances;
    density->pss_bytes = (after->pss - before->pss) / n;
    density->stack_bytes = (after->stacks - before->stacks) / n;
    density->dirty_bytes = (after->images - before->images) / n;
    density->store_bytes = (after->others - before->others) / n;
    density->page_table_bytes = (after->page_tables - before->page_tables) / n;
    density->mappings = (after->mappings - before->mappings) / n;
}

void bhi_bench_density_measure(const char *path, const char *action, uint32_t instances,
                               bhi_bench_density *ret_density)
{
    bhi_bench_guest guest;
    bh_runtime_options options = {.verify_every = UINT32_MAX};
    bhi_bench_guest_open(&guest, path, &options, action, 64);
    bhi_pooled **pooled = calloc(instances, sizeof(bhi_pooled *));
    BHI_ASSERT(pooled != NULL);
    *ret_density = (bhi_bench_density){.instances = instances};
    uint64_t build_ns = 0, runs = 0;
    usage before = read_usage();
    for (uint32_t i = 0; i < instances; i++) {
        uint64_t began_ns = bhi_monotonic_ns();
        pooled[i] = bhi_bench_guest_build(&guest);
        build_ns += bhi_monotonic_ns() - began_ns;
        for (int call = 0; call < CALLS_EACH; call++) {
            bhi_bench_guest_call(&guest, pooled[i]);
            bhi_bench_guest_restore(&guest, pooled[i]);
        }
        runs += pooled[i]->instance->memory.region.runs;
    }
    usage after = read_usage();
    compare_usage(&before, &after, ret_density);
    ret_density->build_ns = (double)build_ns / instances;
    ret_density->runs = (double)runs / instances;
    for (uint32_t i = 0; i < instances; i++)
        bhi_pooled_destroy(pooled[i]);
    free(pooled);
    bhi_bench_guest_close(&guest);
}
