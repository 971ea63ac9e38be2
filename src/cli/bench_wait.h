/* cli/bench_wait.h - what the parts of "bench wait" share. */
#ifndef BHI_CLI_BENCH_WAIT_H
#define BHI_CLI_BENCH_WAIT_H

#include <bulkhead/bulkhead.h>

#include "cli/bench_http_server.h"
#include "worker/worker.h"

enum { BHI_BENCH_WAIT_KINDS = 3 }; /* sleep, recv, http */

/* What many invocations did that waited at once. */
typedef struct bhi_bench_waits {
    const char *what;
    uint32_t count;
    double resident_kib;                  /* each, of the process's proportional set */
    double threads;                       /* more than before                        */
    double start_us;                      /* each, until it is suspended             */
    double finish_s;                      /* from the first resumption to the last end */
    double ping_alone_us, ping_beside_us; /* p99 of an unrelated capsule's calls */
} bhi_bench_waits;

typedef struct bhi_bench_wait bhi_bench_wait;

typedef struct bhi_bench_waiter {
    bhi_bench_wait *bench;
    char payload[64];
} bhi_bench_waiter;

struct bhi_bench_wait {
    bhi_bench_http_server *server;
    bh_runtime *runtime;
    bhi_worker *worker; /* this thread's */
    bh_capsule *waiting, *more_waiting, *unrelated;
    bhi_bench_waiter *waiters;
    bool must_not_queue;
    uint64_t until_ns; /* of those that sleep */
    uint32_t open, returned, failed;
    uint32_t suspended; /* at once, when not all were */
    uint64_t ended_ns;
    char failure[600]; /* how the last one failed */
};

#endif
