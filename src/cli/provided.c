/* cli/provided.c - see provided.h. */
#include "cli/provided.h"

#include "abi/import.h"

static const char *const names[] = {
    [BHI_CLI_PROVIDED] = "provided",
    [BHI_CLI_LATER] = "not implemented yet: a call traps",
    [BHI_CLI_OTHER_TYPE] = "another type is provided: does not link",
    [BHI_CLI_OTHER_VERSION] = "another version is provided: does not link",
    [BHI_CLI_UNKNOWN] = "unknown: does not link",
};

const char *bhi_cli_provided_name(bhi_cli_provided provided)
{
    return names[provided];
}

bhi_cli_provided bhi_cli_provided_read(const bhi_capsule_import *import)
{
    const bhi_import *known = bhi_import_find(import->interface, import->name);
    if (known != NULL && !bhi_bytes_equal_text(import->signature, known->signature))
        return BHI_CLI_OTHER_TYPE;
    if (known != NULL)
        return BHI_CLI_PROVIDED;
    return bhi_import_other_version(import->interface) != NULL ? BHI_CLI_OTHER_VERSION
                                                               : BHI_CLI_UNKNOWN;
}
