/* abi/generated/identity.h - the types and host functions of astrid:identity/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_IDENTITY_H
#define BHI_ABI_GENERATED_IDENTITY_H

#include "abi/generated/types.h"

/* An outside account. */
typedef struct bhi_identity_resolve_request {
    bhi_bytes platform;
    bhi_bytes platform_user_id;
} bhi_identity_resolve_request;

/* The user behind it. */
typedef struct bhi_identity_resolve_response {
    bhi_bytes user_id;
    bool has_display_name;
    bhi_bytes display_name;
} bhi_identity_resolve_response;

/* Why an identity call failed. */
typedef enum bhi_identity_error_code_tag {
    BHI_IDENTITY_ERROR_CODE_CAPABILITY_DENIED,
    BHI_IDENTITY_ERROR_CODE_INVALID_INPUT,
    BHI_IDENTITY_ERROR_CODE_USER_NOT_FOUND,
    BHI_IDENTITY_ERROR_CODE_LINK_NOT_FOUND,
    BHI_IDENTITY_ERROR_CODE_ALREADY_LINKED,
    BHI_IDENTITY_ERROR_CODE_STORE_UNAVAILABLE,
    BHI_IDENTITY_ERROR_CODE_UNKNOWN,
} bhi_identity_error_code_tag;

typedef struct bhi_identity_error_code {
    bhi_identity_error_code_tag tag;
    bhi_bytes unknown;
} bhi_identity_error_code;

/* An account to link, the user, and how the link was proven. */
typedef struct bhi_identity_link_request {
    bhi_bytes platform;
    bhi_bytes platform_user_id;
    bhi_bytes astrid_user_id;
    bhi_bytes method;
} bhi_identity_link_request;

/* An account to unlink. */
typedef struct bhi_identity_unlink_request {
    bhi_bytes platform;
    bhi_bytes platform_user_id;
} bhi_identity_unlink_request;

/* A user to create. */
typedef struct bhi_identity_create_user_request {
    bool has_display_name;
    bhi_bytes display_name;
} bhi_identity_create_user_request;

/* The new user's id. */
typedef struct bhi_identity_create_user_response {
    bhi_bytes user_id;
} bhi_identity_create_user_response;

/* One linked account. */
typedef struct bhi_identity_platform_link {
    bhi_bytes platform;
    bhi_bytes platform_user_id;
    bhi_bytes linked_at;
    bhi_bytes method;
} bhi_identity_platform_link;

typedef struct bhi_identity_resolve_response_result {
    bool is_ok;
    union {
        bhi_identity_resolve_response ok;
        bhi_identity_error_code error;
    };
} bhi_identity_resolve_response_result;

typedef struct bhi_identity_unit_result {
    bool is_ok;
    bhi_identity_error_code error;
} bhi_identity_unit_result;

typedef struct bhi_identity_create_user_response_result {
    bool is_ok;
    union {
        bhi_identity_create_user_response ok;
        bhi_identity_error_code error;
    };
} bhi_identity_create_user_response_result;

typedef struct bhi_identity_platform_link_list {
    const bhi_identity_platform_link *data;
    size_t len;
} bhi_identity_platform_link_list;

typedef struct bhi_identity_platform_link_list_result {
    bool is_ok;
    union {
        bhi_identity_platform_link_list ok;
        bhi_identity_error_code error;
    };
} bhi_identity_platform_link_list_result;

/* Links between outside accounts and users. */
typedef struct bhi_identity_host {
    /* Find the user behind an account. */
    bool (*identity_resolve)(bhi_guest *guest, const bhi_identity_resolve_request *request,
                             bhi_identity_resolve_response_result *ret);
    /* Link an account that is not linked yet. */
    bool (*identity_link)(bhi_guest *guest, const bhi_identity_link_request *request,
                          bhi_identity_unit_result *ret);
    /* Remove a link. */
    bool (*identity_unlink)(bhi_guest *guest, const bhi_identity_unlink_request *request,
                            bhi_identity_unit_result *ret);
    /* Create a user. */
    bool (*identity_create_user)(bhi_guest *guest, const bhi_identity_create_user_request *request,
                                 bhi_identity_create_user_response_result *ret);
    /* The accounts linked to a user. */
    bool (*identity_list_links)(bhi_guest *guest, bhi_bytes astrid_user_id,
                                bhi_identity_platform_link_list_result *ret);
} bhi_identity_host;

#endif
