/* cli/printable.h - texts of others on a terminal: on one line, without control characters. */
#ifndef BHI_CLI_PRINTABLE_H
#define BHI_CLI_PRINTABLE_H

#include <stddef.h>

/* To standard output; white space becomes a space, other control characters '?'. */
void bhi_cli_print_clean(const char *text, size_t len);

#endif
