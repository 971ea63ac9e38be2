/* runtime/profiles.h - what an operator grants each principal, from a TOML file.
 *
 *   [default]
 *   weight = 1            # grants of one turn while others wait: 1 to 1000
 *   [principal.alice]
 *   weight = 4
 *
 * Reading is strict, as that of a manifest: an unknown key, a value of another type, or a name that
 * is no principal is refused with its place. Immutable after load.
 *
 * Threads: any.
 */
#ifndef BHI_RUNTIME_PROFILES_H
#define BHI_RUNTIME_PROFILES_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct bhi_profiles bhi_profiles;

/* Blocks: reads the file, of at most 64 KiB. Fails with BH_E_NOT_FOUND, BH_E_MANIFEST
 * (file:line:column), BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_profiles_load(const char *path, bhi_profiles **ret_profiles,
                                        bh_error *reterr);
/* Takes NULL. */
void bhi_profiles_destroy(bhi_profiles *profiles);

/* Its own, else the default's. `profiles` may be NULL: every principal has 1. */
uint32_t bhi_profiles_weight(const bhi_profiles *profiles, bhi_bytes principal);

#endif
