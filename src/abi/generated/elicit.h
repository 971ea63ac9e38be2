/* abi/generated/elicit.h - the types and host functions of astrid:elicit/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_ELICIT_H
#define BHI_ABI_GENERATED_ELICIT_H

#include "abi/generated/types.h"

/* What kind of answer is asked for. */
typedef enum bhi_elicit_type {
    BHI_ELICIT_TYPE_TEXT,
    BHI_ELICIT_TYPE_SECRET,
    BHI_ELICIT_TYPE_SELECT,
    BHI_ELICIT_TYPE_ARRAY,
} bhi_elicit_type;

/* A question. */
typedef struct bhi_elicit_request {
    bhi_elicit_type kind;
    bhi_bytes key;
    bhi_bytes description;
    bool has_options;
    bhi_text_list options;
    bool has_default_value;
    bhi_bytes default_value;
} bhi_elicit_request;

/* The answer; a secret is stored and never shown. */
typedef enum bhi_elicit_response_tag {
    BHI_ELICIT_RESPONSE_VALUE,
    BHI_ELICIT_RESPONSE_VALUES,
    BHI_ELICIT_RESPONSE_SECRET_STORED,
} bhi_elicit_response_tag;

typedef struct bhi_elicit_response {
    bhi_elicit_response_tag tag;
    union {
        bhi_bytes value;
        bhi_text_list values;
    };
} bhi_elicit_response;

/* Why a question was not answered. */
typedef enum bhi_elicit_error_code_tag {
    BHI_ELICIT_ERROR_CODE_NOT_IN_LIFECYCLE,
    BHI_ELICIT_ERROR_CODE_TIMEOUT,
    BHI_ELICIT_ERROR_CODE_CANCELLED,
    BHI_ELICIT_ERROR_CODE_INVALID_INPUT,
    BHI_ELICIT_ERROR_CODE_STORE_UNAVAILABLE,
    BHI_ELICIT_ERROR_CODE_UNKNOWN,
} bhi_elicit_error_code_tag;

typedef struct bhi_elicit_error_code {
    bhi_elicit_error_code_tag tag;
    bhi_bytes unknown;
} bhi_elicit_error_code;

typedef struct bhi_elicit_response_result {
    bool is_ok;
    union {
        bhi_elicit_response ok;
        bhi_elicit_error_code error;
    };
} bhi_elicit_response_result;

typedef struct bhi_elicit_bool_result {
    bool is_ok;
    union {
        bool ok;
        bhi_elicit_error_code error;
    };
} bhi_elicit_bool_result;

/* Questions to the user while a capsule is installed or upgraded. */
typedef struct bhi_elicit_host {
    /* Ask and wait up to two minutes. */
    bool (*elicit)(bhi_guest *guest, const bhi_elicit_request *request,
                   bhi_elicit_response_result *ret);
    /* Say whether a secret is stored. */
    bool (*has_secret)(bhi_guest *guest, bhi_bytes key, bhi_elicit_bool_result *ret);
} bhi_elicit_host;

#endif
