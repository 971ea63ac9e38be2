/* tests/support/pool_world.h - a pool's core in virtual time, under a seeded schedule of faults.
 *
 * A world is a core, callers, another tenant of the ceiling, and a clock that jumps from event to
 * event. Everything that happens outside the lock (a build, a restore, a call, a destruction, a
 * patience that ends) is an event with a time, so the seed decides every interleaving, and all that
 * the pool is configured with. After every step the core's own walk is made (P1, P2, P4, P5, P9)
 * and the world checks what callers were told (P3, P4, P7, P8, P9). P6 needs a lock, and is
 * pool.c's.
 */
#ifndef TEST_SUPPORT_POOL_WORLD_H
#define TEST_SUPPORT_POOL_WORLD_H

#include "pool/pool_core.h"

enum {
    WORLD_CALLERS = 20,
    WORLD_PRINCIPALS = 5,
    WORLD_SLOTS_MOST = 6,
    WORLD_NOBODY = -1,
};
#define WORLD_MS UINT64_C(1000000)

typedef enum world_stage {
    WORLD_AWAY,
    WORLD_QUEUED,
    WORLD_BUILDING, /* or restoring */
    WORLD_CALLING,
    WORLD_NESTING, /* in its call, which waits for another one that it made */
    WORLD_STAGES
} world_stage;

typedef struct world_caller {
    bhi_waiter waiter; /* first */
    world_stage stage;
    int principal;
    uint64_t next_ns; /* asks, gives up, ends its build or its call then */
    uint64_t asked;   /* a rank */
    bhi_slot *slot;
    bool will_overrun; /* its call, until the deadline */
    struct world_caller *parent;
} world_caller;

typedef struct world_slot {
    int lent_to, holder; /* a caller, who was granted it (P7); a principal, whose it is (P9) */
    int served;          /* P4: whose state its item has, or WORLD_NOBODY */
    bool is_lendable;    /* P3: it was built, and not condemned since */
    uint64_t build_ends_ns, destroyed_ns; /* for nobody; 0: not happening */
} world_slot;

/* Percentages of what goes wrong, and how the pool is set up. */
typedef struct world_config {
    bhi_pool_options options;
    bhi_ceiling ceiling;
    uint32_t trap_percent, fail_percent, nest_percent;
    uint32_t away_ms_most; /* how busy it is */
    uint64_t steps;        /* of the faulty part */
    uint64_t close_at_step;
} world_config;

typedef struct pool_world {
    world_config config;
    bhi_pool_core core;
    void *memory;
    uint64_t seed, random, now_ns;
    bool is_faulty; /* all that may go wrong may happen, and callers come */
    world_caller callers[WORLD_CALLERS];
    world_slot slots[WORLD_SLOTS_MOST];
    uint32_t tenant_permits;
    bool is_tenant_starved;
    uint64_t tenant_next_ns, evict_next_ns;

    uint64_t next_rank, granted, ended, queued, answered, cancelled;
    bhi_pool_stats told; /* counters as callers saw them */
} pool_world;

/* What the schedules reached, over all runs. */
typedef struct world_seen {
    uint64_t stages[WORLD_STAGES], refusals[BH_STATUS_COUNT], outcomes[BH_OUTCOME_COUNT];
    uint64_t grants[BHI_GRANT_QUEUED + 1], effects[BHI_EFFECT_BUILD + 1];
    uint64_t slot_states[BHI_SLOT_STATE_COUNT], breaker_states[BHI_BREAKER_HALF_OPEN + 1];
    uint64_t capped, lingering, back_offs, starved, evictions, closed, nested_grants, own_state;
} world_seen;

extern world_seen pool_world_seen;
extern uint64_t pool_world_seed; /* of the world that runs */
/* Called with the first broken expectation, before the test fails. */
extern void (*pool_world_failed_cb)(void);

/* The whole of it: faults, then rest, then the end. */
void pool_world_run(uint64_t seed);

/* Within the world. */
#define WORLD_EXPECT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            pool_world_report(#condition, __FILE__, __LINE__);                                     \
    } while (0)

void pool_world_report(const char *condition, const char *file, int line);
uint32_t world_below(pool_world *w, uint32_t bound);
bool world_chance(pool_world *w, uint32_t percent);
uint64_t world_soon(pool_world *w, uint32_t ms_most); /* from now, at least a millisecond */
int world_index_of(const pool_world *w, const bhi_slot *slot);

void world_run_caller(pool_world *w, world_caller *c);
/* Do what the core asks for, until it asks for nothing; then check everything. */
void world_settle(pool_world *w);
void world_check(pool_world *w);

#endif
