/* os/region.h - the memory of one instance, which can be put back to its image.
 *
 *   base                       image_bytes          bytes                 reserved_bytes
 *    | image, copy-on-write        | grown, zeros     | without access          |
 *
 * Fresh, all of the image is writable, and its first restore asks the kernel which pages were
 * written. From then on the region is tracked: the pages that were written, here or by other
 * regions of the image, are *open*, writable for good; the others are read-only. The first write to
 * one of those faults once, or is announced by the host (will_write), and opens it. A restore
 * copies the open pages back. In steady state it makes no system call and takes no fault.
 *
 * Pages age. Now and then a page is compared before it is copied; one that stayed equal for some
 * restores is closed again. A page that comes back soon after that is given more patience.
 *
 * Whole: with too many open pages, or when the kernel gives no more mappings, all of the image is
 * writable, and a restore asks the kernel again, or copies everything; or the caller is told that a
 * new instance is cheaper. After a while the region is fresh again.
 *
 * Spares: a region that is closed is restored and kept for the next one to be opened on its image
 * (spares.h): its address space, page tables and private pages are what makes a new one dear.
 *
 * R1  After a restore the bytes up to image_bytes equal the image, and the size is image_bytes.
 * R2  What a later growth makes accessible reads as zeros.
 * R3  A page of a tracked region that is not open is equal to the image.
 *
 * Threads: one at a time. bhi_region_take_fault runs in a signal handler of that thread.
 */
#ifndef BHI_OS_REGION_H
#define BHI_OS_REGION_H

#include "os/image.h"

typedef enum bhi_region_mode {
    BHI_REGION_PLAIN,   /* writable, never restored               */
    BHI_REGION_FRESH,   /* writable, tracked after its next restore */
    BHI_REGION_TRACKED, /* open pages are known                   */
    BHI_REGION_WHOLE    /* writable, restored whole               */
} bhi_region_mode;

enum {
    BHI_REGION_OPEN_MAX = 256, /* more open pages: whole                                */
    BHI_REGION_KEPT_MAX = 64,  /* grown pages that keep their memory for the next lease */
    BHI_REGION_MAPPINGS = 5,   /* of an instance without open pages, while its memory is grown; its
                                  stack included */
    BHI_REGION_SPARE_PAGES_MAX = 32, /* one with more open pages is not kept as a spare       */
    BHI_REGION_SPARE_BYTES_MAX = 16 << 20, /* one of a larger image is not kept                */
    BHI_REGION_WHOLE_RESTORES = 32         /* then tracking is tried again                        */
};

typedef struct bhi_open_page {
    uint32_t page;
    bool is_new;      /* written in this lease for the first time          */
    uint8_t blind;    /* restores until it is compared again               */
    uint8_t trust;    /* what `blind` starts from: grows while it is written */
    uint8_t quiet;    /* comparisons in a row that found it equal          */
    uint8_t patience; /* that many close it                                */
} bhi_open_page;

typedef struct bhi_region {
    uint8_t *base;
    size_t reserved_bytes;
    size_t bytes;     /* accessible to the guest */
    bhi_image *image; /* held; NULL: it starts empty */
    bhi_region_mode mode;
    bool is_copied;    /* the image is not mapped but copied: always whole */
    bool was_refused;  /* in this lease the kernel gave no memory to write to */
    bool may_be_spare; /* opened restorable */
    bool is_suspect;   /* it could not be restored or verified: never a spare */
    bool keeps_grown;  /* pages above the image may have memory of their own */
    uint8_t ungrown;   /* restores without growth since */
    uint32_t whole_left;
    uint64_t *is_open; /* a bit per page of the image; the same again as scratch space */
    bhi_open_page *open;
    uint32_t open_count, open_max;
    uint32_t runs;     /* of neighbouring open pages */
    uint32_t restores; /* wraps */
} bhi_region;

/* Reserve `reserved_bytes` (with the guard) and put the image at their start. Retains the image;
 * NULL: no bytes. A restorable region begins fresh, or tracked when it was a spare. Fails with
 * BH_E_LIMIT: the budget of mappings; BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_region_open(bhi_region *region, bhi_image *image, size_t reserved_bytes,
                                      bool is_restorable, bh_error *reterr);
void bhi_region_close(bhi_region *region); /* zeroed bytes are fine */
/* Of a spare: give back what it holds, but no reference to the image. */
void bhi_region_unmap(bhi_region *region);

static inline size_t bhi_region_image_bytes(const bhi_region *region)
{
    return region->image != NULL ? region->image->size : 0;
}

/* Make bytes up to `bytes` accessible. False: no memory; the size is as before, and the region is
 * suspect. */
BH_MUST_USE bool bhi_region_grow(bhi_region *region, size_t bytes);

/* Before the host writes [offset, offset + size), which lies inside `bytes`. False: these pages
 * cannot be made writable. */
BH_MUST_USE bool bhi_region_will_write(bhi_region *region, size_t offset, size_t size);

/* A write faulted at `address`: true when that was ours, and the write can be tried again. */
bool bhi_region_take_fault(bhi_region *region, uintptr_t address);

typedef enum bhi_restored {
    BHI_RESTORED,
    BHI_RESTORED_WHOLE, /* by copying all of the image                                  */
    BHI_RESTORE_DEARER, /* not restored: a new instance was measured to be cheaper      */
    BHI_RESTORE_FAILED  /* not restored: the kernel refused what it needs               */
} bhi_restored;

/* Back to the image (R1, R2). After the last two the region may only be closed. */
BH_MUST_USE bhi_restored bhi_region_restore(bhi_region *region);

/* R1 for [offset, offset + size) of the image. */
bool bhi_region_equals_image(const bhi_region *region, size_t offset, size_t size);

/* Make a plain region restorable to another image, NULL for one of no bytes, whose bytes and size
 * it must already have. False: it has not, or the kernel refused; then it may only be closed. */
BH_MUST_USE bool bhi_region_rebase(bhi_region *region, bhi_image *image);

#endif
