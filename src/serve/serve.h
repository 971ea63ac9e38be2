/* serve/serve.h - offer a directory of capsules over HTTP on this machine.
 *
 *   bhi_serve_options options = {.capsules_directory = "examples", .listen = "127.0.0.1:8787"};
 *   bh_status status = bhi_serve_run(&options, &error);
 *
 * One worker per core, each with a listener of its own on the shared port. SIGTERM and SIGINT stop
 * accepting and let running requests finish for drain_ms, then cancel them; a second signal cancels
 * at once. docs/http-api.md describes the interface that is served.
 */
#ifndef BHI_SERVE_SERVE_H
#define BHI_SERVE_SERVE_H

#include <bulkhead/capsule.h>

#include "serve/catalog.h"

#define BHI_SERVE_WORKERS_MAX    256
#define BHI_SERVE_LISTEN_DEFAULT "127.0.0.1:8787"

/* Defaults stand for 0. */
typedef struct bhi_serve_options {
    const char *capsules_directory; /* see bhi_catalog_load                                     */
    const char *listen;          /* loopback only: "127.0.0.1:8787", "[::1]:0"; NULL: the former */
    uint32_t workers;            /* default: the number of cores                             */
    const char *state_directory; /* see bh_runtime_options                                   */
    const char *cache_directory; /* see bh_runtime_options                                   */
    const char *profiles_file;   /* see bh_runtime_options                                   */
    uint32_t instances_max;      /* of all capsules: bh_runtime_options.live_max             */
    uint64_t resident_bytes_max; /* see bh_runtime_options                                   */
    uint32_t evict_ms;           /* see bh_runtime_options                                   */
    uint32_t mappings_max;       /* see bh_runtime_options                                   */
    uint32_t verify_every;       /* see bh_runtime_options                                   */
    bh_capsule_options capsule_options; /* of every capsule                                  */
    uint32_t drain_ms;        /* default 5,000                                            */
    size_t payload_bytes_max; /* default and ceiling BH_PAYLOAD_BYTES_MAX; more is 413    */
    size_t body_bytes_max;    /* of all requests on one worker      default 256 MiB       */
    uint32_t connections_max; /* of all workers; more wait          default 4,096         */
    uint32_t idle_timeout_s;  /* silent connections are closed      default 60            */
    /* Called once, when requests are accepted; with the real port and every capsule, which a
     * reload may be changing by then: bhi_catalog_take says what one is. */
    void (*listening_cb)(void *arg, const char *address, const bhi_catalog *catalog);
    void *arg;
} bhi_serve_options;

/* Blocks until a signal ended the service and every request has been answered. Owns SIGTERM and
 * SIGINT meanwhile, and ignores SIGPIPE for good. BH_OK after an orderly end; else fails before
 * anything was served, with BH_E_ARG (address, not loopback), BH_E_NOT_FOUND, BH_E_IO (port in
 * use), BH_E_NOMEM, or the first error when no capsule loads. */
BH_MUST_USE bh_status bhi_serve_run(const bhi_serve_options *options, bh_error *reterr);

#endif
