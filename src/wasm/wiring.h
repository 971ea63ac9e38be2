/* wasm/wiring.h - where a core name of a component really leads.
 *
 * Core instances are inline lists of exports or instantiated modules, and both are reached through
 * aliases. A walk ends at a canonical definition (a host function) or at an export of an
 * instantiated module. Walks end because every definition refers to earlier ones (C1).
 */
#ifndef BHI_WASM_WIRING_H
#define BHI_WASM_WIRING_H

#include "wasm/component.h"

typedef struct bhi_wiring_end {
    bool is_canon;
    uint32_t func;     /* is_canon: a core function, LOWER or DROP */
    uint32_t instance; /* else export `name` of this instantiated module */
    bhi_bytes name;
} bhi_wiring_end;

/* All of these fail in `errors`, naming what is missing. */
bhi_wiring_end bhi_wiring_of_func(bhi_wasm_reader *errors, const bhi_component *component,
                                  uint32_t core_func);
bhi_wiring_end bhi_wiring_of_memory(bhi_wasm_reader *errors, const bhi_component *component,
                                    uint32_t core_memory);
/* What import (module, name) of instantiated `instance` is given; `sort` as a bhi_wasm_kind. */
bhi_wiring_end bhi_wiring_of_import(bhi_wasm_reader *errors, const bhi_component *component,
                                    uint32_t instance, const bhi_wasm_import *import);

/* The interface and name by which a canonical definition is known to the host:
 * "astrid:kv/host@1.0.0" and "kv-get" or "[resource-drop]pollable". Allocates in the arena. */
void bhi_wiring_host_name(bhi_wasm_reader *errors, const bhi_component *component, bhi_arena *arena,
                          const bhi_core_item *canon, bhi_bytes *ret_interface,
                          bhi_bytes *ret_name);

#endif
