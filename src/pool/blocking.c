/* pool/blocking.c - a checkout that blocks its thread: a waiter whose callback ends the wait. */
#include <errno.h>
#include <pthread.h>

#include "base/assert.h"
#include "base/clock.h"
#include "pool/pool.h"

/* On the stack of the blocked thread. */
typedef struct answer {
    pthread_mutex_t lock;
    pthread_cond_t given;
    bool is_given; /* guarded by lock, as the two below */
    bh_status status;
    bhi_grant grant;
} answer;

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    answer *answered = waiter->arg;
    pthread_mutex_lock(&answered->lock);
    answered->is_given = true;
    answered->status = status;
    answered->grant = grant;
    pthread_cond_signal(&answered->given);
    pthread_mutex_unlock(&answered->lock);
}

static bool init_answer(answer *ret_answer)
{
    *ret_answer = (answer){0};
    if (pthread_mutex_init(&ret_answer->lock, NULL) != 0)
        return false;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool is_ready = pthread_cond_init(&ret_answer->given, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!is_ready)
        pthread_mutex_destroy(&ret_answer->lock);
    return is_ready;
}

/* False when the deadline passed first. */
static bool wait_for(answer *awaited, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / BHI_NS_PER_SECOND),
                             .tv_nsec = (long)(deadline_ns % BHI_NS_PER_SECOND)};
    int failed = 0;
    pthread_mutex_lock(&awaited->lock);
    while (!awaited->is_given && failed != ETIMEDOUT)
        failed = pthread_cond_timedwait(&awaited->given, &awaited->lock, &until);
    bool is_given = awaited->is_given;
    pthread_mutex_unlock(&awaited->lock);
    return is_given;
}

/* Queued: the answer, or none by the deadline. One that is on its way then is waited for. */
static bh_status await(bhi_pool *pool, bhi_waiter *waiter, uint64_t deadline_ns,
                       bhi_grant *ret_grant, bh_error *reterr)
{
    answer *awaited = waiter->arg;
    if (!wait_for(awaited, deadline_ns)) {
        if (bhi_pool_cancel_wait(pool, waiter, BH_E_DEADLINE, reterr))
            return BH_E_DEADLINE;
        bool is_given = wait_for(awaited, BHI_DEADLINE_NEVER);
        BHI_ASSERT(is_given);
    }
    if (awaited->status != BH_OK)
        return bhi_fail(reterr, awaited->status, "the pool was closed while the caller waited");
    *ret_grant = awaited->grant;
    return BH_OK;
}

bh_status bhi_pool_checkout_blocking(bhi_pool *pool, bhi_waiter *waiter, uint64_t now_ns,
                                     uint64_t deadline_ns, bhi_grant *ret_grant, bh_error *reterr)
{
    answer awaited;
    if (!init_answer(&awaited))
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to wait for an instance");
    waiter->granted_cb = granted_cb;
    waiter->arg = &awaited;
    bhi_grant grant;
    bh_status status = bhi_pool_checkout(pool, waiter, now_ns, &grant, reterr);
    if (status == BH_OK && grant.kind == BHI_GRANT_QUEUED)
        status = await(pool, waiter, deadline_ns, &grant, reterr);
    pthread_cond_destroy(&awaited.given);
    pthread_mutex_destroy(&awaited.lock);
    waiter->arg = NULL;
    if (status == BH_OK)
        *ret_grant = grant;
    return status;
}
