/* os/spares.c - a short stack under a lock; nothing is unmapped while it is held. */
#include "os/spares.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bhi_region spares[BHI_SPARES_MAX]; /* guarded by lock */
static uint32_t spares_count;             /* guarded by lock */

static uint32_t count_locked(const bhi_image *image)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < spares_count; i++)
        count += spares[i].image == image;
    return count;
}

static void take_locked(uint32_t index, bhi_region *ret_region)
{
    *ret_region = spares[index];
    for (uint32_t i = index + 1; i < spares_count; i++)
        spares[i - 1] = spares[i];
    spares_count--;
}

bool bhi_spares_add(const bhi_region *region)
{
    bhi_region oldest;
    pthread_mutex_lock(&lock);
    bool has_room = count_locked(region->image) < BHI_SPARES_OF_IMAGE_MAX;
    bool is_full = has_room && spares_count == BHI_SPARES_MAX;
    if (is_full)
        take_locked(0, &oldest);
    if (has_room)
        spares[spares_count++] = *region;
    pthread_mutex_unlock(&lock);
    if (is_full)
        bhi_region_unmap(&oldest);
    return has_room;
}

bool bhi_spares_take(const bhi_image *image, size_t reserved_bytes, bhi_region *ret_region)
{
    bool is_found = false;
    pthread_mutex_lock(&lock);
    for (uint32_t i = spares_count; i-- > 0 && !is_found;) {
        is_found = spares[i].image == image && spares[i].reserved_bytes == reserved_bytes;
        if (is_found)
            take_locked(i, ret_region);
    }
    pthread_mutex_unlock(&lock);
    return is_found;
}

/* One of `image`, or any when it is NULL. */
static bool take_one(const bhi_image *image, bhi_region *ret_region)
{
    bool is_found = false;
    pthread_mutex_lock(&lock);
    for (uint32_t i = spares_count; i-- > 0 && !is_found;) {
        is_found = image == NULL || spares[i].image == image;
        if (is_found)
            take_locked(i, ret_region);
    }
    pthread_mutex_unlock(&lock);
    return is_found;
}

static uint32_t unmap_all(const bhi_image *image)
{
    uint32_t count = 0;
    bhi_region region;
    for (; take_one(image, &region); count++)
        bhi_region_unmap(&region);
    return count;
}

void bhi_spares_forget(const bhi_image *image)
{
    unmap_all(image);
}

uint32_t bhi_spares_trim(void)
{
    return unmap_all(NULL);
}

uint32_t bhi_spares_count(const bhi_image *image)
{
    pthread_mutex_lock(&lock);
    uint32_t count = count_locked(image);
    pthread_mutex_unlock(&lock);
    return count;
}
