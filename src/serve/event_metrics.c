/* serve/event_metrics.c - see the header. */
#include "serve/event_metrics.h"

#include <inttypes.h>

#include "runtime/dispatcher.h"
#include "serve/statistics.h"

static void write_one(FILE *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    bhi_statistics_write_family(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void write_bus(bhi_bus *bus, FILE *out)
{
    bhi_bus_stats stats;
    bhi_bus_read_stats(bus, &stats);
    write_one(out, "bulkhead_bus_published_total", "counter", "Messages published.",
              stats.published);
    write_one(out, "bulkhead_bus_delivered_total", "counter", "Messages put on queues.",
              stats.delivered);
    write_one(out, "bulkhead_bus_dropped_total", "counter",
              "Messages lost because a queue was full.", stats.dropped);
    write_one(out, "bulkhead_bus_backpressure_total", "counter",
              "Messages that did not reach every subscriber, or no handler.", stats.backpressure);
    write_one(out, "bulkhead_bus_subscribers", "gauge", "Subscriptions.", stats.subscribers);
}

static void write_handlers(bhi_dispatcher *dispatcher, FILE *out)
{
    bhi_dispatch_stats stats;
    bhi_dispatcher_read_stats(dispatcher, &stats);
    write_one(out, "bulkhead_events_waiting", "gauge", "Messages whose handlers have not ended.",
              stats.waiting);
    write_one(out, "bulkhead_events_running", "gauge", "Handlers that run now.", stats.running);
    write_one(out, "bulkhead_events_refused_total", "counter",
              "Messages whose handlers had too much to do: none ran.", stats.refused);
    bhi_statistics_write_family(out, "bulkhead_events_total", "counter",
                                "Messages with handlers, by what those decided.");
    for (int i = BH_VERDICT_CONTINUED; i < BH_VERDICT_COUNT; i++)
        fprintf(out, "bulkhead_events_total{verdict=\"%s\"} %" PRIu64 "\n",
                bh_verdict_name((bh_verdict)i), stats.verdicts[i]);
}

static void write_host_calls(const bhi_catalog *catalog, FILE *out)
{
    bhi_statistics_write_family(out, "bulkhead_host_calls_total", "counter",
                                "What host calls of ended leases did, by capsule and kind.");
    for (uint32_t i = 0; i < catalog->count; i++) {
        bhi_version *version;
        bhi_host_counters counters;
        if (bhi_catalog_take(&catalog->entries[i], &version, NULL) != BHI_ENTRY_READY)
            continue;
        bhi_host_totals_read(&version->capsule->host_totals, &counters);
        const char *name = catalog->entries[i].name;
#define WRITE_COUNTER(field, text)                                                                 \
    fprintf(out, "bulkhead_host_calls_total{capsule=\"%s\",kind=\"" #field "\"} %" PRIu64 "\n",    \
            name, counters.field);
        BHI_HOST_COUNTER_MAP(WRITE_COUNTER)
#undef WRITE_COUNTER
        bhi_version_release(version);
    }
}

void bhi_event_metrics_write(const bhi_catalog *catalog, FILE *out)
{
    write_bus(catalog->runtime->bus, out);
    write_handlers(catalog->runtime->dispatcher, out);
    write_host_calls(catalog, out);
}
