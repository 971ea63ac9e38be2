/* worker/remote.h - the meeting point of an operation and work done on another thread.
 *
 * The two sides end in any order: the other thread may finish after the invocation was abandoned,
 * or the reverse. A bhi_remote is counted by both; whoever leaves last frees it. Finish posts to
 * the worker, where the operation is completed unless it was abandoned.
 */
#ifndef BHI_WORKER_REMOTE_H
#define BHI_WORKER_REMOTE_H

#include "worker/operation.h"

typedef struct bhi_remote bhi_remote;

/* `payload_bytes` of zeroed memory travel with it; free_cb (may be NULL) gets that memory when
 * both sides have left, on whichever thread leaves last. */
BH_MUST_USE bh_status bhi_remote_create(bhi_operation *operation, size_t payload_bytes,
                                        void (*free_cb)(void *payload), bhi_remote **ret_remote,
                                        bh_error *reterr);
void *bhi_remote_payload(bhi_remote *remote);

/* The other thread is done with the payload: exactly once. Any thread. */
void bhi_remote_finish(bhi_remote *remote);

/* Await the operation and leave: true when the other side finished (the payload may be read until
 * bhi_remote_release); false when abandoned (the remote is already released). */
BH_MUST_USE bool bhi_remote_await(bhi_remote *remote);
void bhi_remote_release(bhi_remote *remote);

/* Work was never handed over: free it without await. */
void bhi_remote_discard(bhi_remote *remote);

#endif
