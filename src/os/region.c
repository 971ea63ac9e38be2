/* os/region.c - map, grow, restore, close; and what is kept of a closed region.
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

/* Restores without growth after which memory above the image is given up. */
enum { UNGROWN_MAX = 64 };

static bool has_bit(const uint64_t *bits, size_t page)
{
    return (bits[page / 64] >> (page % 64) & 1) != 0;
}

/* ---- restoring ---- */

/* Known pages only: the others are closed, and a write to one faults. */
static bool track_again(bhi_region *region)
{
    if (!bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_READ))
        return bhi_open_pages_make_whole(region);
    if (!bhi_pages_discard(region->base, region->image->size))
        return bhi_open_pages_make_whole(region); /* the pages were copied back: nothing is lost */
    region->mode = BHI_REGION_TRACKED;
    return bhi_open_pages_learned(region);
}

static bhi_restored restore_whole(bhi_region *region)
{
    bhi_image *image = region->image;
    uint64_t build_ns = atomic_load_explicit(&image->build_ns, memory_order_relaxed);
    uint64_t copy_ns = atomic_load_explicit(&image->copy_ns, memory_order_relaxed);
    if (build_ns != 0 && copy_ns > build_ns)
        return BHI_RESTORE_DEARER;
    uint64_t began_ns = bhi_monotonic_ns();
    memcpy(region->base, image->bytes, image->size);
    bhi_image_note_ns(&image->copy_ns, bhi_monotonic_ns() - began_ns);
    if (!region->is_copied && --region->whole_left == 0 && !track_again(region))
        return BHI_RESTORE_FAILED;
    return BHI_RESTORED_WHOLE;
}

/* Zero what has memory of its own; false when that cannot be told. */
static bool zero_touched(uint8_t *at, size_t pages)
{
    uint64_t touched[(BHI_REGION_KEPT_MAX + 63) / 64];
    if (!bhi_pages_read_touched(at, pages, touched))
        return false;
    for (uint32_t page = 0; page < pages; page++)
        if (has_bit(touched, page))
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

static bhi_restored restore(bhi_region *region)
{
    region->restores++;
    if (region->bytes == bhi_region_image_bytes(region))
        give_up_grown(region);
    else if (!drop_growth(region))
        return BHI_RESTORE_FAILED;
    if (region->mode == BHI_REGION_WHOLE)
        return restore_whole(region);
    bhi_open_pages_restore(region);
    return BHI_RESTORED;
}

bhi_restored bhi_region_restore(bhi_region *region)
{
    BHI_ASSERT(region->mode != BHI_REGION_PLAIN);
    bhi_restored how = restore(region);
    region->is_suspect |= how == BHI_RESTORE_FAILED;
    return how;
}

bool bhi_region_equals_image(const bhi_region *region, size_t offset, size_t size)
{
    BHI_ASSERT(offset + size <= bhi_region_image_bytes(region));
    return size == 0 || memcmp(region->base + offset, region->image->bytes + offset, size) == 0;
}

bool bhi_region_grow(bhi_region *region, size_t bytes)
{
    if (bytes > region->bytes &&
        !bhi_pages_protect(region->base + region->bytes, bytes - region->bytes, BHI_ACCESS_WRITE))
        return false;
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
    if (region->mode == BHI_REGION_TRACKED)
        region->mode = BHI_REGION_WHOLE;
    return true;
}

/* The kernel joins neighbouring mappings only when they share the bookkeeping of their private
 * pages, which a mapping gets at its first write and hands on when it is split. Written once while
 * it is whole, all its parts can be joined again, so that runs are what mappings are counted by. */
static bool close_all(bhi_region *region)
{
    uint32_t page = bhi_open_pages_first_learned(region);
    uint8_t *at = region->base + (size_t)page * BHI_PAGE_BYTES;
    volatile uint8_t *byte = at;
    *byte = *byte;
    if (!bhi_open_pages_is_learned(region, page))
        (void)!bhi_pages_discard(at, BHI_PAGE_BYTES);
    return bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_READ);
}

static bool map_image(bhi_region *region)
{
    return region->image->fd >= 0 &&
           bhi_pages_map_file(region->base, region->image->size, region->image->fd) &&
           (region->mode == BHI_REGION_PLAIN || close_all(region));
}

static bool place_image(bhi_region *region)
{
    region->bytes = bhi_region_image_bytes(region);
    if (region->image == NULL)
        return true;
    if (region->mode == BHI_REGION_TRACKED && !bhi_open_pages_allocate(region))
        return false;
    if (!bhi_pages_are_supported() || !map_image(region))
        return copy_image(region);
    return region->mode == BHI_REGION_PLAIN || bhi_open_pages_learned(region);
}

/* ---- spares ---- */

/* The image owns its spares, so they hold no reference to it. */
static bool take_spare(bhi_region *region, bhi_image *image, size_t reserved_bytes)
{
    bhi_region *spare = NULL;
    pthread_mutex_lock(&image->spares_lock);
    if (image->spares_count > 0 &&
        image->spares[image->spares_count - 1]->reserved_bytes == reserved_bytes)
        spare = image->spares[--image->spares_count];
    pthread_mutex_unlock(&image->spares_lock);
    if (spare == NULL)
        return false;
    *region = *spare;
    bhi_image_retain(image);
    free(spare);
    return true;
}

static bool add_spare(bhi_image *image, bhi_region *spare)
{
    pthread_mutex_lock(&image->spares_lock);
    bool has_room = image->spares_count < BHI_IMAGE_SPARES_MAX;
    if (has_room)
        image->spares[image->spares_count++] = spare;
    pthread_mutex_unlock(&image->spares_lock);
    return has_room;
}

/* Whatever ended its last lease: its open pages are known, so it can be restored (R3). */
static bool become_spare(bhi_region *region)
{
    bool is_usable = region->mode == BHI_REGION_TRACKED && region->image != NULL &&
                     region->base != NULL && !region->is_suspect &&
                     region->open_count <= BHI_REGION_SPARE_PAGES_MAX && !bhi_mappings_are_short();
    if (!is_usable || bhi_region_restore(region) != BHI_RESTORED)
        return false;
    bhi_region *spare = malloc(sizeof *spare);
    if (spare == NULL)
        return false;
    *spare = *region;
    if (add_spare(region->image, spare))
        return true;
    free(spare);
    return false;
}

static void unmap(bhi_region *region)
{
    bhi_open_pages_forget(region);
    bhi_pages_unmap(region->base, region->reserved_bytes);
    bhi_mappings_give(BHI_REGION_MAPPINGS);
    free(region->is_open);
    free(region->open);
}

void bhi_region_free_spare(bhi_region *spare)
{
    unmap(spare);
    free(spare);
}

/* ---- open and close ---- */

static bh_status map_new(bhi_region *region, bhi_image *image, size_t reserved_bytes,
                         bhi_region_mode mode, bh_error *reterr)
{
    if (!bhi_mappings_take(BHI_REGION_MAPPINGS))
        return bhi_fail(reterr, BH_E_LIMIT,
                        "instances hold %u of at most %u memory mappings: have fewer idle ones, or "
                        "raise vm.max_map_count",
                        bhi_mappings_held(), bhi_mappings_max());
    *region = (bhi_region){.reserved_bytes = reserved_bytes,
                           .mode = mode,
                           .image = image != NULL ? bhi_image_retain(image) : NULL};
    region->base = bhi_pages_reserve(reserved_bytes);
    if (region->base != NULL && place_image(region))
        return BH_OK;
    region->is_suspect = true;
    bhi_region_close(region);
    return bhi_fail(reterr, BH_E_NOMEM, "the operating system gave no memory for an instance");
}

bh_status bhi_region_open(bhi_region *region, bhi_image *image, size_t reserved_bytes,
                          bhi_region_mode mode, bh_error *reterr)
{
    if (mode == BHI_REGION_TRACKED && image != NULL && take_spare(region, image, reserved_bytes))
        return BH_OK;
    return map_new(region, image, reserved_bytes, mode, reterr);
}

void bhi_region_close(bhi_region *region)
{
    if (region->reserved_bytes == 0)
        return;
    bhi_image *image = region->image;
    if (!become_spare(region))
        unmap(region);
    bhi_image_release(image);
    *region = (bhi_region){0};
}

bool bhi_region_rebase(bhi_region *region, bhi_image *image)
{
    BHI_ASSERT(region->mode == BHI_REGION_PLAIN);
    if (region->bytes != image->size || memcmp(region->base, image->bytes, image->size) != 0)
        return false;
    bhi_image_release(region->image);
    region->image = bhi_image_retain(image);
    region->mode = BHI_REGION_TRACKED;
    region->is_copied = false;
    region->is_suspect = !place_image(region);
    return !region->is_suspect;
}
