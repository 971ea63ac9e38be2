/* runtime/invoke.c - the blocking form: the calling thread becomes a worker until the call is done.
 *
 * Each thread keeps its worker, so a call in steady state opens nothing. There is one code path:
 * the pipeline of invocation.c.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "runtime/invocation.h"

typedef struct blocking_call {
    bool is_done;
    bh_status status;
    bh_result *result; /* the caller's */
    bh_error *reterr;
} blocking_call;

static pthread_once_t worker_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t worker_key;
/* initial-exec: found without a call; a pointer fits the loader's reserve also after dlopen. */
static _Thread_local bhi_worker *thread_worker __attribute__((tls_model("initial-exec")));

/* A destructor that runs later and invokes gets a new worker. */
static void destroy_worker_cb(void *worker)
{
    thread_worker = NULL;
    bhi_worker_destroy(worker);
}

static void create_worker_key(void)
{
    if (pthread_key_create(&worker_key, destroy_worker_cb) != 0)
        abort(); /* PTHREAD_KEYS_MAX keys in one process: nothing sensible can follow */
}

static bh_status find_worker(bhi_worker **ret_worker, bh_error *reterr)
{
    if (thread_worker == NULL) {
        pthread_once(&worker_key_once, create_worker_key);
        bh_status status = bhi_worker_create(&thread_worker, reterr);
        if (status != BH_OK)
            return status;
        pthread_setspecific(worker_key, thread_worker);
    }
    *ret_worker = thread_worker;
    return BH_OK;
}

/* The result's bytes are in the caller's storage already. */
static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    blocking_call *call = arg;
    call->is_done = true;
    call->status = status;
    if (status == BH_OK)
        *call->result = *result;
    else if (call->reterr != NULL)
        *call->reterr = *error;
}

/* Runs the invocation with the result's storage; the result is written only on BH_OK. */
static bh_status invoke_here(bh_capsule *capsule, const bh_request *request, bh_result *result,
                             bh_error *reterr)
{
    bhi_worker *worker;
    bh_status status = find_worker(&worker, reterr);
    if (status != BH_OK)
        return status;
    blocking_call call = {.result = result, .reterr = reterr};
    bhi_buffer storage = {result->storage, result->storage_bytes};
    bhi_invocation *invocation;
    status = bhi_invocation_create(capsule, worker, request, done_cb, &call, &invocation, reterr);
    if (status != BH_OK)
        return status;
    bhi_invocation_use_buffer(invocation, &storage);
    bhi_invocation_run(invocation);
    while (!call.is_done)
        bhi_worker_turn(worker, true);
    result->storage = storage.data;
    result->storage_bytes = storage.capacity;
    return call.status;
}

/* Nothing of an earlier call may be taken for this one's answer. */
static void reset(bh_result *result)
{
    *result = (bh_result){.outcome = BH_OUTCOME_REFUSED,
                          .action = "",
                          .data = "",
                          .message = "",
                          .backtrace = "",
                          .storage = result->storage,
                          .storage_bytes = result->storage_bytes};
}

bh_status bh_invoke(bh_capsule *capsule, const bh_request *request, bh_result *result,
                    bh_error *reterr)
{
    if (result == NULL)
        return bhi_fail(reterr, BH_E_ARG, "result must not be NULL");
    bh_status status = capsule == NULL || request == NULL
                           ? bhi_fail(reterr, BH_E_ARG, "capsule and request must not be NULL")
                           : invoke_here(capsule, request, result, reterr);
    if (status != BH_OK)
        reset(result);
    return status;
}

void bh_result_deinit(bh_result *result)
{
    free(result->storage);
    *result = (bh_result){0};
}
