/* runtime/keeper_room.c - who gives way to whom.
 *
 * The least recently used capsule gives first, whichever pool wants: its own pool keeps what its
 * callers need by using it. When a permit is wanted one idle instance goes for each; when memory is
 * short a quarter of all idle ones, and more at the next sign. min_idle is for speed, so it does
 * not hold against need; it is built up again by the eviction timer once memory suffices.
 */
#include "base/clock.h"
#include "base/log.h"
#include "os/memory.h"
#include "os/spares.h"
#include "runtime/keeper_state.h"

enum { AVAILABLE_PERCENT_LEAST = 5 };

/* The capsule that was used longest ago of those with an idle instance, held, or NULL. */
static bh_capsule *least_recently_used(bhi_keeper *keeper)
{
    bh_capsule *found = NULL;
    uint64_t used_at_ns = UINT64_MAX;
    for (bh_capsule *at = bhi_keeper_next(keeper, NULL); at != NULL;
         at = bhi_keeper_next(keeper, at)) {
        bhi_pool_stats stats;
        bhi_pool_read_stats(at->pool, &stats);
        if (stats.idle == 0 || (found != NULL && stats.used_at_ns >= used_at_ns))
            continue;
        bh_capsule_release(found);
        found = bh_capsule_retain(at);
        used_at_ns = stats.used_at_ns;
    }
    return found;
}

static bool evict_least_recently_used(bhi_keeper *keeper, uint64_t now_ns)
{
    bh_capsule *capsule = least_recently_used(keeper);
    if (capsule == NULL)
        return false;
    bool is_evicted = bhi_pool_evict_one(capsule->pool, now_ns);
    bh_capsule_release(capsule);
    return is_evicted;
}

/* Not always the same one first. */
static void advance_all(bhi_keeper *keeper, uint64_t now_ns)
{
    bhi_keeper_rotate(keeper);
    for (bh_capsule *at = bhi_keeper_next(keeper, NULL); at != NULL;
         at = bhi_keeper_next(keeper, at))
        bhi_pool_advance(at->pool, now_ns);
}

static uint32_t count_idle(bhi_keeper *keeper)
{
    uint32_t idle = 0;
    for (bh_capsule *at = bhi_keeper_next(keeper, NULL); at != NULL;
         at = bhi_keeper_next(keeper, at)) {
        bhi_pool_stats stats;
        bhi_pool_read_stats(at->pool, &stats);
        idle += stats.idle;
    }
    return idle;
}

static bool wants_room(bhi_keeper *keeper)
{
    return bhi_ceiling_has_starved(&keeper->ceiling) &&
           !atomic_load(&keeper->ceiling.is_memory_out);
}

/* Each round either serves somebody or finds nothing idle, so it ends. */
void bhi_keeper_advance(bhi_keeper *keeper, uint64_t now_ns)
{
    advance_all(keeper, now_ns);
    while (wants_room(keeper) && evict_least_recently_used(keeper, now_ns))
        advance_all(keeper, now_ns);
}

void bhi_keeper_evict_idle(bhi_keeper *keeper, uint64_t now_ns)
{
    uint64_t period_ns = keeper->options.evict_ms * BHI_NS_PER_MS;
    uint64_t idle_before_ns = now_ns > period_ns ? now_ns - period_ns : 0;
    uint32_t evicted = 0;
    for (bh_capsule *at = bhi_keeper_next(keeper, NULL); at != NULL;
         at = bhi_keeper_next(keeper, at)) {
        evicted += bhi_pool_evict_idle(at->pool, idle_before_ns, now_ns);
        while (bhi_capsule_is_run_loop(at) && bhi_pool_evict_one(at->pool, now_ns))
            evicted++; /* it was found out after it was loaded */
        if (!keeper->is_short)
            bhi_keeper_refill(keeper, at, now_ns);
    }
    if (evicted == 0)
        return;
    bhi_spares_trim(); /* else what was just evicted would be kept as spares */
    bhi_log(BHI_LOG_DEBUG, "evicted %u idle instances", evicted);
}

static uint32_t evict_quarter(bhi_keeper *keeper, uint64_t now_ns)
{
    uint32_t idle = count_idle(keeper), evicted = 0;
    while (evicted * 4 < idle && evict_least_recently_used(keeper, now_ns))
        evicted++;
    return evicted;
}

void bhi_keeper_relieve(bhi_keeper *keeper, uint64_t now_ns)
{
    uint32_t evicted = evict_quarter(keeper, now_ns);
    bhi_spares_trim(); /* else what was just evicted would be kept as spares */
    if (!keeper->is_short)
        bhi_log(BHI_LOG_WARN, "memory is short: evicted %u idle instances", evicted);
    keeper->is_short = true;
}

static bool is_memory_short(const bhi_keeper *keeper)
{
    bhi_memory_room room;
    if (bhi_memory_read_room(keeper->options.meminfo_path, &room, NULL) != BH_OK)
        return false;
    return room.available_bytes < room.total_bytes / 100 * AVAILABLE_PERCENT_LEAST;
}

/* Builds are held back while the process is above its own ceiling, so it is left at once. */
static void look_at_own_memory(bhi_keeper *keeper, uint64_t now_ns)
{
    uint64_t bytes_max = keeper->options.resident_bytes_max;
    if (bytes_max == 0)
        return;
    bool was_out = atomic_load(&keeper->ceiling.is_memory_out);
    bool is_out = bhi_memory_resident_bytes() > bytes_max;
    atomic_store(&keeper->ceiling.is_memory_out, is_out);
    while (is_out && evict_quarter(keeper, now_ns) + bhi_spares_trim() != 0) {
        is_out = bhi_memory_resident_bytes() > bytes_max;
        atomic_store(&keeper->ceiling.is_memory_out, is_out);
    }
    if (is_out != was_out)
        bhi_log(is_out ? BHI_LOG_WARN : BHI_LOG_INFO,
                is_out ? "resident memory is above its ceiling: no instance is built"
                       : "resident memory is below its ceiling again");
    if (!is_out && bhi_ceiling_has_starved(&keeper->ceiling))
        bhi_keeper_advance(keeper, now_ns);
}

void bhi_keeper_look_at_memory(bhi_keeper *keeper, uint64_t now_ns)
{
    look_at_own_memory(keeper, now_ns);
    bool is_short = is_memory_short(keeper);
    if (is_short)
        bhi_keeper_relieve(keeper, now_ns);
    else
        keeper->is_short = false;
}
