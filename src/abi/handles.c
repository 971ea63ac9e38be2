/* abi/handles.c - slots in one growing array.
 *
 * A live slot is on the list of live slots, oldest to newest; a free one is on the free list (the
 * last freed first). Both lists link slots by number; number 0 is the lists' end and no slot.
 */
#include "abi/handles.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

enum { SLOT_BITS = 12, SLOTS_FIRST = 16 };

_Static_assert(BHI_HANDLES_MAX < 1 << SLOT_BITS, "a slot number fits its bits");

typedef struct handle_slot {
    void *rep; /* NULL: free */
    bhi_resource_drop_fn drop;
    uint16_t generation; /* grows at each drop */
    uint16_t type;
    uint16_t older; /* live: the one inserted before; free: the next free one */
    uint16_t newer; /* live: the one inserted after */
} handle_slot;

struct bhi_handles {
    handle_slot *slots; /* slots[number - 1] */
    uint32_t capacity;
    uint32_t used; /* slots that were ever live since the start or reset */
    uint16_t newest;
    uint16_t free;
    uint32_t counts[BHI_RESOURCE_COUNT];
};

bh_status bhi_handles_create(bhi_handles **ret_handles, bh_error *reterr)
{
    bhi_handles *handles = calloc(1, sizeof *handles);
    if (handles == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a handle table");
    *ret_handles = handles;
    return BH_OK;
}

void bhi_handles_destroy(bhi_handles *handles)
{
    if (handles == NULL)
        return;
    bhi_handles_clear(handles);
    free(handles->slots);
    free(handles);
}

static handle_slot *slot_at(const bhi_handles *handles, uint32_t number)
{
    return &handles->slots[number - 1];
}

/* Where a handle points, or NULL. */
static handle_slot *find(const bhi_handles *handles, bhi_resource type, uint32_t handle)
{
    uint32_t number = handle & ((1u << SLOT_BITS) - 1);
    if (number == 0 || number > handles->used)
        return NULL;
    handle_slot *slot = slot_at(handles, number);
    bool is_it = slot->rep != NULL && slot->type == type && slot->generation == handle >> SLOT_BITS;
    return is_it ? slot : NULL;
}

static bool grow(bhi_handles *handles)
{
    uint32_t capacity = handles->capacity == 0 ? SLOTS_FIRST : handles->capacity * 2;
    handle_slot *slots = realloc(handles->slots, capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots + handles->capacity, 0, (capacity - handles->capacity) * sizeof *slots);
    handles->slots = slots;
    handles->capacity = capacity;
    return true;
}

/* The number of a slot to use, or 0. */
static uint16_t take_slot(bhi_handles *handles)
{
    if (handles->free != 0) {
        uint16_t number = handles->free;
        handles->free = slot_at(handles, number)->older;
        return number;
    }
    if (handles->used == BHI_HANDLES_MAX)
        return 0;
    if (handles->used == handles->capacity && !grow(handles))
        return 0;
    return (uint16_t)++handles->used;
}

uint32_t bhi_handles_insert(bhi_handles *handles, bhi_resource type, void *rep,
                            bhi_resource_drop_fn drop)
{
    BHI_ASSERT(rep != NULL && drop != NULL && type < BHI_RESOURCE_COUNT);
    uint16_t number = take_slot(handles);
    if (number == 0)
        return 0;
    handle_slot *slot = slot_at(handles, number);
    slot->rep = rep;
    slot->drop = drop;
    slot->type = (uint16_t)type;
    slot->older = handles->newest;
    slot->newer = 0;
    if (handles->newest != 0)
        slot_at(handles, handles->newest)->newer = number;
    handles->newest = number;
    handles->counts[type]++;
    return (uint32_t)slot->generation << SLOT_BITS | number;
}

void *bhi_handles_get(const bhi_handles *handles, bhi_resource type, uint32_t handle)
{
    const handle_slot *slot = find(handles, type, handle);
    return slot == NULL ? NULL : slot->rep;
}

static void end_slot(bhi_handles *handles, handle_slot *slot)
{
    uint16_t number = (uint16_t)(slot - handles->slots + 1);
    if (slot->older != 0)
        slot_at(handles, slot->older)->newer = slot->newer;
    if (slot->newer != 0)
        slot_at(handles, slot->newer)->older = slot->older;
    else
        handles->newest = slot->older;
    void *rep = slot->rep;
    slot->rep = NULL;
    slot->generation++;
    slot->older = handles->free;
    handles->free = number;
    handles->counts[slot->type]--;
    slot->drop(rep);
}

bool bhi_handles_drop(bhi_handles *handles, bhi_resource type, uint32_t handle)
{
    handle_slot *slot = find(handles, type, handle);
    if (slot == NULL)
        return false;
    end_slot(handles, slot);
    return true;
}

uint32_t bhi_handles_count(const bhi_handles *handles, bhi_resource type)
{
    return handles->counts[type];
}

void bhi_handles_clear_but(bhi_handles *handles, bhi_resource kept)
{
    uint16_t number = handles->newest;
    while (number != 0) {
        handle_slot *slot = slot_at(handles, number);
        number = slot->older;
        if (slot->type != kept)
            end_slot(handles, slot);
    }
}

void bhi_handles_clear(bhi_handles *handles)
{
    while (handles->newest != 0)
        end_slot(handles, slot_at(handles, handles->newest));
}

void bhi_handles_reset(bhi_handles *handles)
{
    bhi_handles_clear(handles);
    if (handles->used > 0)
        memset(handles->slots, 0, handles->used * sizeof *handles->slots);
    handles->used = 0;
    handles->free = 0;
}
