/* support/differential.c - seeds, phases and leases; see the header for what is compared.
 *
 * A seed goes through a few phases. Mixed leases do anything. Wide ones write to more pages than
 * are tracked. In a quiet phase the same few pages are written lease after lease, so that others
 * age and are closed again; what follows writes to them.
 */
#include "support/differential.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/assert.h"
#include "engine/instance.h"
#include "os/mappings.h"
#include "support/spoil.h"

enum {
    FUEL = 50000000,
    MEMORY_BYTES_MAX = 64 << 20,
    RECORDS_MAX = 10,
    CALLS_MAX = 3,
    TRACKED = 2, /* instances of one snapshot */
    SPOILED_FROM = 3,
    QUIET_FRESH_EVERY = 8
};

typedef enum phase_kind { PHASE_MIXED, PHASE_WIDE, PHASE_QUIET, PHASES } phase_kind;

/* Whether a new instance is taken to be cheaper than a copy of the whole memory. */
typedef enum weighing { WEIGH_AS_MEASURED, WEIGH_FOR_COPY, WEIGH_FOR_BUILD, WEIGHINGS } weighing;

typedef struct phase {
    phase_kind kind;
    weighing weighing;
    bool lacks_mappings;
    uint32_t leases;
    wasm_writer payload; /* of every call, when it is quiet */
} phase;

typedef struct run {
    differential *d;
    uint64_t seed;
    random_numbers random;
    random_guest guest;
    bhi_code *code;
    bhi_snapshot *snapshot;
    bool must_prime, is_warmed_up;
    call_plan warm_up;
    guest_state initial; /* of a fresh instance that was just built */
    subject tracked[TRACKED];
    const phase *phase;
    uint64_t fuel_of_a_call;
    uint32_t lease;
} run;

__attribute__((format(printf, 2, 3))) static bool fail(run *r, const char *format, ...)
{
    char *text = r->d->failure;
    int len = snprintf(text, sizeof r->d->failure,
                       "seed %llu, lease %u: ", (unsigned long long)r->seed, r->lease);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + len, sizeof r->d->failure - (size_t)len, format, arguments);
    va_end(arguments);
    return false;
}

static void reach(run *r, run_feature feature, bool is_reached)
{
    r->d->run_features[feature] += is_reached;
}

/* ---- building ---- */

static bool build(run *r, subject *s, const bhi_instance_options *options)
{
    bh_error error;
    r->d->builds++;
    return subject_build(s, r->code, options, r->guest.funcs_count, &error) ||
           fail(r, "no instance: %s", error.text);
}

static bool build_fresh(run *r, subject *s)
{
    bhi_instance_options options = {.must_prime = r->must_prime};
    if (!build(r, s, &options))
        return false;
    if (!subject_is_built(s))
        return fail(r, "a fresh instance: %s", bhi_instance_result(s->instance)->message);
    if (r->is_warmed_up && subject_call(s, &r->warm_up)->outcome != BH_OUTCOME_RETURNED)
        return fail(r, "the warm-up of a fresh instance failed");
    return true;
}

static bool equals_initial(run *r, const subject *s, const char *when)
{
    guest_state now;
    char difference[GUEST_DIFFERENCE_BYTES];
    guest_state_read(s->instance, &s->funcs, false, &now);
    return guest_state_equals(&now, &r->initial, difference) || fail(r, "%s: %s", when, difference);
}

static const bhi_region *region_of(const subject *s)
{
    return &s->instance->memory.region;
}

static bool replace(run *r, subject *s)
{
    bhi_instance_options options = {.snapshot = r->snapshot, .is_tracked = true};
    reach(r, RUN_REBUILT, s->instance != NULL);
    subject_deinit(s);
    if (!build(r, s, &options))
        return false;
    if (!subject_is_built(s))
        return fail(r, "from the snapshot: %s", bhi_instance_result(s->instance)->message);
    reach(r, RUN_LEARNED, region_of(s)->open_count > 0);
    return equals_initial(r, s, "built from the snapshot");
}

/* ---- the snapshot ---- */

/* Without a file for its memory now and then: the kernel is made to give no descriptor. */
static bh_status take(run *r, subject *template, bh_error *reterr)
{
    struct rlimit old, none;
    bool has_file = !random_chance(&r->random, 5);
    getrlimit(RLIMIT_NOFILE, &old);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    if (!has_file)
        setrlimit(RLIMIT_NOFILE, &none);
    bh_status status = bhi_snapshot_take(template->instance, &r->snapshot, reterr);
    setrlimit(RLIMIT_NOFILE, &old);
    return status;
}

/* As the runtime does it: primed, or else unprimed; false with an empty failure: neither. */
static bool build_template(run *r, subject *template)
{
    r->must_prime = !random_chance(&r->random, 3);
    for (int tries = 0; tries < 2; tries++) {
        bhi_instance_options options = {.must_prime = r->must_prime};
        if (!build(r, template, &options))
            return false;
        if (subject_is_built(template))
            return true;
        subject_deinit(template);
        r->must_prime = false;
    }
    return false;
}

/* A warm-up that fails, or changes a table, is none. */
static bool prepare(run *r, subject *template)
{
    bh_error error;
    if (!build_template(r, template))
        return false;
    r->warm_up = (call_plan){.fuel = FUEL, .memory_bytes_max = MEMORY_BYTES_MAX};
    random_guest_put_records(&r->warm_up.payload, &r->random, RECORDS_MAX);
    r->is_warmed_up = random_chance(&r->random, 3) &&
                      subject_call(template, &r->warm_up)->outcome == BH_OUTCOME_RETURNED;
    if (subject_is_built(template) && take(r, template, &error) != BH_OK)
        return fail(r, "no snapshot: %s", error.text);
    if (r->snapshot != NULL && (!r->is_warmed_up || !bhi_snapshot_must_initialise(r->snapshot)))
        return true;
    bhi_snapshot_release(r->snapshot);
    r->snapshot = NULL;
    r->is_warmed_up = false;
    subject_deinit(template);
    if (!build_fresh(r, template))
        return false;
    return take(r, template, &error) == BH_OK || fail(r, "no snapshot: %s", error.text);
}

static void note_snapshot(run *r)
{
    const bhi_image *image = r->snapshot->image;
    reach(r, RUN_MUST_INITIALISE, bhi_snapshot_must_initialise(r->snapshot));
    reach(r, r->must_prime ? RUN_PRIMED : RUN_UNPRIMED, true);
    reach(r, RUN_WARMED_UP, r->is_warmed_up);
    reach(r, RUN_NO_PAGES, image == NULL);
    reach(r, RUN_COPIED, image != NULL && image->fd < 0);
}

/* True, and no snapshot: a guest whose initialisation fails. */
static bool prepare_all(run *r)
{
    subject template = {0};
    bool is_ready = prepare(r, &template);
    if (!is_ready) {
        subject_deinit(&template);
        return r->d->failure[0] == 0;
    }
    guest_state_read(template.instance, &template.funcs, true, &r->initial);
    subject_deinit(&template);
    note_snapshot(r);
    subject fresh = {0};
    is_ready = build_fresh(r, &fresh) && equals_initial(r, &fresh, "a second fresh instance");
    subject_deinit(&fresh);
    for (int i = 0; i < TRACKED && is_ready; i++)
        is_ready = replace(r, &r->tracked[i]);
    return is_ready;
}

/* ---- calls ---- */

static void plan_limits(run *r, const subject *a, call_plan *plan)
{
    uint64_t bytes = bhi_instance_memory_bytes(a->instance);
    if (random_chance(&r->random, 8))
        plan->fuel = random_below(&r->random, (uint32_t)r->fuel_of_a_call + 1);
    if (random_chance(&r->random, 5))
        plan->memory_bytes_max = bytes + random_below(&r->random, 3) * 65536;
}

static void plan_call(run *r, const subject *a, call_plan *ret_plan)
{
    uint32_t special = random_below(&r->random, 24);
    *ret_plan = (call_plan){.fuel = FUEL,
                            .memory_bytes_max = MEMORY_BYTES_MAX,
                            .host_seed = random_u64(&r->random),
                            .skip_post_return = random_chance(&r->random, 2)};
    if (r->phase->kind == PHASE_QUIET) {
        wasm_put(&ret_plan->payload, r->phase->payload.data, r->phase->payload.len);
        return;
    }
    if (r->phase->kind == PHASE_WIDE)
        random_guest_put_record(&ret_plan->payload, GUEST_OP_MANY, 511,
                                random_below(&r->random, 4096) & ~7U);
    if (special < 2)
        random_guest_put_record(&ret_plan->payload, GUEST_OP_SPIN, 0xfffff, UINT32_MAX);
    if (special == 0)
        ret_plan->abandon = ABANDON_YIELDED;
    if (special == 2)
        ret_plan->abandon = ABANDON_WAITING;
    if (special == 3) /* what an earlier lease grew must be out of reach */
        random_guest_put_record(&ret_plan->payload, GUEST_OP_EDGE, 0, UINT32_MAX);
    random_guest_put_records(&ret_plan->payload, &r->random, RECORDS_MAX);
    plan_limits(r, a, ret_plan);
}

static void note_call(run *r, const subject *a, const subject *fresh)
{
    bh_outcome outcome = bhi_instance_result(a->instance)->outcome;
    r->d->calls++;
    reach(r, RUN_RETURNED, outcome == BH_OUTCOME_RETURNED);
    reach(r, RUN_TRAPPED, outcome == BH_OUTCOME_TRAPPED);
    reach(r, RUN_OUT_OF_FUEL, outcome == BH_OUTCOME_OUT_OF_FUEL);
    reach(r, RUN_MEMORY_LIMIT, outcome == BH_OUTCOME_MEMORY_LIMIT);
    reach(r, RUN_YIELDED, a->yields > 0);
    reach(r, RUN_WAITED, a->waits > 0);
    reach(r, RUN_ABANDONED_YIELDED, a->was_abandoned && a->yields > 0);
    reach(r, RUN_ABANDONED_WAITING, a->was_abandoned && a->waits > 0);
    if (outcome == BH_OUTCOME_RETURNED)
        r->fuel_of_a_call = bhi_instance_result(a->instance)->fuel_used;
    uint64_t covered = fresh == NULL ? 0 : guest_coverage(fresh->instance);
    for (int i = 0; i < GUEST_FEATURES_COUNT; i++)
        r->d->guest_features[i] += covered >> i & 1;
}

static bool agree(run *r, const subject *a, const subject *fresh, uint32_t call)
{
    char difference[GUEST_DIFFERENCE_BYTES];
    if (!subject_ended_as(a, fresh, difference))
        return fail(r, "call %u ended differently: %s", call, difference);
    guest_state left, right;
    guest_state_read(a->instance, &a->funcs, false, &left);
    guest_state_read(fresh->instance, &fresh->funcs, false, &right);
    if (!guest_state_equals(&left, &right, difference))
        return fail(r, "after call %u (%s): %s", call,
                    bh_outcome_name(bhi_instance_result(a->instance)->outcome), difference);
    if (bhi_instance_result(a->instance)->outcome == BH_OUTCOME_HOST_FAILURE)
        return fail(r, "call %u: host failure: %s", call,
                    bhi_instance_result(a->instance)->message);
    return true;
}

/* Nearly none left for the call; or enough, but short: then holes are joined, and stay open after
 * the restore too. True in the second case. */
static bool limit_mappings(run *r)
{
    bhi_mappings_set_max(0);
    if (!r->phase->lacks_mappings)
        return false;
    uint32_t held = bhi_mappings_held();
    bool are_short = random_below(&r->random, 2) == 0;
    bhi_mappings_set_max(are_short ? 2 * held - 1 : held + random_below(&r->random, 6));
    return are_short;
}

/* Between two slices a call may be abandoned anywhere: then there is nothing to compare it with. */
static bool call_both(run *r, subject *a, subject *fresh, uint32_t call)
{
    call_plan plan;
    plan_call(r, a, &plan);
    bool are_short = limit_mappings(r);
    bool was_tracked = region_of(a)->mode == BHI_REGION_TRACKED;
    subject_call(a, &plan);
    if (!are_short)
        bhi_mappings_set_max(0);
    reach(r, r->phase->lacks_mappings ? RUN_MAPPINGS_SHORT : RUN_TOO_MANY_OPEN,
          was_tracked && region_of(a)->mode == BHI_REGION_WHOLE);
    bool is_compared = fresh != NULL && !(a->was_abandoned && plan.abandon == ABANDON_YIELDED);
    if (plan.abandon == ABANDON_YIELDED)
        plan.abandon = ABANDON_NEVER;
    if (is_compared)
        subject_call(fresh, &plan);
    wasm_deinit(&plan.payload);
    note_call(r, a, is_compared ? fresh : NULL);
    return !is_compared || agree(r, a, fresh, call);
}

static bool is_clean(const subject *s)
{
    return bh_outcome_is_clean(bhi_instance_result(s->instance)->outcome);
}

static bool make_calls(run *r, subject *a, subject *fresh)
{
    uint32_t calls = random_chance(&r->random, 3) ? 1 + random_below(&r->random, CALLS_MAX) : 1;
    bool agrees = true;
    reach(r, RUN_MANY_CALLS, calls > 1);
    for (uint32_t call = 0; call < calls && agrees && (call == 0 || is_clean(a)); call++)
        agrees = call_both(r, a, fresh, call);
    return agrees;
}

/* ---- restores ---- */

static void weigh(const run *r)
{
    bhi_image *image = r->snapshot->image;
    if (image == NULL || r->phase->weighing == WEIGH_AS_MEASURED)
        return;
    bool is_for_build = r->phase->weighing == WEIGH_FOR_BUILD;
    atomic_store(&image->build_ns, is_for_build ? 1 : UINT64_C(1) << 60);
    if (is_for_build)
        atomic_store(&image->copy_ns, UINT64_C(1) << 50);
}

static bool has_table_grown(const run *r, const subject *s)
{
    bool has_grown = false;
    guest_state now;
    guest_state_read(s->instance, &s->funcs, false, &now);
    for (uint32_t i = 0; i < now.tables_count; i++)
        has_grown |= now.tables[i].size != r->initial.tables[i].size;
    return has_grown;
}

static void note_written_again(run *r, const subject *s)
{
    const bhi_region *region = region_of(s);
    bool is_any = false;
    for (uint32_t i = 0; i < region->open_count; i++)
        is_any |= region->open[i].is_new &&
                  atomic_load(&region->image->closed_at[region->open[i].page]) != 0;
    reach(r, RUN_CLOSED_WRITTEN, is_any);
}

static bool check_how(run *r, bhi_restored how, bhi_region_mode was, bool has_grown)
{
    static const bhi_restored worst[] = {[BHI_REGION_FRESH] = BHI_RESTORED_WHOLE,
                                         [BHI_REGION_TRACKED] = BHI_RESTORED,
                                         [BHI_REGION_WHOLE] = BHI_RESTORE_DEARER};
    bhi_restored best = was == BHI_REGION_WHOLE ? BHI_RESTORED_WHOLE : BHI_RESTORED;
    reach(r, RUN_RESTORED, how == BHI_RESTORED);
    reach(r, RUN_RESTORED_WHOLE, how == BHI_RESTORED_WHOLE);
    reach(r, RUN_TABLE_GREW, how == BHI_RESTORE_DEARER && has_grown);
    reach(r, RUN_DEARER, how == BHI_RESTORE_DEARER && !has_grown);
    bool is_expected = has_grown ? how == BHI_RESTORE_DEARER : how >= best && how <= worst[was];
    return is_expected || fail(r, "restore answered %d", (int)how);
}

static bool check_restored(run *r, subject *a)
{
    if (r->d->spoil != SPOIL_NOTHING && r->d->restores >= SPOILED_FROM)
        r->d->spoiled += spoil_instance(a->instance, r->d->spoil);
    if (!equals_initial(r, a, "after a restore"))
        return false;
    return bhi_instance_is_restored(a->instance, 0, UINT64_MAX) ||
           fail(r, "the engine takes a restored instance for another");
}

static bool restore(run *r, subject *a)
{
    const bhi_region *region = region_of(a);
    uint32_t open_before = region->open_count;
    bhi_region_mode was = region->mode;
    bool has_grown = has_table_grown(r, a);
    reach(r, RUN_GROWTH_DROPPED, region->bytes > bhi_region_image_bytes(region));
    note_written_again(r, a);
    weigh(r);
    r->d->restores++;
    bool is_left_out = r->d->spoil == SPOIL_RESTORE && r->d->restores >= SPOILED_FROM;
    bhi_restored how = is_left_out ? BHI_RESTORED : bhi_instance_restore(a->instance);
    if (!is_left_out && !check_how(r, how, was, has_grown))
        return false;
    bool is_tracked = region->mode == BHI_REGION_TRACKED;
    reach(r, RUN_FRESH, was == BHI_REGION_FRESH && is_tracked);
    reach(r, RUN_TRACKED_AGAIN, was == BHI_REGION_WHOLE && region->mode == BHI_REGION_FRESH);
    reach(r, RUN_PAGES_CLOSED,
          was == BHI_REGION_TRACKED && is_tracked && region->open_count < open_before);
    bhi_mappings_set_max(0);
    return how > BHI_RESTORED_WHOLE ? replace(r, a) : check_restored(r, a);
}

/* ---- leases and phases ---- */

static bool run_lease(run *r, subject *a, bool has_fresh)
{
    subject fresh = {0};
    bhi_mappings_set_max(0);
    bool agrees =
        (!has_fresh || build_fresh(r, &fresh)) && make_calls(r, a, has_fresh ? &fresh : NULL);
    if (r->d->is_verbose)
        printf("seed %llu, lease %u: %s, %u open pages%s\n", (unsigned long long)r->seed, r->lease,
               bh_outcome_name(bhi_instance_result(a->instance)->outcome), region_of(a)->open_count,
               region_of(a)->mode == BHI_REGION_WHOLE ? ", whole" : "");
    subject_deinit(&fresh);
    if (!agrees)
        return false;
    if (is_clean(a))
        return restore(r, a);
    bhi_mappings_set_max(0);
    return replace(r, a);
}

static void plan_phase(run *r, phase *ret_phase)
{
    static const uint32_t leases[PHASES][2] = {
        [PHASE_MIXED] = {4, 16}, [PHASE_WIDE] = {2, 4}, [PHASE_QUIET] = {40, 50}};
    phase_kind kind = (phase_kind)random_below(&r->random, PHASES);
    *ret_phase = (phase){
        .kind = kind,
        .weighing = (weighing)random_below(&r->random, WEIGHINGS),
        .lacks_mappings = random_chance(&r->random, 5),
        .leases = leases[kind][0] + random_below(&r->random, leases[kind][1]),
    };
    random_guest_put_records(&ret_phase->payload, &r->random, 3);
}

static bool run_phase(run *r)
{
    phase now;
    plan_phase(r, &now);
    r->phase = &now;
    bool agrees = true;
    for (uint32_t i = 0; i < now.leases && agrees; i++) {
        bool is_quiet = now.kind == PHASE_QUIET;
        bool has_fresh = !is_quiet || i % QUIET_FRESH_EVERY == 0;
        bool is_second = random_chance(&r->random, is_quiet ? 8 : 2);
        r->lease++;
        agrees = run_lease(r, &r->tracked[is_second], has_fresh);
    }
    wasm_deinit(&now.payload);
    return agrees;
}

/* Not restorable: two fresh instances agree, which says that the comparison can be trusted. */
static bool run_fresh_only(run *r)
{
    static const phase mixed = {.kind = PHASE_MIXED};
    bool agrees = true;
    r->phase = &mixed;
    for (int i = 0; i < 4 && agrees; i++) {
        subject a = {0}, b = {0};
        r->lease++;
        agrees = build_template(r, &a) && build_fresh(r, &b) && make_calls(r, &a, &b);
        subject_deinit(&a);
        subject_deinit(&b);
    }
    return agrees || r->d->failure[0] == 0;
}

static bool run_guest(run *r)
{
    if (r->guest.restorable == BHI_RESTORABLE_NO)
        return run_fresh_only(r);
    bool agrees = prepare_all(r);
    for (uint32_t i = 3 + random_below(&r->random, 4); i > 0 && agrees && r->snapshot != NULL; i--)
        agrees = run_phase(r);
    return agrees;
}

/* ---- one seed ---- */

static bool make_code(run *r)
{
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error;
    bh_status status =
        bhi_capsule_image_read(random_guest_bytes(&r->guest), &arena, &image, &error);
    if (status == BH_OK)
        status = bhi_code_create(r->d->engine, &image, &r->code, &error);
    bhi_arena_deinit(&arena);
    if (status != BH_OK)
        return fail(r, "the guest: %s", error.text);
    bhi_restorable found = bhi_code_read_stats(r->code)->restorable;
    return found == r->guest.restorable ||
           fail(r, "the guest is classified \"%s\" instead of \"%s\"", bhi_restorable_name(found),
                bhi_restorable_name(r->guest.restorable));
}

static void note_guest(run *r)
{
    r->d->seeds++;
    reach(r, RUN_CLASS_YES, r->guest.restorable == BHI_RESTORABLE_YES);
    reach(r, RUN_CLASS_TABLES, r->guest.restorable == BHI_RESTORABLE_TABLES);
    reach(r, RUN_CLASS_NO, r->guest.restorable == BHI_RESTORABLE_NO);
    reach(r, RUN_HAS_START, r->guest.has_start);
    reach(r, RUN_HAS_INITIALIZE, r->guest.has_initialize);
}

bool differential_run(differential *d, uint64_t seed)
{
    run r = {.d = d, .seed = seed, .random = {~seed}, .fuel_of_a_call = 10000};
    d->failure[0] = 0;
    random_guest_init(&r.guest, seed);
    bool agrees = make_code(&r);
    if (agrees) {
        note_guest(&r);
        agrees = run_guest(&r);
    }
    for (int i = 0; i < TRACKED; i++)
        subject_deinit(&r.tracked[i]);
    guest_state_deinit(&r.initial);
    wasm_deinit(&r.warm_up.payload);
    bhi_snapshot_release(r.snapshot);
    bhi_code_release(r.code);
    random_guest_deinit(&r.guest);
    bhi_mappings_set_max(0);
    return agrees;
}

/* ---- the whole ---- */

/* Short slices, so that calls yield. */
bool differential_open(differential *d)
{
    bh_error error;
    bhi_engine_options options = {.is_compile_serial = true, .tick_us = 100, .slice_ticks = 1};
    if (bhi_engine_create(&options, &d->engine, &error) == BH_OK)
        return true;
    snprintf(d->failure, sizeof d->failure, "%s", error.text);
    return false;
}

void differential_close(differential *d)
{
    bhi_engine_destroy(d->engine);
    d->engine = NULL;
}

static int print_one(const char *text, uint64_t times)
{
    printf("  %-56s %9llu%s\n", text, (unsigned long long)times, times == 0 ? "  NEVER" : "");
    return times == 0;
}

int differential_print(const differential *d)
{
    static const char *const run_texts[] = {
#define X(name, text) text,
        RUN_FEATURES(X)
#undef X
    };
    int missing = 0;
    printf("%llu guests, %llu calls, %llu restores, %llu instances built; reached:\n",
           (unsigned long long)d->seeds, (unsigned long long)d->calls,
           (unsigned long long)d->restores, (unsigned long long)d->builds);
    for (int i = 0; i < RUN_FEATURES_COUNT; i++)
        missing += print_one(run_texts[i], d->run_features[i]);
    for (int i = 0; i < GUEST_FEATURES_COUNT; i++)
        missing += print_one(guest_feature_texts[i], d->guest_features[i]);
    return missing;
}
