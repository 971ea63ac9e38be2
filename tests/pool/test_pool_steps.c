/* tests/pool/test_pool_steps.c - what a long queue costs, counted in steps along lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pool/pool_core.h"

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
    bhi_waiter holder = {.principal = bhi_bytes_of("holder")};
    bhi_grant grant;
    assert_int_equal(bhi_pool_core_try_checkout(&core, &holder, 1, &grant), BH_OK);
    bhi_pool_core_built(&core, grant.slot, &core);
    for (uint32_t i = 0; i < principals; i++)
        snprintf(texts[i], sizeof texts[i], "p%u", i);
    for (uint32_t i = 0; i < waiters; i++) {
        bhi_link_init(&queue[i].link);
        queue[i].principal = bhi_bytes_of(texts[i % principals]);
        assert_int_equal(bhi_pool_core_checkout(&core, &queue[i], 1, &grant), BH_OK);
    }
    for (uint32_t i = 0; i < waiters; i++) {
        bool is_lost = bhi_pool_core_return(&core, core.slots, BH_OUTCOME_RETURNED, false, 1);
        assert_false(is_lost);
        bhi_pool_effect effect = bhi_pool_core_next(&core, 1);
        assert_int_equal(effect.kind, BHI_EFFECT_ANSWER);
        assert_ptr_equal(effect.grant.slot, core.slots);
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
        cmocka_unit_test(enqueue_and_hand_over_take_as_many_list_steps_at_10000_as_at_100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
