/* runtime/profiles.h - what an operator grants principals and capsules, from a TOML file.
 *
 *   [default]
 *   weight = 1            # grants of one turn while others wait: 1 to 1000
 *   storage_mib = 1024    # files of one principal and capsule
 *   publish_kib = 10240   # messages per second and capsule
 *   [principal.alice]
 *   weight = 4
 *   [capsule.notify]
 *   private_hosts = ["127.0.0.1:9000"]   # may resolve to private addresses: "HOST", "HOST:PORT"
 *   workspace = "/srv/notify"            # what cwd:// and workspace:// name
 *   claims = "publish"                   # publish-as is allowed; "act": and handlers run for them
 *   owner = "ops"                        # on whose behalf it runs when nobody calls
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
#include "host/grants.h"

typedef struct bhi_profiles bhi_profiles;

typedef struct bhi_profile {
    uint32_t weight;
    uint64_t storage_bytes_max;       /* default 1 GiB                */
    uint64_t publish_bytes_per_s_max; /* default 10 MiB               */
} bhi_profile;

/* Blocks: reads the file, of at most 64 KiB. Fails with BH_E_NOT_FOUND, BH_E_MANIFEST
 * (file:line:column), BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_profiles_load(const char *path, bhi_profiles **ret_profiles,
                                        bh_error *reterr);
/* Takes NULL. */
void bhi_profiles_destroy(bhi_profiles *profiles);

/* Its own, else the default's. `profiles` may be NULL. The result lives as long as they do. */
const bhi_profile *bhi_profiles_find(const bhi_profiles *profiles, bhi_bytes principal);

/* Fill the operator's part of a capsule's grants; texts are the profiles'. `profiles` may be NULL.
 */
void bhi_profiles_grant(const bhi_profiles *profiles, bhi_bytes capsule, bhi_grants *grants);

#endif
