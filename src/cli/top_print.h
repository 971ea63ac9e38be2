/* cli/top_print.h - a sample as a table for people or as one line of JSON. */
#ifndef BHI_CLI_TOP_PRINT_H
#define BHI_CLI_TOP_PRINT_H

#include <stdio.h>

#include "cli/top_sample.h"

typedef struct bhi_top_screen {
    size_t columns, rows;    /* what does not fit is left out; SIZE_MAX: everything fits */
    const char *end_of_line; /* what clears the rest of a line on a terminal, or "" */
} bhi_top_screen;

/* Both return false when memory is out. */
bool bhi_top_print_table(const bhi_top_sample *sample, const bhi_top_screen *screen, FILE *out);
bool bhi_top_print_json(const bhi_top_sample *sample, FILE *out);

#endif
