/* serve/resource.c - JSON views of the catalog. */
#include "serve/resource.h"

#include <string.h>

#include "base/clock.h"
#include "serve/statistics.h"

bool bhi_resource_is_work(bhi_resource resource)
{
    return bhi_resource_is_of_capsule(resource) || resource == BHI_RESOURCE_EVENT ||
           resource == BHI_RESOURCE_EVENTS;
}

bool bhi_resource_is_of_capsule(bhi_resource resource)
{
    return resource == BHI_RESOURCE_ACTION || resource == BHI_RESOURCE_RELOAD ||
           resource == BHI_RESOURCE_UNLOAD;
}

const char *bhi_resource_methods(bhi_resource resource)
{
    if (resource == BHI_RESOURCE_EVENTS)
        return "GET";
    return bhi_resource_is_work(resource) ? "POST" : "GET, HEAD";
}

bool bhi_resource_allows(bhi_resource resource, const char *method)
{
    if (resource == BHI_RESOURCE_EVENTS)
        return strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    if (bhi_resource_is_work(resource))
        return strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static void put_version(json_t *object, const bhi_version *version)
{
    const bh_capsule *capsule = version->capsule;
    bh_capsule_stats stats;
    bh_capsule_read_stats(version->capsule, &stats);
    uint64_t age_ns = bhi_monotonic_ns() - version->loaded_ns;
    json_object_set_new(object, "version", json_string(bh_capsule_version(capsule)));
    json_object_set_new(object, "description", json_string(bh_capsule_description(capsule)));
    json_object_set_new(object, "reuse", json_string(bh_reuse_name(bh_capsule_reuse(capsule))));
    json_object_set_new(object, "served_as",
                        json_string(bh_reuse_name(bh_capsule_served_as(capsule))));
    json_object_set_new(object, "served_why", json_string(bh_capsule_served_why(capsule)));
    json_object_set_new(object, "age_ms", json_integer((json_int_t)(age_ns / BHI_NS_PER_MS)));
    json_object_set_new(object, "pool", bhi_statistics_pool_json(&stats));
    json_object_set_new(object, "stats", bhi_statistics_json(&stats));
    json_object_set_new(object, "host_calls", bhi_statistics_host_json(capsule));
    if (stats.run_state != BH_RUN_NONE)
        json_object_set_new(object, "run", bhi_statistics_run_json(&stats));
}

/* Who it is, how its pool stands, and what it has counted. */
static json_t *pack_entry(bhi_catalog_entry *entry)
{
    bhi_version *version;
    bh_error error;
    bhi_entry_state state = bhi_catalog_take(entry, &version, &error);
    json_t *object = json_object();
    json_object_set_new(object, "name", bhi_json_text(entry->name));
    json_object_set_new(object, "state", json_string(bhi_entry_state_name(state)));
    unsigned long long reloads = atomic_load_explicit(&entry->reloads, memory_order_relaxed);
    json_object_set_new(object, "reloads", json_integer((json_int_t)reloads));
    if (state == BHI_ENTRY_READY)
        put_version(object, version);
    if (state == BHI_ENTRY_FAILED)
        json_object_set_new(object, "error",
                            bhi_error_json(bh_status_name(error.code), error.text, 0));
    bhi_version_release(version);
    return object;
}

static bhi_answer read_capsules(const bhi_catalog *catalog)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < catalog->count; i++)
        json_array_append_new(list, pack_entry(&catalog->entries[i]));
    return bhi_answer_json(MHD_HTTP_OK, json_pack("{s:o}", "capsules", list));
}

static bhi_answer read_capsule(const bhi_catalog *catalog, const char *name)
{
    bhi_catalog_entry *entry = bhi_catalog_find(catalog, name);
    if (entry != NULL)
        return bhi_answer_json(MHD_HTTP_OK, pack_entry(entry));
    bh_error error;
    bh_status status = bhi_fail(&error, BH_E_NOT_FOUND, "no capsule is named \"%s\"", name);
    return bhi_answer_status(status, &error);
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
