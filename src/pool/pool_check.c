/* pool/pool_check.c - the invariants, walked. Nothing here is on a hot path; tests call it after
 * every step. */
#include "base/assert.h"
#include "pool/pool_core.h"

static bool has_item(bhi_slot_state state)
{
    return state != BHI_SLOT_EMPTY && state != BHI_SLOT_BUILDING;
}

static uint32_t check_list(const bhi_pool_core *core, bhi_slot_state state)
{
    uint32_t count = 0;
    const bhi_link *head = &core->lists[state];
    for (const bhi_link *link = head->next; link != head; link = link->next) {
        const bhi_slot *slot = BHI_CONTAINER_OF(link, bhi_slot, link);
        BHI_ASSERT(slot->state == state && link->next->prev == link); /* P2 */
        BHI_ASSERT((slot->item != NULL) == has_item(state));
        count++;
    }
    BHI_ASSERT(count == core->counts[state]);
    return count;
}

/* Who has a slot is known exactly while somebody has it; so is whose state it keeps. */
static void check_slot(const bhi_pool_core *core, const bhi_slot *slot)
{
    bool is_free = slot->state == BHI_SLOT_EMPTY || slot->state == BHI_SLOT_IDLE;
    bool is_granted = slot->state == BHI_SLOT_LEASED || slot->state == BHI_SLOT_RESTORING;
    BHI_ASSERT(!is_free || (slot->chain == NULL && slot->holder == NULL));
    BHI_ASSERT(!is_granted || slot->chain != NULL); /* P7 */
    BHI_ASSERT(!is_granted || (slot->holder != NULL) == core->has_records);
    bool is_kept = core->is_affine && slot->state == BHI_SLOT_IDLE;
    BHI_ASSERT(is_kept != bhi_link_is_alone(&slot->kept_link)); /* P4 */
    BHI_ASSERT(is_kept || slot->keeper == NULL);
}

static void check_slots(const bhi_pool_core *core)
{
    uint32_t slots = 0, ahead = 0;
    for (int state = 0; state < BHI_SLOT_STATE_COUNT; state++)
        slots += check_list(core, (bhi_slot_state)state);
    BHI_ASSERT(slots == core->live_max); /* P1, P2 */
    for (uint32_t i = 0; i < core->live_max; i++) {
        check_slot(core, &core->slots[i]);
        ahead += core->slots[i].state == BHI_SLOT_BUILDING && core->slots[i].chain == NULL;
    }
    BHI_ASSERT(ahead == core->ahead);
}

static uint32_t count_links(const bhi_link *head)
{
    uint32_t count = 0;
    for (const bhi_link *link = head->next; link != head; link = link->next)
        count++;
    return count;
}

static void check_holds(const bhi_pool_core *core, const bhi_principal *principal)
{
    uint32_t held = 0, kept = 0;
    for (uint32_t i = 0; i < core->live_max; i++) {
        held += core->slots[i].holder == principal;
        kept += core->slots[i].keeper == principal;
    }
    BHI_ASSERT(principal->held == held);
    BHI_ASSERT(core->principal_leases_max == 0 || held <= core->principal_leases_max); /* P9 */
    BHI_ASSERT(count_links(&principal->kept) == kept);                                 /* P4 */
}

/* Each principal is in the place in the line that its waiters and its holds ask for. */
static uint32_t check_place(const bhi_pool_core *core, const bhi_principal *principal)
{
    bool is_at_cap =
        core->principal_leases_max != 0 && principal->held >= core->principal_leases_max;
    uint32_t waiting = count_links(&principal->waiters);
    BHI_ASSERT(principal->waiting == waiting);
    BHI_ASSERT((principal->place == BHI_PLACE_NOWHERE) == bhi_link_is_alone(&principal->link));
    BHI_ASSERT(waiting == 0 || principal->place != BHI_PLACE_NOWHERE);
    BHI_ASSERT(waiting == 0 || (principal->place == BHI_PLACE_CAPPED) == is_at_cap); /* P5, P9 */
    bool is_lingering = waiting == 0 && principal->place == BHI_PLACE_OLD;
    BHI_ASSERT(is_lingering != bhi_link_is_alone(&principal->lingering_link));
    bool has_turn = principal->place == BHI_PLACE_FRESH || principal->place == BHI_PLACE_OLD;
    BHI_ASSERT(principal->credit <= principal->weight); /* P9 */
    BHI_ASSERT(!has_turn || principal->credit > 0);     /* P9 */
    return waiting;
}

static void check_principals(const bhi_pool_core *core)
{
    const bhi_turns *turns = &core->turns;
    uint32_t records = 0, waiting = 0, capped = 0;
    for (uint32_t i = 0; i <= core->principals.mask; i++) {
        const bhi_principal *principal = core->principals.chains[i];
        for (; principal != NULL; principal = principal->next) {
            check_holds(core, principal);
            uint32_t own = check_place(core, principal);
            waiting += own;
            capped += principal->place == BHI_PLACE_CAPPED ? own : 0;
            records++;
        }
    }
    BHI_ASSERT(records == core->principals.count);
    BHI_ASSERT(waiting == turns->waiting && waiting <= core->waiters_max);
    BHI_ASSERT(capped == turns->capped_waiting);
    BHI_ASSERT(count_links(&turns->lingering) == turns->lingering_count);
    BHI_ASSERT(waiting != 0 || turns->lingering_count == 0);
}

static bool may_go_on(bhi_pool_core *core, uint64_t now_ns)
{
    if (core->counts[BHI_SLOT_EMPTY] == 0)
        return false;
    if (core->failures != 0 &&
        (now_ns < core->build_from_ns || core->counts[BHI_SLOT_BUILDING] != 0))
        return false;
    bhi_breaker_state state = bhi_breaker_at(&core->breaker, now_ns);
    return state == BHI_BREAKER_CLOSED || (state == BHI_BREAKER_HALF_OPEN && core->probe == NULL);
}

/* P5: whoever waits beside an empty slot waits for a time that will come, or for a permit and says
 * so. */
static void check_waits(bhi_pool_core *core, uint64_t now_ns)
{
    bool may_serve = bhi_turns_may_serve(&core->turns);
    BHI_ASSERT(!core->is_starved || (may_serve && may_go_on(core, now_ns)));
    if (!may_serve)
        return;
    BHI_ASSERT(!core->is_closed);                             /* P8 */
    BHI_ASSERT(core->counts[BHI_SLOT_IDLE] == 0);             /* P5 */
    BHI_ASSERT(core->is_starved || !may_go_on(core, now_ns)); /* P5 */
    uint64_t from_ns = bhi_pool_core_builds_from_ns(core, now_ns);
    BHI_ASSERT(core->counts[BHI_SLOT_EMPTY] == 0 || core->wake_at_ns <= from_ns);
}

void bhi_pool_core_check(bhi_pool_core *core, uint64_t now_ns)
{
    check_slots(core);
    check_principals(core);
    check_waits(core, now_ns);
}
