/* pool/pool_core.c - the slot life cycle, as pure decisions.
 *
 * A slot is on the list of its state and nowhere else (P2), because the one function that changes
 * a state also changes the list and both counts. New slots go to the front of a list and are taken
 * from the front, so the most recently returned item is lent first: its memory is warm. Eviction
 * takes from the back.
 *
 * A condemned slot stays live, and its holder's, until its item is destroyed; the ceiling bounds
 * memory that exists, not memory that was promised (P1).
 *
 * Everything that may become possible is found by `bhi_pool_core_next`, from the state alone: who
 * changes the state need not know whom it lets go on. Held-back builds are the one thing that time
 * changes; `wake_at_ns` says when to look again.
 */
#include "pool/pool_core.h"

#include "base/assert.h"

#define TO(state) (1u << BHI_SLOT_##state)
static const uint32_t successors[BHI_SLOT_STATE_COUNT] = {
    [BHI_SLOT_EMPTY] = TO(BUILDING),
    [BHI_SLOT_BUILDING] = TO(LEASED) | TO(IDLE) | TO(EMPTY),
    [BHI_SLOT_IDLE] = TO(LEASED) | TO(RESTORING) | TO(CONDEMNED),
    [BHI_SLOT_LEASED] = TO(IDLE) | TO(CONDEMNED),
    [BHI_SLOT_RESTORING] = TO(LEASED) | TO(EMPTY), /* P4 */
    [BHI_SLOT_CONDEMNED] = TO(EMPTY),              /* P3 */
};
#undef TO

static inline void list_slot(bhi_pool_core *core, bhi_slot *slot, bhi_slot_state state)
{
    slot->state = state;
    core->counts[state]++;
    bhi_list_push_front(&core->lists[state], &slot->link);
}

static inline void move_slot(bhi_pool_core *core, bhi_slot *slot, bhi_slot_state to)
{
    BHI_ASSERT((successors[slot->state] >> to & 1) != 0); /* P3, P4, P7 */
    core->counts[slot->state]--;
    bhi_list_remove(&slot->link);
    list_slot(core, slot, to);
}

static inline bhi_slot *first_slot(const bhi_pool_core *core, bhi_slot_state state)
{
    bhi_link *link = bhi_list_first(&core->lists[state]);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_slot, link);
}

/* Who waits, lingers, holds a slot or has its state kept has a record. */
static uint32_t principals_capacity(const bhi_pool_options *options)
{
    uint32_t per_slot = options->is_affine ? 2 : options->principal_leases_max != 0;
    return options->waiters_max + BHI_TURNS_LINGERING_MOST + per_slot * options->live_max + 3;
}

size_t bhi_pool_core_memory_bytes(const bhi_pool_options *options)
{
    return BHI_CACHE_LINE - 1 + options->live_max * sizeof(bhi_slot) +
           bhi_principals_memory_bytes(principals_capacity(options));
}

void bhi_pool_core_init(bhi_pool_core *core, const bhi_pool_options *options, uint64_t key,
                        void *memory)
{
    *core = (bhi_pool_core){.live_max = options->live_max,
                            .min_idle = options->min_idle,
                            .waiters_max = options->waiters_max,
                            .principal_leases_max = options->principal_leases_max,
                            .is_affine = options->is_affine,
                            .has_records = options->is_affine || options->principal_leases_max != 0,
                            .builds_ahead = options->build_ahead_cb != NULL,
                            .ceiling = options->ceiling,
                            .slots = bhi_next_cache_line(memory),
                            .wake_at_ns = UINT64_MAX};
    bhi_breaker_init(&core->breaker, options->breaker_condemned_max);
    bhi_principals_init(&core->principals, principals_capacity(options), key,
                        core->slots + options->live_max);
    bhi_turns_init(&core->turns, &core->principals);
    bhi_link_init(&core->unkept);
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        bhi_link_init(&core->lists[state]);
    for (uint32_t i = options->live_max; i-- > 0;) {
        bhi_link_init(&core->slots[i].kept_link);
        list_slot(core, &core->slots[i], BHI_SLOT_EMPTY);
    }
}

/* ---- builds that are held back ---- */

static bool is_half_open(bhi_pool_core *core, uint64_t now_ns)
{
    return core->breaker.state != BHI_BREAKER_CLOSED &&
           bhi_breaker_at(&core->breaker, now_ns) == BHI_BREAKER_HALF_OPEN;
}

static bool is_open(bhi_pool_core *core, uint64_t now_ns)
{
    return core->breaker.state != BHI_BREAKER_CLOSED &&
           bhi_breaker_at(&core->breaker, now_ns) == BHI_BREAKER_OPEN;
}

/* Whatever the ceiling says. After a failure builds are tried one at a time. */
static bool may_build(bhi_pool_core *core, uint64_t now_ns)
{
    if (core->failures != 0 &&
        (now_ns < core->build_from_ns || core->counts[BHI_SLOT_BUILDING] != 0))
        return false;
    return !is_open(core, now_ns) && !(is_half_open(core, now_ns) && core->probe != NULL);
}

uint64_t bhi_pool_core_builds_from_ns(bhi_pool_core *core, uint64_t now_ns)
{
    uint64_t from_ns = core->failures != 0 ? core->build_from_ns : 0;
    if (is_open(core, now_ns) && core->breaker.open_until_ns > from_ns)
        from_ns = core->breaker.open_until_ns;
    return from_ns > now_ns ? from_ns : UINT64_MAX;
}

static void set_starved(bhi_pool_core *core, bool is_starved)
{
    if (core->is_starved == is_starved)
        return;
    core->is_starved = is_starved;
    core->starvings += is_starved;
    if (is_starved)
        atomic_fetch_add(&core->ceiling->starved, 1);
    else
        atomic_fetch_sub(&core->ceiling->starved, 1);
}

/* For a caller that will wait when there is none: that is announced before the second look. Behind
 * other pools that wait for a permit it lines up, to be advanced in its turn. */
static bool take_permit(bhi_pool_core *core, bool will_wait)
{
    if (core->ceiling == NULL)
        return true;
    bool is_first = core->is_starved || !bhi_ceiling_has_starved(core->ceiling);
    if (is_first && bhi_ceiling_take(core->ceiling))
        return true;
    if (!will_wait)
        return false;
    set_starved(core, true);
    return is_first && bhi_ceiling_take(core->ceiling);
}

/* For nobody in particular, so nobody may be waiting for it. */
static bool take_spare_permit(bhi_pool_core *core)
{
    return core->ceiling == NULL ||
           (!bhi_ceiling_has_starved(core->ceiling) && bhi_ceiling_take(core->ceiling));
}

static void give_permit(bhi_pool_core *core)
{
    if (core->ceiling != NULL)
        bhi_ceiling_give(core->ceiling);
}

/* Without a waiter that it could serve, a permit is no longer waited for. */
static inline void end_starving(bhi_pool_core *core)
{
    if (core->is_starved && !bhi_turns_may_serve(&core->turns))
        set_starved(core, false);
}

/* ---- holds ---- */

static bool is_capped(const bhi_pool_core *core, const bhi_principal *principal)
{
    return core->principal_leases_max != 0 && principal->held >= core->principal_leases_max;
}

static inline void begin_hold(bhi_pool_core *core, bhi_slot *slot, bhi_principal *principal,
                              const bhi_waiter *chain)
{
    slot->chain = chain;
    if (!core->has_records)
        return;
    BHI_ASSERT(!is_capped(core, principal)); /* P9 */
    slot->holder = principal;
    principal->held++;
}

static inline void end_hold(bhi_pool_core *core, bhi_slot *slot)
{
    bhi_principal *holder = slot->holder;
    slot->chain = NULL;
    if (holder == NULL)
        return;
    slot->holder = NULL;
    if (is_capped(core, holder))
        bhi_turns_uncap(&core->turns, holder);
    holder->held--;
    bhi_principals_settle(&core->principals, holder);
}

/* Its item has the state of `principal` from now on, or nobody's; the newest is lent first. */
static void keep(bhi_pool_core *core, bhi_slot *slot, bhi_principal *principal)
{
    slot->keeper = principal;
    bhi_list_push_front(principal == NULL ? &core->unkept : &principal->kept, &slot->kept_link);
}

static void stop_keeping(bhi_pool_core *core, bhi_slot *slot)
{
    bhi_principal *principal = slot->keeper;
    bhi_list_remove(&slot->kept_link);
    slot->keeper = NULL;
    if (principal != NULL)
        bhi_principals_settle(&core->principals, principal);
}

/* ---- granting ---- */

static const bhi_waiter *top_of_chain(const bhi_waiter *waiter)
{
    while (waiter->parent != NULL)
        waiter = waiter->parent;
    return waiter;
}

static inline bhi_grant lease(bhi_pool_core *core, bhi_slot *slot)
{
    move_slot(core, slot, BHI_SLOT_LEASED);
    core->counters.leases++;
    return (bhi_grant){BHI_GRANT_LEASE, slot};
}

static bhi_grant build(bhi_pool_core *core, uint64_t now_ns)
{
    bhi_slot *slot = first_slot(core, BHI_SLOT_EMPTY);
    move_slot(core, slot, BHI_SLOT_BUILDING);
    if (is_half_open(core, now_ns))
        core->probe = slot;
    return (bhi_grant){BHI_GRANT_BUILD, slot};
}

/* An idle item in the principal's own state, else in nobody's; or NULL. */
static bhi_slot *find_kept(const bhi_pool_core *core, const bhi_principal *principal)
{
    bhi_link *link = bhi_list_first(&principal->kept);
    if (link == NULL)
        link = bhi_list_first(&core->unkept);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_slot, kept_link);
}

/* The state that was left alone longest goes. */
static bhi_grant restore_coldest(bhi_pool_core *core)
{
    bhi_link *link = bhi_list_last(&core->lists[BHI_SLOT_IDLE]);
    bhi_slot *slot = BHI_CONTAINER_OF(link, bhi_slot, link);
    move_slot(core, slot, BHI_SLOT_RESTORING);
    return (bhi_grant){BHI_GRANT_RESTORE, slot};
}

/* Something that may be granted to somebody, with `will_wait` as in take_permit. A permit that was
 * taken for a build stays with it. */
typedef enum offer { OFFER_NOTHING, OFFER_IDLE, OFFER_BUILD } offer;

static inline offer find_offer(bhi_pool_core *core, uint64_t now_ns, bool will_wait)
{
    if (core->counts[BHI_SLOT_IDLE] != 0)
        return OFFER_IDLE;
    if (core->counts[BHI_SLOT_EMPTY] == 0 || !may_build(core, now_ns)) {
        set_starved(core, false); /* a permit would not help */
        return OFFER_NOTHING;
    }
    return take_permit(core, will_wait) ? OFFER_BUILD : OFFER_NOTHING;
}

static inline bhi_grant grant_idle(bhi_pool_core *core, bhi_principal *principal)
{
    if (!core->is_affine)
        return lease(core, first_slot(core, BHI_SLOT_IDLE));
    bhi_slot *slot = find_kept(core, principal);
    return slot == NULL ? restore_coldest(core) : lease(core, slot);
}

/* The hold begins first: whom nobody else needs would be forgotten with the keeper (P4). */
static inline bhi_grant grant(bhi_pool_core *core, offer offered, bhi_principal *principal,
                              const bhi_waiter *waiter, uint64_t now_ns)
{
    BHI_ASSERT(!core->is_closed); /* P8 */
    bhi_grant granted = offered == OFFER_IDLE ? grant_idle(core, principal) : build(core, now_ns);
    begin_hold(core, granted.slot, principal, top_of_chain(waiter));
    if (core->is_affine)
        stop_keeping(core, granted.slot);
    core->used_at_ns = now_ns;
    return granted;
}

/* ---- checkout ---- */

static bh_status refuse(bhi_pool_core *core, bh_status why)
{
    core->counters.refusals[why]++;
    return why;
}

static bool is_too_deep(const bhi_waiter *waiter)
{
    uint32_t depth = 1;
    for (; waiter->parent != NULL; waiter = waiter->parent)
        if (++depth > BHI_POOL_CHAIN_DEPTH_MAX)
            return true;
    return false;
}

/* Where principals are told apart only while they wait, most callers are never looked up. */
static inline bool grant_at_once(bhi_pool_core *core, bhi_waiter *waiter, uint64_t now_ns,
                                 bool will_wait, bhi_grant *ret_grant)
{
    if (bhi_turns_may_serve(&core->turns))
        return false; /* those come first */
    bhi_principal *principal = NULL;
    if (core->has_records) {
        principal = bhi_principals_find_or_add(&core->principals, waiter->principal);
        if (is_capped(core, principal))
            return false;
    }
    offer offered = find_offer(core, now_ns, will_wait);
    if (offered != OFFER_NOTHING) {
        *ret_grant = grant(core, offered, principal, waiter, now_ns);
        end_starving(core); /* the second look found a permit */
    } else if (principal != NULL)
        bhi_principals_settle(&core->principals, principal);
    return offered != OFFER_NOTHING;
}

/* All that could ever serve it is held by the leases that wait for it: in this pool alone; chains.c
 * looks through others. */
static bool waits_for_itself(const bhi_pool_core *core, const bhi_waiter *waiter,
                             const bhi_principal *principal)
{
    const bhi_waiter *top = top_of_chain(waiter);
    bool is_at_cap = is_capped(core, principal);
    for (uint32_t i = 0; i < core->live_max; i++) {
        const bhi_slot *slot = &core->slots[i];
        if (slot->chain != top && (!is_at_cap || slot->holder == principal))
            return false;
    }
    return true;
}

static bh_status queue_up(bhi_pool_core *core, bhi_waiter *waiter, uint64_t now_ns,
                          bhi_grant *ret_grant)
{
    bhi_principal *principal = bhi_principals_find_or_add(&core->principals, waiter->principal);
    bh_status status = BH_OK;
    if (waiter->parent != NULL && waits_for_itself(core, waiter, principal))
        status = refuse(core, BH_E_NESTED);
    else if (core->turns.waiting >= core->waiters_max)
        status = refuse(core, BH_E_SATURATED);
    if (status != BH_OK) {
        bhi_principals_settle(&core->principals, principal);
        return status;
    }
    bhi_turns_add(&core->turns, principal, waiter, is_capped(core, principal));
    core->wake_at_ns = bhi_pool_core_builds_from_ns(core, now_ns);
    *ret_grant = (bhi_grant){BHI_GRANT_QUEUED, NULL};
    return BH_OK;
}

bh_status bhi_pool_core_checkout(bhi_pool_core *core, bhi_waiter *waiter, uint64_t now_ns,
                                 bhi_grant *ret_grant)
{
    if (core->is_closed)
        return refuse(core, BH_E_CLOSED);
    if (waiter->parent != NULL && is_too_deep(waiter))
        return refuse(core, BH_E_NESTED);
    if (grant_at_once(core, waiter, now_ns, true, ret_grant))
        return BH_OK;
    bh_status status = core->counts[BHI_SLOT_IDLE] == 0 && is_open(core, now_ns)
                           ? refuse(core, BH_E_BREAKER)
                           : queue_up(core, waiter, now_ns, ret_grant);
    end_starving(core);
    return status;
}

static bh_status refusal_of_try(bhi_pool_core *core, bhi_waiter *waiter, uint64_t now_ns)
{
    if (core->has_records) {
        bhi_principal *principal = bhi_principals_find_or_add(&core->principals, waiter->principal);
        bool is_at_cap = is_capped(core, principal);
        bhi_principals_settle(&core->principals, principal);
        if (is_at_cap)
            return BH_E_OVER_CAP;
    }
    if (core->counts[BHI_SLOT_IDLE] == 0 && is_open(core, now_ns))
        return BH_E_BREAKER;
    if (core->counts[BHI_SLOT_EMPTY] != 0 && core->failures != 0 && now_ns < core->build_from_ns)
        return BH_E_BUILD;
    return BH_E_SATURATED;
}

bh_status bhi_pool_core_try_checkout(bhi_pool_core *core, bhi_waiter *waiter, uint64_t now_ns,
                                     bhi_grant *ret_grant)
{
    if (core->is_closed)
        return refuse(core, BH_E_CLOSED);
    if (waiter->parent != NULL && is_too_deep(waiter))
        return refuse(core, BH_E_NESTED);
    if (grant_at_once(core, waiter, now_ns, false, ret_grant))
        return BH_OK;
    return refuse(core, refusal_of_try(core, waiter, now_ns));
}

bool bhi_pool_core_cancel_wait(bhi_pool_core *core, bhi_waiter *waiter, bh_status why)
{
    if (!waiter->is_queued)
        return false;
    bhi_turns_remove(&core->turns, waiter);
    end_starving(core);
    refuse(core, why);
    return true;
}

/* ---- builds ---- */

bhi_slot *bhi_pool_core_reserve_warm(bhi_pool_core *core, uint64_t now_ns)
{
    if (core->is_closed || bhi_pool_core_live(core) >= core->min_idle || !may_build(core, now_ns) ||
        is_half_open(core, now_ns) || !take_spare_permit(core))
        return NULL;
    core->ahead++;
    return build(core, now_ns).slot;
}

static void end_ahead(bhi_pool_core *core, const bhi_slot *slot)
{
    if (slot->chain == NULL)
        core->ahead--;
}

static void fill_slot(bhi_pool_core *core, bhi_slot *slot, void *item)
{
    BHI_ASSERT(item != NULL);
    slot->item = item;
    core->counters.builds++;
    core->failures = 0;
    core->build_from_ns = 0;
}

void bhi_pool_core_built(bhi_pool_core *core, bhi_slot *slot, void *item)
{
    BHI_ASSERT(slot->state == BHI_SLOT_BUILDING || slot->state == BHI_SLOT_RESTORING);
    fill_slot(core, slot, item);
    lease(core, slot);
}

void bhi_pool_core_restored(bhi_pool_core *core, bhi_slot *slot)
{
    BHI_ASSERT(slot->state == BHI_SLOT_RESTORING);
    lease(core, slot);
}

static inline void make_idle(bhi_pool_core *core, bhi_slot *slot, bhi_principal *keeper,
                             uint64_t now_ns)
{
    slot->idle_since_ns = now_ns;
    move_slot(core, slot, BHI_SLOT_IDLE);
    if (core->is_affine)
        keep(core, slot, keeper);
    end_hold(core, slot);
}

void bhi_pool_core_built_idle(bhi_pool_core *core, bhi_slot *slot, void *item, uint64_t now_ns)
{
    BHI_ASSERT(slot->state == BHI_SLOT_BUILDING);
    end_ahead(core, slot);
    core->counters.builds_ahead += slot->chain == NULL;
    fill_slot(core, slot, item);
    make_idle(core, slot, NULL, now_ns);
}

static void empty_slot(bhi_pool_core *core, bhi_slot *slot)
{
    if (core->probe == slot)
        core->probe = NULL;
    slot->item = NULL;
    move_slot(core, slot, BHI_SLOT_EMPTY);
    end_hold(core, slot);
    give_permit(core);
}

/* Builds that ran side by side fail as one. */
static void back_off(bhi_pool_core *core, uint64_t now_ns)
{
    if (core->failures != 0 && now_ns < core->build_from_ns)
        return;
    core->failures++;
    if (core->failures < 2)
        return;
    uint32_t doublings = core->failures - 2 < 16 ? core->failures - 2 : 16;
    uint64_t delay_ns = BHI_BACKOFF_FIRST_NS << doublings;
    core->build_from_ns =
        now_ns + (delay_ns < BHI_BACKOFF_MOST_NS ? delay_ns : BHI_BACKOFF_MOST_NS);
}

void bhi_pool_core_build_failed(bhi_pool_core *core, bhi_slot *slot, uint64_t now_ns)
{
    core->counters.build_failures++;
    core->counters.refusals[BH_E_BUILD] += slot->chain != NULL;
    back_off(core, now_ns);
    bhi_pool_core_decline(core, slot);
}

void bhi_pool_core_decline(bhi_pool_core *core, bhi_slot *slot)
{
    BHI_ASSERT(slot->state == BHI_SLOT_BUILDING || slot->state == BHI_SLOT_RESTORING);
    end_ahead(core, slot);
    empty_slot(core, slot);
}

/* ---- ends ---- */

/* It comes free without its chain's help, which may be over before that. */
static void condemn(bhi_pool_core *core, bhi_slot *slot)
{
    slot->chain = NULL;
    stop_keeping(core, slot);
    move_slot(core, slot, BHI_SLOT_CONDEMNED);
}

/* A caller that gives up says nothing about the instance. */
static void judge(bhi_pool_core *core, bh_outcome outcome, bool is_clean, uint64_t now_ns)
{
    if (is_clean)
        bhi_breaker_clean(&core->breaker, now_ns);
    else if (outcome != BH_OUTCOME_CANCELLED)
        bhi_breaker_condemned(&core->breaker, now_ns);
}

static void discard(bhi_pool_core *core, bhi_slot *slot, bh_outcome outcome, bool is_clean)
{
    if (is_clean)
        core->counters.retired++;
    else
        core->counters.condemned[outcome]++;
    core->owes_ahead = core->builds_ahead;
    condemn(core, slot);
}

bool bhi_pool_core_return(bhi_pool_core *core, bhi_slot *slot, bh_outcome outcome, bool is_spent,
                          uint64_t now_ns)
{
    BHI_ASSERT(slot->state == BHI_SLOT_LEASED); /* P7 */
    core->used_at_ns = now_ns;
    if (core->probe == slot)
        core->probe = NULL;
    bool is_clean = bh_outcome_is_clean(outcome);
    if (outcome != BH_OUTCOME_REFUSED)
        judge(core, outcome, is_clean, now_ns);
    if (is_spent || !is_clean) {
        discard(core, slot, outcome, is_clean);
        return true;
    }
    make_idle(core, slot, slot->holder, now_ns);
    return false;
}

void bhi_pool_core_destroyed(bhi_pool_core *core, bhi_slot *slot)
{
    BHI_ASSERT(slot->state == BHI_SLOT_CONDEMNED);
    empty_slot(core, slot);
}

bhi_slot *bhi_pool_core_evict(bhi_pool_core *core, uint32_t leave, uint64_t idle_before_ns)
{
    if (core->counts[BHI_SLOT_IDLE] <= leave)
        return NULL;
    bhi_slot *slot = BHI_CONTAINER_OF(bhi_list_last(&core->lists[BHI_SLOT_IDLE]), bhi_slot, link);
    if (slot->idle_since_ns > idle_before_ns)
        return NULL;
    condemn(core, slot);
    return slot;
}

void bhi_pool_core_close(bhi_pool_core *core)
{
    core->is_closed = true;
    core->owes_ahead = false;
}

/* ---- what is next ---- */

static bhi_pool_effect answer_closed(bhi_pool_core *core, bhi_waiter *waiter)
{
    refuse(core, BH_E_CLOSED);
    return (bhi_pool_effect){.kind = BHI_EFFECT_ANSWER,
                             .waiter = waiter,
                             .status = BH_E_CLOSED,
                             .grant = {BHI_GRANT_QUEUED, NULL}};
}

static bhi_pool_effect next_of_closed(bhi_pool_core *core)
{
    bhi_waiter *waiter = bhi_turns_take_any(&core->turns);
    end_starving(core);
    if (waiter != NULL)
        return answer_closed(core, waiter);
    bhi_slot *slot = bhi_pool_core_evict(core, 0, UINT64_MAX);
    return (bhi_pool_effect){.kind = slot == NULL ? BHI_EFFECT_NONE : BHI_EFFECT_DESTROY,
                             .slot = slot};
}

static bhi_pool_effect serve(bhi_pool_core *core, bhi_principal *principal, offer offered,
                             uint64_t now_ns)
{
    const bhi_waiter *oldest =
        BHI_CONTAINER_OF(bhi_list_first(&principal->waiters), bhi_waiter, link);
    bhi_grant granted = grant(core, offered, principal, oldest, now_ns);
    bhi_waiter *waiter = bhi_turns_serve(&core->turns, principal);
    if (is_capped(core, principal))
        bhi_turns_cap(&core->turns, principal);
    end_starving(core);
    return (bhi_pool_effect){
        .kind = BHI_EFFECT_ANSWER, .waiter = waiter, .status = BH_OK, .grant = granted};
}

/* Somebody who may be served waits. */
static bhi_pool_effect serve_next(bhi_pool_core *core, uint64_t now_ns)
{
    offer offered = find_offer(core, now_ns, true);
    if (offered != OFFER_NOTHING)
        return serve(core, bhi_turns_next(&core->turns), offered, now_ns);
    core->wake_at_ns = bhi_pool_core_builds_from_ns(core, now_ns);
    return (bhi_pool_effect){0};
}

/* So that the next caller need not build: nothing that it could have is there or on its way. */
static bhi_pool_effect replace(bhi_pool_core *core, uint64_t now_ns)
{
    bool is_wanted = core->counts[BHI_SLOT_IDLE] + core->ahead == 0;
    bool has_room = core->counts[BHI_SLOT_EMPTY] != 0;
    core->owes_ahead = is_wanted && !has_room; /* once the condemned one is gone */
    if (!is_wanted || !has_room || !may_build(core, now_ns) || is_half_open(core, now_ns) ||
        !take_spare_permit(core))
        return (bhi_pool_effect){0};
    core->ahead++;
    return (bhi_pool_effect){.kind = BHI_EFFECT_BUILD, .slot = build(core, now_ns).slot};
}

bhi_pool_effect bhi_pool_core_next(bhi_pool_core *core, uint64_t now_ns)
{
    if (core->is_closed)
        return next_of_closed(core);
    core->wake_at_ns = UINT64_MAX;
    if (bhi_turns_may_serve(&core->turns))
        return serve_next(core, now_ns);
    if (core->owes_ahead)
        return replace(core, now_ns);
    return (bhi_pool_effect){0};
}

/* ---- reading ---- */

void bhi_pool_core_read_stats(const bhi_pool_core *core, bhi_pool_stats *ret_stats)
{
    *ret_stats = core->counters;
    ret_stats->live = bhi_pool_core_live(core);
    ret_stats->idle = core->counts[BHI_SLOT_IDLE];
    ret_stats->building = core->counts[BHI_SLOT_BUILDING];
    ret_stats->restoring = core->counts[BHI_SLOT_RESTORING];
    ret_stats->leased = core->counts[BHI_SLOT_LEASED];
    ret_stats->live_max = core->live_max;
    ret_stats->min_idle = core->min_idle;
    ret_stats->waiting = core->turns.waiting;
    ret_stats->is_breaker_open = core->breaker.state != BHI_BREAKER_CLOSED;
    ret_stats->is_starved = core->is_starved;
    ret_stats->used_at_ns = core->used_at_ns;
}
