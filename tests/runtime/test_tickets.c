/* tests/runtime/test_tickets.c - queues of tickets: order, limits, and chains that cross. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/tickets.h"

static bhi_ticket_wish wish_for(const char *capsule, const char *principal, size_t bytes)
{
    return (bhi_ticket_wish){.capsule = capsule,
                             .principal = bhi_bytes_of(principal),
                             .bytes = bytes,
                             .count_max = 3,
                             .bytes_max = 100};
}

static bool take(bhi_tickets *tickets, const char *capsule, size_t bytes, bhi_ticket *ticket)
{
    bhi_ticket_wish wish = wish_for(capsule, "alice", bytes);
    return bhi_tickets_take(tickets, &wish, ticket);
}

static void tickets_are_first_in_the_order_in_which_they_were_taken(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket all[3];
    for (int i = 0; i < 3; i++) {
        assert_true(take(&tickets, "a", 1, &all[i]));
        assert_int_equal(bhi_ticket_is_first(&all[i]), i == 0);
    }
    assert_null(bhi_tickets_leave(&tickets, &all[1])); /* it was not first */
    assert_null(bhi_tickets_leave(&tickets, &all[1])); /* it is of no queue any more */
    assert_ptr_equal(bhi_tickets_leave(&tickets, &all[0]), &all[2]);
    assert_null(bhi_tickets_leave(&tickets, &all[2]));
    assert_null(tickets.queues); /* empty queues are not kept */
}

static void a_queue_has_so_many_tickets_and_not_one_more(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket all[4], other;
    for (int i = 0; i < 3; i++)
        assert_true(take(&tickets, "a", 1, &all[i]));
    assert_false(take(&tickets, "a", 1, &all[3]));
    assert_true(take(&tickets, "b", 1, &other)); /* another queue */
    bhi_tickets_leave(&tickets, &all[2]);
    assert_true(take(&tickets, "a", 1, &all[3]));
    bhi_tickets_leave(&tickets, &all[0]);
    bhi_tickets_leave(&tickets, &all[1]);
    bhi_tickets_leave(&tickets, &all[3]);
    bhi_tickets_leave(&tickets, &other);
    assert_null(tickets.queues);
}

static void a_ticket_may_grow_into_what_is_left_and_shrink(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket one, other;
    assert_true(take(&tickets, "a", 40, &one));
    assert_true(take(&tickets, "a", 10, &other));
    assert_true(bhi_tickets_resize(&one, 90, 100));
    assert_false(bhi_tickets_resize(&one, 91, 100));
    assert_false(bhi_tickets_resize(&other, SIZE_MAX, 100));
    assert_int_equal(one.bytes, 90);
    assert_true(bhi_tickets_resize(&one, 80, 50)); /* less than before, if more than is allowed */
    assert_true(bhi_tickets_resize(&other, 20, 100));
    bhi_tickets_leave(&tickets, &one);
    assert_true(bhi_tickets_resize(&other, 100, 100));
    bhi_tickets_leave(&tickets, &other);
    assert_null(tickets.queues);
}

static void a_queue_has_so_many_bytes_and_not_one_more(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket first, second, third;
    assert_true(take(&tickets, "a", 60, &first));
    assert_false(take(&tickets, "a", 41, &second));
    assert_true(take(&tickets, "a", 40, &second));
    assert_false(take(&tickets, "a", 1, &third));
    bhi_tickets_leave(&tickets, &first);
    assert_true(take(&tickets, "a", 60, &third));
    bhi_tickets_leave(&tickets, &second);
    bhi_tickets_leave(&tickets, &third);
    assert_null(tickets.queues);
}

static void a_limit_may_shrink_below_what_a_queue_holds(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket held, other;
    assert_true(take(&tickets, "a", 10, &held));
    bhi_ticket_wish wish = wish_for("a", "alice", 1);
    wish.bytes_max = 9;
    assert_false(bhi_tickets_have_room(&tickets, &wish));
    assert_false(bhi_tickets_take(&tickets, &wish, &other));
    wish.bytes_max = 11;
    wish.count_max = 0;
    assert_false(bhi_tickets_have_room(&tickets, &wish));
    assert_false(bhi_tickets_take(&tickets, &wish, &other));
    wish.count_max = 2;
    assert_true(bhi_tickets_have_room(&tickets, &wish));
    assert_true(bhi_tickets_take(&tickets, &wish, &other));
    bhi_tickets_leave(&tickets, &held);
    bhi_tickets_leave(&tickets, &other);
    assert_null(tickets.queues);
}

static void a_principal_s_account_is_no_capsule_of_that_name(void **state)
{
    bhi_tickets tickets = {0};
    bhi_ticket account, queue;
    bhi_ticket_wish wish = wish_for("", "alice", 1);
    assert_true(bhi_tickets_take(&tickets, &wish, &account));
    wish = wish_for("alice", "", 1);
    assert_true(bhi_tickets_take(&tickets, &wish, &queue));
    assert_true(bhi_ticket_is_first(&account) && bhi_ticket_is_first(&queue));
    bhi_tickets_leave(&tickets, &account);
    bhi_tickets_leave(&tickets, &queue);
    assert_null(tickets.queues);
}

/* D2: chains over any queues in any order; each goes on with the step that it has come to when its
 * ticket there is first. Some chain always can. */
enum { CHAINS = 60, STEPS = 4, QUEUES = 5 };

typedef struct chain {
    bhi_ticket tickets[STEPS];
    size_t at;
} chain;

static bool go_on(bhi_tickets *tickets, chain *one)
{
    if (one->at == STEPS || !bhi_ticket_is_first(&one->tickets[one->at]))
        return false;
    bhi_tickets_leave(tickets, &one->tickets[one->at++]);
    return true;
}

static void chains_over_any_queues_in_any_order_all_end_D2(void **state)
{
    static const char *const names[QUEUES] = {"a", "b", "c", "d", "e"};
    static chain chains[CHAINS];
    srand(1);
    for (int round = 0; round < 200; round++) {
        bhi_tickets tickets = {0};
        memset(chains, 0, sizeof chains);
        for (int i = 0; i < CHAINS * STEPS; i++) {
            bhi_ticket_wish wish = {
                .capsule = names[rand() % QUEUES], .bytes_max = 1, .count_max = CHAINS * STEPS};
            assert_true(bhi_tickets_take(&tickets, &wish, &chains[i / STEPS].tickets[i % STEPS]));
        }
        for (int left = CHAINS * STEPS; left > 0;) {
            int moved = 0, start = rand();
            for (int i = 0; i < CHAINS; i++)
                moved += go_on(&tickets, &chains[(unsigned)(start + i) % CHAINS]);
            assert_true(moved > 0);
            left -= moved;
        }
        assert_null(tickets.queues);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_are_first_in_the_order_in_which_they_were_taken),
        cmocka_unit_test(a_queue_has_so_many_tickets_and_not_one_more),
        cmocka_unit_test(a_ticket_may_grow_into_what_is_left_and_shrink),
        cmocka_unit_test(a_queue_has_so_many_bytes_and_not_one_more),
        cmocka_unit_test(a_limit_may_shrink_below_what_a_queue_holds),
        cmocka_unit_test(a_principal_s_account_is_no_capsule_of_that_name),
        cmocka_unit_test(chains_over_any_queues_in_any_order_all_end_D2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
