/* runtime/prepare.h - at load: the snapshot of a capsule, or why it has none. */
#ifndef BHI_RUNTIME_PREPARE_H
#define BHI_RUNTIME_PREPARE_H

#include "runtime/capsule.h"

/* Decide how the capsule's instances are used again, from what its manifest asks for (reuse is set)
 * and what its code allows; initialise an instance once, warm it up and take the snapshot where
 * that needs one. Blocks. Fails with BH_E_BUILD, BH_E_NOMEM, BH_E_LIMIT. */
BH_MUST_USE bh_status bhi_capsule_prepare(bh_capsule *capsule, bh_error *reterr);

#endif
