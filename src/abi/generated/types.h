/* abi/generated/types.h - options and lists that belong to no interface.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_TYPES_H
#define BHI_ABI_GENERATED_TYPES_H

#include "abi/generated/resources.h"
#include "abi/guest.h"

typedef struct bhi_text_list {
    const bhi_bytes *data;
    size_t len;
} bhi_text_list;

typedef struct bhi_text_list_option {
    bool is_some;
    bhi_text_list value;
} bhi_text_list_option;

typedef struct bhi_text_option {
    bool is_some;
    bhi_bytes value;
} bhi_text_option;

typedef struct bhi_u32_list {
    const uint32_t *data;
    size_t len;
} bhi_u32_list;

typedef struct bhi_bytes_option {
    bool is_some;
    bhi_bytes value;
} bhi_bytes_option;

typedef struct bhi_u64_option {
    bool is_some;
    uint64_t value;
} bhi_u64_option;

typedef struct bhi_s32_option {
    bool is_some;
    int32_t value;
} bhi_s32_option;

typedef struct bhi_u32_option {
    bool is_some;
    uint32_t value;
} bhi_u32_option;

typedef struct bhi_bool_option {
    bool is_some;
    bool value;
} bhi_bool_option;

#endif
