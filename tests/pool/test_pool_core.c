/* tests/pool/test_pool_core.c - the pool's decisions against a model, in seeded random steps.
 *
 * The model keeps a stack of idle slots, a queue of waiters and the state of each slot, and says
 * what every call must answer. Destroying is a step of its own, so other calls come in between as
 * they do from other threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool/pool_core.h"

enum { SLOTS_MOST = 6, WAITERS = 8, RUNS = 300, STEPS = 400 };

typedef struct model {
    bhi_pool_core core;
    bhi_slot slots[SLOTS_MOST];
    bhi_waiter waiters[WAITERS];
    uint64_t random;

    uint32_t live_max, min_idle, waiters_max;
    bhi_slot_state states[SLOTS_MOST];
    bool is_warm[SLOTS_MOST]; /* a building slot that will be idle */
    int idle[SLOTS_MOST], idle_count;
    int queue[WAITERS], queue_count;
    bool is_closed;
    uint64_t leases, ends;
} model;

static uint32_t below(model *m, uint32_t bound)
{
    m->random ^= m->random << 13; /* xorshift64, Marsaglia 2003 */
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)(m->random >> 33) % bound;
}

static void begin_run(model *m, uint64_t seed)
{
    *m = (model){.random = seed * 0x9e3779b97f4a7c15u | 1};
    m->live_max = 1 + below(m, SLOTS_MOST);
    m->min_idle = below(m, m->live_max + 1);
    m->waiters_max = below(m, WAITERS + 1);
    bhi_pool_options options = {
        .live_max = m->live_max, .min_idle = m->min_idle, .waiters_max = m->waiters_max};
    bhi_pool_core_init(&m->core, &options, m->slots);
    for (int i = 0; i < WAITERS; i++)
        bhi_link_init(&m->waiters[i].link);
}

static uint32_t count_of(const model *m, bhi_slot_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->live_max; i++)
        count += m->states[i] == state;
    return count;
}

/* -1 when there is none. */
static int random_slot(model *m, bhi_slot_state state)
{
    uint32_t count = count_of(m, state);
    if (count == 0)
        return -1;
    uint32_t wanted = below(m, count);
    for (uint32_t i = 0;; i++)
        if (m->states[i] == state && wanted-- == 0)
            return (int)i;
}

static int index_of(const model *m, const bhi_slot *slot)
{
    assert_true(slot >= m->slots && slot < m->slots + m->live_max);
    return (int)(slot - m->slots);
}

/* The grant that the model expects while something is free. */
static void expect_grant(model *m, bhi_grant grant)
{
    assert_false(m->is_closed); /* P8 */
    int slot = index_of(m, grant.slot);
    if (m->idle_count > 0) {
        assert_int_equal(grant.kind, BHI_GRANT_LEASE);
        assert_int_equal(slot, m->idle[--m->idle_count]); /* the last one returned */
        m->states[slot] = BHI_SLOT_LEASED;
        m->leases++;
        return;
    }
    assert_int_equal(grant.kind, BHI_GRANT_BUILD);
    assert_int_equal(m->states[slot], BHI_SLOT_EMPTY);
    m->states[slot] = BHI_SLOT_BUILDING;
    m->is_warm[slot] = false;
}

static int leave_queue(model *m, int place)
{
    int waiter = m->queue[place];
    memmove(&m->queue[place], &m->queue[place + 1], (--m->queue_count - place) * sizeof(int));
    return waiter;
}

/* After something became free. */
static void expect_effect(model *m, bhi_pool_effect effect)
{
    if (m->is_closed && m->idle_count > 0) {
        assert_int_equal(effect.kind, BHI_EFFECT_DESTROY);
        int slot = m->idle[--m->idle_count];
        assert_int_equal(index_of(m, effect.slot), slot);
        m->states[slot] = BHI_SLOT_CONDEMNED;
    } else if (!m->is_closed && m->queue_count > 0) {
        assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
        assert_int_equal(effect.status, BH_OK);
        assert_ptr_equal(effect.waiter, &m->waiters[leave_queue(m, 0)]); /* the oldest */
        expect_grant(m, effect.grant);
    } else {
        assert_int_equal(effect.kind, BHI_EFFECT_NONE);
    }
}

static void step_checkout(model *m)
{
    bhi_waiter *waiter = &m->waiters[below(m, WAITERS)];
    if (waiter->is_queued || below(m, 10) == 0)
        waiter = NULL;
    bhi_grant grant;
    bh_status status = bhi_pool_core_checkout(&m->core, waiter, &grant);
    if (m->is_closed) {
        assert_int_equal(status, BH_E_CLOSED);
    } else if (m->idle_count > 0 || count_of(m, BHI_SLOT_EMPTY) > 0) {
        assert_int_equal(status, BH_OK);
        expect_grant(m, grant);
    } else if (waiter == NULL || m->queue_count == (int)m->waiters_max) {
        assert_int_equal(status, BH_E_SATURATED);
    } else {
        assert_int_equal(status, BH_OK);
        assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
        assert_null(grant.slot);
        m->queue[m->queue_count++] = (int)(waiter - m->waiters);
    }
}

static void step_cancel(model *m)
{
    int waiter = (int)below(m, WAITERS);
    int place = 0;
    while (place < m->queue_count && m->queue[place] != waiter)
        place++;
    bool is_queued = place < m->queue_count;
    assert_int_equal(bhi_pool_core_cancel_wait(&m->core, &m->waiters[waiter]), is_queued);
    if (is_queued)
        leave_queue(m, place);
}

static void step_reserve_warm(model *m)
{
    bool is_wanted = !m->is_closed && m->live_max - count_of(m, BHI_SLOT_EMPTY) < m->min_idle;
    bhi_slot *slot = bhi_pool_core_reserve_warm(&m->core);
    assert_int_equal(slot != NULL, is_wanted);
    if (slot == NULL)
        return;
    assert_int_equal(m->states[index_of(m, slot)], BHI_SLOT_EMPTY);
    m->states[index_of(m, slot)] = BHI_SLOT_BUILDING;
    m->is_warm[index_of(m, slot)] = true;
}

static void step_end_build(model *m)
{
    int slot = random_slot(m, BHI_SLOT_BUILDING);
    if (slot < 0)
        return;
    uint32_t how = below(m, 6);
    if (how < 2) {
        m->states[slot] = BHI_SLOT_EMPTY;
        expect_effect(m, how == 0 ? bhi_pool_core_build_failed(&m->core, &m->slots[slot])
                                  : bhi_pool_core_decline(&m->core, &m->slots[slot]));
    } else if (m->is_warm[slot]) {
        m->states[slot] = BHI_SLOT_IDLE;
        m->idle[m->idle_count++] = slot;
        expect_effect(m, bhi_pool_core_built_idle(&m->core, &m->slots[slot], m));
    } else {
        m->states[slot] = BHI_SLOT_LEASED;
        m->leases++;
        bhi_pool_core_built(&m->core, &m->slots[slot], m);
    }
}

static void step_return(model *m)
{
    int slot = random_slot(m, BHI_SLOT_LEASED);
    if (slot < 0)
        return;
    m->ends++;
    bool is_condemned = below(m, 3) == 0;
    bhi_pool_effect effect = bhi_pool_core_return(&m->core, &m->slots[slot], is_condemned);
    if (is_condemned) {
        m->states[slot] = BHI_SLOT_CONDEMNED; /* P3: its slot serves nobody yet */
        assert_int_equal(effect.kind, BHI_EFFECT_DESTROY);
        assert_ptr_equal(effect.slot, &m->slots[slot]);
        return;
    }
    m->states[slot] = BHI_SLOT_IDLE;
    m->idle[m->idle_count++] = slot;
    expect_effect(m, effect);
}

static void step_destroyed(model *m)
{
    int slot = random_slot(m, BHI_SLOT_CONDEMNED);
    if (slot < 0)
        return;
    m->states[slot] = BHI_SLOT_EMPTY;
    expect_effect(m, bhi_pool_core_destroyed(&m->core, &m->slots[slot]));
}

static void close_all(model *m)
{
    m->is_closed = true;
    while (m->queue_count > 0) {
        bhi_pool_effect effect = bhi_pool_core_close(&m->core);
        assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
        assert_int_equal(effect.status, BH_E_CLOSED);
        assert_ptr_equal(effect.waiter, &m->waiters[leave_queue(m, 0)]);
    }
    expect_effect(m, bhi_pool_core_close(&m->core));
}

static void compare(model *m)
{
    bhi_pool_core_check(&m->core); /* P1, P2, P5 */
    bhi_pool_stats stats;
    bhi_pool_core_read_stats(&m->core, &stats);
    assert_int_equal(stats.live, m->live_max - count_of(m, BHI_SLOT_EMPTY));
    assert_int_equal(stats.building, count_of(m, BHI_SLOT_BUILDING));
    assert_int_equal(stats.idle, m->idle_count);
    assert_int_equal(stats.leased, count_of(m, BHI_SLOT_LEASED));
    assert_int_equal(stats.leased, m->leases - m->ends); /* P7 */
    assert_int_equal(stats.checkouts, m->leases);
    assert_int_equal(stats.waiting, m->queue_count);
    for (uint32_t i = 0; i < m->live_max; i++)
        assert_int_equal(m->slots[i].state, m->states[i]);
}

static void run_steps(model *m, int steps)
{
    static void (*const kinds[])(model *) = {step_checkout, step_checkout,     step_checkout,
                                             step_cancel,   step_reserve_warm, step_end_build,
                                             step_return,   step_return,       step_destroyed};
    for (int i = 0; i < steps; i++) {
        kinds[below(m, sizeof kinds / sizeof kinds[0])](m);
        compare(m);
    }
}

static void every_answer_is_the_models_P1_P2_P3_P5_P7_P8(void **state)
{
    static model m;
    uint64_t queued = 0, leases = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        begin_run(&m, seed);
        run_steps(&m, STEPS);
        queued += (uint64_t)m.queue_count;
        leases += m.leases;
        close_all(&m);
        compare(&m);
        while (bhi_pool_core_live(&m.core) > 0)
            run_steps(&m, 1);
        assert_int_equal(m.leases, m.ends); /* P7 */
    }
    assert_true(queued > 0 && leases > RUNS); /* the walk reached what it is for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_the_models_P1_P2_P3_P5_P7_P8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
