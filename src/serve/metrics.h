/* serve/metrics.h - counters of the HTTP service and the Prometheus text of everything.
 *
 * Each worker counts into memory of its own, without read-modify-write instructions; a scrape adds
 * the workers up. Names of actions come from callers, so only the first
 * BHI_METRICS_ACTIONS_MAX per capsule get a label of their own, later ones count as "other".
 *
 * Threads: count functions on the worker they name; text from any thread.
 */
#ifndef BHI_SERVE_METRICS_H
#define BHI_SERVE_METRICS_H

#include <stddef.h>

#include "serve/catalog.h"

#define BHI_METRICS_ACTIONS_MAX 64

typedef struct bhi_metrics bhi_metrics;

/* Borrows the catalog until destroy. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_metrics_create(const bhi_catalog *catalog, uint32_t workers,
                                         bhi_metrics **ret_metrics, bh_error *reterr);
/* Takes NULL. */
void bhi_metrics_destroy(bhi_metrics *metrics);

/* An invocation of the catalog's entry `capsule` ended. */
void bhi_metrics_count_invocation(bhi_metrics *metrics, uint32_t worker, uint32_t capsule,
                                  const char *action, bh_outcome outcome);
/* A response with this HTTP status was queued. */
void bhi_metrics_count_response(bhi_metrics *metrics, uint32_t worker, unsigned http_status);
/* A request ended because its client went away. */
void bhi_metrics_count_disconnect(bhi_metrics *metrics, uint32_t worker);
/* Connections open on this worker now. */
void bhi_metrics_set_connections(bhi_metrics *metrics, uint32_t worker, uint32_t connections);

/* Prometheus text format 0.0.4, to be freed by the caller; NULL when memory is out. */
char *bhi_metrics_text(bhi_metrics *metrics, size_t *ret_len);

/* Escape a label value: backslash, quote and newline. Cut to fit `size`. */
void bhi_metrics_escape(const char *text, char *ret_text, size_t size);

#endif
