/* The leak hunt: guests that try to carry a secret from one principal's lease to another's.
 *
 * Every place that a guest can write to has a pair of actions: one hides a secret there, one looks
 * for it (tests/guests/leak.c, leak_state.wat, leak_segments.wat). With the policies that promise
 * separation nothing may ever be found; with `shared` the same hunt finds every secret, so it can
 * fail. A secret carries a number: what is found is known to be what was hidden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "engine/instance.h"
#include "os/mappings.h"
#include "runtime/invocation.h"
#include "support/instance_peek.h"
#include "support/runtime_fixture.h"

#define SHORT_MS   40
#define ANY_NUMBER UINT32_MAX
#define MIB        (UINT64_C(1) << 20)

enum { SECRET_BYTES = 16, ROUNDS = 4, RESTS = 150 };

typedef struct place {
    const char *guest;
    const char *name;
    bool is_bit; /* it can only be told apart from a fresh one */
    bool traps;  /* by a trap of the seeker */
} place;

static const place places[] = {
    {"leak", "heap", false, false},     {"leak", "freed", false, false},
    {"leak", "stack", false, false},    {"leak", "static", false, false},
    {"leak", "data", false, false},     {"leak", "argument", false, false},
    {"leak", "host", false, false},     {"leak", "result", false, false},
    {"leak", "grown", false, false},    {"leak", "far", false, false},
    {"leak", "wide", false, false},     {"leak_state", "i", false, false},
    {"leak_state", "l", false, false},  {"leak_state", "f", false, false},
    {"leak_state", "d", false, false},  {"leak_state", "v", false, false},
    {"leak_state", "t", true, false},   {"leak_state", "c", true, false},
    {"leak_state", "n", true, false},   {"leak_state", "z", true, false},
    {"leak_state", "r", true, false},   {"leak_state", "m", true, false},
    {"leak_state", "g", true, false},   {"leak_segments", "d", true, true},
    {"leak_segments", "e", true, true},
};
enum { PLACES = sizeof places / sizeof places[0] };

static runtime_fixture fixture;
static bhi_worker *worker;
static unsigned secrets_count;
static char secret[SECRET_BYTES + 1]; /* the one that was hidden last */

static int open_fixture(void **state)
{
    (void)state;
    bh_runtime_options options = {.verify_every = 1, .verify_whole = true};
    runtime_fixture_open_with(&fixture, &options);
    return bhi_worker_create(&worker, NULL) != BH_OK;
}

static int close_fixture(void **state)
{
    (void)state;
    bhi_mappings_set_max(0);
    bhi_worker_destroy(worker);
    runtime_fixture_close(&fixture);
    return 0;
}

static bh_capsule *load(const char *guest, bh_reuse reuse)
{
    guest_setup setup = {
        .guest = guest,
        .options = {
            .live_max = 1, .breaker_condemned_max = ANY_NUMBER, .has_reuse = true, .reuse = reuse}};
    return load_setup(&fixture, &setup);
}

/* No sample of the restored instances differed. */
static void release(bh_capsule *capsule)
{
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.mismatches, 0);
    assert_int_equal(stats.restores_failed, 0);
    bh_capsule_release(capsule);
}

/* ---- hiding and seeking ---- */

static const bh_result *call(bh_capsule *capsule, const char *principal, const char *action,
                             const char *payload)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = principal};
    return invoke_with(capsule, &request);
}

static void name_action(char ret_action[64], const char *verb, const place *where, const char *end)
{
    snprintf(ret_action, 64, "%s-%s%s%s", verb, where->name, end != NULL ? " " : "",
             end != NULL ? end : "");
}

static const char *new_secret(void)
{
    snprintf(secret, sizeof secret, "SECRET#%09u", ++secrets_count % 1000000000);
    return secret;
}

static void hide(bh_capsule *capsule, const char *principal, const place *where)
{
    char action[64];
    name_action(action, "hide", where, NULL);
    const bh_result *result = call(capsule, principal, action, new_secret());
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
}

/* What `principal` finds there: 0 nothing, 1 the last secret. Anything else fails. */
static int seek(bh_capsule *capsule, const char *principal, const place *where)
{
    char action[64];
    name_action(action, "seek", where, NULL);
    const bh_result *result = call(capsule, principal, action, "");
    if (where->traps && result->outcome == BH_OUTCOME_TRAPPED)
        return 1;
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
    if (strcmp(result->data, "nothing") == 0)
        return 0;
    bool is_it = where->is_bit ? strcmp(result->data, "changed") == 0
                               : result->data_len >= 4 && strstr(secret, result->data) != NULL;
    if (!is_it)
        fail_msg("%s %s: found \"%s\", hidden was \"%s\"", where->guest, action, result->data,
                 secret);
    return 1;
}

static const place everywhere = {"leak", "all", false, false};

static int seek_all(bh_capsule *capsule, const char *principal, const place *where)
{
    return strcmp(where->guest, "leak") == 0 ? seek(capsule, principal, &everywhere) : 0;
}

static void rest(bh_capsule *capsule, int count)
{
    for (int i = 0; i < count; i++)
        assert_string_equal(call(capsule, "carol", "rest", "")->data, "nothing");
}

static void expect(const place *where, bh_reuse reuse, const char *how, int found, int expected)
{
    if (found != expected)
        fail_msg("%s, %s %s, %s: the secret was %sfound", bh_reuse_name(reuse), where->guest,
                 where->name, how, found ? "" : "not ");
}

/* ---- clean leases ---- */

static int hunt_between_two(bh_capsule *capsule, bh_reuse reuse, const place *where)
{
    int found = 0;
    for (int round = 0; round < ROUNDS; round++) {
        bool is_shared = reuse == BH_REUSE_SHARED;
        const char *hider = round % 2 == 0 ? "alice" : "bob";
        const char *seeker = round % 2 == 0 ? "bob" : "alice";
        hide(capsule, hider, where);
        rest(capsule, round / 2 * (is_shared ? 0 : RESTS));
        int here = seek(capsule, seeker, where);
        expect(where, reuse, "by another", here, is_shared);
        if (!is_shared)
            expect(where, reuse, "by another, everywhere", seek_all(capsule, seeker, where), 0);
        found += here;
    }
    return found;
}

static int hunt_for_own(bh_capsule *capsule, bh_reuse reuse, const place *where)
{
    bool is_kept = reuse == BH_REUSE_SHARED || reuse == BH_REUSE_PRINCIPAL;
    hide(capsule, "alice", where);
    int found = seek(capsule, "alice", where);
    expect(where, reuse, "by the same", found, is_kept);
    hide(capsule, "alice", where);
    rest(capsule, 1);
    if (reuse != BH_REUSE_SHARED)
        expect(where, reuse, "by the same after another", seek(capsule, "alice", where), 0);
    return found;
}

static void hunt(bh_reuse reuse)
{
    bh_capsule *capsule = NULL;
    for (int i = 0; i < PLACES; i++) {
        if (i == 0 || strcmp(places[i].guest, places[i - 1].guest) != 0)
            capsule = load(places[i].guest, reuse);
        int by_other = hunt_between_two(capsule, reuse, &places[i]);
        int by_same = hunt_for_own(capsule, reuse, &places[i]);
        print_message("  %-9s %-13s %-8s found by another %d of %d, by the same %d of 1\n",
                      bh_reuse_name(reuse), places[i].guest, places[i].name, by_other, ROUNDS,
                      by_same);
        if (i + 1 == PLACES || strcmp(places[i].guest, places[i + 1].guest) != 0)
            release(capsule);
    }
}

static void pristine_carries_no_secret_to_any_lease(void **state)
{
    (void)state;
    hunt(BH_REUSE_PRISTINE);
}

static void principal_carries_secrets_to_the_same_principal_only(void **state)
{
    (void)state;
    hunt(BH_REUSE_PRINCIPAL);
}

static void never_carries_no_secret_to_any_lease(void **state)
{
    (void)state;
    hunt(BH_REUSE_NEVER);
}

static void shared_carries_every_secret_so_the_hunt_can_fail(void **state)
{
    (void)state;
    hunt(BH_REUSE_SHARED);
}

/* The hunt means little if instances are rebuilt in secret. */
static void the_hunted_pristine_instance_is_one_and_the_same(void **state)
{
    (void)state;
    bh_capsule *capsule = load("leak", BH_REUSE_PRISTINE);
    for (int i = 0; i < PLACES; i++)
        if (strcmp(places[i].guest, "leak") == 0 && strcmp(places[i].name, "wide") != 0)
            hunt_between_two(capsule, BH_REUSE_PRISTINE, &places[i]);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.builds, 1);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.verified, stats.leases);
    release(capsule);
}

/* ---- leases that end badly ---- */

typedef struct bad_end {
    const char *end;
    bh_outcome outcome;
    uint32_t timeout_ms;
    uint64_t fuel_max, memory_bytes_max;
} bad_end;

static const bad_end bad_ends[] = {
    {"trap", BH_OUTCOME_TRAPPED, 0, 0, 0},
    {"spin", BH_OUTCOME_OUT_OF_FUEL, 0, 5000000, 0},
    {"grow", BH_OUTCOME_MEMORY_LIMIT, 0, 0, 16 * MIB},
    {"sleep", BH_OUTCOME_DEADLINE, SHORT_MS, 0, 0},
};

static void hide_and_end(bh_capsule *capsule, const char *principal, const place *where,
                         const bad_end *how)
{
    char action[64];
    name_action(action, "hide", where, how->end);
    bh_request request = {.action = action,
                          .payload = new_secret(),
                          .payload_len = SECRET_BYTES,
                          .principal = principal,
                          .timeout_ms = how->timeout_ms,
                          .fuel_max = how->fuel_max,
                          .memory_bytes_max = how->memory_bytes_max};
    const bh_result *result = invoke_with(capsule, &request);
    if (result->outcome != how->outcome)
        fail_msg("%s: %s (%s)", action, bh_outcome_name(result->outcome), result->message);
}

static void hunt_after(const bad_end *how, bh_reuse reuse)
{
    bh_capsule *capsule = load("leak", reuse);
    for (int i = 0; i < PLACES; i++) {
        if (strcmp(places[i].guest, "leak") != 0)
            continue;
        hide_and_end(capsule, "alice", &places[i], how);
        expect(&places[i], reuse, how->end, seek(capsule, "bob", &places[i]), 0);
        expect(&places[i], reuse, how->end, seek_all(capsule, "bob", &places[i]), 0);
        hide_and_end(capsule, "bob", &places[i], how);
        expect(&places[i], reuse, how->end, seek(capsule, "bob", &places[i]), 0);
    }
    release(capsule);
}

/* Also with `shared`: such an instance is never lent again. */
static void a_lease_that_ends_badly_carries_no_secret_with_any_policy(void **state)
{
    (void)state;
    for (int i = 0; i < (int)(sizeof bad_ends / sizeof bad_ends[0]); i++)
        for (int reuse = BH_REUSE_PRISTINE; reuse <= BH_REUSE_NEVER; reuse++)
            hunt_after(&bad_ends[i], (bh_reuse)reuse);
}

/* ---- leases in the middle of which something happens ---- */

typedef struct pending {
    bh_request request;
    char action[64];
    bhi_invocation *invocation;
    bool is_done;
    bh_status status;
    bh_outcome outcome;
} pending;

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    (void)error;
    pending *one = arg;
    one->is_done = true;
    one->status = status;
    one->outcome = result != NULL ? result->outcome : BH_OUTCOME_REFUSED;
}

static void begin_hiding(pending *one, bh_capsule *capsule, const place *where, const char *end)
{
    *one = (pending){.request = {.action = one->action,
                                 .payload = new_secret(),
                                 .payload_len = SECRET_BYTES,
                                 .principal = "alice"}};
    name_action(one->action, "hide", where, end);
    use_engine_signals();
    assert_int_equal(
        bhi_invocation_start(capsule, worker, &one->request, done_cb, one, &one->invocation, NULL),
        BH_OK);
}

static void finish(pending *one, bh_outcome outcome)
{
    while (!one->is_done)
        bhi_worker_turn(worker, true);
    assert_int_equal(one->status, BH_OK);
    assert_int_equal(one->outcome, outcome);
}

/* The guest runs, or waits in a host call and has hidden the secret. */
static bhi_pooled *wait_for_guest(bh_capsule *capsule, bool must_wait)
{
    bhi_pooled *pooled = peek_leased(capsule);
    while (pooled == NULL || pooled->instance->phase != BHI_PHASE_CALLING ||
           (must_wait && !pooled->instance->is_waiting)) {
        bhi_worker_turn(worker, false);
        pooled = peek_leased(capsule);
    }
    return pooled;
}

static void hide_and_cancel(bh_capsule *capsule, const place *where, const char *end)
{
    pending one;
    begin_hiding(&one, capsule, where, end);
    wait_for_guest(capsule, strcmp(end, "sleep") == 0);
    bhi_worker_turn(worker, false);
    bhi_invocation_cancel(one.invocation);
    finish(&one, BH_OUTCOME_CANCELLED);
}

static void a_cancelled_lease_carries_no_secret_with_any_policy(void **state)
{
    (void)state;
    for (int reuse = BH_REUSE_PRISTINE; reuse <= BH_REUSE_NEVER; reuse++) {
        bh_capsule *capsule = load("leak", (bh_reuse)reuse);
        for (int i = 0; i < PLACES; i++) {
            if (strcmp(places[i].guest, "leak") != 0)
                continue;
            hide_and_cancel(capsule, &places[i], i % 2 == 0 ? "sleep" : "spin");
            expect(&places[i], (bh_reuse)reuse, "cancelled", seek(capsule, "bob", &places[i]), 0);
            expect(&places[i], (bh_reuse)reuse, "cancelled", seek_all(capsule, "bob", &places[i]),
                   0);
        }
        release(capsule);
    }
}

/* ---- memory pressure ---- */

typedef struct pressure {
    const char *name;
    int advice; /* of madvise; -1: mlock */
    bool was_taken;
} pressure;

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static pressure pressures[] = {
    {"MADV_COLD", MADV_COLD, false},           {"MADV_PAGEOUT", MADV_PAGEOUT, false},
    {"MADV_MERGEABLE", MADV_MERGEABLE, false}, {"MADV_HUGEPAGE", MADV_HUGEPAGE, false},
    {"MADV_COLLAPSE", MADV_COLLAPSE, false},   {"mlock", -1, false},
};
enum { PRESSURES = sizeof pressures / sizeof pressures[0] };

/* On the image and on what was grown above it; the kernel may refuse. */
static void press(pressure *how, const bhi_region *region)
{
    size_t image_bytes = bhi_region_image_bytes(region);
    size_t grown = region->bytes - image_bytes;
    uint8_t *above = region->base + image_bytes;
    int image_failed = how->advice >= 0 ? madvise(region->base, image_bytes, how->advice)
                                        : mlock(region->base, image_bytes);
    int grown_failed = 0;
    if (grown > 0)
        grown_failed = how->advice >= 0 ? madvise(above, grown, how->advice) : mlock(above, grown);
    how->was_taken |= image_failed == 0 || (grown > 0 && grown_failed == 0);
}

static void hunt_under(pressure *how, bh_reuse reuse, const place *where, bh_capsule *capsule)
{
    pending one;
    bool is_shared = reuse == BH_REUSE_SHARED;
    begin_hiding(&one, capsule, where, "nap");
    press(how, peek_region(wait_for_guest(capsule, true)));
    finish(&one, BH_OUTCOME_RETURNED);
    if (peek_idle(capsule) != NULL && reuse != BH_REUSE_NEVER)
        press(how, peek_region(peek_idle(capsule)));
    expect(where, reuse, how->name, seek(capsule, "bob", where), is_shared);
    if (!is_shared)
        expect(where, reuse, how->name, seek_all(capsule, "bob", where), 0);
}

/* While a lease waits, grown memory included, and between two leases. */
static void memory_pressure_brings_no_secret_back(void **state)
{
    (void)state;
    static const bh_reuse policies[] = {BH_REUSE_PRISTINE, BH_REUSE_PRINCIPAL, BH_REUSE_SHARED};
    for (int p = 0; p < PRESSURES; p++) {
        for (int r = 0; r < 3; r++) {
            bh_capsule *capsule = load("leak", policies[r]);
            for (int i = 0; i < PLACES; i++)
                if (strcmp(places[i].guest, "leak") == 0)
                    hunt_under(&pressures[p], policies[r], &places[i], capsule);
            release(capsule);
        }
        print_message("  %s: %s\n", pressures[p].name,
                      pressures[p].was_taken ? "taken" : "refused by the kernel");
    }
}

static void say_whether_there_is_swap(void)
{
    char line[256];
    int lines = 0;
    FILE *file = fopen("/proc/swaps", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        lines++;
    if (file != NULL)
        fclose(file);
    print_message("  swap: %s\n", lines > 1 ? "configured"
                                            : "none: what is paged out is dropped "
                                              "or stays");
}

/* ---- no mappings ---- */

static void without_mappings_to_spare_no_secret_is_carried(void **state)
{
    (void)state;
    bh_capsule *capsule = load("leak", BH_REUSE_PRISTINE);
    bhi_mappings_set_max(bhi_mappings_held());
    for (int i = 0; i < PLACES; i++)
        if (strcmp(places[i].guest, "leak") == 0)
            hunt_between_two(capsule, BH_REUSE_PRISTINE, &places[i]);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_true(stats.restores_whole > 0);
    release(capsule);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pristine_carries_no_secret_to_any_lease),
        CASE(principal_carries_secrets_to_the_same_principal_only),
        CASE(never_carries_no_secret_to_any_lease),
        CASE(shared_carries_every_secret_so_the_hunt_can_fail),
        CASE(the_hunted_pristine_instance_is_one_and_the_same),
        CASE(a_lease_that_ends_badly_carries_no_secret_with_any_policy),
        CASE(a_cancelled_lease_carries_no_secret_with_any_policy),
        CASE(memory_pressure_brings_no_secret_back),
        CASE(without_mappings_to_spare_no_secret_is_carried),
    };
    say_whether_there_is_swap();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
