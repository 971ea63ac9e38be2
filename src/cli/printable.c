/* cli/printable.c - see the header. */
#include "cli/printable.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

void bhi_cli_print_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_space = text[i] != '\0' && strchr("\t\n\r", text[i]) != NULL;
        putchar(is_space ? ' ' : bhi_is_control(text, len, i) ? '?' : text[i]);
    }
}
