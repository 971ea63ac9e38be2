/* pool/turns.c - see turns.h. */
#include "pool/turns.h"

#include "base/assert.h"

void bhi_turns_init(bhi_turns *turns, bhi_principals *principals)
{
    *turns = (bhi_turns){.principals = principals};
    bhi_link_init(&turns->fresh);
    bhi_link_init(&turns->old);
    bhi_link_init(&turns->capped);
    bhi_link_init(&turns->lingering);
}

static bhi_principal *first_of(const bhi_link *list)
{
    bhi_link *link = bhi_list_first(list);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_principal, link);
}

/* ---- places ---- */

static void stop_lingering(bhi_turns *turns, bhi_principal *principal)
{
    if (bhi_link_is_alone(&principal->lingering_link))
        return;
    bhi_list_remove(&principal->lingering_link);
    turns->lingering_count--;
}

static void leave(bhi_turns *turns, bhi_principal *principal)
{
    stop_lingering(turns, principal);
    bhi_list_remove(&principal->link);
    principal->place = BHI_PLACE_NOWHERE;
    principal->credit = 0;
    bhi_principals_settle(turns->principals, principal);
}

static void move_to(bhi_turns *turns, bhi_principal *principal, bhi_place place, bhi_link *list)
{
    if (principal->place == BHI_PLACE_CAPPED)
        turns->capped_waiting -= principal->waiting;
    if (place == BHI_PLACE_CAPPED)
        turns->capped_waiting += principal->waiting;
    bhi_list_remove(&principal->link);
    bhi_list_push_back(list, &principal->link);
    principal->place = place;
}

static bhi_principal *longest_lingering(const bhi_turns *turns)
{
    bhi_link *link = bhi_list_first(&turns->lingering);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_principal, lingering_link);
}

static void linger(bhi_turns *turns, bhi_principal *principal)
{
    bhi_list_push_back(&turns->lingering, &principal->lingering_link);
    if (++turns->lingering_count > BHI_TURNS_LINGERING_MOST)
        leave(turns, longest_lingering(turns));
}

/* To the end of `old`, for a turn of its own: at once, so that whoever is first there has its turn,
 * and who lingers has been remembered for just a round. */
static void line_up(bhi_turns *turns, bhi_principal *principal)
{
    principal->credit = principal->weight;
    move_to(turns, principal, BHI_PLACE_OLD, &turns->old);
    turns->principals->steps++;
}

/* The turn of who only lingers comes and goes; a queue without waiters remembers nobody. */
static void forget_lingering(bhi_turns *turns)
{
    bhi_principal *first;
    while ((first = first_of(&turns->old)) != NULL && first->waiting == 0)
        leave(turns, first);
    if (turns->waiting == 0)
        turns->fresh_in_a_row = 0;
}

/* ---- waiters ---- */

static void set_weight(bhi_principal *principal, uint32_t weight)
{
    principal->weight = weight == 0 ? 1 : weight;
    if (principal->credit > principal->weight)
        principal->credit = principal->weight;
}

void bhi_turns_add(bhi_turns *turns, bhi_principal *principal, bhi_waiter *waiter, bool is_capped)
{
    BHI_ASSERT(!waiter->is_queued);
    bhi_list_push_back(&principal->waiters, &waiter->link);
    waiter->is_queued = true;
    waiter->record = principal;
    turns->waiting++;
    set_weight(principal, waiter->weight);
    stop_lingering(turns, principal);
    if (principal->place == BHI_PLACE_NOWHERE && !is_capped) {
        move_to(turns, principal, BHI_PLACE_FRESH, &turns->fresh);
        principal->credit = principal->weight;
    }
    if (is_capped && principal->place != BHI_PLACE_CAPPED)
        move_to(turns, principal, BHI_PLACE_CAPPED, &turns->capped);
    principal->waiting++;
    turns->capped_waiting += principal->place == BHI_PLACE_CAPPED;
    forget_lingering(turns);
}

static void take(bhi_turns *turns, bhi_waiter *waiter)
{
    bhi_principal *principal = waiter->record;
    bhi_list_remove(&waiter->link);
    waiter->is_queued = false;
    waiter->record = NULL;
    principal->waiting--;
    turns->waiting--;
    turns->capped_waiting -= principal->place == BHI_PLACE_CAPPED;
}

void bhi_turns_remove(bhi_turns *turns, bhi_waiter *waiter)
{
    bhi_principal *principal = waiter->record;
    take(turns, waiter);
    if (principal->waiting == 0) {
        if (principal->place == BHI_PLACE_OLD)
            linger(turns, principal); /* it was served earlier in this round */
        else
            leave(turns, principal);
    }
    forget_lingering(turns);
}

static bhi_waiter *oldest_of(const bhi_principal *principal)
{
    return BHI_CONTAINER_OF(bhi_list_first(&principal->waiters), bhi_waiter, link);
}

bhi_waiter *bhi_turns_take_any(bhi_turns *turns)
{
    bhi_principal *principal = bhi_turns_next(turns);
    if (principal == NULL)
        principal = first_of(&turns->capped);
    if (principal == NULL)
        return NULL;
    bhi_waiter *waiter = oldest_of(principal);
    bhi_turns_remove(turns, waiter);
    return waiter;
}

/* ---- turns ---- */

bhi_principal *bhi_turns_next(bhi_turns *turns)
{
    bhi_principal *fresh = first_of(&turns->fresh), *old = first_of(&turns->old);
    bool is_olds_turn = fresh == NULL || turns->fresh_in_a_row >= BHI_TURNS_FRESH_MOST;
    return is_olds_turn && old != NULL ? old : fresh;
}

bhi_waiter *bhi_turns_serve(bhi_turns *turns, bhi_principal *principal)
{
    BHI_ASSERT(principal->credit > 0);
    principal->credit--;
    bhi_waiter *waiter = oldest_of(principal);
    take(turns, waiter);
    if (principal->place == BHI_PLACE_OLD || bhi_link_is_alone(&turns->old))
        turns->fresh_in_a_row = 0;
    else
        turns->fresh_in_a_row++;
    if (principal->credit == 0 || principal->waiting == 0)
        line_up(turns, principal);
    if (principal->waiting == 0)
        linger(turns, principal);
    forget_lingering(turns);
    return waiter;
}

/* ---- caps ---- */

void bhi_turns_cap(bhi_turns *turns, bhi_principal *principal)
{
    if (principal->waiting == 0 || principal->place == BHI_PLACE_CAPPED)
        return;
    move_to(turns, principal, BHI_PLACE_CAPPED, &turns->capped);
    forget_lingering(turns);
}

void bhi_turns_uncap(bhi_turns *turns, bhi_principal *principal)
{
    if (principal->place == BHI_PLACE_CAPPED)
        line_up(turns, principal);
}
