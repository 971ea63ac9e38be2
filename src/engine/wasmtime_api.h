/* engine/wasmtime_api.h - the engine library's headers, and what must hold between its build and
 * ours. Only src/engine/ includes this. */
#ifndef BHI_ENGINE_WASMTIME_API_H
#define BHI_ENGINE_WASMTIME_API_H

#include <wasm.h>
#include <wasmtime.h>

#include "abi/guest.h"

/* sizeof(wasmtime_val_t) is compared with bhr_wasmtime_val_bytes when an engine is created. */
_Static_assert(sizeof(wasmtime_val_raw_t) == sizeof(bhi_core_value), "raw values are 16 bytes");

#endif
