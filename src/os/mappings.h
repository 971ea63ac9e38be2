/* os/mappings.h - how many memory mappings the process may still make.
 *
 * The kernel limits the mappings of a process (vm.max_map_count). A process at the limit can no
 * longer load a library or start a thread, so instances share a budget below it: a build that does
 * not fit is refused with its cause, and an instance that would need more is restored as a whole.
 *
 * Threads: any; bhi_mappings_take and _give also in a signal handler.
 */
#ifndef BHI_OS_MAPPINGS_H
#define BHI_OS_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

/* Of the kernel's limit, this many are left to the rest of the program. */
enum { BHI_MAPPINGS_RESERVE = 4096 };

/* Replace the budget of the process; 0: the kernel's limit without the reserve (the default). */
void bhi_mappings_set_max(uint32_t mappings_max);
uint32_t bhi_mappings_max(void);

/* Take `count` of the budget; false when they are not there. */
bool bhi_mappings_take(uint32_t count);
void bhi_mappings_give(uint32_t count);
uint32_t bhi_mappings_held(void);

/* More than half of the budget is taken: time to trade work for mappings. */
bool bhi_mappings_are_short(void);

#endif
