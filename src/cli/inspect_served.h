/* cli/inspect_served.h - how a capsule would be served, found out by running its initialisation. */
#ifndef BHI_CLI_INSPECT_SERVED_H
#define BHI_CLI_INSPECT_SERVED_H

#include <jansson.h>

/* {"reuse": "pristine", "why": "", "snapshot_bytes": 131072}; "reuse" is null when it does not
 * load, and "why" says what stands in the way. Compiles, and runs the guest's initialisation in its
 * sandbox. The caller's to json_decref. */
json_t *bhi_cli_inspect_served(const char *path);

#endif
