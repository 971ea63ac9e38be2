/* abi/generated/poll.h - the types and host functions of astrid:io/poll@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_POLL_H
#define BHI_ABI_GENERATED_POLL_H

#include "abi/generated/types.h"

/* Why waiting failed. */
typedef enum bhi_poll_error_code_tag {
    BHI_POLL_ERROR_CODE_INVALID_INPUT,
    BHI_POLL_ERROR_CODE_CLOSED,
    BHI_POLL_ERROR_CODE_TOO_LARGE,
    BHI_POLL_ERROR_CODE_CANCELLED,
    BHI_POLL_ERROR_CODE_UNKNOWN,
} bhi_poll_error_code_tag;

typedef struct bhi_poll_error_code {
    bhi_poll_error_code_tag tag;
    bhi_bytes unknown;
} bhi_poll_error_code;

typedef struct bhi_poll_unit_result {
    bool is_ok;
    bhi_poll_error_code error;
} bhi_poll_unit_result;

typedef struct bhi_poll_pollable_list {
    bhi_poll_pollable *const *data;
    size_t len;
} bhi_poll_pollable_list;

typedef struct bhi_poll_u32_list_result {
    bool is_ok;
    union {
        bhi_u32_list ok;
        bhi_poll_error_code error;
    };
} bhi_poll_u32_list_result;

/* Waiting until one of several things is ready. */
typedef struct bhi_poll_host {
    void (*pollable_drop)(void *pollable);
    /* Say whether waiting would return at once; changes nothing. */
    bool (*pollable_ready)(bhi_guest *guest, bhi_poll_pollable *self, bool *ret);
    /* Wait until this one is ready. */
    bool (*pollable_block)(bhi_guest *guest, bhi_poll_pollable *self, bhi_poll_unit_result *ret);
    /* Wait until at least one is ready; answers every ready index in ascending order. At most
     * 256. */
    bool (*poll)(bhi_guest *guest, bhi_poll_pollable_list pollables, bhi_poll_u32_list_result *ret);
} bhi_poll_host;

#endif
