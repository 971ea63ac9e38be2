/* tests/support/pool_fixture.h - a pool whose items are letters, and callers that note answers.
 *
 * Time is virtual: it is what the test passes in. Callbacks read the pool's stats, which deadlocks
 * when a lock is held (P6), and note what they saw.
 */
#ifndef TEST_SUPPORT_POOL_FIXTURE_H
#define TEST_SUPPORT_POOL_FIXTURE_H

#include "pool/pool.h"

enum { POOL_ITEMS = 16, POOL_MS = 1000000 };

typedef struct pool_fixture {
    bhi_pool *pool;
    uint64_t now_ns;
    char items[POOL_ITEMS + 1]; /* an item is the address of its letter: 'A', 'B', ... */
    int built;                  /* items handed out by pool_next_item */
    char destroyed[POOL_ITEMS + 1];
    int destroyed_count, freed_count;
    bhi_slot *ahead[POOL_ITEMS]; /* slots to build into for nobody */
    int ahead_count;
    int wakes;
    uint64_t woken_for_ns; /* the latest */
    bhi_pool_stats at_destroy;
} pool_fixture;

typedef struct pool_caller {
    bhi_waiter waiter; /* first */
    int answers;
    bh_status status;
    bhi_grant grant;
    bhi_pool *reads; /* its stats are read when it is answered, when not NULL */
    bhi_pool_stats at_answer;
} pool_caller;

/* Sets the callbacks; build_ahead_cb only when the options have one. */
void pool_open(pool_fixture *f, bhi_pool_options options);
void pool_open_sized(pool_fixture *f, uint32_t live_max, uint32_t min_idle, uint32_t waiters_max);
/* Releases it and expects that this frees it. */
void pool_close_freed(pool_fixture *f);
/* For options: notes the slot in `ahead`. */
void pool_build_ahead_cb(void *arg, bhi_slot *slot);

bhi_pool_stats pool_stats(pool_fixture *f);
void *pool_next_item(pool_fixture *f);
char pool_letter(bhi_slot *slot);

void pool_caller_init(pool_caller *caller, const char *principal);

/* A grant at once, expected to be of that kind. */
bhi_slot *pool_take(pool_fixture *f, pool_caller *caller, const char *principal,
                    bhi_grant_kind kind);
/* The same, and built: the lease of a new item. */
bhi_slot *pool_lease_new(pool_fixture *f, pool_caller *caller, const char *principal);
void pool_end(pool_fixture *f, bhi_slot *slot, bh_outcome outcome);
void pool_fail_build(pool_fixture *f, bhi_slot *slot);

/* Asks, expecting to queue. */
void pool_queue(pool_fixture *f, pool_caller *caller, const char *principal, uint32_t weight);
/* Asks for that status; when the text is given, the error's is expected to be the same. */
void pool_expect_refusal(pool_fixture *f, pool_caller *caller, const char *principal,
                         bh_status status, const char *text);
void pool_expect_refusal_of_try(pool_fixture *f, pool_caller *caller, const char *principal,
                                bh_status status, const char *text);
void pool_expect_answer(const pool_caller *caller, bhi_grant_kind kind, const bhi_slot *slot);

#endif
