/* serve/statistics.h - what a capsule counts, as JSON and as Prometheus text. */
#ifndef BHI_SERVE_STATISTICS_H
#define BHI_SERVE_STATISTICS_H

#include <jansson.h>
#include <stdio.h>

#include "serve/catalog.h"

/* The objects "pool" and "stats" of docs/http-api.md. NULL when memory is out. */
json_t *bhi_statistics_pool_json(const bh_capsule_stats *stats);
json_t *bhi_statistics_json(const bh_capsule_stats *stats);
/* The object "run" of a capsule that is or was a run loop. */
json_t *bhi_statistics_run_json(const bh_capsule_stats *stats);

/* The object "host_calls". */
json_t *bhi_statistics_host_json(const bh_capsule *capsule);

/* Is this counter worth a line? Causes that a pool gives always, any other once it was counted. */
bool bhi_statistics_has_refusal(const bh_capsule_stats *stats, bh_status cause);
bool bhi_statistics_has_condemned(const bh_capsule_stats *stats, bh_outcome reason);

/* The families of all capsules: first what every entry counts, then what those that are loaded do.
 * Reads them one by one. false: out of memory. */
bool bhi_statistics_write(const bhi_catalog *catalog, FILE *out);

/* "# HELP" and "# TYPE" of a family. */
void bhi_statistics_write_family(FILE *out, const char *name, const char *type, const char *help);

#endif
