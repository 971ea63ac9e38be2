/* cli/bench_http_server.h - the least HTTP server that keeps connections, on a thread of its own.
 */
#ifndef BHI_CLI_BENCH_HTTP_SERVER_H
#define BHI_CLI_BENCH_HTTP_SERVER_H

#include <stdint.h>

enum { BHI_BENCH_HTTP_BODY_BYTES = 128, BHI_BENCH_HTTP_HELD_MAX = 4096 };

typedef struct bhi_bench_http_server bhi_bench_http_server;

/* On a free port of 127.0.0.1; answers every request with the same body. NULL: errno says why. */
bhi_bench_http_server *bhi_bench_http_server_open(void);
/* From now on requests are kept, at most BHI_BENCH_HTTP_HELD_MAX; none may be under way. */
void bhi_bench_http_server_hold(bhi_bench_http_server *server);
uint32_t bhi_bench_http_server_held(bhi_bench_http_server *server);
/* Answer those, and what comes as it comes. */
void bhi_bench_http_server_release(bhi_bench_http_server *server);
uint16_t bhi_bench_http_server_port(const bhi_bench_http_server *server);
void bhi_bench_http_server_close(bhi_bench_http_server *server);

#endif
