/* base/assert.c - say which invariant broke, then abort. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void bhi_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "bulkhead: invariant broken: %s (%s:%d)\n", condition, file, line);
    abort();
}
