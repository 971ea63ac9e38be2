/* serve/statistics_text.c - what capsules count, in the Prometheus text format.
 *
 * All lines of one family stand together, so every capsule is read once, before the first line.
 * Counters begin again at 0 with each version of a capsule, as they do when a process starts.
 */
#include "serve/statistics.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/answer.h"
#include "serve/metrics.h"

enum { NAME_BYTES = 2 * NAME_MAX + 1 }; /* a directory's, every byte escaped */

/* One entry as it was when it was read. */
typedef struct reading {
    const bhi_catalog_entry *entry;
    bhi_entry_state state;
    bh_capsule_stats stats; /* zero unless READY */
} reading;

void bhi_statistics_write_family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static reading read_entry(bhi_catalog_entry *entry)
{
    reading now = {.entry = entry};
    bhi_version *version;
    now.state = bhi_catalog_take(entry, &version, NULL);
    if (version != NULL)
        bh_capsule_read_stats(version->capsule, &now.stats);
    bhi_version_release(version);
    return now;
}

/* ---- of every entry ---- */

static void write_states(const reading *readings, uint32_t count, FILE *out)
{
    uint32_t counts[BHI_ENTRY_STATES] = {0};
    for (uint32_t i = 0; i < count; i++)
        counts[readings[i].state]++;
    bhi_statistics_write_family(out, "bulkhead_capsules", "gauge", "Capsules by state.");
    for (bhi_entry_state state = 0; state < BHI_ENTRY_STATES; state++)
        fprintf(out, "bulkhead_capsules{state=\"%s\"} %u\n", bhi_entry_state_name(state),
                counts[state]);
}

/* A failed one has the name of its directory, which may be anything. */
static void write_reloads(const reading *readings, uint32_t count, FILE *out)
{
    bhi_statistics_write_family(out, "bulkhead_reloads_total", "counter",
                                "Reloads ended, by result.");
    for (uint32_t i = 0; i < count; i++) {
        const bhi_catalog_entry *entry = readings[i].entry;
        char name[NAME_BYTES];
        if (i > 0 && strcmp(entry->name, readings[i - 1].entry->name) == 0)
            continue; /* hidden by the one before; a label set may come once only */
        bhi_metrics_escape(entry->name, name, sizeof name);
        fprintf(out,
                "bulkhead_reloads_total{capsule=\"%s\",result=\"done\"} %llu\n"
                "bulkhead_reloads_total{capsule=\"%s\",result=\"failed\"} %llu\n",
                name, atomic_load_explicit(&entry->reloads, memory_order_relaxed), name,
                atomic_load_explicit(&entry->reload_failures, memory_order_relaxed));
    }
}

/* ---- of those that are loaded ---- */

static void write_histogram(FILE *out, const char *name, const char *capsule,
                            const bh_histogram *histogram)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        uint64_t bound_ns = bh_histogram_bound_ns(i);
        if (bound_ns == UINT64_MAX)
            fprintf(out, "%s_bucket{capsule=\"%s\",le=\"+Inf\"} %lu\n", name, capsule, seen);
        else
            fprintf(out, "%s_bucket{capsule=\"%s\",le=\"%.9g\"} %lu\n", name, capsule,
                    (double)bound_ns / (double)BHI_NS_PER_SECOND, seen);
    }
    fprintf(out, "%s_sum{capsule=\"%s\"} %.9f\n%s_count{capsule=\"%s\"} %lu\n", name, capsule,
            (double)histogram->sum_ns / (double)BHI_NS_PER_SECOND, name, capsule, seen);
}

typedef struct capsule_number {
    const char *name, *type, *help;
    size_t offset; /* in bh_capsule_stats */
    bool is_wide;  /* uint64_t, else uint32_t */
} capsule_number;

#define GAUGE(field, name, help)   {name, "gauge", help, offsetof(bh_capsule_stats, field), false}
#define COUNTER(field, name, help) {name, "counter", help, offsetof(bh_capsule_stats, field), true}

static const capsule_number capsule_numbers[] = {
    GAUGE(live, "bulkhead_pool_live", "Instances built or being built."),
    GAUGE(idle, "bulkhead_pool_idle", "Instances ready to be leased."),
    GAUGE(leased, "bulkhead_pool_leased", "Instances serving an invocation."),
    GAUGE(building, "bulkhead_pool_building", "Instances being built."),
    GAUGE(restoring, "bulkhead_pool_restoring", "Instances being restored after a lease."),
    GAUGE(waiting, "bulkhead_pool_waiting", "Callers waiting for an instance."),
    GAUGE(min_idle, "bulkhead_pool_min_idle", "Instances kept warm."),
    GAUGE(live_max, "bulkhead_pool_live_max", "Ceiling of live instances."),
    COUNTER(leases, "bulkhead_leases_total", "Leases begun."),
    COUNTER(fuel_used, "bulkhead_fuel_used_total", "Fuel used by invocations."),
    COUNTER(builds, "bulkhead_instance_builds_total", "Instances built."),
    COUNTER(builds_ahead, "bulkhead_builds_ahead_total", "Instances built for nobody yet."),
    COUNTER(build_failures, "bulkhead_instance_build_failures_total", "Builds that failed."),
    COUNTER(retired, "bulkhead_instances_retired_total",
            "Instances destroyed after a clean lease, as their reuse asks."),
    COUNTER(restores_whole, "bulkhead_restores_whole_total",
            "Restores of the whole memory: many pages written, or mappings ran out."),
    COUNTER(restores_dearer, "bulkhead_restores_dearer_total",
            "Restores left out because a new instance was cheaper, or a table had grown."),
    COUNTER(restores_failed, "bulkhead_restores_failed_total",
            "Restores that the operating system refused; the instance was destroyed."),
    COUNTER(verified, "bulkhead_restores_verified_total",
            "Restored instances that were compared with their snapshot."),
    COUNTER(mismatches, "bulkhead_restore_mismatches_total",
            "Restored instances that differed from their snapshot: a defect, alarm on any."),
};

static const struct {
    const char *name, *help;
    size_t offset;
} capsule_histograms[] = {
    {"bulkhead_wait_seconds", "Checkout to lease.", offsetof(bh_capsule_stats, wait)},
    {"bulkhead_run_seconds", "First instruction of the guest to its last.",
     offsetof(bh_capsule_stats, run)},
    {"bulkhead_restore_seconds", "End of the call to the return of the instance.",
     offsetof(bh_capsule_stats, restore)},
};

static uint64_t read_number(const bh_capsule_stats *stats, const capsule_number *number)
{
    const char *field = (const char *)stats + number->offset;
    return number->is_wide ? *(const uint64_t *)field : *(const uint32_t *)field;
}

static void write_numbers(const reading *readings, uint32_t count, FILE *out)
{
    for (size_t k = 0; k < sizeof capsule_numbers / sizeof capsule_numbers[0]; k++) {
        const capsule_number *number = &capsule_numbers[k];
        bhi_statistics_write_family(out, number->name, number->type, number->help);
        for (uint32_t i = 0; i < count; i++)
            if (readings[i].state == BHI_ENTRY_READY)
                fprintf(out, "%s{capsule=\"%s\"} %lu\n", number->name, readings[i].entry->name,
                        read_number(&readings[i].stats, number));
    }
}

static void write_histograms(const reading *readings, uint32_t count, FILE *out)
{
    for (size_t k = 0; k < sizeof capsule_histograms / sizeof capsule_histograms[0]; k++) {
        const char *name = capsule_histograms[k].name;
        bhi_statistics_write_family(out, name, "histogram", capsule_histograms[k].help);
        for (uint32_t i = 0; i < count; i++) {
            const char *stats = (const char *)&readings[i].stats;
            if (readings[i].state == BHI_ENTRY_READY)
                write_histogram(out, name, readings[i].entry->name,
                                (const bh_histogram *)(stats + capsule_histograms[k].offset));
        }
    }
}

typedef void (*write_cb)(FILE *out, const char *capsule, const bh_capsule_stats *stats);

static void write_condemned(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    for (bh_outcome reason = 0; reason < BH_OUTCOME_COUNT; reason++)
        if (bhi_statistics_has_condemned(stats, reason))
            fprintf(out, "bulkhead_condemned_total{capsule=\"%s\",reason=\"%s\"} %lu\n", capsule,
                    bh_outcome_name(reason), stats->condemned[reason]);
}

static void write_refusals(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    for (bh_status cause = BH_OK + 1; cause < BH_STATUS_COUNT; cause++)
        if (bhi_statistics_has_refusal(stats, cause))
            fprintf(out, "bulkhead_refusals_total{capsule=\"%s\",cause=\"%s\"} %lu\n", capsule,
                    bhi_answer_code(cause), stats->refusals[cause]);
}

static void write_evictions(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    fprintf(out,
            "bulkhead_evictions_total{capsule=\"%s\",cause=\"idle\"} %lu\n"
            "bulkhead_evictions_total{capsule=\"%s\",cause=\"need\"} %lu\n",
            capsule, stats->evicted_idle, capsule, stats->evicted_by_need);
}

static void write_breaker(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    fprintf(out, "bulkhead_breaker_open{capsule=\"%s\"} %d\n", capsule, stats->is_breaker_open);
}

static void write_run_states(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    for (bh_run_state state = BH_RUN_STARTING;
         stats->run_state != BH_RUN_NONE && state <= BH_RUN_FAILED; state++)
        fprintf(out, "bulkhead_run_loop{capsule=\"%s\",state=\"%s\"} %d\n", capsule,
                bh_run_state_name(state), stats->run_state == state);
}

static void write_run_restarts(FILE *out, const char *capsule, const bh_capsule_stats *stats)
{
    if (stats->run_state != BH_RUN_NONE)
        fprintf(out, "bulkhead_run_loop_restarts_total{capsule=\"%s\"} %lu\n", capsule,
                stats->run_restarts);
}

static const struct {
    const char *name, *type, *help;
    write_cb write;
} labelled[] = {
    {"bulkhead_condemned_total", "counter", "Instances destroyed because of how a lease ended.",
     write_condemned},
    {"bulkhead_refusals_total", "counter", "Callers that got no instance.", write_refusals},
    {"bulkhead_evictions_total", "counter", "Idle instances destroyed.", write_evictions},
    {"bulkhead_breaker_open", "gauge", "1 while no instance is built because too many failed.",
     write_breaker},
    {"bulkhead_run_loop", "gauge", "1 for the state that the capsule's run loop is in.",
     write_run_states},
    {"bulkhead_run_loop_restarts_total", "counter", "Runs started because the one before ended.",
     write_run_restarts},
};

static void write_labelled(const reading *readings, uint32_t count, FILE *out)
{
    for (size_t k = 0; k < sizeof labelled / sizeof labelled[0]; k++) {
        bhi_statistics_write_family(out, labelled[k].name, labelled[k].type, labelled[k].help);
        for (uint32_t i = 0; i < count; i++)
            if (readings[i].state == BHI_ENTRY_READY)
                labelled[k].write(out, readings[i].entry->name, &readings[i].stats);
    }
}

bool bhi_statistics_write(const bhi_catalog *catalog, FILE *out)
{
    uint32_t count = catalog->count;
    reading *readings = calloc(count, sizeof *readings);
    if (readings == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        readings[i] = read_entry(&catalog->entries[i]);
    write_states(readings, count, out);
    write_reloads(readings, count, out);
    write_numbers(readings, count, out);
    write_labelled(readings, count, out);
    write_histograms(readings, count, out);
    free(readings);
    return true;
}
