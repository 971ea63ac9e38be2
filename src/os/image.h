/* os/image.h - bytes that many regions start from, and what was learnt about them.
 *
 * An image is filled once and then sealed: from there on nobody can change it, and every region
 * maps it privately, so that clean pages are one copy for all. Where the kernel gives no memory
 * file, the image is plain memory and regions copy it: slower, never wrong.
 *
 * Regions of one image share which of its pages guests write (the learned set), so that a new
 * region opens them at once instead of by one fault each.
 *
 * Threads: any after sealing. Counted.
 */
#ifndef BHI_OS_IMAGE_H
#define BHI_OS_IMAGE_H

#include <stdatomic.h>

#include "base/error.h"
#include "os/pages.h"

typedef struct bhi_image {
    atomic_uint references;
    int fd;            /* -1: no file, `bytes` is plain memory */
    uint8_t *bytes;    /* writable before sealing only */
    size_t size;       /* a multiple of BHI_PAGE_BYTES, not 0 */
    uint64_t *is_zero; /* a bit per page: nothing but zeros was written to it */
    /* Per page: BHI_HEAT_LEARNED, and how often it came back after it was given up. */
    _Atomic uint8_t *heat;
    _Atomic uint16_t *closed_at;   /* per page: the region's restores when it was given up, or 0 */
    atomic_uint_fast64_t build_ns; /* what building an instance from it took lately; 0: unknown */
    atomic_uint_fast64_t copy_ns;  /* what copying it whole took lately; 0: unknown */
    atomic_uint_fast64_t fault_ns; /* of a page that gets a copy of its own; 0: unknown */
} bhi_image;

enum { BHI_HEAT_LEARNED = 0x80, BHI_HEAT_RETURNS_MAX = 5 };

/* Zeros, to be written to. Pages that are never written take no memory. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_image_create(size_t size, bhi_image **ret_image, bh_error *reterr);
/* [offset, offset + len) lies inside. Zeros for pages of zeros are left out. */
void bhi_image_write(bhi_image *image, size_t offset, const uint8_t *bytes, size_t len);
/* Make it immutable and mappable. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_image_seal(bhi_image *image, bh_error *reterr);

bhi_image *bhi_image_retain(bhi_image *image);
void bhi_image_release(bhi_image *image); /* takes NULL */

/* What page `page` holds. All pages of zeros are one, which stays in the cache. */
extern const uint8_t bhi_zero_page[BHI_PAGE_BYTES];

static inline const uint8_t *bhi_image_page(const bhi_image *image, uint32_t page)
{
    bool is_zero = (image->is_zero[page / 64] >> (page % 64) & 1) != 0;
    return is_zero ? bhi_zero_page : image->bytes + (size_t)page * BHI_PAGE_BYTES;
}

static inline size_t bhi_image_pages(const bhi_image *image)
{
    return image->size / BHI_PAGE_BYTES;
}

/* Remember a duration: a quarter of the way to it, or it when it is the first. */
void bhi_image_note_ns(atomic_uint_fast64_t *kept_ns, uint64_t ns);

#endif
