/* abi/generated/lifecycle.h - the types and host functions of astrid:guest/lifecycle@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_LIFECYCLE_H
#define BHI_ABI_GENERATED_LIFECYCLE_H

#include "abi/generated/types.h"

/* What becomes of the event: `continue`, `final`, `deny` or `abort`, and text that goes with it. */
typedef struct bhi_lifecycle_capsule_result {
    bhi_bytes action;
    bool has_data;
    bhi_bytes data;
} bhi_lifecycle_capsule_result;

#endif
