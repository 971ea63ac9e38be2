/* os/fault.h - writes to closed pages, told apart from real crashes.
 *
 * One handler per process for SIGSEGV and SIGBUS, in front of those that were there: the engine's,
 * and the embedding program's before it. A write of this thread's guest to a closed page of its
 * region is served and tried again; everything else goes on to the handler before ours, with the
 * signal's own arguments, so that a real crash ends as it would without us.
 *
 * Threads: bhi_fault_install from any; the region is the calling thread's.
 */
#ifndef BHI_OS_FAULT_H
#define BHI_OS_FAULT_H

#include "os/region.h"

/* Put our handler in front, after the engine installed its own; again whenever it may have been
 * replaced (cheap when it was not). Fails with BH_E_UNSUPPORTED. */
BH_MUST_USE bh_status bhi_fault_install(bh_error *reterr);

/* This thread runs a guest with this region from here on; NULL: it does so no longer. What it was
 * before. */
bhi_region *bhi_fault_watch(bhi_region *region);

#endif
