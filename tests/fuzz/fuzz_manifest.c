/* Any bytes as Capsule.toml: a manifest within its documented bounds, or an error with its place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const bhi_manifest *manifest)
{
    size_t name_len = strlen(manifest->name);
    const char *file = manifest->component_file;
    if (name_len < 1 || name_len > 64 || file[0] == '/' || strncmp(file, "../", 3) == 0)
        abort();
    if (manifest->has_live_max &&
        (manifest->live_max < 1 || manifest->live_max > BHI_LIVE_MAX_MAX ||
         manifest->min_idle > manifest->live_max))
        abort();
    for (size_t i = 1; i < manifest->env_count; i++)
        if (strcmp(manifest->env[i - 1].name, manifest->env[i].name) >= 0)
            abort();
    if (manifest->config.count > manifest->env_count)
        abort();
}

static void check_error(bh_status status, const bh_error *error)
{
    unsigned line, column;
    if (status != BH_E_MANIFEST || error->code != status || strpbrk(error->text, "\n\r") != NULL ||
        sscanf(error->text, "Capsule.toml:%u:%u: ", &line, &column) != 2 || line < 1 || column < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_arena arena = {0};
    bhi_manifest manifest;
    bh_error error = {0};
    bh_status status =
        bhi_manifest_parse((bhi_bytes){data, size}, "Capsule.toml", &arena, &manifest, &error);
    if (status == BH_OK)
        check_manifest(&manifest);
    else
        check_error(status, &error);
    bhi_arena_deinit(&arena);
    return 0;
}
