/* bus/message.c - the texts follow the struct.
 *
 * A guest publishes and reads messages by the batch, more than the C library's own cache keeps of
 * one size; so each thread keeps some blocks of a few sizes for its next messages. They are given
 * back when the thread ends. Whoever releases a message keeps its block, whoever made it.
 */
#include "bus/message.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"

/* ---- blocks ---- */

typedef struct block {
    struct block *next;
} block;

typedef struct shelf {
    block *first;
    uint32_t count;
} shelf;

enum { SHELVES = 4 };
static const size_t shelf_bytes[SHELVES] = {168, 256, 512, 1280};
#ifdef __SANITIZE_ADDRESS__
static const uint32_t blocks_kept_max = 0; /* what is used after it went shall be seen */
#else
static const uint32_t blocks_kept_max = 64; /* of each size: 140 KiB of a thread */
#endif

/* initial-exec: found without a call. */
static _Thread_local shelf shelves[SHELVES] __attribute__((tls_model("initial-exec")));
static _Thread_local bool is_thread_known; /* to the key, which empties the shelves at its end */
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void empty_shelves_cb(void *arg)
{
    shelf *ending = arg;
    for (int i = 0; i < SHELVES; i++) {
        while (ending[i].first != NULL) {
            block *next = ending[i].first->next;
            free(ending[i].first);
            ending[i].first = next;
        }
        ending[i].count = 0;
    }
    is_thread_known = false; /* another thread-local's end may release a message yet */
}

static void create_key(void)
{
    BHI_ASSERT(pthread_key_create(&at_thread_end, empty_shelves_cb) == 0);
}

static bool know_thread(void)
{
    if (!is_thread_known) {
        pthread_once(&once, create_key);
        is_thread_known = pthread_setspecific(at_thread_end, shelves) == 0;
    }
    return is_thread_known;
}

/* SHELVES: larger than any. Without a branch: sizes come in any order. */
static uint32_t shelf_of(size_t bytes)
{
    uint32_t number = 0;
    for (int i = 0; i < SHELVES; i++)
        number += bytes > shelf_bytes[i];
    return number;
}

static void *take_block(size_t bytes, uint32_t number)
{
    if (number == SHELVES)
        return malloc(bytes);
    shelf *from = &shelves[number];
    block *taken = from->first;
    if (taken == NULL)
        return malloc(shelf_bytes[number]);
    from->first = taken->next;
    from->count--;
    return taken;
}

static void give_block(void *memory, uint32_t number)
{
    if (number == SHELVES || shelves[number].count >= blocks_kept_max || !know_thread()) {
        free(memory);
        return;
    }
    shelf *to = &shelves[number];
    block *given = memory;
    given->next = to->first;
    to->first = given;
    to->count++;
}

/* ---- messages ---- */

static size_t bytes_of(const bhi_message_spec *spec)
{
    return sizeof(bhi_message) + spec->topic.len + spec->payload.len + spec->source_id.len +
           spec->principal.len;
}

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
    size_t bytes = bytes_of(spec);
    uint32_t number = shelf_of(bytes);
    bhi_message *message = take_block(bytes, number);
    if (message == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a message");
    uint8_t *at = (uint8_t *)(message + 1);
    atomic_init(&message->references, 1);
    message->shelf = number;
    message->spec.topic = append(&at, spec->topic);
    message->spec.source_id = append(&at, spec->source_id);
    message->spec.principal = append(&at, spec->principal);
    message->spec.payload = append(&at, spec->payload); /* last: the short ones share cache lines */
    message->spec.attribution = spec->attribution;
    message->spec.may_act = spec->may_act;
    message->spec.depth = spec->depth;
    message->sequence = 0;
    message->observer = NULL;
    *ret_message = message;
    return BH_OK;
}

/* Whoever holds the only reference may look and set instead of adding and subtracting: nobody else
 * can retain meanwhile. The look acquires, for the store ends the sequence of those who released.
 */
bhi_message *bhi_message_retain(bhi_message *message)
{
    if (atomic_load_explicit(&message->references, memory_order_acquire) == 1)
        atomic_store_explicit(&message->references, 2, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    return message;
}

void bhi_message_release(bhi_message *message)
{
    if (message == NULL)
        return;
    if (atomic_load_explicit(&message->references, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) == 1)
        give_block(message, message->shelf);
}
