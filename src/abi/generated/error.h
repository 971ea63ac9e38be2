/* abi/generated/error.h - the types and host functions of astrid:io/error@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_ERROR_H
#define BHI_ABI_GENERATED_ERROR_H

#include "abi/generated/types.h"

/* What went wrong inside a stream. */
typedef struct bhi_error_host {
    void (*error_drop)(void *error);
    /* Describe the failure for a log; the text is no contract. */
    bool (*error_to_debug_string)(bhi_guest *guest, bhi_error_error *self, bhi_bytes *ret);
} bhi_error_host;

#endif
