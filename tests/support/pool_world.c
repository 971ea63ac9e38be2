/* tests/support/pool_world.c - the callers of the world, and what the core tells them. */
#include "support/pool_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

world_seen pool_world_seen;
uint64_t pool_world_seed;
void (*pool_world_failed_cb)(void);

void pool_world_report(const char *condition, const char *file, int line)
{
    if (pool_world_failed_cb != NULL)
        pool_world_failed_cb();
    fail_msg("%s:%d: %s", file, line, condition);
}

uint32_t world_below(pool_world *w, uint32_t bound)
{
    w->random ^= w->random << 13; /* xorshift64, Marsaglia 2003 */
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random >> 33) % bound;
}

bool world_chance(pool_world *w, uint32_t percent)
{
    return world_below(w, 100) < percent;
}

uint64_t world_soon(pool_world *w, uint32_t ms_most)
{
    return w->now_ns + (1 + world_below(w, ms_most)) * WORLD_MS;
}

int world_index_of(const pool_world *w, const bhi_slot *slot)
{
    WORLD_EXPECT(slot >= w->core.slots && slot < w->core.slots + w->core.live_max);
    return (int)(slot - w->core.slots);
}

static world_slot *slot_of(pool_world *w, const bhi_slot *slot)
{
    return &w->slots[world_index_of(w, slot)];
}

static bool is_fault(pool_world *w, uint32_t percent)
{
    return w->is_faulty && world_chance(w, percent);
}

/* ---- grants ---- */

static void begin_call(pool_world *w, world_caller *c)
{
    world_slot *s = slot_of(w, c->slot);
    WORLD_EXPECT(s->is_lendable); /* P3 */
    WORLD_EXPECT(c->slot->item != NULL && c->slot->state == BHI_SLOT_LEASED);
    s->served = c->principal;
    c->stage = WORLD_CALLING;
    c->will_overrun = is_fault(w, w->config.trap_percent / 4);
    c->next_ns = world_soon(w, c->will_overrun ? 200 : 20);
}

/* P4: an item is pristine, or was last served to this principal, in a pool that says so. */
static void expect_own_state(pool_world *w, const world_caller *c)
{
    const world_slot *s = slot_of(w, c->slot);
    bool is_own = w->core.is_affine && s->served == c->principal;
    WORLD_EXPECT(s->served == WORLD_NOBODY || is_own);
    pool_world_seen.own_state += is_own;
}

/* A restore is asked for when nothing idle is pristine or the principal's own. */
static void expect_restore(pool_world *w, const world_caller *c)
{
    WORLD_EXPECT(w->core.is_affine);
    WORLD_EXPECT(slot_of(w, c->slot)->served != c->principal);
    WORLD_EXPECT(c->slot->state == BHI_SLOT_RESTORING && c->slot->item != NULL);
    for (uint32_t i = 0; i < w->core.live_max; i++) {
        int served = w->slots[i].served;
        WORLD_EXPECT(w->core.slots[i].state != BHI_SLOT_IDLE ||
                     (served != WORLD_NOBODY && served != c->principal));
    }
}

static void take_grant(pool_world *w, world_caller *c, bhi_grant grant)
{
    world_slot *s = slot_of(w, grant.slot);
    WORLD_EXPECT(!w->core.is_closed);                                      /* P8 */
    WORLD_EXPECT(s->lent_to == WORLD_NOBODY && s->holder == WORLD_NOBODY); /* P7 */
    s->lent_to = (int)(c - w->callers);
    s->holder = c->principal;
    w->granted++;
    pool_world_seen.grants[grant.kind]++;
    pool_world_seen.nested_grants += c->parent != NULL;
    c->slot = grant.slot;
    if (grant.kind == BHI_GRANT_LEASE) {
        expect_own_state(w, c);
        begin_call(w, c);
        w->told.leases++;
        return;
    }
    if (grant.kind == BHI_GRANT_RESTORE)
        expect_restore(w, c);
    else
        WORLD_EXPECT(grant.kind == BHI_GRANT_BUILD && !s->is_lendable);
    s->is_lendable = false;
    c->stage = WORLD_BUILDING;
    c->next_ns = world_soon(w, 10);
}

/* ---- ends ---- */

/* Who made this call goes on with its own. */
static void go_away(pool_world *w, world_caller *c)
{
    c->stage = WORLD_AWAY;
    c->next_ns = world_soon(w, w->config.away_ms_most);
    if (c->parent == NULL)
        return;
    WORLD_EXPECT(c->parent->stage == WORLD_NESTING);
    c->parent->stage = WORLD_CALLING;
    c->parent->next_ns = world_soon(w, 20);
    c->parent = NULL;
    c->waiter.parent = NULL;
}

static void end_lending(pool_world *w, world_caller *c)
{
    slot_of(w, c->slot)->lent_to = WORLD_NOBODY;
    w->ended++;
    c->slot = NULL;
    go_away(w, c);
}

static void refuse(pool_world *w, bh_status why)
{
    w->told.refusals[why]++;
    pool_world_seen.refusals[why]++;
}

/* ---- effects ---- */

/* Nobody of the same principal asked before and still waits: first in, first out (P9). */
static void expect_oldest(const pool_world *w, const world_caller *served)
{
    for (int i = 0; i < WORLD_CALLERS; i++) {
        const world_caller *c = &w->callers[i];
        WORLD_EXPECT(c == served || c->stage != WORLD_QUEUED || c->principal != served->principal ||
                     c->asked > served->asked);
    }
}

static void answer(pool_world *w, bhi_pool_effect effect)
{
    world_caller *c = (world_caller *)effect.waiter;
    WORLD_EXPECT(c->stage == WORLD_QUEUED && !c->waiter.is_queued);
    w->answered++;
    if (effect.status == BH_OK) {
        expect_oldest(w, c);
        take_grant(w, c, effect.grant);
        return;
    }
    WORLD_EXPECT(effect.status == BH_E_CLOSED && w->core.is_closed);
    refuse(w, BH_E_CLOSED);
    go_away(w, c);
}

static void apply(pool_world *w, bhi_pool_effect effect)
{
    pool_world_seen.effects[effect.kind]++;
    if (effect.kind == BHI_EFFECT_ANSWER) {
        answer(w, effect);
        return;
    }
    world_slot *s = slot_of(w, effect.slot);
    WORLD_EXPECT(s->lent_to == WORLD_NOBODY);
    if (effect.kind == BHI_EFFECT_DESTROY) {
        WORLD_EXPECT(effect.slot->state == BHI_SLOT_CONDEMNED && w->core.is_closed);
        s->is_lendable = false;
        s->destroyed_ns = world_soon(w, 8);
    } else {
        WORLD_EXPECT(!w->core.is_closed && w->config.options.build_ahead_cb != NULL);
        WORLD_EXPECT(w->core.counts[BHI_SLOT_IDLE] == 0); /* nothing is idle */
        s->build_ends_ns = world_soon(w, 10);
    }
}

/* Who is newly starved is advanced at once, as its wake_cb asks for. */
void world_settle(pool_world *w)
{
    uint32_t starvings;
    do {
        starvings = w->core.starvings;
        bhi_pool_effect effect;
        while ((effect = bhi_pool_core_next(&w->core, w->now_ns)).kind != BHI_EFFECT_NONE)
            apply(w, effect);
    } while (w->core.is_starved && w->core.starvings != starvings);
    world_check(w);
}

/* ---- asking ---- */

static const bhi_waiter *top_of(const bhi_waiter *waiter)
{
    while (waiter->parent != NULL)
        waiter = waiter->parent;
    return waiter;
}

static uint32_t held_by(const pool_world *w, int principal)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < w->core.live_max; i++)
        held += w->slots[i].holder == principal;
    return held;
}

static bool is_at_cap(const pool_world *w, int principal)
{
    uint32_t cap = w->core.principal_leases_max;
    return cap != 0 && held_by(w, principal) >= cap;
}

/* Every slot that could serve it is lent within its own chain. */
static bool waits_for_itself(const pool_world *w, const world_caller *c)
{
    for (uint32_t i = 0; i < w->core.live_max; i++) {
        const world_slot *s = &w->slots[i];
        if (is_at_cap(w, c->principal) && s->holder != c->principal)
            continue;
        if (s->lent_to == WORLD_NOBODY ||
            top_of(&w->callers[s->lent_to].waiter) != top_of(&c->waiter))
            return false;
    }
    return true;
}

static void expect_cause(pool_world *w, world_caller *c, bh_status status, bool will_wait)
{
    const bhi_pool_core *core = &w->core;
    switch (status) {
    case BH_E_CLOSED:
        WORLD_EXPECT(core->is_closed); /* P8 */
        break;
    case BH_E_BREAKER:
        WORLD_EXPECT(core->breaker.state == BHI_BREAKER_OPEN && core->counts[BHI_SLOT_IDLE] == 0);
        break;
    case BH_E_NESTED:
        WORLD_EXPECT(will_wait && c->parent != NULL && waits_for_itself(w, c));
        break;
    case BH_E_OVER_CAP:
        WORLD_EXPECT(!will_wait && is_at_cap(w, c->principal)); /* P9 */
        break;
    case BH_E_BUILD:
        WORLD_EXPECT(!will_wait && core->failures > 1 && core->build_from_ns > w->now_ns);
        break;
    default:
        WORLD_EXPECT(status == BH_E_SATURATED);
        WORLD_EXPECT(!will_wait || core->turns.waiting == core->waiters_max);
        WORLD_EXPECT(will_wait || !is_at_cap(w, c->principal));
    }
}

/* Whoever waits inside a chain gives up in the end: circles of chains are chains.c's to refuse. */
static void queue_up(pool_world *w, world_caller *c)
{
    WORLD_EXPECT(c->parent == NULL || !waits_for_itself(w, c));
    bool is_impatient = c->parent != NULL || is_fault(w, 30);
    c->stage = WORLD_QUEUED;
    c->next_ns = is_impatient ? world_soon(w, 100) : UINT64_MAX;
    w->queued++;
}

static void ask(pool_world *w, world_caller *c)
{
    bhi_grant grant;
    bool will_wait = !world_chance(w, 10);
    c->asked = ++w->next_rank;
    bh_status status = will_wait
                           ? bhi_pool_core_checkout(&w->core, &c->waiter, w->now_ns, &grant)
                           : bhi_pool_core_try_checkout(&w->core, &c->waiter, w->now_ns, &grant);
    if (status != BH_OK) {
        expect_cause(w, c, status, will_wait);
        refuse(w, status);
        go_away(w, c);
        return;
    }
    WORLD_EXPECT(grant.kind != BHI_GRANT_QUEUED || will_wait);
    if (grant.kind == BHI_GRANT_QUEUED)
        queue_up(w, c);
    else
        take_grant(w, c, grant);
}

/* ---- turns of a caller ---- */

static void give_up(pool_world *w, world_caller *c)
{
    bh_status why = world_chance(w, 50) ? BH_E_DEADLINE : BH_E_CANCELLED;
    WORLD_EXPECT(bhi_pool_core_cancel_wait(&w->core, &c->waiter, why));
    WORLD_EXPECT(!bhi_pool_core_cancel_wait(&w->core, &c->waiter, why));
    w->cancelled++;
    refuse(w, why);
    go_away(w, c);
}

static void fail_build(pool_world *w, world_caller *c)
{
    bhi_slot *slot = c->slot;
    world_slot *s = slot_of(w, slot);
    s->served = s->holder = WORLD_NOBODY;
    end_lending(w, c);
    if (world_chance(w, 30)) {
        bhi_pool_core_decline(&w->core, slot);
        return;
    }
    bhi_pool_core_build_failed(&w->core, slot, w->now_ns);
    w->told.build_failures++;
    refuse(w, BH_E_BUILD);
}

static void end_build(pool_world *w, world_caller *c)
{
    bhi_slot *slot = c->slot;
    world_slot *s = slot_of(w, slot);
    if (is_fault(w, w->config.fail_percent)) {
        fail_build(w, c);
        return;
    }
    s->is_lendable = true;
    s->served = WORLD_NOBODY;
    if (slot->state == BHI_SLOT_RESTORING && world_chance(w, 50)) {
        bhi_pool_core_restored(&w->core, slot);
        begin_call(w, c);
        w->told.leases++;
        return;
    }
    w->told.builds++;
    if (slot->state == BHI_SLOT_BUILDING && is_fault(w, 10)) { /* built, and given up */
        bhi_pool_core_built_idle(&w->core, slot, w, w->now_ns);
        s->holder = WORLD_NOBODY;
        end_lending(w, c);
        return;
    }
    bhi_pool_core_built(&w->core, slot, w);
    w->told.leases++;
    begin_call(w, c);
}

/* Another caller that does nothing becomes the one that this call makes; false when none is. */
static bool nest(pool_world *w, world_caller *c)
{
    world_caller *nested = &w->callers[world_below(w, WORLD_CALLERS)];
    if (nested->stage != WORLD_AWAY)
        return false;
    c->stage = WORLD_NESTING;
    c->next_ns = UINT64_MAX;
    nested->parent = c;
    nested->waiter.parent = &c->waiter;
    ask(w, nested);
    return true;
}

static bh_outcome choose_outcome(pool_world *w, const world_caller *c)
{
    static const bh_outcome bad[] = {BH_OUTCOME_TRAPPED,      BH_OUTCOME_OUT_OF_FUEL,
                                     BH_OUTCOME_CANCELLED,    BH_OUTCOME_MEMORY_LIMIT,
                                     BH_OUTCOME_HOST_FAILURE, BH_OUTCOME_RESTORE_FAILED};
    if (c->will_overrun)
        return BH_OUTCOME_DEADLINE;
    if (is_fault(w, w->config.trap_percent))
        return bad[world_below(w, sizeof bad / sizeof bad[0])];
    return is_fault(w, 5) ? BH_OUTCOME_REFUSED : BH_OUTCOME_RETURNED;
}

static void end_call(pool_world *w, world_caller *c)
{
    if (is_fault(w, w->config.nest_percent) && nest(w, c))
        return;
    bhi_slot *slot = c->slot;
    world_slot *s = slot_of(w, slot);
    bh_outcome outcome = choose_outcome(w, c);
    bool is_spent = is_fault(w, 3), is_clean = bh_outcome_is_clean(outcome);
    pool_world_seen.outcomes[outcome]++;
    end_lending(w, c);
    bool is_lost = bhi_pool_core_return(&w->core, slot, outcome, is_spent, w->now_ns);
    WORLD_EXPECT(is_lost == (is_spent || !is_clean));
    if (is_lost) {
        s->is_lendable = false;
        s->destroyed_ns = world_soon(w, 8);
        w->told.retired += is_clean;
        w->told.condemned[outcome] += !is_clean;
        return;
    }
    s->holder = WORLD_NOBODY;
    if (!w->core.is_affine)
        s->served = WORLD_NOBODY; /* it was restored before */
}

void world_run_caller(pool_world *w, world_caller *c)
{
    static void (*const turns[WORLD_STAGES])(pool_world *,
                                             world_caller *) = {[WORLD_AWAY] = ask,
                                                                [WORLD_QUEUED] = give_up,
                                                                [WORLD_BUILDING] = end_build,
                                                                [WORLD_CALLING] = end_call};
    pool_world_seen.stages[c->stage]++;
    turns[c->stage](w, c);
}
