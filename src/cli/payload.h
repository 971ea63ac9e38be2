/* cli/payload.h - the argument of --payload. */
#ifndef BHI_CLI_PAYLOAD_H
#define BHI_CLI_PAYLOAD_H

#include "base/arena.h"
#include "base/error.h"

/* TEXT itself, the contents of a file for "@FILE", standard input for "-"; nothing for NULL. At
 * most BH_PAYLOAD_BYTES_MAX bytes. Fails with BH_E_NOT_FOUND, BH_E_LIMIT, BH_E_IO, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_cli_read_payload(const char *argument, bhi_arena *arena,
                                           bhi_bytes *ret_payload, bh_error *reterr);

#endif
