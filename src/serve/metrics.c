/* serve/metrics.c - single-writer counters, summed at the scrape.
 *
 * A counter has one writer (its worker), so an increment is a relaxed load and a relaxed store;
 * readers may be late by a few increments but never see a torn or falling number. Names of actions
 * are published by the release store of their count and never change afterwards.
 */
#include "serve/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum {
    ACTIONS = BHI_METRICS_ACTIONS_MAX + 1, /* the last one is "other" */
    HTTP_STATUS_LEAST = 200,
    HTTP_STATUSES = 400,
    LABEL_BYTES_MAX = 2 * 256 + 1 /* an action, every byte escaped */
};

typedef struct counter {
    _Atomic uint64_t value;
} counter;

typedef struct action_names {
    pthread_mutex_t mutex;
    char *names[BHI_METRICS_ACTIONS_MAX]; /* written under the mutex, below `count` immutable */
    atomic_uint count;                    /* stored with release after the name */
} action_names;

typedef struct worker_counters {
    counter *invocations; /* [capsule][action][outcome] */
    counter responses[HTTP_STATUSES];
    counter disconnects;
    counter connections;
} worker_counters;

struct bhi_metrics {
    const bhi_catalog *catalog;
    uint32_t workers;
    uint64_t started_ns;
    double started_at;         /* seconds since 1970 */
    action_names *actions;     /* [capsule] */
    worker_counters *counters; /* [worker] */
};

static void add_one(counter *counted)
{
    uint64_t value = atomic_load_explicit(&counted->value, memory_order_relaxed);
    atomic_store_explicit(&counted->value, value + 1, memory_order_relaxed);
}

static uint64_t read_counter(const counter *counted)
{
    return atomic_load_explicit(&counted->value, memory_order_relaxed);
}

static bool create_arrays(bhi_metrics *metrics)
{
    uint32_t capsules = metrics->catalog->count;
    metrics->actions = calloc(capsules, sizeof *metrics->actions);
    metrics->counters = calloc(metrics->workers, sizeof *metrics->counters);
    if (metrics->actions == NULL || metrics->counters == NULL)
        return false;
    for (uint32_t i = 0; i < capsules; i++)
        pthread_mutex_init(&metrics->actions[i].mutex, NULL);
    for (uint32_t i = 0; i < metrics->workers; i++) {
        metrics->counters[i].invocations =
            calloc((size_t)capsules * ACTIONS * BH_OUTCOME_COUNT, sizeof(counter));
        if (metrics->counters[i].invocations == NULL)
            return false;
    }
    return true;
}

bh_status bhi_metrics_create(const bhi_catalog *catalog, uint32_t workers,
                             bhi_metrics **ret_metrics, bh_error *reterr)
{
    bhi_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for metrics");
    metrics->catalog = catalog;
    metrics->workers = workers;
    metrics->started_ns = bhi_monotonic_ns();
    metrics->started_at = (double)bhi_clock_read(CLOCK_REALTIME) / (double)BHI_NS_PER_SECOND;
    if (!create_arrays(metrics)) {
        bhi_metrics_destroy(metrics);
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for metrics");
    }
    *ret_metrics = metrics;
    return BH_OK;
}

void bhi_metrics_destroy(bhi_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (uint32_t i = 0; metrics->actions != NULL && i < metrics->catalog->count; i++) {
        for (uint32_t k = 0; k < BHI_METRICS_ACTIONS_MAX; k++)
            free(metrics->actions[i].names[k]);
        pthread_mutex_destroy(&metrics->actions[i].mutex);
    }
    for (uint32_t i = 0; metrics->counters != NULL && i < metrics->workers; i++)
        free(metrics->counters[i].invocations);
    free(metrics->actions);
    free(metrics->counters);
    free(metrics);
}

/* The index of a known name, or the number of names looked at. */
static uint32_t find_action(action_names *actions, const char *action, uint32_t from)
{
    uint32_t count = atomic_load_explicit(&actions->count, memory_order_acquire);
    uint32_t index = from;
    while (index < count && strcmp(actions->names[index], action) != 0)
        index++;
    return index;
}

static uint32_t add_action(action_names *actions, const char *action, uint32_t looked_at)
{
    pthread_mutex_lock(&actions->mutex);
    uint32_t index = find_action(actions, action, looked_at); /* another worker may have added it */
    uint32_t count = atomic_load_explicit(&actions->count, memory_order_relaxed);
    if (index == count && count < BHI_METRICS_ACTIONS_MAX) {
        char *name = strdup(action);
        actions->names[count] = name;
        if (name != NULL)
            atomic_store_explicit(&actions->count, count + 1, memory_order_release);
        else
            index = BHI_METRICS_ACTIONS_MAX;
    }
    pthread_mutex_unlock(&actions->mutex);
    return index;
}

static uint32_t action_index(action_names *actions, const char *action)
{
    uint32_t index = find_action(actions, action, 0);
    if (index < atomic_load_explicit(&actions->count, memory_order_acquire) ||
        index == BHI_METRICS_ACTIONS_MAX)
        return index;
    return add_action(actions, action, index);
}

static counter *invocation_counter(const bhi_metrics *metrics, uint32_t worker, uint32_t capsule,
                                   uint32_t action, bh_outcome outcome)
{
    size_t row = (size_t)capsule * ACTIONS + action;
    return &metrics->counters[worker].invocations[row * BH_OUTCOME_COUNT + outcome];
}

void bhi_metrics_count_invocation(bhi_metrics *metrics, uint32_t worker, uint32_t capsule,
                                  const char *action, bh_outcome outcome)
{
    uint32_t index = action_index(&metrics->actions[capsule], action);
    add_one(invocation_counter(metrics, worker, capsule, index, outcome));
}

void bhi_metrics_count_response(bhi_metrics *metrics, uint32_t worker, unsigned http_status)
{
    if (http_status - HTTP_STATUS_LEAST < HTTP_STATUSES)
        add_one(&metrics->counters[worker].responses[http_status - HTTP_STATUS_LEAST]);
}

void bhi_metrics_count_disconnect(bhi_metrics *metrics, uint32_t worker)
{
    add_one(&metrics->counters[worker].disconnects);
}

void bhi_metrics_set_connections(bhi_metrics *metrics, uint32_t worker, uint32_t connections)
{
    atomic_store_explicit(&metrics->counters[worker].connections.value, connections,
                          memory_order_relaxed);
}

void bhi_metrics_escape(const char *text, char *ret_text, size_t size)
{
    size_t len = 0;
    for (; *text != '\0'; text++) {
        bool is_special = *text == '\\' || *text == '"' || *text == '\n';
        if (len + 1 + is_special >= size)
            break;
        if (is_special)
            ret_text[len++] = '\\';
        ret_text[len++] = *text == '\n' ? 'n' : *text;
    }
    ret_text[len] = '\0';
}

static void write_family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_process(const bhi_metrics *metrics, FILE *out)
{
    double uptime = (double)(bhi_monotonic_ns() - metrics->started_ns) / (double)BHI_NS_PER_SECOND;
    write_family(out, "bulkhead_build_info", "gauge", "Versions, as labels; always 1.");
    fprintf(out, "bulkhead_build_info{version=\"%s\",engine_version=\"%s\"} 1\n", bh_version(),
            bh_engine_version());
    write_family(out, "bulkhead_start_time_seconds", "gauge", "When the service started.");
    fprintf(out, "bulkhead_start_time_seconds %.3f\n", metrics->started_at);
    write_family(out, "bulkhead_uptime_seconds", "gauge", "Seconds since the service started.");
    fprintf(out, "bulkhead_uptime_seconds %.3f\n", uptime);
    write_family(out, "bulkhead_workers", "gauge", "Threads that serve requests.");
    fprintf(out, "bulkhead_workers %u\n", metrics->workers);
    write_family(out, "bulkhead_capsules", "gauge", "Capsules by state.");
    uint32_t failed = 0;
    for (uint32_t i = 0; i < metrics->catalog->count; i++)
        failed += metrics->catalog->entries[i].capsule == NULL;
    fprintf(out, "bulkhead_capsules{state=\"ready\"} %u\nbulkhead_capsules{state=\"failed\"} %u\n",
            metrics->catalog->count - failed, failed);
}

static void write_http(const bhi_metrics *metrics, FILE *out)
{
    uint64_t connections = 0, disconnects = 0;
    for (uint32_t i = 0; i < metrics->workers; i++) {
        connections += read_counter(&metrics->counters[i].connections);
        disconnects += read_counter(&metrics->counters[i].disconnects);
    }
    write_family(out, "bulkhead_http_connections", "gauge", "Open connections.");
    fprintf(out, "bulkhead_http_connections %lu\n", connections);
    write_family(out, "bulkhead_http_disconnects_total", "counter",
                 "Invocations cancelled because their client went away.");
    fprintf(out, "bulkhead_http_disconnects_total %lu\n", disconnects);
    write_family(out, "bulkhead_http_responses_total", "counter", "Responses by HTTP status.");
    for (unsigned status = 0; status < HTTP_STATUSES; status++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < metrics->workers; i++)
            sum += read_counter(&metrics->counters[i].responses[status]);
        if (sum > 0)
            fprintf(out, "bulkhead_http_responses_total{code=\"%u\"} %lu\n",
                    status + HTTP_STATUS_LEAST, sum);
    }
}

static void write_action(const bhi_metrics *metrics, FILE *out, uint32_t capsule, uint32_t action,
                         const char *label)
{
    char escaped[LABEL_BYTES_MAX];
    bhi_metrics_escape(label, escaped, sizeof escaped);
    for (bh_outcome outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < metrics->workers; i++)
            sum += read_counter(invocation_counter(metrics, i, capsule, action, outcome));
        if (sum > 0)
            fprintf(out,
                    "bulkhead_invocations_total{capsule=\"%s\",action=\"%s\",outcome=\"%s\"} %lu\n",
                    metrics->catalog->entries[capsule].name, escaped, bh_outcome_name(outcome),
                    sum);
    }
}

static void write_invocations(const bhi_metrics *metrics, FILE *out)
{
    write_family(out, "bulkhead_invocations_total", "counter",
                 "Invocations ended, by capsule, requested action and outcome.");
    for (uint32_t i = 0; i < metrics->catalog->count; i++) {
        action_names *actions = &metrics->actions[i];
        uint32_t count = atomic_load_explicit(&actions->count, memory_order_acquire);
        for (uint32_t k = 0; k < count; k++)
            write_action(metrics, out, i, k, actions->names[k]);
        write_action(metrics, out, i, BHI_METRICS_ACTIONS_MAX, "other");
    }
}

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
    GAUGE(waiting, "bulkhead_pool_waiting", "Callers waiting for an instance."),
    GAUGE(live_max, "bulkhead_pool_live_max", "Ceiling of live instances."),
    COUNTER(fuel_used, "bulkhead_fuel_used_total", "Fuel used by invocations."),
    COUNTER(builds, "bulkhead_instance_builds_total", "Instances built."),
    COUNTER(build_failures, "bulkhead_instance_build_failures_total", "Builds that failed."),
    COUNTER(retired, "bulkhead_instances_retired_total",
            "Instances destroyed after a clean lease, as their reuse asks."),
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

static void write_pools(const bhi_catalog *catalog, const bh_capsule_stats *stats, FILE *out)
{
    for (size_t k = 0; k < sizeof capsule_numbers / sizeof capsule_numbers[0]; k++) {
        const capsule_number *number = &capsule_numbers[k];
        write_family(out, number->name, number->type, number->help);
        for (uint32_t i = 0; i < catalog->count; i++)
            if (catalog->entries[i].capsule != NULL)
                fprintf(out, "%s{capsule=\"%s\"} %lu\n", number->name, catalog->entries[i].name,
                        read_number(&stats[i], number));
    }
    for (size_t k = 0; k < sizeof capsule_histograms / sizeof capsule_histograms[0]; k++) {
        write_family(out, capsule_histograms[k].name, "histogram", capsule_histograms[k].help);
        for (uint32_t i = 0; i < catalog->count; i++)
            if (catalog->entries[i].capsule != NULL)
                write_histogram(
                    out, capsule_histograms[k].name, catalog->entries[i].name,
                    (const bh_histogram *)((const char *)&stats[i] + capsule_histograms[k].offset));
    }
}

char *bhi_metrics_text(bhi_metrics *metrics, size_t *ret_len)
{
    const bhi_catalog *catalog = metrics->catalog;
    bh_capsule_stats *stats = calloc(catalog->count, sizeof *stats);
    char *text = NULL;
    FILE *out = stats == NULL ? NULL : open_memstream(&text, ret_len);
    if (out == NULL) {
        free(stats);
        return NULL;
    }
    for (uint32_t i = 0; i < catalog->count; i++)
        if (catalog->entries[i].capsule != NULL)
            bh_capsule_read_stats(catalog->entries[i].capsule, &stats[i]);
    write_process(metrics, out);
    write_http(metrics, out);
    write_invocations(metrics, out);
    write_pools(catalog, stats, out);
    free(stats);
    bool is_whole = ferror(out) == 0;
    if (fclose(out) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}
