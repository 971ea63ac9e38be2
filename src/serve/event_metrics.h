/* serve/event_metrics.h - the bus, the handlers and what host calls did, in the text format of
 * Prometheus. */
#ifndef BHI_SERVE_EVENT_METRICS_H
#define BHI_SERVE_EVENT_METRICS_H

#include <stdio.h>

#include "serve/catalog.h"

void bhi_event_metrics_write(const bhi_catalog *catalog, FILE *out);

#endif
