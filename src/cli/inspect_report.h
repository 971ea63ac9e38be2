/* cli/inspect_report.h - everything that `inspect` says, as one JSON object.
 *
 * Made once and printed either as it is or as text, so that both say the same.
 */
#ifndef BHI_CLI_INSPECT_REPORT_H
#define BHI_CLI_INSPECT_REPORT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

/* Read the capsule at `path`. *ret_report is the caller's to json_decref. Fails as
 * bhi_manifest_find, bhi_manifest_read_component and bhi_capsule_image_read. */
BH_MUST_USE bh_status bhi_cli_inspect_report(const char *path, bhi_arena *arena,
                                             json_t **ret_report, bh_error *reterr);

#endif
