/* One import called by a hostile guest. The input is: import (2 bytes), realloc's behaviour (1),
 * seed of the stub host (1), realloc's answer (4), 17 core values of 5 bytes, then the memory.
 * Handles 1.. name one object of every resource type. */
#include <stdlib.h>

#include "abi/generated/exports.h"
#include "abi/import.h"
#include "support/stub_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 17, VALUE_BYTES = 5, HEAD_BYTES = 8 + VALUES_MAX * VALUE_BYTES };
enum { MEMORY_BYTES = 1024 };

/* Five bytes make the low half and repeat the fifth in the high half: small and negative numbers
 * are near each other. */
static bhi_core_value value_of(const uint8_t *at)
{
    uint32_t low;
    memcpy(&low, at, sizeof low);
    return (bhi_core_value){.u64 = (uint64_t)at[4] * UINT64_C(0x0101010100000000) | low};
}

static void insert_objects(bhi_guest *guest)
{
    for (int type = 0; type < BHI_RESOURCE_COUNT; type++)
        bhi_handles_insert(guest->handles, (bhi_resource)type, fake_make_object((bhi_resource)type),
                           fake_drop_object);
}

static void call(fake_guest *fake, const uint8_t *head)
{
    const bhi_import *import = &bhi_imports[(head[0] | head[1] << 8) % bhi_imports_count];
    bhi_core_value values[VALUES_MAX];
    memset(values, 0, sizeof values);
    for (int i = 0; i < VALUES_MAX; i++)
        values[i] = value_of(head + 8 + i * VALUE_BYTES);
    bhi_capsule_result result;
    if (bhi_lift_astrid_hook_trigger(&fake->guest, values[0].u32, &result)) {
        fake_use_text(result.action);
        fake_use_text(result.data);
    }
    fake_guest_revive(fake);
    fake_guest_watch(fake);
    bool is_done = import->call(&fake->guest, values);
    BHI_ASSERT(is_done || fake->guest.is_trapping);
    BHI_ASSERT(fake_guest_wrote_only_what_it_named(fake));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    fake_guest fake;
    fake_guest_init(&fake, MEMORY_BYTES, &stub_host);
    insert_objects(&fake.guest);
    size_t len = size - HEAD_BYTES < MEMORY_BYTES ? size - HEAD_BYTES : MEMORY_BYTES;
    memcpy(fake.guest.memory, data + HEAD_BYTES, len);
    fake.realloc = (fake_realloc)(data[2] % FAKE_REALLOC_COUNT);
    fake.realloc_answer = value_of(data + 4).u32;
    fake.next = (uint32_t)len;
    fake_random_seed(data[3]);
    call(&fake, data);
    fake_guest_deinit(&fake);
    BHI_ASSERT(fake_objects_live == 0);
    return 0;
}
