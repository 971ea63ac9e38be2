/* abi/handles.h - the resources that a guest holds during one lease.
 *
 * A handle is the number by which a guest names a host object: a slot and the slot's generation,
 * so that a number kept after its object was dropped names nothing, not the slot's next object.
 * Numbers start the same way in every lease: a guest cannot learn from them what an earlier lease
 * did. Imports never nest, so an object borrowed for a call cannot be dropped during it.
 *
 * H1  0 is never a handle.
 * H2  Each inserted object is dropped exactly once: by the guest, or by clear, newest first.
 *
 * Threads: as the guest. A drop callback may not touch the table.
 */
#ifndef BHI_ABI_HANDLES_H
#define BHI_ABI_HANDLES_H

#include <bulkhead/error.h>

#include "abi/generated/resources.h"
#include "abi/guest.h"

enum { BHI_HANDLES_MAX = 4095 };

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_handles_create(bhi_handles **ret_handles, bh_error *reterr);
/* Clears first. Takes NULL. */
void bhi_handles_destroy(bhi_handles *handles);

/* A handle of `rep`; 0 when BHI_HANDLES_MAX are live or memory is out, and then `rep` stays the
 * caller's. */
uint32_t bhi_handles_insert(bhi_handles *handles, bhi_resource type, void *rep,
                            bhi_resource_drop_fn drop);

/* The object of a live handle of exactly this type, or NULL. */
void *bhi_handles_get(const bhi_handles *handles, bhi_resource type, uint32_t handle);

/* End a handle and drop its object. false: no live handle of this type. */
bool bhi_handles_drop(bhi_handles *handles, bhi_resource type, uint32_t handle);

/* How many of one type are live: what quotas count. */
uint32_t bhi_handles_count(const bhi_handles *handles, bhi_resource type);

/* End every handle but those of one type, newest first. */
void bhi_handles_clear_but(bhi_handles *handles, bhi_resource kept);
/* End every handle. For an instance that keeps its memory: numbers go on, old ones stay dead. */
void bhi_handles_clear(bhi_handles *handles);
/* End every handle, and number again from the start: for an instance whose memory is restored. */
void bhi_handles_reset(bhi_handles *handles);

#endif
