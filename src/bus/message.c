/* bus/message.c - the texts follow the struct. */
#include "bus/message.h"

#include <stdlib.h>

static bhi_bytes append(uint8_t **at, bhi_bytes text)
{
    bhi_bytes copy = {*at, text.len};
    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

bh_status bhi_message_create(const bhi_message_spec *spec, bhi_message **ret_message,
                             bh_error *reterr)
{
    size_t texts_bytes =
        spec->topic.len + spec->payload.len + spec->source_id.len + spec->principal.len;
    bhi_message *message = malloc(sizeof *message + texts_bytes);
    if (message == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a message");
    uint8_t *at = (uint8_t *)(message + 1);
    message->spec = *spec;
    message->spec.topic = append(&at, spec->topic);
    message->spec.payload = append(&at, spec->payload);
    message->spec.source_id = append(&at, spec->source_id);
    message->spec.principal = append(&at, spec->principal);
    message->sequence = 0;
    message->observer = NULL;
    atomic_init(&message->references, 1);
    *ret_message = message;
    return BH_OK;
}

bhi_message *bhi_message_retain(bhi_message *message)
{
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    return message;
}

void bhi_message_release(bhi_message *message)
{
    if (message == NULL)
        return;
    /* Whoever holds the only reference may look instead of subtracting: nobody else can retain. */
    if (atomic_load_explicit(&message->references, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) == 1)
        free(message);
}
