/* support/instance_peek.h - the instances of a capsule, behind its pool's back. */
#ifndef TEST_INSTANCE_PEEK_H
#define TEST_INSTANCE_PEEK_H

#include "runtime/pooled.h"

/* The newest idle or leased instance, or NULL. Valid as long as nobody else uses the capsule. */
bhi_pooled *peek_idle(bh_capsule *capsule);
bhi_pooled *peek_leased(bh_capsule *capsule);

/* The memory of an instance. */
bhi_region *peek_region(const bhi_pooled *pooled);

#endif
