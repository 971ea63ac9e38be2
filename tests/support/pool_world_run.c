/* tests/support/pool_world_run.c - the rest of the world: slots, the other tenant, time, checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pool_world.h"

/* Pending when the faults stop: the longest holding back of builds, and a turn for each caller. */
static const uint64_t rest_ns =
    BHI_BREAKER_COOLDOWN_MOST_NS + BHI_BACKOFF_MOST_NS + WORLD_CALLERS * 400 * WORLD_MS;

static const char *const names[WORLD_PRINCIPALS] = {"ada", "grace", "edsger", "barbara", ""};

/* ---- checks ---- */

static uint32_t count_stage(const pool_world *w, world_stage wanted)
{
    uint32_t count = 0;
    for (int i = 0; i < WORLD_CALLERS; i++)
        count += w->callers[i].stage == wanted;
    return count;
}

static void check_caps(const pool_world *w)
{
    uint32_t held[WORLD_PRINCIPALS] = {0};
    for (uint32_t i = 0; i < w->core.live_max; i++)
        if (w->slots[i].holder != WORLD_NOBODY)
            held[w->slots[i].holder]++;
    for (int i = 0; i < WORLD_PRINCIPALS; i++)
        WORLD_EXPECT(w->core.principal_leases_max == 0 ||
                     held[i] <= w->core.principal_leases_max); /* P9 */
}

static void note_seen(const pool_world *w)
{
    world_seen *seen = &pool_world_seen;
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        seen->slot_states[state] += w->core.counts[state] != 0;
    seen->breaker_states[w->core.breaker.state]++;
    seen->capped += w->core.turns.capped_waiting != 0;
    seen->lingering += w->core.turns.lingering_count != 0;
    seen->back_offs += w->core.failures > 1;
    seen->starved += w->core.is_starved;
}

void world_check(pool_world *w)
{
    bhi_pool_core_check(&w->core, w->now_ns); /* P1, P2, P4, P5, P9 */
    uint32_t calling = count_stage(w, WORLD_CALLING) + count_stage(w, WORLD_NESTING);
    WORLD_EXPECT(w->core.turns.waiting == count_stage(w, WORLD_QUEUED));
    WORLD_EXPECT(w->core.counts[BHI_SLOT_LEASED] == calling);
    WORLD_EXPECT(w->granted - w->ended == calling + count_stage(w, WORLD_BUILDING)); /* P7 */
    WORLD_EXPECT(w->queued == w->answered + w->cancelled + w->core.turns.waiting);
    WORLD_EXPECT(!w->core.is_closed || w->core.turns.waiting == 0); /* P8 */
    check_caps(w);
    if (w->core.ceiling != NULL) {
        unsigned live = atomic_load(&w->core.ceiling->live);
        WORLD_EXPECT(live == w->tenant_permits + bhi_pool_core_live(&w->core)); /* P1 */
        WORLD_EXPECT(live <= w->core.ceiling->live_max);
    }
    note_seen(w);
}

/* The counters say what callers were told. */
static void check_counters(const pool_world *w)
{
    bhi_pool_stats stats;
    bhi_pool_core_read_stats(&w->core, &stats);
    const bhi_pool_stats *told = &w->told;
    WORLD_EXPECT(stats.leases == told->leases && stats.builds == told->builds);
    WORLD_EXPECT(stats.builds_ahead == told->builds_ahead);
    WORLD_EXPECT(stats.build_failures == told->build_failures);
    WORLD_EXPECT(stats.retired == told->retired);
    WORLD_EXPECT(memcmp(stats.condemned, told->condemned, sizeof told->condemned) == 0);
    WORLD_EXPECT(memcmp(stats.refusals, told->refusals, sizeof told->refusals) == 0);
}

/* ---- slots ---- */

static void end_build_ahead(pool_world *w, bhi_slot *slot, world_slot *s)
{
    s->build_ends_ns = 0;
    if (w->is_faulty && world_chance(w, w->config.fail_percent)) {
        if (world_chance(w, 30)) {
            bhi_pool_core_decline(&w->core, slot);
            return;
        }
        bhi_pool_core_build_failed(&w->core, slot, w->now_ns);
        w->told.build_failures++;
        return;
    }
    s->is_lendable = true;
    s->served = WORLD_NOBODY;
    w->told.builds++;
    w->told.builds_ahead++;
    bhi_pool_core_built_idle(&w->core, slot, w, w->now_ns);
}

static void run_slot(pool_world *w, uint32_t i)
{
    world_slot *s = &w->slots[i];
    bhi_slot *slot = &w->core.slots[i];
    if (s->build_ends_ns != 0 && s->build_ends_ns <= w->now_ns) {
        end_build_ahead(w, slot, s);
    } else if (s->destroyed_ns != 0 && s->destroyed_ns <= w->now_ns) {
        WORLD_EXPECT(slot->state == BHI_SLOT_CONDEMNED && !s->is_lendable); /* P3 */
        s->destroyed_ns = 0;
        s->served = s->holder = WORLD_NOBODY;
        bhi_pool_core_destroyed(&w->core, slot);
    } else {
        return;
    }
    world_settle(w);
}

static void warm(pool_world *w)
{
    bhi_slot *slot = bhi_pool_core_reserve_warm(&w->core, w->now_ns);
    if (slot == NULL)
        return;
    WORLD_EXPECT(!w->core.is_closed && bhi_pool_core_live(&w->core) <= w->core.min_idle);
    w->slots[world_index_of(w, slot)].build_ends_ns = world_soon(w, 10);
    world_settle(w);
}

static void evict(pool_world *w)
{
    bool is_needed = world_chance(w, 20);
    uint32_t leave = is_needed ? 0 : w->core.min_idle;
    uint64_t before_ns = is_needed ? UINT64_MAX : w->now_ns - 30 * WORLD_MS;
    bhi_slot *slot;
    while ((slot = bhi_pool_core_evict(&w->core, leave, before_ns)) != NULL) {
        world_slot *s = &w->slots[world_index_of(w, slot)];
        WORLD_EXPECT(s->lent_to == WORLD_NOBODY && slot->idle_since_ns <= before_ns);
        WORLD_EXPECT(w->core.counts[BHI_SLOT_IDLE] >= leave);
        s->is_lendable = false;
        s->destroyed_ns = world_soon(w, 8);
        pool_world_seen.evictions++;
    }
    w->evict_next_ns = world_soon(w, 100);
    world_settle(w);
}

/* ---- the other tenant of the ceiling ---- */

static void set_tenant_starved(pool_world *w, bool is_starved)
{
    if (w->is_tenant_starved == is_starved)
        return;
    w->is_tenant_starved = is_starved;
    if (is_starved)
        atomic_fetch_add(&w->core.ceiling->starved, 1);
    else
        atomic_fetch_sub(&w->core.ceiling->starved, 1);
}

static void run_tenant(pool_world *w)
{
    bhi_ceiling *ceiling = w->core.ceiling;
    atomic_store(&ceiling->is_memory_out, world_chance(w, 5));
    if (world_chance(w, 50)) {
        set_tenant_starved(w, !bhi_ceiling_take(ceiling));
        w->tenant_permits += !w->is_tenant_starved;
    } else {
        set_tenant_starved(w, false);
        while (w->tenant_permits > 0) {
            w->tenant_permits--;
            bhi_ceiling_give(ceiling);
        }
    }
    w->tenant_next_ns = world_soon(w, 30);
    world_settle(w); /* whoever gives room advances the pools that are starved */
}

static void end_tenant(pool_world *w)
{
    w->tenant_next_ns = UINT64_MAX;
    if (w->core.ceiling == NULL)
        return;
    set_tenant_starved(w, false);
    atomic_store(&w->core.ceiling->is_memory_out, false);
    for (; w->tenant_permits > 0; w->tenant_permits--)
        bhi_ceiling_give(w->core.ceiling);
    world_settle(w);
}

/* ---- time ---- */

static void sooner(uint64_t *earliest_ns, uint64_t at_ns)
{
    if (at_ns < *earliest_ns)
        *earliest_ns = at_ns;
}

/* A closed pool waits for nothing. */
static uint64_t wake_ns(const pool_world *w)
{
    return w->core.is_closed ? UINT64_MAX : w->core.wake_at_ns;
}

static uint64_t next_event_ns(const pool_world *w)
{
    uint64_t earliest_ns = wake_ns(w);
    for (int i = 0; i < WORLD_CALLERS; i++)
        if (w->is_faulty || w->callers[i].stage != WORLD_AWAY)
            sooner(&earliest_ns, w->callers[i].next_ns);
    for (uint32_t i = 0; i < w->core.live_max; i++) {
        const world_slot *s = &w->slots[i];
        sooner(&earliest_ns, s->build_ends_ns == 0 ? UINT64_MAX : s->build_ends_ns);
        sooner(&earliest_ns, s->destroyed_ns == 0 ? UINT64_MAX : s->destroyed_ns);
    }
    sooner(&earliest_ns, w->tenant_next_ns);
    sooner(&earliest_ns, w->evict_next_ns);
    return earliest_ns > w->now_ns ? earliest_ns : w->now_ns + 1;
}

/* Everything that is due now, each followed by the checks. */
static void run_due(pool_world *w)
{
    for (int i = 0; i < WORLD_CALLERS; i++) {
        world_caller *c = &w->callers[i];
        if (c->next_ns > w->now_ns || (c->stage == WORLD_AWAY && !w->is_faulty))
            continue;
        world_run_caller(w, c);
        world_settle(w);
    }
    for (uint32_t i = 0; i < w->core.live_max; i++)
        run_slot(w, i);
    if (w->tenant_next_ns <= w->now_ns)
        run_tenant(w);
    if (w->evict_next_ns <= w->now_ns)
        evict(w);
    if (wake_ns(w) <= w->now_ns)
        world_settle(w);
}

static void close_world(pool_world *w)
{
    bhi_pool_core_close(&w->core);
    world_settle(w);
    pool_world_seen.closed++;
}

/* ---- a run ---- */

static void ignore_build_cb(void *arg, bhi_slot *slot)
{
}

static void choose_config(pool_world *w)
{
    static const uint32_t thresholds[] = {1, 2, 4, BHI_BREAKER_OFF};
    static const uint32_t rates[] = {3, 15, 60}, aways_ms[] = {30, 60, 400, 3000};
    world_config *config = &w->config;
    bhi_pool_options *options = &config->options;
    options->live_max = 1 + world_below(w, WORLD_SLOTS_MOST);
    options->min_idle = world_below(w, options->live_max + 1);
    options->waiters_max = world_below(w, WORLD_CALLERS + 1);
    options->principal_leases_max = world_below(w, 4);
    options->is_affine = world_chance(w, 40);
    options->breaker_condemned_max = thresholds[world_below(w, 4)];
    options->build_ahead_cb = world_chance(w, 50) ? ignore_build_cb : NULL;
    options->ceiling = world_chance(w, 50) ? &config->ceiling : NULL;
    bhi_ceiling_init(&config->ceiling, 1 + world_below(w, options->live_max + 2));
    config->trap_percent = rates[world_below(w, 3)];
    config->fail_percent = rates[world_below(w, 3)];
    config->nest_percent = world_chance(w, 50) ? 30 : 0;
    config->away_ms_most = aways_ms[world_below(w, 4)];
    config->steps = 120;
    config->close_at_step = world_chance(w, 20) ? world_below(w, 120) : UINT64_MAX;
}

static void init_world(pool_world *w, uint64_t seed)
{
    *w = (pool_world){
        .seed = seed, .random = seed * 0x9e3779b97f4a7c15u | 1, .now_ns = 1000 * WORLD_MS};
    choose_config(w);
    w->memory = calloc(1, bhi_pool_core_memory_bytes(&w->config.options));
    assert_non_null(w->memory);
    bhi_pool_core_init(&w->core, &w->config.options, seed, w->memory);
    w->is_faulty = true;
    w->tenant_next_ns = w->core.ceiling == NULL ? UINT64_MAX : world_soon(w, 30);
    w->evict_next_ns = world_soon(w, 100);
    for (int i = 0; i < WORLD_SLOTS_MOST; i++)
        w->slots[i].lent_to = w->slots[i].holder = w->slots[i].served = WORLD_NOBODY;
    for (int i = 0; i < WORLD_CALLERS; i++) {
        world_caller *c = &w->callers[i];
        bhi_link_init(&c->waiter.link);
        c->principal = (int)world_below(w, WORLD_PRINCIPALS);
        c->waiter.principal = bhi_bytes_of(names[c->principal]);
        c->waiter.weight = world_below(w, 4);
        c->next_ns = world_soon(w, w->config.away_ms_most);
    }
}

static void run_faulty(pool_world *w)
{
    for (uint64_t step = 0; step < w->config.steps; step++) {
        w->now_ns = next_event_ns(w);
        if (step == w->config.close_at_step)
            close_world(w);
        if (world_chance(w, 10))
            warm(w);
        run_due(w);
    }
}

static bool is_at_rest(const pool_world *w)
{
    return count_stage(w, WORLD_AWAY) == WORLD_CALLERS && w->core.counts[BHI_SLOT_CONDEMNED] == 0 &&
           w->core.counts[BHI_SLOT_BUILDING] == 0;
}

/* Faults stop and nobody comes anew: all that is pending is answered in bounded time. */
static void run_to_rest(pool_world *w)
{
    w->is_faulty = false;
    end_tenant(w);
    w->evict_next_ns = UINT64_MAX;
    uint64_t limit_ns = w->now_ns + rest_ns;
    while (!is_at_rest(w)) {
        w->now_ns = next_event_ns(w);
        WORLD_EXPECT(w->now_ns < limit_ns);
        run_due(w);
    }
    WORLD_EXPECT(w->core.turns.waiting == 0 && w->granted == w->ended);
    WORLD_EXPECT(w->core.principals.count <=
                 1 + w->core.counts[BHI_SLOT_IDLE] * (uint32_t)w->core.is_affine);
}

void pool_world_run(uint64_t seed)
{
    static pool_world w;
    pool_world_seed = seed;
    init_world(&w, seed);
    run_faulty(&w);
    run_to_rest(&w);
    close_world(&w);
    while (bhi_pool_core_live(&w.core) > 0) {
        w.now_ns = next_event_ns(&w);
        run_due(&w);
    }
    WORLD_EXPECT(w.core.principals.count <= 1); /* the last one is kept */
    WORLD_EXPECT(atomic_load(&w.config.ceiling.live) == 0);
    WORLD_EXPECT(atomic_load(&w.config.ceiling.starved) == 0);
    check_counters(&w);
    free(w.memory);
}
