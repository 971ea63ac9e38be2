/* worker/remote.c - two references: the operation's side and the other thread's.
 *
 * The other side ends by posting; the post runs on the worker, completes the operation unless it
 * left, and drops the other side's reference there. So everything but finish is single-threaded,
 * and the count needs no atomics.
 */
#include "worker/remote.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/assert.h"

struct bhi_remotes {
    unsigned open;
    bhi_task *waiter; /* NULL: nobody */
    bool is_left;
};

struct bhi_remote {
    bhi_task arrival; /* first: posted by finish */
    bhi_worker *worker;
    bhi_remotes *remotes;     /* NULL: nobody counts */
    bhi_operation *operation; /* NULL once its side has left */
    unsigned sides;           /* worker's thread only */
    void (*free_cb)(void *payload);
    alignas(max_align_t) uint8_t payload[];
};

/* ---- counting ---- */

bhi_remotes *bhi_remotes_create(void)
{
    return calloc(1, sizeof(bhi_remotes));
}

void bhi_remotes_leave(bhi_remotes *remotes)
{
    if (remotes == NULL)
        return;
    remotes->is_left = true;
    remotes->waiter = NULL;
    if (remotes->open == 0)
        free(remotes);
}

bool bhi_remotes_are_open(bhi_remotes *remotes, bhi_task *waiter)
{
    remotes->waiter = waiter;
    return remotes->open > 0;
}

static void count_closed(const bhi_remote *remote)
{
    bhi_remotes *remotes = remote->remotes;
    if (remotes == NULL || --remotes->open > 0)
        return;
    if (remotes->waiter != NULL)
        bhi_worker_ready(remote->worker, remotes->waiter);
    if (remotes->is_left)
        free(remotes);
}

/* ---- remotes ---- */

static void leave(bhi_remote *remote)
{
    if (--remote->sides > 0)
        return;
    if (remote->free_cb != NULL)
        remote->free_cb(remote->payload);
    free(remote);
}

static void arrive(bhi_task *task)
{
    bhi_remote *remote = (bhi_remote *)task;
    bhi_worker_expected_came(remote->worker);
    count_closed(remote);
    if (remote->operation != NULL)
        bhi_operation_complete(remote->operation);
    leave(remote);
}

bh_status bhi_remote_create(bhi_operation *operation, size_t payload_bytes,
                            void (*free_cb)(void *payload), bhi_remote **ret_remote,
                            bh_error *reterr)
{
    size_t bytes;
    bhi_remote *remote = NULL;
    if (!__builtin_add_overflow(sizeof *remote, payload_bytes, &bytes))
        remote = calloc(1, bytes);
    if (remote == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an operation");
    bhi_task_init(&remote->arrival, arrive);
    remote->worker = operation->worker;
    remote->operation = operation;
    remote->sides = 2;
    remote->free_cb = free_cb;
    bhi_worker_expect_post(remote->worker);
    remote->remotes = operation->task->remotes;
    if (remote->remotes != NULL)
        remote->remotes->open++;
    *ret_remote = remote;
    return BH_OK;
}

void *bhi_remote_payload(bhi_remote *remote)
{
    return remote->payload;
}

void bhi_remote_finish(bhi_remote *remote)
{
    bhi_worker_post(remote->worker, &remote->arrival);
}

bool bhi_remote_await(bhi_remote *remote)
{
    if (bhi_operation_await(remote->operation))
        return true;
    bhi_remote_release(remote);
    return false;
}

void bhi_remote_release(bhi_remote *remote)
{
    BHI_ASSERT(remote->operation != NULL); /* once */
    remote->operation = NULL;
    leave(remote);
}

void bhi_remote_discard(bhi_remote *remote)
{
    bhi_worker_expected_came(remote->worker);
    count_closed(remote);
    remote->sides = 1;
    leave(remote);
}
