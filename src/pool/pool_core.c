/* pool/pool_core.c - the slot life cycle and the queue, as pure decisions.
 *
 * A slot is on the list of its state and nowhere else (P2), because the one function that changes
 * a state also changes the list and both counts. New slots go to the front of a list and are taken
 * from the front, so the most recently returned item is lent first: its memory is warm.
 *
 * Waiters queue within their principal, and principals queue for turns: deficit round robin
 * (Shreedhar and Varghese, 1995) with a lease as the unit of cost, so that a turn is `weight`
 * grants. Who has waiters stands in `turns`, or in `capped` while it holds all it may (P9); its
 * waiters stay, and a slot of its own that becomes free brings it back to the end of `turns`.
 *
 * Before a function, either nothing was free or `turns` was empty (P5). It frees at most one slot
 * and brings at most one principal back, so one waiter at most can be served afterwards: one
 * effect is enough. This is also why a condemned slot stays its holder's until it is destroyed:
 * ending the hold sooner could serve a waiter beside the destruction.
 *
 * A condemned slot stays live until its item is destroyed; the ceiling bounds memory that exists,
 * not memory that was promised (P1).
 */
#include "pool/pool_core.h"

#include "base/assert.h"

#define TO(state) (1u << BHI_SLOT_##state)
static const uint32_t successors[BHI_SLOT_STATE_COUNT] = {
    [BHI_SLOT_EMPTY] = TO(BUILDING),
    [BHI_SLOT_BUILDING] = TO(LEASED) | TO(IDLE) | TO(EMPTY),
    [BHI_SLOT_IDLE] = TO(LEASED) | TO(CONDEMNED),
    [BHI_SLOT_LEASED] = TO(IDLE) | TO(CONDEMNED),
    [BHI_SLOT_CONDEMNED] = TO(EMPTY), /* P3 */
};
#undef TO

static void list_slot(bhi_pool_core *core, bhi_slot *slot, bhi_slot_state state)
{
    slot->state = state;
    core->counts[state]++;
    bhi_list_push_front(&core->lists[state], &slot->link);
}

static void move_slot(bhi_pool_core *core, bhi_slot *slot, bhi_slot_state to)
{
    BHI_ASSERT(slot >= core->slots && slot < core->slots + core->live_max);
    BHI_ASSERT((successors[slot->state] >> to & 1) != 0); /* P3, P7 */
    core->counts[slot->state]--;
    bhi_list_remove(&slot->link);
    list_slot(core, slot, to);
    if (to == BHI_SLOT_LEASED)
        core->checkouts++;
}

static bhi_slot *first_slot(const bhi_pool_core *core, bhi_slot_state state)
{
    bhi_link *link = bhi_list_first(&core->lists[state]);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_slot, link);
}

bool bhi_pool_core_is_free(const bhi_pool_core *core)
{
    return core->counts[BHI_SLOT_IDLE] + core->counts[BHI_SLOT_EMPTY] > 0;
}

static uint32_t principals_capacity(const bhi_pool_options *options)
{
    return options->live_max + options->waiters_max + 2;
}

size_t bhi_pool_core_memory_bytes(const bhi_pool_options *options)
{
    return options->live_max * sizeof(bhi_slot) +
           bhi_principals_memory_bytes(principals_capacity(options));
}

void bhi_pool_core_init(bhi_pool_core *core, const bhi_pool_options *options, uint64_t key,
                        void *memory)
{
    *core = (bhi_pool_core){.live_max = options->live_max,
                            .min_idle = options->min_idle,
                            .waiters_max = options->waiters_max,
                            .principal_leases_max = options->principal_leases_max,
                            .slots = memory};
    bhi_principals_init(&core->principals, principals_capacity(options), key,
                        core->slots + options->live_max);
    bhi_link_init(&core->turns);
    bhi_link_init(&core->capped);
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        bhi_link_init(&core->lists[state]);
    for (uint32_t i = 0; i < options->live_max; i++)
        list_slot(core, &core->slots[i], BHI_SLOT_EMPTY);
}

/* ---- principals ---- */

static bool is_capped(const bhi_pool_core *core, const bhi_principal *principal)
{
    return core->principal_leases_max != 0 && principal->held >= core->principal_leases_max;
}

/* To the end of the list where it belongs now, or off both; its turn is over. */
static void line_up(bhi_pool_core *core, bhi_principal *principal)
{
    bhi_list_remove(&principal->link);
    principal->credit = 0;
    if (principal->waiting != 0)
        bhi_list_push_back(is_capped(core, principal) ? &core->capped : &core->turns,
                           &principal->link);
}

static bhi_principal *first_principal(const bhi_link *list)
{
    bhi_link *link = bhi_list_first(list);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_principal, link);
}

static void end_hold(bhi_pool_core *core, bhi_slot *slot)
{
    bhi_principal *holder = slot->holder;
    if (holder == NULL)
        return;
    slot->holder = NULL;
    bool was_capped = is_capped(core, holder);
    holder->held--;
    if (was_capped && holder->waiting != 0)
        line_up(core, holder);
    bhi_principals_settle(&core->principals, holder);
}

/* ---- granting ---- */

/* Something is free. */
static bhi_grant grant_free(bhi_pool_core *core, bhi_principal *principal)
{
    BHI_ASSERT(!core->is_closed);            /* P8 */
    BHI_ASSERT(!is_capped(core, principal)); /* P9 */
    bhi_slot *slot = first_slot(core, BHI_SLOT_IDLE);
    bool is_idle = slot != NULL;
    if (!is_idle)
        slot = first_slot(core, BHI_SLOT_EMPTY);
    move_slot(core, slot, is_idle ? BHI_SLOT_LEASED : BHI_SLOT_BUILDING);
    slot->holder = principal;
    principal->held++;
    return (bhi_grant){is_idle ? BHI_GRANT_LEASE : BHI_GRANT_BUILD, slot};
}

static void enqueue(bhi_pool_core *core, bhi_waiter *waiter, bhi_principal *principal)
{
    BHI_ASSERT(!waiter->is_queued);
    bhi_list_push_back(&principal->waiters, &waiter->link);
    waiter->is_queued = true;
    waiter->record = principal;
    core->waiting++;
    principal->weight = waiter->weight == 0 ? 1 : waiter->weight;
    if (principal->credit > principal->weight)
        principal->credit = principal->weight;
    if (principal->waiting++ == 0)
        line_up(core, principal);
}

/* Its principal may be left with nothing: settle it. */
static void dequeue(bhi_pool_core *core, bhi_waiter *waiter)
{
    bhi_principal *principal = waiter->record;
    bhi_list_remove(&waiter->link);
    waiter->is_queued = false;
    waiter->record = NULL;
    core->waiting--;
    if (--principal->waiting == 0)
        line_up(core, principal);
}

static bhi_waiter *take_oldest(bhi_pool_core *core, const bhi_principal *principal)
{
    bhi_waiter *waiter = BHI_CONTAINER_OF(bhi_list_first(&principal->waiters), bhi_waiter, link);
    dequeue(core, waiter);
    return waiter;
}

static bool may_grant(const bhi_pool_core *core, const bhi_principal *principal)
{
    return bhi_pool_core_is_free(core) && !is_capped(core, principal);
}

static bh_status refuse_closed(bhi_pool_core *core)
{
    core->closed++;
    return BH_E_CLOSED;
}

bh_status bhi_pool_core_checkout(bhi_pool_core *core, bhi_waiter *waiter, bhi_grant *ret_grant)
{
    if (core->is_closed)
        return refuse_closed(core);
    bhi_principal *principal = bhi_principals_find_or_add(&core->principals, waiter->principal);
    if (may_grant(core, principal)) {
        *ret_grant = grant_free(core, principal);
        return BH_OK;
    }
    if (core->waiting >= core->waiters_max) {
        core->saturated++;
        bhi_principals_settle(&core->principals, principal);
        return BH_E_SATURATED;
    }
    enqueue(core, waiter, principal);
    *ret_grant = (bhi_grant){BHI_GRANT_QUEUED, NULL};
    return BH_OK;
}

static bh_status refuse_try(bhi_pool_core *core, const bhi_principal *principal)
{
    if (is_capped(core, principal)) {
        core->over_cap++;
        return BH_E_LIMIT;
    }
    core->saturated++;
    return BH_E_SATURATED;
}

bh_status bhi_pool_core_try_checkout(bhi_pool_core *core, bhi_bytes name, bhi_grant *ret_grant)
{
    if (core->is_closed)
        return refuse_closed(core);
    bhi_principal *principal = bhi_principals_find_or_add(&core->principals, name);
    if (may_grant(core, principal)) {
        *ret_grant = grant_free(core, principal);
        return BH_OK;
    }
    bh_status status = refuse_try(core, principal);
    bhi_principals_settle(&core->principals, principal);
    return status;
}

bool bhi_pool_core_cancel_wait(bhi_pool_core *core, bhi_waiter *waiter, bh_status why)
{
    BHI_ASSERT(why == BH_E_DEADLINE || why == BH_E_CANCELLED);
    if (!waiter->is_queued)
        return false;
    if (why == BH_E_DEADLINE)
        core->deadline++;
    else
        core->cancelled++;
    bhi_principal *principal = waiter->record;
    dequeue(core, waiter);
    bhi_principals_settle(&core->principals, principal);
    return true;
}

/* ---- what a freed slot leads to ---- */

static bhi_pool_effect condemn(bhi_pool_core *core, bhi_slot *slot)
{
    move_slot(core, slot, BHI_SLOT_CONDEMNED);
    return (bhi_pool_effect){.kind = BHI_EFFECT_DESTROY, .slot = slot};
}

/* Once closed nothing stays idle. */
static bhi_pool_effect condemn_idle(bhi_pool_core *core)
{
    bhi_slot *slot = first_slot(core, BHI_SLOT_IDLE);
    return slot == NULL ? (bhi_pool_effect){0} : condemn(core, slot);
}

/* The next waiter of the principal whose turn it is. */
static bhi_pool_effect serve(bhi_pool_core *core, bhi_principal *principal)
{
    if (principal->credit == 0)
        principal->credit = principal->weight;
    principal->credit--;
    bhi_waiter *waiter = take_oldest(core, principal);
    bhi_grant grant = grant_free(core, principal);
    if (principal->credit == 0 || is_capped(core, principal))
        line_up(core, principal);
    return (bhi_pool_effect){
        .kind = BHI_EFFECT_ANSWER, .waiter = waiter, .status = BH_OK, .grant = grant};
}

static bhi_pool_effect after_freed(bhi_pool_core *core)
{
    if (core->is_closed)
        return condemn_idle(core);
    bhi_principal *principal = first_principal(&core->turns);
    if (principal == NULL)
        return (bhi_pool_effect){0};
    bhi_pool_effect effect = serve(core, principal);
    BHI_ASSERT(bhi_link_is_alone(&core->turns) || !bhi_pool_core_is_free(core)); /* P5 */
    return effect;
}

static bhi_pool_effect empty_slot(bhi_pool_core *core, bhi_slot *slot)
{
    slot->item = NULL;
    move_slot(core, slot, BHI_SLOT_EMPTY);
    end_hold(core, slot);
    return after_freed(core);
}

/* ---- builds ---- */

bhi_slot *bhi_pool_core_reserve_warm(bhi_pool_core *core)
{
    if (core->is_closed || bhi_pool_core_live(core) >= core->min_idle)
        return NULL;
    bhi_slot *slot = first_slot(core, BHI_SLOT_EMPTY);
    move_slot(core, slot, BHI_SLOT_BUILDING);
    return slot;
}

static void fill_slot(bhi_pool_core *core, bhi_slot *slot, void *item, bhi_slot_state to)
{
    BHI_ASSERT(slot->state == BHI_SLOT_BUILDING && item != NULL);
    slot->item = item;
    core->builds++;
    move_slot(core, slot, to);
}

void bhi_pool_core_built(bhi_pool_core *core, bhi_slot *slot, void *item)
{
    fill_slot(core, slot, item, BHI_SLOT_LEASED);
}

bhi_pool_effect bhi_pool_core_built_idle(bhi_pool_core *core, bhi_slot *slot, void *item)
{
    fill_slot(core, slot, item, BHI_SLOT_IDLE);
    end_hold(core, slot);
    return after_freed(core);
}

bhi_pool_effect bhi_pool_core_build_failed(bhi_pool_core *core, bhi_slot *slot)
{
    core->build_failures++;
    return bhi_pool_core_decline(core, slot);
}

bhi_pool_effect bhi_pool_core_decline(bhi_pool_core *core, bhi_slot *slot)
{
    BHI_ASSERT(slot->state == BHI_SLOT_BUILDING);
    return empty_slot(core, slot);
}

/* ---- ends ---- */

bhi_pool_effect bhi_pool_core_return(bhi_pool_core *core, bhi_slot *slot, bool is_condemned)
{
    BHI_ASSERT(slot->state == BHI_SLOT_LEASED); /* P7 */
    if (is_condemned) {
        core->condemned++;
        return condemn(core, slot);
    }
    move_slot(core, slot, BHI_SLOT_IDLE);
    end_hold(core, slot);
    return after_freed(core);
}

bhi_pool_effect bhi_pool_core_destroyed(bhi_pool_core *core, bhi_slot *slot)
{
    BHI_ASSERT(slot->state == BHI_SLOT_CONDEMNED);
    return empty_slot(core, slot);
}

bhi_pool_effect bhi_pool_core_close(bhi_pool_core *core)
{
    core->is_closed = true;
    bhi_principal *principal = first_principal(&core->turns);
    if (principal == NULL)
        principal = first_principal(&core->capped);
    if (principal == NULL)
        return condemn_idle(core);
    bhi_waiter *waiter = take_oldest(core, principal);
    bhi_principals_settle(&core->principals, principal);
    core->closed++;
    return (bhi_pool_effect){.kind = BHI_EFFECT_ANSWER,
                             .waiter = waiter,
                             .status = BH_E_CLOSED,
                             .grant = {BHI_GRANT_QUEUED, NULL}};
}

/* ---- reading ---- */

uint32_t bhi_pool_core_live(const bhi_pool_core *core)
{
    return core->live_max - core->counts[BHI_SLOT_EMPTY];
}

void bhi_pool_core_read_stats(const bhi_pool_core *core, bhi_pool_stats *ret_stats)
{
    *ret_stats = (bhi_pool_stats){
        .live = bhi_pool_core_live(core),
        .idle = core->counts[BHI_SLOT_IDLE],
        .building = core->counts[BHI_SLOT_BUILDING],
        .leased = core->counts[BHI_SLOT_LEASED],
        .waiting = core->waiting,
        .live_max = core->live_max,
        .checkouts = core->checkouts,
        .builds = core->builds,
        .build_failures = core->build_failures,
        .condemned = core->condemned,
        .closed = core->closed,
        .saturated = core->saturated,
        .over_cap = core->over_cap,
        .deadline = core->deadline,
        .cancelled = core->cancelled,
    };
}

static uint32_t check_list(const bhi_pool_core *core, bhi_slot_state state)
{
    bool has_item = state != BHI_SLOT_EMPTY && state != BHI_SLOT_BUILDING;
    uint32_t count = 0;
    const bhi_link *head = &core->lists[state];
    for (const bhi_link *link = head->next; link != head; link = link->next) {
        const bhi_slot *slot = BHI_CONTAINER_OF(link, bhi_slot, link);
        BHI_ASSERT(slot->state == state && link->next->prev == link); /* P2 */
        BHI_ASSERT((slot->item != NULL) == has_item);
        count++;
    }
    BHI_ASSERT(count == core->counts[state]);
    return count;
}

static uint32_t held_by(const bhi_pool_core *core, const bhi_principal *principal)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < core->live_max; i++)
        held += core->slots[i].holder == principal;
    return held;
}

/* The sum of what it holds. */
static uint32_t check_principals(const bhi_pool_core *core)
{
    uint32_t records = 0, held = 0;
    for (uint32_t i = 0; i <= core->principals.mask; i++) {
        const bhi_principal *principal = core->principals.chains[i];
        for (; principal != NULL; principal = principal->next) {
            BHI_ASSERT(principal->held == held_by(core, principal));
            BHI_ASSERT(core->principal_leases_max == 0 ||
                       principal->held <= core->principal_leases_max); /* P9 */
            BHI_ASSERT(principal->held != 0 || principal->waiting != 0 ||
                       principal == core->principals.last);
            BHI_ASSERT((principal->waiting == 0) == bhi_link_is_alone(&principal->link));
            records++;
            held += principal->held;
        }
    }
    BHI_ASSERT(records == core->principals.count);
    return held;
}

/* The waiters of those who are on it. */
static uint32_t check_waiters(const bhi_pool_core *core, const bhi_link *list, bool are_capped)
{
    uint32_t waiting = 0;
    for (const bhi_link *link = list->next; link != list; link = link->next) {
        const bhi_principal *principal = BHI_CONTAINER_OF(link, bhi_principal, link);
        BHI_ASSERT(is_capped(core, principal) == are_capped || core->is_closed);
        BHI_ASSERT(principal->credit <= principal->weight);
        uint32_t own = 0;
        const bhi_link *head = &principal->waiters;
        for (const bhi_link *at = head->next; at != head; at = at->next) {
            const bhi_waiter *waiter = BHI_CONTAINER_OF(at, bhi_waiter, link);
            BHI_ASSERT(waiter->is_queued && waiter->record == principal);
            own++;
        }
        BHI_ASSERT(own == principal->waiting && own != 0);
        waiting += own;
    }
    return waiting;
}

void bhi_pool_core_check(const bhi_pool_core *core)
{
    uint32_t slots = 0;
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        slots += check_list(core, (bhi_slot_state)state);
    BHI_ASSERT(slots == core->live_max); /* P1, P2 */
    uint32_t held = core->counts[BHI_SLOT_LEASED];
    for (uint32_t i = 0; i < core->live_max; i++)
        held += core->slots[i].holder != NULL && core->slots[i].state != BHI_SLOT_LEASED;
    BHI_ASSERT(check_principals(core) == held);
    uint32_t served = check_waiters(core, &core->turns, false);
    BHI_ASSERT(served == 0 || core->is_closed || !bhi_pool_core_is_free(core)); /* P5 */
    uint32_t waiting = served + check_waiters(core, &core->capped, true);
    BHI_ASSERT(waiting == core->waiting && waiting <= core->waiters_max);
}
