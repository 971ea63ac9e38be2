/* bulkhead/ipc.h - messages on the event bus. Included by capsule.h.
 *
 * A topic is 1 to 8 segments of a-z, 0-9, '_' and '-' between dots; the manifest lists what a
 * capsule may publish on and subscribe to. A subscription ends with the call that made it; a run
 * loop (capsule_run) is one long call.
 */
#ifndef BULKHEAD_SDK_IPC_H
#define BULKHEAD_SDK_IPC_H

#include "capsule.h"

typedef enum capsule_ipc_status {
    CAPSULE_IPC_OK,
    CAPSULE_IPC_CAPABILITY_DENIED, /* the manifest does not list the topic                        */
    CAPSULE_IPC_INVALID_INPUT, /* no topic, no JSON or over 1,024 deep, over 1 MiB               */
    CAPSULE_IPC_CLOSED,
    CAPSULE_IPC_RATE_LIMITED,
    CAPSULE_IPC_BACKPRESSURE, /* the message did not reach everybody                             */
    CAPSULE_IPC_QUOTA,        /* over 128 subscriptions, or messages that cause each other 8 deep */
    CAPSULE_IPC_TIMEOUT,
    CAPSULE_IPC_UNKNOWN /* capsule_error_text says more */
} capsule_ipc_status;

typedef uint32_t capsule_subscription; /* 0 is none */

typedef enum capsule_attribution {
    CAPSULE_VERIFIED, /* the host knows that the message acts for the principal */
    CAPSULE_CLAIMED,  /* an uplink says so                                      */
    CAPSULE_SYSTEM    /* the host itself: no principal                          */
} capsule_attribution;

typedef struct capsule_message {
    capsule_bytes topic;
    capsule_bytes payload;   /* JSON text                                  */
    capsule_bytes source_id; /* UUID text of the capsule that published it */
    capsule_attribution attribution;
    capsule_bytes principal; /* empty when CAPSULE_SYSTEM                  */
} capsule_message;

typedef struct capsule_batch {
    const capsule_message *messages;
    size_t count;
    uint64_t dropped; /* lost since the last batch, because the queue was full */
    uint64_t lagged;  /* lost ever                                             */
} capsule_batch;

CAPSULE_MUST_USE capsule_ipc_status capsule_publish(capsule_bytes topic, capsule_bytes payload);
/* On behalf of a principal that this uplink names. */
CAPSULE_MUST_USE capsule_ipc_status capsule_publish_as(capsule_bytes topic, capsule_bytes payload,
                                                       capsule_bytes principal);

/* `*` as the last segment covers everything below. */
CAPSULE_MUST_USE capsule_ipc_status capsule_subscribe(capsule_bytes pattern,
                                                      capsule_subscription *ret_subscription);
/* What is queued, perhaps nothing. In a run loop: of one principal, for which it acts from then on.
 */
CAPSULE_MUST_USE capsule_ipc_status capsule_subscription_poll(capsule_subscription subscription,
                                                              capsule_batch *ret_batch);
/* Wait for messages, at most a minute; CAPSULE_IPC_TIMEOUT when none came. */
CAPSULE_MUST_USE capsule_ipc_status capsule_subscription_recv(capsule_subscription subscription,
                                                              uint64_t timeout_ms,
                                                              capsule_batch *ret_batch);
/* Ready when messages are queued. */
capsule_pollable capsule_subscription_readiness(capsule_subscription subscription);
void capsule_unsubscribe(capsule_subscription subscription);

typedef struct capsule_binding {
    uint64_t handle_id; /* index among the capsule's handlers */
    capsule_bytes action;
    capsule_bytes topic;
} capsule_binding;

/* The handlers that the manifest lists, in a run loop, which subscribes to their topics itself;
 * none in a hook. */
CAPSULE_MUST_USE capsule_ipc_status capsule_interceptor_bindings(const capsule_binding **ret_items,
                                                                 size_t *ret_count);

/* "rate-limited"; static. */
const char *capsule_ipc_status_name(capsule_ipc_status status);

#endif
