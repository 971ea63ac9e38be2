/* abi/generated/uplink.h - the types and host functions of astrid:uplink/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_UPLINK_H
#define BHI_ABI_GENERATED_UPLINK_H

#include "abi/generated/types.h"

/* What kind of conversation an uplink carries. */
typedef enum bhi_uplink_profile {
    BHI_UPLINK_PROFILE_CHAT,
    BHI_UPLINK_PROFILE_INTERACTIVE,
    BHI_UPLINK_PROFILE_NOTIFY,
    BHI_UPLINK_PROFILE_BRIDGE,
} bhi_uplink_profile;

/* Why an uplink call failed. */
typedef enum bhi_uplink_error_code_tag {
    BHI_UPLINK_ERROR_CODE_CAPABILITY_DENIED,
    BHI_UPLINK_ERROR_CODE_INVALID_INPUT,
    BHI_UPLINK_ERROR_CODE_INVALID_PROFILE,
    BHI_UPLINK_ERROR_CODE_UNKNOWN_UPLINK,
    BHI_UPLINK_ERROR_CODE_NO_SESSION,
    BHI_UPLINK_ERROR_CODE_QUOTA,
    BHI_UPLINK_ERROR_CODE_UNKNOWN,
} bhi_uplink_error_code_tag;

typedef struct bhi_uplink_error_code {
    bhi_uplink_error_code_tag tag;
    bhi_bytes unknown;
} bhi_uplink_error_code;

typedef struct bhi_uplink_text_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_uplink_error_code error;
    };
} bhi_uplink_text_result;

typedef struct bhi_uplink_bool_result {
    bool is_ok;
    union {
        bool ok;
        bhi_uplink_error_code error;
    };
} bhi_uplink_bool_result;

/* Bridges from chat platforms and other outside channels. */
typedef struct bhi_uplink_host {
    /* Announce an uplink; answers its id. */
    bool (*uplink_register)(bhi_guest *guest, bhi_bytes name, bhi_bytes platform,
                            bhi_uplink_profile profile, bhi_uplink_text_result *ret);
    /* Hand in a message of an outside user; false when it could not be queued. */
    bool (*uplink_send)(bhi_guest *guest, bhi_bytes uplink_id, bhi_bytes platform_user_id,
                        bhi_bytes content, bhi_uplink_bool_result *ret);
} bhi_uplink_host;

#endif
