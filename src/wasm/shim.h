/* wasm/shim.h - the two helper modules that the standard toolchain puts beside a main module.
 *
 * The main module must be instantiated before its memory exists, and a lowered import needs that
 * memory. So the toolchain gives it functions of a *shim*, each of which calls through its own slot
 * of a table, and a *fix-up* that fills those slots with the lowered functions afterwards. The
 * fix-up, or one more module like it, may call `_initialize` as its start function.
 *
 * Neither is ever run here. They are only proven to mean just that, so that an import can be bound
 * to the lowered function behind its slot.
 */
#ifndef BHI_WASM_SHIM_H
#define BHI_WASM_SHIM_H

#include "wasm/module.h"
#include "wasm/reader.h"

enum { BHI_SHIM_SLOTS_MAX = 4096 };

typedef struct bhi_shim {
    const bhi_wasm_module *module;
    uint32_t *slots; /* of each defined function */
    uint32_t slots_count;
} bhi_shim;

/* `place` is where the module's first byte lies in the file. Fails in `errors` unless the module
 * has a table of functions, functions that do nothing but call through it, and nothing else. */
void bhi_shim_read(bhi_wasm_reader *errors, const bhi_wasm_module *module, size_t place,
                   bhi_arena *arena, bhi_shim *ret_shim);

/* Whether the module defines nothing: it has imports, element segments and a start at most. */
bool bhi_module_is_fixup(const bhi_wasm_module *module);

/* Equal parameters and results. Types of several bytes never compare equal. */
bool bhi_func_types_equal(const bhi_wasm_func_type *a, const bhi_wasm_func_type *b);

#endif
