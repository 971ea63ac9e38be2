/* tests/support/pool_model.c - see pool_model.h. */
#include "support/pool_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char *const model_names[PRINCIPALS] = {
    "", "ada", "grace-hopper", "a-name-of-sixty-four-byte-which-is-the-most-a-principal-can-have"};

uint32_t model_below(model *m, uint32_t bound)
{
    m->random ^= m->random << 13; /* xorshift64, Marsaglia 2003 */
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)(m->random >> 33) % bound;
}

static void ignore_build_cb(void *arg, bhi_slot *slot)
{
}

void model_begin_run(model *m, uint64_t seed)
{
    *m = (model){.random = seed * 0x9e3779b97f4a7c15u | 1, .now_ns = 1};
    m->options = (bhi_pool_options){.live_max = 1 + model_below(m, SLOTS_MOST),
                                    .waiters_max = model_below(m, WAITERS + 1),
                                    .principal_leases_max = model_below(m, 4),
                                    .is_affine = model_below(m, 2) == 0,
                                    .breaker_condemned_max = BHI_BREAKER_OFF};
    m->options.min_idle = model_below(m, m->options.live_max + 1);
    m->options.build_ahead_cb = model_below(m, 2) == 0 ? ignore_build_cb : NULL;
    m->memory = calloc(1, bhi_pool_core_memory_bytes(&m->options));
    assert_non_null(m->memory);
    bhi_pool_core_init(&m->core, &m->options, m->random, m->memory);
    m->slots = m->core.slots;
    for (int i = 0; i < WAITERS; i++)
        bhi_link_init(&m->waiters[i].link);
    for (int i = 0; i < SLOTS_MOST; i++)
        m->model_slots[i].holder = m->model_slots[i].keeper = NOBODY;
    for (int i = 0; i < PRINCIPALS; i++)
        m->principals[i].weight = 1 + model_below(m, 3);
}

/* ---- slots of the model ---- */

uint32_t model_count_of(const model *m, bhi_slot_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->options.live_max; i++)
        count += m->model_slots[i].state == state;
    return count;
}

/* NOBODY when there is none. */
int model_random_slot(model *m, bhi_slot_state state)
{
    uint32_t count = model_count_of(m, state);
    if (count == 0)
        return NOBODY;
    uint32_t wanted = model_below(m, count);
    for (uint32_t i = 0;; i++)
        if (m->model_slots[i].state == state && wanted-- == 0)
            return (int)i;
}

int model_index_of(const model *m, const bhi_slot *slot)
{
    assert_true(slot >= m->slots && slot < m->slots + m->options.live_max);
    return (int)(slot - m->slots);
}

/* The idle slot with the state of `keeper` that was returned last; NOBODY when there is none. */
int model_newest_kept(const model *m, int keeper)
{
    int newest = NOBODY;
    for (uint32_t i = 0; i < m->options.live_max; i++) {
        const model_slot *s = &m->model_slots[i];
        if (s->state == BHI_SLOT_IDLE && s->keeper == keeper &&
            (newest < 0 || s->rank > m->model_slots[newest].rank))
            newest = (int)i;
    }
    return newest;
}

int model_coldest(const model *m)
{
    int oldest = NOBODY;
    for (uint32_t i = 0; i < m->options.live_max; i++)
        if (m->model_slots[i].state == BHI_SLOT_IDLE &&
            (oldest < 0 || m->model_slots[i].rank < m->model_slots[oldest].rank))
            oldest = (int)i;
    return oldest;
}

bool model_may_build(const model *m)
{
    return m->failures == 0 ||
           (m->now_ns >= m->build_from_ns && model_count_of(m, BHI_SLOT_BUILDING) == 0);
}

bool model_is_free(const model *m)
{
    return model_count_of(m, BHI_SLOT_IDLE) > 0 ||
           (model_count_of(m, BHI_SLOT_EMPTY) > 0 && model_may_build(m));
}

/* ---- the line of the model ---- */

bool model_is_at_cap(const model *m, int principal)
{
    return m->options.principal_leases_max != 0 &&
           m->principals[principal].held >= m->options.principal_leases_max;
}

uint32_t model_waiting(const model *m, bool with_capped)
{
    uint32_t count = 0;
    for (int i = 0; i < PRINCIPALS; i++)
        if (with_capped || m->principals[i].place != BHI_PLACE_CAPPED)
            count += (uint32_t)m->principals[i].queue_count;
    return count;
}

void model_go_to(model *m, int principal, bhi_place place)
{
    m->principals[principal].place = place;
    m->principals[principal].rank = m->next_rank++;
}

int model_first_at(const model *m, bhi_place place)
{
    int first = NOBODY;
    for (int i = 0; i < PRINCIPALS; i++)
        if (m->principals[i].place == place &&
            (first < 0 || m->principals[i].rank < m->principals[first].rank))
            first = i;
    return first;
}

void model_leave_line(model_principal *p)
{
    p->place = BHI_PLACE_NOWHERE;
    p->credit = 0;
}

/* Who only lingers is forgotten when its turn comes; nobody is remembered when nobody waits. */
void model_forget_lingering(model *m)
{
    for (int first; (first = model_first_at(m, BHI_PLACE_OLD)) >= 0;) {
        if (m->principals[first].queue_count > 0)
            break;
        model_leave_line(&m->principals[first]);
    }
    for (int i = 0; model_waiting(m, true) == 0 && i < PRINCIPALS; i++)
        model_leave_line(&m->principals[i]);
}

void model_begin_turn(model *m, int principal)
{
    m->principals[principal].credit = m->principals[principal].weight;
    model_go_to(m, principal, BHI_PLACE_OLD);
}

void model_line_up(model *m, int waiter, int principal)
{
    model_principal *p = &m->principals[principal];
    p->queue[p->queue_count++] = waiter;
    m->returners += p->place == BHI_PLACE_OLD && p->queue_count == 1;
    if (p->place == BHI_PLACE_NOWHERE && !model_is_at_cap(m, principal)) {
        p->credit = p->weight;
        model_go_to(m, principal, BHI_PLACE_FRESH);
    }
    if (p->place != BHI_PLACE_CAPPED && model_is_at_cap(m, principal))
        model_go_to(m, principal, BHI_PLACE_CAPPED);
    model_forget_lingering(m);
}

void model_leave_queue(model *m, int principal, int place)
{
    model_principal *p = &m->principals[principal];
    memmove(&p->queue[place], &p->queue[place + 1],
            (size_t)(--p->queue_count - place) * sizeof p->queue[0]);
}

int model_whose_turn(const model *m)
{
    int first = model_first_at(m, BHI_PLACE_FRESH);
    return first >= 0 ? first : model_first_at(m, BHI_PLACE_OLD);
}
