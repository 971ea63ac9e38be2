/* A blocked caller whose deadline passes while its answer is on its way. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/pool.h"

static sem_t is_blocked, is_answered;
static int waits;

/* In the place of the C library's: the first wait ends by its deadline, which passes when the
 * answer has been decided and not been given. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    (void)until;
    if (waits++ != 0)
        return pthread_cond_wait(condition, lock);
    sem_post(&is_blocked);
    sem_wait(&is_answered);
    return ETIMEDOUT;
}

static void destroy_cb(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

/* Of the caller that is answered first: both have been taken off the queue. */
static void closed_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    (void)waiter;
    (void)grant;
    assert_int_equal(status, BH_E_CLOSED);
    sem_post(&is_answered);
}

static void *block(void *arg)
{
    static bhi_waiter waiter;
    static bh_status status;
    bhi_grant grant;
    status = bhi_pool_checkout_blocking(arg, &waiter, 1, 1, &grant, NULL);
    return &status;
}

static void answer_on_its_way_at_the_deadline_is_waited_for(void **state)
{
    (void)state;
    sem_init(&is_blocked, 0, 0);
    sem_init(&is_answered, 0, 0);
    bhi_pool_options options = {.live_max = 1, .waiters_max = 2, .destroy_cb = destroy_cb};
    bhi_pool *pool;
    assert_int_equal(bhi_pool_create(&options, &pool, NULL), BH_OK);
    bhi_waiter holder = {0}, first = {.granted_cb = closed_cb};
    bhi_grant grant, queued;
    assert_int_equal(bhi_pool_checkout(pool, &holder, 1, &grant, NULL), BH_OK);
    assert_int_equal(bhi_pool_checkout(pool, &first, 1, &queued, NULL), BH_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, block, pool), 0);
    sem_wait(&is_blocked);
    bhi_pool_close(pool);
    void *status;
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal(*(bh_status *)status, BH_E_CLOSED);
    bhi_pool_decline(pool, grant.slot, 1);
    bhi_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_on_its_way_at_the_deadline_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
