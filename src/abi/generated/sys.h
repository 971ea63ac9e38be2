/* abi/generated/sys.h - the types and host functions of astrid:sys/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_SYS_H
#define BHI_ABI_GENERATED_SYS_H

#include "abi/generated/types.h"

/* Why a call failed. */
typedef enum bhi_sys_error_code_tag {
    BHI_SYS_ERROR_CODE_CAPABILITY_DENIED,
    BHI_SYS_ERROR_CODE_CONFIG_KEY_RESERVED,
    BHI_SYS_ERROR_CODE_TOO_LARGE,
    BHI_SYS_ERROR_CODE_REGISTRY_UNAVAILABLE,
    BHI_SYS_ERROR_CODE_CANCELLED,
    BHI_SYS_ERROR_CODE_UNKNOWN,
} bhi_sys_error_code_tag;

typedef struct bhi_sys_error_code {
    bhi_sys_error_code_tag tag;
    bhi_bytes unknown;
} bhi_sys_error_code;

/* Who caused the present call. */
typedef struct bhi_sys_caller_context {
    bool has_principal;
    bhi_bytes principal;
    bhi_bytes source_id;
    bhi_bytes timestamp;
} bhi_sys_caller_context;

/* How serious a log line is. */
typedef enum bhi_sys_log_level {
    BHI_SYS_LOG_LEVEL_TRACE,
    BHI_SYS_LOG_LEVEL_DEBUG,
    BHI_SYS_LOG_LEVEL_INFO,
    BHI_SYS_LOG_LEVEL_WARN,
    BHI_SYS_LOG_LEVEL_ERROR,
} bhi_sys_log_level;

/* Which capsule, by the id that stamps its messages, and which capability. */
typedef struct bhi_sys_capability_check_request {
    bhi_bytes source_uuid;
    bhi_bytes capability;
} bhi_sys_capability_check_request;

/* Whether it holds the capability. */
typedef struct bhi_sys_capability_check_response {
    bool allowed;
} bhi_sys_capability_check_response;

typedef struct bhi_sys_text_option_result {
    bool is_ok;
    union {
        bhi_text_option ok;
        bhi_sys_error_code error;
    };
} bhi_sys_text_option_result;

typedef struct bhi_sys_caller_context_result {
    bool is_ok;
    union {
        bhi_sys_caller_context ok;
        bhi_sys_error_code error;
    };
} bhi_sys_caller_context_result;

typedef struct bhi_sys_unit_result {
    bool is_ok;
    bhi_sys_error_code error;
} bhi_sys_unit_result;

typedef struct bhi_sys_bytes_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_sys_error_code error;
    };
} bhi_sys_bytes_result;

typedef struct bhi_sys_capability_check_response_result {
    bool is_ok;
    union {
        bhi_sys_capability_check_response ok;
        bhi_sys_error_code error;
    };
} bhi_sys_capability_check_response_result;

/* Configuration, log, clocks, randomness. */
typedef struct bhi_sys_host {
    /* A value of the manifest's environment; `none` when it is not set. */
    bool (*get_config)(bhi_guest *guest, bhi_bytes key, bhi_sys_text_option_result *ret);
    /* Who caused the present call. */
    bool (*get_caller)(bhi_guest *guest, bhi_sys_caller_context_result *ret);
    /* Write one line to the log of the principal. */
    bool (*log)(bhi_guest *guest, bhi_sys_log_level level, bhi_bytes message);
    /* Tell that a run loop has started up. */
    bool (*signal_ready)(bhi_guest *guest);
    /* Milliseconds since the start of 1970. */
    bool (*clock_ms)(bhi_guest *guest, uint64_t *ret);
    /* Nanoseconds on a clock that never goes back. */
    bool (*clock_monotonic_ns)(bhi_guest *guest, uint64_t *ret);
    /* Wait; at most a minute. */
    bool (*sleep_ns)(bhi_guest *guest, uint64_t duration_ns, bhi_sys_unit_result *ret);
    /* Unpredictable bytes, at most 4096. */
    bool (*random_bytes)(bhi_guest *guest, uint64_t length, bhi_sys_bytes_result *ret);
    /* Ask whether the sender of a message holds a capability. */
    bool (*check_capsule_capability)(bhi_guest *guest,
                                     const bhi_sys_capability_check_request *request,
                                     bhi_sys_capability_check_response_result *ret);
    /* The capabilities that this capsule holds, sorted. */
    bool (*enumerate_capabilities)(bhi_guest *guest, bhi_text_list *ret);
} bhi_sys_host;

#endif
