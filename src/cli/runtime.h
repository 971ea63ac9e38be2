/* cli/runtime.h - a runtime with the tool's usual directories. */
#ifndef BHI_CLI_RUNTIME_H
#define BHI_CLI_RUNTIME_H

#include <bulkhead/runtime.h>

enum { BHI_CLI_PATH_BYTES = 4096 };

typedef struct bhi_cli_directories {
    char state[BHI_CLI_PATH_BYTES];
    char cache[BHI_CLI_PATH_BYTES];
    bool has_cache;
} bhi_cli_directories;

/* The options' directories, or the user's. No cache when `no_cache`, or when none is named and the
 * user has no home. Fails with BH_E_NOT_FOUND (no home, no --state), BH_E_LIMIT. */
BH_MUST_USE bh_status bhi_cli_find_directories(const char *state, const char *cache, bool no_cache,
                                               bhi_cli_directories *ret_directories,
                                               bh_error *reterr);

/* Fails as bh_runtime_create. A guest's log goes to standard error. `profiles_file` may be NULL. */
BH_MUST_USE bh_status bhi_cli_open_runtime(const bhi_cli_directories *directories,
                                           const char *profiles_file, bh_runtime **ret_runtime,
                                           bh_error *reterr);

#endif
