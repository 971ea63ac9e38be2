/* bench/fresh/fresh.h - the peer "fresh": plain wasmtime C API, a new instance per invocation.
 *
 * An engine of its own: pooling allocator, copy-on-write images, pages kept resident, fuel and
 * epochs on, synchronous. Per invocation: store, instantiate, `_initialize`, realloc twice, the
 * hook, copy out, drop. This is what a careful embedder gets today.
 */
#ifndef BENCH_FRESH_H
#define BENCH_FRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_fresh bench_fresh;

/* `wasm` is a core module with the canonical names. NULL after printing why. Imports trap. */
bench_fresh *bench_fresh_create(const uint8_t *wasm, size_t wasm_len);
void bench_fresh_destroy(bench_fresh *fresh);

/* One invocation; the data of the answer goes to `ret_data` (capacity `size`). */
bool bench_fresh_invoke(bench_fresh *fresh, const char *action, const void *payload,
                        size_t payload_len, void *ret_data, size_t size, size_t *ret_len);

#endif
