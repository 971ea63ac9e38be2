/* Regions: pages open on the first write, are copied back, age, and are counted as mappings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "os/fault.h"
#include "os/mappings.h"
#include "os/spares.h"

enum { PAGE = BHI_PAGE_BYTES, PAGES = 40, RESERVED = 4 << 20 };

/* An image in which every byte tells where it is. */
static uint8_t image_byte(size_t at)
{
    return (uint8_t)(at * 31 + at / PAGE * 7 + 1);
}

static bhi_image *make_image(uint32_t pages)
{
    bhi_image *image;
    bh_error error;
    assert_int_equal(bhi_image_create((size_t)pages * PAGE, &image, &error), BH_OK);
    for (size_t at = 0; at < image->size; at++)
        bhi_image_write(image, at, &(uint8_t){image_byte(at)}, 1);
    assert_int_equal(bhi_image_seal(image, &error), BH_OK);
    return image;
}

static void open_fresh(bhi_region *region, bhi_image *image)
{
    bh_error error;
    if (bhi_fault_install(&error) != BH_OK)
        fail_msg("%s", error.text);
    if (bhi_region_open(region, image, RESERVED, true, &error) != BH_OK)
        fail_msg("%s", error.text);
}

/* Restored once, so that it is tracked. */
static void open_on(bhi_region *region, bhi_image *image)
{
    open_fresh(region, image);
    if (region->mode == BHI_REGION_FRESH)
        assert_int_equal(bhi_region_restore(region), BHI_RESTORED);
}

/* A region of `pages` that is the only one of its image. */
static void open_region(bhi_region *region, uint32_t pages)
{
    bhi_image *image = make_image(pages);
    open_on(region, image);
    bhi_image_release(image);
}

/* As a guest writes: the fault opens the page. */
static void write_byte(bhi_region *region, size_t at, uint8_t value)
{
    bhi_fault_watch(region);
    *(volatile uint8_t *)(region->base + at) = value;
    bhi_fault_watch(NULL);
}

static void write_page(bhi_region *region, uint32_t page)
{
    write_byte(region, (size_t)page * PAGE + 17, (uint8_t)~image_byte((size_t)page * PAGE + 17));
}

static bool is_open(const bhi_region *region, uint32_t page)
{
    return (region->is_open[page / 64] >> (page % 64) & 1) != 0;
}

static void restore(bhi_region *region, bhi_restored expected)
{
    assert_int_equal(bhi_region_restore(region), expected);
    assert_int_equal(region->bytes, bhi_region_image_bytes(region));
    assert_true(bhi_region_equals_image(region, 0, bhi_region_image_bytes(region)));
}

static void restore_times(bhi_region *region, int times)
{
    for (int i = 0; i < times; i++)
        restore(region, BHI_RESTORED);
}

/* Mappings that lie in the reservation, as the kernel counts them. */
static uint32_t kernel_mappings(const bhi_region *region)
{
    char line[512];
    uint32_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long begin, end;
        assert_int_equal(sscanf(line, "%lx-%lx", &begin, &end), 2);
        count += begin >= (uintptr_t)region->base &&
                 end <= (uintptr_t)region->base + region->reserved_bytes;
    }
    fclose(maps);
    return count;
}

/* ---- writing and restoring ---- */

static void R1_a_written_page_is_copied_back_and_no_other_is_open(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    assert_int_equal(region.open_count, 0);
    write_page(&region, 3);
    write_page(&region, 30);
    write_page(&region, 3);
    assert_int_equal(region.open_count, 2);
    assert_false(bhi_region_equals_image(&region, 3 * PAGE, PAGE));
    assert_true(bhi_region_equals_image(&region, 4 * PAGE, 26 * PAGE));
    restore(&region, BHI_RESTORED);
    bhi_region_close(&region);
}

static void what_the_host_announces_is_writable_without_a_fault(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    assert_true(bhi_region_will_write(&region, 5 * PAGE - 1, 2));
    assert_true(is_open(&region, 4) && is_open(&region, 5) && !is_open(&region, 6));
    memset(region.base + 5 * PAGE - 1, 0xee, 2); /* nobody watches: a fault would end the test */
    restore(&region, BHI_RESTORED);
    assert_true(bhi_region_will_write(&region, 0, PAGES * PAGE));
    memset(region.base, 0, PAGES * PAGE);
    assert_int_equal(region.open_count, PAGES);
    assert_int_equal(region.runs, 1);
    restore(&region, BHI_RESTORED);
    bhi_region_close(&region);
}

static void an_image_of_another_region_does_not_see_the_writes(void **state)
{
    (void)state;
    bhi_region one, two;
    open_region(&one, PAGES);
    open_on(&two, one.image);
    write_page(&one, 7);
    assert_true(bhi_region_equals_image(&two, 0, PAGES * PAGE));
    write_page(&two, 8);
    restore(&one, BHI_RESTORED);
    restore(&two, BHI_RESTORED);
    bhi_region_close(&one);
    bhi_region_close(&two);
}

static void a_read_or_an_address_elsewhere_is_no_write_of_ours(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    uintptr_t base = (uintptr_t)region.base;
    assert_false(bhi_region_take_fault(&region, base + PAGES * PAGE));
    assert_false(bhi_region_take_fault(&region, base - 1));
    assert_true(bhi_region_take_fault(&region, base + PAGES * PAGE - 1));
    assert_false(bhi_region_take_fault(&region, base + PAGES * PAGE - 1)); /* it is open */
    bhi_region_close(&region);
}

/* ---- fresh ---- */

static void the_first_restore_finds_what_was_written_and_tracks_it(void **state)
{
    (void)state;
    bhi_image *image = make_image(PAGES);
    bhi_region region;
    open_fresh(&region, image);
    assert_int_equal(region.mode, BHI_REGION_FRESH);
    region.base[3 * PAGE] ^= 1; /* nobody watches: it does not fault */
    region.base[20 * PAGE + 7] ^= 1;
    assert_int_equal(*(volatile uint8_t *)(region.base + 30 * PAGE), image_byte(30 * PAGE));
    restore(&region, BHI_RESTORED);
    assert_int_equal(region.mode, BHI_REGION_TRACKED);
    assert_true(is_open(&region, 3) && is_open(&region, 20));
    assert_int_equal(region.open_count, 2); /* what was only read is closed */
    write_page(&region, 30);
    restore(&region, BHI_RESTORED);
    bhi_region_close(&region);
    bhi_image_release(image);
}

static void a_fresh_region_in_which_too_much_was_written_is_whole(void **state)
{
    (void)state;
    bhi_image *image = make_image(600);
    bhi_region region;
    open_fresh(&region, image);
    for (uint32_t page = 0; page < 600; page += 2)
        region.base[(size_t)page * PAGE] ^= 1;
    restore(&region, BHI_RESTORED_WHOLE);
    assert_int_equal(region.mode, BHI_REGION_WHOLE);
    region.base[599 * PAGE] ^= 1;
    restore(&region, BHI_RESTORED_WHOLE);
    bhi_region_close(&region);
    bhi_image_release(image);
}

/* ---- growth ---- */

static void R2_memory_that_grew_is_gone_and_comes_back_as_zeros(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, 2);
    size_t grown = 200 * PAGE;
    for (int lease = 0; lease < 3; lease++) {
        assert_true(bhi_region_grow(&region, 2 * PAGE + grown));
        for (size_t at = 0; at < grown; at++)
            if (region.base[2 * PAGE + at] != 0)
                fail_msg("byte %zu is %u", at, region.base[2 * PAGE + at]);
        memset(region.base + 2 * PAGE + (size_t)lease * 5 * PAGE, 0x5a, 100 * PAGE);
        region.base[2 * PAGE + grown - 1] = 1;
        restore(&region, BHI_RESTORED);
    }
    bhi_region_close(&region);
}

static void a_region_without_an_image_starts_empty_and_grows(void **state)
{
    (void)state;
    bhi_region region;
    open_on(&region, NULL);
    assert_int_equal(region.bytes, 0);
    for (int lease = 0; lease < 3; lease++) {
        assert_true(bhi_region_grow(&region, PAGE));
        assert_int_equal(region.base[0], 0);
        region.base[0] = 1;
        restore(&region, BHI_RESTORED);
    }
    bhi_region_close(&region);
}

/* ---- ageing ---- */

static void a_page_that_is_written_no_more_is_closed(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    write_page(&region, 3);
    for (int i = 0; i < 6; i++) {
        write_page(&region, 10);
        restore(&region, BHI_RESTORED);
    }
    assert_false(is_open(&region, 3));
    assert_true(is_open(&region, 10));
    write_page(&region, 3);
    assert_true(is_open(&region, 3));
    restore(&region, BHI_RESTORED);
    bhi_region_close(&region);
}

static int restores_until_closed(bhi_region *region, uint32_t page)
{
    int restores = 0;
    while (is_open(region, page)) {
        restore(region, BHI_RESTORED);
        assert_true(++restores < 1000);
    }
    return restores;
}

static void a_page_that_comes_back_at_once_is_given_more_patience(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    int before = 0;
    for (int i = 0; i < 4; i++) {
        write_page(&region, 3);
        int restores = restores_until_closed(&region, 3);
        assert_true(restores > before);
        before = restores;
    }
    restore_times(&region, 2000); /* after a long while it is a page like any other */
    write_page(&region, 3);
    assert_true(restores_until_closed(&region, 3) < before);
    bhi_region_close(&region);
}

static void a_page_that_is_always_written_is_rarely_compared(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    for (int i = 0; i < 100; i++) {
        write_page(&region, 3);
        restore(&region, BHI_RESTORED);
    }
    assert_int_equal(region.open[0].trust, 31);
    assert_true(is_open(&region, 3));
    bhi_region_close(&region);
}

/* ---- what regions learn from each other ---- */

static void a_new_region_opens_what_others_write(void **state)
{
    (void)state;
    bhi_region one, two;
    open_region(&one, PAGES);
    write_page(&one, 3);
    write_page(&one, 4);
    write_page(&one, 20);
    restore(&one, BHI_RESTORED);
    open_on(&two, one.image);
    assert_true(is_open(&two, 3) && is_open(&two, 4) && is_open(&two, 20));
    assert_int_equal(two.open_count, 3);
    assert_int_equal(two.runs, 2);
    restore_times(&two, 50); /* it never writes them */
    assert_int_equal(two.open_count, 0);
    bhi_region three;
    open_on(&three, one.image);
    assert_int_equal(three.open_count, 0); /* forgotten */
    bhi_region_close(&one);
    bhi_region_close(&two);
    bhi_region_close(&three);
}

/* ---- mappings ---- */

static void a_hole_of_one_page_is_opened_when_mappings_are_short(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, PAGES);
    write_page(&region, 30);
    write_page(&region, 32);
    assert_false(is_open(&region, 31));
    assert_int_equal(region.runs, 2);
    bhi_region_close(&region);
    open_region(&region, PAGES);
    bhi_mappings_set_max(bhi_mappings_held() + 6);
    write_page(&region, 3);
    write_page(&region, 5);
    assert_true(is_open(&region, 4));
    assert_int_equal(region.runs, 1);
    write_page(&region, 8);
    assert_int_equal(region.runs, 2);
    write_page(&region, 6);
    assert_int_equal(region.runs, 1);
    for (int i = 0; i < 10; i++) {
        restore(&region, BHI_RESTORED);
        write_page(&region, 3);
        write_page(&region, 5);
    }
    assert_true(is_open(&region, 4)); /* it is quiet, but closing it would cost two mappings */
    write_page(&region, 4);
    restore(&region, BHI_RESTORED);
    bhi_mappings_set_max(0);
    restore_times(&region, 6);
    assert_false(is_open(&region, 4));
    bhi_region_close(&region);
}

static void random_writes_keep_runs_mappings_and_budget_in_step(void **state)
{
    (void)state;
    uint32_t held_before = bhi_mappings_held();
    bhi_region region;
    open_region(&region, PAGES);
    srand(4711);
    for (int i = 0; i < 3000; i++) {
        int writes = rand() % 4;
        for (int w = 0; w < writes; w++)
            write_page(&region, (uint32_t)(rand() % (i % 500 < 250 ? PAGES : 6)));
        restore(&region, BHI_RESTORED);
        uint32_t runs = 0;
        for (uint32_t page = 0; page < PAGES; page++)
            runs += is_open(&region, page) && (page == 0 || !is_open(&region, page - 1));
        assert_int_equal(region.runs, runs);
        assert_int_equal(bhi_mappings_held() - held_before, BHI_REGION_MAPPINGS + 2 * runs);
        if (i % 50 == 0)
            assert_true(kernel_mappings(&region) <= 2 + 2 * runs);
    }
    bhi_region_close(&region);
    assert_int_equal(bhi_mappings_held(), held_before);
}

static void without_a_mapping_for_a_page_the_whole_image_is_restored(void **state)
{
    (void)state;
    bhi_region region;
    uint32_t held = bhi_mappings_held();
    open_region(&region, PAGES);
    bhi_mappings_set_max(held + BHI_REGION_MAPPINGS + 2);
    write_page(&region, 3);
    assert_int_equal(region.mode, BHI_REGION_TRACKED);
    write_page(&region, 20);
    assert_int_equal(region.mode, BHI_REGION_WHOLE);
    write_page(&region, 30);
    restore(&region, BHI_RESTORED_WHOLE);
    bhi_region other;
    bh_error error;
    assert_int_equal(bhi_region_open(&other, region.image, RESERVED, true, &error), BH_E_LIMIT);
    assert_non_null(strstr(error.text, "mappings"));
    bhi_mappings_set_max(0);
    bhi_region_close(&region);
    assert_int_equal(bhi_mappings_held(), held);
}

/* ---- spares ---- */

static void a_closed_region_serves_the_next_one_restored(void **state)
{
    (void)state;
    bhi_region keeper, region;
    open_region(&keeper, PAGES);
    open_on(&region, keeper.image);
    const uint8_t *base = region.base;
    write_page(&region, 3);
    assert_true(bhi_region_grow(&region, (PAGES + 16) * PAGE));
    memset(region.base + PAGES * PAGE, 0x77, 16 * PAGE);
    bhi_region_close(&region); /* in the middle of a lease */
    open_on(&region, keeper.image);
    assert_ptr_equal(region.base, base);
    assert_int_equal(region.bytes, PAGES * PAGE);
    assert_true(is_open(&region, 3));
    assert_true(bhi_region_equals_image(&region, 0, PAGES * PAGE));
    assert_true(bhi_region_grow(&region, (PAGES + 16) * PAGE));
    for (size_t at = PAGES * PAGE; at < region.bytes; at++)
        assert_int_equal(region.base[at], 0);
    bhi_region_close(&region);
    bhi_region_close(&keeper);
}

static void a_suspect_region_is_no_spare_and_spares_are_few(void **state)
{
    (void)state;
    bhi_region keeper, regions[BHI_SPARES_OF_IMAGE_MAX + 3];
    uint32_t held = bhi_mappings_held();
    open_region(&keeper, PAGES);
    for (int i = 0; i < BHI_SPARES_OF_IMAGE_MAX + 3; i++)
        open_on(&regions[i], keeper.image);
    regions[0].is_suspect = true;
    bhi_region_close(&regions[0]);
    assert_int_equal(bhi_spares_count(keeper.image), 0);
    for (int i = 1; i < BHI_SPARES_OF_IMAGE_MAX + 3; i++)
        bhi_region_close(&regions[i]);
    assert_int_equal(bhi_spares_count(keeper.image), BHI_SPARES_OF_IMAGE_MAX);
    bhi_region_close(&keeper);
    assert_int_equal(bhi_mappings_held(), held);
}

static void spares_go_before_a_region_is_refused(void **state)
{
    (void)state;
    bhi_region keeper, region, other;
    open_region(&keeper, PAGES);
    open_on(&region, keeper.image);
    bhi_region_close(&region);
    assert_int_equal(bhi_spares_count(keeper.image), 1);
    bhi_mappings_set_max(bhi_mappings_held());
    open_on(&other, NULL);
    assert_int_equal(bhi_spares_count(keeper.image), 0);
    bhi_mappings_set_max(0);
    bhi_region_close(&other);
    bhi_region_close(&keeper);
}

/* ---- whole ---- */

static void write_every_other_page(bhi_region *region)
{
    for (uint32_t page = 0; page < 600; page += 2)
        write_page(region, page);
}

static void many_written_pages_make_it_whole_and_it_is_tracked_again(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, 600);
    write_every_other_page(&region);
    for (int i = 0; i < BHI_REGION_WHOLE_RESTORES; i++) {
        assert_int_equal(region.mode, BHI_REGION_WHOLE);
        write_every_other_page(&region);
        restore(&region, BHI_RESTORED_WHOLE);
    }
    assert_int_equal(region.mode, BHI_REGION_FRESH);
    region.base[599 * PAGE] ^= 1;
    restore(&region, BHI_RESTORED);
    assert_int_equal(region.mode, BHI_REGION_TRACKED);
    assert_true(is_open(&region, 599));
    write_page(&region, 1);
    restore(&region, BHI_RESTORED);
    bhi_region_close(&region);
}

static void one_large_lease_costs_one_restore_and_not_those_after_it(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, 600);
    write_every_other_page(&region);
    restore(&region, BHI_RESTORED_WHOLE);
    write_page(&region, 1);
    restore(&region, BHI_RESTORED_WHOLE); /* it finds that the other pages are old */
    assert_int_equal(region.mode, BHI_REGION_FRESH);
    write_page(&region, 1);
    restore(&region, BHI_RESTORED);
    assert_int_equal(region.open_count, 1);
    bhi_region_close(&region);
}

static void copying_the_whole_is_given_up_when_a_new_one_and_its_faults_are_cheaper(void **state)
{
    (void)state;
    bhi_region region;
    open_region(&region, 600);
    write_every_other_page(&region);
    restore(&region, BHI_RESTORED_WHOLE); /* nothing is measured yet */
    atomic_store(&region.image->build_ns, UINT64_C(1) << 40);
    write_every_other_page(&region);
    restore(&region, BHI_RESTORED_WHOLE);
    atomic_store(&region.image->build_ns, 1);
    atomic_store(&region.image->copy_ns, UINT64_C(1) << 40);
    write_every_other_page(&region);
    assert_int_equal(bhi_region_restore(&region), BHI_RESTORE_DEARER);
    bhi_region_close(&region);
}

static void an_image_without_a_file_is_copied(void **state)
{
    (void)state;
    bhi_image image = {.fd = -1, .size = PAGES * PAGE};
    atomic_init(&image.references, 1);
    image.is_zero = calloc(1, sizeof *image.is_zero);
    image.heat = calloc(PAGES, sizeof *image.heat);
    image.closed_at = calloc(PAGES, sizeof *image.closed_at);
    image.bytes = malloc(image.size);
    for (size_t at = 0; at < image.size; at++)
        image.bytes[at] = image_byte(at);
    bhi_region region;
    open_on(&region, &image);
    assert_int_equal(region.mode, BHI_REGION_WHOLE);
    for (int i = 0; i < 2 * BHI_REGION_WHOLE_RESTORES; i++) {
        write_page(&region, 9);
        restore(&region, BHI_RESTORED_WHOLE);
    }
    bhi_region_close(&region);
    free(image.bytes);
    free(image.is_zero);
    free(image.heat);
    free(image.closed_at);
}

static void an_initialised_region_takes_up_an_equal_image_only(void **state)
{
    (void)state;
    bhi_image *image = make_image(PAGES), *same = make_image(PAGES),
              *longer = make_image(PAGES + 1);
    bhi_region region;
    bh_error error;
    assert_int_equal(bhi_fault_install(&error), BH_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bhi_region_open(&region, image, RESERVED, false, &error), BH_OK);
        if (i == 0) {
            assert_false(bhi_region_rebase(&region, longer));
            region.base[5] ^= 1;
            assert_false(bhi_region_rebase(&region, same));
        } else {
            assert_true(bhi_region_rebase(&region, same));
            region.base[11 * PAGE] ^= 1;
            restore(&region, BHI_RESTORED);
            write_page(&region, 12);
            restore(&region, BHI_RESTORED);
        }
        bhi_region_close(&region);
    }
    bhi_image_release(image);
    bhi_image_release(same);
    bhi_image_release(longer);
}

/* ---- images ---- */

static void a_sealed_image_cannot_be_changed_through_its_file(void **state)
{
    (void)state;
    bhi_image *image = make_image(2);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image->fd);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_true(fwrite("x", 1, 1, file) != 1 || fflush(file) != 0);
    fclose(file);
    assert_int_equal(image->bytes[0], image_byte(0));
    bhi_image_release(image);
}

static void pages_that_are_never_written_take_no_memory(void **state)
{
    (void)state;
    static const uint8_t zeros[3 * PAGE];
    bhi_image *image;
    bh_error error;
    struct stat file;
    assert_int_equal(bhi_image_create((size_t)1 << 32, &image, &error), BH_OK);
    bhi_image_write(image, 1000 * PAGE + 5, zeros, sizeof zeros);
    bhi_image_write(image, (size_t)1 << 31, (const uint8_t *)"x", 1);
    assert_int_equal(bhi_image_seal(image, &error), BH_OK);
    assert_int_equal(fstat(image->fd, &file), 0);
    assert_int_equal(file.st_blocks * 512, PAGE);
    assert_int_equal(image->bytes[(size_t)1 << 31], 'x');
    bhi_image_release(image);
}

static void zeros_over_other_bytes_are_written(void **state)
{
    (void)state;
    bhi_image *image;
    bh_error error;
    assert_int_equal(bhi_image_create(2 * PAGE, &image, &error), BH_OK);
    bhi_image_write(image, PAGE - 2, (const uint8_t *)"abcd", 4);
    bhi_image_write(image, PAGE - 1, (const uint8_t *)"\0\0", 2);
    assert_memory_equal(image->bytes + PAGE - 2, "a\0\0d", 4);
    bhi_image_release(image);
}

static void durations_are_averaged(void **state)
{
    (void)state;
    atomic_uint_fast64_t kept = 0;
    bhi_image_note_ns(&kept, 1000);
    assert_int_equal(atomic_load(&kept), 1000);
    bhi_image_note_ns(&kept, 2000);
    assert_int_equal(atomic_load(&kept), 1250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R1_a_written_page_is_copied_back_and_no_other_is_open),
        cmocka_unit_test(what_the_host_announces_is_writable_without_a_fault),
        cmocka_unit_test(an_image_of_another_region_does_not_see_the_writes),
        cmocka_unit_test(a_read_or_an_address_elsewhere_is_no_write_of_ours),
        cmocka_unit_test(the_first_restore_finds_what_was_written_and_tracks_it),
        cmocka_unit_test(a_fresh_region_in_which_too_much_was_written_is_whole),
        cmocka_unit_test(R2_memory_that_grew_is_gone_and_comes_back_as_zeros),
        cmocka_unit_test(a_region_without_an_image_starts_empty_and_grows),
        cmocka_unit_test(a_page_that_is_written_no_more_is_closed),
        cmocka_unit_test(a_page_that_comes_back_at_once_is_given_more_patience),
        cmocka_unit_test(a_page_that_is_always_written_is_rarely_compared),
        cmocka_unit_test(a_new_region_opens_what_others_write),
        cmocka_unit_test(a_hole_of_one_page_is_opened_when_mappings_are_short),
        cmocka_unit_test(random_writes_keep_runs_mappings_and_budget_in_step),
        cmocka_unit_test(without_a_mapping_for_a_page_the_whole_image_is_restored),
        cmocka_unit_test(a_closed_region_serves_the_next_one_restored),
        cmocka_unit_test(a_suspect_region_is_no_spare_and_spares_are_few),
        cmocka_unit_test(spares_go_before_a_region_is_refused),
        cmocka_unit_test(many_written_pages_make_it_whole_and_it_is_tracked_again),
        cmocka_unit_test(one_large_lease_costs_one_restore_and_not_those_after_it),
        cmocka_unit_test(copying_the_whole_is_given_up_when_a_new_one_and_its_faults_are_cheaper),
        cmocka_unit_test(an_image_without_a_file_is_copied),
        cmocka_unit_test(an_initialised_region_takes_up_an_equal_image_only),
        cmocka_unit_test(a_sealed_image_cannot_be_changed_through_its_file),
        cmocka_unit_test(pages_that_are_never_written_take_no_memory),
        cmocka_unit_test(zeros_over_other_bytes_are_written),
        cmocka_unit_test(durations_are_averaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
