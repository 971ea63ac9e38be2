/* cli/runtime.c - see runtime.h. */
#include "cli/runtime.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"

static bh_status copy_path(const char *path, char *ret_path, bh_error *reterr)
{
    size_t len = strlen(path);
    if (len == 0 || len >= BHI_CLI_PATH_BYTES)
        return bhi_fail(reterr, BH_E_ARG, "expected a path of 1 to %d bytes, found %zu",
                        BHI_CLI_PATH_BYTES - 1, len);
    memcpy(ret_path, path, len + 1);
    return BH_OK;
}

bh_status bhi_cli_find_directories(const char *state, const char *cache, bool no_cache,
                                   bhi_cli_directories *ret_directories, bh_error *reterr)
{
    bh_status status = state != NULL ? copy_path(state, ret_directories->state, reterr)
                                     : bh_default_state_directory(ret_directories->state,
                                                                  BHI_CLI_PATH_BYTES, reterr);
    if (status == BH_E_NOT_FOUND)
        return bhi_fail_within(reterr, status, "give --state DIR");
    ret_directories->has_cache = false;
    if (status != BH_OK || no_cache)
        return status;
    status = cache != NULL
                 ? copy_path(cache, ret_directories->cache, reterr)
                 : bh_default_cache_directory(ret_directories->cache, BHI_CLI_PATH_BYTES, reterr);
    ret_directories->has_cache = status == BH_OK;
    return status == BH_E_NOT_FOUND ? BH_OK : status;
}

static void print_guest_line(void *arg, bh_log_level level, const char *capsule,
                             const char *principal, const char *text)
{
    fprintf(stderr, "[%s] %s (%s): %s\n", bhi_log_level_name((bhi_log_level)level), capsule,
            principal, text);
}

bh_status bhi_cli_open_runtime(const bhi_cli_directories *directories, const char *profiles_file,
                               bh_runtime **ret_runtime, bh_error *reterr)
{
    bh_runtime_options options = {
        .state_directory = directories->state,
        .cache_directory = directories->has_cache ? directories->cache : NULL,
        .profiles_file = profiles_file,
        .guest_log_cb = print_guest_line,
    };
    return bh_runtime_create(&options, ret_runtime, reterr);
}
