/* Restored instances are compared with their snapshot, and what the map limit leaves of restoring.
 *
 * A test changes an instance behind the tracker's back to see that samples notice. Debug builds
 * abort when one does, so that these tests are for the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/instance.h"
#include "os/mappings.h"
#include "runtime/invocation.h"
#include "support/instance_peek.h"
#include "support/runtime_fixture.h"

enum { WINDOW_BYTES = 64 << 10, LEASES = 100 };

static runtime_fixture fixture;

static void open_with(uint32_t every, bool is_whole, uint32_t mappings_max)
{
    bh_runtime_options options = {
        .verify_every = every, .verify_whole = is_whole, .mappings_max = mappings_max};
    runtime_fixture_open_with(&fixture, &options);
}

static int close_fixture(void **state)
{
    (void)state;
    bhi_mappings_set_max(0);
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule *load(const char *guest, uint32_t live_max)
{
    guest_setup setup = {
        .guest = guest,
        .options = {.live_max = live_max, .has_reuse = true, .reuse = BH_REUSE_PRISTINE}};
    return load_setup(&fixture, &setup);
}

static bh_capsule_stats stats_of(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    return stats;
}

static void lease(bh_capsule *capsule, int count)
{
    for (int i = 0; i < count; i++)
        assert_string_equal(invoke(capsule, "rest", "")->data, "nothing");
}

/* ---- samples ---- */

static void every_lease_of_a_healthy_capsule_verifies(void **state)
{
    (void)state;
    for (int is_whole = 0; is_whole < 2; is_whole++) {
        open_with(1, is_whole, 0);
        bh_capsule *capsule = load("leak", 1);
        lease(capsule, LEASES);
        assert_int_equal(stats_of(capsule).verified, LEASES);
        assert_int_equal(stats_of(capsule).mismatches, 0);
        bh_capsule_release(capsule);
        if (is_whole == 0)
            runtime_fixture_close(&fixture);
    }
}

static void one_in_so_many_restores_is_verified_or_none(void **state)
{
    (void)state;
    open_with(7, false, 0);
    bh_capsule *capsule = load("leak", 1);
    lease(capsule, LEASES);
    assert_in_range(stats_of(capsule).verified, LEASES / 7, LEASES / 7 + 1); /* begins anywhere */
    bh_capsule_release(capsule);
    runtime_fixture_close(&fixture);
    open_with(UINT32_MAX, false, 0);
    capsule = load("leak", 1);
    lease(capsule, LEASES);
    assert_int_equal(stats_of(capsule).verified, 0);
    bh_capsule_release(capsule);
}

#ifdef NDEBUG

/* Flip a byte of the first closed page in [offset, ...) of the idle instance, through the mapping.
 */
static void flip_closed_byte(bh_capsule *capsule, size_t offset)
{
    bhi_region *region = peek_region(peek_idle(capsule));
    assert_int_equal(region->mode, BHI_REGION_TRACKED);
    size_t page = offset / BHI_PAGE_BYTES;
    while ((region->is_open[page / 64] >> page % 64 & 1) != 0)
        page++;
    assert_true(page < bhi_region_image_bytes(region) / BHI_PAGE_BYTES);
    uint8_t *at = region->base + page * BHI_PAGE_BYTES;
    assert_true(bhi_pages_protect(at, BHI_PAGE_BYTES, BHI_ACCESS_WRITE));
    at[BHI_PAGE_BYTES - 1] ^= 1;
    assert_true(bhi_pages_protect(at, BHI_PAGE_BYTES, BHI_ACCESS_READ));
}

static void a_corrupted_instance_is_condemned_and_never_lent_again(void **state)
{
    (void)state;
    open_with(1, true, 0);
    bh_capsule *capsule = load("leak", 1);
    lease(capsule, 3);
    flip_closed_byte(capsule, 0);
    lease(capsule, 1);
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.mismatches, 1);
    assert_int_equal(stats.condemned[BH_OUTCOME_RESTORE_FAILED], 1);
    lease(capsule, LEASES);
    stats = stats_of(capsule);
    assert_int_equal(stats.builds, 2);
    assert_int_equal(stats.mismatches, 1);
    bh_capsule_release(capsule);
}

/* A byte that differs in any window is found within as many leases as there are windows. */
static void the_window_of_the_samples_moves_over_all_of_memory(void **state)
{
    (void)state;
    open_with(1, false, 0);
    bh_capsule *capsule = load("leak", 1);
    lease(capsule, 1);
    size_t windows = stats_of(capsule).memory_bytes_snapshot / WINDOW_BYTES;
    assert_true(windows > 4);
    uint64_t seen = 0;
    for (size_t window = 0; window < windows; window += windows / 4) {
        flip_closed_byte(capsule, window * WINDOW_BYTES);
        size_t leases = 0;
        while (stats_of(capsule).mismatches == seen && leases++ < windows)
            lease(capsule, 1);
        assert_int_equal(stats_of(capsule).mismatches, ++seen);
        lease(capsule, 1);
    }
    bh_capsule_release(capsule);
}

#endif

/* ---- the map limit ---- */

typedef struct pending {
    bool is_done;
    bh_status status;
    bh_outcome outcome;
    char text[512];
} pending;

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    pending *one = arg;
    one->is_done = true;
    one->status = status;
    one->outcome = result != NULL ? result->outcome : BH_OUTCOME_REFUSED;
    snprintf(one->text, sizeof one->text, "%s", error != NULL ? error->text : "");
}

static void start(pending *one, bh_capsule *capsule, bhi_worker *worker)
{
    static const bh_request request = {
        .action = "x", .payload = "5000000", .payload_len = 7, .principal = "alice"};
    *one = (pending){0};
    use_engine_signals();
    assert_int_equal(bhi_invocation_start(capsule, worker, &request, done_cb, one, NULL, NULL),
                     BH_OK);
}

static void finish(pending *one, bhi_worker *worker)
{
    while (!one->is_done)
        bhi_worker_turn(worker, true);
}

/* Room for one instance: the second is refused, the first serves on. */
static void an_instance_too_many_for_the_map_limit_is_refused_by_name(void **state)
{
    (void)state;
    open_with(1, true, BHI_REGION_MAPPINGS);
    bh_capsule *capsule = load("sleep", 2);
    bhi_worker *worker;
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    pending first, second;
    start(&first, capsule, worker);
    start(&second, capsule, worker);
    finish(&second, worker);
    assert_int_equal(second.status, BH_E_LIMIT);
    assert_non_null(strstr(second.text, "memory mappings"));
    finish(&first, worker);
    assert_int_equal(first.status, BH_OK);
    assert_int_equal(first.outcome, BH_OUTCOME_RETURNED);
    assert_int_equal(stats_of(capsule).builds, 1);
    for (int i = 0; i < 20; i++)
        assert_string_equal(invoke(capsule, "x", "1000")->data, "slept");
    assert_int_equal(stats_of(capsule).mismatches, 0);
    bhi_worker_destroy(worker);
    bh_capsule_release(capsule);
}

/* As if building took an hour: no instance is replaced for being cheaper to build. */
static void make_builds_dear(bh_capsule *capsule)
{
    bhi_image *image = peek_region(peek_idle(capsule))->image;
    atomic_store(&image->build_ns, UINT64_C(3600000000000));
}

static void without_mappings_for_open_pages_instances_are_copied_whole(void **state)
{
    (void)state;
    open_with(1, true, BHI_REGION_MAPPINGS);
    bh_capsule *capsule = load("counter_state", 1);
    make_builds_dear(capsule);
    for (int i = 0; i < LEASES; i++)
        assert_string_equal(invoke(capsule, "x", "")->data, "1 1");
    bh_capsule_stats stats = stats_of(capsule);
    assert_int_equal(stats.restores_whole, LEASES);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.mismatches, 0);
    assert_int_equal(bhi_mappings_held(), BHI_REGION_MAPPINGS);
    bh_capsule_release(capsule);
    assert_int_equal(bhi_mappings_held(), 0);
}

/* With room again the pages are tracked again. */
static void tracking_is_tried_again_when_there_are_mappings_again(void **state)
{
    (void)state;
    open_with(1, true, BHI_REGION_MAPPINGS);
    bh_capsule *capsule = load("counter_state", 1);
    make_builds_dear(capsule);
    assert_string_equal(invoke(capsule, "x", "")->data, "1 1");
    assert_int_equal(peek_region(peek_idle(capsule))->mode, BHI_REGION_WHOLE);
    bhi_mappings_set_max(0);
    for (int i = 0; i < 2 * BHI_REGION_WHOLE_RESTORES; i++)
        assert_string_equal(invoke(capsule, "x", "")->data, "1 1");
    assert_int_equal(peek_region(peek_idle(capsule))->mode, BHI_REGION_TRACKED);
    assert_int_equal(stats_of(capsule).mismatches, 0);
    bh_capsule_release(capsule);
}

#define CASE(name) cmocka_unit_test_teardown(name, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_lease_of_a_healthy_capsule_verifies),
        CASE(one_in_so_many_restores_is_verified_or_none),
#ifdef NDEBUG
        CASE(a_corrupted_instance_is_condemned_and_never_lent_again),
        CASE(the_window_of_the_samples_moves_over_all_of_memory),
#endif
        CASE(an_instance_too_many_for_the_map_limit_is_refused_by_name),
        CASE(without_mappings_for_open_pages_instances_are_copied_whole),
        CASE(tracking_is_tried_again_when_there_are_mappings_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
