/* os/open_pages.h - the open pages of a tracked region: what region.c asks of open_pages.c. */
#ifndef BHI_OS_OPEN_PAGES_H
#define BHI_OS_OPEN_PAGES_H

#include "os/region.h"

static inline bool bhi_open_pages_has(const uint64_t *bits, size_t page)
{
    return (bits[page / 64] >> (page % 64) & 1) != 0;
}

/* Of the region's bits. */
static inline size_t bhi_open_pages_words(const bhi_region *region)
{
    return (bhi_region_image_bytes(region) / BHI_PAGE_BYTES + 63) / 64;
}

/* Room for the list and the bits. False: no memory. */
BH_MUST_USE bool bhi_open_pages_allocate(bhi_region *region);

/* Open what other instances write, up to half of what may be open. Without mappings for it the
 * region is whole afterwards. False: the kernel refused. */
BH_MUST_USE bool bhi_open_pages_learned(bhi_region *region);
/* Open the pages of these bits. As above. */
BH_MUST_USE bool bhi_open_pages_open(bhi_region *region, const uint64_t *bits);

/* A bit per page, all zero between two uses. */
uint64_t *bhi_open_pages_scratch(const bhi_region *region);

/* Copy all of them back, and close those that have been quiet for long. */
void bhi_open_pages_restore(bhi_region *region);

/* Make the whole image writable, and forget the pages. One change of protection over everything
 * joins mappings, so it works where another run would not find one. False: the region is suspect.
 * Async-signal-safe. */
bool bhi_open_pages_make_whole(bhi_region *region);

/* None is open; their mappings are given back. */
void bhi_open_pages_forget(bhi_region *region);

#endif
