/* cli/bench_guest.h - instances of a capsule in the hands of a bench, outside of its pool.
 *
 * The pipeline lends one instance after the other; a bench that looks at many idle ones, or times
 * the restore alone, needs them in hand. Failures end the process: a bench has nothing to mend.
 */
#ifndef BHI_CLI_BENCH_GUEST_H
#define BHI_CLI_BENCH_GUEST_H

#include <bulkhead/bulkhead.h>

#include "runtime/pooled.h"

typedef struct bhi_bench_guest {
    bh_runtime *runtime;
    bh_capsule *capsule; /* pristine */
    const char *action;
    char *payload;
    size_t payload_len;
    bhi_buffer answer;
} bhi_bench_guest;

/* Load the capsule at `path`; `options` may be NULL. The payload is a JSON string of `payload_len`
 * bytes in all. */
void bhi_bench_guest_open(bhi_bench_guest *guest, const char *path,
                          const bh_runtime_options *options, const char *action,
                          size_t payload_len);
void bhi_bench_guest_close(bhi_bench_guest *guest);

/* A JSON string of `len` bytes, at least 2; freed by the caller. */
char *bhi_bench_payload(size_t len);

bhi_pooled *bhi_bench_guest_build(bhi_bench_guest *guest);
void bhi_bench_guest_call(bhi_bench_guest *guest, bhi_pooled *pooled);
void bhi_bench_guest_restore(bhi_bench_guest *guest, bhi_pooled *pooled);

/* A file of its own in the temporary directory; `ret_path` has room for BHI_BENCH_PATH_BYTES.
 * Unlink it. */
enum { BHI_BENCH_PATH_BYTES = 64 };
void bhi_bench_write_file(const void *bytes, size_t len, const char *suffix, char *ret_path);
/* The same with a module, because capsules are files. */
void bhi_bench_write_module(const uint8_t *wasm, size_t len, char *ret_path);

/* A module that is built into the tool, loaded as a capsule with a manifest. */
typedef struct bhi_bench_capsule {
    const char *name;
    const char *manifest; /* what follows [package] and [[component]]; NULL: nothing */
    const uint8_t *wasm;
    size_t wasm_bytes;
    const bh_capsule_options *options; /* may be NULL */
} bhi_bench_capsule;

bh_capsule *bhi_bench_capsule_load(bh_runtime *runtime, const bhi_bench_capsule *capsule);

#endif
