/* os/image.c - create, fill, seal. */
#include "os/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "os/spares.h"

const uint8_t bhi_zero_page[BHI_PAGE_BYTES] __attribute__((aligned(BHI_PAGE_BYTES)));

/* A file, or plain memory when the kernel gives none. */
static bool get_bytes(bhi_image *image)
{
    if (bhi_pages_create_file(image->size, &image->fd, &image->bytes))
        return true;
    bhi_log(BHI_LOG_WARN, "no memory file for an image of %zu bytes (%s): its instances copy it",
            image->size, strerror(errno));
    image->fd = -1;
    image->bytes = bhi_pages_reserve(image->size);
    return image->bytes != NULL && bhi_pages_protect(image->bytes, image->size, BHI_ACCESS_WRITE);
}

bh_status bhi_image_create(size_t size, bhi_image **ret_image, bh_error *reterr)
{
    bhi_image *image = calloc(1, sizeof *image);
    if (image != NULL) {
        atomic_init(&image->references, 1);
        image->fd = -1;
        image->size = size;
        image->is_zero = malloc((bhi_image_pages(image) + 63) / 64 * sizeof *image->is_zero);
        image->heat = calloc(bhi_image_pages(image), sizeof *image->heat);
        image->closed_at = calloc(bhi_image_pages(image), sizeof *image->closed_at);
    }
    if (image == NULL || image->is_zero == NULL || image->heat == NULL ||
        image->closed_at == NULL || !get_bytes(image)) {
        bhi_image_release(image);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an image of %zu bytes", size);
    }
    memset(image->is_zero, 0xff, (bhi_image_pages(image) + 63) / 64 * sizeof *image->is_zero);
    *ret_image = image;
    return BH_OK;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

bh_status bhi_image_seal(bhi_image *image, bh_error *reterr)
{
    if (image->fd < 0 ? bhi_pages_protect(image->bytes, image->size, BHI_ACCESS_READ)
                      : bhi_pages_seal_file(image->fd, image->size, &image->bytes))
        return BH_OK;
    return bhi_fail(reterr, BH_E_NOMEM, "an image of %zu bytes could not be sealed", image->size);
}

static void write_within_page(bhi_image *image, size_t offset, const uint8_t *bytes, size_t len)
{
    size_t page = offset / BHI_PAGE_BYTES;
    uint64_t bit = UINT64_C(1) << (page % 64);
    if ((image->is_zero[page / 64] & bit) != 0 && is_zero(bytes, len))
        return;
    image->is_zero[page / 64] &= ~bit;
    memcpy(image->bytes + offset, bytes, len);
}

void bhi_image_write(bhi_image *image, size_t offset, const uint8_t *bytes, size_t len)
{
    BHI_ASSERT(len <= image->size && offset <= image->size - len);
    while (len > 0) {
        size_t left = BHI_PAGE_BYTES - offset % BHI_PAGE_BYTES;
        size_t part = len < left ? len : left;
        write_within_page(image, offset, bytes, part);
        offset += part;
        bytes += part;
        len -= part;
    }
}

bhi_image *bhi_image_retain(bhi_image *image)
{
    atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
    return image;
}

void bhi_image_release(bhi_image *image)
{
    if (image == NULL ||
        atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) != 1)
        return;
    bhi_spares_forget(image);
    bhi_pages_unmap(image->bytes, image->size);
    if (image->fd >= 0)
        close(image->fd);
    free(image->is_zero);
    free(image->heat);
    free(image->closed_at);
    free(image);
}

void bhi_image_note_ns(atomic_uint_fast64_t *kept_ns, uint64_t ns)
{
    uint64_t kept = atomic_load_explicit(kept_ns, memory_order_relaxed);
    uint64_t now = kept == 0 ? ns : kept - kept / 4 + ns / 4;
    atomic_store_explicit(kept_ns, now, memory_order_relaxed); /* a lost update does no harm */
}
