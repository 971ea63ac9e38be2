/* Changes of protection that the kernel refuses after it did a part of them. Whatever is left
 * writable or closed by that, no region serves on as if nothing had happened.
 *
 * src/os/pages.c is built into this program with the functions below in place of the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/fault.h"
#include "os/spares.h"
#include "support/failing_pages.h"

enum { PAGE = BHI_PAGE_BYTES, PAGES = 64, RESERVED = 4 << 20 };

static int refused_protection = -1; /* -1: none */

void *failing_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return mmap(at, bytes, protection, flags, fd, offset);
}

/* The first half of the pages is done. */
int failing_mprotect(void *at, size_t bytes, int protection)
{
    if (protection != refused_protection)
        return mprotect(at, bytes, protection);
    if (bytes > PAGE)
        assert_int_equal(mprotect(at, bytes / PAGE / 2 * PAGE, protection), 0);
    errno = ENOMEM;
    return -1;
}

int failing_madvise(void *at, size_t bytes, int advice)
{
    return madvise(at, bytes, advice);
}

int failing_memfd_create(const char *name, unsigned flags)
{
    return memfd_create(name, flags);
}

int failing_ftruncate(int fd, off_t bytes)
{
    return ftruncate(fd, bytes);
}

int failing_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    return fcntl(fd, command, argument);
}

ssize_t failing_pread(int fd, void *to, size_t bytes, off_t offset)
{
    return pread(fd, to, bytes, offset);
}

/* ---- tests ---- */

static bhi_image *make_image(void)
{
    bhi_image *image;
    bh_error error;
    assert_int_equal(bhi_image_create(PAGES * PAGE, &image, &error), BH_OK);
    bhi_image_write(image, 17, (const uint8_t *)"image", 5);
    assert_int_equal(bhi_image_seal(image, &error), BH_OK);
    return image;
}

static void open_region(bhi_region *region, bhi_image *image)
{
    bh_error error;
    assert_int_equal(bhi_fault_install(&error), BH_OK);
    assert_int_equal(bhi_region_open(region, image, RESERVED, true, &error), BH_OK);
}

static void a_region_left_writable_in_part_is_neither_restored_nor_a_spare(void **state)
{
    (void)state;
    bhi_image *image = make_image();
    bhi_region region;
    for (int is_closed_only = 0; is_closed_only < 2; is_closed_only++) {
        open_region(&region, image);
        assert_int_equal(bhi_region_restore(&region), BHI_RESTORED);
        refused_protection = PROT_READ | PROT_WRITE;
        assert_false(bhi_region_will_write(&region, 40 * PAGE, 8 * PAGE));
        refused_protection = -1;
        region.base[10 * PAGE] = 1; /* in the half that was made writable: nothing knows of it */
        if (!is_closed_only)
            assert_int_equal(bhi_region_restore(&region), BHI_RESTORE_FAILED);
        bhi_region_close(&region);
        assert_int_equal(bhi_spares_count(image), 0);
    }
    bhi_image_release(image);
}

static void a_fresh_region_that_cannot_be_closed_is_restored_whole(void **state)
{
    (void)state;
    bhi_image *image = make_image();
    bhi_region region;
    open_region(&region, image);
    region.base[5 * PAGE] = 1;
    refused_protection = PROT_READ;
    assert_int_equal(bhi_region_restore(&region), BHI_RESTORED_WHOLE);
    refused_protection = -1;
    assert_true(bhi_region_will_write(&region, 0, PAGES * PAGE));
    memset(region.base, 0xee, PAGES * PAGE); /* all of it is writable: nobody watches */
    assert_int_equal(bhi_region_restore(&region), BHI_RESTORED_WHOLE);
    assert_true(bhi_region_equals_image(&region, 0, PAGES * PAGE));
    bhi_region_close(&region);
    bhi_image_release(image);
}

static void pages_that_cannot_be_closed_again_stay_open_and_are_restored(void **state)
{
    (void)state;
    bhi_image *image = make_image();
    bhi_region region;
    open_region(&region, image);
    memset(region.base + 8 * PAGE, 1, 4 * PAGE);
    refused_protection = -1;
    assert_int_equal(bhi_region_restore(&region), BHI_RESTORED);
    refused_protection = PROT_READ;
    for (int i = 0; i < 20; i++)
        assert_int_equal(bhi_region_restore(&region), BHI_RESTORED);
    assert_int_equal(region.open_count, 4);
    memset(region.base + 8 * PAGE, 1, 4 * PAGE); /* writable: nobody watches */
    assert_int_equal(bhi_region_restore(&region), BHI_RESTORED);
    refused_protection = -1;
    assert_true(bhi_region_equals_image(&region, 0, PAGES * PAGE));
    bhi_region_close(&region);
    bhi_image_release(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_left_writable_in_part_is_neither_restored_nor_a_spare),
        cmocka_unit_test(a_fresh_region_that_cannot_be_closed_is_restored_whole),
        cmocka_unit_test(pages_that_cannot_be_closed_again_stay_open_and_are_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
