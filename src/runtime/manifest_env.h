/* runtime/manifest_env.h - from [env] to the values that get-config answers. */
#ifndef BHI_RUNTIME_MANIFEST_ENV_H
#define BHI_RUNTIME_MANIFEST_ENV_H

#include "runtime/manifest.h"
#include "runtime/manifest_node.h"

/* Fill env, env_count and config of `manifest`, whose name is set. `env` is the [env] node or NULL,
 * checked against the keys of the manifest. */
void bhi_manifest_resolve_env(bhi_manifest_reader *reader, const json_t *env,
                              bhi_manifest *manifest);

#endif
