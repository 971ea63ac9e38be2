/* abi/generated/ipc.h - the types and host functions of astrid:ipc/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_IPC_H
#define BHI_ABI_GENERATED_IPC_H

#include "abi/generated/types.h"

/* Who sent a message and how far that is trusted. */
typedef enum bhi_ipc_principal_attribution_tag {
    BHI_IPC_PRINCIPAL_ATTRIBUTION_VERIFIED,
    BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED,
    BHI_IPC_PRINCIPAL_ATTRIBUTION_SYSTEM,
} bhi_ipc_principal_attribution_tag;

typedef struct bhi_ipc_principal_attribution {
    bhi_ipc_principal_attribution_tag tag;
    union {
        bhi_bytes verified;
        bhi_bytes claimed;
    };
} bhi_ipc_principal_attribution;

/* One message as it was published. */
typedef struct bhi_ipc_message {
    bhi_bytes topic;
    bhi_bytes payload;
    bhi_bytes source_id;
    bhi_ipc_principal_attribution principal;
} bhi_ipc_message;

typedef struct bhi_ipc_message_list {
    const bhi_ipc_message *data;
    size_t len;
} bhi_ipc_message_list;

/* A batch of messages, and how many were lost since the last one and ever. */
typedef struct bhi_ipc_envelope {
    bhi_ipc_message_list messages;
    uint64_t dropped;
    uint64_t lagged;
} bhi_ipc_envelope;

/* Why a bus call failed. */
typedef enum bhi_ipc_error_code_tag {
    BHI_IPC_ERROR_CODE_CAPABILITY_DENIED,
    BHI_IPC_ERROR_CODE_INVALID_INPUT,
    BHI_IPC_ERROR_CODE_CLOSED,
    BHI_IPC_ERROR_CODE_RATE_LIMITED,
    BHI_IPC_ERROR_CODE_BACKPRESSURE,
    BHI_IPC_ERROR_CODE_QUOTA,
    BHI_IPC_ERROR_CODE_TIMEOUT,
    BHI_IPC_ERROR_CODE_UNKNOWN,
} bhi_ipc_error_code_tag;

typedef struct bhi_ipc_error_code {
    bhi_ipc_error_code_tag tag;
    bhi_bytes unknown;
} bhi_ipc_error_code;

/* One hook of this capsule and the topic that triggers it. */
typedef struct bhi_ipc_interceptor_binding {
    uint64_t handle_id;
    bhi_bytes action;
    bhi_bytes topic;
} bhi_ipc_interceptor_binding;

typedef struct bhi_ipc_envelope_result {
    bool is_ok;
    union {
        bhi_ipc_envelope ok;
        bhi_ipc_error_code error;
    };
} bhi_ipc_envelope_result;

typedef struct bhi_ipc_unit_result {
    bool is_ok;
    bhi_ipc_error_code error;
} bhi_ipc_unit_result;

typedef struct bhi_ipc_subscription_result {
    bool is_ok;
    union {
        bhi_ipc_subscription *ok;
        bhi_ipc_error_code error;
    };
} bhi_ipc_subscription_result;

typedef struct bhi_ipc_interceptor_binding_list {
    const bhi_ipc_interceptor_binding *data;
    size_t len;
} bhi_ipc_interceptor_binding_list;

typedef struct bhi_ipc_interceptor_binding_list_result {
    bool is_ok;
    union {
        bhi_ipc_interceptor_binding_list ok;
        bhi_ipc_error_code error;
    };
} bhi_ipc_interceptor_binding_list_result;

/* Messages on the event bus. */
typedef struct bhi_ipc_host {
    void (*subscription_drop)(void *subscription);
    /* Take what is queued, up to 1 MiB, perhaps nothing. */
    bool (*subscription_poll)(bhi_guest *guest, bhi_ipc_subscription *self,
                              bhi_ipc_envelope_result *ret);
    /* Wait up to `timeout-ms` (at most a minute) for a message, then take what is queued. */
    bool (*subscription_recv)(bhi_guest *guest, bhi_ipc_subscription *self, uint64_t timeout_ms,
                              bhi_ipc_envelope_result *ret);
    /* Ready when a message is queued. */
    bool (*subscription_subscribe_readiness)(bhi_guest *guest, bhi_ipc_subscription *self,
                                             bhi_poll_pollable **ret);
    /* Publish JSON text on a topic that the manifest lists. */
    bool (*publish)(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload, bhi_ipc_unit_result *ret);
    /* Publish on behalf of a claimed principal; only uplinks may. */
    bool (*publish_as)(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload, bhi_bytes principal,
                       bhi_ipc_unit_result *ret);
    /* Queue messages whose topic matches; `*` ends a pattern and covers everything below. */
    bool (*subscribe)(bhi_guest *guest, bhi_bytes topic_pattern, bhi_ipc_subscription_result *ret);
    /* The hooks of a capsule that runs its own loop. */
    bool (*get_interceptor_bindings)(bhi_guest *guest,
                                     bhi_ipc_interceptor_binding_list_result *ret);
} bhi_ipc_host;

#endif
