/* abi/generated/approval.h - the types and host functions of astrid:approval/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_APPROVAL_H
#define BHI_ABI_GENERATED_APPROVAL_H

#include "abi/generated/types.h"

/* What is about to be done, and to what. */
typedef struct bhi_approval_request {
    bhi_bytes action;
    bhi_bytes target_resource;
} bhi_approval_request;

/* How the user, or an earlier decision, answered. */
typedef enum bhi_approval_decision {
    BHI_APPROVAL_DECISION_DENIED,
    BHI_APPROVAL_DECISION_APPROVED,
    BHI_APPROVAL_DECISION_APPROVED_SESSION,
    BHI_APPROVAL_DECISION_APPROVED_ALWAYS,
    BHI_APPROVAL_DECISION_ALLOWANCE,
} bhi_approval_decision;

/* The decision. */
typedef struct bhi_approval_response {
    bhi_approval_decision decision;
} bhi_approval_response;

/* Why there was no decision. */
typedef enum bhi_approval_error_code_tag {
    BHI_APPROVAL_ERROR_CODE_INVALID_INPUT,
    BHI_APPROVAL_ERROR_CODE_TIMEOUT,
    BHI_APPROVAL_ERROR_CODE_STORE_UNAVAILABLE,
    BHI_APPROVAL_ERROR_CODE_UNKNOWN,
} bhi_approval_error_code_tag;

typedef struct bhi_approval_error_code {
    bhi_approval_error_code_tag tag;
    bhi_bytes unknown;
} bhi_approval_error_code;

typedef struct bhi_approval_response_result {
    bool is_ok;
    union {
        bhi_approval_response ok;
        bhi_approval_error_code error;
    };
} bhi_approval_response_result;

/* Permission from the user for one action. */
typedef struct bhi_approval_host {
    /* Ask and wait up to a minute; a refusal is an answer, not a failure. */
    bool (*request_approval)(bhi_guest *guest, const bhi_approval_request *request,
                             bhi_approval_response_result *ret);
} bhi_approval_host;

#endif
