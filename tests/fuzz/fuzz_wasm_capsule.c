/* Any bytes as a capsule: component or core module, with the verdict on restoring. */
#include <stdlib.h>

#include "wasm/capsule.h"
#include "wasm/restorability.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Promises to the engine: each import is a function with a signature, each export exists. */
static void check_image(const bhi_capsule_image *image)
{
    if (image->imports_count != image->module.imports_count)
        abort();
    for (uint32_t i = 0; i < image->imports_count; i++)
        if (image->module.imports[i].kind != BHI_WASM_FUNC || image->imports[i].signature.len == 0)
            abort();
    for (uint32_t i = 0; i < image->exports_count; i++)
        if (bhi_wasm_export_find(&image->module, image->exports[i].core, BHI_WASM_FUNC) == NULL)
            abort();
    if (image->realloc.len > 0 &&
        bhi_wasm_export_find(&image->module, image->realloc, BHI_WASM_FUNC) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bhi_restorability restorability;
    bh_error error = {0};
    bh_status status = bhi_capsule_image_read((bhi_bytes){data, size}, &arena, &image, &error);
    if (status == BH_OK) {
        check_image(&image);
        status = bhi_restorability_read(&image.module, &arena, &restorability, &error);
    }
    if (status != BH_OK && (status != error.code || error.text[0] == '\0'))
        abort();
    bhi_arena_deinit(&arena);
    return 0;
}
