/* os/spares.h - regions of destroyed instances, restored and waiting for the next ones.
 *
 * A spare belongs to no instance and holds no reference to its image; the image forgets its spares
 * when it goes. There are few; they go before a build is refused, and when idle instances are
 * evicted.
 *
 * Threads: any.
 */
#ifndef BHI_OS_SPARES_H
#define BHI_OS_SPARES_H

#include "os/region.h"

enum { BHI_SPARES_MAX = 64, BHI_SPARES_OF_IMAGE_MAX = 4 };

/* Keep a restored region, in place of the oldest one when there are BHI_SPARES_MAX. False: there
 * are enough of its image; it stays the caller's. */
BH_MUST_USE bool bhi_spares_add(const bhi_region *region);
/* The one of `image` that was added last. False: none of this size. */
BH_MUST_USE bool bhi_spares_take(const bhi_image *image, size_t reserved_bytes,
                                 bhi_region *ret_region);
/* Unmap those of an image that goes. */
void bhi_spares_forget(const bhi_image *image);
/* Unmap all of them; how many there were. */
uint32_t bhi_spares_trim(void);
uint32_t bhi_spares_count(const bhi_image *image);

#endif
