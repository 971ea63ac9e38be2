/* Who may use a thread for files: turns of principals, begun on a worker without a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/fs_turns.h"

typedef struct named_turn {
    bhi_fs_turn turn;
    char name[8];
} named_turn;

static bhi_worker *worker;
static named_turn turns[16];
static int turns_count;
static char begun[128];

static void begin_cb(bhi_fs_turn *turn)
{
    strcat(begun, ((named_turn *)turn)->name);
    strcat(begun, " ");
}

static int open_turns(void **state)
{
    turns_count = 0;
    begun[0] = 0;
    return bhi_worker_create(&worker, NULL) == BH_OK ? 0 : -1;
}

static int close_turns(void **state)
{
    bhi_worker_destroy(worker);
    return 0;
}

static named_turn *take(const char *principal, int number)
{
    named_turn *taken = &turns[turns_count++];
    *taken = (named_turn){.turn = {begin_cb, worker, principal}};
    snprintf(taken->name, sizeof taken->name, "%c%d", principal[0], number);
    bhi_fs_turn_take(&taken->turn);
    return taken;
}

static void leave(named_turn *turn)
{
    bhi_fs_turn_leave(&turn->turn);
    bhi_worker_turn(worker, false);
    bhi_worker_turn(worker, false);
}

static void expect_begun(const char *expected)
{
    assert_string_equal(begun, expected);
}

static void a_principal_has_two_turns_and_others_need_not_wait(void **state)
{
    named_turn *a[4], *b;
    for (int i = 0; i < 4; i++)
        a[i] = take("alice", i);
    b = take("bob", 0);
    expect_begun("a0 a1 b0 ");
    leave(a[1]);
    expect_begun("a0 a1 b0 a2 ");
    leave(a[0]);
    expect_begun("a0 a1 b0 a2 a3 ");
    leave(a[2]);
    leave(a[3]);
    leave(b);
    expect_begun("a0 a1 b0 a2 a3 ");
}

static void those_who_wait_take_turns(void **state)
{
    named_turn *a[5], *b[5], *c;
    for (int i = 0; i < 5; i++)
        a[i] = take("alice", i);
    for (int i = 0; i < 5; i++)
        b[i] = take("bob", i);
    c = take("carol", 0);
    expect_begun("a0 a1 b0 b1 ");
    leave(b[0]); /* alice has all of hers: bob is next */
    expect_begun("a0 a1 b0 b1 b2 ");
    leave(a[0]); /* carol has waited since before bob's last turn, alice longer */
    expect_begun("a0 a1 b0 b1 b2 a2 ");
    leave(a[1]);
    expect_begun("a0 a1 b0 b1 b2 a2 c0 ");
    leave(c);
    leave(b[1]);
    leave(b[2]);
    leave(a[2]);
    leave(a[3]);
    leave(b[3]);
    leave(a[4]);
    leave(b[4]);
    assert_int_equal(strlen(begun), 11 * 3);
}

static void who_does_not_wait_any_more_gets_no_turn_T1(void **state)
{
    named_turn *a[4];
    for (int i = 0; i < 4; i++)
        a[i] = take("alice", i);
    assert_true(bhi_fs_turn_withdraw(&a[2]->turn));
    assert_false(bhi_fs_turn_withdraw(&a[0]->turn));
    leave(a[0]);
    expect_begun("a0 a1 a3 ");
    assert_false(bhi_fs_turn_withdraw(&a[3]->turn));
    leave(a[1]);
    leave(a[3]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_turns, close_turns)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_principal_has_two_turns_and_others_need_not_wait),
        CASE(those_who_wait_take_turns),
        CASE(who_does_not_wait_any_more_gets_no_turn_T1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
