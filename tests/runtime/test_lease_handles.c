/* Handles of host objects end with their lease, and their numbers tell the next one nothing.
 *
 * Objects are put into the guest's table in the middle of a lease, as a host call would, while the
 * guest sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/instance.h"
#include "runtime/invocation.h"
#include "support/instance_peek.h"
#include "support/runtime_fixture.h"

#define TYPE BHI_RESOURCE_FS_FILE_HANDLE

enum { HANDLES = 4 };

static runtime_fixture fixture;
static bhi_worker *worker;
static int objects[HANDLES];
static int drops;

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    drops = 0;
    return bhi_worker_create(&worker, NULL) != BH_OK;
}

static int close_fixture(void **state)
{
    (void)state;
    bhi_worker_destroy(worker);
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule *load(bh_reuse reuse)
{
    guest_setup setup = {.guest = "sleep",
                         .options = {.live_max = 1, .has_reuse = true, .reuse = reuse}};
    return load_setup(&fixture, &setup);
}

static void drop_cb(void *rep)
{
    (void)rep;
    drops++;
}

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    (void)error;
    assert_int_equal(status, BH_OK);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    *(bool *)arg = true;
}

/* Of the waiting guest: `old` handles name nothing; then four new ones, and one of them dropped. */
static void use_handles(bhi_handles *handles, const uint32_t old[HANDLES],
                        uint32_t ret_new[HANDLES])
{
    for (int i = 0; i < HANDLES; i++)
        assert_null(bhi_handles_get(handles, TYPE, old[i]));
    assert_int_equal(bhi_handles_count(handles, TYPE), 0);
    for (int i = 0; i < HANDLES; i++)
        ret_new[i] = bhi_handles_insert(handles, TYPE, &objects[i], drop_cb);
    assert_true(bhi_handles_drop(handles, TYPE, ret_new[1]));
}

static void lease(bh_capsule *capsule, const char *principal, const uint32_t old[HANDLES],
                  uint32_t ret_new[HANDLES])
{
    bool is_done = false;
    bh_request request = {
        .action = "x", .payload = "1000000", .payload_len = 7, .principal = principal};
    use_engine_signals();
    assert_int_equal(bhi_invocation_start(capsule, worker, &request, done_cb, &is_done, NULL, NULL),
                     BH_OK);
    bhi_pooled *pooled = NULL;
    while (pooled == NULL || !pooled->instance->is_waiting) {
        bhi_worker_turn(worker, false);
        pooled = peek_leased(capsule);
    }
    use_handles(pooled->handles, old, ret_new);
    while (!is_done)
        bhi_worker_turn(worker, true);
}

static const uint32_t no_handles[HANDLES];

static void numbers_of_handles_begin_anew_when_the_instance_is_restored(void **state)
{
    (void)state;
    static const bh_reuse policies[] = {BH_REUSE_PRISTINE, BH_REUSE_PRINCIPAL, BH_REUSE_NEVER};
    for (int i = 0; i < 3; i++) {
        bh_capsule *capsule = load(policies[i]);
        uint32_t first[HANDLES], second[HANDLES];
        lease(capsule, "alice", no_handles, first);
        lease(capsule, "bob", no_handles, second);
        assert_memory_equal(first, second, sizeof first);
        bh_capsule_release(capsule);
    }
}

static void old_handles_name_nothing_where_the_guest_can_remember_them(void **state)
{
    (void)state;
    static const bh_reuse policies[] = {BH_REUSE_PRINCIPAL, BH_REUSE_SHARED};
    for (int i = 0; i < 2; i++) {
        bh_capsule *capsule = load(policies[i]);
        uint32_t first[HANDLES], second[HANDLES];
        lease(capsule, "alice", no_handles, first);
        lease(capsule, "alice", first, second);
        for (int a = 0; a < HANDLES; a++)
            for (int b = 0; b < HANDLES; b++)
                assert_int_not_equal(first[a], second[b]);
        bh_capsule_release(capsule);
    }
}

static void objects_are_dropped_once_when_their_lease_ends(void **state)
{
    (void)state;
    for (int reuse = BH_REUSE_PRISTINE; reuse <= BH_REUSE_NEVER; reuse++) {
        bh_capsule *capsule = load((bh_reuse)reuse);
        uint32_t numbers[HANDLES];
        drops = 0;
        lease(capsule, "alice", no_handles, numbers);
        assert_int_equal(drops, HANDLES);
        bh_capsule_release(capsule);
        assert_int_equal(drops, HANDLES);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(numbers_of_handles_begin_anew_when_the_instance_is_restored),
        CASE(old_handles_name_nothing_where_the_guest_can_remember_them),
        CASE(objects_are_dropped_once_when_their_lease_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
