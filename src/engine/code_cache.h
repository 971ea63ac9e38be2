/* engine/code_cache.h - compiled code on disk.
 *
 * Loading compiled code runs it, so an entry counts only with a MAC under a key that nobody but the
 * owner can read. An entry is named by what it was made from: the wasm bytes, the engine's version,
 * its settings and the processor's features. A wrong, torn or foreign entry is a miss.
 *
 * Entry: 32 bytes MAC (BLAKE3 keyed) of everything after it; 32 bytes of its own name; the code.
 *
 * Threads: any. Entries appear by rename, so readers and writers of other processes do not matter.
 */
#ifndef BHI_ENGINE_CODE_CACHE_H
#define BHI_ENGINE_CODE_CACHE_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct bhi_code_cache bhi_code_cache;

/* Creates the directory (0700) and the key (0600) when absent. `settings` tells apart what the same
 * wasm compiles to. Fails with BH_E_IO, also when others may read the key or write the directory.
 */
BH_MUST_USE bh_status bhi_code_cache_open(const char *directory, const char *settings,
                                          bhi_code_cache **ret_cache, bh_error *reterr);
/* Takes NULL. */
void bhi_code_cache_close(bhi_code_cache *cache);

/* The code compiled from `wasm`, or false. The caller frees *ret_storage; *ret_code points into it.
 */
bool bhi_code_cache_get(bhi_code_cache *cache, bhi_bytes wasm, uint8_t **ret_storage,
                        bhi_bytes *ret_code);

/* Best effort: a failure is logged. */
void bhi_code_cache_put(bhi_code_cache *cache, bhi_bytes wasm, bhi_bytes code);

#endif
