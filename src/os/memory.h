/* os/memory.h - how much memory this process has, may still have, and is kept waiting for.
 *
 * Linux: /proc, and the cgroup (version 2) of the process where it has one, because a container's
 * limit comes before the machine's.
 *
 * Threads: any.
 */
#ifndef BHI_OS_MEMORY_H
#define BHI_OS_MEMORY_H

#include "base/error.h"

/* What of the memory is free for new use without swapping. */
typedef struct bhi_memory_room {
    uint64_t available_bytes, total_bytes;
} bhi_memory_room;

/* `meminfo_path`: a file like /proc/meminfo; NULL: that one, and the cgroup's limit. Fails with
 * BH_E_IO, BH_E_CORRUPT (no MemAvailable or MemTotal in it). */
BH_MUST_USE bh_status bhi_memory_read_room(const char *meminfo_path, bhi_memory_room *ret_room,
                                           bh_error *reterr);

/* Bytes of this process that are in memory now; 0 when that cannot be read. */
uint64_t bhi_memory_resident_bytes(void);

/* A descriptor that polls POLLPRI whenever tasks were stalled for want of memory for a tenth of the
 * time (pressure-stall information: Documentation/accounting/psi.rst of the kernel), and POLLERR
 * when it is of no more use; close it. -1: this kernel or container does not have it. */
int bhi_memory_open_pressure(void);

#endif
