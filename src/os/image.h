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

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "os/pages.h"

struct bhi_region; /* os/region.h */

enum { BHI_IMAGE_SPARES_MAX = 4 };

typedef struct bhi_image {
    atomic_uint references;
    int fd;            /* -1: no file, `bytes` is plain memory */
    uint8_t *bytes;    /* writable before sealing only */
    size_t size;       /* a multiple of BHI_PAGE_BYTES, not 0 */
    uint64_t *is_zero; /* a bit per page, known from sealing on */
    /* Per page: BHI_HEAT_LEARNED, and how often it came back after it was given up. */
    _Atomic uint8_t *heat;
    _Atomic uint16_t *closed_at;   /* per page: the region's restores when it was given up, or 0 */
    atomic_uint_fast64_t build_ns; /* what building an instance from it took lately; 0: unknown */
    atomic_uint_fast64_t copy_ns;  /* what copying it whole took lately; 0: unknown */
    pthread_mutex_t spares_lock;
    struct bhi_region *spares[BHI_IMAGE_SPARES_MAX]; /* restored, of no instance; guarded by it */
    uint32_t spares_count;                           /* guarded by it */
} bhi_image;

enum { BHI_HEAT_LEARNED = 0x80, BHI_HEAT_RETURNS_MAX = 5 };

/* Zeros to be filled in `bytes`. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_image_create(size_t size, bhi_image **ret_image, bh_error *reterr);
/* Make it immutable and mappable. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_image_seal(bhi_image *image, bh_error *reterr);

/* Copy `size` bytes to the start, leaving out pages of zeros: they take no memory then. */
void bhi_image_fill(bhi_image *image, const uint8_t *bytes, size_t size);

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
