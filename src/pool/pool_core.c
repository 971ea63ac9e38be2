/* pool/pool_core.c - the slot life cycle and the queue, as pure decisions.
 *
 * A slot is on the list of its state and nowhere else (P2), because the one function that changes
 * a state also changes the list and both counts. New slots go to the front of a list and are taken
 * from the front, so the most recently returned item is lent first: its memory is warm.
 *
 * A function frees at most one slot, and before it nothing was free while somebody waited (P5), so
 * one waiter at most can be served afterwards: one effect is enough.
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

static bool is_free(const bhi_pool_core *core)
{
    return core->counts[BHI_SLOT_IDLE] + core->counts[BHI_SLOT_EMPTY] > 0;
}

void bhi_pool_core_init(bhi_pool_core *core, const bhi_pool_options *options, bhi_slot *slots)
{
    *core = (bhi_pool_core){.live_max = options->live_max,
                            .min_idle = options->min_idle,
                            .waiters_max = options->waiters_max,
                            .slots = slots};
    bhi_link_init(&core->waiters);
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        bhi_link_init(&core->lists[state]);
    for (uint32_t i = 0; i < options->live_max; i++)
        list_slot(core, &slots[i], BHI_SLOT_EMPTY);
}

/* ---- granting ---- */

/* Something is free. */
static bhi_grant grant_free(bhi_pool_core *core)
{
    BHI_ASSERT(!core->is_closed); /* P8 */
    bhi_slot *slot = first_slot(core, BHI_SLOT_IDLE);
    if (slot != NULL) {
        move_slot(core, slot, BHI_SLOT_LEASED);
        return (bhi_grant){BHI_GRANT_LEASE, slot};
    }
    slot = first_slot(core, BHI_SLOT_EMPTY);
    move_slot(core, slot, BHI_SLOT_BUILDING);
    return (bhi_grant){BHI_GRANT_BUILD, slot};
}

static void forget_waiter(bhi_pool_core *core, bhi_waiter *waiter)
{
    bhi_list_remove(&waiter->link);
    waiter->is_queued = false;
    core->waiting--;
}

static bhi_waiter *take_oldest_waiter(bhi_pool_core *core)
{
    bhi_link *link = bhi_list_first(&core->waiters);
    if (link == NULL)
        return NULL;
    bhi_waiter *waiter = BHI_CONTAINER_OF(link, bhi_waiter, link);
    forget_waiter(core, waiter);
    return waiter;
}

bh_status bhi_pool_core_checkout(bhi_pool_core *core, bhi_waiter *waiter, bhi_grant *ret_grant)
{
    if (core->is_closed)
        return BH_E_CLOSED;
    if (is_free(core)) {
        *ret_grant = grant_free(core);
        return BH_OK;
    }
    if (waiter == NULL || core->waiting >= core->waiters_max) {
        core->saturated++;
        return BH_E_SATURATED;
    }
    BHI_ASSERT(!waiter->is_queued);
    bhi_list_push_back(&core->waiters, &waiter->link);
    waiter->is_queued = true;
    core->waiting++;
    *ret_grant = (bhi_grant){BHI_GRANT_QUEUED, NULL};
    return BH_OK;
}

bool bhi_pool_core_cancel_wait(bhi_pool_core *core, bhi_waiter *waiter)
{
    if (!waiter->is_queued)
        return false;
    forget_waiter(core, waiter);
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

static bhi_pool_effect after_freed(bhi_pool_core *core)
{
    if (core->is_closed)
        return condemn_idle(core);
    bhi_waiter *waiter = take_oldest_waiter(core);
    if (waiter == NULL)
        return (bhi_pool_effect){0};
    bhi_pool_effect effect = {
        .kind = BHI_EFFECT_ANSWER, .waiter = waiter, .status = BH_OK, .grant = grant_free(core)};
    BHI_ASSERT(core->waiting == 0 || !is_free(core)); /* P5 */
    return effect;
}

static bhi_pool_effect empty_slot(bhi_pool_core *core, bhi_slot *slot)
{
    slot->item = NULL;
    move_slot(core, slot, BHI_SLOT_EMPTY);
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
    bhi_waiter *waiter = take_oldest_waiter(core);
    if (waiter == NULL)
        return condemn_idle(core);
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
        .saturated = core->saturated,
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

void bhi_pool_core_check(const bhi_pool_core *core)
{
    uint32_t slots = 0;
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        slots += check_list(core, (bhi_slot_state)state);
    BHI_ASSERT(slots == core->live_max); /* P1, P2 */
    uint32_t waiting = 0;
    for (const bhi_link *link = core->waiters.next; link != &core->waiters; link = link->next)
        waiting++;
    BHI_ASSERT(waiting == core->waiting && waiting <= core->waiters_max);
    BHI_ASSERT(waiting == 0 || core->is_closed || !is_free(core)); /* P5 */
}
