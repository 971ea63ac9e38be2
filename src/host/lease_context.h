/* host/lease_context.h - everything a host call may know about whose call it is.
 *
 * One struct per lease, filled at SET and replaced whole: there is no list of fields to clear that
 * could be forgotten. Host functions reach it as guest->lease and nothing else of the runtime.
 * Pointers are borrowed from the invocation, which outlives the lease.
 */
#ifndef BHI_HOST_LEASE_CONTEXT_H
#define BHI_HOST_LEASE_CONTEXT_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/kv_store.h"
#include "worker/worker.h"

/* What get-config answers, fixed at load. */
typedef struct bhi_config_entry {
    bhi_bytes name;
    bhi_bytes value;
} bhi_config_entry;

typedef struct bhi_config {
    const bhi_config_entry *entries; /* sorted by name, bytewise */
    size_t count;
} bhi_config;

/* A log line of a guest: the text is one line, control characters escaped, at most 16 KiB. */
typedef void (*bhi_guest_log_cb)(void *arg, bhi_log_level level, bhi_bytes capsule,
                                 bhi_bytes principal, bhi_bytes text);

typedef struct bhi_lease_context {
    bhi_bytes capsule;        /* capsule id                                       */
    bhi_bytes principal;      /* on whose behalf; empty during initialisation     */
    bhi_bytes source_id;      /* UUID text of who caused the call, or empty       */
    uint64_t called_at_ns;    /* monotonic: get-caller turns it into wall-clock time */
    uint64_t deadline_ns;     /* monotonic                                      */
    bool has_caller;          /* a caller exists: get-caller tells principal and time */
    bool is_initialising;     /* only log, config, clock and randomness are allowed  */
    bool has_read_randomness; /* set by the host functions that give them              */
    bool has_read_clock;
    const bhi_config *config;
    const char *const *capabilities;   /* sorted held names, NULL-terminated   */
    bhi_kv_store *kv;                  /* NULL: kv calls answer "unknown"                   */
    struct bhi_log_bucket *log_bucket; /* the capsule's; NULL: unbounded     */
    bhi_guest_log_cb log_cb;
    void *log_arg;
    const atomic_bool *is_cancelled;
    bhi_worker *worker; /* where the call runs                               */
    bhi_task *task;     /* the invocation to make ready when a wait ends     */
} bhi_lease_context;

#endif
