/* bulkhead/invocation.h - one call into a capsule: admitted, leased, called, settled.
 *
 *   bh_request request = {.action = "greet", .payload = text, .payload_len = len,
 *                         .principal = "alice"};
 *   bh_result result = {0};
 *   if (bh_invoke(capsule, &request, &result, &error) == BH_OK &&
 *       result.outcome == BH_OUTCOME_RETURNED)
 *       write(1, result.data, result.data_len);
 *   bh_result_deinit(&result);
 *
 * A status other than BH_OK means that the host refused or failed before there was an outcome; what
 * the guest did is in the result.
 */
#ifndef BULKHEAD_INVOCATION_H
#define BULKHEAD_INVOCATION_H

#include <bulkhead/capsule.h>

/* Limits that hold whatever a request or a manifest says. */
#define BH_ACTION_BYTES_MAX  256
#define BH_PAYLOAD_BYTES_MAX (8u << 20)

#define BH_TIMEOUT_MS_DEFAULT   30000
#define BH_TIMEOUT_MS_MAX       86400000
#define BH_FUEL_DEFAULT         UINT64_C(10000000000)
#define BH_MEMORY_BYTES_DEFAULT (UINT64_C(64) << 20)

typedef enum bh_entry {
    BH_ENTRY_HOOK,    /* astrid-hook-trigger, with action and payload */
    BH_ENTRY_INSTALL, /* astrid-install                               */
    BH_ENTRY_UPGRADE  /* astrid-upgrade                               */
} bh_entry;

typedef struct bh_request {
    bh_entry entry;
    const char *action;  /* 1..256 bytes of UTF-8, NUL-terminated; ignored unless HOOK  */
    const void *payload; /* any bytes, at most 8 MiB                                    */
    size_t payload_len;
    const char *principal;     /* 1..64 of [A-Za-z0-9_-]; NULL is "default"                   */
    uint32_t timeout_ms;       /* for queueing, running and waiting; 0: 30,000                */
    uint64_t fuel_max;         /* 0: 10^10                                                    */
    uint64_t memory_bytes_max; /* linear memory; 0: 64 MiB                                */
    bool no_wait;              /* refuse at once when no instance is free and none may be built */
} bh_request;

typedef struct bh_timings {
    uint64_t wait_ns;    /* until the lease, queueing and building included; 0 when an instance was
                          * free at once: what little passed then is in run_ns */
    uint64_t run_ns;     /* from the lease to the end of the call, waits in host calls included */
    uint64_t restore_ns; /* end of the call to the lease's return */
} bh_timings;

/* Zero it before the first use. Storage is kept and used again by the next bh_invoke with it, which
 * ends the life of the texts. After a status other than BH_OK the outcome is REFUSED. */
typedef struct bh_result {
    bh_outcome outcome;
    const char *action; /* what the guest answered, NUL-terminated; "" unless RETURNED by a hook */
    size_t action_len;
    bool has_data;
    const char *data; /* NUL-terminated after data_len bytes */
    size_t data_len;
    uint64_t fuel_used; /* exact; at DEADLINE and CANCELLED a lower bound (see docs/decisions) */
    bh_timings timings;
    const char *message;   /* "" or why the guest did not return     */
    const char *backtrace; /* "" or wasm frames, innermost first     */
    void *storage;         /* private                                */
    size_t storage_bytes;  /* private                                */
} bh_result;

/* Call the capsule and wait for the outcome. Runs on the calling thread, which becomes a worker for
 * the time of the call: no other thread is involved. Borrows the capsule and the request. Never
 * call it from a callback of ours. Blocks: until the outcome. Fails with BH_E_ARG, BH_E_CLOSED,
 * BH_E_SATURATED, BH_E_DEADLINE (before a lease was had), BH_E_BUILD, BH_E_NOT_FOUND (no such entry
 * point), BH_E_LIMIT (the payload, or an instance larger than memory_bytes_max), BH_E_NOMEM,
 * BH_E_IO.
 */
BH_API BH_MUST_USE bh_status bh_invoke(bh_capsule *capsule, const bh_request *request,
                                       bh_result *result, bh_error *reterr);

BH_API void bh_result_deinit(bh_result *result);

#endif
