/* runtime/manifest_grants.h - what a manifest asks for: topics, handlers, hosts, paths. */
#ifndef BHI_RUNTIME_MANIFEST_GRANTS_H
#define BHI_RUNTIME_MANIFEST_GRANTS_H

#include "host/grants.h"
#include "runtime/manifest_node.h"

/* The root has been checked against its table of keys. Fills the manifest's part of the grants; a
 * failure is the reader's. */
void bhi_manifest_read_grants(bhi_manifest_reader *reader, const json_t *root,
                              const json_t *component, bhi_grants *ret_grants);

#endif
