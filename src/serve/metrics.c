/* serve/metrics.c - single-writer counters, summed at the scrape; statistics_text.c adds what the
 * capsules count themselves.
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
#include "serve/event_metrics.h"
#include "serve/statistics.h"

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

static void write_process(const bhi_metrics *metrics, FILE *out)
{
    double uptime = (double)(bhi_monotonic_ns() - metrics->started_ns) / (double)BHI_NS_PER_SECOND;
    bhi_statistics_write_family(out, "bulkhead_build_info", "gauge",
                                "Versions, as labels; always 1.");
    fprintf(out, "bulkhead_build_info{version=\"%s\",engine_version=\"%s\"} 1\n", bh_version(),
            bh_engine_version());
    bhi_statistics_write_family(out, "bulkhead_start_time_seconds", "gauge",
                                "When the service started.");
    fprintf(out, "bulkhead_start_time_seconds %.3f\n", metrics->started_at);
    bhi_statistics_write_family(out, "bulkhead_uptime_seconds", "gauge",
                                "Seconds since the service started.");
    fprintf(out, "bulkhead_uptime_seconds %.3f\n", uptime);
    bhi_statistics_write_family(out, "bulkhead_workers", "gauge", "Threads that serve requests.");
    fprintf(out, "bulkhead_workers %u\n", metrics->workers);
}

static void write_http(const bhi_metrics *metrics, FILE *out)
{
    uint64_t connections = 0, disconnects = 0;
    for (uint32_t i = 0; i < metrics->workers; i++) {
        connections += read_counter(&metrics->counters[i].connections);
        disconnects += read_counter(&metrics->counters[i].disconnects);
    }
    bhi_statistics_write_family(out, "bulkhead_http_connections", "gauge", "Open connections.");
    fprintf(out, "bulkhead_http_connections %lu\n", connections);
    bhi_statistics_write_family(out, "bulkhead_http_disconnects_total", "counter",
                                "Invocations cancelled because their client went away.");
    fprintf(out, "bulkhead_http_disconnects_total %lu\n", disconnects);
    bhi_statistics_write_family(out, "bulkhead_http_responses_total", "counter",
                                "Responses by HTTP status.");
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
    bhi_statistics_write_family(out, "bulkhead_invocations_total", "counter",
                                "Invocations ended, by capsule, requested action and outcome.");
    for (uint32_t i = 0; i < metrics->catalog->count; i++) {
        action_names *actions = &metrics->actions[i];
        uint32_t count = atomic_load_explicit(&actions->count, memory_order_acquire);
        for (uint32_t k = 0; k < count; k++)
            write_action(metrics, out, i, k, actions->names[k]);
        write_action(metrics, out, i, BHI_METRICS_ACTIONS_MAX, "other");
    }
}

char *bhi_metrics_text(bhi_metrics *metrics, size_t *ret_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);
    if (out == NULL)
        return NULL;
    write_process(metrics, out);
    write_http(metrics, out);
    write_invocations(metrics, out);
    bhi_event_metrics_write(metrics->catalog, out);
    bool is_whole = bhi_statistics_write(metrics->catalog, out) && ferror(out) == 0;
    if (fclose(out) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}
