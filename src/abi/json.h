/* abi/json.h - is it JSON? The payload of a message is checked once, where it is published. */
#ifndef BHI_ABI_JSON_H
#define BHI_ABI_JSON_H

#include "base/bytes.h"

enum { BHI_JSON_DEPTH_MAX = 1024 };

/* Whether the text, which is UTF-8, is one JSON value (RFC 8259) with white space around it, nested
 * at most BHI_JSON_DEPTH_MAX deep. Nothing is kept of it: numbers may have any size, names may
 * repeat, escapes may be halves of surrogate pairs. */
bool bhi_json_is_valid(bhi_bytes text);

#endif
