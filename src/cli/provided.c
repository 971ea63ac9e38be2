/* cli/provided.c - see provided.h. */
#include "cli/provided.h"

#include "abi/import.h"
#include "host/host.h"

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

#define INTERFACE(name, field) {name, offsetof(bhi_host_table, field)}

static const struct {
    const char *name;
    size_t offset; /* of its functions in the host table */
} interfaces[] = {
    INTERFACE("astrid:approval/host@1.0.0", approval),
    INTERFACE("astrid:elicit/host@1.0.0", elicit),
    INTERFACE("astrid:fs/host@1.0.0", fs),
    INTERFACE("astrid:http/host@1.0.0", http),
    INTERFACE("astrid:identity/host@1.0.0", identity),
    INTERFACE("astrid:io/error@1.0.0", error),
    INTERFACE("astrid:io/poll@1.0.0", poll),
    INTERFACE("astrid:io/streams@1.0.0", streams),
    INTERFACE("astrid:ipc/host@1.0.0", ipc),
    INTERFACE("astrid:kv/host@1.0.0", kv),
    INTERFACE("astrid:net/host@1.0.0", net),
    INTERFACE("astrid:process/host@1.0.0", process),
    INTERFACE("astrid:sys/host@1.0.0", sys),
    INTERFACE("astrid:uplink/host@1.0.0", uplink),
};

static bool is_implemented(bhi_bytes interface)
{
    for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++) {
        const void *functions;
        memcpy(&functions, (const char *)&bhi_host + interfaces[i].offset, sizeof functions);
        if (bhi_bytes_equal_text(interface, interfaces[i].name))
            return functions != NULL;
    }
    return false;
}

bhi_cli_provided bhi_cli_provided_read(const bhi_capsule_import *import)
{
    const bhi_import *known = bhi_import_find(import->interface, import->name);
    if (known != NULL && !bhi_bytes_equal_text(import->signature, known->signature))
        return BHI_CLI_OTHER_TYPE;
    if (known != NULL)
        return is_implemented(import->interface) ? BHI_CLI_PROVIDED : BHI_CLI_LATER;
    return bhi_import_other_version(import->interface) != NULL ? BHI_CLI_OTHER_VERSION
                                                               : BHI_CLI_UNKNOWN;
}
