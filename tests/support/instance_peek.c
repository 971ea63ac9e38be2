/* support/instance_peek.c - see the header. */
#include "support/instance_peek.h"

#include "engine/instance.h"
#include "pool/pool_state.h"

static bhi_pooled *peek(bh_capsule *capsule, bhi_slot_state state)
{
    bhi_pool *pool = capsule->pool;
    bhi_pool_lock(pool);
    bhi_link *first = bhi_list_first(&pool->core.lists[state]);
    bhi_pooled *pooled = first == NULL ? NULL : BHI_CONTAINER_OF(first, bhi_slot, link)->item;
    bhi_pool_unlock(pool);
    return pooled;
}

bhi_pooled *peek_idle(bh_capsule *capsule)
{
    return peek(capsule, BHI_SLOT_IDLE);
}

bhi_pooled *peek_leased(bh_capsule *capsule)
{
    return peek(capsule, BHI_SLOT_LEASED);
}

bhi_region *peek_region(const bhi_pooled *pooled)
{
    return &pooled->instance->memory.region;
}
