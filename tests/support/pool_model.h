/* tests/support/pool_model.h - what the pool's decisions must be: slots, and the line of
 * principals.
 *
 * A stack of idle slots and whose state each has, a queue of waiters for each principal, the place
 * of each principal in the line, and how builds are held back after failures.
 */
#ifndef TEST_SUPPORT_POOL_MODEL_H
#define TEST_SUPPORT_POOL_MODEL_H

#include "pool/pool_core.h"

enum { SLOTS_MOST = 6, WAITERS = 8, PRINCIPALS = 4, NOBODY = -1 };

/* Within a place the smallest rank comes first. */
typedef struct model_principal {
    int queue[WAITERS], queue_count;
    bhi_place place;
    uint64_t rank;
    uint32_t weight, held, credit;
} model_principal;

typedef struct model_slot {
    bhi_slot_state state;
    int holder, keeper; /* a principal, or NOBODY */
    bool is_ahead;      /* a build that is nobody's */
    uint64_t rank;      /* idle: the largest was returned last */
} model_slot;

typedef struct model {
    bhi_pool_core core;
    bhi_slot *slots;
    void *memory;
    bhi_waiter waiters[WAITERS];
    uint64_t random, now_ns, next_rank;

    bhi_pool_options options;
    model_slot model_slots[SLOTS_MOST];
    model_principal principals[PRINCIPALS];
    uint32_t failures;
    uint64_t build_from_ns;
    bool is_closed;
    bool owes_ahead;
    uint64_t leases, ends;
    uint64_t returners; /* asked again within the round */
} model;

extern const char *const model_names[PRINCIPALS];

uint32_t model_below(model *m, uint32_t bound);
void model_begin_run(model *m, uint64_t seed);
uint32_t model_count_of(const model *m, bhi_slot_state state);
int model_random_slot(model *m, bhi_slot_state state);
int model_index_of(const model *m, const bhi_slot *slot);
int model_newest_kept(const model *m, int keeper);
int model_coldest(const model *m);
bool model_may_build(const model *m);
bool model_is_free(const model *m);
bool model_is_at_cap(const model *m, int principal);
uint32_t model_waiting(const model *m, bool with_capped);
void model_go_to(model *m, int principal, bhi_place place);
int model_first_at(const model *m, bhi_place place);
void model_leave_line(model_principal *p);
void model_forget_lingering(model *m);
void model_begin_turn(model *m, int principal);
void model_line_up(model *m, int waiter, int principal);
void model_leave_queue(model *m, int principal, int place);
int model_whose_turn(const model *m);

#endif
