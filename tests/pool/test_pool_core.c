/* tests/pool/test_pool_core.c - the pool's decisions against a model, in seeded random steps.
 *
 * The model keeps a stack of idle slots, a queue of waiters for each principal, the line of the
 * principals and the state of each slot, and says what every call must answer. Destroying is a step
 * of its own, so other calls come in between as they do from other threads.
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

enum { SLOTS_MOST = 6, WAITERS = 8, PRINCIPALS = 4, RUNS = 300, STEPS = 400 };

static const char *const names[PRINCIPALS] = {
    "", "ada", "grace-hopper", "a-name-of-sixty-four-byte-which-is-the-most-a-principal-can-have"};

typedef struct model_principal {
    int queue[WAITERS], queue_count;
    uint32_t weight, held, left; /* left: grants of its turn, once it has begun */
} model_principal;

typedef struct model {
    bhi_pool_core core;
    bhi_slot *slots;
    void *memory;
    bhi_waiter waiters[WAITERS];
    uint64_t random;

    uint32_t live_max, min_idle, waiters_max, cap;
    bhi_slot_state states[SLOTS_MOST];
    int holders[SLOTS_MOST];  /* a principal, or -1 */
    bool is_warm[SLOTS_MOST]; /* a building slot that will be idle */
    int idle[SLOTS_MOST], idle_count;
    model_principal principals[PRINCIPALS];
    int turns[PRINCIPALS], turns_count;   /* who may be served, in order */
    int capped[PRINCIPALS], capped_count; /* who waits for itself */
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
    m->cap = below(m, 4);
    bhi_pool_options options = {.live_max = m->live_max,
                                .min_idle = m->min_idle,
                                .waiters_max = m->waiters_max,
                                .principal_leases_max = m->cap};
    m->memory = calloc(1, bhi_pool_core_memory_bytes(&options));
    assert_non_null(m->memory);
    bhi_pool_core_init(&m->core, &options, m->random, m->memory);
    m->slots = m->core.slots;
    for (int i = 0; i < WAITERS; i++)
        bhi_link_init(&m->waiters[i].link);
    for (int i = 0; i < SLOTS_MOST; i++)
        m->holders[i] = -1;
    for (int i = 0; i < PRINCIPALS; i++)
        m->principals[i].weight = 1 + below(m, 3);
}

static bool is_at_cap(const model *m, int principal)
{
    return m->cap != 0 && m->principals[principal].held >= m->cap;
}

static void take_out(int *list, int *count, int value)
{
    for (int i = 0; i < *count; i++) {
        if (list[i] != value)
            continue;
        memmove(&list[i], &list[i + 1], (size_t)(--*count - i) * sizeof list[0]);
        return;
    }
}

/* To the end of the line it belongs in. */
static void line_up(model *m, int principal)
{
    take_out(m->turns, &m->turns_count, principal);
    take_out(m->capped, &m->capped_count, principal);
    m->principals[principal].left = 0;
    if (m->principals[principal].queue_count == 0)
        return;
    if (is_at_cap(m, principal))
        m->capped[m->capped_count++] = principal;
    else
        m->turns[m->turns_count++] = principal;
}

static uint32_t waiting(const model *m)
{
    uint32_t count = 0;
    for (int i = 0; i < PRINCIPALS; i++)
        count += (uint32_t)m->principals[i].queue_count;
    return count;
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

/* The slot is free again. */
static void end_hold(model *m, int slot)
{
    int holder = m->holders[slot];
    m->holders[slot] = -1;
    if (holder < 0)
        return;
    bool was_at_cap = is_at_cap(m, holder);
    m->principals[holder].held--;
    if (was_at_cap)
        line_up(m, holder);
}

/* The grant that the model expects while something is free. */
static void expect_grant(model *m, int principal, bhi_grant grant)
{
    assert_false(is_at_cap(m, principal)); /* P9 */
    m->principals[principal].held++;
    m->holders[index_of(m, grant.slot)] = principal;
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

static void leave_queue(model *m, int principal, int waiter)
{
    model_principal *p = &m->principals[principal];
    take_out(p->queue, &p->queue_count, waiter);
    if (p->queue_count == 0)
        line_up(m, principal);
}

/* The one whose turn it is; its oldest waiter. */
static void expect_served(model *m, bhi_pool_effect effect)
{
    int principal = m->turns[0];
    model_principal *p = &m->principals[principal];
    p->left = p->left == 0 ? p->weight : p->left;
    p->left--;
    assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
    assert_int_equal(effect.status, BH_OK);
    assert_ptr_equal(effect.waiter, &m->waiters[p->queue[0]]);
    leave_queue(m, principal, p->queue[0]);
    expect_grant(m, principal, effect.grant);
    if (p->left == 0 || is_at_cap(m, principal))
        line_up(m, principal);
}

/* After something became free. */
static void expect_effect(model *m, bhi_pool_effect effect)
{
    if (m->is_closed && m->idle_count > 0) {
        assert_int_equal(effect.kind, BHI_EFFECT_DESTROY);
        int slot = m->idle[--m->idle_count];
        assert_int_equal(index_of(m, effect.slot), slot);
        m->states[slot] = BHI_SLOT_CONDEMNED;
    } else if (!m->is_closed && m->turns_count > 0) {
        expect_served(m, effect);
    } else {
        assert_int_equal(effect.kind, BHI_EFFECT_NONE);
    }
}

static bool is_free(const model *m)
{
    return m->idle_count > 0 || count_of(m, BHI_SLOT_EMPTY) > 0;
}

static void step_try_checkout(model *m)
{
    int principal = (int)below(m, PRINCIPALS);
    bhi_grant grant;
    bh_status status = bhi_pool_core_try_checkout(&m->core, bhi_bytes_of(names[principal]), &grant);
    bh_status expected = m->is_closed              ? BH_E_CLOSED
                         : is_at_cap(m, principal) ? BH_E_LIMIT
                         : is_free(m)              ? BH_OK
                                                   : BH_E_SATURATED;
    assert_int_equal(status, expected);
    if (status == BH_OK)
        expect_grant(m, principal, grant);
}

static void step_checkout(model *m)
{
    bhi_waiter *waiter = &m->waiters[below(m, WAITERS)];
    if (waiter->is_queued)
        return;
    int principal = (int)below(m, PRINCIPALS);
    model_principal *p = &m->principals[principal];
    waiter->principal = bhi_bytes_of(names[principal]);
    waiter->weight = p->weight == 1 ? below(m, 2) : p->weight; /* 0 is 1 */
    bhi_grant grant;
    bh_status status = bhi_pool_core_checkout(&m->core, waiter, &grant);
    if (m->is_closed) {
        assert_int_equal(status, BH_E_CLOSED);
    } else if (is_free(m) && !is_at_cap(m, principal)) {
        assert_int_equal(status, BH_OK);
        expect_grant(m, principal, grant);
    } else if (waiting(m) == m->waiters_max) {
        assert_int_equal(status, BH_E_SATURATED);
    } else {
        assert_int_equal(status, BH_OK);
        assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
        assert_null(grant.slot);
        p->queue[p->queue_count++] = (int)(waiter - m->waiters);
        if (p->queue_count == 1)
            line_up(m, principal);
    }
}

static void step_cancel(model *m)
{
    int waiter = (int)below(m, WAITERS);
    int principal = -1;
    for (int i = 0; i < PRINCIPALS; i++)
        for (int place = 0; place < m->principals[i].queue_count; place++)
            if (m->principals[i].queue[place] == waiter)
                principal = i;
    assert_int_equal(bhi_pool_core_cancel_wait(&m->core, &m->waiters[waiter], BH_E_CANCELLED),
                     principal >= 0);
    if (principal >= 0)
        leave_queue(m, principal, waiter);
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
        end_hold(m, slot);
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
    end_hold(m, slot);
    expect_effect(m, effect);
}

static void step_destroyed(model *m)
{
    int slot = random_slot(m, BHI_SLOT_CONDEMNED);
    if (slot < 0)
        return;
    m->states[slot] = BHI_SLOT_EMPTY;
    end_hold(m, slot);
    expect_effect(m, bhi_pool_core_destroyed(&m->core, &m->slots[slot]));
}

static void close_all(model *m)
{
    m->is_closed = true;
    while (m->turns_count + m->capped_count > 0) {
        int principal = m->turns_count > 0 ? m->turns[0] : m->capped[0];
        int waiter = m->principals[principal].queue[0];
        bhi_pool_effect effect = bhi_pool_core_close(&m->core);
        assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
        assert_int_equal(effect.status, BH_E_CLOSED);
        assert_ptr_equal(effect.waiter, &m->waiters[waiter]);
        leave_queue(m, principal, waiter);
    }
    expect_effect(m, bhi_pool_core_close(&m->core));
}

static void compare(model *m)
{
    bhi_pool_core_check(&m->core); /* P1, P2, P5, P9 */
    bhi_pool_stats stats;
    bhi_pool_core_read_stats(&m->core, &stats);
    assert_int_equal(stats.live, m->live_max - count_of(m, BHI_SLOT_EMPTY));
    assert_int_equal(stats.building, count_of(m, BHI_SLOT_BUILDING));
    assert_int_equal(stats.idle, m->idle_count);
    assert_int_equal(stats.leased, count_of(m, BHI_SLOT_LEASED));
    assert_int_equal(stats.leased, m->leases - m->ends); /* P7 */
    assert_int_equal(stats.checkouts, m->leases);
    assert_int_equal(stats.waiting, waiting(m));
    for (uint32_t i = 0; i < m->live_max; i++)
        assert_int_equal(m->slots[i].state, m->states[i]);
}

static void run_steps(model *m, int steps)
{
    static void (*const kinds[])(model *) = {
        step_checkout,     step_checkout,  step_try_checkout, step_checkout, step_cancel,
        step_reserve_warm, step_end_build, step_return,       step_return,   step_destroyed};
    for (int i = 0; i < steps; i++) {
        kinds[below(m, sizeof kinds / sizeof kinds[0])](m);
        compare(m);
    }
}

static void every_answer_is_the_models_P1_P2_P3_P5_P7_P8_P9(void **state)
{
    static model m;
    uint64_t queued = 0, capped = 0, leases = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        begin_run(&m, seed);
        run_steps(&m, STEPS);
        queued += waiting(&m);
        capped += (uint64_t)m.capped_count;
        leases += m.leases;
        close_all(&m);
        compare(&m);
        while (bhi_pool_core_live(&m.core) > 0)
            run_steps(&m, 1);
        assert_int_equal(m.leases, m.ends);        /* P7 */
        assert_true(m.core.principals.count <= 1); /* the last one is kept */
        free(m.memory);
    }
    assert_true(queued > 0 && capped > 0 && leases > RUNS); /* the walk reached what it is for */
}

/* List steps per call with `waiters` in the queue of `principals`: enqueue, then hand over. */
static double steps_per_call(uint32_t waiters, uint32_t principals)
{
    bhi_pool_options options = {.live_max = 1, .waiters_max = waiters};
    void *memory = calloc(1, bhi_pool_core_memory_bytes(&options));
    bhi_waiter *queue = calloc(waiters, sizeof *queue);
    char(*texts)[12] = calloc(principals, sizeof *texts);
    assert_true(memory != NULL && queue != NULL && texts != NULL);
    bhi_pool_core core;
    bhi_pool_core_init(&core, &options, 0x5eed, memory);
    bhi_grant grant;
    assert_int_equal(bhi_pool_core_try_checkout(&core, bhi_bytes_of("holder"), &grant), BH_OK);
    bhi_pool_core_built(&core, grant.slot, &core);
    for (uint32_t i = 0; i < principals; i++)
        snprintf(texts[i], sizeof texts[i], "p%u", i);
    for (uint32_t i = 0; i < waiters; i++) {
        bhi_link_init(&queue[i].link);
        queue[i].principal = bhi_bytes_of(texts[i % principals]);
        assert_int_equal(bhi_pool_core_checkout(&core, &queue[i], &grant), BH_OK);
    }
    for (uint32_t i = 0; i < waiters; i++) {
        bhi_pool_effect effect = bhi_pool_core_return(&core, &core.slots[0], false);
        assert_ptr_equal(effect.waiter, &queue[i]); /* one of each in turn, oldest first */
    }
    double steps = (double)core.principals.steps / (2.0 * waiters);
    free(memory);
    free(queue);
    free(texts);
    return steps;
}

static void enqueue_and_hand_over_take_as_many_list_steps_at_10000_as_at_100(void **state)
{
    double few = steps_per_call(100, 10), many = steps_per_call(10000, 1000);
    assert_true(few < 1.5 && many < 1.5);
    assert_true(many < few * 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_the_models_P1_P2_P3_P5_P7_P8_P9),
        cmocka_unit_test(enqueue_and_hand_over_take_as_many_list_steps_at_10000_as_at_100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
