/* Any bytes as a core module, and its code as instructions. */
#include <stdlib.h>

#include "wasm/code_scan.h"
#include "wasm/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_module(const bhi_wasm_module *module)
{
    uint32_t funcs = module->imported_funcs + module->funcs_count;
    for (uint32_t i = 0; i < funcs; i++) {
        char signature[64];
        bhi_wasm_signature(bhi_wasm_type_of_func(module, i), signature, sizeof signature);
    }
    for (uint32_t i = 0; i < module->exports_count; i++)
        if (module->exports[i].kind == BHI_WASM_FUNC && module->exports[i].index >= funcs)
            abort();
    if (module->has_start && module->start_func >= funcs)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bhi_code_scan scan;
    bh_error error = {0};
    bh_status status = bhi_wasm_module_read((bhi_bytes){data, size}, &arena, &module, &error);
    if (status == BH_OK) {
        check_module(&module);
        status = bhi_code_scan_read(&module, &scan, &error);
    }
    if (status != BH_OK && (status != error.code || error.text[0] == '\0'))
        abort();
    bhi_arena_deinit(&arena);
    return 0;
}
