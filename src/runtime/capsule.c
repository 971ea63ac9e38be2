/* runtime/capsule.c - load: manifest, bytes, image, code, pool, first instances. */
#include "runtime/capsule.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "runtime/dispatcher.h"
#include "runtime/invocation.h"
#include "runtime/keeper.h"
#include "runtime/pooled.h"
#include "runtime/prepare.h"
#include "runtime/profiles.h"
#include "runtime/sizing.h"
#include "runtime/supervisor.h"

enum { WAITERS_MAX_DEFAULT = 10000 };

static const char *const reuse_names[] = {
    [BH_REUSE_PRISTINE] = "pristine",
    [BH_REUSE_PRINCIPAL] = "principal",
    [BH_REUSE_SHARED] = "shared",
    [BH_REUSE_NEVER] = "never",
};

const char *bh_reuse_name(bh_reuse reuse)
{
    return (unsigned)reuse <= BH_REUSE_NEVER ? reuse_names[reuse] : "unknown";
}

const char *bh_capsule_name(const bh_capsule *capsule)
{
    return capsule->manifest.name;
}

const char *bh_capsule_version(const bh_capsule *capsule)
{
    return capsule->manifest.version;
}

const char *bh_capsule_description(const bh_capsule *capsule)
{
    return capsule->manifest.description;
}

bh_reuse bh_capsule_reuse(const bh_capsule *capsule)
{
    return capsule->reuse;
}

bh_reuse bh_capsule_served_as(const bh_capsule *capsule)
{
    return capsule->served_as;
}

const char *bh_capsule_served_why(const bh_capsule *capsule)
{
    return capsule->served_why;
}

/* ---- instances ---- */

/* On the loading thread; initialisation cannot wait, so a build only runs or yields. */
static bh_status build_here(bh_capsule *capsule, bhi_pooled **ret_pooled, bh_error *reterr)
{
    bhi_lease_context lease;
    bhi_capsule_fill_init_lease(capsule, &lease);
    bhi_pooled *pooled;
    bh_status status = bhi_pooled_begin_build(capsule, BHI_BUILD_LENT, &lease, &pooled, reterr);
    if (status != BH_OK)
        return status;
    bhi_pooled_run(pooled);
    bhi_instance_guest(pooled->instance)->lease = NULL;
    status = bhi_pooled_check_built(pooled, reterr);
    if (status != BH_OK)
        bhi_pooled_destroy(pooled);
    else
        *ret_pooled = pooled;
    return status;
}

static bh_status warm_start(bh_capsule *capsule, bh_error *reterr)
{
    bhi_slot *slot;
    while ((slot = bhi_pool_reserve_warm(capsule->pool, bhi_monotonic_ns())) != NULL) {
        bhi_pooled *pooled = NULL;
        bh_status status = build_here(capsule, &pooled, reterr);
        if (status != BH_OK) {
            bhi_pool_decline(capsule->pool, slot, bhi_monotonic_ns()); /* the load fails */
            return status;
        }
        bhi_pool_built_idle(capsule->pool, slot, pooled, bhi_monotonic_ns());
    }
    return BH_OK;
}

static void destroy_item_cb(void *arg, void *item)
{
    (void)arg;
    bhi_pooled_destroy(item);
}

static void build_ahead_cb(void *arg, bhi_slot *slot)
{
    bh_capsule *capsule = arg;
    bhi_keeper_build(capsule->runtime->keeper, capsule, slot);
}

static void wake_cb(void *arg, uint64_t at_ns)
{
    const bh_capsule *capsule = arg;
    bhi_keeper_wake(capsule->runtime->keeper, at_ns);
}

/* ---- load ---- */

static bh_status create_pool(bh_capsule *capsule, const bh_capsule_options *options,
                             bh_error *reterr)
{
    bhi_sizing sizing;
    bh_status status = bhi_sizing_choose(options->live_max, &capsule->manifest,
                                         capsule->is_carve_out, &sizing, reterr);
    if (status != BH_OK)
        return status;
    bhi_pool_options pool_options = {
        .live_max = sizing.live_max,
        .min_idle = bhi_capsule_is_run_loop(capsule) ? 0 : sizing.min_idle,
        .is_affine = capsule->is_carve_out || capsule->served_as == BH_REUSE_PRINCIPAL,
        .breaker_condemned_max = options->breaker_condemned_max,
        .waiters_max = options->waiters_max != 0 ? options->waiters_max : WAITERS_MAX_DEFAULT,
        .principal_leases_max = options->principal_leases_max,
        .ceiling = bhi_keeper_ceiling(capsule->runtime->keeper),
        .destroy_cb = destroy_item_cb,
        .build_ahead_cb = build_ahead_cb,
        .wake_cb = wake_cb,
        .arg = capsule,
    };
    return bhi_pool_create(&pool_options, &capsule->pool, reterr);
}

static bh_status compile(bh_capsule *capsule, bhi_bytes wasm, bh_error *reterr)
{
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_status status = bhi_capsule_image_read(wasm, &arena, &image, reterr);
    if (status == BH_OK)
        status = bhi_code_create(capsule->runtime->engine, &image, &capsule->code, reterr);
    bhi_arena_deinit(&arena);
    return status;
}

/* What the manifest says of `run` holds from the load on. */
static bh_status check_run(bh_capsule *capsule, bh_error *reterr)
{
    bool is_loop = capsule->manifest.run == BHI_RUN_LOOP;
    if (is_loop && !bhi_code_has_entry(capsule->code, BHI_ENTRY_RUN))
        return bhi_fail(reterr, BH_E_MANIFEST,
                        "%s: expected an export named run, as capsule.run = \"loop\" says; found "
                        "none",
                        capsule->manifest.file);
    atomic_store_explicit(&capsule->is_run_loop, is_loop, memory_order_relaxed);
    return BH_OK;
}

static bool has_capability(const bh_capsule *capsule, const char *name)
{
    for (const char *const *held = capsule->manifest.capabilities; *held != NULL; held++)
        if (strcmp(*held, name) == 0)
            return true;
    return false;
}

static void choose_reuse(bh_capsule *capsule, const bh_capsule_options *options)
{
    capsule->reuse = options->has_reuse ? options->reuse : capsule->manifest.reuse;
    capsule->is_carve_out = has_capability(capsule, "host_process");
}

/* RFC 9562, version 4. */
static void make_session_id(char ret_text[37])
{
    uint8_t bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool is_after_dash = i == 4 || i == 6 || i == 8 || i == 10;
        ret_text += sprintf(ret_text, is_after_dash ? "-%02x" : "%02x", bytes[i]);
    }
}

static bh_status load(bh_capsule *capsule, const char *path, const bh_capsule_options *options,
                      bh_error *reterr)
{
    bh_status status = bhi_manifest_find(path, &capsule->arena, &capsule->manifest, reterr);
    if (status != BH_OK)
        return status;
    capsule->grants = capsule->manifest.grants;
    bhi_profiles_grant(capsule->runtime->profiles, bhi_bytes_of(capsule->manifest.name),
                       &capsule->grants);
    make_session_id(capsule->session_id);
    capsule->source = (bhi_source){.session_id = capsule->session_id,
                                   .capabilities = capsule->manifest.capabilities};
    bhi_sources_add(capsule->runtime->sources, &capsule->source);
    choose_reuse(capsule, options);
    bhi_arena wasm_arena = {0};
    bhi_bytes wasm;
    status = bhi_manifest_read_component(path, &capsule->manifest, &wasm_arena, &wasm, reterr);
    if (status == BH_OK) {
        capsule->wasm_bytes = wasm.len;
        status = compile(capsule, wasm, reterr);
    }
    bhi_arena_deinit(&wasm_arena);
    if (status == BH_OK)
        status = check_run(capsule, reterr);
    if (status == BH_OK)
        status = bhi_capsule_prepare(capsule, reterr);
    if (status == BH_OK)
        status = create_pool(capsule, options, reterr);
    if (status == BH_OK)
        status = warm_start(capsule, reterr);
    if (status == BH_OK)
        bhi_keeper_add(capsule->runtime->keeper, capsule);
    return status == BH_OK ? BH_OK
                           : bhi_fail_within(reterr, status, "capsule %s", capsule->manifest.name);
}

bh_status bh_capsule_load(bh_runtime *runtime, const char *path, const bh_capsule_options *options,
                          bh_capsule **ret_capsule, bh_error *reterr)
{
    static const bh_capsule_options defaults = {0};
    if (runtime == NULL || path == NULL || ret_capsule == NULL)
        return bhi_fail(reterr, BH_E_ARG, "runtime, path and ret_capsule must not be NULL");
    bh_capsule *capsule = calloc(1, sizeof *capsule);
    if (capsule == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a capsule");
    atomic_init(&capsule->references, 1);
    bhi_link_init(&capsule->keeper_link);
    capsule->runtime = runtime;
    bhi_log_bucket_init(&capsule->log_bucket, bhi_monotonic_ns());
    atomic_fetch_add(&runtime->capsules_count, 1);
    bh_status status = load(capsule, path, options != NULL ? options : &defaults, reterr);
    if (status != BH_OK) {
        bh_capsule_release(capsule);
        return status;
    }
    *ret_capsule = capsule;
    return BH_OK;
}

bh_capsule *bh_capsule_retain(bh_capsule *capsule)
{
    atomic_fetch_add_explicit(&capsule->references, 1, memory_order_relaxed);
    return capsule;
}

bool bhi_capsule_retain_if_held_beside(bh_capsule *capsule, unsigned count)
{
    unsigned references = atomic_load_explicit(&capsule->references, memory_order_relaxed);
    while (references > count)
        if (atomic_compare_exchange_weak_explicit(&capsule->references, &references, references + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

bool bhi_capsule_retain_if_held(bh_capsule *capsule)
{
    return bhi_capsule_retain_if_held_beside(capsule, 0);
}

bool bhi_capsule_release_unless_last(bh_capsule *capsule)
{
    unsigned references = atomic_load_explicit(&capsule->references, memory_order_relaxed);
    while (references > 1)
        if (atomic_compare_exchange_weak_explicit(&capsule->references, &references, references - 1,
                                                  memory_order_release, memory_order_relaxed))
            return true;
    return false;
}

bh_status bh_capsule_start(bh_capsule *capsule, bh_error *reterr)
{
    if (capsule == NULL)
        return bhi_fail(reterr, BH_E_ARG, "capsule must not be NULL");
    bh_status status = bhi_supervisor_start(capsule->runtime->supervisor, capsule, reterr);
    if (status != BH_OK)
        return status;
    status = bhi_dispatcher_start(capsule->runtime->dispatcher, capsule, reterr);
    if (status != BH_OK)
        bhi_supervisor_stop(capsule->runtime->supervisor, capsule);
    return status;
}

void bh_capsule_stop(bh_capsule *capsule)
{
    bhi_dispatcher_stop(capsule->runtime->dispatcher, capsule);
    bhi_supervisor_stop(capsule->runtime->supervisor, capsule);
}

void bh_capsule_close(bh_capsule *capsule)
{
    bhi_dispatcher_unbind(capsule->runtime->dispatcher, capsule);
    bhi_supervisor_close(capsule->runtime->supervisor, capsule);
    bhi_pool_close(capsule->pool);
}

void bh_capsule_release(bh_capsule *capsule)
{
    if (capsule == NULL ||
        atomic_fetch_sub_explicit(&capsule->references, 1, memory_order_acq_rel) != 1)
        return;
    bhi_dispatcher_unbind(capsule->runtime->dispatcher, capsule);
    bhi_supervisor_remove(capsule->runtime->supervisor, capsule);
    bhi_keeper_remove(capsule->runtime->keeper, capsule);
    bhi_sources_remove(capsule->runtime->sources, &capsule->source);
    /* Invocations borrow a reference of their caller, so nothing is leased or queued any more. */
    if (capsule->pool != NULL) {
        bhi_pool_close(capsule->pool);
        bhi_pool_release(capsule->pool);
    }
    bhi_snapshot_release(capsule->snapshot);
    bhi_code_release(capsule->code);
    atomic_fetch_sub(&capsule->runtime->capsules_count, 1);
    bhi_log_bucket_deinit(&capsule->log_bucket);
    bhi_arena_deinit(&capsule->arena);
    free(capsule);
}

void bh_capsule_read_stats(bh_capsule *capsule, bh_capsule_stats *ret_stats)
{
    bhi_pool_stats pool;
    bhi_pool_read_stats(capsule->pool, &pool);
    const bhi_code_stats *code = bhi_code_read_stats(capsule->code);
    *ret_stats = (bh_capsule_stats){
        .live = pool.live,
        .idle = pool.idle,
        .leased = pool.leased,
        .building = pool.building,
        .restoring = pool.restoring,
        .live_max = pool.live_max,
        .min_idle = pool.min_idle,
        .waiting = pool.waiting,
        .is_breaker_open = pool.is_breaker_open,
        .leases = pool.leases,
        .builds = pool.builds,
        .build_failures = pool.build_failures,
        .builds_ahead = pool.builds_ahead,
        .retired = pool.retired,
        .evicted_idle = pool.evicted_idle,
        .evicted_by_need = pool.evicted_by_need,
        .memory_bytes_code = capsule->wasm_bytes,
        .memory_bytes_snapshot =
            capsule->snapshot != NULL ? bhi_snapshot_bytes(capsule->snapshot) : 0,
        .compile_ns = code->compile_ns,
        .is_from_cache = code->is_from_cache,
    };
    memcpy(ret_stats->condemned, pool.condemned, sizeof pool.condemned);
    memcpy(ret_stats->refusals, pool.refusals, sizeof pool.refusals);
    bhi_counters_read(&capsule->counters, ret_stats);
    bhi_supervisor_read(capsule->runtime->supervisor, capsule, ret_stats);
}
