/* os/open_pages.c - open pages on the first write; copy them back; let them age.
 *
 * The list of open pages is allocated with the region, because it grows in a signal handler. All
 * changes of protection go through open_run, close_run and bhi_open_pages_make_whole, which keep
 * the bits, the list, the number of runs and the budget of mappings in step: a run costs two.
 */
#include "os/open_pages.h"

#include <stdlib.h>
#include <string.h>

#include "os/mappings.h"

enum { MAPPINGS_PER_RUN = 2 };

/* A page is given up after so many comparisons, doubled each time it comes back at once. */
enum { PATIENCE_FIRST = 4, TRUST_MAX = 31 };

/* "At once": within so many times the patience it was given. */
enum { RETURN_FACTOR = 8 };

static uint32_t pages_of(const bhi_region *region)
{
    return (uint32_t)(bhi_region_image_bytes(region) / BHI_PAGE_BYTES);
}

static uint8_t *page_at(const bhi_region *region, uint32_t page)
{
    return region->base + (size_t)page * BHI_PAGE_BYTES;
}

static void set_bit(uint64_t *bits, uint32_t page)
{
    bits[page / 64] |= UINT64_C(1) << (page % 64);
}

static void clear_bit(uint64_t *bits, uint32_t page)
{
    bits[page / 64] &= ~(UINT64_C(1) << (page % 64));
}

/* Closed beyond both ends. */
static bool is_open(const bhi_region *region, int64_t page)
{
    return page >= 0 && page < pages_of(region) &&
           bhi_open_pages_has(region->is_open, (uint32_t)page);
}

bool bhi_open_pages_allocate(bhi_region *region)
{
    region->open_max =
        pages_of(region) < BHI_REGION_OPEN_MAX ? pages_of(region) : BHI_REGION_OPEN_MAX;
    region->is_open = calloc(2 * bhi_open_pages_words(region), sizeof *region->is_open);
    region->open = malloc(region->open_max * sizeof *region->open);
    return region->is_open != NULL && region->open != NULL;
}

/* ---- opening ---- */

void bhi_open_pages_forget(bhi_region *region)
{
    bhi_mappings_give(MAPPINGS_PER_RUN * region->runs);
    region->runs = 0;
    region->open_count = 0;
    if (region->image != NULL && region->is_open != NULL)
        memset(region->is_open, 0, 2 * bhi_open_pages_words(region) * sizeof *region->is_open);
}

/* One change of protection over everything joins mappings, so it works where another run would not
 * find one. */
bool bhi_open_pages_make_whole(bhi_region *region)
{
    if (!bhi_pages_protect(region->base, region->image->size, BHI_ACCESS_WRITE)) {
        region->is_suspect = true; /* it may have been done in part: R3 no longer holds */
        return false;
    }
    bhi_open_pages_forget(region);
    region->mode = BHI_REGION_WHOLE;
    region->whole_left = BHI_REGION_WHOLE_RESTORES;
    return true;
}

static void add_open(bhi_region *region, uint32_t page, bool is_new)
{
    set_bit(region->is_open, page);
    region->open[region->open_count++] =
        (bhi_open_page){.page = page, .is_new = is_new, .patience = PATIENCE_FIRST};
}

/* A hole of one page beside [*begin, *end) is opened with it when mappings are short: comparing
 * that page at every restore then costs less than two mappings. */
static void join_holes(const bhi_region *region, uint32_t *begin, uint32_t *end)
{
    if (!bhi_mappings_are_short())
        return;
    if (!is_open(region, (int64_t)*begin - 1) && is_open(region, (int64_t)*begin - 2))
        --*begin;
    if (!is_open(region, *end) && is_open(region, (int64_t)*end + 1))
        ++*end;
}

/* Open `count` closed pages, of which the guest or the host is about to write all (is_new) or
 * perhaps none. Async-signal-safe. */
static bool open_run(bhi_region *region, uint32_t first, uint32_t count, bool is_new)
{
    uint32_t begin = first, end = first + count;
    join_holes(region, &begin, &end);
    bool joins_left = is_open(region, (int64_t)begin - 1), joins_right = is_open(region, end);
    bool is_apart = !joins_left && !joins_right;
    if (end - begin > region->open_max - region->open_count)
        return bhi_open_pages_make_whole(region);
    if (is_apart && !bhi_mappings_take(MAPPINGS_PER_RUN))
        return bhi_open_pages_make_whole(region);
    region->runs += is_apart;
    if (!bhi_pages_protect(page_at(region, begin), (size_t)(end - begin) * BHI_PAGE_BYTES,
                           BHI_ACCESS_WRITE))
        return bhi_open_pages_make_whole(region); /* which gives the run's mappings back */
    if (joins_left && joins_right) {
        region->runs--;
        bhi_mappings_give(MAPPINGS_PER_RUN);
    }
    for (uint32_t page = begin; page < end; page++)
        add_open(region, page, is_new && page >= first && page < first + count);
    return true;
}

static uint32_t end_of_closed(const bhi_region *region, uint32_t page, uint32_t end)
{
    while (page < end && !bhi_open_pages_has(region->is_open, page))
        page++;
    return page;
}

bool bhi_region_will_write(bhi_region *region, size_t offset, size_t size)
{
    size_t image_bytes = bhi_region_image_bytes(region);
    if (region->mode != BHI_REGION_TRACKED || size == 0 || offset >= image_bytes)
        return true;
    size_t last = offset + size - 1 < image_bytes ? offset + size - 1 : image_bytes - 1;
    uint32_t end = (uint32_t)(last / BHI_PAGE_BYTES) + 1;
    for (uint32_t page = (uint32_t)(offset / BHI_PAGE_BYTES); page < end; page++) {
        if (bhi_open_pages_has(region->is_open, page))
            continue;
        uint32_t closed_end = end_of_closed(region, page, end);
        if (!open_run(region, page, closed_end - page, true)) {
            region->was_refused = true;
            return false;
        }
        if (region->mode == BHI_REGION_WHOLE)
            return true;
        page = closed_end - 1;
    }
    return true;
}

bool bhi_region_take_fault(bhi_region *region, uintptr_t address)
{
    uintptr_t offset = address - (uintptr_t)region->base;
    if (region->mode != BHI_REGION_TRACKED || offset >= bhi_region_image_bytes(region))
        return false;
    uint32_t page = (uint32_t)(offset / BHI_PAGE_BYTES);
    if (bhi_open_pages_has(region->is_open, page))
        return false;
    region->was_refused = !open_run(region, page, 1, true);
    return !region->was_refused;
}

/* ---- what regions of one image learn from each other ---- */

static uint32_t returns_of(const bhi_region *region, uint32_t page)
{
    return atomic_load_explicit(&region->image->heat[page], memory_order_relaxed) &
           ~(unsigned)BHI_HEAT_LEARNED;
}

static void set_heat(bhi_region *region, uint32_t page, bool is_learned, uint32_t returns)
{
    atomic_store_explicit(&region->image->heat[page],
                          (uint8_t)(returns | (is_learned ? BHI_HEAT_LEARNED : 0)),
                          memory_order_relaxed);
}

static uint8_t patience_after(uint32_t returns)
{
    return (uint8_t)(PATIENCE_FIRST << returns);
}

/* A page was written for the first time since it was closed, or ever. */
static void learn(bhi_region *region, bhi_open_page *open)
{
    uint32_t returns = returns_of(region, open->page);
    uint16_t closed_at =
        atomic_load_explicit(&region->image->closed_at[open->page], memory_order_relaxed);
    uint16_t since = (uint16_t)((uint16_t)region->restores - closed_at);
    bool was_closed = closed_at != 0;
    if (was_closed && since > RETURN_FACTOR * patience_after(returns))
        returns = 0;
    else if (was_closed && returns < BHI_HEAT_RETURNS_MAX)
        returns++;
    set_heat(region, open->page, true, returns);
    open->patience = patience_after(returns);
    open->is_new = false;
}

static bool is_learned(const bhi_region *region, uint32_t page)
{
    return (atomic_load_explicit(&region->image->heat[page], memory_order_relaxed) &
            BHI_HEAT_LEARNED) != 0;
}

bool bhi_open_pages_open(bhi_region *region, const uint64_t *bits)
{
    uint32_t pages = pages_of(region);
    for (uint32_t page = 0; page < pages && region->mode == BHI_REGION_TRACKED; page++) {
        uint32_t end = page;
        while (end < pages && !bhi_open_pages_has(region->is_open, end) &&
               bhi_open_pages_has(bits, end))
            end++;
        if (end > page && !open_run(region, page, end - page, true))
            return false;
        page = end > page ? end : page;
    }
    return true;
}

uint64_t *bhi_open_pages_scratch(const bhi_region *region)
{
    return region->is_open + bhi_open_pages_words(region);
}

/* Open what other instances write, up to half of what may be open. False: the kernel refused. */
bool bhi_open_pages_learned(bhi_region *region)
{
    uint32_t pages = pages_of(region), room = region->open_max / 2;
    for (uint32_t page = 0; page < pages && region->mode == BHI_REGION_TRACKED; page++) {
        uint32_t end = page;
        while (end < pages && !bhi_open_pages_has(region->is_open, end) && is_learned(region, end))
            end++;
        if (end == page)
            continue;
        if (end - page > room)
            break;
        room -= end - page;
        if (!open_run(region, page, end - page, false))
            return false;
        page = end;
    }
    return true;
}

/* ---- closing ---- */

/* Close [begin, end), whose pages equal the image. False: they stay open. */
static bool close_run(bhi_region *region, uint32_t begin, uint32_t end)
{
    bool is_left_open = is_open(region, (int64_t)begin - 1), is_right_open = is_open(region, end);
    bool splits = is_left_open && is_right_open;
    bool is_hole = splits && end - begin == 1 && bhi_mappings_are_short();
    if (is_hole || (splits && !bhi_mappings_take(MAPPINGS_PER_RUN)))
        return false;
    uint8_t *at = page_at(region, begin);
    size_t size = (size_t)(end - begin) * BHI_PAGE_BYTES;
    if (!bhi_pages_protect(at, size, BHI_ACCESS_READ)) {
        if (splits)
            bhi_mappings_give(MAPPINGS_PER_RUN);
        region->is_suspect |= !bhi_pages_protect(at, size, BHI_ACCESS_WRITE); /* done in part? */
        return false;
    }
    (void)!bhi_pages_discard(at, size); /* its private copy; equal, so it may as well stay */
    region->runs += splits;
    if (!is_left_open && !is_right_open) {
        region->runs--;
        bhi_mappings_give(MAPPINGS_PER_RUN);
    }
    return true;
}

static void note_closed(bhi_region *region, uint32_t page)
{
    uint16_t now = (uint16_t)region->restores;
    clear_bit(region->is_open, page);
    set_heat(region, page, false, returns_of(region, page));
    atomic_store_explicit(&region->image->closed_at[page], now == 0 ? 1 : now,
                          memory_order_relaxed);
}

static void close_leaving_runs(bhi_region *region, uint64_t *is_leaving)
{
    uint32_t pages = pages_of(region);
    for (uint32_t begin = 0; begin < pages; begin++) {
        uint32_t end = begin;
        while (end < pages && bhi_open_pages_has(is_leaving, end))
            end++;
        if (end == begin)
            continue;
        bool is_closed = close_run(region, begin, end);
        for (uint32_t page = begin; page < end; page++)
            if (is_closed)
                note_closed(region, page);
        begin = end;
    }
}

/* Close every page whose patience is used up. */
static void close_quiet(bhi_region *region)
{
    uint64_t *is_leaving = bhi_open_pages_scratch(region);
    for (uint32_t i = 0; i < region->open_count; i++)
        if (region->open[i].quiet >= region->open[i].patience)
            set_bit(is_leaving, region->open[i].page);
    close_leaving_runs(region, is_leaving);
    memset(is_leaving, 0, bhi_open_pages_words(region) * sizeof *is_leaving);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < region->open_count; i++) {
        bhi_open_page open = region->open[i];
        if (!bhi_open_pages_has(region->is_open, open.page))
            continue;
        if (open.quiet >= open.patience)
            open.quiet = 0; /* it could not be closed: ask again later */
        region->open[kept++] = open;
    }
    region->open_count = kept;
}

/* ---- restoring ---- */

static void copy_page(bhi_region *region, uint32_t page)
{
    memcpy(page_at(region, page), bhi_image_page(region->image, page), BHI_PAGE_BYTES);
}

/* Compare a page that was not compared for a while. */
static void compare_page(bhi_region *region, bhi_open_page *open)
{
    if (memcmp(page_at(region, open->page), bhi_image_page(region->image, open->page),
               BHI_PAGE_BYTES) == 0) {
        open->trust = 0;
        open->quiet++;
        return;
    }
    copy_page(region, open->page);
    open->quiet = 0;
    open->trust = open->trust < TRUST_MAX ? (uint8_t)(2 * open->trust + 1) : TRUST_MAX;
    open->blind = open->trust;
}

void bhi_open_pages_restore(bhi_region *region)
{
    bool is_any_quiet = false;
    for (uint32_t i = 0; i < region->open_count; i++) {
        bhi_open_page *open = &region->open[i];
        if (open->is_new) {
            copy_page(region, open->page);
            learn(region, open);
        } else if (open->blind > 0) {
            copy_page(region, open->page);
            open->blind--;
        } else {
            compare_page(region, open);
            is_any_quiet |= open->quiet >= open->patience;
        }
    }
    if (is_any_quiet)
        close_quiet(region);
}
