/* host/counters.h - what host calls have done: for one lease, and added up for its capsule. */
#ifndef BHI_HOST_COUNTERS_H
#define BHI_HOST_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define BHI_HOST_COUNTER_MAP(X) /* name, one line */                                               \
    X(published, "messages published")                                                             \
    X(publish_refused, "messages refused: rights, form, rate, backpressure")                       \
    X(received, "messages received from subscriptions")                                            \
    X(lost, "messages lost because a subscription's queue was full")                               \
    X(http_requests, "HTTP requests sent, each redirect too")                                      \
    X(http_refused, "HTTP requests refused before they were sent")                                 \
    X(http_failed, "HTTP requests that failed")                                                    \
    X(http_sent_bytes, "bytes of HTTP request bodies")                                             \
    X(http_received_bytes, "bytes of HTTP response bodies")                                        \
    X(fs_calls, "calls on files and directories")                                                  \
    X(fs_refused, "of those: refused by rights, boundary or quota")                                \
    X(fs_read_bytes, "bytes read from files")                                                      \
    X(fs_written_bytes, "bytes written to files")

typedef struct bhi_host_counters {
#define BHI_HOST_COUNTER_FIELD(name, text) uint64_t name;
    BHI_HOST_COUNTER_MAP(BHI_HOST_COUNTER_FIELD)
#undef BHI_HOST_COUNTER_FIELD
} bhi_host_counters;

/* Sums that several threads add to and read; relaxed. */
typedef struct bhi_host_totals {
#define BHI_HOST_COUNTER_FIELD(name, text) atomic_ullong name;
    BHI_HOST_COUNTER_MAP(BHI_HOST_COUNTER_FIELD)
#undef BHI_HOST_COUNTER_FIELD
} bhi_host_totals;

static inline void bhi_host_totals_add(bhi_host_totals *totals, const bhi_host_counters *lease)
{
#define BHI_HOST_COUNTER_ADD(name, text)                                                           \
    if (lease->name != 0)                                                                          \
        atomic_fetch_add_explicit(&totals->name, lease->name, memory_order_relaxed);
    BHI_HOST_COUNTER_MAP(BHI_HOST_COUNTER_ADD)
#undef BHI_HOST_COUNTER_ADD
}

static inline void bhi_host_totals_read(const bhi_host_totals *totals, bhi_host_counters *ret_sums)
{
#define BHI_HOST_COUNTER_READ(name, text)                                                          \
    ret_sums->name = atomic_load_explicit(&totals->name, memory_order_relaxed);
    BHI_HOST_COUNTER_MAP(BHI_HOST_COUNTER_READ)
#undef BHI_HOST_COUNTER_READ
}

#endif
