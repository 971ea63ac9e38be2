/* wasm/flatten.h - a capsule component as its main module and what that is wired to. */
#ifndef BHI_WASM_FLATTEN_H
#define BHI_WASM_FLATTEN_H

#include "wasm/capsule.h"

/* Most core modules of a component (the toolchain writes one to four), and most imports or exports
 * of each: the look-ups by name are linear. */
enum { BHI_FLATTEN_MODULES_MAX = 8, BHI_FLATTEN_NAMES_MAX = 4096 };

/* Fails with BH_E_MODULE, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_flatten(bhi_bytes bytes, bhi_arena *arena, bhi_capsule_image *ret_image,
                                  bh_error *reterr);

/* The letters of a core function type in the arena; data is NULL when memory is out. */
bhi_bytes bhi_capsule_signature(const bhi_wasm_func_type *type, bhi_arena *arena);

#endif
