/* host/log_line.h - text of guests in a log.
 *
 * Threads: the arena's.
 */
#ifndef BHI_HOST_LOG_LINE_H
#define BHI_HOST_LOG_LINE_H

#include "base/arena.h"
#include "base/bytes.h"

enum { BHI_LOG_LINE_BYTES_MAX = 16 * 1024 };

/* Text as one line, in the arena: what would break a line or steer a terminal stands as \n, \t,
 * \xNN or \uNNNN, and what is no UTF-8 with each byte beyond ASCII as \xNN. Cut at a character's
 * start when it is longer than BHI_LOG_LINE_BYTES_MAX. data NULL: no memory. */
bhi_bytes bhi_log_line(bhi_arena *arena, bhi_bytes text);

#endif
