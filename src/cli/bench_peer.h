/* cli/bench_peer.h - a peer of a bench that is a program of its own.
 *
 * It is started with the guest's path as its argument, reads one request per line and answers each
 * with one line: a number above 0, in ns, or "error: TEXT", after which it ends. `reference-pool
 * --help` (bench/peers/) lists the requests. The answers are a program's output: anything but a
 * number is refused.
 *
 *   bhi_bench_peer *peer;
 *   if (bhi_bench_peer_open(program, NULL, "echo.wasm", &peer, &error) == BH_OK &&
 *       bhi_bench_peer_ask(peer, "invoke 64 2000", &ns, &error) == BH_OK)
 *       ...
 *   bhi_bench_peer_close(peer);
 *
 * Threads: one.
 */
#ifndef BHI_CLI_BENCH_PEER_H
#define BHI_CLI_BENCH_PEER_H

#include "base/error.h"

typedef struct bhi_bench_peer bhi_bench_peer;

enum {
    BHI_BENCH_PEER_ANSWER_MS = 120000, /* the default time for an answer; the first compiles too */
    BHI_BENCH_PEER_END_MS = 1000,      /* for ending by itself */
};

/* Start `program`, a path, with `option` before the guest unless it is NULL. What it does with the
 * guest shows at the first request. Fails with BH_E_NOT_FOUND (no such program), BH_E_NOMEM,
 * BH_E_IO. */
BH_MUST_USE bh_status bhi_bench_peer_open(const char *program, const char *option,
                                          const char *guest_path, bhi_bench_peer **ret_peer,
                                          bh_error *reterr);

/* The longest that each further answer may take. */
void bhi_bench_peer_set_answer_ms(bhi_bench_peer *peer, uint32_t answer_ms);

/* Blocks until the answer to one line, given without its end. Any failure but BH_E_ARG ends the
 * peer, because a late answer would be taken for that of the next request. Fails with BH_E_ARG (no
 * such line can be sent), BH_E_UNSUPPORTED (the peer says why), BH_E_DEADLINE, BH_E_CORRUPT (the
 * answer is no number above 0), BH_E_IO (the peer ended), BH_E_CLOSED (it has ended before). */
BH_MUST_USE bh_status bhi_bench_peer_ask(bhi_bench_peer *peer, const char *request, double *ret_ns,
                                         bh_error *reterr);

/* Let the peer see the end of its input, wait for it, and kill it after BHI_BENCH_PEER_END_MS.
 * Takes NULL. */
void bhi_bench_peer_close(bhi_bench_peer *peer);

#endif
