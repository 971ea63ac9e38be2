/* runtime/manifest_keys.h - every section and key that a Capsule.toml may have. */
#ifndef BHI_RUNTIME_MANIFEST_KEYS_H
#define BHI_RUNTIME_MANIFEST_KEYS_H

#include "runtime/manifest_node.h"

/* The keys of the whole file. */
extern const bhi_manifest_key bhi_manifest_keys[];

/* The names a capsule can hold, with their kinds. */
extern const bhi_manifest_key bhi_manifest_capability_keys[];

#endif
