/* runtime/invocation.h - the pipeline of one invocation on a worker, for callers that have a loop.
 *
 *   ADMIT ─► CHECKOUT ─► (BUILD) ─► SET ─► CALL ─► SETTLE ─► CLEAR ─► RETURN ─► done_cb
 *
 * Threads: the worker's own. done_cb is called exactly once, on the worker, never inside
 * create, begin or start.
 */
#ifndef BHI_RUNTIME_INVOCATION_H
#define BHI_RUNTIME_INVOCATION_H

#include <bulkhead/invocation.h>

#include "base/buffer.h"
#include "bus/message.h"
#include "worker/worker.h"

typedef struct bhi_invocation bhi_invocation;

/* `status` other than BH_OK: refused or failed before there was an outcome, `error` says why and
 * `result` is NULL. Both are borrowed for the call of done_cb. */
typedef void (*bhi_invocation_done_cb)(void *arg, bh_status status, const bh_result *result,
                                       const bh_error *error);

/* Admit a request. Copies nothing: the capsule, and the request's action, payload and principal,
 * are borrowed until done_cb. Fails like bh_invoke for what can be said at once (BH_E_ARG,
 * BH_E_LIMIT, BH_E_NOT_FOUND, BH_E_NOMEM); then done_cb is not called. *ret_invocation is valid
 * until done_cb; start it or run it, once. */
BH_MUST_USE bh_status bhi_invocation_create(bh_capsule *capsule, bhi_worker *worker,
                                            const bh_request *request,
                                            bhi_invocation_done_cb done_cb, void *arg,
                                            bhi_invocation **ret_invocation, bh_error *reterr);

/* Make it ready on its worker. */
void bhi_invocation_begin(bhi_invocation *invocation);

/* Its first slice at once, in this call, which may end it: for a thread that is a worker for this
 * invocation alone. */
void bhi_invocation_run(bhi_invocation *invocation);

/* Create and begin. ret_invocation may be NULL. */
BH_MUST_USE bh_status bhi_invocation_start(bh_capsule *capsule, bhi_worker *worker,
                                           const bh_request *request,
                                           bhi_invocation_done_cb done_cb, void *arg,
                                           bhi_invocation **ret_invocation, bh_error *reterr);

/* Put the result's bytes into `buffer`, borrowed until done_cb, instead of one that ends with the
 * invocation. Before it is begun or run. */
void bhi_invocation_use_buffer(bhi_invocation *invocation, bhi_buffer *buffer);

/* It is made by `parent`, which waits for it and outlives it: refused with BH_E_NESTED where it
 * could only wait for the chain of its parents. Before it is begun or run. */
void bhi_invocation_nest(bhi_invocation *invocation, bhi_invocation *parent);

/* It handles this message, borrowed until done_cb: what it publishes is caused by it, and is as far
 * trusted. Before it is begun or run. */
void bhi_invocation_caused_by(bhi_invocation *invocation, const bhi_message *message);

/* End it soon with the outcome CANCELLED; done_cb is still called. */
void bhi_invocation_cancel(bhi_invocation *invocation);

#endif
