/* bus/queue.c - rings of messages, one for each principal, and whose turn it is. */
#include "bus/queue.h"

#include <stdlib.h>

#include "base/assert.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

/* A principal's lane is kept for a while when it is empty: most have one message after another. */
enum { IDLE_LANES_MAX = 16, RING_FIRST = 8, KEY_BYTES_MAX = 65 };
/* What a turn adds at least, so that small budgets do not make many turns. */
enum { QUANTUM_BYTES_MIN = 4096 };
/* Of each queue without an account, and what is taken of one at a time: so that a queue that is
 * read touches no account. */
enum { RESERVE_BYTES = 64 << 10 };

_Static_assert((BHI_BUS_PRINCIPAL_MESSAGES_MAX & (BHI_BUS_PRINCIPAL_MESSAGES_MAX - 1)) == 0,
               "a ring grows by doubling");

struct bhi_lane {
    UT_hash_handle hh;
    bool is_refused;
    bhi_link link;   /* on turns or idle */
    bool is_in_turn; /* a batch was full in the middle of its turn */
    size_t bytes, deficit;
    uint32_t first, count, capacity;
    bhi_message **ring;
    size_t key_len;
    uint8_t key[KEY_BYTES_MAX]; /* how far it is trusted, then the principal */
};

void bhi_queue_init(bhi_queue *queue, bhi_bus_account *account)
{
    *queue = (bhi_queue){.account = account, .reserved = RESERVE_BYTES};
    bhi_link_init(&queue->turns);
    bhi_link_init(&queue->idle);
}

/* ---- lanes ---- */

static void free_lane(bhi_queue *queue, bhi_lane *lane)
{
    if (queue->latest == lane)
        queue->latest = NULL;
    bhi_list_remove(&lane->link);
    HASH_DEL(queue->lanes, lane);
    free(lane->ring);
    free(lane);
}

/* Who may be acted for is not to share a batch with who says so only. */
static uint8_t trust_of(const bhi_message *message)
{
    return (uint8_t)(message->spec.attribution << 1 | message->spec.may_act);
}

static size_t write_key(const bhi_message *message, uint8_t key[KEY_BYTES_MAX])
{
    bhi_bytes principal = message->spec.principal;
    BHI_ASSERT(principal.len < KEY_BYTES_MAX); /* a principal has at most 64 bytes */
    key[0] = trust_of(message);
    if (principal.len > 0)
        memcpy(key + 1, principal.data, principal.len);
    return principal.len + 1;
}

static bhi_lane *make_lane(bhi_queue *queue, const uint8_t *key, size_t key_len)
{
    bhi_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    memcpy(lane->key, key, key_len);
    lane->key_len = key_len;
    HASH_ADD_KEYPTR(hh, queue->lanes, lane->key, lane->key_len, lane);
    if (lane->is_refused) {
        free(lane);
        return NULL;
    }
    bhi_list_push_back(&queue->idle, &lane->link);
    queue->idle_count++;
    return lane;
}

static bool is_lane_of(const bhi_lane *lane, const bhi_message *message)
{
    bhi_bytes principal = {lane->key + 1, lane->key_len - 1};
    return lane->key[0] == trust_of(message) && bhi_bytes_equal(principal, message->spec.principal);
}

/* The message's lane; NULL: no memory. */
static bhi_lane *take_lane(bhi_queue *queue, const bhi_message *message)
{
    uint8_t key[KEY_BYTES_MAX];
    bhi_lane *lane = queue->latest;
    if (lane != NULL && is_lane_of(lane, message))
        return lane;
    size_t key_len = write_key(message, key);
    HASH_FIND(hh, queue->lanes, key, key_len, lane);
    if (lane == NULL)
        lane = make_lane(queue, key, key_len);
    queue->latest = lane;
    return lane;
}

static void become_active(bhi_queue *queue, bhi_lane *lane)
{
    bhi_list_remove(&lane->link);
    bhi_list_push_back(&queue->turns, &lane->link);
    queue->idle_count--;
    queue->active_count++;
}

static void become_idle(bhi_queue *queue, bhi_lane *lane)
{
    lane->deficit = 0;
    lane->is_in_turn = false;
    bhi_list_remove(&lane->link);
    bhi_list_push_back(&queue->idle, &lane->link);
    queue->active_count--;
    for (queue->idle_count++; queue->idle_count > IDLE_LANES_MAX; queue->idle_count--)
        free_lane(queue, BHI_CONTAINER_OF(bhi_list_first(&queue->idle), bhi_lane, link));
}

/* ---- the account ---- */

static bool take_from_account(bhi_bus_account *account)
{
    size_t before = atomic_fetch_add_explicit(&account->bytes, RESERVE_BYTES, memory_order_relaxed);
    if (before + RESERVE_BYTES <= BHI_BUS_ACCOUNT_BYTES_MAX)
        return true;
    atomic_fetch_sub_explicit(&account->bytes, RESERVE_BYTES, memory_order_relaxed);
    return false;
}

static bool reserve(bhi_queue *queue, size_t bytes)
{
    while (queue->reserved < bytes && queue->account != NULL) {
        if (!take_from_account(queue->account))
            return false;
        queue->reserved += RESERVE_BYTES;
    }
    return true;
}

/* All but what is used, and `spare` more steps. */
static void give_back_reserve(bhi_queue *queue, size_t spare)
{
    size_t steps = (queue->bytes + RESERVE_BYTES - 1) / RESERVE_BYTES + spare;
    size_t kept = (steps > 1 ? steps : 1) * RESERVE_BYTES;
    if (queue->reserved <= kept)
        return;
    atomic_fetch_sub_explicit(&queue->account->bytes, queue->reserved - kept, memory_order_relaxed);
    queue->reserved = kept;
}

/* ---- messages ---- */

static bhi_message *first_of(const bhi_lane *lane)
{
    return lane->ring[lane->first & (lane->capacity - 1)];
}

/* What a message takes of the queue's room (M2). */
static size_t weight_of(const bhi_message *message)
{
    size_t bytes = bhi_message_bytes(message);
    return bytes > BHI_BUS_MESSAGE_BYTES_MIN ? bytes : BHI_BUS_MESSAGE_BYTES_MIN;
}

/* The lane's first message leaves the queue, with its reference. The lane stays where it is. */
static bhi_message *shift(bhi_queue *queue, bhi_lane *lane)
{
    bhi_message *message = first_of(lane);
    size_t weight = weight_of(message);
    lane->first++;
    lane->count--;
    lane->bytes -= weight;
    queue->bytes -= weight;
    queue->count--;
    return message;
}

/* `kept` is about to get a message and stays active although it may be empty. */
static void drop_first(bhi_queue *queue, bhi_lane *lane, const bhi_lane *kept)
{
    bhi_message_release(shift(queue, lane));
    queue->dropped++;
    queue->lagged++;
    if (lane->count == 0 && lane != kept)
        become_idle(queue, lane);
}

static bhi_lane *largest_lane(const bhi_queue *queue)
{
    bhi_lane *largest = NULL;
    for (bhi_link *link = queue->turns.next; link != &queue->turns; link = link->next) {
        bhi_lane *lane = BHI_CONTAINER_OF(link, bhi_lane, link);
        if (largest == NULL || lane->bytes > largest->bytes)
            largest = lane;
    }
    return largest;
}

static bool grow_ring(bhi_lane *lane)
{
    uint32_t capacity = lane->capacity == 0 ? RING_FIRST : lane->capacity * 2;
    bhi_message **ring = malloc(capacity * sizeof(bhi_message *));
    if (ring == NULL)
        return false;
    for (uint32_t i = 0; i < lane->count; i++)
        ring[i] = lane->ring[(lane->first + i) & (lane->capacity - 1)];
    free(lane->ring);
    lane->ring = ring;
    lane->first = 0;
    lane->capacity = capacity;
    return true;
}

/* M2 and M6: room for one more of this lane and of this weight. False: not even in an empty queue,
 * and nothing was dropped for it. */
static bool make_room(bhi_queue *queue, bhi_lane *lane, size_t weight)
{
    if (!reserve(queue, weight)) {
        give_back_reserve(queue, 0);
        return false;
    }
    while (queue->bytes + weight > BHI_BUS_QUEUE_BYTES_MAX ||
           !reserve(queue, queue->bytes + weight))
        drop_first(queue, largest_lane(queue), lane);
    if (lane->count == BHI_BUS_PRINCIPAL_MESSAGES_MAX)
        drop_first(queue, lane, lane);
    return true;
}

static bool lose(bhi_queue *queue)
{
    queue->dropped++;
    queue->lagged++;
    return false;
}

bool bhi_queue_push(bhi_queue *queue, bhi_message *message)
{
    size_t weight = weight_of(message);
    BHI_ASSERT(weight <= BHI_BUS_QUEUE_BYTES_MAX);
    bhi_lane *lane = take_lane(queue, message);
    if (lane == NULL)
        return lose(queue);
    if (lane->count == lane->capacity && lane->count < BHI_BUS_PRINCIPAL_MESSAGES_MAX &&
        !grow_ring(lane))
        return lose(queue);
    if (lane->count == 0)
        become_active(queue, lane);
    if (!make_room(queue, lane, weight)) {
        if (lane->count == 0)
            become_idle(queue, lane);
        return lose(queue);
    }
    lane->ring[(lane->first + lane->count) & (lane->capacity - 1)] = bhi_message_retain(message);
    lane->count++;
    lane->bytes += weight;
    queue->bytes += weight;
    queue->count++;
    return true;
}

/* ---- taking ---- */

typedef struct batch_room {
    size_t bytes_max, bytes;
    bhi_batch *batch;
} batch_room;

static bool may_take(const batch_room *room, size_t bytes)
{
    return room->batch->count < BHI_BUS_TAKE_MAX &&
           (room->batch->count == 0 || room->bytes + bytes <= room->bytes_max);
}

/* A batch is bounded in bytes and in messages, and turns share both: a message costs at least its
 * share of the latter. */
static size_t cost_of(const batch_room *room, size_t bytes)
{
    size_t share = room->bytes_max / BHI_BUS_TAKE_MAX;
    return bytes > share ? bytes : share;
}

static void end_turn(bhi_queue *queue, bhi_lane *lane)
{
    lane->is_in_turn = false;
    bhi_list_remove(&lane->link);
    bhi_list_push_back(&queue->turns, &lane->link);
}

/* What the lane's deficit allows. False: the batch is full, and the turn goes on in the next. */
static bool take_turn(bhi_queue *queue, bhi_lane *lane, batch_room *room)
{
    while (lane->count > 0) {
        size_t bytes = bhi_message_bytes(first_of(lane));
        size_t cost = cost_of(room, bytes);
        lane->is_in_turn = !may_take(room, bytes);
        if (lane->is_in_turn)
            return false;
        if (cost > lane->deficit)
            break;
        lane->deficit -= cost;
        room->bytes += bytes;
        room->batch->messages[room->batch->count++] = shift(queue, lane);
    }
    if (lane->count == 0)
        become_idle(queue, lane);
    else
        end_turn(queue, lane);
    return true;
}

static bhi_lane *first_lane(const bhi_queue *queue)
{
    bhi_link *link = bhi_list_first(&queue->turns);
    return link == NULL ? NULL : BHI_CONTAINER_OF(link, bhi_lane, link);
}

static void take_in_turns(bhi_queue *queue, batch_room *room)
{
    if (queue->active_count == 0)
        return;
    size_t quantum = room->bytes_max / queue->active_count;
    if (quantum < QUANTUM_BYTES_MIN)
        quantum = QUANTUM_BYTES_MIN;
    for (bhi_lane *lane = first_lane(queue); lane != NULL; lane = first_lane(queue)) {
        if (!lane->is_in_turn)
            lane->deficit += quantum;
        if (!take_turn(queue, lane, room))
            return;
    }
}

/* A whole batch of whoever's turn it is. */
static void take_of_one(bhi_queue *queue, batch_room *room)
{
    bhi_lane *lane = first_lane(queue);
    if (lane == NULL)
        return;
    lane->deficit = SIZE_MAX;
    if (!take_turn(queue, lane, room)) {
        lane->deficit = 0;
        end_turn(queue, lane);
    }
}

void bhi_queue_take(bhi_queue *queue, size_t bytes_max, bool one_principal, bhi_batch *ret_batch)
{
    batch_room room = {.bytes_max = bytes_max, .batch = ret_batch};
    ret_batch->count = 0;
    if (one_principal)
        take_of_one(queue, &room);
    else
        take_in_turns(queue, &room);
    give_back_reserve(queue, 1); /* one that comes and goes does not ask each time */
    ret_batch->dropped = queue->dropped;
    ret_batch->lagged = queue->lagged;
    queue->dropped = 0;
}

void bhi_queue_deinit(bhi_queue *queue)
{
    for (bhi_lane *lane = first_lane(queue); lane != NULL; lane = first_lane(queue)) {
        while (lane->count > 0)
            bhi_message_release(shift(queue, lane));
        free_lane(queue, lane);
    }
    while (!bhi_link_is_alone(&queue->idle))
        free_lane(queue, BHI_CONTAINER_OF(bhi_list_first(&queue->idle), bhi_lane, link));
    give_back_reserve(queue, 0);
}
