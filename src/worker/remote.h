/* worker/remote.h - the meeting point of an operation and work done on another thread.
 *
 * The two sides end in any order: the other thread may finish after the invocation was abandoned,
 * or the reverse. Finish posts to the worker, where the operation is completed unless it was
 * abandoned, and where the other side's share ends. So whoever leaves last, the remote is freed on
 * the worker's thread, by a plain count of two.
 *
 * O1  The remote lives until finish has been called and the host function has left.
 * O2  finish does not touch the remote after it posted it; the caller must not either.
 * O3  The worker outlives its remotes: bhi_worker_destroy waits for every finish.
 *
 * Threads: the worker's own, but for payload and finish.
 */
#ifndef BHI_WORKER_REMOTE_H
#define BHI_WORKER_REMOTE_H

#include "worker/operation.h"

typedef struct bhi_remote bhi_remote;

/* Counts the remotes of a task, for who has to know when nothing of it is under way any more: what
 * an abandoned call began goes on, and may still have an effect. From when it is put into the task
 * until it is left. */
typedef struct bhi_remotes bhi_remotes;
/* NULL: no memory. */
bhi_remotes *bhi_remotes_create(void);
/* Not in the task any more; it goes with the last remote. Takes NULL. */
void bhi_remotes_leave(bhi_remotes *remotes);
/* True: some are open, and `waiter` is made ready when none is, unless it was left by then. */
bool bhi_remotes_are_open(bhi_remotes *remotes, bhi_task *waiter);

/* `payload_bytes` of zeroed memory, aligned for any type, travel with it; free_cb (may be NULL)
 * gets that memory when both sides have left, on the worker's thread. Borrows the operation until
 * the host function has left. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_remote_create(bhi_operation *operation, size_t payload_bytes,
                                        void (*free_cb)(void *payload), bhi_remote **ret_remote,
                                        bh_error *reterr);
void *bhi_remote_payload(bhi_remote *remote);

/* The other side is done with the payload: exactly once, unless discarded. Any thread, the worker's
 * own too: a host function that calls back its work in time finishes in the other side's place. */
void bhi_remote_finish(bhi_remote *remote);

/* Await the operation and leave: true when the other side finished (the payload may be read until
 * bhi_remote_release); false when abandoned (the remote is already released). */
BH_MUST_USE bool bhi_remote_await(bhi_remote *remote);
void bhi_remote_release(bhi_remote *remote);

/* The work was never handed over, so nobody will finish: leave for both sides, without await. */
void bhi_remote_discard(bhi_remote *remote);

#endif
