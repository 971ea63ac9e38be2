/* pool/chains.c - chains of leases that wait for each other, across pools.
 *
 * A lease may ask for another one, of any pool, and waits for it. A chain of such leases waits at
 * its last one. A waiter is served as soon as any slot of its pool comes free (of its principal's
 * slots, when that is at its cap), so it is lost exactly when every chain that can be reached from
 * it, waiter to slots to holders, waits too. The search walks that graph breadth first.
 *
 * Permits of a ceiling are one more thing to wait for: when all of them are held by chains that
 * wait, none comes back.
 *
 * Only a waiter with a parent can close such a circle, because only those hold something while they
 * wait; and the one that closes it is the last to begin to wait. So it is searched for once, there,
 * and nobody else pays for it. All who wait inside a chain take one lock for the whole process
 * first. Pools are looked at one after the other, each under its own lock; a chain counts as
 * waiting only if it is still queued then. If each chain of a set is found queued, each at its
 * moment, and none of them can go on but by another's going on, then none has gone on in between.
 */
#include "base/assert.h"
#include "pool/pool_state.h"

static pthread_mutex_t chains_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t searches; /* guarded by chains_lock; numbers the marks */
static bhi_link waiting_chains = {&waiting_chains, &waiting_chains}; /* guarded likewise; of tops */

static bhi_waiter *top_of(bhi_waiter *waiter)
{
    while (waiter->parent != NULL)
        waiter = waiter->parent;
    return waiter;
}

/* True when the holder can go on by itself: it is nobody's, or not known to wait. Else it is put on
 * the list of those to look at. */
static bool goes_on_alone(const bhi_slot *slot, bhi_link *to_look_at)
{
    bhi_waiter *top = (bhi_waiter *)(uintptr_t)slot->chain; /* const in the core only */
    if (top == NULL || top->chain_waits == NULL)
        return true;
    if (top->chain_mark == searches)
        return false;
    top->chain_mark = searches;
    bhi_list_push_back(to_look_at, &top->chain_link);
    return false;
}

static bool any_goes_on_locked(const bhi_pool_core *core, const bhi_waiter *waiter,
                               bhi_link *to_look_at)
{
    const bhi_principal *principal = waiter->record;
    bool is_capped = principal->place == BHI_PLACE_CAPPED;
    for (uint32_t i = 0; i < core->live_max; i++) {
        const bhi_slot *slot = &core->slots[i];
        if ((!is_capped || slot->holder == principal) && goes_on_alone(slot, to_look_at))
            return true;
    }
    return false;
}

/* A chain that was being served meanwhile is no longer queued. */
static bool may_go_on(const bhi_waiter *top, bhi_link *to_look_at)
{
    bhi_pool *pool = top->chain_waits_for;
    bhi_pool_lock(pool);
    bool result = !top->chain_waits->is_queued ||
                  any_goes_on_locked(&pool->core, top->chain_waits, to_look_at);
    bhi_pool_unlock(pool);
    return result;
}

static bool search(bhi_waiter *top)
{
    bhi_link to_look_at;
    bhi_link_init(&to_look_at);
    top->chain_mark = ++searches;
    bhi_list_push_back(&to_look_at, &top->chain_link);
    bool is_closed = true;
    bhi_link *link;
    while ((link = bhi_list_first(&to_look_at)) != NULL) {
        bhi_list_remove(link);
        if (is_closed && may_go_on(BHI_CONTAINER_OF(link, bhi_waiter, chain_link), &to_look_at))
            is_closed = false; /* only empties the list from here on */
    }
    return is_closed;
}

/* ---- permits ---- */

/* Each lease above the waiting one holds a permit; the pools of a chain share one ceiling. */
static uint32_t permits_of(const bhi_waiter *waiter)
{
    uint32_t permits = 0;
    for (; waiter->parent != NULL; waiter = waiter->parent)
        permits++;
    return permits;
}

static void begin_wait(bhi_pool *pool, bhi_waiter *top, bhi_waiter *waiter)
{
    BHI_ASSERT(top->chain_waits == NULL); /* a lease makes one call at a time */
    top->chain_waits = waiter;
    top->chain_waits_for = pool;
    bhi_list_push_back(&waiting_chains, &top->chain_wait_link);
    if (pool->options.ceiling != NULL)
        pool->options.ceiling->stalled += permits_of(waiter);
}

static void end_wait(bhi_waiter *top)
{
    bhi_ceiling *ceiling = top->chain_waits_for->options.ceiling;
    if (ceiling != NULL)
        ceiling->stalled -= permits_of(top->chain_waits);
    bhi_list_remove(&top->chain_wait_link);
    top->chain_waits = NULL;
}

static bool is_still_queued(const bhi_waiter *top)
{
    bhi_pool_lock(top->chain_waits_for);
    bool result = top->chain_waits->is_queued;
    bhi_pool_unlock(top->chain_waits_for);
    return result;
}

/* Every permit that there is belongs to a chain that waits, so none will come back, and nobody
 * holds an instance but those. */
static bool are_permits_stalled(const bhi_ceiling *ceiling)
{
    if (ceiling == NULL || ceiling->stalled < ceiling->live_max)
        return false;
    for (bhi_link *link = waiting_chains.next; link != &waiting_chains; link = link->next)
        if (!is_still_queued(BHI_CONTAINER_OF(link, bhi_waiter, chain_wait_link)))
            return false;
    return true;
}

/* ---- waiting ---- */

/* The waiter, just queued in the pool, is not answered meanwhile: whoever does it goes through
 * bhi_chain_goes_on first, and waits there for the lock. */
static bool closes_circle(bhi_pool *pool, bhi_waiter *waiter)
{
    bhi_waiter *top = top_of(waiter);
    begin_wait(pool, top, waiter);
    return search(top) || are_permits_stalled(pool->options.ceiling);
}

/* False when it was answered, by the pool's closing, before it could be taken off. */
static bool take_back(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns, bh_error *reterr)
{
    bhi_pool_lock(pool);
    bool is_taken = bhi_pool_core_cancel_wait(&pool->core, waiter, BH_E_NESTED);
    if (is_taken) {
        bh_status status = bhi_refusal_locked(pool, waiter, BH_E_NESTED, now_ns, reterr);
        (void)status; /* in the error */
    }
    bhi_pool_unlock(pool);
    if (is_taken)
        end_wait(top_of(waiter));
    return is_taken;
}

bh_status bhi_chain_checkout(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                             bhi_grant *ret_grant, uint64_t *ret_wake_ns, bh_error *reterr)
{
    pthread_mutex_lock(&chains_lock);
    bh_status status = bhi_pool_checkout_here(pool, waiter, now_ns, ret_grant, ret_wake_ns, reterr);
    if (status == BH_OK && ret_grant->kind == BHI_GRANT_QUEUED && closes_circle(pool, waiter) &&
        take_back(pool, waiter, now_ns, reterr))
        status = BH_E_NESTED;
    pthread_mutex_unlock(&chains_lock);
    return status;
}

void bhi_chain_goes_on(bhi_waiter *waiter)
{
    if (waiter->parent == NULL)
        return;
    pthread_mutex_lock(&chains_lock);
    bhi_waiter *top = top_of(waiter);
    if (top->chain_waits == waiter)
        end_wait(top);
    pthread_mutex_unlock(&chains_lock);
}
