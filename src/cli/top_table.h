/* cli/top_table.h - a sample of `bulkhead top` for people, and for machines. */
#ifndef BHI_CLI_TOP_TABLE_H
#define BHI_CLI_TOP_TABLE_H

#include <stdio.h>

#include "cli/top_sample.h"

/* One row a capsule, the busiest first, cut to `columns` and to `lines` (0: not cut). `before` may
 * be NULL. */
void bhi_top_print_table(FILE *out, const bhi_top_sample *before, const bhi_top_sample *now,
                         int columns, int lines);

/* One object; NULL when memory is out. */
json_t *bhi_top_json(const bhi_top_sample *before, const bhi_top_sample *now);

#endif
