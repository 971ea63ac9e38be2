/* bus/message.c - the texts follow the struct.
 *
 * A guest publishes and reads messages by the batch, more than the C library's own cache keeps of
 * one size; so each thread keeps some blocks of a few sizes for its next messages. They are given
 * back when the thread ends. Whoever releases a message keeps its block, whoever made it.
 *
 * Blocks of the smaller sizes are asked of the C library a few at a time, as a slab, which goes
 * when all of them were given back: messages that wait for many subscribers cost a quarter of its
 * calls, and lie in memory in the order in which they were made. One message keeps at most its
 * slab, 656 bytes, near the 512 that a queue counts for it at least (bus.h, M2).
 */
#include "bus/message.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/list.h"

/* ---- slabs ---- */

typedef struct slab {
    atomic_uint given_back; /* of its blocks */
    alignas(max_align_t) uint8_t blocks[];
} slab;

enum { SHELVES = 4 };
static const size_t block_bytes[SHELVES] = {160, 256, 512, 1280};
#ifdef __SANITIZE_ADDRESS__ /* what is used after it went shall be seen */
static const uint8_t slab_blocks[SHELVES] = {1, 1, 1, 1};
static const uint32_t blocks_kept_max = 0;
#else
static const uint8_t slab_blocks[SHELVES] = {4, 2, 1, 1};
static const uint32_t blocks_kept_max = 64; /* of each size: at most 190 KiB of a thread */
#endif

static bhi_message *block_of(slab *from, uint32_t number, uint32_t place)
{
    return (bhi_message *)(from->blocks + place * block_bytes[number]);
}

static slab *make_slab(uint32_t number)
{
    slab *made = malloc(sizeof *made + slab_blocks[number] * block_bytes[number]);
    if (made == NULL)
        return NULL;
    atomic_init(&made->given_back, 0);
    for (uint32_t place = 0; place < slab_blocks[number]; place++) {
        block_of(made, number, place)->shelf = (uint16_t)number;
        block_of(made, number, place)->place = (uint16_t)place;
    }
    return made;
}

static void free_block(bhi_message *block)
{
    uint32_t number = block->shelf;
    uint8_t *blocks = (uint8_t *)block - block->place * block_bytes[number];
    slab *of = BHI_CONTAINER_OF(blocks, slab, blocks);
    if (slab_blocks[number] == 1 ||
        atomic_fetch_add_explicit(&of->given_back, 1, memory_order_acq_rel) + 1 ==
            slab_blocks[number])
        free(of);
}

/* ---- shelves ---- */

/* Of messages that are none at present, linked by `observer`. */
typedef struct shelf {
    bhi_message *first;
    uint32_t count;
} shelf;

/* initial-exec: found without a call. */
static _Thread_local shelf shelves[SHELVES] __attribute__((tls_model("initial-exec")));
static _Thread_local bool is_thread_known; /* to the key, which empties the shelves at its end */
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bhi_message *take_from(shelf *from)
{
    bhi_message *taken = from->first;
    from->first = taken->observer;
    from->count--;
    return taken;
}

static void empty_shelves_cb(void *arg)
{
    shelf *ending = arg;
    for (uint32_t i = 0; i < SHELVES; i++)
        while (ending[i].first != NULL)
            free_block(take_from(&ending[i]));
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

static void give_block(bhi_message *given)
{
    shelf *to = &shelves[given->shelf];
    if (to->count >= blocks_kept_max || !know_thread()) {
        free_block(given);
        return;
    }
    given->observer = to->first;
    to->first = given;
    to->count++;
}

/* The first block of a new slab; the others are kept, so that they are taken in order. */
static bhi_message *take_new(uint32_t number)
{
    slab *made = make_slab(number);
    if (made == NULL)
        return NULL;
    for (uint32_t place = slab_blocks[number]; place-- > 1;)
        give_block(block_of(made, number, place));
    return block_of(made, number, 0);
}

/* SHELVES: larger than any. Without a branch: sizes come in any order. */
static uint32_t shelf_of(size_t bytes)
{
    uint32_t number = 0;
    for (int i = 0; i < SHELVES; i++)
        number += bytes > block_bytes[i];
    return number;
}

/* NULL: no memory. */
static bhi_message *take_memory(size_t bytes)
{
    uint32_t number = shelf_of(bytes);
    if (number < SHELVES)
        return shelves[number].first != NULL ? take_from(&shelves[number]) : take_new(number);
    bhi_message *taken = malloc(bytes);
    if (taken != NULL)
        taken->shelf = SHELVES;
    return taken;
}

static void give_memory(bhi_message *message)
{
    if (message->shelf == SHELVES)
        free(message);
    else
        give_block(message);
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
    bhi_message *message = take_memory(bytes_of(spec));
    if (message == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a message");
    uint8_t *at = (uint8_t *)(message + 1);
    atomic_init(&message->references, 1);
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
        give_memory(message);
}
