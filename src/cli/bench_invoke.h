/* cli/bench_invoke.h - what "bench invoke" measures and prints. */
#ifndef BHI_CLI_BENCH_INVOKE_H
#define BHI_CLI_BENCH_INVOKE_H

#include "cli/bench.h"
#include "cli/bench_restore.h"

enum { BHI_BENCH_PAYLOADS = 2, BHI_BENCH_PAYLOAD_BYTES_MOST = 16384 };
extern const size_t bhi_bench_payload_bytes[BHI_BENCH_PAYLOADS];

typedef enum bhi_contender {
    BHI_CONTENDER_PRISTINE,       /* ours, restored after every lease    */
    BHI_CONTENDER_SHARED,         /* ours, never restored: not safe       */
    BHI_CONTENDER_FRESH,          /* the engine, a new instance per call  */
    BHI_CONTENDER_REFERENCE_POOL, /* the peer program: reused, not reset  */
    BHI_CONTENDER_TUNED_POOL,     /* the same, its engine tuned for this  */
    BHI_CONTENDERS
} bhi_contender;

typedef struct bhi_invoke_figures {
    const bhi_bench_invoke_options *options;
    bool is_present[BHI_CONTENDERS];
    bhi_samples invoke_ns[BHI_CONTENDERS][BHI_BENCH_PAYLOADS];
    bhi_samples after_large_ns[BHI_CONTENDERS]; /* of 100 calls after one of 64 KiB; ours only */
    bhi_samples restore_ns, memcpy_ns;
    bhi_samples build_ns[BHI_CONTENDERS]; /* of one instance: ours and the pools' */
    double cold_build_ns[BHI_CONTENDERS]; /* when none was destroyed before; 0: not measured */
    bhi_samples overshoot_ms;
    uint32_t dirty_pages;
    double pss_bytes_per_instance;
    uint64_t verified, mismatches;
} bhi_invoke_figures;

void bhi_bench_invoke_print(const bhi_invoke_figures *figures);

#endif
