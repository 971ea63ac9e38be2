/* bus/message.h - one published message: immutable, counted, in one allocation.
 *
 * Threads: any.
 */
#ifndef BHI_BUS_MESSAGE_H
#define BHI_BUS_MESSAGE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/error.h"

/* How far the principal of a message is trusted. */
typedef enum bhi_attribution {
    BHI_ATTRIBUTION_VERIFIED, /* the host knows that it acts for this principal */
    BHI_ATTRIBUTION_CLAIMED, /* an uplink says so                                                 */
    BHI_ATTRIBUTION_SYSTEM   /* the host itself: no principal                                     */
} bhi_attribution;

typedef struct bhi_message_spec {
    bhi_bytes topic;     /* valid                                                    */
    bhi_bytes payload;   /* JSON text                                                */
    bhi_bytes source_id; /* UUID text of the capsule's load; empty: the host         */
    bhi_bytes principal; /* empty when SYSTEM                                        */
    bhi_attribution attribution;
    bool may_act;   /* CLAIMED: handlers may run on the principal's behalf       */
    uint32_t depth; /* 0 from outside; one more than what caused it              */
} bhi_message_spec;

typedef struct bhi_message {
    atomic_uint references;
    uint16_t shelf, place; /* message.c: where its memory is from */
    bhi_message_spec spec; /* texts are in this allocation */
    uint64_t sequence;     /* bus-wide, from 1; set by publishing */
    void *observer;        /* of whoever waits for its handlers; the dispatcher's */
} bhi_message;

/* Copies the texts. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_message_create(const bhi_message_spec *spec, bhi_message **ret_message,
                                         bh_error *reterr);
bhi_message *bhi_message_retain(bhi_message *message);
/* Takes NULL. */
void bhi_message_release(bhi_message *message);

/* Topic and payload: what queues and rates count. */
static inline size_t bhi_message_bytes(const bhi_message *message)
{
    return message->spec.topic.len + message->spec.payload.len;
}

#endif
