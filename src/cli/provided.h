/* cli/provided.h - what this host makes of an import. */
#ifndef BHI_CLI_PROVIDED_H
#define BHI_CLI_PROVIDED_H

#include "wasm/capsule.h"

typedef enum bhi_cli_provided {
    BHI_CLI_PROVIDED,      /* works */
    BHI_CLI_LATER,         /* links; a call traps by name */
    BHI_CLI_OTHER_TYPE,    /* known, with another core type: does not link */
    BHI_CLI_OTHER_VERSION, /* known in another version: does not link */
    BHI_CLI_UNKNOWN        /* does not link */
} bhi_cli_provided;

bhi_cli_provided bhi_cli_provided_read(const bhi_capsule_import *import);

/* "provided", "not implemented yet: a call traps", ... */
const char *bhi_cli_provided_name(bhi_cli_provided provided);

#endif
