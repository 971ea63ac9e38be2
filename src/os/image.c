/* os/image.c - create, fill, seal. */
#include "os/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/region.h"

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
        pthread_mutex_init(&image->spares_lock, NULL);
        image->fd = -1;
        image->size = size;
        image->is_zero = calloc((bhi_image_pages(image) + 63) / 64, sizeof *image->is_zero);
        image->heat = calloc(bhi_image_pages(image), sizeof *image->heat);
        image->closed_at = calloc(bhi_image_pages(image), sizeof *image->closed_at);
    }
    if (image == NULL || image->is_zero == NULL || image->heat == NULL ||
        image->closed_at == NULL || !get_bytes(image)) {
        bhi_image_release(image);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an image of %zu bytes", size);
    }
    *ret_image = image;
    return BH_OK;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void note_zero_pages(bhi_image *image)
{
    for (size_t page = 0; page < bhi_image_pages(image); page++)
        if (is_zero(image->bytes + page * BHI_PAGE_BYTES, BHI_PAGE_BYTES))
            image->is_zero[page / 64] |= UINT64_C(1) << (page % 64);
}

bh_status bhi_image_seal(bhi_image *image, bh_error *reterr)
{
    note_zero_pages(image);
    if (image->fd < 0 ? bhi_pages_protect(image->bytes, image->size, BHI_ACCESS_READ)
                      : bhi_pages_seal_file(image->fd, image->size, &image->bytes))
        return BH_OK;
    return bhi_fail(reterr, BH_E_NOMEM, "an image of %zu bytes could not be sealed", image->size);
}

void bhi_image_fill(bhi_image *image, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += BHI_PAGE_BYTES) {
        size_t len = size - at < BHI_PAGE_BYTES ? size - at : BHI_PAGE_BYTES;
        if (!is_zero(bytes + at, len))
            memcpy(image->bytes + at, bytes + at, len);
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
    for (uint32_t i = 0; i < image->spares_count; i++)
        bhi_region_free_spare(image->spares[i]);
    pthread_mutex_destroy(&image->spares_lock);
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
