/* serve/resource.c - JSON views of the catalog. */
#include "serve/resource.h"

#include <string.h>

const char *bhi_resource_methods(bhi_resource resource)
{
    return resource == BHI_RESOURCE_ACTION ? "POST" : "GET, HEAD";
}

bool bhi_resource_allows(bhi_resource resource, const char *method)
{
    if (resource == BHI_RESOURCE_ACTION)
        return strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static json_t *pack_pool(const bh_capsule_stats *stats)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "live", (json_int_t)stats->live, "idle",
                     (json_int_t)stats->idle, "leased", (json_int_t)stats->leased, "building",
                     (json_int_t)stats->building, "waiting", (json_int_t)stats->waiting, "live_max",
                     (json_int_t)stats->live_max);
}

static json_t *pack_failed(const bhi_catalog_entry *entry)
{
    return json_pack("{s:o,s:s,s:{s:s,s:o}}", "name", bhi_json_text(entry->name), "state", "failed",
                     "error", "code", bh_status_name(entry->error.code), "message",
                     bhi_json_text(entry->error.text));
}

/* One line of the list: who it is and how its pool stands. */
static json_t *pack_capsule(const bhi_catalog_entry *entry, const bh_capsule_stats *stats)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "name", entry->name, "state", "ready", "version",
                     bh_capsule_version(entry->capsule), "description",
                     bh_capsule_description(entry->capsule), "reuse",
                     bh_reuse_name(bh_capsule_reuse(entry->capsule)), "pool", pack_pool(stats));
}

static json_t *pack_outcomes(const bh_capsule_stats *stats)
{
    json_t *outcomes = json_object();
    for (bh_outcome outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++)
        json_object_set_new(outcomes, bh_outcome_name(outcome),
                            json_integer((json_int_t)stats->outcomes[outcome]));
    return outcomes;
}

static json_t *pack_histogram(const bh_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        count += histogram->counts[i];
    uint64_t mean_ns = count > 0 ? histogram->sum_ns / count : 0;
    return json_pack("{s:I,s:I,s:I}", "count", (json_int_t)count, "sum_ns",
                     (json_int_t)histogram->sum_ns, "mean_ns", (json_int_t)mean_ns);
}

static json_t *pack_stats(const bh_capsule_stats *stats)
{
    return json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o}", "outcomes",
                     pack_outcomes(stats), "fuel_used", (json_int_t)stats->fuel_used, "builds",
                     (json_int_t)stats->builds, "build_failures", (json_int_t)stats->build_failures,
                     "retired", (json_int_t)stats->retired, "memory_bytes_code",
                     (json_int_t)stats->memory_bytes_code, "compile_ns",
                     (json_int_t)stats->compile_ns, "is_from_cache", (int)stats->is_from_cache,
                     "wait", pack_histogram(&stats->wait), "run", pack_histogram(&stats->run),
                     "restore", pack_histogram(&stats->restore));
}

static bhi_answer read_capsules(const bhi_catalog *catalog)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < catalog->count; i++) {
        const bhi_catalog_entry *entry = &catalog->entries[i];
        bh_capsule_stats stats;
        if (entry->capsule == NULL) {
            json_array_append_new(list, pack_failed(entry));
            continue;
        }
        bh_capsule_read_stats(entry->capsule, &stats);
        json_array_append_new(list, pack_capsule(entry, &stats));
    }
    return bhi_answer_json(MHD_HTTP_OK, json_pack("{s:o}", "capsules", list));
}

static bhi_answer read_capsule(const bhi_catalog *catalog, const char *name)
{
    const bhi_catalog_entry *entry = bhi_catalog_find(catalog, name);
    if (entry == NULL) {
        bh_error error;
        bh_status status = bhi_fail(&error, BH_E_NOT_FOUND, "no capsule is named \"%s\"", name);
        return bhi_answer_status(status, &error);
    }
    if (entry->capsule == NULL)
        return bhi_answer_json(MHD_HTTP_OK, pack_failed(entry));
    bh_capsule_stats stats;
    bh_capsule_read_stats(entry->capsule, &stats);
    json_t *body = pack_capsule(entry, &stats);
    json_object_set_new(body, "stats", pack_stats(&stats));
    return bhi_answer_json(MHD_HTTP_OK, body);
}

static bhi_answer read_health(bool is_draining)
{
    return bhi_answer_json(is_draining ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
                           json_pack("{s:s}", "status", is_draining ? "draining" : "ok"));
}

bhi_answer bhi_resource_read(bhi_http *http, const bhi_path *path, bool is_draining)
{
    size_t len = 0;
    char *text;
    switch (path->resource) {
    case BHI_RESOURCE_HEALTH:
        return read_health(is_draining);
    case BHI_RESOURCE_METRICS:
        text = bhi_metrics_text(http->options.metrics, &len);
        return bhi_answer_text(MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, len);
    case BHI_RESOURCE_CAPSULES:
        return read_capsules(http->options.catalog);
    case BHI_RESOURCE_CAPSULE:
        return read_capsule(http->options.catalog, path->capsule);
    default:
        return bhi_answer_error(MHD_HTTP_NOT_FOUND, "not-found", "no such path");
    }
}
