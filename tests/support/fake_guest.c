/* support/fake_guest.c - the fake guest, and the arguments and results of the stub host. */
#include "support/fake_guest.h"

#include <stdlib.h>

#include "abi/import.h"
#include "base/assert.h"
#include "base/bytes.h"

enum { HEAP_START = 16 };

typedef struct fake_object {
    bhi_resource type;
    uint32_t mark;
} fake_object;

enum { OBJECT_MARK = 0x0b1ec7 };

uint32_t fake_objects_live;

static fake_guest *fake_of(bhi_guest *guest)
{
    return (fake_guest *)((char *)guest - offsetof(fake_guest, guest));
}

/* ---- what the bindings ask of a guest ---- */

static uint32_t bump(fake_guest *fake, uint32_t align, uint32_t size)
{
    uint32_t address = (fake->next + align - 1) & ~(align - 1);
    fake->next = address + size;
    return address;
}

static bool answer_realloc(fake_guest *fake, uint32_t align, uint32_t size, uint32_t *ret_address)
{
    bhi_core_value value = {.u64 = 0};
    size_t grown = fake->guest.memory_bytes + FAKE_GROWTH_BYTES;
    switch (fake->realloc) {
    case FAKE_REALLOC_TRAPS:
        return bhi_guest_trap(&fake->guest, "realloc trapped");
    case FAKE_REALLOC_CALLS_AN_IMPORT:
        return fake_guest_call(fake, "astrid:sys/host@1.0.0", "clock-ms", &value);
    case FAKE_REALLOC_ANSWERS:
        *ret_address = fake->realloc_answer;
        return true;
    case FAKE_REALLOC_GROWS:
        fake->guest.memory_bytes = grown < fake->capacity ? grown : fake->capacity;
        break;
    default:
        break;
    }
    *ret_address = bump(fake, align, size);
    return true;
}

static bool call_realloc(bhi_guest *guest, uint32_t align, uint32_t size, uint32_t *ret_address)
{
    fake_guest *fake = fake_of(guest);
    fake->reallocs++;
    guest->may_leave = false;
    bool is_done = answer_realloc(fake, align, size, ret_address);
    guest->may_leave = true;
    return is_done;
}

static bool allocate_texts(bhi_guest *guest, const uint32_t *sizes, uint32_t *ret_addresses)
{
    fake_of(guest)->batches++;
    for (int i = 0; i < BHI_GUEST_TEXTS; i++) {
        ret_addresses[i] = 0;
        if (sizes[i] != UINT32_MAX && !call_realloc(guest, 1, sizes[i], &ret_addresses[i]))
            return false;
    }
    return true;
}

static bool suspend(bhi_guest *guest)
{
    return true;
}

static bool will_write(bhi_guest *guest, uint32_t address, uint32_t size)
{
    fake_guest *fake = fake_of(guest);
    BHI_ASSERT(size > 0 && (uint64_t)address + size <= guest->memory_bytes);
    memset(fake->recorded + address, 1, size);
    return true;
}

static const bhi_guest_ops fake_ops = {
    .realloc = call_realloc,
    .allocate_texts = allocate_texts,
    .suspend = suspend,
    .will_write = will_write,
};

/* ---- the guest ---- */

void fake_guest_init(fake_guest *fake, size_t memory_bytes, const bhi_host_table *host)
{
    *fake = (fake_guest){.capacity = memory_bytes, .next = HEAP_START};
    fake->guest.ops = &fake_ops;
    fake->guest.memory = calloc(memory_bytes, 1);
    fake->guest.memory_bytes = memory_bytes;
    fake->guest.may_leave = true;
    fake->guest.host = host;
    fake->recorded = calloc(memory_bytes, 1);
    fake->before = calloc(memory_bytes, 1);
    BHI_ASSERT(bhi_handles_create(&fake->guest.handles, NULL) == BH_OK);
}

void fake_guest_deinit(fake_guest *fake)
{
    bhi_handles_destroy(fake->guest.handles);
    bhi_arena_deinit(&fake->guest.arena);
    free(fake->guest.memory);
    free(fake->recorded);
    free(fake->before);
}

void fake_guest_revive(fake_guest *fake)
{
    fake->guest.is_trapping = false;
    fake->guest.trap_text[0] = 0;
}

uint32_t fake_guest_place(fake_guest *fake, const void *data, size_t len, uint32_t align)
{
    uint32_t address = bump(fake, align, (uint32_t)len);
    BHI_ASSERT(address + len <= fake->guest.memory_bytes);
    if (len > 0)
        memcpy(fake->guest.memory + address, data, len);
    return address;
}

uint32_t fake_guest_place_text(fake_guest *fake, const char *text)
{
    return fake_guest_place(fake, text, strlen(text), 1);
}

bool fake_guest_call(fake_guest *fake, const char *module, const char *name, bhi_core_value *values)
{
    const bhi_import *import = bhi_import_find(bhi_bytes_of(module), bhi_bytes_of(name));
    BHI_ASSERT(import != NULL);
    return import->call(&fake->guest, values);
}

void fake_guest_watch(fake_guest *fake)
{
    memset(fake->recorded, 0, fake->capacity);
    memcpy(fake->before, fake->guest.memory, fake->capacity);
}

bool fake_guest_wrote_only_what_it_named(const fake_guest *fake)
{
    for (size_t i = 0; i < fake->capacity; i++) {
        if (fake->guest.memory[i] != fake->before[i] && !fake->recorded[i])
            return false;
    }
    return true;
}

uint32_t fake_guest_u32_at(const fake_guest *fake, uint32_t address)
{
    uint32_t value;
    BHI_ASSERT((uint64_t)address + sizeof value <= fake->guest.memory_bytes);
    memcpy(&value, fake->guest.memory + address, sizeof value);
    return value;
}

bhi_bytes fake_guest_bytes_at(const fake_guest *fake, uint32_t address, uint32_t len)
{
    BHI_ASSERT((uint64_t)address + len <= fake->guest.memory_bytes);
    return (bhi_bytes){fake->guest.memory + address, len};
}

/* ---- pieces of the stub host ---- */

static uint64_t random_state = 1;
static volatile uint64_t sink; /* what was used, so that no compiler leaves the use out */

void fake_random_seed(uint64_t seed)
{
    random_state = seed;
}

uint64_t fake_random(void) /* splitmix64 */
{
    uint64_t mixed = (random_state += UINT64_C(0x9E3779B97F4A7C15));
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

bool fake_host_answers(bhi_guest *guest)
{
    return fake_random() % 16 != 0 || bhi_guest_trap(guest, "the stub traps");
}

void fake_use_number(uint64_t number)
{
    sink += number;
}

void fake_use_bytes(bhi_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sink += bytes.data[i];
}

void fake_use_text(bhi_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        BHI_ASSERT(text.data[i] < 0xF5 && text.data[i] != 0xC0 && text.data[i] != 0xC1);
        sink += text.data[i];
    }
}

void fake_use_object(const void *object, bhi_resource type)
{
    const fake_object *fake = object;
    BHI_ASSERT(fake->mark == OBJECT_MARK && fake->type == type);
}

bhi_bytes fake_make_bytes(bhi_guest *guest)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    return (bhi_bytes){(const uint8_t *)text, fake_random() % sizeof text};
}

void *fake_make_object(bhi_resource type)
{
    fake_object *object = malloc(sizeof *object);
    BHI_ASSERT(object != NULL);
    *object = (fake_object){type, OBJECT_MARK};
    fake_objects_live++;
    return object;
}

void fake_drop_object(void *object)
{
    fake_object *fake = object;
    BHI_ASSERT(fake->mark == OBJECT_MARK);
    fake->mark = 0;
    fake_objects_live--;
    free(fake);
}
