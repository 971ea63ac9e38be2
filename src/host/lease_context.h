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
#include "bus/bus.h"
#include "bus/rates.h"
#include "host/grants.h"
#include "host/counters.h"
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

/* A short topic that a capsule may publish on. */
typedef struct bhi_granted_topic {
    uint8_t len; /* 0: none */
    uint8_t text[63];
} bhi_granted_topic;

/* Whose messages a run loop took last: where `principal` and `source_id` point from then on. */
typedef struct bhi_batch_origin {
    char principal[65];
    char source_id[37];
} bhi_batch_origin;

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
    bool has_waited;          /* a call that may wait was made, also when it returned at once */
    bool has_signalled_ready; /* signal-ready                                              */
    const bhi_config *config;
    const char *const *capabilities;  /* sorted held names, NULL-terminated   */
    bhi_kv_store *kv;                 /* NULL: kv calls answer "unknown"                   */
    const bhi_grants *grants;         /* what the capsule may reach                        */
    bhi_bytes session_id;             /* UUID text of this load of the capsule             */
    bhi_bus *bus;                     /* NULL while initialising                           */
    bhi_bus_account messages_held;    /* by all its subscriptions                          */
    bhi_publish_rates *rates;         /* the runtime's: how much who published lately      */
    uint64_t publish_bytes_per_s_max; /* for the principal                                 */
    bhi_rate_window *rate_window;     /* the principal's, pinned at its first message      */
    struct bhi_sources *sources;      /* the runtime's: capsules by session id             */
    bhi_attribution attribution;      /* how far `principal` is trusted                    */
    bool may_act;                     /* `principal` is claimed, and may be acted for      */
    uint32_t publish_depth;           /* of what it publishes now                          */
    bhi_granted_topic latest_topic;   /* published on, so that it is not checked again     */
    bool is_run_loop;                 /* it takes everybody's messages, and acts for whose it took
                                       */
    uint64_t storage_bytes_max;       /* of the principal's home of this capsule           */
    /* Set both for lease->principal, which has changed; may be NULL. */
    void (*limit_cb)(struct bhi_lease_context *lease);
    const void *limit_arg;
    struct bhi_file_roots *file_roots;    /* the runtime's; NULL: no state directory           */
    struct bhi_lease_files *files;        /* this lease's temporary directory; made when needed */
    struct bhi_http_stream *http_streams; /* open ones, linked                               */
    bhi_host_counters counters;           /* of this lease                                     */
    struct bhi_log_bucket *log_bucket;    /* the capsule's; NULL: unbounded     */
    bhi_guest_log_cb log_cb;
    void *log_arg;
    const atomic_bool *is_cancelled;
    bhi_worker *worker;      /* where the call runs                               */
    bhi_task *task;          /* the invocation to make ready when a wait ends     */
    bhi_batch_origin *batch; /* a run loop's; NULL for others                     */
} bhi_lease_context;

/* The lease is over and its handles are dropped: let go of what else it made. Once, on its worker.
 */
void bhi_lease_context_end(bhi_lease_context *lease);

#endif
