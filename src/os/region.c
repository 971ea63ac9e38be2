/* os/region.c - map, grow, restore, close.
 *
 * Which pages are open is the business of open_pages.c. Here the image is mapped or copied, memory
 * above it comes and goes, and the ways to restore are chosen.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "os/mappings.h"
#include "os/open_pages.h"
#include "os/spares.h"

/* Restores without growth after which memory above the image is given up. */
enum { UNGROWN_MAX = 64 };

/* ---- restoring ---- */

/* What a restore by the page map did. */
typedef struct copied {
    bool is_known;    /* the kernel told which pages have a private copy; else all were copied */
    uint32_t private; /* pages that have one */
    uint32_t written; /* of them, that differed from the image */
} copied;

static void copy_differing(bhi_region *region, const uint64_t *bits, copied *counts)
{
    for (uint32_t page = 0; page < bhi_image_pages(region->image); page++) {
        if (!bhi_open_pages_has(bits, page))
            continue;
        uint8_t *at = region->base + (size_t)page * BHI_PAGE_BYTES;
        const uint8_t *image = bhi_image_page(region->image, page);
        counts->private ++;
        if (memcmp(at, image, BHI_PAGE_BYTES) == 0)
            continue;
        memcpy(at, image, BHI_PAGE_BYTES);
        counts->written++;
    }
}

/* All that was ever written has a private copy; without the kernel's word everything is copied. The
 * bits of private pages are in `scratch`. */
static copied copy_written(bhi_region *region, uint64_t *scratch)
{
    bhi_image *image = region->image;
    uint32_t pages = (uint32_t)bhi_image_pages(image);
    copied counts = {.is_known = !region->is_copied &&
                                 bhi_pages_read_private(region->base, pages, scratch)};
    if (counts.is_known) {
        copy_differing(region, scratch, &counts);
        return counts;
    }
    memcpy(region->base, image->bytes, image->size);
    counts.private = counts.written = pages;
    return counts;
}

static uint64_t measure_fault_ns(const bhi_image *image, uint8_t *view, size_t size)
{
    uint64_t began_ns = bhi_monotonic_ns();
    if (bhi_pages_map_file(view, size, image->fd))
        for (size_t at = 0; at < size; at += BHI_PAGE_BYTES)
            ((volatile uint8_t *)view)[at] = 1;
    return (bhi_monotonic_ns() - began_ns) / (size / BHI_PAGE_BYTES) + 1;
}

/* What it costs that a page gets a copy of its own: measured once per image on a view of it, the
 * least of a few, because being interrupted only adds. */
static uint64_t fault_ns_of(bhi_image *image)
{
    enum { PAGES_MAX = 16, TRIES = 4 };
    uint64_t known_ns = atomic_load_explicit(&image->fault_ns, memory_order_relaxed);
    size_t most = (size_t)PAGES_MAX * BHI_PAGE_BYTES,
           size = image->size < most ? image->size : most;
    uint8_t *view = known_ns != 0 ? NULL : bhi_pages_reserve(size);
    for (int i = 0; view != NULL && i < TRIES; i++) {
        uint64_t ns = measure_fault_ns(image, view, size);
        known_ns = known_ns == 0 || ns < known_ns ? ns : known_ns;
    }
    bhi_pages_unmap(view, view != NULL ? size : 0);
    atomic_store_explicit(&image->fault_ns, known_ns, memory_order_relaxed);
    return known_ns;
}

/* A new instance, whose next lease writes as much as this one did, against what copying took. */
static bool is_new_one_cheaper(bhi_image *image, uint32_t written)
{
    uint64_t build_ns = atomic_load_explicit(&image->build_ns, memory_order_relaxed);
    uint64_t copy_ns = atomic_load_explicit(&image->copy_ns, memory_order_relaxed);
    return build_ns != 0 && copy_ns > build_ns + written * fault_ns_of(image);
}

/* Let go of the private copies. When the kernel refuses, try again later. */
static void become_fresh(bhi_region *region)
{
    if (!region->is_copied && bhi_pages_discard(region->base, region->image->size))
        region->mode = BHI_REGION_FRESH;
    else
        region->whole_left = BHI_REGION_WHOLE_RESTORES;
}

static bhi_restored restore_whole(bhi_region *region)
{
    bhi_image *image = region->image;
    uint64_t *scratch = bhi_open_pages_scratch(region);
    uint64_t began_ns = bhi_monotonic_ns();
    copied counts = copy_written(region, scratch);
    bhi_image_note_ns(&image->copy_ns, bhi_monotonic_ns() - began_ns);
    memset(scratch, 0, bhi_open_pages_words(region) * sizeof *scratch);
    if (!region->is_copied && is_new_one_cheaper(image, counts.written))
        return BHI_RESTORE_DEARER;
    bool is_mostly_old = counts.written < counts.private / 2;
    if (--region->whole_left == 0 || is_mostly_old)
        become_fresh(region);
    return BHI_RESTORED_WHOLE;
}

/* The kernel joins neighbouring mappings only when they share the bookkeeping of their private
 * pages, which a mapping gets at its first write and hands on when it is split. Written to while it
 * is whole, all its parts can be joined again, so that runs are what mappings are counted by. */
static void write_once(bhi_region *region)
{
    volatile uint8_t *byte = region->base;
    *byte = *byte;
    (void)!bhi_pages_discard(region->base, BHI_PAGE_BYTES);
}

/* All of the image read-only. False: all of it is writable, as before, or the region is suspect. */
static bool close_all(bhi_region *region)
{
    if (bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_READ))
        return true;
    region->is_suspect |=
        !bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_WRITE); /* done in part? */
    return false;
}

/* The first restore of a mapping: from here on the written pages are the open ones. */
static bhi_restored restore_fresh(bhi_region *region)
{
    uint64_t *scratch = bhi_open_pages_scratch(region);
    copied counts = copy_written(region, scratch);
    if (counts.private == 0)
        write_once(region);
    bool is_tracked = counts.is_known && counts.private <= region->open_max && close_all(region);
    region->mode = is_tracked ? BHI_REGION_TRACKED : BHI_REGION_WHOLE;
    region->whole_left = BHI_REGION_WHOLE_RESTORES;
    bool is_open =
        !is_tracked || (bhi_open_pages_open(region, scratch) && bhi_open_pages_learned(region));
    memset(scratch, 0, bhi_open_pages_words(region) * sizeof *scratch);
    if (!is_open)
        return BHI_RESTORE_FAILED;
    return region->mode == BHI_REGION_TRACKED ? BHI_RESTORED : BHI_RESTORED_WHOLE;
}

/* Zero what has memory of its own; false when that cannot be told. */
static bool zero_touched(uint8_t *at, size_t pages)
{
    uint64_t touched[(BHI_REGION_KEPT_MAX + 63) / 64];
    if (!bhi_pages_read_touched(at, pages, touched))
        return false;
    for (uint32_t page = 0; page < pages; page++)
        if (bhi_open_pages_has(touched, page))
            memset(at + (size_t)page * BHI_PAGE_BYTES, 0, BHI_PAGE_BYTES);
    return true;
}

/* Zeros, without access. The first pages keep their memory: a guest that grows in one lease often
 * grows in the next. */
static bool drop_growth(bhi_region *region)
{
    uint8_t *at = region->base + bhi_region_image_bytes(region);
    size_t grown = region->bytes - bhi_region_image_bytes(region);
    size_t kept_max = (size_t)BHI_REGION_KEPT_MAX * BHI_PAGE_BYTES;
    size_t kept = grown < kept_max ? grown : kept_max;
    if (!zero_touched(at, kept / BHI_PAGE_BYTES))
        kept = 0;
    region->bytes = bhi_region_image_bytes(region);
    region->keeps_grown = kept > 0;
    region->ungrown = 0;
    bool is_zeroed = kept == grown || bhi_pages_discard(at + kept, grown - kept);
    return (is_zeroed && bhi_pages_protect(at, grown, BHI_ACCESS_NONE)) ||
           bhi_pages_map_none(at, grown);
}

/* They are zeros already: when the kernel refuses, only memory is lost. */
static void give_up_grown(bhi_region *region)
{
    if (!region->keeps_grown || ++region->ungrown < UNGROWN_MAX)
        return;
    size_t kept_max = (size_t)BHI_REGION_KEPT_MAX * BHI_PAGE_BYTES;
    size_t above = region->reserved_bytes - region->bytes;
    (void)!bhi_pages_discard(region->base + region->bytes, above < kept_max ? above : kept_max);
    region->keeps_grown = false;
}

static bhi_restored restore_image(bhi_region *region)
{
    switch (region->mode) {
    case BHI_REGION_FRESH:
        return restore_fresh(region);
    case BHI_REGION_WHOLE:
        return restore_whole(region);
    default:
        bhi_open_pages_restore(region);
        return BHI_RESTORED;
    }
}

static bhi_restored restore(bhi_region *region)
{
    region->restores++;
    region->was_refused = false;
    if (region->bytes == bhi_region_image_bytes(region))
        give_up_grown(region);
    else if (!drop_growth(region))
        return BHI_RESTORE_FAILED;
    return region->image == NULL ? BHI_RESTORED : restore_image(region);
}

bhi_restored bhi_region_restore(bhi_region *region)
{
    BHI_ASSERT(region->mode != BHI_REGION_PLAIN);
    bhi_restored how = region->is_suspect ? BHI_RESTORE_FAILED : restore(region);
    if (region->is_suspect) /* before, or found out meanwhile */
        how = BHI_RESTORE_FAILED;
    region->is_suspect = how == BHI_RESTORE_FAILED;
    return how;
}

bool bhi_region_equals_image(const bhi_region *region, size_t offset, size_t size)
{
    BHI_ASSERT(offset + size <= bhi_region_image_bytes(region));
    return size == 0 || memcmp(region->base + offset, region->image->bytes + offset, size) == 0;
}

/* A change of protection that fails may have been made in part: what is accessible is unknown then.
 */
bool bhi_region_grow(bhi_region *region, size_t bytes)
{
    if (bytes > region->bytes &&
        !bhi_pages_protect(region->base + region->bytes, bytes - region->bytes, BHI_ACCESS_WRITE)) {
        region->is_suspect = true;
        return false;
    }
    region->bytes = bytes;
    return true;
}

/* ---- making ---- */

static bool copy_image(bhi_region *region)
{
    if (!bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_WRITE))
        return false;
    memcpy(region->base, region->image->bytes, region->image->size);
    region->is_copied = true;
    if (region->mode == BHI_REGION_FRESH)
        region->mode = BHI_REGION_WHOLE;
    region->whole_left = BHI_REGION_WHOLE_RESTORES;
    return true;
}

static bool place_image(bhi_region *region)
{
    region->bytes = bhi_region_image_bytes(region);
    if (region->image == NULL)
        return true;
    if (region->mode == BHI_REGION_FRESH && !bhi_open_pages_allocate(region))
        return false;
    bool is_mapped = bhi_pages_are_supported() && region->image->fd >= 0 &&
                     bhi_pages_map_file(region->base, region->image->size, region->image->fd);
    return is_mapped || copy_image(region);
}

static bh_status map_new(bhi_region *region, bhi_image *image, size_t reserved_bytes,
                         bool is_restorable, bh_error *reterr)
{
    if (!bhi_mappings_take(BHI_REGION_MAPPINGS))
        return bhi_fail(reterr, BH_E_LIMIT,
                        "instances hold %u of at most %u memory mappings: have fewer idle ones, or "
                        "raise vm.max_map_count",
                        bhi_mappings_held(), bhi_mappings_max());
    *region = (bhi_region){.reserved_bytes = reserved_bytes,
                           .mode = is_restorable ? BHI_REGION_FRESH : BHI_REGION_PLAIN,
                           .may_be_spare = is_restorable,
                           .image = image != NULL ? bhi_image_retain(image) : NULL};
    region->base = bhi_pages_reserve(reserved_bytes);
    if (region->base != NULL && place_image(region))
        return BH_OK;
    region->is_suspect = true;
    bhi_region_close(region);
    return bhi_fail(reterr, BH_E_NOMEM, "the operating system gave no memory for an instance");
}

bh_status bhi_region_open(bhi_region *region, bhi_image *image, size_t reserved_bytes,
                          bool is_restorable, bh_error *reterr)
{
    if (is_restorable && image != NULL && bhi_spares_take(image, reserved_bytes, region)) {
        bhi_image_retain(image);
        return BH_OK;
    }
    bh_status status = map_new(region, image, reserved_bytes, is_restorable, reterr);
    if (status != BH_OK && bhi_spares_trim() > 0) /* they go before a build is refused */
        status = map_new(region, image, reserved_bytes, is_restorable, reterr);
    return status;
}

/* Every page that has a private copy equals the image; the others are the image. */
static bool is_proven_equal(bhi_region *region)
{
    uint64_t *scratch = bhi_open_pages_scratch(region);
    uint32_t pages = (uint32_t)bhi_image_pages(region->image);
    bool is_equal = bhi_pages_read_private(region->base, pages, scratch);
    for (uint32_t page = 0; page < pages && is_equal; page++)
        is_equal = !bhi_open_pages_has(scratch, page) ||
                   memcmp(region->base + (size_t)page * BHI_PAGE_BYTES,
                          bhi_image_page(region->image, page), BHI_PAGE_BYTES) == 0;
    memset(scratch, 0, bhi_open_pages_words(region) * sizeof *scratch);
    return is_equal;
}

static bool is_worth_keeping(const bhi_region *region)
{
    return region->may_be_spare && region->image != NULL && !region->is_suspect &&
           (region->mode == BHI_REGION_FRESH || region->mode == BHI_REGION_TRACKED) &&
           region->image->size <= BHI_REGION_SPARE_BYTES_MAX && !bhi_mappings_are_short() &&
           bhi_spares_count(region->image) < BHI_SPARES_OF_IMAGE_MAX;
}

/* Whatever ended its last lease: what was written is known, so it can be restored; and it is
 * compared with the image before it serves anybody else. */
static bool become_spare(bhi_region *region)
{
    return is_worth_keeping(region) && bhi_region_restore(region) == BHI_RESTORED &&
           region->open_count <= BHI_REGION_SPARE_PAGES_MAX && is_proven_equal(region) &&
           bhi_spares_add(region);
}

void bhi_region_unmap(bhi_region *region)
{
    region->image = NULL; /* of a spare it may be gone already */
    bhi_open_pages_forget(region);
    bhi_pages_unmap(region->base, region->reserved_bytes);
    bhi_mappings_give(BHI_REGION_MAPPINGS);
    free(region->is_open);
    free(region->open);
}

void bhi_region_close(bhi_region *region)
{
    if (region->reserved_bytes == 0)
        return;
    bhi_image *image = region->image;
    if (!become_spare(region))
        bhi_region_unmap(region);
    bhi_image_release(image);
    *region = (bhi_region){0};
}

bool bhi_region_rebase(bhi_region *region, bhi_image *image)
{
    BHI_ASSERT(region->mode == BHI_REGION_PLAIN);
    size_t size = image != NULL ? image->size : 0;
    if (region->bytes != size || (size > 0 && memcmp(region->base, image->bytes, size) != 0))
        return false;
    bhi_image_release(region->image);
    region->image = image != NULL ? bhi_image_retain(image) : NULL;
    region->mode = BHI_REGION_FRESH; /* and no spare: the next one begins on another image */
    region->is_copied = false;
    region->is_suspect = !place_image(region);
    return !region->is_suspect;
}
