/* tests/pool/test_pool_core.c - the pool's decisions against a model, in seeded random steps.
 *
 * The model keeps a stack of idle slots and whose state each has, a queue of waiters for each
 * principal, the place of each principal in the line, and how builds are held back after failures;
 * it says what every call must answer and what is to be done next. Destroying is a step of its own,
 * so other calls come in between as they do from other threads. The breaker, the ceiling and chains
 * have tests of their own; here they are off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pool_model.h"

enum { RUNS = 600, STEPS = 400 };

/* What the walks reached. */
static uint64_t seen_lingering, seen_capped, seen_restores, seen_back_off, seen_ahead, seen_served;

/* ---- what the model expects ---- */

static void end_hold(model *m, int slot)
{
    int holder = m->model_slots[slot].holder;
    m->model_slots[slot].holder = NOBODY;
    if (holder < 0)
        return;
    bool was_capped = m->principals[holder].place == BHI_PLACE_CAPPED;
    m->principals[holder].held--;
    if (was_capped)
        model_begin_turn(m, holder);
}

static void begin_lease(model *m, int slot)
{
    m->model_slots[slot].state = BHI_SLOT_LEASED;
    m->leases++;
}

static void expect_idle(model *m, int principal, bhi_grant grant)
{
    int slot = m->options.is_affine ? model_newest_kept(m, principal) : NOBODY;
    slot = slot < 0 ? model_newest_kept(m, NOBODY) : slot;
    bhi_grant_kind kind = slot < 0 ? BHI_GRANT_RESTORE : BHI_GRANT_LEASE; /* P4 */
    slot = slot < 0 ? model_coldest(m) : slot;
    assert_int_equal(grant.kind, kind);
    assert_int_equal(model_index_of(m, grant.slot), slot);
    if (kind == BHI_GRANT_LEASE)
        begin_lease(m, slot);
    else
        m->model_slots[slot].state = BHI_SLOT_RESTORING;
    seen_restores += kind == BHI_GRANT_RESTORE;
    m->model_slots[slot].keeper = NOBODY;
}

static void expect_grant(model *m, int principal, bhi_grant grant)
{
    assert_false(model_is_at_cap(m, principal)); /* P9 */
    assert_false(m->is_closed);                  /* P8 */
    if (model_count_of(m, BHI_SLOT_IDLE) > 0) {
        expect_idle(m, principal, grant);
    } else {
        assert_int_equal(grant.kind, BHI_GRANT_BUILD);
        assert_int_equal(m->model_slots[model_index_of(m, grant.slot)].state, BHI_SLOT_EMPTY);
        m->model_slots[model_index_of(m, grant.slot)].state = BHI_SLOT_BUILDING;
    }
    m->principals[principal].held++;
    m->model_slots[model_index_of(m, grant.slot)].holder = principal;
}

/* The one whose turn it is; its oldest waiter. */
static void expect_served(model *m, bhi_pool_effect effect)
{
    int principal = model_whose_turn(m);
    model_principal *p = &m->principals[principal];
    assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
    assert_int_equal(effect.status, BH_OK);
    assert_ptr_equal(effect.waiter, &m->waiters[p->queue[0]]);
    expect_grant(m, principal, effect.grant);
    model_leave_queue(m, principal, 0);
    seen_served++;
    p->credit--;
    if (p->queue_count == 0 || p->credit == 0)
        model_begin_turn(m, principal);
    if (p->queue_count > 0 && model_is_at_cap(m, principal))
        model_go_to(m, principal, BHI_PLACE_CAPPED);
    model_forget_lingering(m);
}

static void expect_closing(model *m, bhi_pool_effect effect)
{
    int idle = model_coldest(m);
    if (model_waiting(m, true) > 0) {
        assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
        assert_int_equal(effect.status, BH_E_CLOSED);
        for (int i = 0; i < PRINCIPALS; i++)
            if (m->principals[i].queue_count > 0 &&
                effect.waiter == &m->waiters[m->principals[i].queue[0]]) {
                model_leave_queue(m, i, 0);
                return;
            }
        fail(); /* P9: not the oldest of a principal */
    } else if (idle >= 0) {
        assert_int_equal(effect.kind, BHI_EFFECT_DESTROY);
        assert_int_equal(model_index_of(m, effect.slot), idle);
        m->model_slots[idle].state = BHI_SLOT_CONDEMNED;
        m->model_slots[idle].keeper = NOBODY;
    } else {
        assert_int_equal(effect.kind, BHI_EFFECT_NONE);
    }
}

static bool is_idle_or_coming(const model *m)
{
    for (uint32_t i = 0; i < m->options.live_max; i++)
        if (m->model_slots[i].state == BHI_SLOT_IDLE || m->model_slots[i].is_ahead)
            return true;
    return false;
}

static void expect_ahead(model *m, bhi_pool_effect effect)
{
    bool is_wanted =
        m->owes_ahead && !is_idle_or_coming(m) && model_count_of(m, BHI_SLOT_EMPTY) > 0;
    m->owes_ahead =
        m->owes_ahead && !is_idle_or_coming(m) && model_count_of(m, BHI_SLOT_EMPTY) == 0;
    if (!is_wanted || !model_may_build(m)) {
        assert_int_equal(effect.kind, BHI_EFFECT_NONE);
        return;
    }
    assert_int_equal(effect.kind, BHI_EFFECT_BUILD);
    model_slot *s = &m->model_slots[model_index_of(m, effect.slot)];
    assert_int_equal(s->state, BHI_SLOT_EMPTY);
    s->state = BHI_SLOT_BUILDING;
    s->is_ahead = true;
    seen_ahead++;
}

/* Do what the core asks for until it asks for nothing. */
static void settle(model *m)
{
    bhi_pool_effect effect;
    do {
        effect = bhi_pool_core_next(&m->core, m->now_ns);
        if (m->is_closed)
            expect_closing(m, effect);
        else if (model_waiting(m, false) > 0 && model_is_free(m))
            expect_served(m, effect);
        else if (model_waiting(m, false) == 0)
            expect_ahead(m, effect);
        else
            assert_int_equal(effect.kind, BHI_EFFECT_NONE);
    } while (effect.kind != BHI_EFFECT_NONE);
}

/* ---- steps ---- */

static bh_status refusal_of_try(const model *m, int principal)
{
    if (m->is_closed)
        return BH_E_CLOSED;
    if (model_is_at_cap(m, principal))
        return BH_E_OVER_CAP;
    if (model_waiting(m, false) == 0 && model_is_free(m))
        return BH_OK;
    bool is_backing_off = m->failures != 0 && m->now_ns < m->build_from_ns;
    return model_count_of(m, BHI_SLOT_EMPTY) > 0 && is_backing_off ? BH_E_BUILD : BH_E_SATURATED;
}

static bhi_waiter *set_up_waiter(model *m, int waiter, int principal)
{
    uint32_t weight = m->principals[principal].weight;
    m->waiters[waiter].principal = bhi_bytes_of(model_names[principal]);
    m->waiters[waiter].weight = weight == 1 ? model_below(m, 2) : weight; /* 0 is 1 */
    return &m->waiters[waiter];
}

static void step_try_checkout(model *m)
{
    int waiter = (int)model_below(m, WAITERS), principal = (int)model_below(m, PRINCIPALS);
    if (m->waiters[waiter].is_queued)
        return;
    bhi_grant grant;
    bh_status status = bhi_pool_core_try_checkout(&m->core, set_up_waiter(m, waiter, principal),
                                                  m->now_ns, &grant);
    assert_int_equal(status, refusal_of_try(m, principal));
    if (status == BH_OK)
        expect_grant(m, principal, grant);
}

static void step_checkout(model *m)
{
    int waiter = (int)model_below(m, WAITERS), principal = (int)model_below(m, PRINCIPALS);
    if (m->waiters[waiter].is_queued)
        return;
    bhi_grant grant;
    bh_status status =
        bhi_pool_core_checkout(&m->core, set_up_waiter(m, waiter, principal), m->now_ns, &grant);
    if (m->is_closed) {
        assert_int_equal(status, BH_E_CLOSED);
    } else if (model_waiting(m, false) == 0 && model_is_free(m) && !model_is_at_cap(m, principal)) {
        assert_int_equal(status, BH_OK);
        expect_grant(m, principal, grant);
    } else if (model_waiting(m, true) == m->options.waiters_max) {
        assert_int_equal(status, BH_E_SATURATED);
    } else {
        assert_int_equal(status, BH_OK);
        assert_int_equal(grant.kind, BHI_GRANT_QUEUED);
        assert_null(grant.slot);
        model_line_up(m, waiter, principal);
    }
}

static void step_cancel(model *m)
{
    int waiter = (int)model_below(m, WAITERS), principal = NOBODY, place = 0;
    for (int i = 0; i < PRINCIPALS; i++)
        for (int at = 0; at < m->principals[i].queue_count; at++)
            if (m->principals[i].queue[at] == waiter) {
                principal = i;
                place = at;
            }
    assert_int_equal(bhi_pool_core_cancel_wait(&m->core, &m->waiters[waiter], BH_E_CANCELLED),
                     principal >= 0);
    if (principal < 0)
        return;
    model_leave_queue(m, principal, place);
    model_principal *p = &m->principals[principal];
    if (p->queue_count == 0 && p->place != BHI_PLACE_OLD)
        model_leave_line(p);
    model_forget_lingering(m);
}

static void step_reserve_warm(model *m)
{
    bool is_wanted = !m->is_closed && model_may_build(m) &&
                     m->options.live_max - model_count_of(m, BHI_SLOT_EMPTY) < m->options.min_idle;
    bhi_slot *slot = bhi_pool_core_reserve_warm(&m->core, m->now_ns);
    assert_int_equal(slot != NULL, is_wanted);
    if (slot == NULL)
        return;
    model_slot *s = &m->model_slots[model_index_of(m, slot)];
    assert_int_equal(s->state, BHI_SLOT_EMPTY);
    s->state = BHI_SLOT_BUILDING;
    s->is_ahead = true;
}

static void fail_build(model *m)
{
    if (m->failures != 0 && m->now_ns < m->build_from_ns)
        return; /* those that fail side by side are one failure */
    uint64_t delay_ns = BHI_BACKOFF_FIRST_NS;
    for (uint32_t i = 2; i <= m->failures && delay_ns < BHI_BACKOFF_MOST_NS; i++)
        delay_ns *= 2;
    if (m->failures++ > 0) {
        m->build_from_ns =
            m->now_ns + (delay_ns < BHI_BACKOFF_MOST_NS ? delay_ns : BHI_BACKOFF_MOST_NS);
        seen_back_off++;
    }
}

static void make_idle(model *m, int slot, int keeper)
{
    m->model_slots[slot].state = BHI_SLOT_IDLE;
    m->model_slots[slot].keeper = m->options.is_affine ? keeper : NOBODY;
    m->model_slots[slot].rank = m->next_rank++;
    end_hold(m, slot);
}

static void step_end_build(model *m)
{
    int slot =
        model_random_slot(m, model_below(m, 3) == 0 ? BHI_SLOT_RESTORING : BHI_SLOT_BUILDING);
    if (slot < 0)
        return;
    model_slot *s = &m->model_slots[slot];
    uint32_t how = model_below(m, 5);
    if (how < 2) {
        if (how == 0) {
            fail_build(m);
            bhi_pool_core_build_failed(&m->core, &m->slots[slot], m->now_ns);
        } else {
            bhi_pool_core_decline(&m->core, &m->slots[slot]);
        }
        s->state = BHI_SLOT_EMPTY;
        s->is_ahead = false;
        end_hold(m, slot);
        return;
    }
    if (how == 2 && s->state == BHI_SLOT_RESTORING) {
        bhi_pool_core_restored(&m->core, &m->slots[slot]);
        begin_lease(m, slot);
        return;
    }
    m->failures = 0;
    m->build_from_ns = 0;
    if (s->is_ahead || (how == 2 && s->state == BHI_SLOT_BUILDING)) {
        bhi_pool_core_built_idle(&m->core, &m->slots[slot], m, m->now_ns);
        s->is_ahead = false;
        make_idle(m, slot, NOBODY);
    } else {
        bhi_pool_core_built(&m->core, &m->slots[slot], m);
        begin_lease(m, slot);
    }
}

static void step_return(model *m)
{
    static const bh_outcome outcomes[] = {BH_OUTCOME_RETURNED, BH_OUTCOME_RETURNED,
                                          BH_OUTCOME_REFUSED, BH_OUTCOME_TRAPPED,
                                          BH_OUTCOME_CANCELLED};
    int slot = model_random_slot(m, BHI_SLOT_LEASED);
    if (slot < 0)
        return;
    m->ends++;
    bh_outcome outcome = outcomes[model_below(m, sizeof outcomes / sizeof outcomes[0])];
    bool is_spent = model_below(m, 10) == 0;
    bool is_lost = is_spent || !bh_outcome_is_clean(outcome);
    assert_int_equal(bhi_pool_core_return(&m->core, &m->slots[slot], outcome, is_spent, m->now_ns),
                     is_lost);
    if (!is_lost) {
        make_idle(m, slot, m->model_slots[slot].holder);
        return;
    }
    m->model_slots[slot].state = BHI_SLOT_CONDEMNED; /* P3: its slot serves nobody yet */
    m->owes_ahead = m->options.build_ahead_cb != NULL;
}

static void step_destroyed(model *m)
{
    int slot = model_random_slot(m, BHI_SLOT_CONDEMNED);
    if (slot < 0)
        return;
    bhi_pool_core_destroyed(&m->core, &m->slots[slot]);
    m->model_slots[slot].state = BHI_SLOT_EMPTY;
    end_hold(m, slot);
}

static void step_evict(model *m)
{
    uint32_t leave = model_below(m, 3);
    int expected = model_count_of(m, BHI_SLOT_IDLE) > leave ? model_coldest(m) : NOBODY;
    bhi_slot *slot = bhi_pool_core_evict(&m->core, leave, m->now_ns);
    assert_int_equal(slot == NULL ? NOBODY : model_index_of(m, slot), expected);
    if (slot == NULL)
        return;
    m->model_slots[expected].state = BHI_SLOT_CONDEMNED;
    m->model_slots[expected].keeper = NOBODY;
}

static void step_time(model *m)
{
    m->now_ns += BHI_BACKOFF_FIRST_NS / 4 + (uint64_t)model_below(m, 1000);
}

/* ---- the walk ---- */

static void compare(model *m)
{
    bhi_pool_core_check(&m->core, m->now_ns); /* P1, P2, P4, P5, P9 */
    bhi_pool_stats stats;
    bhi_pool_core_read_stats(&m->core, &stats);
    assert_int_equal(stats.live, m->options.live_max - model_count_of(m, BHI_SLOT_EMPTY));
    assert_int_equal(stats.building, model_count_of(m, BHI_SLOT_BUILDING));
    assert_int_equal(stats.restoring, model_count_of(m, BHI_SLOT_RESTORING));
    assert_int_equal(stats.idle, model_count_of(m, BHI_SLOT_IDLE));
    assert_int_equal(stats.leased, model_count_of(m, BHI_SLOT_LEASED));
    assert_int_equal(stats.leased, m->leases - m->ends); /* P7 */
    assert_int_equal(stats.leases, m->leases);
    assert_int_equal(stats.waiting, model_waiting(m, true));
    for (uint32_t i = 0; i < m->options.live_max; i++)
        assert_int_equal(m->slots[i].state, m->model_slots[i].state);
}

static void run_steps(model *m, int steps)
{
    static void (*const kinds[])(model *) = {
        step_checkout,  step_checkout,  step_try_checkout, step_checkout, step_cancel,
        step_end_build, step_end_build, step_reserve_warm, step_return,   step_return,
        step_destroyed, step_evict,     step_time};
    for (int i = 0; i < steps; i++) {
        kinds[model_below(m, sizeof kinds / sizeof kinds[0])](m);
        settle(m);
        compare(m);
    }
}

static void every_answer_is_the_models_P1_P2_P3_P4_P5_P7_P8_P9(void **state)
{
    static model m;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        model_begin_run(&m, seed);
        run_steps(&m, STEPS);
        for (int i = 0; i < PRINCIPALS; i++)
            seen_capped += m.principals[i].place == BHI_PLACE_CAPPED;
        bhi_pool_core_close(&m.core);
        m.is_closed = true;
        m.owes_ahead = false;
        settle(&m);
        compare(&m);
        while (bhi_pool_core_live(&m.core) > 0)
            run_steps(&m, 1);
        assert_int_equal(m.leases, m.ends);        /* P7 */
        assert_true(m.core.principals.count <= 1); /* the last one is kept */
        seen_lingering += m.returners;
        free(m.memory);
    }
    /* The walk reached what it is for. */
    assert_true(seen_served > RUNS && seen_capped > RUNS / 10 && seen_lingering > RUNS);
    assert_true(seen_restores > RUNS && seen_back_off > RUNS && seen_ahead > RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_the_models_P1_P2_P3_P4_P5_P7_P8_P9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
